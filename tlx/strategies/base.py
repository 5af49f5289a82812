"""What every strategy shares: a backbone in training, of which some stages may be frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from tlx.augmentation.augmentation import Augmentation
from tlx.data.batches import SEED_STRIDE, Batch
from tlx.objectives.classification import Classification
from tlx.objectives.terms import TARGET_STREAM, Stream, Term, TermOptions, streams_of
from tlx.optimization.optimizers import fuse_on_cpu
from tlx.optimization.parameter_groups import StagedParameters
from tlx.regularization.head_inputs import head_inputs
from tlx.strategies.divergence import TrainingDivergedError, divergence_message
from tlx.strategies.freezing import set_trainable

if TYPE_CHECKING:
    from tlx.activations.cached_inputs import CachedInputs
    from tlx.data.task import Task
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
        terms: Further terms of the loss, by name; `metrics.csv` has each as `train_NAME`.
    """

    loss: nn.Module
    optimizer: OptimizerFactory
    schedule: ScheduleFactory
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    objective: Objective[Any] = Classification()  # noqa: RUF009 - it is frozen
    terms: Mapping[str, TermOptions] = field(default_factory=dict)


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
        self.training_settings = training
        self.loss = training.loss
        self._frozen: list[nn.Module] = []
        # In a tuple, so that neither checkpoints nor modes see its layers a second time.
        self._tail: tuple[nn.Module, ...] = ()
        self._solving: CachedInputs | None = None
        self.terms = nn.ModuleDict()
        self._train_loss_sum = torch.zeros(())
        self._train_term_sums: dict[str, Tensor] = {}
        self._train_count = 0
        self._tally = training.objective.tally(training.loss)
        self.freeze_for(epoch=0)
        if not (policy.uses_auxiliary and backbone.auxiliary_fits):
            backbone.drop_auxiliary()
        if not any(term.needs_source_head for term in training.terms.values()):
            backbone.drop_source_head()

    @property
    def augmentation(self) -> Augmentation:
        """What happens to training images before the backbone's input pipeline."""
        return self.training_settings.augmentation

    @property
    def keeps_one_prefix(self) -> bool:
        """Whether every epoch trains the same, or a term's copy of model A needs one cut."""
        # The copy starts where the fit starts, and stays there.
        return bool(self.training_settings.terms) or not self._in_phases()

    @property
    def further_streams(self) -> tuple[str, ...]:
        """Names of the splits whose batches a step takes beside those of the training split."""
        return streams_of(self.training_settings.terms)

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
        return self.training_settings.seed

    def setup(self, stage: str) -> None:
        """Bind the terms, while the weights are model A's: before a checkpoint is read."""
        if stage == "fit" and not self.terms:
            task = cast(Any, self.trainer).datamodule.task
            self.bind_terms(task, self.trainer.strategy.root_device)

    def bind_terms(self, task: Task, device: torch.device) -> None:
        """Make the terms of the loss for a fit on a task."""
        for name, options in self.training_settings.terms.items():
            self.terms[name] = options.bind(self, task, device)

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
            self._train_term_sums = {}
            torch.manual_seed(self.seed * SEED_STRIDE + self.current_epoch)

    def training_step(self, batch: Batch | Mapping[str, Batch], batch_index: int) -> Tensor:
        """Return the loss of a step, its terms included.

        Args:
            batch: Images (n, channels, h, w) and class indices (n,); or several such batches by
                the names of their streams, `target` among them.
            batch_index: The step's place in the epoch.
        """
        streams = batch if isinstance(batch, Mapping) else {TARGET_STREAM: batch}
        inputs, labels = self.augmented(streams[TARGET_STREAM], batch_index)
        if not self.terms:
            return self._task_loss(inputs, labels, batch_index)[0]
        inputs = self.network_inputs(inputs)
        with head_inputs(self.backbone.head) as features:
            loss, logits = self._task_loss(inputs, labels, batch_index)
        seen = {TARGET_STREAM: Stream(inputs, labels, features[-1], logits)}
        others = {name: other for name, other in streams.items() if name != TARGET_STREAM}
        seen |= {name: self._stream(*other) for name, other in others.items()}
        return self._finite(self._with_terms(loss, seen, len(labels)), batch_index)

    def _stream(self, inputs: Tensor, labels: Tensor | None) -> Stream:
        """Return what terms see of a further stream's batch, after a pass through the network."""
        taken = self.network_inputs(inputs)
        with head_inputs(self.backbone.head) as features:
            logits = self(taken)
        return Stream(taken, labels, features[-1], logits)

    def _with_terms(self, loss: Tensor, seen: Mapping[str, Stream], examples: int) -> Tensor:
        """Return a loss with the terms added, and count these; each sees what it asked for."""
        for name, term in self.terms.items():
            asked = {TARGET_STREAM, *self.training_settings.terms[name].streams}
            value: Tensor = term({stream: seen[stream] for stream in asked})
            so_far = self._train_term_sums.get(name, torch.zeros((), device=self.device))
            self._train_term_sums[name] = so_far + value.detach() * examples
            loss = loss + value
        return loss

    def _task_loss(self, images: Tensor, labels: Tensor, batch_index: int) -> tuple[Tensor, Tensor]:
        """Return the loss of a batch without any term, counted, and its logits (n, outputs)."""
        logits, auxiliary = self.forward_with_auxiliary(images)
        loss = cast(Tensor, self.loss(logits, labels))
        for other in auxiliary:
            loss = loss + AUXILIARY_WEIGHT * self.loss(other, labels)
        self._finite(loss, batch_index)
        self._train_loss_sum = self._train_loss_sum + loss.detach() * len(labels)
        self._train_count += len(labels)
        return loss, logits

    def _finite(self, loss: Tensor, batch_index: int) -> Tensor:
        if not torch.isfinite(loss):
            raise TrainingDivergedError(
                divergence_message(float(loss), self.current_epoch, batch_index)
            )
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Log the epoch's mean loss in its last step; `log` in each would cost more than a head.

        `train_loss` is the task's own; what a term adds to it is `train_` and the term's name.
        """
        if self.trainer.is_last_batch:
            loss = self._train_loss_sum / max(1, self._train_count)
            self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=1)
            for name, total in self._train_term_sums.items():
                mean = total / max(1, self._train_count)
                self.log(f"train_{name}", mean, on_step=False, on_epoch=True, batch_size=1)

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
        self._tally = self.training_settings.objective.tally(self.loss)

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
        shown = self.training_settings.objective.selection.metric
        for name, value in values.items():
            self.log(name, value, prog_bar=name == shown)

    def configure_optimizers(self) -> Any:
        """Return the optimizer over everything that ever trains, and its schedule by step."""
        made = self.training_settings.optimizer(self._staged_parameters())
        optimizer = fuse_on_cpu(made, in_phases=self._in_phases())
        total_steps = int(self.trainer.estimated_stepping_batches)
        schedule = self.training_settings.schedule(optimizer, total_steps)
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
        # What a term trains comes from model A, and learns at the last stage's rate.
        own = list(self.terms.named_parameters())
        depths |= {name: 1 for name, _ in own}
        terms = cast("dict[str, Term]", self.terms)
        undecayed = frozenset[str]().union(*(term.undecayed for term in terms.values()))
        return StagedParameters([*named, *own], depths, undecayed)

    def _in_phases(self) -> bool:
        """Return whether epochs differ in what they train."""
        return self.policy.trained_parameters(0) != self.policy.trained_parameters()
