from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.regularization.models import (
    CPU,
    bound,
    fitted,
    image_model,
    regularised,
    rows_model,
    rows_task,
    step_of,
)
from tests.strategies.fits import random_task, small_backbone
from tests.strategies.plain_loop import LR, MOMENTUM
from tlx.errors import TlxError
from tlx.regularization.distillation_loss import softened_divergence
from tlx.regularization.feature_distillation import FeatureDistillation
from tlx.regularization.replica import Replica
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse


def gradient_at(temperature: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(4, 5, generator=generator, requires_grad=True)
    teacher = torch.randn(4, 5, generator=generator)
    softened_divergence(student, teacher, temperature).backward()
    share = (student / temperature).softmax(1) - (teacher / temperature).softmax(1)
    torch.testing.assert_close(student.grad, temperature * share.detach() / 4)
    return student.grad


def test_softened_divergence_keeps_the_size_of_its_gradient_at_any_temperature() -> None:
    norms = {t: float(gradient_at(t).norm()) for t in (1.0, 100.0, 1000.0)}
    assert norms[100.0] == pytest.approx(norms[1000.0], rel=0.02)
    assert 0.3 < norms[1000.0] / norms[1.0] < 3


def test_softened_divergence_at_high_temperature_is_the_distance_of_centred_logits() -> None:
    torch.manual_seed(1)
    student, teacher = torch.randn(2, 3, 4, dtype=torch.float64)
    difference = student - teacher
    centred = difference - difference.mean(dim=1, keepdim=True)
    # Hinton et al. 2015, equation 4: half the squared difference over the number of classes.
    expected = centred.square().sum(dim=1).mean() / (2 * 4)
    torch.testing.assert_close(
        softened_divergence(student, teacher, 1e3), expected, rtol=1e-2, atol=1e-6
    )


def test_softened_divergence_has_the_gradient_of_the_paper_s_cross_entropy() -> None:
    torch.manual_seed(2)
    teacher, temperature = torch.randn(3, 4), 2.0
    leaves = [torch.randn(3, 4).requires_grad_(True) for _ in range(2)]
    with torch.no_grad():
        leaves[1].copy_(leaves[0])
    softened_divergence(leaves[0], teacher, temperature).backward()
    # Equations 2 and 3 of Li and Hoiem 2016: y^(1/T), normalised.
    kept, now = (
        p ** (1 / temperature) / (p ** (1 / temperature)).sum(1, keepdim=True)
        for p in (teacher.softmax(1), leaves[1].softmax(1))
    )
    (-(temperature**2) * (kept * now.log()).sum(1).mean()).backward()
    torch.testing.assert_close(leaves[0].grad, leaves[1].grad)


def test_logits_start_at_no_distance_and_old_head_trains_along_outside_of_model_b() -> None:
    backbone = rows_model()
    source = backbone.source_head
    assert isinstance(source, nn.Linear)
    start, kept = source.weight.detach().clone(), set(backbone.network.state_dict())
    module = TransferModule(
        StructureReuse(backbone), regularised(FeatureDistillation(), weight_decay=0.0)
    )
    state = fitted(module, epochs=1)
    assert float(module.trainer.callback_metrics["train_penalty"]) == pytest.approx(0, abs=1e-6)
    state = fitted(module, epochs=4)
    assert float(module.trainer.callback_metrics["train_penalty"]) > 0
    assert not state["terms.penalty.source_head.weight"].equal(start)
    assert {n for n in state if not n.startswith("backbone.network.")} == {
        "terms.penalty.source_head.weight",
        "terms.penalty.source_head.bias",
    }
    assert set(backbone.network.state_dict()) == kept


def test_logits_train_as_a_written_out_loop_over_both_heads_does() -> None:
    options = FeatureDistillation(weight=0.7, temperature=3.0)
    state = fitted(TransferModule(StructureReuse(rows_model()), regularised(options)), epochs=4)
    network, teacher = rows_model(), rows_model()
    old, frozen = network.source_head, teacher.source_head
    assert isinstance(old, nn.Linear)
    assert isinstance(frozen, nn.Linear)
    train = rows_task().train
    body, kept_body = (m.network[:-1] for m in (network, teacher))
    kept = (frozen(kept_body(train.inputs)) / 3).softmax(1).detach()
    parameters = [*network.network.parameters(), *old.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=LR, momentum=MOMENTUM)
    for _ in range(4):
        optimizer.zero_grad()
        features = body(train.inputs)
        loss = nn.functional.cross_entropy(network.head(features), train.labels)
        divergence = (kept * (kept.log() - (old(features) / 3).log_softmax(1))).sum(1).mean()
        (loss + 0.7 * 9 * divergence).backward()
        optimizer.step()
    for name, expected in network.network.state_dict().items():
        torch.testing.assert_close(state[f"backbone.network.{name}"], expected)
    torch.testing.assert_close(state["terms.penalty.source_head.weight"], old.weight.detach())


@pytest.mark.parametrize("distance", ["mse", "cosine"])
def test_features_are_held_by_their_distance(distance) -> None:
    backbone, split = rows_model(), rows_task().train
    options = FeatureDistillation(target="features", distance=distance, weight=2.0)
    module = bound(options, backbone, rows_task())
    kept = step_of(module, split)["target"].features.detach()
    assert float(module.terms["penalty"](step_of(module, split)).detach()) == pytest.approx(
        0, abs=1e-6
    )
    with torch.no_grad():
        backbone.network.hidden2.weight += 0.5
    step = step_of(module, split)
    now = step["target"].features.detach()
    products, norms = (now * kept).sum(1), now.norm(dim=1) * kept.norm(dim=1)
    expected = (now - kept).square().mean() if distance == "mse" else (1 - products / norms).mean()
    torch.testing.assert_close(module.terms["penalty"](step).detach(), 2 * expected)
    assert dict(module.terms["penalty"].state_dict()) == {}


def test_features_before_a_convolution_are_pooled() -> None:
    task = random_task()
    options = FeatureDistillation(target="features")
    module = TransferModule(StructureReuse(small_backbone("squeezenet1_1")), regularised(options))
    module.eval()
    penalty = options.bind(module, task, CPU)
    step = step_of(module, task.train)
    assert step["target"].features.ndim == 4
    assert float(penalty(step)) == pytest.approx(0, abs=1e-6)


def test_replica_is_model_a_in_eval_without_gradients_whatever_becomes_of_model_b() -> None:
    backbone, train = image_model("mobilenet_v3_small"), random_task().train
    module = TransferModule(
        StructureReuse(backbone), regularised(FeatureDistillation(target="features"))
    )
    backbone.eval()
    kept = step_of(module, train)["target"].features.detach()
    backbone.train()
    replica = Replica(module, CPU)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.mul_(2)
    backbone(backbone.preprocess(train.inputs))  # moves running statistics
    found = replica.features(module.network_inputs(train.inputs))
    torch.testing.assert_close(found, kept)
    assert not found.requires_grad
    assert not any(part.training for part in replica.network.modules())
    assert not any(p.requires_grad for p in replica.network.parameters())


def test_logits_of_a_model_a_without_an_output_layer_are_refused_with_a_remedy() -> None:
    module = TransferModule(
        StructureReuse(small_backbone("resnet18")), regularised(FeatureDistillation())
    )
    with pytest.raises(TlxError) as caught:
        FeatureDistillation().bind(module, random_task(), CPU)
    assert str(caught.value) == (
        "resnet18 from scratch has no output layer of its own that is one linear map to classes, "
        "so it gives no predictions to hold on to. Use regularizer=l2_sp, or relation_distillation."
    )
