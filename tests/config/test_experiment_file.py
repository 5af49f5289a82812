from __future__ import annotations

from pathlib import Path

from tlx.config.composition import compose_config


def test_experiment_sets_what_is_in_no_group_and_the_command_line_has_the_last_word(
    tmp_path: Path,
) -> None:
    (tmp_path / "experiment").mkdir()
    lines = ["# @package _global_", "seed: 7", "trainer:", "  epochs: 3", ""]
    (tmp_path / "experiment/mine.yaml").write_text("\n".join(lines))
    words = [f"hydra.searchpath=['{tmp_path}']", "experiment=mine"]
    cfg = compose_config(words)
    assert (cfg.seed, cfg.data.seed, cfg.trainer.epochs) == (7, 7, 3)
    assert compose_config([*words, "seed=1"]).seed == 1
