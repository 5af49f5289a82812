"""A multilayer perceptron's name, which says all of its structure but its input width."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tlx.errors import Fault

FAMILY: Final = "mlp"
ACTIVATIONS: Final = ("elu", "gelu", "leaky_relu", "relu", "sigmoid", "silu", "tanh")
_NAME: Final = re.compile(r"mlp((?:_[1-9]\d*)+)_([a-z_]+?)(?:_dropout(0\.\d+))?")


@dataclass(frozen=True)
class MlpStructure:
    """The hidden layers of a multilayer perceptron.

    Args:
        hidden: Width of each hidden layer, in order.
        activation: What follows each of them, one of `ACTIVATIONS`.
        dropout: Share of the activations that training sets to zero behind each hidden layer.
    """

    hidden: tuple[int, ...]
    activation: str = "relu"
    dropout: float = 0.0

    @property
    def name(self) -> str:
        """The builder name, such as `mlp_50_50_relu` or `mlp_8_tanh_dropout0.1`."""
        widths = "_".join(map(str, self.hidden))
        dropout = f"_dropout{self.dropout:f}".rstrip("0") if self.dropout else ""
        return f"{FAMILY}_{widths}_{self.activation}{dropout}"


def mlp_structure(name: str) -> MlpStructure | None:
    """Return the structure that a builder name spells, or None where it is no MLP's name."""
    match = _NAME.fullmatch(name)
    if match is None or match[2] not in ACTIVATIONS:
        return None
    hidden = tuple(int(width) for width in match[1].split("_")[1:])
    return MlpStructure(hidden, match[2], float(match[3] or 0))


def is_mlp(name: str) -> bool:
    """Return whether a builder makes a multilayer perceptron, which takes features."""
    return mlp_structure(name) is not None


def fits_weights_of(name: str, other: str) -> bool:
    """Return whether a builder takes another's weights: the same one, whatever its dropout."""
    own, theirs = mlp_structure(name), mlp_structure(other)
    if own is None or theirs is None:
        return name == other
    return (own.hidden, own.activation) == (theirs.hidden, theirs.activation)


def width_fault(features: int, bound_to: int) -> Fault:
    """Return the fault of weights for another number of features than the table has.

    Args:
        features: Of the table, as prepared.
        bound_to: Of the weights.
    """
    reason = f"the weights take {bound_to} features, and the table gives {features}"
    remedy = (
        "Give a table with the same columns and prepare it as theirs was "
        "(data.preparation=RUN), or train from scratch."
    )
    return Fault("backbone.weights", "mlp", reason, remedy)
