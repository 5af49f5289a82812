"""What every strategy shares: a backbone in training, of which some stages may be frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from tlx.augmentation.augmentation import Augmentation
from tlx.errors import Fault
from tlx.goals.classification import Classification
from tlx.optimization.optimizers import fuse_on_cpu
from tlx.optimization.parameter_groups import StagedParameters
from tlx.regularization.head_inputs import head_inputs
from tlx.regularization.none import NoRegularizer
from tlx.regularization.regularizer import Penalty, Regularizer, Step
from tlx.strategies.divergence import TrainingDivergedError, divergence_message
from tlx.strategies.freezing import frozen_modules, set_trainable, shortened, stage_parameters

if TYPE_CHECKING:
    from tlx.activations.serve import Behind
    from tlx.backbones import Backbone
    from tlx.goals.goal import Goal
    from tlx.optimization.optimizers import OptimizerFactory
    from tlx.optimization.schedules import ScheduleFactory

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
        goal: What the task asks for; validation is scored by it.
        regularizer: What holds model B near model A while it trains.
    """

    loss: nn.Module
    optimizer: OptimizerFactory
    schedule: ScheduleFactory
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    goal: Goal[Any] = Classification()  # noqa: RUF009 - it is frozen
    regularizer: Regularizer = field(default_factory=NoRegularizer)


