from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from tests.regularization.models import bound, rows_model, rows_task, step_of
from tlx.regularization.relation_distillation import RelationDistillation
from tlx.regularization.relations import angle_loss, distance_loss


def huber(difference: float) -> float:
    return 0.5 * difference**2 if abs(difference) <= 1 else abs(difference) - 0.5


def distances_written_out(features: Tensor) -> dict[tuple[int, int], float]:
    pairs = list(itertools.permutations(range(len(features)), 2))
    lengths = {(i, j): math.dist(features[i].tolist(), features[j].tolist()) for i, j in pairs}
    mean = sum(lengths.values()) / len(lengths)
    return {pair: length / mean for pair, length in lengths.items()}


def cosines_written_out(features: Tensor) -> dict[tuple[int, int, int], float]:
    rows = features.tolist()
    found = {}
    for i, j, k in itertools.permutations(range(len(rows)), 3):
        one = [a - b for a, b in zip(rows[i], rows[j], strict=True)]
        other = [a - b for a, b in zip(rows[k], rows[j], strict=True)]
        product = sum(a * b for a, b in zip(one, other, strict=True))
        found[i, j, k] = product / (math.hypot(*one) * math.hypot(*other))
    return found


def mean_huber(student: dict, teacher: dict) -> float:
    assert student.keys() == teacher.keys()
    return sum(huber(student[key] - teacher[key]) for key in student) / len(student)


def features() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    student = torch.randn(6, 5, generator=generator)
    student[0] *= 20  # far enough out for Huber's straight part
    return student, torch.randn(6, 3, generator=generator)


def test_distance_loss_is_the_written_out_loop_over_pairs() -> None:
    student, teacher = features()
    expected = mean_huber(distances_written_out(student), distances_written_out(teacher))
    assert float(distance_loss(student, teacher)) == pytest.approx(expected, rel=1e-5)


def test_angle_loss_is_the_written_out_loop_over_triples() -> None:
    student, teacher = features()
    expected = mean_huber(cosines_written_out(student), cosines_written_out(teacher))
    assert float(angle_loss(student, teacher)) == pytest.approx(expected, rel=1e-5)


def test_relations_do_not_see_turns_shifts_and_stretches() -> None:
    _, teacher = features()
    turn = torch.linalg.qr(torch.randn(3, 3))[0]
    student = 7 * teacher @ turn + 5
    assert float(distance_loss(student, teacher)) == pytest.approx(0, abs=1e-9)
    assert float(angle_loss(student, teacher)) == pytest.approx(0, abs=1e-9)
    assert float(distance_loss(student * torch.tensor([1.0, 2.0, 3.0]), teacher)) > 1e-3


@pytest.mark.parametrize("loss", [distance_loss, angle_loss])
def test_relations_of_equal_or_too_few_examples_have_finite_gradients(loss) -> None:
    _, teacher = features()
    for student in (torch.zeros(6, 3), teacher[[0, 0, 1, 2, 2, 3]], torch.randn(6, 3)):
        leaf = student.clone().requires_grad_(True)
        loss(leaf, teacher).backward()
        assert bool(leaf.grad.isfinite().all())
        assert float(leaf.grad.abs().max()) < 100
    for count in (1, 2):
        leaf = torch.randn(count, 3, requires_grad=True)
        value = loss(leaf, teacher[:count])
        value.backward()
        assert float(value) == pytest.approx(0, abs=1e-12)


def test_relation_distillation_adds_both_losses_by_their_weights() -> None:
    backbone, split = rows_model(), rows_task().train
    module = bound(
        RelationDistillation(distance_weight=3.0, angle_weight=0.5), backbone, rows_task()
    )
    kept = step_of(module, split)["target"].features.detach()
    assert float(module.terms["penalty"](step_of(module, split))) == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        backbone.network.hidden1.weight += torch.randn(7, 6)
    step = step_of(module, split)
    expected = 3 * distance_loss(step["target"].features, kept) + 0.5 * angle_loss(
        step["target"].features, kept
    )
    value = module.terms["penalty"](step)
    torch.testing.assert_close(value, expected)
    assert float(value) > 0.01
    value.backward()
    assert float(backbone.network.hidden1.weight.grad.abs().sum()) > 0
