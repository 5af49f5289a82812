"""A subset of a task's classes."""

from __future__ import annotations

from collections.abc import Sequence

from tlx.errors import Fault, did_you_mean
from tlx.texts.names import composed_form

FEWEST_CLASSES = 2


def chosen_classes(
    class_names: Sequence[str], classes: Sequence[str | int] | None
) -> tuple[str, ...]:
    """Return the chosen classes in the order of the data set, not in that of the choice.

    Args:
        class_names: All classes.
        classes: Names; None chooses all.
    """
    if classes is None:
        return tuple(class_names)
    asked = {composed_form(str(name)) for name in classes}
    return tuple(name for name in class_names if composed_form(name) in asked)


def class_faults(class_names: Sequence[str], classes: Sequence[str | int] | None) -> list[Fault]:
    """Return what is wrong with a choice of classes.

    Args:
        class_names: All classes of the data set.
        classes: The choice; None chooses all.
    """
    known = set(map(composed_form, class_names))
    faults = [
        Fault("data.classes", name, "there is no such class", did_you_mean(str(name), known))
        for name in classes or ()
        if composed_form(str(name)) not in known
    ]
    if faults or len(chosen_classes(class_names, classes)) >= FEWEST_CLASSES:
        return faults
    if classes is None:
        only = ", ".join(map(repr, class_names)) or "none"
        reason = f"the data has a single class ({only}), there is nothing to tell apart"
        return [Fault("data", only, reason, "Give images of two classes or more.")]
    chosen = [str(name) for name in classes]
    reason = "one class alone leaves nothing to tell apart"
    return [Fault("data.classes", chosen, reason, "Name two classes or more.")]
