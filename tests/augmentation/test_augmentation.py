from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torchvision.transforms import v2

from tlx.augmentation.augmentation import Augmentation, mixed
from tlx.augmentation.choices import classical, light, none, standard, strong
from tlx.augmentation.draws import draws_of
from tlx.augmentation.views import with_views
from tlx.data.task import Split, Task, splits_of

IMAGES = torch.randint(0, 256, (6, 3, 16, 12), dtype=torch.uint8)
GREY = IMAGES[:, :1]
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])
MADE = {"light": light(), "standard": standard(), "strong": strong(), "classical": classical()}
AT = partial(Augmentation.batch, classes=3, seed=5, epoch=2, step=3)


def changed(augmentation: Augmentation, **place: int) -> torch.Tensor:
    at = {"seed": 5, "epoch": 2, "step": 3} | place
    return augmentation.batch(IMAGES, LABELS, classes=3, **at)[0]


def test_none_gives_the_very_batch() -> None:
    images, labels = AT(none(), IMAGES, LABELS)
    assert images is IMAGES
    assert labels is LABELS
    assert not none().draws_in_steps


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("images", [IMAGES, GREY], ids=["colour", "grey"])
def test_each_choice_keeps_shape_type_and_labels(name: str, images: torch.Tensor) -> None:
    seen, labels = AT(MADE[name], images, LABELS)
    assert (seen.shape, seen.dtype) == (images.shape, torch.uint8)
    assert labels is LABELS
    assert not seen.equal(images)
    assert MADE[name].name == name


@pytest.mark.parametrize("name", MADE)
def test_each_choice_follows_from_seed_epoch_and_step_alone(name: str) -> None:
    augmentation = MADE[name]
    torch.manual_seed(0)
    first = changed(augmentation)
    torch.manual_seed(1)
    assert changed(augmentation).equal(first)
    for place in ({"seed": 6}, {"epoch": 3}, {"step": 4}):
        assert not changed(augmentation, **place).equal(first)
    # Epoch and step must not add up.
    assert not changed(augmentation, epoch=3, step=2).equal(first)


def test_augmentation_leaves_torch_s_own_draws_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    changed(strong(mixup_alpha=1.0))
    assert torch.rand(4).equal(expected)


def test_draws_of_are_put_back_after_an_error() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with pytest.raises(IndexError), draws_of(1, 2):
        torch.rand(2)[2]
    assert torch.get_rng_state().equal(before)


@pytest.mark.parametrize("name", MADE)
def test_each_choice_draws_for_every_image_by_itself(name: str) -> None:
    same = IMAGES[:1].expand(32, -1, -1, -1)
    seen, _ = AT(MADE[name], same, torch.zeros(32, dtype=torch.long))
    assert len({image.numpy().tobytes() for image in seen}) > 8


def test_light_without_shifts_is_a_mirror_image_of_about_half() -> None:
    many = torch.randint(0, 256, (400, 1, 2, 6), dtype=torch.uint8)
    seen, _ = AT(light(padding=0.0), many, torch.zeros(400, dtype=torch.long))
    mirrored = [bool(a.equal(b.flip(-1))) for a, b in zip(seen, many, strict=True)]
    assert all(m or a.equal(b) for m, a, b in zip(mirrored, seen, many, strict=True))
    assert 150 < sum(mirrored) < 250


def test_light_without_flips_shifts_by_at_most_the_padding() -> None:
    coordinates = torch.arange(16, dtype=torch.uint8).view(1, 1, 16, 1).expand(200, 1, 16, 16)
    seen, _ = AT(light(flip=0.0, padding=0.125), coordinates, torch.zeros(200, dtype=torch.long))
    shifts = {int(image[0, 8, 8]) - 8 for image in seen}
    assert shifts == {-2, -1, 0, 1, 2}


def test_strong_is_torchvision_s_trivial_augment_wide() -> None:
    augmentation = strong(flip=0.0, padding=0.0)
    seen = changed(augmentation)
    reference = v2.TrivialAugmentWide(interpolation=v2.InterpolationMode.BILINEAR)
    with draws_of(5, 2, 3):
        expected = []
        for image in IMAGES:
            torch.rand(1)  # for the flip that never happens
            expected.append(reference(image))
            torch.rand(1)  # for the erasing that never happens
    assert seen.equal(torch.stack(expected))


def test_classical_on_black_is_torchvision_s_random_affine() -> None:
    options: Any = {"horizontal_flip": False, "fill_mode": "constant"}
    seen = changed(classical(**options))
    bilinear = v2.InterpolationMode.BILINEAR
    reference = v2.RandomAffine(
        15.0, (0.1, 0.1), (0.9, 1.1), 10.0, interpolation=bilinear, fill=None
    )
    with draws_of(5, 2, 3):
        expected = []
        for image in IMAGES:
            expected.append(reference(image))
            torch.rand(1)  # for the flips that never happen
            torch.rand(1)
    assert int((seen.int() - torch.stack(expected).int()).abs().max()) <= 1


