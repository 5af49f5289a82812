"""What the objectives have in common: how outputs become predictions, scores and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tlx.objectives.selection import Selection

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor, nn

    from tlx.data.task import Split


class Scores(Protocol):
    """The scores of one split."""

    @property
    def to_maximise(self) -> float:
        """The score that a sweeper maximises."""

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values, ready for `json.dumps`."""


class Tally(Protocol):
    """The validation scores of one epoch, batch by batch."""

    def add(self, outputs: Tensor, labels: Tensor) -> None:
        """Take a batch: outputs (n, k) of the network, and labels (n,)."""

    def values(self) -> dict[str, float]:
        """Return the scores by their columns of the history, `val_loss` first."""


S = TypeVar("S", bound=Scores)


class Objective(Protocol[S]):
    """What a task asks for."""

    @property
    def name(self) -> str:
        """What it is called; the file that shows its scores has the same name."""

    @property
    def selection(self) -> Selection:
        """The score that epochs are chosen by."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that validation gives to the history."""

    @property
    def returned(self) -> str:
        """What the record calls the score that a sweeper maximises."""

    @property
    def digits(self) -> int:
        """How many significant digits its predictions are written with."""

    @property
    def words(self) -> str:
        """What is to be predicted, for the console."""

    def tally(self, loss: nn.Module) -> Tally:
        """Return an empty tally; `loss` is what is trained with."""

    def predictions(self, outputs: Tensor) -> Tensor:
        """Return what outputs (n, k) of the network say, one row or number for each."""

    def scores(self, predictions: Tensor, labels: Tensor) -> S:
        """Return the scores of predictions, by a split's labels (n,)."""

    def table(self, split_name: str, split: Split, predictions: Tensor) -> pd.DataFrame:
        """Return one row per example: where it comes from, what is true, what was predicted."""

    def card_scores(self, scores: S) -> dict[str, float]:
        """Return the scores that a model's card tells."""
