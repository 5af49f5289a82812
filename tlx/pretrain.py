"""`python -m tlx.pretrain`: train a model A on a source task, for others to start from."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from tlx.config.command_line import run_command
from tlx.config.help_page import CommandHelp
from tlx.config.job import PRELOAD, hydra_job
from tlx.config.run import resume as resume_training
from tlx.config.run import train
from tlx.texts.file_names import plain_file_name

HELP = CommandHelp(
    name="python -m tlx.pretrain",
    purpose=(
        "Train a model A from scratch on a source task and write it as one small file, in half "
        "precision, with its model card. It takes every option of tlx.train."
    ),
    examples=(
        ("data=glyphs backbone=squeezenet1_1 backbone.image_size=64", "a source model of letters"),
        ("data=glyphs backbone=resnet18 trainer.epochs=20", "another backbone, trained longer"),
        ("data=glyphs data.train_size=5000 trainer.epochs=1", "a first try of a few seconds"),
        ("data=digits data.train_per_class=null", "digits as the source task"),
        ("resume=outputs/2026-01-31/12-00-00-1a2b3c", "go on with an interrupted training"),
    ),
)
__all__ = ["PRELOAD"]
log = logging.getLogger("tlx")


def main() -> None:
    """Run the command line."""
    run_command(job, HELP, resume=resume, defaults=("experiment=pretrain",))


def job(cfg: DictConfig) -> float:
    """Pretrain as Hydra asks; returns the validation accuracy of the chosen epoch."""
    folder, command = hydra_job("tlx.pretrain", cfg)
    score = train(cfg, folder, command)
    write_source_model(folder)
    return score


def resume(folder: Path, given: DictConfig | None = None, config_dirs: Sequence[Path] = ()) -> None:
    """Go on with an interrupted pretraining; `given` holds what its files do not keep."""
    resume_training(folder, given, config_dirs)
    write_source_model(folder)


def write_source_model(folder: Path) -> Path:
    """Write a run's model in half precision under its card's name, as a plain file name.

    Args:
        folder: A completed run.

    Returns:
        The path of the file, which `backbone.weights` takes.
    """
    from tlx.backbones import build_backbone
    from tlx.backbones.weights.card import read_card, save_model
    from tlx.runs.run import WEIGHTS_FILE

    card = read_card(folder / WEIGHTS_FILE)
    assert card is not None, "a run writes its model with a card"
    weights = str(folder / WEIGHTS_FILE)
    backbone = build_backbone(
        card.backbone, num_classes=card.num_classes, weights=weights, keep_head=True
    )
    path = folder / f"{plain_file_name(card.name)}.safetensors"
    save_model(path, backbone.network, card, dtype="float16")
    log.info("model A: %s (%.1f MB), for backbone.weights=", path, path.stat().st_size / 1e6)
    return path


if __name__ == "__main__":
    main()
