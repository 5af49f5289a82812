from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.regularization.models import (
    SOURCE_CLASSES,
    bound,
    fitted,
    regularised,
    rows_model,
    rows_task,
    step_of,
)
from tests.strategies.plain_loop import LR, MOMENTUM
from tlx.optimization.parameter_groups import StagedParameters
from tlx.regularization.class_relationship import class_relationship
from tlx.regularization.co_tuning import CoTuning
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse


def test_class_relationship_is_the_mean_answer_to_each_class() -> None:
    predictions = torch.tensor([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    found = class_relationship(predictions, torch.tensor([0, 0, 2]), 3)
    torch.testing.assert_close(found[0], torch.tensor([0.7, 0.3]))
    torch.testing.assert_close(found[2], torch.tensor([0.2, 0.8]))
    torch.testing.assert_close(found[1], predictions.mean(dim=0))


def relationship(temperature: float = 1.0) -> torch.Tensor:
    """Return p(y_s | y_t) class by class."""
    model, train = rows_model(), rows_task().train
    assert isinstance(model.source_head, nn.Linear)
    predictions = (model.source_head(model.network[:-1](train.inputs)) / temperature).softmax(1)
    rows = [predictions[train.labels == label].mean(dim=0) for label in range(3)]
    return torch.stack(rows).detach()


def test_co_tuning_trains_as_a_written_out_loop_over_both_heads_does() -> None:
    options = CoTuning(weight=1.5, temperature=2.0)
    state = fitted(TransferModule(StructureReuse(rows_model()), regularised(options)), epochs=4)
    model, train = rows_model(), rows_task().train
    old = model.source_head
    assert isinstance(old, nn.Linear)
    targets = relationship(2.0)[train.labels]
    parameters = [*model.network.parameters(), *old.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=LR, momentum=MOMENTUM)
    for _ in range(4):
        optimizer.zero_grad()
        features = model.network[:-1](train.inputs)
        loss = nn.functional.cross_entropy(model.head(features), train.labels)
        (loss + 1.5 * nn.functional.cross_entropy(old(features), targets)).backward()
        optimizer.step()
    for name, expected in model.network.state_dict().items():
        torch.testing.assert_close(state[f"backbone.network.{name}"], expected)
    torch.testing.assert_close(state["terms.penalty.source_head.weight"], old.weight.detach())
    assert {name for name in state if "source_head" in name} == {
        "terms.penalty.source_head.weight",
        "terms.penalty.source_head.bias",
    }


def test_co_tuning_of_mixed_images_mixes_the_relationships() -> None:
    task = rows_task()
    split = task.train
    module = bound(CoTuning(), rows_model(), task)
    step = step_of(module, split)
    seen = step["target"]
    shares = torch.rand(len(split), 3).softmax(dim=1)
    value = module.terms["penalty"]({"target": replace(seen, labels=shares)})
    logits = module.terms["penalty"].source_head(seen.features)
    expected = 2.3 * nn.functional.cross_entropy(logits, shares @ relationship())
    torch.testing.assert_close(value, expected)
    whole = nn.functional.one_hot(split.labels, 3).float()
    torch.testing.assert_close(
        module.terms["penalty"]({"target": replace(seen, labels=whole)}),
        module.terms["penalty"](step),
    )


def test_old_head_decays_and_learns_at_the_rate_of_the_last_stage() -> None:
    recipe = regularised(CoTuning(), weight_decay=0.1, head_lr_ratio=10.0, layer_decay=0.5)
    module = TransferModule(StructureReuse(rows_model()), recipe)
    module.bind_terms(rows_task(), torch.device("cpu"))
    staged = module._staged_parameters()
    assert isinstance(staged, StagedParameters)
    assert len(dict(staged.named)["penalty.source_head.bias"]) == SOURCE_CLASSES
    optimizer = recipe.optimizer(staged)
    (group,) = (
        g for g in optimizer.param_groups
        if any(p is module.terms["penalty"].source_head.weight for p in g["params"])
    )  # fmt: skip
    assert (group["lr"], group["weight_decay"]) == (pytest.approx(LR * 0.5), 0.1)
    (last,) = (
        g for g in optimizer.param_groups
        if any(p is module.backbone.network.hidden2.weight for p in g["params"])
    )  # fmt: skip
    assert last is group
    assert module.policy.parameter_counts()["trained"] == module.policy.parameter_counts()["total"]
