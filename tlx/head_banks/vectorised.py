"""What a head bank is known to train as each job alone would: every option, by name.

An allow-list: an option that is not here may change training in a way that the engine does not
know of, so its job trains alone. Options of data and backbone stand here where all they do is done
when these are loaded or built, before the first step. Of a data source that is none of tlx's
nothing more is asked in training than the task it loads, whatever its options. A new option at its
default is as if it were not there.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from inspect import signature
from typing import Any, Final

SETTINGS: Final = frozenset({"seed", "resume", "debug"})
_DEALT: Final = ("train_per_class", "train_fraction", "folds", "fold", "seed", "classes")
_FRACTIONS: Final = ("val_fraction", "test_fraction")
_IMAGES: Final = (
    *_DEALT, *_FRACTIONS, "root", "size", "resize", "depth", "min_side", "corrupt", "overlap",
    "cache", "memory", "threads",
)  # fmt: skip
_OPTIMIZER: Final = ("lr", "weight_decay", "head_lr_ratio", "layer_decay")

OPTIONS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "strategy": {"tlx.strategies.fine_tuning.feature_extraction.FeatureExtraction": ()},
    "loss": {"tlx.optimization.losses.CrossEntropy": ("label_smoothing", "class_weights")},
    "optimizer": {
        "tlx.optimization.optimizers.adamw": (*_OPTIMIZER, "betas"),
        "tlx.optimization.optimizers.sgd": (*_OPTIMIZER, "momentum", "nesterov"),
    },
    "scheduler": {
        "tlx.optimization.schedules.constant": (),
        "tlx.optimization.schedules.one_cycle": (
            "rise_fraction", "initial_division", "final_division",
        ),
        "tlx.optimization.schedules.warmup_cosine": ("warmup_fraction", "final_fraction"),
    },
    "trainer": {
        "tlx.plan.trainer_settings.TrainerSettings": (
            "epochs", "batch_size", "early_stopping_patience", "gradient_clip_norm", "ema_decay",
            "device", "precision", "channels_last", "threads", "checkpoint_every_epochs",
        ),
    },
    "augmentation": {"tlx.augmentation.choices.none": ()},
    "regularizer": {"tlx.regularization.none.NoRegularizer": ()},
    "activations": {
        "tlx.activations.settings.ActivationSettings": (
            "mode", "max_gb", "half_precision", "folder",
        ),
    },
    "backbone": {
        "tlx.backbones.source_model.SourceModel": (
            "weights", "weights_key", "transforms", "image_size",
        ),
        "tlx.backbones.mlp.mlp_model.MlpModel": (
            "hidden", "activation", "dropout", "weights", "weights_key",
        ),
    },
    "logger": {
        "tlx.loggers.none.NoLogger": (),
        "tlx.loggers.tensorboard.Tensorboard": (),
        "tlx.loggers.mlflow.Mlflow": ("tracking_uri", "experiment"),
        "tlx.loggers.wandb.Wandb": ("project", "entity", "mode"),
    },
    "data": {
        "tlx.data.images.digits.Digits": (*_DEALT, "val_per_class", "test_fraction"),
        "tlx.data.synthetic.glyphs.Glyphs": (
            *_DEALT, "train_size", "val_size", "test_size", "alphabets", "side",
        ),
        "tlx.data.images.image_folder.ImageFolder": (*_IMAGES, "splits"),
        "tlx.data.images.image_table.ImageTable": (
            *_IMAGES, "table", "path_column", "label_column", "split_column", "separator",
            "encoding",
        ),
        "tlx.data.images.torchvision_data.TorchvisionData": (*_IMAGES, "download"),
        "tlx.data.tables.table_csv.TableCsv": (
            *_DEALT, *_FRACTIONS, "path", "label_column", "separator", "encoding", "decimal",
            "thousands", "missing_markers", "units", "date_format", "columns", "exclude",
            "numeric", "categorical", "dates", "missing", "neighbours", "outliers",
            "outlier_action", "outlier_limit", "scaling", "unknown", "selection", "features",
            "preparation", "task", "target_scaling",
        ),
    },
}  # fmt: skip
"""By group and by what an option makes, the names of its options."""
REQUIRED: Final = ("strategy", "loss", "optimizer", "scheduler", "trainer", "backbone", "data")
"""Groups without which a configuration says too little; the others may be left out."""


def unknown_because(config: Mapping[str, Any]) -> str | None:
    """Return the first thing that a head bank does not know of a job, or None where it knows all.

    Args:
        config: The job's resolved configuration, as plain values.
    """
    for key, value in config.items():
        if key in OPTIONS:
            reason = _of_group(key, value)
            if reason is not None:
                return reason
        elif key not in SETTINGS:
            return f"a head bank knows no setting {key}"
    lacking = [group for group in REQUIRED if not config.get(group)]
    return f"its {lacking[0]} is not said" if lacking else None


def _of_group(group: str, node: Any) -> str | None:
    if not isinstance(node, Mapping) or node.get("_target_") not in OPTIONS[group]:
        return (
            None
            if node is None or _only_loads(group, node)
            else f"a head bank knows no such {group}"
        )
    known = {"_target_", "name", *OPTIONS[group][node["_target_"]]}
    unknown = [option for option in node if option not in known and not _is_default(node, option)]
    return f"a head bank knows no option {group}.{unknown[0]}" if unknown else None


def _is_default(node: Mapping[str, Any], option: str) -> bool:
    """Return whether an option has the default of its signature, as if it were not there.

    A new option's default leaves training as it was, so it need not be known here.
    """
    module, _, name = str(node["_target_"]).rpartition(".")
    parameters = signature(getattr(importlib.import_module(module), name)).parameters
    return option in parameters and bool(parameters[option].default == node[option])


def _only_loads(group: str, node: Any) -> bool:
    """Return whether a node is a data source from outside tlx, which only loads its task."""
    target = node.get("_target_") if isinstance(node, Mapping) else None
    return group == "data" and isinstance(target, str) and not target.startswith("tlx.")
