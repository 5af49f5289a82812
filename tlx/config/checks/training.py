"""Whether strategy, augmentation, batches and stored activations go together."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from tlx.activations.settings import why_images_change
from tlx.errors import Fault

if TYPE_CHECKING:
    from tlx.plan.plan import Plan


def augmentation_faults(plan: Plan) -> list[Fault]:
    """Return why an augmentation cannot be had with a strategy, or with stored activations.

    Args:
        plan: Whose strategy's own options are sound.
    """
    augmentation = plan.training.augmentation
    if augmentation.name != "none" and plan.strategy.policy.solves:
        name = plan.recipe["strategy"]["name"]
        reason = f"strategy={name} solves for its head once, on the images as they are"
        return [Fault("augmentation", augmentation.name, reason, "Use augmentation=none.")]
    why = why_images_change(augmentation)
    if why is None or plan.activations.mode != "on":
        return []
    remedy = "Use activations=auto, or fix views: augmentation.views=4, without mixing."
    return [Fault("activations.mode", "on", why, remedy)]


def step_faults(plan: Plan) -> list[Fault]:
    """Return what is asked of the steps of a probe, which takes none."""
    if not plan.strategy.policy.solves:
        return []
    solves = f"strategy={plan.recipe['strategy']['name']} solves for its head"
    faults, decay = [], plan.trainer.ema_decay
    if decay is not None:
        reason = f"{solves}, and takes no steps to average over"
        faults.append(Fault("trainer.ema_decay", decay, reason, "Use null."))
    weights = getattr(plan.training.loss, "class_weights", "none")
    if weights != "none":
        reason = f"{solves} by a loss of its own"
        faults.append(Fault("loss.class_weights", weights, reason, "Use none."))
    return faults


def batch_faults(plan: Plan) -> list[Fault]:
    """Return what is wrong with the fit's length and batches.

    A fit may be too short for its strategy's phases, and batch norm cannot learn from single
    images.
    """
    if plan.strategy.policy.solves:
        return []
    phases = _phase_faults(plan)
    trained = _trained_batch_norm(plan) if plan.trainer.batch_size == 1 else None
    if trained is None:
        return phases
    reason = f"a batch of one image has no statistics for batch norm to train on ({trained})"
    remedy = "Use 2 or more, or a strategy that freezes these stages."
    return [*phases, Fault("trainer.batch_size", 1, reason, remedy)]


def _trained_batch_norm(plan: Plan) -> str | None:
    """Return the name of a batch norm that takes statistics of batches, if there is one."""
    from torch.nn.modules.batchnorm import _BatchNorm

    module = plan.module_without_weights()
    backbone, trained = module.backbone, module.policy.ever_trained_stages()
    module.train()
    modes = {
        n: m.training for n, m in backbone.network.named_modules() if isinstance(m, _BatchNorm)
    }
    awake: str | None = next((name for name, is_on in modes.items() if is_on), None)
    if awake is not None:
        return awake
    owned = [n for s in backbone.stages if s.name in trained for n in s.parameter_names]
    holders = [str(name).rpartition(".")[0] for name in owned]
    return next((holder for holder in holders if holder in modes), None)


def _phase_faults(plan: Plan) -> list[Fault]:
    """Return a fault where the fit ends before all of a strategy's phases have come."""
    policy, epochs = plan.module_without_weights().policy, plan.trainer.epochs
    never = policy.ever_trained_stages() - policy.trained_stages(epochs - 1)
    if not never:
        return []
    names = [name for name in policy.backbone.stage_names if name in never]
    needed = next(
        e for e in count(epochs) if not policy.ever_trained_stages() - policy.trained_stages(e)
    )
    reason = f"the fit ends before {', '.join(names)} would train"
    remedy = f"Train {needed + 1} epochs or more, or fewer in the strategy's first phases."
    return [Fault("trainer.epochs", epochs, reason, remedy)]
