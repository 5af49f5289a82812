"""The tables in the READMEs are those that the recorded results give."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments import backbone_choice
from experiments.backbone_choice.__main__ import comparison as candidates
from experiments.digits_fewshot.__main__ import RECORD, comparison, tuned_scratch
from tlx.backbones.weights.shipped_models import shipped_names
from tlx.reports.across_seeds import markdown_table

ROOT = Path(__file__).resolve().parent.parent


def test_digits_fewshot_tables_are_those_of_the_recorded_results() -> None:
    recorded = pd.read_csv(RECORD)
    table = markdown_table(comparison(recorded)).strip()
    for readme in (ROOT / "README.md", RECORD.parent / "README.md"):
        assert table in readme.read_text()
    assert tuned_scratch(recorded) in (RECORD.parent / "README.md").read_text()
    assert tuned_scratch(recorded).rsplit(": ", 1)[1] in (ROOT / "README.md").read_text()


def test_digits_fewshot_best_strategy_beats_every_scratch_run_by_ten_points_in_one_recipe() -> None:
    recorded = pd.read_csv(RECORD)
    shared = recorded[recorded["learning_rate"] == "default"]
    means = shared.groupby(["source", "strategy"])["test_accuracy"].mean()
    assert sorted(shared["seed"].unique()) == [0, 1, 2, 3, 4]
    assert means["model A"].max() - means["scratch"].max() >= 0.10


def test_backbone_choice_table_is_that_of_the_recorded_results_and_names_the_shipped_model() -> (
    None
):
    folder = Path(str(backbone_choice.__file__)).parent
    recorded = pd.read_csv(folder / "results.csv")
    assert markdown_table(candidates(recorded)).strip() in (folder / "README.md").read_text()
    best = recorded.groupby("backbone")["val_accuracy"].mean().idxmax()
    assert shipped_names() == (f"glyphs_{best}",)
