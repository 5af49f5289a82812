from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from tests.inference.runs import small_run
from tests.tiny import TINY, environment_for_tlx, result_of
from tlx.backbones import Card, build_backbone, save_model
from tlx.backbones.preprocess import Preprocess
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.errors import TlxError
from tlx.export import main
from tlx.extras import EXTRAS, missing_modules
from tlx.inference.export.run import export_run
from tlx.runs.result import Result

needs_onnx = pytest.mark.skipif(
    bool(missing_modules("export")), reason="needs the extra: pip install -e '.[export]'"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "run"
    return small_run(folder, "backbone=resnet18", "backbone.weights=null", "backbone.image_size=32")


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    """The run's own test images, 8x8 pixels, as RGB."""
    split = checked_plan(compose_config(list(TINY))).data.load().test
    return split.inputs.expand(-1, 3, -1, -1).contiguous().numpy()


def recorded(run: Path) -> pd.DataFrame:
    table = pd.read_csv(run / "predictions.csv")
    return table[table.split == "test"][[f"p_{digit}" for digit in range(10)]]


def probabilities(logits: Any) -> NDArray[np.float32]:
    return torch.softmax(torch.as_tensor(logits), dim=1).numpy()


@needs_onnx
def test_export_to_onnx_gives_the_recorded_predictions_for_any_batch_size(
    run: Path, images: NDArray[np.uint8], tmp_path: Path
) -> None:
    import onnxruntime

    done = export_run(run, "onnx", tmp_path / "m.onnx", size=(8, 8))
    session = onnxruntime.InferenceSession(str(done.path), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape[1:]) == ("images", "tensor(uint8)", [3, 8, 8])
    expected = recorded(run)
    assert expected.to_numpy().std() > 0.01
    for part in (slice(0, 1), slice(0, 7), slice(0, len(images))):
        (logits,) = session.run(["logits"], {"images": images[part]})
        np.testing.assert_allclose(probabilities(logits), expected[part], atol=1e-5)
    card = json.loads(session.get_modelmeta().custom_metadata_map["tlx_card"])
    assert card["class_names"] == [str(digit) for digit in range(10)]


def test_export_to_torch_gives_the_recorded_predictions_for_any_batch_size(
    run: Path, images: NDArray[np.uint8], tmp_path: Path
) -> None:
    done = export_run(run, "torch_export", tmp_path / "m.pt2", size=(8, 8))
    assert 0 <= done.agreement.difference < 1e-5 < done.agreement.largest
    extra = {"tlx_card": ""}
    model = torch.export.load(done.path, extra_files=extra).module()
    assert json.loads(extra["tlx_card"])["backbone"] == "resnet18"
    expected = recorded(run)
    for part in (slice(0, 1), slice(0, len(images))):
        logits = model(torch.from_numpy(images[part])).detach()
        np.testing.assert_allclose(probabilities(logits), expected[part], atol=1e-5)


@pytest.mark.parametrize("strategy", [None, "probe_knn"])
def test_export_to_safetensors_loads_as_its_card_says(
    strategy: str | None, run: Path, images: NDArray[np.uint8], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if strategy:
        run = small_run(tmp_path / "run", f"strategy={strategy}")
    done = export_run(run, "safetensors", tmp_path / "mine.safetensors")
    assert done.agreement.difference == 0
    (code,) = re.findall(r"```python\n(.*?)```", done.card_path.read_text(), re.S)
    assert "mine.safetensors" in code
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {"images": torch.from_numpy(images)}
    exec(code, scope)
    logits = scope.get("logits")
    if logits is None:
        from tlx.backbones.preprocess import Preprocess

        network = scope["network"].eval()
        logits = network(Preprocess(32, 32)(scope["images"])).detach()
    np.testing.assert_allclose(probabilities(logits.detach()), recorded(run), atol=1e-5)


def test_export_card_tells_data_strategy_metrics_use_and_loading(
    run: Path, images: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "m.pt2"
    done = export_run(run, "torch_export", output, size=(8, 8), intended_use="Read my meter.")
    assert done.card_path == tmp_path / "m.pt2.md"
    text = done.card_path.read_text()
    sections = dict(re.findall(r"## (.*?)\n\n(.*?)\n(?=\n## |$)", text + "\n", re.S))
    assert list(sections) == ["Intended use", "Data", "Strategy", "Metrics", "Input and output",
                              "How to load", "Export", "Made by"]  # fmt: skip
    assert sections["Intended use"] == "Read my meter."
    assert "- name: digits\n" in sections["Data"]
    assert "- init: scratch\n- name: structure_reuse\n" in sections["Strategy"]
    metrics = result_of(run)["metrics"]
    val, test = metrics["val"]["accuracy"], metrics["test"]["accuracy"]
    assert f"| accuracy | {val:.4f} | {test:.4f} |" in sections["Metrics"]
    assert "shape (batch, 3, 8, 8)" in sections["Input and output"]
    assert str(done.agreement) in sections["Export"]
    (code,) = re.findall(r"```python\n(.*?)```", sections["How to load"], re.S)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {"images": torch.from_numpy(images[:3])}
    exec(code, scope)
    found = probabilities(scope["logits"].detach())
    np.testing.assert_allclose(found, recorded(run)[:3], atol=1e-5)


def test_export_further_than_the_tolerance_is_refused_and_leaves_nothing(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tlx.inference.export import pixel_model

    resize = pixel_model._resizing_matrix
    monkeypatch.setattr(pixel_model, "_resizing_matrix", lambda *given: 0.9 * resize(*given))
    output = tmp_path / "out" / "m.pt2"
    words = [str(run), "--format", "torch_export", "--output", str(output), "--image-size", "8"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("tlx.export: the export is refused: largest difference ")
    assert "more than --tolerance 0.001 of the largest logit. Nothing was written." in said
    assert list(output.parent.iterdir()) == []


def test_export_of_a_nearest_neighbour_head_to_a_graph_is_refused(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", "strategy=probe_knn")
    with pytest.raises(TlxError, match=r"^--format torch_export: the k-NN head .* safetensors"):
        export_run(run, "torch_export", tmp_path / "m.pt2")
    assert not (tmp_path / "m.pt2").exists()


def test_export_without_the_packages_names_the_command_that_installs_them(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXTRAS, "export", ("torch", "onnx_of_nobody"))
    with pytest.raises(TlxError) as error:
        export_run(run, "onnx", tmp_path / "m.onnx")
    assert str(error.value) == (
        "--format onnx: onnx_of_nobody is not installed. Run pip install 'tlx[export]'."
    )


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("m.onnx", "a file of --format safetensors ends in .safetensors"),
        ("model.safetensors", "is the run's own model. Name another file."),
    ],
)
def test_export_to_a_misleading_name_is_refused(output: str, says: str, run: Path) -> None:
    before = (run / "model.safetensors").read_bytes()
    with pytest.raises(TlxError, match=says):
        export_run(run, "safetensors", run / output)
    assert (run / "model.safetensors").read_bytes() == before


def test_export_command_writes_into_the_run_by_default(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(run), "--format", "safetensors"])
    said = capsys.readouterr().out
    path = run / "exports" / "digits_resnet18.safetensors"
    assert path.is_file()
    assert said.startswith(f"{path} (44.8 MB), for images of 32x32 pixels\ncheck: largest diff")


def test_export_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from tlx.export import main\n"
        "try: main(['--help'])\n"
        "finally: print([m for m in ('torch', 'onnx', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
        env=environment_for_tlx(), check=True,
    )  # fmt: skip
    assert "usage: python -m tlx.export" in done.stdout
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize(("name", "file"), [("../../x", "_.._x"), ("/abs/x", "_abs_x")])
def test_export_of_a_card_whose_name_is_a_path_stays_in_the_runs_exports(
    name: str, file: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    card = Card("c", "resnet18", 2, ("a", "<b>"), Preprocess(32, 32).to_dict(), data={"size": 32})
    network = build_backbone("resnet18", num_classes=2, weights=None, image_size=32).network
    run = tmp_path / "run"
    run.mkdir()
    save_model(run / "model.safetensors", network, replace(card, name=name))
    Result(status="completed").write(run)
    done = export_run(run, "safetensors")
    assert done.path == run / "exports" / f"{file}.safetensors"
    assert {path.name for path in tmp_path.iterdir()} == {"run"}
    assert caplog.messages == [
        f"the model is called '{name}', which names no plain file; written as {file}"
    ]
    assert "<b>" not in done.card_path.read_text()
