from __future__ import annotations

import logging
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.activations.asked import CPU, small_request
from tests.small_disk import fill, small_disk
from tests.strategies.fits import random_task, small_backbone, training
from tlx.activations.request import PrefixRequest, distinct_requests
from tlx.activations.serve import ensure_all, serve
from tlx.activations.settings import ActivationSettings
from tlx.activations.store import ActivationStore
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.data.task import Split
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.feature_extraction import FeatureExtraction
from tlx.strategies.fine_tuning.partial import Partial
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse
from tlx.strategies.policy import Policy


@pytest.fixture
def module() -> TransferModule:
    return TransferModule(FeatureExtraction(small_backbone("resnet18")), training())


def settings_for(tmp_path: Path, **changes: object) -> ActivationSettings:
    return ActivationSettings(folder=str(tmp_path / "store"), **changes)  # type: ignore[arg-type]


def test_frozen_prefix_ends_before_the_first_stage_that_trains() -> None:
    backbone = small_backbone("resnet18")
    assert TransferModule(FeatureExtraction(backbone), training()).frozen_prefix() == "layer4"
    assert TransferModule(Partial(backbone, train_stages=2), training()).frozen_prefix() == "layer2"
    assert (
        TransferModule(Partial(backbone, train_stages="layer3"), training()).frozen_prefix()
        == "layer2"
    )
    assert (
        TransferModule(Partial(backbone, train_stages="first:1"), training()).frozen_prefix()
        is None
    )
    assert TransferModule(StructureReuse(backbone), training()).frozen_prefix() is None


def test_frozen_prefix_of_an_epoch_follows_that_epoch() -> None:
    class LateStart(Policy):
        def trained_stages(self, epoch: int) -> frozenset[str]:
            return frozenset() if epoch < 2 else frozenset({"layer2"})

        def ever_trained_stages(self) -> frozenset[str]:
            return frozenset({"layer2"})

    module = TransferModule(LateStart(small_backbone("resnet18")), training())
    assert [module.frozen_prefix(epoch) for epoch in (0, 1, 2)] == ["layer4", "layer4", "layer1"]
    assert module.frozen_prefix() == "layer1"


def test_serve_keeps_labels_and_gives_activations_for_images(
    module: TransferModule, tmp_path: Path
) -> None:
    task = random_task()
    served = serve(settings_for(tmp_path), task, module, CPU)
    assert served.cached is not None
    assert served.cached.task.train.inputs.shape == (8, 512)
    assert served.cached.task.train.labels is task.train.labels
    assert served.record["cut"] == "layer4"
    assert [e["computed"] for e in served.record["entries"]] == [True, True, True]
    assert [e["bytes"] for e in served.record["entries"]] == [8 * 2048, 3 * 2048, 3 * 2048]
    again = serve(settings_for(tmp_path), task, module, CPU)
    assert [e["computed"] for e in again.record["entries"]] == [False, False, False]


def test_serve_shares_the_splits_that_two_tasks_share(
    module: TransferModule, tmp_path: Path
) -> None:
    serve(settings_for(tmp_path), random_task(), module, CPU)
    served = serve(settings_for(tmp_path), random_task(images=9), module, CPU)
    assert [e["computed"] for e in served.record["entries"]] == [True, True, True]
    task = random_task()
    whole = task.train
    few = Split(whole.inputs[:5], whole.labels[:5], whole.sample_ids[:5])
    fewer = task.with_splits(train=few)
    served = serve(settings_for(tmp_path), fewer, module, CPU)
    assert [e["computed"] for e in served.record["entries"]] == [True, False, False]


def test_serve_holds_what_it_serves_until_released(module: TransferModule, tmp_path: Path) -> None:
    served = serve(settings_for(tmp_path), random_task(), module, CPU)
    store = ActivationStore(tmp_path / "store")
    assert store.prune(0) == []
    served.release()
    assert len(store.prune(0)) == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": "off"}, "activations.mode=off"),
        ({"max_gb": 1e-6}, "they need 28.7 kB and the store may hold 1e-06 GB"),
    ],
)
def test_serve_that_is_off_or_does_not_fit_says_why_and_computes_nothing(
    changes: dict[str, object], reason: str, module: TransferModule, tmp_path: Path
) -> None:
    served = serve(settings_for(tmp_path, **changes), random_task(), module, CPU)
    assert served.cached is None
    assert served.record["used"] is False
    assert served.record["reason"].startswith(reason)
    assert ActivationStore(tmp_path / "store").entries() == []


