"""L2-SP with each weight held by how much model A's predictions depend on it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from tlx.errors import Fault
from tlx.objectives.terms import ModelInTraining, Situation, Term
from tlx.regularization.fisher import Labels, diagonal_fisher, with_mean_one
from tlx.regularization.l2_sp import held_parameters, untrained_faults
from tlx.regularization.regularizer import Regularizer, Weight
from tlx.regularization.replica import Replica
from tlx.regularization.source_head import source_head_of
from tlx.regularization.starting_point import StartingPointPenalty

if TYPE_CHECKING:
    from tlx.data.task import Split, Task

log = logging.getLogger("tlx")


@dataclass(frozen=True)
class FisherL2Sp(Regularizer):
    """Add `alpha / 2 * sum_j F_j (w_j - w_j^A)^2` over model A's weights that train.

    F is the diagonal of the Fisher information of *model A with its own output layer*, at A's
    weights, on *training images of the target task*, with labels drawn from A's own predictions
    (see `diagonal_fisher`): L2-SP-Fisher of Li et al. 2018 and the penalty of elastic weight
    consolidation (Kirkpatrick et al. 2017, "Overcoming catastrophic forgetting"). Both estimate F
    on images of the source task, which a transfer does not have at hand; the target's labels are
    not used, since they mean nothing to A's output layer. Everything else is as with
    `regularizer=l2_sp`; weights on which A's predictions do not depend move freely.

    As a prior: a Gaussian centred on model A whose precision is n alpha F, Laplace's
    approximation to what A's weights are known to be.

    Args:
        alpha: The strength.
        samples: Most images that F is estimated from, drawn with the run's seed; one forward pass
            and one backward pass each.
        labels: `sampled` draws one prediction for each image, `all` weighs every class of model A
            by its probability, as Li et al. write it, at one backward pass each.
        normalise: Scale F so that its mean over the held weights is 1, and alpha means what it
            does to `l2_sp`; false takes F as it is, as the papers do.
    """

    name: ClassVar[str] = "fisher_l2_sp"

    alpha: Weight = 0.01
    samples: Annotated[int, Field(ge=1)] = 256
    labels: Labels = "sampled"
    normalise: bool = True

    @property
    def needs_source_head(self) -> bool:
        """True: the Fisher information is of model A's own predictions."""
        return True

    def faults(self, situation: Situation) -> list[Fault]:
        """Return why there is no weight of model A to hold, or none of its predictions."""
        return super().faults(situation) or untrained_faults(self.name, situation)

    def bind(self, model: ModelInTraining, task: Task, device: torch.device) -> Term:
        """Return the term, around the weights as they are now."""
        held = held_parameters(model)
        importance = self.importance(model, task.train, held, device)
        return StartingPointPenalty(held, self.alpha, device, importance)

    def importance(
        self,
        model: ModelInTraining,
        train: Split,
        held: dict[str, nn.Parameter],
        device: torch.device,
    ) -> dict[str, Tensor]:
        """Return F by name.

        Args:
            model: The strategy over model A.
            train: Images, or their activations at the model's cut.
            held: The weights that the penalty holds.
            device: Where to compute.
        """
        replica, head = Replica(model, device), source_head_of(model.backbone, device)
        copies = replica.copies_of(held)
        for parameter in copies.values():
            parameter.requires_grad_(True)
        seed = model.seed
        drawn = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
        chosen = drawn[: self.samples]
        log.info("Fisher information of model A from %d training images", len(chosen))
        fisher = diagonal_fisher(
            lambda inputs: head(replica.features_with_gradient(inputs)),
            copies,
            replica.batches(train, chosen, batch_size=1),
            labels=self.labels,
            seed=seed,
        )
        return with_mean_one(fisher) if self.normalise else fisher
