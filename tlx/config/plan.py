"""A run as plain typed objects: what the configuration asks for, with Hydra left behind."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tlx.activations.settings import ActivationSettings
from tlx.errors import Fault
from tlx.loggers.logger import LoggerChoice
from tlx.loggers.none import NoLogger

if TYPE_CHECKING:
    from tlx.backbones import Backbone
    from tlx.backbones.source_model import SourceModel
    from tlx.data.source import TaskSource
    from tlx.data.task import ImageTask
    from tlx.strategies.transfer_module import Training, TransferModule
    from tlx.training.settings import TrainerSettings


@dataclass(frozen=True)
class StrategyChoice:
    """A strategy and its options, before there is a model to apply it to.

    Args:
        module: The strategy's class.
        options: Its options, checked against its signature.
    """

    module: type[TransferModule]
    options: dict[str, Any]

    @property
    def starts_from_weights(self) -> bool:
        """Whether model B starts from model A's weights."""
        return self.module.starts_from_weights(**self.options)

    def apply(self, backbone: Backbone, training: Training) -> TransferModule:
        """Return the strategy as a Lightning module over a backbone."""
        return self.module(backbone, training, **self.options)


@dataclass(frozen=True)
class Plan:
    """Everything a run needs, typed and checked one by one.

    Args:
        data: The target task, not yet loaded.
        source_model: Model A, not yet built.
        strategy: The strategy, not yet applied.
        training: Loss, optimizer, schedule and seed.
        trainer: Length, device and numerics of the fit.
        seed: Splits, initial weights, batch order and dropout follow from it.
        recipe: The options of every group as plain values without secrets, for the record.
        activations: Whether and where the activations of a frozen prefix are kept.
        logger: Where the run's numbers go besides its own folder.
    """

    data: TaskSource
    source_model: SourceModel
    strategy: StrategyChoice
    training: Training
    trainer: TrainerSettings
    seed: int
    recipe: dict[str, dict[str, Any]]
    activations: ActivationSettings = field(default_factory=ActivationSettings)
    logger: LoggerChoice = field(default_factory=NoLogger)

    def faults(self) -> list[Fault]:
        """Return what is wrong with the plan as a whole, before any work."""
        from tlx.config.goal_agreement import goal_faults
        from tlx.config.input_agreement import input_faults
        from tlx.training.device import device_faults

        from_weights = self.strategy.starts_from_weights
        model_faults = self.source_model.faults(from_weights=from_weights)
        faults = [*self.data.faults(), *model_faults, *device_faults(self.trainer)]
        faults += [*self.training.augmentation.faults(), *self.logger.faults()]
        if model_faults:
            return faults
        disagreeing = input_faults(self)
        if disagreeing:
            return [*faults, *disagreeing]
        faults += goal_faults(self)
        return [*faults, *(self._strategy_faults() or self._use_faults())]

    def training_for(self, task: ImageTask) -> Training:
        """Return how to train for what a task asks for.

        Raises:
            ConfigError: Where the loss does not go with the task's classes.
        """
        from tlx.goals.chosen import goal_of
        from tlx.optimization.losses import ClassLoss

        loss = self.training.loss
        if isinstance(loss, ClassLoss):
            loss = loss.for_classes(task.train.labels, task.class_names)
        return replace(self.training, goal=goal_of(task), loss=loss)

    def _use_faults(self) -> list[Fault]:
        """Return what of the strategy does not go with how it is to be trained."""
        from tlx.config.agreement import augmentation_faults, batch_faults, step_faults
        from tlx.config.regularizer_agreement import regularizer_faults

        faults = augmentation_faults(self) or self._activation_faults()
        return [*faults, *regularizer_faults(self), *step_faults(self), *batch_faults(self)]

    def _strategy_faults(self) -> list[Fault]:
        return self.strategy.module.faults(
            self.source_model.stage_names(),
            backbone_name=self.source_model.name,
            has_weights=self.source_model.weights is not None,
            **self.strategy.options,
        )

    def _activation_faults(self) -> list[Fault]:
        if self.activations.mode != "on" or self.has_frozen_prefix():
            return []
        reason = f"strategy={self.recipe['strategy']['name']} trains the first stage"
        remedy = "No activations stay the same: use activations=auto, or off."
        return [Fault("activations.mode", "on", reason, remedy)]

    def has_frozen_prefix(self) -> bool:
        """Return whether leading stages stay frozen, in every epoch or in a phase."""
        from tlx.activations.phases import cuts_of

        return bool(cuts_of(self.module_without_weights(), self.trainer.epochs).names)

    def module_without_weights(self) -> TransferModule:
        """Return the strategy over a network without memory, to ask it questions."""
        from tlx.backbones.backbone import Backbone
        from tlx.backbones.construct import construct
        from tlx.backbones.preprocess import Preprocess

        name = self.source_model.name
        network = construct(name, 2, meta=True)
        backbone = Backbone(name, network, preprocess=Preprocess(224, 224), num_classes=2)
        return self.strategy.apply(backbone, self.training)
