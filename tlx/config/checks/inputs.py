"""Whether data and backbone agree on what an example is: an image, or a row of features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlx.errors import Fault

if TYPE_CHECKING:
    from tlx.backbones.input_kind import InputKind
    from tlx.plan.plan import Plan

WORDS: Final[dict[InputKind, str]] = {"images": "images", "rows": "rows of features"}
REMEDIES: Final[dict[tuple[InputKind, InputKind], str]] = {
    ("images", "rows"): "Use backbone=mlp.",
    ("rows", "images"): "Use data=table_csv, or a torchvision builder such as backbone=resnet18.",
}
"""By what the backbone takes and the data give."""


def input_faults(plan: Plan) -> list[Fault]:
    """Return why a backbone cannot take the examples of the data, or why they cannot be augmented.

    Args:
        plan: Whose data and backbone are sound by themselves.
    """
    gives, takes = plan.data.gives.inputs, plan.source_model.takes
    data, model = plan.recipe["data"]["name"], plan.source_model.name
    if gives != takes:
        reason = f"it takes {WORDS[takes]}, and data={data} gives {WORDS[gives]}"
        backbone = model if takes == "images" else "mlp"
        return [Fault("backbone", backbone, reason, REMEDIES[takes, gives])]
    augmentation = plan.training.augmentation.name
    if gives == "rows" and augmentation != "none":
        reason = "rows of features cannot be augmented as images are"
        return [Fault("augmentation", augmentation, reason, "Use augmentation=none.")]
    return []
