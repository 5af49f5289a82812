"""Whether data and backbone agree on what an example is: an image, or a row of features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlx.backbones.mlp.mlp_model import MlpModel
from tlx.data.tables.table_csv import TableCsv
from tlx.errors import Fault

if TYPE_CHECKING:
    from tlx.plan.plan import Plan


def input_faults(plan: Plan) -> list[Fault]:
    """Return why a backbone cannot take the examples of the data, or why they cannot be augmented.

    Args:
        plan: Whose data and backbone are sound by themselves.
    """
    gives_rows, takes_rows = (
        isinstance(plan.data, TableCsv),
        isinstance(plan.source_model, MlpModel),
    )
    name = plan.source_model.name
    if gives_rows and not takes_rows:
        reason = "it takes images, and data=table_csv gives rows of features"
        return [Fault("backbone", name, reason, "Use backbone=mlp.")]
    if takes_rows and not gives_rows:
        data = plan.recipe["data"]["name"]
        reason = f"it takes rows of features, and data={data} gives images"
        remedy = "Use data=table_csv, or a torchvision builder such as backbone=resnet18."
        return [Fault("backbone", "mlp", reason, remedy)]
    augmentation = plan.training.augmentation.name
    if gives_rows and augmentation != "none":
        reason = "rows of features cannot be augmented as images are"
        return [Fault("augmentation", augmentation, reason, "Use augmentation=none.")]
    return []
