"""Feature extraction: model A without its output layer, frozen, under a new head."""

from __future__ import annotations

from tlx.strategies.policy import Policy


class FeatureExtraction(Policy):
    """Freeze every stage of model A and train a new head on its features.

    For a target task that is similar to the source task and has little data: there are only
    `features x classes` weights to learn, so there is little to overfit. Source: Donahue et al.
    2014, "DeCAF"; Sharif Razavian et al. 2014, "CNN features off-the-shelf".
    """

    def trained_stages(self, epoch: int) -> frozenset[str]:  # noqa: ARG002
        """Return no stage: only the head trains."""
        return frozenset()