@pytest.mark.parametrize("fill_mode", ["nearest", "reflect", "constant"])
def test_classical_fills_what_lies_beyond_the_edge(fill_mode: Any) -> None:
    white = torch.full((20, 1, 16, 16), 255, dtype=torch.uint8)
    far = classical(
        rotation_range=0, shear_range=0, zoom_range=0, width_shift_range=0.4,
        height_shift_range=0.4, fill_mode=fill_mode,
    )  # fmt: skip
    seen, _ = AT(far, white, torch.zeros(20, dtype=torch.long))
    assert (int(seen.min()) == 0) == (fill_mode == "constant")


def test_classical_shifts_by_a_share_of_the_side_whatever_the_filling() -> None:
    columns = torch.arange(40, dtype=torch.uint8).view(1, 1, 1, 40).expand(300, 1, 40, 40)
    for fill_mode in ("constant", "nearest"):
        shift = classical(
            rotation_range=0, shear_range=0, zoom_range=0, width_shift_range=0.1,
            height_shift_range=0, horizontal_flip=False, fill_mode=fill_mode,
        )  # fmt: skip
        seen, _ = AT(shift, columns, torch.zeros(300, dtype=torch.long))
        assert {int(image[0, 20, 20]) - 20 for image in seen} == set(range(-4, 5))


def test_mixup_gives_the_sum_of_neighbours_and_of_their_classes() -> None:
    with draws_of(1):
        seen, shares = mixed(IMAGES, LABELS, 3, 1.0, 0.0)
    share = float(shares[1, 1])  # image 1 of class 1, mixed with image 0 of class 0
    assert 0 < share < 1
    expected = share * IMAGES.float() + (1 - share) * IMAGES.roll(1, 0).float()
    assert float((seen.float() - expected).abs().max()) <= 0.51
    assert shares.sum(dim=1).allclose(torch.ones(6))
    one_hot = torch.nn.functional.one_hot(LABELS, 3).float()
    assert shares.allclose(share * one_hot + (1 - share) * one_hot.roll(1, 0))


def test_cutmix_takes_every_pixel_from_one_of_two_neighbours() -> None:
    with draws_of(3):
        seen, shares = mixed(IMAGES, LABELS, 3, 0.0, 1.0)
    own, other = (seen == IMAGES).all(1), (seen == IMAGES.roll(1, 0)).all(1)
    assert bool((own | other).all())
    boxed = 1 - own.float().mean(dim=(1, 2))
    # Of neighbours of different classes the share of pixels is the share of the class.
    assert torch.isclose(shares[1, 0], boxed[1], atol=1e-4)


def test_both_kinds_of_mixing_happen_where_both_are_asked_for() -> None:
    augmentation = Augmentation("mixes", None, 1.0, 1.0)
    kinds = set()
    for step in range(12):
        seen, _ = augmentation.batch(IMAGES, LABELS, classes=3, seed=0, epoch=0, step=step)
        kinds.add(bool(((seen == IMAGES) | (seen == IMAGES.roll(1, 0))).all()))
    assert kinds == {True, False}


def test_views_with_mixing_are_a_fault() -> None:
    assert [str(fault) for fault in light(views=2, mixup_alpha=0.2).faults()] == [
        "augmentation.views=2: views are fixed, mixup and cutmix draw anew in every step. Leave "
        "it out, or set augmentation.mixup_alpha=0 augmentation.cutmix_alpha=0."
    ]
    assert light(views=2).faults() == light(mixup_alpha=0.2).faults() == []


def task() -> Task:
    split = Split(IMAGES, LABELS, torch.arange(6) + 10)
    return Task("noise", ("a", "b", "c"), splits_of(split, split, split), "print")


def test_views_are_fixed_by_seed_and_number() -> None:
    seen = with_views(task(), strong(views=3), seed=7)
    assert seen.train.inputs.shape == (18, 3, 16, 12)
    assert seen.train.labels.tolist() == LABELS.tolist() * 3
    assert seen.train.sample_ids.tolist() == list(range(10, 16)) * 3
    assert seen.val.inputs is IMAGES
    for number in range(3):
        view = strong(views=3).view(IMAGES, seed=7, number=number)
        assert seen.train.inputs[6 * number : 6 * number + 6].equal(view)
    more = with_views(task(), strong(views=4), seed=7)
    assert more.train.inputs[:18].equal(seen.train.inputs)
    assert not with_views(task(), strong(views=3), seed=8).train.inputs.equal(seen.train.inputs)


def test_without_views_the_task_is_the_same() -> None:
    given = task()
    assert with_views(given, strong(), seed=7) is given
    assert not strong(views=2).draws_in_steps
