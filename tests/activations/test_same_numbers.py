"""With the store or without: the same losses, weights and scores, for every family."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Trainer

from tests.activations.asked import CPU
from tests.strategies.fits import (
    changed,
    families,
    fit,
    random_task,
    small_backbone,
    state_of,
    training,
)
from tlx.activations.serve import Served, serve
from tlx.activations.settings import ActivationSettings
from tlx.objectives.predictions import predict, predict_cached
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.feature_extraction import FeatureExtraction
from tlx.strategies.fine_tuning.partial import Partial

# Comparing a hundred million weights takes longer than training them: the head alone.
LARGE = {"vgg11_bn", "vit_b_32", "wide_resnet50_2"}
LOSSES = ("train_loss", "val_loss", "val_accuracy")


@dataclass
class Outcome:
    losses: dict[str, torch.Tensor]
    weights: dict[str, torch.Tensor]
    probabilities: torch.Tensor


def outcome_of(module: TransferModule, trainer: Trainer) -> Outcome:
    losses = {name: trainer.callback_metrics[name] for name in LOSSES}
    probabilities = predict(module.backbone, random_task().test)
    return Outcome(losses, state_of(module.backbone), probabilities)


def fit_cached(module: TransferModule, folder: Path, *, epochs: int, batch_size: int) -> Outcome:
    """Fit as `fit` does, on activations; the network before the cut may not run in the fit."""
    served = served_to(module, folder)
    assert served.cached is not None
    module.take_cached_inputs(served.cached.tail)
    first = module.backbone.get_submodule(f"network.{module.backbone.stages[0].module_names[0]}")
    handle = first.register_forward_hook(lambda *_: pytest.fail("the prefix ran"))
    task = served.cached.task
    trainer = fit(module, epochs=epochs, batch_size=batch_size, task=task)
    tail, scored = served.cached.scoring_tail, served.cached.scored
    probabilities = predict_cached(tail, scored["test"])
    handle.remove()
    losses = {name: trainer.callback_metrics[name] for name in LOSSES}
    return Outcome(losses, state_of(module.backbone), probabilities)


def served_to(module: TransferModule, folder: Path) -> Served:
    return serve(ActivationSettings(folder=str(folder)), random_task(), module, CPU)


def assert_same(stored: Outcome, plain: Outcome) -> None:
    for part in ("losses", "probabilities"):
        ours, theirs = getattr(stored, part), getattr(plain, part)
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    for name, value in stored.weights.items():
        if not value.equal(plain.weights[name]):
            torch.testing.assert_close(value, plain.weights[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", families())
def test_every_family_with_the_store_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    module: TransferModule = (
        TransferModule(FeatureExtraction(small_backbone(name)), training())
        if name in LARGE
        else TransferModule(Partial(small_backbone(name), train_stages=1), training())
    )
    before = state_of(module.backbone)
    plain = outcome_of(module, fit(module, epochs=1, batch_size=8))
    assert changed(before, module.backbone)
    for key, value in module.backbone.network.state_dict().items():
        value.copy_(before[key])
    assert_same(fit_cached(module, tmp_path, epochs=1, batch_size=8), plain)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "swin_t"])
def test_feature_extraction_with_the_store_gives_the_same_numbers(
    name: str, tmp_path: Path
) -> None:
    plain, stored = (
        TransferModule(FeatureExtraction(small_backbone(name)), training()) for _ in range(2)
    )
    expected = outcome_of(plain, fit(plain, epochs=3))
    assert_same(fit_cached(stored, tmp_path, epochs=3, batch_size=4), expected)


def test_frozen_stages_behind_the_cut_stay_in_eval(tmp_path: Path) -> None:
    # Stages 2 and 4 train: the store ends behind layer1, layer3 is frozen behind the cut.
    stages = ["layer2", "layer4"]
    plain = TransferModule(Partial(small_backbone("resnet18"), train_stages=stages), training())
    stored = TransferModule(Partial(small_backbone("resnet18"), train_stages=stages), training())
    assert stored.frozen_prefix() == "layer1"
    before = state_of(stored.backbone)
    expected = outcome_of(plain, fit(plain))
    found = fit_cached(stored, tmp_path, epochs=2, batch_size=4)
    assert {n.split(".")[0] for n in changed(before, stored.backbone)} == {"layer2", "layer4", "fc"}
    assert_same(found, expected)


def test_dropout_of_the_tail_draws_what_it_draws_in_the_whole(tmp_path: Path) -> None:
    seen: list[torch.Tensor] = []
    for folder in (None, tmp_path):
        module = TransferModule(Partial(small_backbone("mobilenet_v2"), train_stages=1), training())
        dropout = module.backbone.network.classifier[0]
        masks: list[torch.Tensor] = []
        handle = dropout.register_forward_hook(lambda m, i, o, kept=masks: kept.append(o == 0))
        if folder is None:
            fit(module)
        else:
            fit_cached(module, folder, epochs=2, batch_size=4)
        handle.remove()
        trained = [mask for mask in masks if mask.shape[0] == 4]
        assert len(trained) == 4
        seen.append(torch.stack(trained))
    assert seen[0].equal(seen[1])


def test_mixed_precision_trains_on_mixed_and_scores_full_activations(tmp_path: Path) -> None:
    module = TransferModule(Partial(small_backbone("resnet18"), train_stages=1), training())
    settings = ActivationSettings(folder=str(tmp_path))
    compute = replace(CPU, precision="bf16-mixed")
    served = serve(settings, random_task(), module, compute)
    assert served.cached is not None
    assert [(e["split"], e["dtype"]) for e in served.record["entries"]] == [
        ("train", "bfloat16"),
        ("val", "bfloat16"),
        ("val", "float32"),
        ("test", "float32"),
    ]
    module.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        expected = module(random_task().val.inputs)
        module.take_cached_inputs(served.cached.tail)
        assert module(served.cached.task.val.inputs).equal(expected)
    module.take_cached_inputs(None)
    full = predict(module.backbone, random_task().val)
    assert predict_cached(served.cached.scoring_tail, served.cached.scored["val"]).equal(full)


def test_checkpoints_hold_each_weight_once_and_fit_a_run_without_the_store(tmp_path: Path) -> None:
    module = TransferModule(FeatureExtraction(small_backbone("resnet18")), training())
    names = set(module.state_dict())
    served = served_to(module, tmp_path)
    assert served.cached is not None
    module.take_cached_inputs(served.cached.tail)
    assert set(module.state_dict()) == names
    assert len(list(module.parameters())) == len(list(module.backbone.parameters()))
