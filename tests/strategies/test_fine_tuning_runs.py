"""Whole runs of the fine-tuning methods, from their configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.strategies.probe_runs import SMALL, history_of
from tests.tiny import result_of
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.errors import ConfigError
from tlx.train import train

BACKBONE = ("backbone=glyphs_shufflenet_v2_x1_0", "backbone.image_size=32")


def run(folder: Path, strategy: str, *overrides: str) -> dict[str, object]:
    words = [w for w in SMALL if not w.startswith("backbone")]
    store = f"activations.folder={folder.parent / 'activations'}"
    words += [*BACKBONE, store, "trainer.epochs=2", f"strategy={strategy}"]
    train(compose_config([*words, *overrides]), folder)
    return result_of(folder)


@pytest.mark.parametrize(
    ("strategy", "overrides", "cut"),
    [
        ("surgical", ["strategy.shift=output"], "stage4"),
        ("norm_only", [], None),
        ("bias_only", [], None),
        ("gradual", ["strategy.stages=1"], "stage4"),
    ],
)
def test_run_uses_stored_activations_where_a_prefix_is_frozen(
    strategy: str, overrides: list[str], cut: str | None, tmp_path: Path
) -> None:
    result = run(tmp_path / "auto", strategy, *overrides)
    assert result["activations"].get("cut") == cut
    assert result["activations"]["used"] == (cut is not None)
    run(tmp_path / "off", strategy, "activations=off", *overrides)
    with_store, without = (history_of(tmp_path / name) for name in ("auto", "off"))
    assert with_store["train_loss"].to_list() == pytest.approx(
        without["train_loss"].to_list(), rel=1e-4
    )
    best = load_file(tmp_path / "auto/checkpoints/best.safetensors")
    assert len(best) > 100


@pytest.mark.parametrize(
    ("strategy", "overrides", "phases", "solving"),
    [
        ("lp_ft", [], None, "conv5"),
        ("lp_ft", ["trainer.precision=bf16-mixed"], None, "conv5"),
        (
            "lp_ft",
            ["strategy.probe=trained", "strategy.probe_epochs=2", "trainer.epochs=4"],
            [("conv5", 1, 2), (None, 3, 4)],
            None,
        ),
        (
            "gradual",
            ["strategy.stages=2", "strategy.every_epochs=2", "trainer.epochs=5"],
            [("conv5", 1, 2), ("stage4", 3, 4), ("stage3", 5, 5)],
            None,
        ),
    ],
)
def test_run_of_a_schedule_uses_stored_activations_in_each_phase_in_which_they_hold(
    strategy: str,
    overrides: list[str],
    phases: list[tuple[str | None, int, int]] | None,
    solving: str | None,
    tmp_path: Path,
) -> None:
    used: Any = run(tmp_path / "auto", strategy, *overrides)["activations"]
    assert used["used"]
    found = [(p["cut"], p["first_epoch"], p["last_epoch"]) for p in used.get("phases", ())]
    assert found == (phases or [])
    assert used.get("solving_cut") == solving
    run(tmp_path / "off", strategy, "activations=off", *overrides)
    with_store, without = (history_of(tmp_path / name) for name in ("auto", "off"))
    for column in ("train_loss", "val_loss"):
        expected = pytest.approx(without[column].to_list(), rel=1e-5)
        assert with_store[column].to_list() == expected
    again: Any = run(tmp_path / "again", strategy, *overrides)["activations"]
    assert not any(entry["computed"] for entry in again["entries"])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            ["strategy=gradual", "trainer.epochs=5"],
            "trainer.epochs=5: the fit ends before conv1 would train. Train 6 epochs or more",
        ),
        (
            ["strategy=lp_ft", "strategy.probe=trained", "trainer.epochs=5"],
            "the fit ends before conv1, stage2, stage3, stage4, conv5 would train. Train 6",
        ),
        (["strategy=norm_only", "strategy.statistics=target", "trainer.batch_size=1"], "(conv1.1)"),
        (["strategy=norm_only", "activations=on"], "trains the first stage"),
    ],
)
def test_plan_that_contradicts_itself_is_refused(words: list[str], reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked_plan(compose_config([*BACKBONE, "data=digits", *words]))
    assert reason in str(caught.value)