def test_serve_of_a_strategy_that_trains_the_first_stage_is_not_used(tmp_path: Path) -> None:
    module = TransferModule(StructureReuse(small_backbone("resnet18")), training())
    served = serve(settings_for(tmp_path), random_task(), module, CPU)
    assert served.record == {"used": False, "reason": "the first stage trains"}


def test_serve_where_the_folder_cannot_be_made_falls_back_and_warns(
    module: TransferModule, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "store").write_text("a file")
    with caplog.at_level(logging.WARNING, logger="tlx"):
        served = serve(settings_for(tmp_path), random_task(), module, CPU)
    assert served.cached is None
    assert "activations behind layer4 are not stored: " in caplog.text
    assert "store" in served.record["reason"]


def test_distinct_requests_of_a_plan_are_what_its_run_asks_for(tmp_path: Path) -> None:
    words = ["backbone=resnet18", "backbone.weights=null", "backbone.image_size=32"]
    words += ["data.train_per_class=2", "data.val_per_class=1", "data.test_fraction=0.02"]
    plan = checked_plan(compose_config([*words, "strategy=partial", "trainer.device=cpu"]))
    task = plan.data.load()
    module = plan.strategy.apply(small_backbone("resnet18"), plan.training)
    requests = distinct_requests(plan.activations, task, module, CPU, plan.trainer.epochs)
    assert [(r.name, len(r)) for r in requests] == [("train", 20), ("val", 10), ("test", 39)]
    held = ensure_all(requests, ActivationStore(tmp_path / "store"))
    assert [request for request, _ in held] == requests
    served = serve(settings_for(tmp_path), task, module, CPU)
    assert [e["computed"] for e in served.record["entries"]] == [False, False, False]
    off = checked_plan(compose_config([*words, "activations=off"]))
    assert distinct_requests(off.activations, task, module, CPU, off.trainer.epochs) == []


def test_ensure_all_of_the_same_images_twice_computes_them_once(
    module: TransferModule, tmp_path: Path
) -> None:
    request: PrefixRequest = small_request(module.backbone)
    held = ensure_all([request, request], ActivationStore(tmp_path / "store"))
    assert [stored.computed_parts for _, stored in held] == [1]


def test_serve_of_complete_entries_reads_them_whatever_is_free(
    module: TransferModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(settings_for(tmp_path), random_task(), module, CPU).release()
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=154_000_000))
    served = serve(settings_for(tmp_path, max_gb=1e-9), random_task(), module, CPU)
    assert served.record["used"] is True
    assert [e["computed"] for e in served.record["entries"]] == [False, False, False]


def test_serve_from_a_full_and_a_read_only_disk_reads_what_is_complete(
    module: TransferModule, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "store", 2048) as disk:
        monkey = pytest.MonkeyPatch()
        monkey.setattr("tlx.activations.store.SPARE_DISK_BYTES", 0)
        serve(settings_for(tmp_path), random_task(), module, CPU).release()
        monkey.undo()
        fill(disk)
        served = serve(settings_for(tmp_path), random_task(), module, CPU)
        assert served.record["used"] is True
        served.release()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        served = serve(settings_for(tmp_path), random_task(), module, CPU)
        assert served.record["used"] is True
        served.release()


def test_serve_on_a_disk_that_fills_while_it_computes_goes_on_without_and_says_so_once(
    module: TransferModule,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("tlx.activations.store.SPARE_DISK_BYTES", -(10**9))  # it cannot foresee it
    with small_disk(tmp_path / "store", 512) as disk, caplog.at_level(logging.WARNING, "tlx"):
        filler = fill(disk, 20_000)
        served = serve(settings_for(tmp_path), random_task(), module, CPU)
        assert served.cached is None
        (said,) = (one.getMessage() for one in caplog.records)
        assert said.startswith("activations behind layer4 are not stored: ")
        assert f"cannot be written: the file system at {disk} has too little room" in said
        assert not [p for p in disk.rglob("*.npy") if not p.with_suffix(".json").exists()]
        filler.unlink()
        served = serve(settings_for(tmp_path), random_task(), module, CPU)
        assert served.record["used"] is True
        served.release()
