"""A run as plain typed objects: what a configuration asks for, without Hydra."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tlx.activations.settings import ActivationSettings
from tlx.loggers.logger import LoggerChoice
from tlx.loggers.none import NoLogger
from tlx.plan.trainer_settings import TrainerSettings

if TYPE_CHECKING:
    from tlx.backbones import Backbone
    from tlx.backbones.source_model import SourceModel
    from tlx.data.source import TaskSource
    from tlx.data.task import Task
    from tlx.strategies.base import Training, TransferModule
    from tlx.strategies.policy import Policy


@dataclass(frozen=True)
class StrategyChoice:
    """A strategy and its options, before there is a model to apply it to.

    Args:
        policy: The strategy's class.
        options: Its options, checked against its signature.
    """

    policy: type[Policy]
    options: dict[str, Any]

    @property
    def starts_from_weights(self) -> bool:
        """Whether model B starts from model A's weights."""
        return self.policy.starts_from_weights(**self.options)

    def apply(self, backbone: Backbone, training: Training) -> TransferModule:
        """Return the strategy as a Lightning module over a backbone."""
        from tlx.strategies.base import TransferModule

        return TransferModule(self.policy(backbone, **self.options), training)


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

    def training_for(self, task: Task) -> Training:
        """Return how to train for what a task asks for.

        Raises:
            ConfigError: Where the loss does not go with the task's classes.
        """
        from tlx.objectives.chosen import objective_of
        from tlx.optimization.losses import ClassLoss

        loss = self.training.loss
        if isinstance(loss, ClassLoss):
            loss = loss.for_classes(task.train.labels, task.class_names)
        return replace(self.training, objective=objective_of(task), loss=loss)

    def module_without_weights(self) -> TransferModule:
        """Return the strategy over a network without memory, to ask it questions."""
        from tlx.backbones.backbone import Backbone
        from tlx.backbones.construct import construct
        from tlx.backbones.preprocess import Preprocess

        name = self.source_model.name
        network = construct(name, 2, meta=True)
        backbone = Backbone(name, network, preprocess=Preprocess(224, 224), num_classes=2)
        return self.strategy.apply(backbone, self.training)
