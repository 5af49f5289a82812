"""Whether the parts of a plan go together: every other check, in an order that makes sense."""

from __future__ import annotations

from tlx.activations.phases import cuts_of
from tlx.config.checks.inputs import input_faults
from tlx.config.checks.objective import objective_faults
from tlx.config.checks.terms import term_faults
from tlx.config.checks.training import augmentation_faults, batch_faults, step_faults
from tlx.errors import Fault
from tlx.objectives.terms import streams_of
from tlx.plan.plan import Plan
from tlx.training.device import device_faults


def plan_faults(plan: Plan) -> list[Fault]:
    """Return what is wrong with a plan as a whole, before any work.

    What can only be judged of sound parts is left out where a part is at fault.

    Args:
        plan: Whose options are right one by one.
    """
    from_weights = plan.strategy.starts_from_weights
    model_faults = plan.source_model.faults(from_weights=from_weights)
    faults = [*plan.data.faults(), *model_faults, *device_faults(plan.trainer)]
    faults += [*plan.training.augmentation.faults(), *plan.logger.faults()]
    if model_faults:
        return faults
    disagreeing = input_faults(plan)
    if disagreeing:
        return [*faults, *disagreeing]
    faults += objective_faults(plan)
    return [*faults, *(_strategy_faults(plan) or _use_faults(plan))]


def _strategy_faults(plan: Plan) -> list[Fault]:
    return plan.strategy.policy.faults(
        plan.source_model.stage_names(),
        backbone_name=plan.source_model.name,
        has_weights=plan.source_model.weights is not None,
        **plan.strategy.options,
    )


def _use_faults(plan: Plan) -> list[Fault]:
    """Return what of the strategy does not go with how it is to be trained."""
    faults = augmentation_faults(plan) or _activation_faults(plan)
    return [*faults, *term_faults(plan), *step_faults(plan), *batch_faults(plan)]


def _activation_faults(plan: Plan) -> list[Fault]:
    if plan.activations.mode != "on":
        return []
    streams = streams_of(plan.training.terms)
    if streams:
        reason = f"a step takes batches of {', '.join(streams)} as well, which are not kept"
        remedy = "Use activations=auto, or off."
        return [Fault("activations.mode", "on", reason, remedy)]
    if cuts_of(plan.module_without_weights(), plan.trainer.epochs).names:
        return []
    reason = f"strategy={plan.recipe['strategy']['name']} trains the first stage"
    remedy = "No activations stay the same: use activations=auto, or off."
    return [Fault("activations.mode", "on", reason, remedy)]
