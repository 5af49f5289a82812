"""An MLP fitted on a source table, adapted to a target table, beside MLPs from scratch."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import pandas as pd
from omegaconf import DictConfig
from pydantic import Field

from tlx.comparisons.curves import curves_figure
from tlx.comparisons.derived import changed, starting_from
from tlx.comparisons.runs import run_folder, run_once
from tlx.comparisons.summary import summary
from tlx.config.builders import checked_plan, plain
from tlx.data.tables.shipped_tables import table_path
from tlx.errors import ConfigError, Fault
from tlx.reports.across_seeds import markdown_table
from tlx.runs.atomic import atomic_path, write_text

Count = Annotated[int, Field(ge=1)]
RUNS: Final = ("source", "adapted", "scratch, as short", "scratch, long")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RegressionTransfer:
    """Four runs for each seed, their scores in one table and their curves in one picture.

    Args:
        source: The source table, a path or the name of a shipped one; its columns are those of
            the target table.
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
        self._draw(cfg, folder, picture)
        log.info("%s\npicture: %s", table.rstrip(), picture)
        return float(frame[frame["run"] == "adapted"]["val_r2"].mean())

    def _draw(self, cfg: DictConfig, folder: Path, picture: Path) -> None:
        configs = self._configs(cfg, self.seeds[0], None)
        # As the runs read them: a path starts where the command did, not in the job's folder.
        tables = {name: table_path(plain(one)["data"]["path"]) for name, one in configs.items()}
        runs = {name: run_folder(folder, self.seeds[0], name) for name in RUNS}
        column = cfg.data.label_column
        curves_figure(tables["source"], tables["adapted"], column, runs, picture)

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
            "source": changed(cfg, scratch | on_source),
            "adapted": changed(cfg, {"seed": seed} | starting_from(cfg, source)),
            "scratch, as short": changed(cfg, scratch),
            "scratch, long": changed(cfg, scratch | long),
        }
