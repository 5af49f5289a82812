from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from tests.regularization.models import fitted, regularised, rows_model, rows_task
from tests.strategies.fits import fit, small_backbone, state_of, training
from tests.strategies.plain_loop import LR, MOMENTUM
from tlx.optimization.optimizers import sgd
from tlx.regularization.l2_sp import L2Sp
from tlx.regularization.starting_point import StartingPointPenalty
from tlx.strategies.base import Training, TransferModule
from tlx.strategies.fine_tuning.gradual import Gradual
from tlx.strategies.fine_tuning.partial import Partial
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse


def test_starting_point_penalty_is_half_alpha_times_the_squared_distance() -> None:
    layer = nn.Linear(2, 2)
    penalty = StartingPointPenalty({"weight": layer.weight}, 0.3)
    assert penalty() == 0
    moved = torch.tensor([[1.0, 0.0], [2.0, -1.0]])
    with torch.no_grad():
        layer.weight += moved
        layer.bias += 100
    value = penalty()
    assert float(value) == pytest.approx(0.15 * 6)
    value.backward()
    torch.testing.assert_close(layer.weight.grad, 0.3 * moved)
    assert layer.bias.grad is None
    assert penalty.undecayed == {"weight"}
    assert (dict(penalty.state_dict()), list(penalty.parameters())) == ({}, [])


def test_starting_point_penalty_weighs_each_weight_by_its_importance() -> None:
    weight = nn.Parameter(torch.zeros(3))
    importance = {"weight": torch.tensor([1.0, 0.0, 4.0])}
    penalty = StartingPointPenalty({"weight": weight}, 0.5, importance=importance)
    with torch.no_grad():
        weight += torch.tensor([2.0, 9.0, -1.0])
    penalty().backward()
    torch.testing.assert_close(weight.grad, 0.5 * torch.tensor([2.0, 0.0, -4.0]))


def test_l2_sp_is_torchs_sgd_with_decay_on_the_head_and_a_written_out_pull() -> None:
    reference, backbone = rows_model(), rows_model()
    state = fitted(
        TransferModule(StructureReuse(backbone), regularised(L2Sp(0.5), weight_decay=0.1)), epochs=5
    )
    start = state_of(reference)
    named = dict(reference.network.named_parameters())
    rest = [p for name, p in named.items() if name != "head.weight"]
    head = {"params": [named["head.weight"]], "weight_decay": 0.1}
    optimizer = torch.optim.SGD([head, {"params": rest}], lr=LR, momentum=MOMENTUM)
    train = rows_task().train
    for _ in range(5):
        optimizer.zero_grad()
        nn.functional.cross_entropy(reference(train.inputs), train.labels).backward()
        for name, parameter in named.items():
            if not name.startswith("head."):
                parameter.grad += 0.5 * (parameter.detach() - start[name])
        optimizer.step()
    for name, expected in reference.network.state_dict().items():
        torch.testing.assert_close(state[f"backbone.network.{name}"], expected)
    plain = fitted(TransferModule(StructureReuse(rows_model()), regularised(L2Sp(0.0))), epochs=5)
    assert not torch.allclose(
        plain["backbone.network.hidden1.weight"], state["backbone.network.hidden1.weight"]
    )


def test_l2_sp_under_a_prior_centred_on_a_finds_the_most_probable_weights() -> None:
    """Of a linear model, the minimum lies where the gradient of loss and pull cancel."""
    weight = nn.Parameter(torch.tensor([2.0, -1.0], dtype=torch.float64))
    alpha, x = 0.2, torch.randn(20, 2, dtype=torch.float64)
    y = x @ torch.tensor([1.0, 1.0], dtype=torch.float64)
    start = weight.detach().clone()
    penalty = StartingPointPenalty({"weight": weight}, alpha)
    optimizer = torch.optim.LBFGS([weight], max_iter=100, tolerance_grad=1e-10)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = 0.5 * (x @ weight - y).square().mean() + penalty()
        loss.backward()
        return loss

    optimizer.step(closure)
    # Bishop 2006, equations 3.50 and 3.51: prior N(w_A, 1 / (n alpha) I), unit noise.
    precision = 20 * alpha * torch.eye(2, dtype=torch.float64) + x.T @ x
    expected = torch.linalg.solve(precision, 20 * alpha * start + x.T @ y)
    torch.testing.assert_close(weight.detach(), expected, atol=1e-5, rtol=1e-5)


def test_l2_sp_holds_what_trains_and_neither_head_nor_buffers() -> None:
    backbone = small_backbone("resnet18")
    recipe = training(partial(sgd, lr=0.01, weight_decay=0.1))
    recipe = Training(recipe.loss, recipe.optimizer, recipe.schedule, terms={"penalty": L2Sp(1.0)})
    module = TransferModule(Partial(backbone, train_stages=["layer4"]), recipe)
    fit(module, epochs=1)
    assert "penalty" in module.terms
    held = module.terms["penalty"].undecayed
    assert held == {n for n, _ in backbone.network.named_parameters() if n.startswith("layer4.")}
    groups = {group["name"]: group for group in module.trainer.optimizers[0].param_groups}
    assert [p is backbone.network.fc.weight for p in groups["decay"]["params"]] == [True]
    assert groups["no_decay"]["weight_decay"] == 0


def test_l2_sp_holds_the_stages_of_every_phase_by_model_a() -> None:
    module = TransferModule(Gradual(rows_model(), every_epochs=1), regularised(L2Sp(1.0)))
    state = fitted(module, epochs=3)
    assert "penalty" in module.terms
    assert module.terms["penalty"].undecayed == {
        f"hidden{number}.{part}" for number in (1, 2) for part in ("weight", "bias")
    }
    free = fitted(
        TransferModule(Gradual(rows_model(), every_epochs=1), regularised(L2Sp(0.0))), epochs=3
    )
    start = rows_model().network.hidden2.weight
    name = "backbone.network.hidden2.weight"
    assert (state[name] - start).norm() < (free[name] - start).norm()
