from __future__ import annotations

from functools import partial

import numpy as np
import torch
from pytorch_lightning import seed_everything

from tests.strategies.fits import fit
from tlx.backbones import build_backbone
from tlx.data.splits import task_fingerprint
from tlx.data.task import NumberTarget, Split, Task, splits_of
from tlx.objectives.chosen import objective_of
from tlx.optimization.optimizers import adamw
from tlx.optimization.regression_losses import Mse
from tlx.optimization.schedules import warmup_cosine
from tlx.strategies.base import Training, TransferModule
from tlx.strategies.fine_tuning.feature_extraction import FeatureExtraction


def noisy_plane() -> Task:
    """Return 3 features and a number that is not linear in what a small network makes of them."""
    generator = torch.Generator().manual_seed(0)

    def split(first: int, rows: int) -> Split:
        features = torch.randn(rows, 3, generator=generator)
        numbers = features @ torch.tensor([1.0, -2.0, 0.5]) + torch.randn(rows, generator=generator)
        return Split(features, numbers, torch.arange(first, first + rows))

    train, val, test = split(0, 64), split(100, 8), split(200, 8)
    splits = splits_of(train, val, test)
    fingerprint = task_fingerprint(splits)
    return Task("plane", (), splits, fingerprint, number=NumberTarget("y"))


def test_linear_head_trained_on_squared_error_is_the_least_squares_solution() -> None:
    task = noisy_plane()
    seed_everything(0, verbose=False)
    backbone = build_backbone("mlp_3_tanh", num_classes=task.outputs, weights=None, image_size=3)
    optimizer = partial(adamw, lr=0.5, weight_decay=0.0)
    schedule = partial(warmup_cosine, warmup_fraction=0.05)
    objective = objective_of(task)
    training = Training(loss=Mse(), optimizer=optimizer, schedule=schedule, objective=objective)
    module = TransferModule(FeatureExtraction(backbone), training)
    fit(module, epochs=200, batch_size=64, task=task)

    with torch.no_grad():
        hidden = torch.tanh(backbone.network.hidden1(task.train.inputs))  # type: ignore[operator]
    design = np.c_[hidden.double().numpy(), np.ones(len(hidden))]
    expected, *_ = np.linalg.lstsq(design, task.train.labels.double().numpy(), rcond=None)
    head = backbone.network.head
    weight, bias = head.weight.detach(), head.bias.detach()  # type: ignore[union-attr, operator]
    found = torch.cat([weight[0], bias]).double().numpy()
    np.testing.assert_allclose(design @ found, design @ expected, atol=2e-3)
    assert module.training_settings.objective.selection.metric == "val_rmse"
