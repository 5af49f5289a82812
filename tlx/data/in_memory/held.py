"""The task of examples that a Python program gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tlx.data.in_memory.deal import Dealt, deal
from tlx.data.source import Given
from tlx.data.tables.table_targets import FEWEST_ROWS
from tlx.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from tlx.data.images.stored.stored_form import StoredForm
    from tlx.data.in_memory.examples import Examples
    from tlx.data.in_memory.source import InMemory
    from tlx.data.source import TaskSource
    from tlx.data.tables.features.preparation import Preparation
    from tlx.data.task import NumberTarget, Task

NAME = "in_memory"


@dataclass(frozen=True, repr=False, eq=False)
class Held:
    """A task of examples in memory.

    Args:
        examples: What the program gave.
        options: What is done with them.
        form: How image files are stored.
    """

    examples: Examples
    options: InMemory
    form: StoredForm | None = None

    @property
    def gives(self) -> Given:
        """What the examples are, and what is to be predicted of them."""
        return Given(
            inputs="rows" if self.examples.kind == "rows" else "images",
            predicts="classes" if self.examples.class_names else "number",
            splits=("train", "val"),
        )

    @property
    def _are_rows(self) -> bool:
        return self.gives.inputs == "rows"

    def faults(self) -> list[Fault]:
        """Return what is wrong with the options, before any work."""
        faults = [*_unused(self.examples, self.options)]
        if self._are_rows and self.options.preparation is not None:
            found = self._preparation_of_run()
            faults += [found] if isinstance(found, Fault) else []
        return faults

    def load(self) -> Task:
        """Return the task, which has no test split.

        Raises:
            TlxError: Where a file gives no image.
        """
        from tlx.data.splits import task_fingerprint
        from tlx.data.task import Split, Task

        examples, options = self.examples, self.options
        fewest = 1 if examples.class_names else FEWEST_ROWS
        dealt = deal(examples.strata, options.val_fraction, options.seed, fewest=fewest)
        inputs, about, files = self._inputs(dealt)
        number = self._number(dealt.train)
        labels = examples.targets if number is None else number.scaled(examples.targets)
        parts = {"train": dealt.train, "val": dealt.val}
        splits = {
            name: Split(inputs[part], _tensor(labels[part]), _tensor(part))
            for name, part in parts.items()
        }
        return Task(
            name=NAME,
            class_names=examples.class_names,
            splits=splits,
            fingerprint=task_fingerprint(splits),
            about=about | _told(examples, dealt),
            files=files,
            number=number,
        )

    def _inputs(self, dealt: Dealt) -> tuple[Tensor, dict[str, Any], dict[str, Any]]:
        """Return all inputs, what is recorded of them, and what the run keeps in files."""
        inputs = self.examples.inputs
        if isinstance(inputs, tuple):
            from tlx.data.images.stored.stored_form import USUAL_FORM
            from tlx.data.in_memory.image_files import decoded

            form = self.form or USUAL_FORM
            return decoded(inputs, form), {"form": form.to_dict()}, {}
        if not self._are_rows:
            return _tensor(inputs), {}, {}
        from tlx.data.in_memory.rows import features_of
        from tlx.data.tables.features.preparation import PREPARATION_FILE

        learned = self._preparation(dealt.train)
        features = features_of(inputs, self.examples.columns, learned)
        kept = {PREPARATION_FILE: learned.to_dict()}
        return _tensor(features), {"features": list(learned.feature_names)}, kept

    def _preparation(self, train: NDArray[np.int64]) -> Preparation:
        from tlx.data.in_memory.rows import learned_preparation

        if self.options.preparation is not None:
            found = self._preparation_of_run()
            assert not isinstance(found, Fault), "faults() found none"
            return found
        scaling = self.options.scaling or "standard"
        return learned_preparation(self.examples, train, scaling, self.options.seed)

    def _preparation_of_run(self) -> Preparation | Fault:
        from tlx.data.in_memory.rows import preparation_of_run

        return preparation_of_run(str(self.options.preparation), self.examples)

    def _number(self, train: NDArray[np.int64]) -> NumberTarget | None:
        """Return the number to predict, trained on with mean 0 and variance 1."""
        from tlx.data.tables.features.learning import scales_of
        from tlx.data.task import NumberTarget

        if self.gives.predicts == "classes":
            return None
        centres, scales = scales_of(self.examples.targets[train][:, None], "standard")
        return NumberTarget(self.examples.target_name, centres[0], scales[0])


class HeldFiles(Held):
    """A task of image files, which are stored as a network asks."""

    def for_network(self, wanted: StoredForm | None) -> TaskSource:
        """Return the same data, stored for one network.

        Args:
            wanted: How that network's own pipeline brings images of any size to one.
        """
        from tlx.data.images.stored.stored_form import USUAL_FORM, StoredForm

        asked = self.options
        form = replace(wanted or USUAL_FORM, depth=asked.depth)
        if asked.size is not None:
            form = StoredForm(asked.size, asked.resize, depth=asked.depth)
        elif asked.resize != "crop":
            form = replace(form, resize=asked.resize)
        return replace(self, form=form)


def held(examples: Examples, options: InMemory) -> Held:
    """Return the task of a program's examples.

    Args:
        examples: What the program gives.
        options: What is done with them.
    """
    return (HeldFiles if examples.kind == "files" else Held)(examples, options)


def _tensor(values: Any) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(values))


def _unused(examples: Examples, options: InMemory) -> list[Fault]:
    """Return a fault for each option that says nothing about such examples."""
    goes_with = {
        "scaling": (options.scaling, "rows", "rows of numbers"),
        "preparation": (options.preparation, "rows", "rows of numbers"),
        "size": (options.size, "files", "image files"),
    }
    faults = [
        Fault(f"data.{name}", value, f"it goes with {words}", "Leave it out.")
        for name, (value, kind, words) in goes_with.items()
        if value is not None and kind != examples.kind
    ]
    if options.scaling is not None and options.preparation is not None:
        reason = f"data.preparation={options.preparation} says how rows are scaled"
        faults.append(Fault("data.scaling", options.scaling, reason, "Leave one of them out."))
    return faults


def _told(examples: Examples, dealt: Dealt) -> dict[str, Any]:
    """Return what is recorded of a deal that could not give every group a validation example."""
    names = examples.class_names
    told: dict[str, Any] = {"validated_on_training_examples": dealt.learns_from_val}
    if names and dealt.spared_none:
        told["classes_without_validation"] = [names[group] for group in dealt.spared_none]
    return told
