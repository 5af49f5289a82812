"""Whether terms of the loss go with strategy, weights and data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlx.errors import Fault
from tlx.objectives.terms import Situation, streams_of

if TYPE_CHECKING:
    from tlx.plan.plan import Plan


def term_faults(plan: Plan) -> list[Fault]:
    """Return why a term of a plan's loss has nothing to hold, or lacks a stream of batches.

    Args:
        plan: Whose strategy's own options and whose model A are sound.
    """
    terms = plan.training.terms
    if not terms:
        return []
    situation = situation_of(plan)
    faults = [fault for term in terms.values() for fault in term.faults(situation)]
    return faults or _stream_faults(plan)


def _stream_faults(plan: Plan) -> list[Fault]:
    """Return which splits the terms need that the data do not give."""
    given = plan.data.gives.splits
    missing = [name for name in streams_of(plan.training.terms) if name not in given]
    if not missing:
        return []
    reason = f"a term of the loss needs batches of {', '.join(missing)}, and it gives " + ", ".join(
        given
    )
    remedy = "Use data that gives it, or leave the term out."
    return [Fault("data", plan.recipe["data"]["name"], reason, remedy)]


def situation_of(plan: Plan) -> Situation:
    """Return what of a plan decides whether a term makes sense."""
    from tlx.backbones.source_heads import why_no_source_head

    name, model = plan.recipe["strategy"]["name"], plan.source_model
    from_weights = model.weights is not None and plan.strategy.starts_from_weights
    if plan.strategy.policy.solves or not from_weights:
        solves = plan.strategy.policy.solves
        return Situation(name, solves=solves, from_weights=from_weights)
    module = plan.module_without_weights()
    staged = {n for stage in module.backbone.stages for n in stage.parameter_names}
    return Situation(
        name,
        trains_features=not module.policy.trained_parameters().isdisjoint(staged),
        predicts_number=bool(getattr(plan.training.loss, "takes_numbers", False)),
        trained_weights=module.trained_source_weights(),
        why_no_source_head=why_no_source_head(model.name, model.weights, model.weights_key),
    )
