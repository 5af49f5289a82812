"""Whether a regulariser goes with strategy, weights and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlx.errors import Fault
from tlx.regularization.none import NoRegularizer
from tlx.regularization.regularizer import Situation

if TYPE_CHECKING:
    from tlx.plan.plan import Plan


def regularizer_faults(plan: Plan) -> list[Fault]:
    """Return why a plan's regulariser has nothing to hold.

    Args:
        plan: Whose strategy's own options and whose model A are sound.
    """
    regularizer = plan.training.regularizer
    if isinstance(regularizer, NoRegularizer):
        return []
    return regularizer.faults(situation_of(plan))


def situation_of(plan: Plan) -> Situation:
    """Return what of a plan decides whether a regulariser makes sense."""
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
