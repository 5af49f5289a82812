from __future__ import annotations

from typing import Any

import pytest
import torch
from torchvision.transforms import v2

from tlx.augmentation.affine import RandomAffine
from tlx.augmentation.draws import draws_of

IMAGE = torch.randint(0, 256, (3, 20, 30), dtype=torch.uint8)
BILINEAR = v2.InterpolationMode.BILINEAR


@pytest.mark.parametrize(
    "options",
    [
        {"degrees": 90},
        {"degrees": 0, "shear": (20, 40, 0, 0)},
        {"degrees": 0, "shear": (0, 0, 15, 30)},
        {"degrees": 0, "translate": (0.3, 0.2)},
        {"degrees": 0, "scale": (0.5, 1.5)},
        {"degrees": 40, "translate": (0.2, 0.2), "scale": (0.7, 1.4), "shear": (-20, 20, -20, 20)},
    ],
    ids=["turn", "shear x", "shear y", "shift", "scale", "all"],
)
def test_random_affine_on_black_is_torchvision_s(options: dict[str, Any]) -> None:
    reference = v2.RandomAffine(**options, interpolation=BILINEAR, fill=None)
    for seed in range(10):
        with draws_of(seed):
            found = RandomAffine(reference, "constant")(IMAGE)
        with draws_of(seed):
            expected = reference(IMAGE)
        assert int((found.int() - expected.int()).abs().max()) <= 1
        assert found.dtype == torch.uint8


def test_random_affine_that_is_none_changes_nothing() -> None:
    for fill in ("constant", "nearest", "reflect"):
        assert RandomAffine(v2.RandomAffine(0), fill)(IMAGE).equal(IMAGE)


def test_random_affine_fills_with_the_edge_or_the_mirrored_image() -> None:
    class ToTheLeft(v2.RandomAffine):
        def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
            return super().make_params(flat_inputs) | {"translate": (-4, 0)}

    shift = ToTheLeft(0)
    for fill, padding in (("nearest", "edge"), ("reflect", "symmetric")):
        padded = v2.functional.pad(IMAGE, [0, 0, 4, 0], padding_mode=padding)
        assert RandomAffine(shift, fill)(IMAGE).equal(padded[..., 4:])  # type: ignore[arg-type]
