"""An MLP fitted on a source table, adapted to a target table, beside MLPs from scratch."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import pandas as pd
from omegaconf import DictConfig, OmegaConf
from pydantic import Field

from experiments.regression_transfer.figure import curves_figure
from tlx.config.builders import checked_plan
from tlx.errors import ConfigError, Fault
from tlx.reports.across_seeds import markdown_table, mean_and_spread, mean_with_spread
from tlx.runs.atomic import atomic_path, write_text
from tlx.runs.result import RESULT_FILE, read_result
from tlx.train import resume, train

Count = Annotated[int, Field(ge=1)]
RUNS: Final = ("source", "adapted", "scratch, as short", "scratch, long")
SCORES: Final = ("r2", "mae", "rmse")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Comparison:
    """Four runs for each seed, their scores in one table and their curves in one picture.

    Args:
        source: The source table; its columns are those of the target table.
        source_epochs: Epochs of the run on the source table.
        scratch_epochs: Epochs of the long run from scratch on the target table.
        seeds: Initial weights, batch order and splits follow from them.
    """

    source: str
    source_epochs: Count = 400
    scratch_epochs: Count = 400
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0, 1, 2, 3, 4)

    def faults(self, cfg: DictConfig) -> list[Fault]:
        """Return what is wrong with the runs, before any work; `cfg` is sound by itself.

        Args:
            cfg: The configuration of the adapted run, without its weights.
        """
        found: dict[str, Fault] = {}
        for name, config in self._configs(cfg, self.seeds[0], None).items():
            try:
                features = checked_plan(config).data.load().train.inputs.shape[1]
            except ConfigError as error:
                found.update({str(fault): fault for fault in error.faults})
                continue
            if features != 1:
                reason = f"the table of {name!r} gives {features} features"
                remedy = "The picture draws curves over one: name it with data.columns=[x]."
                found["features"] = Fault("data.path", config.data.path, reason, remedy)
        return list(found.values())

    def run(self, cfg: DictConfig, folder: Path, command: str = "") -> float:
        """Train what is not complete in the folder yet, write table and picture.

        Args:
            cfg: The configuration of the adapted run, without its weights.
            folder: Takes a folder for each run, `results.csv`, `results.md` and `curves.png`.
            command: The command line that does this again, for the record.

        Returns:
            The adapted runs' mean validation R2, for a sweeper to maximise.
        """
        rows = [row for seed in self.seeds for row in self._of_seed(cfg, folder, seed, command)]
        frame = pd.DataFrame(rows)
        with atomic_path(folder / "results.csv") as temporary:
            frame.to_csv(temporary, index=False, lineterminator="\n")
        table = markdown_table(summary(frame))
        write_text(folder / "results.md", table)
        picture = folder / "curves.png"
        runs = {name: run_folder(folder, self.seeds[0], name) for name in RUNS}
        curves_figure(Path(self.source), Path(cfg.data.path), cfg.data.label_column, runs, picture)
        log.info("%s\npicture: %s", table.rstrip(), picture)
        return float(frame[frame["run"] == "adapted"]["val_r2"].mean())

    def _of_seed(
        self, cfg: DictConfig, folder: Path, seed: int, command: str
    ) -> Iterator[dict[str, Any]]:
        source = run_folder(folder, seed, "source")
        for name, config in self._configs(cfg, seed, source).items():
            yield {"run": name, "seed": seed} | run_once(
                config, run_folder(folder, seed, name), command
            )

    def _configs(self, cfg: DictConfig, seed: int, source: Path | None) -> dict[str, DictConfig]:
        """Return the configuration of each run, in the order in which they need each other.

        Args:
            cfg: That of the adapted run, without its weights.
            seed: Of all of them.
            source: The source run; None leaves the adapted run as `cfg` has it.
        """
        scratch = {
            "seed": seed,
            "strategy": {
                "_target_": "tlx.strategies.fine_tuning.structure_reuse.StructureReuse",
                "init": "scratch",
            },
        }
        long = {"trainer": {"epochs": self.scratch_epochs}}
        on_source = {"data": {"path": self.source}, "trainer": {"epochs": self.source_epochs}}
        return {
            "source": _changed(cfg, scratch | on_source),
            "adapted": _changed(cfg, {"seed": seed} | _from(cfg, source)),
            "scratch, as short": _changed(cfg, scratch),
            "scratch, long": _changed(cfg, scratch | long),
        }


def _from(cfg: DictConfig, source: Path | None) -> dict[str, Any]:
    """Return what makes a run start from another one."""
    if source is None:
        return {}
    strategy = OmegaConf.to_container(cfg.strategy)
    assert isinstance(strategy, dict)
    if "init" in strategy:
        strategy["init"] = "pretrained"
    weights, preparation = {"weights": str(source)}, {"preparation": str(source)}
    return {"strategy": strategy, "backbone": weights, "data": preparation}


def _changed(cfg: DictConfig, changes: Mapping[str, Any]) -> DictConfig:
    """Return a configuration with changes; a strategy is put in the place of another."""
    kept = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "experiment"])
    OmegaConf.set_struct(kept, False)  # another strategy has other options
    if "strategy" in changes:
        kept["strategy"] = {}
    merged = OmegaConf.merge(kept, changes)
    assert isinstance(merged, DictConfig)
    return merged


def run_folder(folder: Path, seed: int, name: str) -> Path:
    """Return the folder of one run."""
    return folder / f"seed-{seed}" / name.replace(", ", "_").replace(" ", "_")


def run_once(config: DictConfig, folder: Path, command: str) -> dict[str, Any]:
    """Train one configuration, or go on with it, or read its result where it is complete."""
    with quiet():
        if not (folder / RESULT_FILE).exists():
            train(config, folder, command)
        elif read_result(folder).status != "completed":
            resume(folder)
    result = read_result(folder)
    test = result.metrics["test"]
    log.info("%s: test R2 %.3f", folder, test["r2"])
    return {
        "epochs": result.epochs,
        **{f"test_{name}": test[name] for name in SCORES},
        "val_r2": result.metrics["val"]["r2"],
        "fit_seconds": result.seconds["fit"],
    }


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the lines of single runs off the console."""
    logger = logging.getLogger("tlx")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per kind of run: scores on test rows and seconds, mean ± spread over seeds.

    Args:
        frame: One row per run: `run`, `seed`, `epochs`, `test_r2`, `test_mae`, `test_rmse`,
            `fit_seconds`.
    """
    rows = []
    for name, runs in frame.groupby("run", sort=False):
        row = {"run": name, "data": "source" if name == "source" else "target"}
        row |= {"epochs": int(runs["epochs"].iloc[0])}
        for score in SCORES:
            row[score.upper()] = _spread(runs[f"test_{score}"])
        rows.append(row | {"fit (s)": _spread(runs["fit_seconds"], digits=1)})
    return pd.DataFrame(rows)


def _spread(values: pd.Series[Any], digits: int = 3) -> str:
    return mean_with_spread(*mean_and_spread(values.to_list()), digits=digits)
