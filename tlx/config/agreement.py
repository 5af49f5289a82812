"""Whether strategy, augmentation, batches and stored activations go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlx.activations.settings import why_images_change
from tlx.errors import Fault

if TYPE_CHECKING:
    from tlx.config.plan import Plan


def augmentation_faults(plan: Plan) -> list[Fault]:
    """Return why an augmentation cannot be had with a strategy, or with stored activations.

    Args:
        plan: Whose strategy's own options are sound.
    """
    from tlx.strategies.probe import Probe

    augmentation = plan.training.augmentation
    if augmentation.name != "none" and issubclass(plan.strategy.module, Probe):
        name = plan.recipe["strategy"]["name"]
        reason = f"strategy={name} solves for its head once, on the images as they are"
        return [Fault("augmentation", augmentation.name, reason, "Use augmentation=none.")]
    why = why_images_change(augmentation)
    if why is None or plan.activations.mode != "on":
        return []
    remedy = "Use activations=auto, or fix views: augmentation.views=4, without mixing."
    return [Fault("activations.mode", "on", why, remedy)]


def batch_faults(plan: Plan) -> list[Fault]:
    """Return a fault where batch norm would have to learn from single images."""
    from tlx.strategies.probe import Probe

    if plan.trainer.batch_size > 1 or issubclass(plan.strategy.module, Probe):
        return []
    trained = _trained_batch_norm(plan)
    if trained is None:
        return []
    reason = f"a batch of one image has no statistics for batch norm to train on ({trained})"
    remedy = "Use 2 or more, or a strategy that freezes these stages."
    return [Fault("trainer.batch_size", 1, reason, remedy)]


def _trained_batch_norm(plan: Plan) -> str | None:
    """Return the name of a batch norm that takes statistics of batches, if there is one."""
    from torch.nn.modules.batchnorm import _BatchNorm

    module = plan.module_without_weights()
    backbone, trained = module.backbone, module.ever_trained_stages()
    module.train()
    modes = {
        n: m.training for n, m in backbone.network.named_modules() if isinstance(m, _BatchNorm)
    }
    awake = next((name for name, is_training in modes.items() if is_training), None)
    if awake is not None:
        return awake
    owned = [n for s in backbone.stages if s.name in trained for n in s.parameter_names]
    return next((n.rpartition(".")[0] for n in owned if n.rpartition(".")[0] in modes), None)
