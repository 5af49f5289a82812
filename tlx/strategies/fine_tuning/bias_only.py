"""Training the biases alone, and a new head."""

from __future__ import annotations

from tlx.strategies.freezing import stage_parameters
from tlx.strategies.parameter_kinds import bias_parameters
from tlx.strategies.policy import Policy


class BiasOnly(Policy):
    """Train every bias of model A, those of its norms too, and a new head; freeze the rest.

    For transformers with little data: about a thousandth of the weights train. Batch norm keeps
    model A's statistics. Source: Ben Zaken, Goldberg and Ravfogel 2022, "BitFit"; Cai et al. 2020,
    "TinyTL".
    """

    def trained_stages(self, epoch: int) -> frozenset[str]:  # noqa: ARG002
        """Return no stage: of each, the biases alone train."""
        return frozenset()

    def trained_parameters(self, epoch: int | None = None) -> frozenset[str]:  # noqa: ARG002
        """Return the biases, and all parameters of the head."""
        return stage_parameters(self.backbone, ()) | bias_parameters(self.backbone.network)

    def describe(self) -> str:
        """Return one line for the console: what trains and what is frozen."""
        count = len(bias_parameters(self.backbone.network))
        return f"trains {count} biases, head; the rest frozen"
