from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.regularization.models import (
    CPU,
    SOURCE_CLASSES,
    bound,
    image_model,
    rows_model,
    rows_task,
)
from tests.strategies.fits import random_task, state_of
from tlx.regularization.fisher import diagonal_fisher, with_mean_one
from tlx.regularization.fisher_l2_sp import FisherL2Sp
from tlx.regularization.l2_sp import held_parameters


def logistic() -> tuple[nn.Linear, torch.Tensor]:
    torch.manual_seed(3)
    return nn.Linear(4, 3), torch.randn(10, 4)


def test_diagonal_fisher_of_logistic_regression_is_its_closed_form() -> None:
    layer, x = logistic()
    found = diagonal_fisher(layer, dict(layer.named_parameters()), x.split(1), labels="all")
    p = layer(x).softmax(dim=1).detach()
    spread = p * (1 - p)
    torch.testing.assert_close(found["bias"], spread.mean(dim=0))
    torch.testing.assert_close(found["weight"], spread.T @ x.square() / 10)


def test_diagonal_fisher_of_drawn_labels_is_the_same_on_average_and_seeded() -> None:
    layer, x = logistic()
    named = dict(layer.named_parameters())
    many = x.repeat(150, 1).split(1)
    before = torch.random.get_rng_state()
    drawn = diagonal_fisher(layer, named, many, labels="sampled", seed=5)
    assert torch.random.get_rng_state().equal(before)
    exact = diagonal_fisher(layer, named, x.split(1), labels="all")
    torch.testing.assert_close(drawn["weight"], exact["weight"], rtol=0.15, atol=0.02)
    first, again, other = (
        diagonal_fisher(layer, named, x.split(1), seed=seed)["weight"] for seed in (5, 5, 6)
    )
    assert first.equal(again)
    assert not first.equal(other)


def test_with_mean_one_keeps_proportions() -> None:
    scaled = with_mean_one({"a": torch.tensor([1.0, 3.0]), "b": torch.tensor([[0.0], [4.0]])})
    assert scaled["a"].tolist() == [0.5, 1.5]
    assert scaled["b"].tolist() == [[0.0], [2.0]]
    assert with_mean_one({"a": torch.zeros(2)})["a"].tolist() == [0.0, 0.0]


def test_fisher_l2_sp_weighs_by_model_a_s_own_answers_and_leaves_it_as_it_is() -> None:
    backbone, train = rows_model(), rows_task().train
    before = state_of(backbone)
    options = FisherL2Sp(labels="all", normalise=False)
    module = bound(options, backbone, rows_task())
    held = held_parameters(module)
    found = options.importance(module, train, held, CPU)
    source = backbone.source_head
    assert isinstance(source, nn.Linear)
    expected = {name: torch.zeros_like(p) for name, p in held.items()}
    for row in train.inputs:
        layers = backbone.network
        scores = layers.activation2(layers.hidden2(layers.activation1(layers.hidden1(row))))
        predictions = source(scores).log_softmax(dim=0)
        for answer in range(SOURCE_CLASSES):
            gradients = torch.autograd.grad(
                predictions[answer], list(held.values()), retain_graph=True
            )
            for name, gradient in zip(held, gradients, strict=True):
                expected[name] += (
                    float(predictions[answer].detach().exp()) * gradient.square() / len(train)
                )
    for name in expected:
        torch.testing.assert_close(found[name], expected[name])
    assert all(before[name].equal(value) for name, value in state_of(backbone).items())
    assert all(p.grad is None and p.requires_grad for p in held.values())
    assert [p.requires_grad for p in source.parameters()] == [True, True]


@pytest.mark.parametrize("labels", ["sampled", "all"])
def test_fisher_l2_sp_normalised_has_mean_one(labels) -> None:
    train = rows_task().train
    options = FisherL2Sp(labels=labels)
    module = bound(options, rows_model(), rows_task())
    found = options.importance(module, train, held_parameters(module), CPU)
    values = torch.cat([f.flatten() for f in found.values()])
    assert float(values.mean()) == pytest.approx(1, rel=1e-5)
    assert bool((values >= 0).all())


def test_fisher_l2_sp_looks_at_so_many_images_of_the_seed() -> None:
    train = rows_task(12).train
    few = FisherL2Sp(samples=1, labels="all", normalise=False)
    module = bound(few, rows_model(), rows_task(12))
    found = few.importance(module, train, held_parameters(module), CPU)
    chosen = int(torch.randperm(12, generator=torch.Generator().manual_seed(0))[0])
    one = type(train)(train.inputs[[chosen]], train.labels[[chosen]], train.sample_ids[[chosen]])
    same = few.importance(module, one, held_parameters(module), CPU)
    for name, values in found.items():
        torch.testing.assert_close(values, same[name])


def test_fisher_l2_sp_of_a_network_with_batch_norm_takes_images_one_by_one() -> None:
    train = random_task().train
    options = FisherL2Sp(samples=3)
    module = bound(options, image_model("mobilenet_v3_small"), random_task())
    found = options.importance(module, train, held_parameters(module), CPU)
    assert all(bool(values.isfinite().all()) for values in found.values())
    assert float(found["features.0.0.weight"].sum()) > 0
