"""The benchmarks of a single run: tiny versions of their commands, and that all sides agree."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from torchvision.models import resnet18

from experiments.benchmarks.frozen_run.__main__ import main as frozen_run
from experiments.benchmarks.machine import cpu_name
from experiments.benchmarks.made_up.images import MadeUpImages
from experiments.benchmarks.made_up.weights import write_weights
from experiments.benchmarks.partial_run.__main__ import main as partial_run
from experiments.benchmarks.single_run.comparison import sentence, table
from experiments.benchmarks.single_run.lightning_side import FrozenTrunk, trunk_and_tail
from experiments.benchmarks.single_run.workload import Workload

TINY = (
    *("--train-images", "40", "--val-images", "20", "--test-images", "20"),
    *("--epochs", "1", "--image-size", "32", "--threads", "1"),
)


@pytest.mark.slow
@pytest.mark.parametrize("command", [frozen_run, partial_run])
def test_command_of_a_tiny_size_records_its_sides(
    command: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(command)
    sides = ["floor", "tlx", "lightning"] if command is frozen_run else ["tlx"]
    command([*TINY, "--sides", *sides, "--record", str(tmp_path / "results.csv")])
    recorded = pd.read_csv(tmp_path / "results.csv")
    assert recorded["side"].to_list() == sides
    assert (recorded["seconds"] < recorded["process_s"]).all()
    assert recorded.set_index("side")["phase_fit_s"]["tlx"] > 0
    shown = (tmp_path / "results.md").read_text()
    assert shown == capsys.readouterr().out
    assert ("times the floor" in shown) == ("floor" in sides)


def test_sentence_gives_both_ratios() -> None:
    frame = pd.DataFrame(
        {"side": ["floor", "tlx", "lightning"], "seconds": [10.0, 11.0, 143.0]}
        | dict.fromkeys(("process_s", "peak_mb", "test_accuracy"), 1.0)
    )
    expected = "tlx: 13.0 times ahead of plain Lightning, 1.10 times the floor."
    assert sentence(frame) == expected
    assert table(frame).splitlines()[4].split("|")[4].strip() == "13.00"


@pytest.mark.parametrize("trains_last_stage", [False, True])
def test_trunk_and_tail_together_are_torchvisions_network(
    tmp_path: Path, *, trains_last_stage: bool
) -> None:
    weights = write_weights("resnet18", tmp_path / "resnet18.pth")
    work = Workload(weights=str(weights), trains_last_stage=trains_last_stage)
    trunk, tail = trunk_and_tail(work, 7)
    network = resnet18(weights=None)
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.fc = tail[-1]
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    module = FrozenTrunk(trunk, tail, work)
    module.eval()
    torch.testing.assert_close(module(images), network.eval()(images))
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    last = sum(p.numel() for p in network.layer4.parameters()) if trains_last_stage else 0
    assert trained == last + 7 * 513
    assert not any(part.training for part in module.train().trunk.modules())
    assert module.tail.training


def test_made_up_images_follow_from_the_seed_and_have_all_classes() -> None:
    sizes = {"train_size": 30, "val_size": 10, "test_size": 10, "side": 8}
    one, same, other = (MadeUpImages(**sizes, seed=seed).load() for seed in (0, 0, 1))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert one.train.inputs.shape == (30, 3, 8, 8)
    assert one.train.inputs.dtype == torch.uint8
    assert one.test.labels.tolist() == list(range(10))
    assert one.test.sample_ids.tolist() == list(range(40, 50))


def test_cpu_name_is_what_the_system_tells(tmp_path: Path) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text("processor\t: 0\nmodel name\t: Acme One\nprocessor\t: 1\nmodel name\t: Two\n")
    assert cpu_name(told) == "Acme One"
    assert cpu_name(tmp_path / "missing")
