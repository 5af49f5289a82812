"""What every strategy shares: a backbone in training, of which some stages may be frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from tlx.augmentation.augmentation import Augmentation
from tlx.objectives.classification import Classification
from tlx.optimization.optimizers import fuse_on_cpu
from tlx.optimization.parameter_groups import StagedParameters
from tlx.regularization.head_inputs import head_inputs
from tlx.regularization.none import NoRegularizer
from tlx.regularization.regularizer import Penalty, Regularizer, Step
from tlx.strategies.divergence import TrainingDivergedError, divergence_message
from tlx.strategies.freezing import set_trainable

if TYPE_CHECKING:
    from tlx.activations.cached_inputs import CachedInputs
    from tlx.objectives.objective import Objective
    from tlx.optimization.optimizers import OptimizerFactory
    from tlx.optimization.schedules import ScheduleFactory
    from tlx.strategies.policy import Policy

AUXILIARY_WEIGHT = 0.3
"""Weight of an auxiliary head's loss (Szegedy et al. 2015, "Going deeper with convolutions")."""


@dataclass(frozen=True)
class Training:
    """How a strategy trains what it does not freeze.

    Args:
        loss: Maps logits (n, classes) and class indices (n,) to a mean loss.
        optimizer: Makes the optimizer from the parameters that train in any epoch.
        schedule: Makes the learning-rate schedule for a known number of steps.
        seed: Dropout and stochastic depth follow from it and from the epoch.
        augmentation: What happens to training images before the backbone's input pipeline.
        objective: What the task asks for; validation is scored by it.
        regularizer: What holds model B near model A while it trains.
    """

    loss: nn.Module
    optimizer: OptimizerFactory
    schedule: ScheduleFactory
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    objective: Objective[Any] = Classification()  # noqa: RUF009 - it is frozen
    regularizer: Regularizer = field(default_factory=NoRegularizer)


