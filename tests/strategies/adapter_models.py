"""What the tests of the adapter methods ask: logits, plain states, fits broken off and taken up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback
from torch import Tensor, nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformerBlockV2

from tests.strategies.fits import CLASSES
from tests.training.interrupts import StopInEpoch, interrupts_restored
from tlx.backbones import Backbone, build_backbone
from tlx.backbones.mlp.mlp_model import MlpModel
from tlx.backbones.preprocess import Preprocess
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.runs.run import Run, RunInterrupted
from tlx.strategies.base import TransferModule
from tlx.training.fit import prepare

MLP = "mlp_6_5_relu"
FEATURES, SIZE = 7, 32
FAMILIES = ["resnet18", "convnext_tiny", "vit_b_32", "swin_t", "swin_v2_t", MLP]


def _network(name: str) -> nn.Module:
    """Return a network of torchvision's, in its family's structure, as small as may be."""
    if name == "vit_b_32":
        return models.VisionTransformer(SIZE, 16, 2, 2, 8, 12, num_classes=CLASSES)
    if name == "convnext_tiny":
        settings = [CNBlockConfig(8, 12, 1), CNBlockConfig(12, None, 1)]
        return models.ConvNeXt(settings, num_classes=CLASSES)
    sizes: dict[str, Any] = {"embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2]}
    if name == "swin_v2_t":
        sizes |= {"block": SwinTransformerBlockV2, "downsample_layer": PatchMergingV2}
    return models.SwinTransformer([4, 4], window_size=[4, 4], num_classes=CLASSES, **sizes)


def backbone_of(name: str) -> Backbone:
    """Return a small backbone of a family, the same each time, for three classes."""
    torch.manual_seed(0)
    if name == MLP:
        return MlpModel(hidden=(6, 5)).build(CLASSES, input_shape=(FEATURES,))
    if name in ("vit_b_32", "convnext_tiny", "swin_t", "swin_v2_t"):
        preprocess = Preprocess(SIZE, SIZE)
        backbone = Backbone(name, _network(name), preprocess=preprocess, num_classes=CLASSES)
        nn.init.normal_(backbone.head.weight)  # ViT's begins with zeros
        return backbone
    return build_backbone(name, num_classes=CLASSES, weights=None, image_size=SIZE)


def examples_of(backbone: Backbone) -> Tensor:
    """Return four prepared examples, the same each time."""
    generator = torch.Generator().manual_seed(2)
    shape = (FEATURES,) if backbone.name == MLP else (3, SIZE, SIZE)
    return torch.randn(4, *shape, generator=generator)


@torch.no_grad()
def logits_of(backbone: Backbone) -> Tensor:
    """Return the logits of the examples in evaluation, shape (4, 3)."""
    modes = {module: module.training for module in backbone.modules()}
    logits: Tensor = backbone.eval()(examples_of(backbone))
    for module, mode in modes.items():
        module.training = mode
    return logits


def plain_logits(name: str, state: dict[str, Tensor]) -> Tensor:
    """Return what torchvision's own network gives with a state, loaded strictly."""
    backbone = backbone_of(name)
    backbone.network.load_state_dict(state)
    return logits_of(backbone)


def assert_close(found: Tensor, expected: Tensor, by: float = 1e-5) -> None:
    """Assert that the farthest of two sets of logits are apart by a share of the largest."""
    assert float((found - expected).abs().max()) <= by * float(expected.abs().max())


@torch.no_grad()
def disturb(module: TransferModule, by: float = 0.1) -> None:
    """Move all that a method added to the layers away from where it began."""
    generator = torch.Generator().manual_seed(3)
    for name, parameter in module.backbone.network.named_parameters():
        if name in module.policy.added_parameters():
            parameter += by * torch.randn(parameter.shape, generator=generator)


def fitted(folder: Path, *words: str, stop_in_epoch: int | None = None) -> dict[str, Tensor]:
    """Fit as a configuration says, and return the network's state at the end.

    Args:
        folder: The run's; one that holds a run is resumed.
        words: Overrides.
        stop_in_epoch: Where to break off, before the fit is taken up again in a new process's way.
    """
    if stop_in_epoch is not None:
        run = Run.start(folder)
        with interrupts_restored(), pytest.raises(RunInterrupted), run.recording():
            _prepared(run, words, StopInEpoch(stop_in_epoch)).run()
        run = Run.resume(folder)
        assert run.last_checkpoint is not None
        torch.load(run.last_checkpoint, weights_only=True)
    else:
        run = Run.start(folder)
    fitting = _prepared(run, words)
    fitting.run()
    return dict(fitting.module.backbone.network.state_dict())


def _prepared(run: Run, words: tuple[str, ...], *callbacks: Callback) -> Any:
    plan = checked_plan(compose_config(list(words)))
    task = plan.data.load()
    torch.manual_seed(plan.seed)
    backbone = plan.source_model.build(len(task.class_names), from_weights=False)
    module = plan.strategy.apply(backbone, plan.training)
    fitting = prepare(plan, task, module, run)
    fitting.trainer.callbacks.extend(callbacks)
    return fitting
