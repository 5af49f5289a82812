"""Whether loss and strategy suit what the data asks for: a class or a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tlx.config.choices.groups import group_options
from tlx.config.choices.installed import target_named
from tlx.config.choices.options import target_of
from tlx.errors import Fault

if TYPE_CHECKING:
    from tlx.plan.plan import Plan


def objective_faults(plan: Plan) -> list[Fault]:
    """Return why a number cannot be learned as asked, or a class not by a loss of numbers.

    Args:
        plan: Whose data, backbone and strategy are sound by themselves.
    """
    wants_number = plan.data.gives.predicts == "number"
    faults = []
    if takes_numbers(plan.training.loss) != wants_number:
        faults.append(_loss_fault(plan, wants_number))
    if wants_number:
        name = plan.recipe["strategy"]["name"]
        faults += plan.strategy.policy.number_faults(name, **plan.strategy.options)
    return faults


def takes_numbers(loss: Any) -> bool:
    """Return whether a loss, or its class, compares one output with a number."""
    return bool(getattr(loss, "takes_numbers", False))


def _loss_fault(plan: Plan, wants_number: bool) -> Fault:
    choices = " or ".join(f"loss={name}" for name in _losses(wants_number))
    if wants_number:
        reason = "it tells classes apart, and the data asks for a number"
        remedy = f"Use {choices}, or data=table_regression, which chooses mse."
    else:
        reason = "it is for a number, and the data asks for a class"
        remedy = f"Use {choices}."
    return Fault("loss", plan.recipe["loss"]["name"], reason, remedy)


def _losses(for_numbers: bool) -> list[str]:
    """Return the installed losses of a kind."""
    names = [option.name for option in group_options()["loss"]]
    targets = {name: target_of({"_target_": target_named("loss", name)}) for name in names}
    return [name for name, target in targets.items() if takes_numbers(target) == for_numbers]