class TransferModule(LightningModule):
    """A backbone in training: the policy says what trains, the objective and the terms say why.

    Args:
        policy: Which parameters train in which epoch, over model A with a head for the target.
        training: How to train.
    """

    def __init__(self, policy: Policy, training: Training) -> None:
        super().__init__()
        self.policy = policy
        self.backbone = backbone = policy.backbone
        self.training_recipe = training
        self.loss = training.loss
        self._frozen: list[nn.Module] = []
        # In a tuple, so that neither checkpoints nor modes see its layers a second time.
        self._tail: tuple[nn.Module, ...] = ()
        self._solving: CachedInputs | None = None
        self.penalty: Penalty | None = None
        self._train_loss_sum = torch.zeros(())
        self._train_penalty_sum = torch.zeros(())
        self._train_count = 0
        self._tally = training.objective.tally(training.loss)
        self.freeze_for(epoch=0)
        if not (policy.uses_auxiliary and backbone.auxiliary_fits):
            backbone.drop_auxiliary()
        if not training.regularizer.needs_source_head:
            backbone.drop_source_head()

    @property
    def augmentation(self) -> Augmentation:
        """What happens to training images before the backbone's input pipeline."""
        return self.training_recipe.augmentation

    @property
    def keeps_one_prefix(self) -> bool:
        """Whether every epoch trains the same, or a regulariser's copy of model A needs one cut."""
        # The copy starts where the fit starts, and stays there.
        regularised = self.training_recipe.regularizer.name != "none"
        return regularised or not self._in_phases()

    def frozen_prefix(self, epoch: int | None = None) -> str | None:
        """See `Policy.frozen_prefix`."""
        return self.policy.frozen_prefix(epoch)

    def solving_prefix(self) -> str | None:
        """See `Policy.solving_prefix`."""
        return self.policy.solving_prefix()

    def trained_source_weights(self) -> frozenset[str]:
        """See `Policy.trained_source_weights`."""
        return self.policy.trained_source_weights()

    def solve_on_cached(self, cached: CachedInputs) -> None:
        """Solve for the first head on activations in the place of the task's inputs."""
        self._solving = cached

    def take_cached_inputs(self, tail: nn.Module | None) -> None:
        """Take batches of activations at a cut from now on, in the place of images.

        Args:
            tail: Returns logits (n, classes) of such activations; its layers are the backbone's.
                None goes back to images.
        """
        self._tail = () if tail is None else (tail,)

    @property
    def start(self) -> nn.Module:
        """What takes the batches: the backbone, or the tail behind a cut."""
        return self._tail[0] if self._tail else self.backbone

    @property
    def seed(self) -> int:
        """The seed of the run; dropout and stochastic depth follow from it and from the epoch."""
        return self.training_recipe.seed

    def setup(self, stage: str) -> None:
        """Bind the regulariser, while the weights are model A's: before a checkpoint is read."""
        regularizer = self.training_recipe.regularizer
        if stage != "fit" or self.penalty is not None or isinstance(regularizer, NoRegularizer):
            return
        train = cast(Any, self.trainer).datamodule.task.train
        self.penalty = regularizer.bind(self, train, self.trainer.strategy.root_device)

    def on_train_start(self) -> None:
        """Let the policy solve for a first head, unless a checkpoint holds it already."""
        if self.policy.solving_prefix() is None or self.trainer.global_step > 0:
            return
        task, tail = cast(Any, self.trainer).datamodule.task, None
        if self._solving is not None:
            task, tail = self._solving.task, self._solving.tail
        self.policy.before_first_step(task, self.device, tail)
        self.freeze_for(self.current_epoch)

    def on_fit_start(self) -> None:
        """Bring the tail's constants, which are not the backbone's own, to the device."""
        for tail in self._tail:
            tail.to(self.device)

    def freeze_for(self, epoch: int) -> None:
        """Freeze what an epoch freezes, and put it in `eval()`."""
        set_trainable(self.backbone, self.policy.trained_parameters(epoch))
        self._frozen = self.policy.modules_in_eval(epoch)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set training mode, which frozen modules never follow."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        for module in self.policy.modules_that_follow():
            module.train(mode)
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (n, classes) of uint8 or preprocessed images (n, channels, h, w).

        After `take_cached_inputs` it takes activations (n, ...).
        """
        if self._tail:
            return self._logits_of_cached(images)
        return cast(Tensor, self.backbone(self.prepare(images)))

    def forward_with_auxiliary(self, images: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return what `forward` returns, and the logits of auxiliary classifiers in training."""
        if self._tail:
            return self._logits_of_cached(images), ()
        return self.backbone.forward_with_auxiliary(self.prepare(images))

    def _logits_of_cached(self, activations: Tensor) -> Tensor:
        (tail,) = self._tail
        # The mode of the tail itself only picks its graph; Lightning sets modes one by one and
        # knows nothing of it, and the layers have theirs from the backbone.
        for part in (tail, *tail.children()):
            part.training = self.training
        return cast(Tensor, tail(activations))

    def prepare(self, images: Tensor) -> Tensor:
        """Return images as the backbone's weights want them; what is no uint8 is taken as such."""
        return self.backbone.preprocess(images) if images.dtype == torch.uint8 else images

    def network_inputs(self, images: Tensor) -> Tensor:
        """Return what the network takes of a batch, or, behind a cut, the batch as it is."""
        return images if self._tail else self.prepare(images)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Freeze, and seed what is random, by the epoch's number alone.

        This belongs to the start of an epoch, but Lightning leaves `on_train_epoch_start` out of
        the first epoch after a resume.
        """
        if batch_idx == 0:
            self.freeze_for(self.current_epoch)
            self._train_loss_sum, self._train_count = torch.zeros((), device=self.device), 0
            self._train_penalty_sum = torch.zeros((), device=self.device)
            torch.manual_seed(self.seed * 1_000_003 + self.current_epoch)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> Tensor:
        """Return the loss of a batch of images (n, channels, h, w) and class indices (n,).

        Of a regularised fit, the regulariser's term is a part of it.
        """
        images, labels = self.augmented(batch, batch_index)
        if self.penalty is None:
            return self._task_loss(images, labels, batch_index)
        inputs = self.network_inputs(images)
        with head_inputs(self.backbone.head) as features:
            loss = self._task_loss(inputs, labels, batch_index)
        penalty: Tensor = self.penalty(Step(inputs, labels, features[-1]))
        self._train_penalty_sum = self._train_penalty_sum + penalty.detach() * len(labels)
        return self._finite(loss + penalty, batch_index)

    def _task_loss(self, images: Tensor, labels: Tensor, batch_index: int) -> Tensor:
        """Return the loss of a batch without any regulariser's term, and count it."""
        logits, auxiliary = self.forward_with_auxiliary(images)
        loss = cast(Tensor, self.loss(logits, labels))
        for other in auxiliary:
            loss = loss + AUXILIARY_WEIGHT * self.loss(other, labels)
        self._finite(loss, batch_index)
        self._train_loss_sum = self._train_loss_sum + loss.detach() * len(labels)
        self._train_count += len(labels)
        return loss

    def _finite(self, loss: Tensor, batch_index: int) -> Tensor:
        if not torch.isfinite(loss):
            raise TrainingDivergedError(
                divergence_message(float(loss), self.current_epoch, batch_index)
            )
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Log the epoch's mean loss in its last step; `log` in each would cost more than a head.

        `train_loss` is the loss itself; what a regulariser adds to it is `train_penalty`.
        """
        if self.trainer.is_last_batch:
            loss = self._train_loss_sum / max(1, self._train_count)
            self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=1)
            if self.penalty is not None:
                penalty = self._train_penalty_sum / max(1, self._train_count)
                self.log("train_penalty", penalty, on_step=False, on_epoch=True, batch_size=1)

    def augmented(self, batch: tuple[Tensor, Tensor], batch_index: int) -> tuple[Tensor, Tensor]:
        """Return a training batch as this step sees it; stored activations stay as they are.

        Args:
            batch: uint8 images (n, channels, h, w) and class indices (n,).
            batch_index: The step's place in the epoch.

        Returns:
            Images, and class indices (n,), or class probabilities (n, classes) of mixed images.
        """
        augmentation = self.augmentation
        if self._tail or not augmentation.draws_in_steps:
            return batch
        return augmentation.batch(
            *batch,
            classes=self.backbone.num_classes,
            seed=self.seed,
            epoch=self.current_epoch,
            step=batch_index,
        )

    def on_validation_epoch_start(self) -> None:
        """Start counting anew."""
        self._tally = self.training_recipe.objective.tally(self.loss)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> None:  # noqa: ARG002
        """Add a batch to the epoch's validation scores."""
        images, labels = batch
        self._tally.add(self(images), labels)

    def on_validation_epoch_end(self) -> None:
        """Log the epoch's validation scores.

        Raises:
            TrainingDivergedError: Where the loss is not finite, before that is checkpointed.
        """
        values = self._tally.values()
        loss = values["val_loss"]
        if loss != loss or loss in (float("inf"), float("-inf")):
            raise TrainingDivergedError(divergence_message(loss, self.current_epoch, None))
        shown = self.training_recipe.objective.selection.metric
        for name, value in values.items():
            self.log(name, value, prog_bar=name == shown)

    def configure_optimizers(self) -> Any:
        """Return the optimizer over everything that ever trains, and its schedule by step."""
        made = self.training_recipe.optimizer(self._staged_parameters())
        optimizer = fuse_on_cpu(made, in_phases=self._in_phases())
        total_steps = int(self.trainer.estimated_stepping_batches)
        schedule = self.training_recipe.schedule(optimizer, total_steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _staged_parameters(self) -> StagedParameters:
        depths = {
            name: depth
            for depth, stage in enumerate(reversed(self.backbone.stages), start=1)
            for name in stage.parameter_names
        }
        named = self.policy.named_trained_parameters()
        if self.penalty is None:
            return StagedParameters(named, depths)
        # What the regulariser trains comes from model A, and learns at the last stage's rate.
        own = [(f"penalty.{name}", p) for name, p in self.penalty.named_parameters()]
        depths |= {name: 1 for name, _ in own}
        return StagedParameters([*named, *own], depths, self.penalty.undecayed)

    def _in_phases(self) -> bool:
        """Return whether epochs differ in what they train."""
        return self.policy.trained_parameters(0) != self.policy.trained_parameters()
