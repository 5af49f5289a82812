"""Whether loss and strategy suit what the data asks for: a class or a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tlx.config.groups import group_options
from tlx.config.installed import target_named
from tlx.config.options import target_of
from tlx.data.table_csv import TableCsv
from tlx.data.table_targets import REGRESSION
from tlx.errors import Fault

if TYPE_CHECKING:
    from tlx.config.plan import Plan


def goal_faults(plan: Plan) -> list[Fault]:
    """Return why a number cannot be learned as asked, or a class not by a loss of numbers.

    Args:
        plan: Whose data, backbone and strategy are sound by themselves.
    """
    wants_number = isinstance(plan.data, TableCsv) and plan.data.task == REGRESSION
    faults = []
    if takes_numbers(plan.training.loss) != wants_number:
        faults.append(_loss_fault(plan, wants_number))
    if wants_number:
        faults += _solving_faults(plan)
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


def _solving_faults(plan: Plan) -> list[Fault]:
    """Return a fault where a head would be solved for that tells classes apart."""
    from tlx.strategies.lp_ft import LpFt
    from tlx.strategies.probe import Probe

    module, name = plan.strategy.module, plan.recipe["strategy"]["name"]
    if issubclass(module, Probe):
        reason = "it solves for a head that tells classes apart, and the data asks for a number"
        return [Fault("strategy", name, reason, "Use strategy=feature_extraction.")]
    probe = plan.strategy.options.get("probe", "logistic")
    if issubclass(module, LpFt) and probe != "trained":
        reason = "it solves for a head that tells classes apart, and the data asks for a number"
        return [Fault("strategy.probe", probe, reason, "Use strategy.probe=trained.")]
    return []
