"""Optimizers over named parameters, with the decay rules applied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Protocol

from pydantic import Field
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from tlx.optimization.parameter_groups import parameter_groups

NamedParameters = Iterable[tuple[str, nn.Parameter]]
LearningRate = Annotated[float, Field(gt=0)]
Decay = Annotated[float, Field(ge=0)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
Ratio = Annotated[float, Field(gt=0)]
LayerDecay = Annotated[float, Field(gt=0, le=1)]


class OptimizerFactory(Protocol):
    """Makes an optimizer for the parameters that train."""

    def __call__(self, parameters: NamedParameters) -> Optimizer:
        """Return the optimizer."""


def adamw(
    parameters: NamedParameters,
    *,
    lr: LearningRate = 1e-3,
    weight_decay: Decay = 0.05,
    betas: tuple[Momentum, Momentum] = (0.9, 0.999),
    head_lr_ratio: Ratio = 1.0,
    layer_decay: LayerDecay = 1.0,
) -> Optimizer:
    """Return AdamW (Loshchilov & Hutter 2019, "Decoupled weight decay regularization").

    Args:
        parameters: Names and parameters of everything that trains in any epoch.
        lr: Peak learning rate.
        weight_decay: Decoupled decay of the weights that decay.
        betas: Decay rates of the running means of the gradient and of its square.
        head_lr_ratio: Peak learning rate of the head over `lr`.
        layer_decay: Peak learning rate of a stage over that of the next one towards the head,
            whose own counts as `lr`.
    """
    groups = parameter_groups(
        parameters,
        weight_decay=weight_decay,
        lr=lr,
        head_lr_ratio=head_lr_ratio,
        layer_decay=layer_decay,
    )
    return AdamW(groups, lr=lr, betas=(betas[0], betas[1]))


def sgd(
    parameters: NamedParameters,
    *,
    lr: LearningRate = 1e-2,
    weight_decay: Decay = 1e-4,
    momentum: Momentum = 0.9,
    nesterov: bool = True,
    head_lr_ratio: Ratio = 1.0,
    layer_decay: LayerDecay = 1.0,
) -> Optimizer:
    """Return stochastic gradient descent with momentum (Sutskever et al. 2013).

    Args:
        parameters: Names and parameters of everything that trains in any epoch.
        lr: Peak learning rate.
        weight_decay: L2 penalty of the weights that decay.
        momentum: Share of the last step that is kept.
        nesterov: Whether to look ahead; needs momentum above 0.
        head_lr_ratio: Peak learning rate of the head over `lr`.
        layer_decay: Peak learning rate of a stage over that of the next one towards the head,
            whose own counts as `lr`.
    """
    groups = parameter_groups(
        parameters,
        weight_decay=weight_decay,
        lr=lr,
        head_lr_ratio=head_lr_ratio,
        layer_decay=layer_decay,
    )
    return SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov and momentum > 0)


def fuse_on_cpu(optimizer: Optimizer, *, in_phases: bool = False) -> Optimizer:
    """Let an optimizer of torch move each parameter in one pass, where all lie on the CPU.

    Torch itself does so only where it is asked, and passes over the memory once per term
    otherwise. The numbers differ by rounding. Elsewhere it fuses by itself.

    Args:
        optimizer: Any optimizer; of others than torch's AdamW and SGD nothing is changed.
        in_phases: Whether some parameters train later than others. Torch's fused SGD cannot start
            the momentum of a few of them, and is left as it is.

    Returns:
        The same optimizer.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    fusible = (AdamW,) if in_phases else (AdamW, SGD)
    if type(optimizer) in fusible and all(p.device.type == "cpu" for p in parameters):
        for group in optimizer.param_groups:
            group["fused"] = True
    return optimizer
