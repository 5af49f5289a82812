"""Models of tables for other programs: what their cards say is run, on rows as users have them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open

from tests.data.wine_table import COLUMNS, wines, written
from tlx.config.composition import compose_config
from tlx.errors import TlxError
from tlx.export import main
from tlx.extras import missing_modules
from tlx.inference.export.run import export_run
from tlx.train import train

WORDS = (
    "data=table_csv", "data.missing=median", "data.outliers=iqr", "data.outlier_action=clip",
    "data.selection=anova", "data.features=6", "backbone=mlp", "backbone.hidden=[8]",
    "backbone.dropout=0.1", "strategy=structure_reuse", "strategy.init=scratch",
    "trainer.epochs=4", "trainer.threads=1", "optimizer.lr=0.02",
)  # fmt: skip
FORMATS = {"onnx": "onnx", "torch_export": "pt2", "safetensors": "safetensors"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    path = written(folder, wines(gaps=True))
    train(compose_config([*WORDS, f"data.path={path}"]), folder / "run")
    return folder / "run"


def sections_of(card: Path) -> dict[str, str]:
    return dict(re.findall(r"## (.*?)\n\n(.*?)\n(?=\n## |$)", card.read_text() + "\n", re.S))


@pytest.mark.parametrize("form", FORMATS)
def test_export_of_a_table_run_gives_the_recorded_predictions_as_its_card_says(
    form: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if form == "onnx" and missing_modules("export"):
        pytest.skip("needs the extra: pip install -e '.[export]'")
    done = export_run(run, form, tmp_path / f"m.{FORMATS[form]}")
    assert 0 <= done.agreement.difference < 1e-5 < done.agreement.largest
    assert done.takes == "rows of 6 prepared features"
    wines(gaps=True).drop(columns="label").to_csv(tmp_path / "rows.csv", index=False)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    code = sections_of(done.card_path)["How to load"]
    exec(code.removeprefix("```python\n").removesuffix("```"), scope)
    logits = torch.as_tensor(scope["logits"]).detach()
    assert scope["features"].shape == (178, 6)
    found = torch.softmax(logits, dim=1).numpy()
    recorded = pd.read_csv(run / "predictions.csv")
    expected = recorded[["p_barbera", "p_barolo", "p_grignolino"]]
    assert expected.to_numpy().std() > 0.1
    np.testing.assert_allclose(found[recorded["sample_id"]], expected, atol=1e-5)


def test_export_of_a_table_run_tells_what_comes_before_it(run: Path, tmp_path: Path) -> None:
    done = export_run(run, "torch_export", tmp_path / "m.pt2")
    assert done.preparation_path == tmp_path / "m.pt2.preparation.json"
    learned = json.loads(done.preparation_path.read_text())
    assert learned == json.loads((run / "preparation.json").read_text())
    text = done.card_path.read_text()
    assert text.splitlines()[2] == (
        "tlx's `mlp_8_relu_dropout0.1` for 3 classes: barbera, barolo, grignolino."
    )
    sections = sections_of(done.card_path)
    assert sections["Intended use"].startswith("To sort rows like those of wines.csv into the ")
    assert "image" not in text.partition("## How to load")[0]
    features = ", ".join(f"`{name}`" for name in learned["feature_names"])
    assert sections["Input and output"].splitlines()[:7] == [
        "`features`: float32, shape (batch, 6).",
        "A table's rows are prepared before the model sees them, as the training rows taught; this "
        "is not part of the file, its numbers are in `m.pt2.preparation.json` (and in the run's "
        "`preparation.json`).",
        "",
        f"- numeric columns: {', '.join(f'`{name}`' for name in COLUMNS)}",
        "- categorical columns: `region`",
        "- cells: text as written; missing: empty cells; numbers: decimal point, thousands none",
        "- preparation: missing values: median; values clipped to bounds; numbers centred and "
        "scaled; categories one-hot; 6 of 8 features selected",
    ]
    assert f"- features in order: {features}\n" in sections["Input and output"]
    assert "| rows | 36 | 36 |" in sections["Metrics"]
    assert sections["Metrics"].endswith(
        "The validation rows chose the epoch; the test rows were used once."
    )
    assert "- name: structure_reuse\n" in sections["Strategy"]
    assert "on 6 random rows (largest logit " in sections["Export"]


def test_export_of_a_table_run_to_safetensors_keeps_its_card(run: Path, tmp_path: Path) -> None:
    done = export_run(run, "safetensors", tmp_path / "m.safetensors")
    assert done.agreement.difference == 0
    with safe_open(done.path, framework="pt") as file:
        card = json.loads(file.metadata()["tlx_card"])
    assert card["preprocess"] == {"features": 6}


def test_export_of_a_table_run_for_an_image_size_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(TlxError) as error:
        export_run(run, "torch_export", tmp_path / "m.pt2", size=(8, 8))
    assert str(error.value) == f"--image-size goes with images, and {run} learned from a table."
    assert list(tmp_path.iterdir()) == []


def test_export_command_of_a_table_run_names_all_it_wrote(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(run), "--format", "safetensors"])
    path = run / "exports/wines_mlp_8_relu_dropout0.1.safetensors"
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{path} (0.0 MB), for rows of 6 prepared features"
    assert said[2:] == [
        f"preparation of a table's rows: {path}.preparation.json",
        f"model card: {path}.md",
    ]
