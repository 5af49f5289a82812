"""How a run's image files are stored: as its network asks, or as it did when it was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tlx.data.images.stored.stored_form import EARLIER_SIZE, INTERPOLATIONS, StoredForm
from tlx.data.source import StoredForNetwork
from tlx.errors import ConfigError, Fault

if TYPE_CHECKING:
    from tlx.backbones.preprocess import Preprocess
    from tlx.plan.plan import Plan

TORCHVISION: Final = "tlx.data.images.torchvision_data.TorchvisionData"
IMAGE_FILES: Final = (
    "tlx.data.images.image_folder.ImageFolder",
    "tlx.data.images.image_table.ImageTable",
    TORCHVISION,
)  # fmt: skip


def stored_for_network(plan: Plan) -> Plan:
    """Return a plan whose image files will be stored as its network's own pipeline asks.

    Args:
        plan: A plan without faults.

    Raises:
        ConfigError: Where the pipeline takes more than it resizes to, and no size is given.
    """
    if not isinstance(plan.data, StoredForNetwork):
        return plan
    from_weights = plan.strategy.starts_from_weights
    pipeline = plan.source_model.input_pipeline(from_weights=from_weights)
    if pipeline is None:
        return plan
    wanted = wanted_form(pipeline)
    if wanted is None and plan.recipe["data"].get("size") is None:
        raise ConfigError([_no_form(pipeline)])
    return replace(plan, data=plan.data.for_network(wanted))


def wanted_form(pipeline: Preprocess) -> StoredForm | None:
    """Return what a pipeline begins with, as a stored form, or None where it has none.

    What is stored is all that the pipeline resizes to, as far as it is a square around its crop,
    so that augmentation finds the pixels which the pipeline has in reserve.
    """
    if pipeline.crop_size > pipeline.resize_size or pipeline.interpolation not in INTERPOLATIONS:
        return None
    return StoredForm(
        pipeline.resize_size,
        "squash" if pipeline.squash else "crop",
        pipeline.interpolation,
        pipeline.crop_size,
    )


def _no_form(pipeline: Preprocess) -> Fault:
    reason = (
        f"the weights' own pipeline resizes to {pipeline.resize_size} pixels "
        f"({pipeline.interpolation}) and cuts out {pipeline.crop_size}, which no stored square can "
        "give"
    )
    return Fault("data.size", None, reason, f"Use data.size={pipeline.crop_size}, for example.")


def as_earlier_runs_did(nodes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration in which runs that were recorded earlier store images as they did.

    They say nothing of `depth`, which was guessed for each file; torchvision's data sets had 224
    pixels where they said no size and have none of their own.

    Args:
        nodes: The groups of a configuration, as plain values.
    """
    data = nodes.get("data")
    if not isinstance(data, Mapping) or data.get("_target_") not in IMAGE_FILES or "depth" in data:
        return dict(nodes)
    earlier = dict(data) | {"depth": "picture"}
    if data["_target_"] == TORCHVISION and data.get("size") is None and not _has_own_size(data):
        earlier["size"] = EARLIER_SIZE
    return dict(nodes) | {"data": earlier}


def _has_own_size(data: Mapping[str, Any]) -> bool:
    from tlx.data.images.torchvision_names import KNOWN

    known = KNOWN.get(str(data.get("name", "CIFAR10")))
    return known is not None and known.side is not None