class TransferModule(LightningModule):
    """A backbone under a strategy.

    A strategy says which stages train in which epoch (`trained_stages`), or which parameters
    (`trained_parameters`). The frozen set is derived from the epoch alone, so that a resumed fit
    freezes exactly what an unbroken one does. The head always trains.

    Args:
        backbone: Model A with a head for the target task.
        training: How to train.
    """

    def __init__(self, backbone: Backbone, training: Training) -> None:
        super().__init__()
        self.backbone = backbone
        self.training_recipe = training
        self.loss = training.loss
        self._frozen: list[nn.Module] = []
        # In a tuple, so that neither checkpoints nor modes see its layers a second time.
        self._tail: tuple[nn.Module, ...] = ()
        self.penalty: Penalty | None = None
        self._train_loss_sum = torch.zeros(())
        self._train_penalty_sum = torch.zeros(())
        self._train_count = 0
        self._tally = training.goal.tally(training.loss)
        self.freeze_for(epoch=0)
        if not (self._trains_everything() and backbone.auxiliary_fits):
            backbone.drop_auxiliary()
        if not training.regularizer.needs_source_head:
            backbone.drop_source_head()

    @classmethod
    def faults(cls, stage_names: Sequence[str], **options: Any) -> list[Fault]:  # noqa: ARG003
        """Return what is wrong with a strategy's options for a backbone with these stages."""
        return []

    @classmethod
    def starts_from_weights(cls, **options: Any) -> bool:  # noqa: ARG003
        """Return whether model B starts from model A's weights."""
        return True

    def trained_stages(self, epoch: int) -> frozenset[str]:
        """Return the names of the stages that train in an epoch (counted from 0)."""
        raise NotImplementedError

    def ever_trained_stages(self) -> frozenset[str]:
        """Return the names of the stages that train in any epoch."""
        return self.trained_stages(0)

    def trained_parameters(self, epoch: int | None = None) -> frozenset[str]:
        """Return the names of the parameters that train in an epoch, the head's among them.

        A strategy that trains a part of a stage's parameters overrides this.

        Args:
            epoch: The epoch (counted from 0) to ask about; None asks about all of them.
        """
        return stage_parameters(self.backbone, self._stages_of(epoch))

    def added_parameters(self) -> frozenset[str]:
        """Return the names of parameters that the strategy added to the network's layers."""
        return frozenset()

    def trained_source_weights(self) -> frozenset[str]:
        """Return the names of model A's own parameters, in front of the head, that ever train."""
        staged = frozenset(n for stage in self.backbone.stages for n in stage.parameter_names)
        return (self.trained_parameters() & staged) - self.added_parameters()

    def modules_in_eval(self, epoch: int | None = None) -> list[nn.Module]:
        """Return the modules that stay in `eval()` in an epoch, or, for None, in every epoch."""
        return frozen_modules(self.backbone, self._stages_of(epoch))

    def _stages_of(self, epoch: int | None) -> frozenset[str]:
        return self.ever_trained_stages() if epoch is None else self.trained_stages(epoch)

    def frozen_prefix(self, epoch: int | None = None) -> str | None:
        """Return the last of the leading stages that stay frozen, behind which activations keep.

        A strategy whose training needs the images themselves overrides this with None.

        Args:
            epoch: The epoch (counted from 0) to ask about; None asks about all of them.

        Returns:
            The stage's name, or None where the first stage trains.
        """
        trained, woken = self.trained_parameters(epoch), self._stages_of(epoch)
        leading = [
            stage.name
            for stage in takewhile(
                lambda s: s.name not in woken and trained.isdisjoint(s.parameter_names),
                self.backbone.stages,
            )
        ]
        return leading[-1] if leading else None

    def solving_prefix(self) -> str | None:
        """Return the stage behind which a head is solved for before the first epoch, if one is."""
        return None

    def solve_behind(self, start: Behind) -> None:
        """Take the features that a head is solved for on from activations; unused without one."""

    def start_behind(self, tail: nn.Module | None) -> None:
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

    def setup(self, stage: str) -> None:
        """Bind the regulariser, while the weights are model A's: before a checkpoint is read."""
        regularizer = self.training_recipe.regularizer
        if stage != "fit" or self.penalty is not None or isinstance(regularizer, NoRegularizer):
            return
        train = cast(Any, self.trainer).datamodule.task.train
        self.penalty = regularizer.bind(self, train, self.trainer.strategy.root_device)

    def on_fit_start(self) -> None:
        """Bring the tail's constants, which are not the backbone's own, to the device."""
        for tail in self._tail:
            tail.to(self.device)

    def plain_state(self) -> dict[str, Tensor]:
        """Return model B's state as a plain network has it, to be saved while it trains.

        A strategy that adds parts of its own to the network's layers overrides this.
        """
        return self.backbone.network.state_dict()

    def finish(self) -> None:
        """Leave a plain network behind; called once, when the fit has ended.

        A strategy that adds parts of its own to the network's layers overrides this.
        """

    def describe(self) -> str:
        """Return one line for the console: what trains and what is frozen."""
        trained = self.ever_trained_stages()
        names = [name for name in self.backbone.stage_names if name in trained]
        what = ", ".join([*shortened(names), "head"])
        return f"trains {what}; {len(self.backbone.stages) - len(names)} stages frozen"

    def freeze_for(self, epoch: int) -> None:
        """Freeze what an epoch freezes, and put it in `eval()`."""
        set_trainable(self.backbone, self.trained_parameters(epoch))
        self._frozen = self.modules_in_eval(epoch)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set training mode, which frozen modules never follow."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (n, classes) of uint8 or preprocessed images (n, channels, h, w).

        After `start_behind` it takes activations (n, ...).
        """
        if self._tail:
            return self._logits_behind(images)
        return cast(Tensor, self.backbone(self.prepare(images)))

    def forward_with_auxiliary(self, images: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return what `forward` returns, and the logits of auxiliary classifiers in training."""
        if self._tail:
            return self._logits_behind(images), ()
        return self.backbone.forward_with_auxiliary(self.prepare(images))

    def _logits_behind(self, activations: Tensor) -> Tensor:
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
            torch.manual_seed(self.training_recipe.seed * 1_000_003 + self.current_epoch)

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
        augmentation = self.training_recipe.augmentation
        if self._tail or not augmentation.draws_in_steps:
            return batch
        return augmentation.batch(
            *batch,
            classes=self.backbone.num_classes,
            seed=self.training_recipe.seed,
            epoch=self.current_epoch,
            step=batch_index,
        )

    def on_validation_epoch_start(self) -> None:
        """Start counting anew."""
        self._tally = self.training_recipe.goal.tally(self.loss)

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
        shown = self.training_recipe.goal.selection.metric
        for name, value in values.items():
            self.log(name, value, prog_bar=name == shown)

    def predict_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> Tensor:  # noqa: ARG002
        """Return the class probabilities (n, classes), or the numbers (n,), of a batch."""
        return self.training_recipe.goal.answers(self(batch[0]).float())

    def configure_optimizers(self) -> Any:
        """Return the optimizer over everything that ever trains, and its schedule by step."""
        in_phases = self.trained_parameters(0) != self.trained_parameters()
        made = self.training_recipe.optimizer(self._staged_parameters())
        optimizer = fuse_on_cpu(made, in_phases=in_phases)
        total_steps = int(self.trainer.estimated_stepping_batches)
        schedule = self.training_recipe.schedule(optimizer, total_steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def parameter_counts(self) -> dict[str, int]:
        """Return how many weights train in any epoch, and how many there are."""
        total = sum(p.numel() for p in self.backbone.network.parameters())
        return {
            "trained": sum(p.numel() for _, p in self._ever_trained_parameters()),
            "total": total,
        }

    def _ever_trained_parameters(self) -> list[tuple[str, nn.Parameter]]:
        trained = self.trained_parameters()
        return [item for item in self.backbone.network.named_parameters() if item[0] in trained]

    def _staged_parameters(self) -> StagedParameters:
        depths = {
            name: depth
            for depth, stage in enumerate(reversed(self.backbone.stages), start=1)
            for name in stage.parameter_names
        }
        named = self._ever_trained_parameters()
        if self.penalty is None:
            return StagedParameters(named, depths)
        # What the regulariser trains comes from model A, and learns at the last stage's rate.
        own = [(f"penalty.{name}", p) for name, p in self.penalty.named_parameters()]
        depths |= {name: 1 for name, _ in own}
        return StagedParameters([*named, *own], depths, self.penalty.undecayed)

    def _trains_everything(self) -> bool:
        return self.trained_stages(0) == frozenset(self.backbone.stage_names)
