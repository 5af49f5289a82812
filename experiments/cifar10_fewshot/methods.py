"""What is compared: the methods, their families, and the learning rates to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

Options = Mapping[str, str | int | float]
LOW: Final = (3e-4,)
HIGH: Final = (3e-3,)
SCRATCH: Final = "from scratch"
RETRAINED: Final = "structure_reuse"


@dataclass(frozen=True)
class Method:
    """One way from model A to the target task.

    Args:
        name: What tables call it.
        family: What else it is drawn with.
        strategy: Option of `strategy=`.
        rates: Learning rates to choose from, or the one to take; none where the head is solved
            for, or where that of `rate_of` is taken.
        rate_of: The method with whose learning rate it trains; its own where this is empty.
        regularizer: Option of `regularizer=`.
        options: Further options of the strategy.
        lengthening: Factor on the epochs of the others.
    """

    name: str
    family: str
    strategy: str
    rates: tuple[float, ...] = ()
    rate_of: str = ""
    regularizer: str = "none"
    options: Options = field(default_factory=dict)
    lengthening: int = 1


@dataclass(frozen=True)
class Amount:
    """A number of labels per class, and the fit that goes with it.

    Args:
        labels: Training images per class.
        epochs: Passes over them.
        batch_size: Images per step.
    """

    labels: int
    epochs: int
    batch_size: int


FROZEN: Final = "A frozen"
SOME: Final = "part of A"
ALL: Final = "all of A"
HELD: Final = "all of A, held near it"
FAMILIES: Final = (FROZEN, SOME, ALL, HELD)

METHODS: Final = (
    Method(
        SCRATCH, "no A", "structure_reuse", (3e-3, 1e-2), options={"init": "scratch"}, lengthening=3
    ),
    Method("probe_knn", FROZEN, "probe_knn"),
    Method("probe_ridge", FROZEN, "probe_ridge"),
    Method("probe_logistic", FROZEN, "probe_logistic"),
    Method("feature_extraction", FROZEN, "feature_extraction", HIGH),
    Method("bias_only", SOME, "bias_only", rate_of="norm_only"),
    Method("norm_only", SOME, "norm_only", HIGH),
    Method("ssf", SOME, "ssf", rate_of="norm_only"),
    Method("lora", SOME, "lora", HIGH),
    Method("partial", SOME, "partial", LOW),
    Method("surgical", SOME, "surgical", rate_of="partial", options={"shift": "feature"}),
    Method(RETRAINED, ALL, RETRAINED, LOW),
    Method("gradual", ALL, "gradual", rate_of=RETRAINED),
    Method("lp_ft", ALL, "lp_ft", (1e-4,)),
    *(
        Method(name, HELD, RETRAINED, rate_of=RETRAINED, regularizer=name)
        for name in (
            *("l2_sp", "fisher_l2_sp", "feature_distillation"),
            *("relation_distillation", "co_tuning"),
        )
    ),
)

AMOUNTS: Final = (
    Amount(labels=5, epochs=25, batch_size=10),
    Amount(labels=20, epochs=15, batch_size=20),
    Amount(labels=100, epochs=8, batch_size=32),
)
TUNED_AT: Final = 20
SEEDS: Final = (0, 1, 2)
