from __future__ import annotations

import hashlib
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.activations.asked import CPU, small_request, some_images
from tests.strategies.fits import random_task, small_backbone, training
from tlx.activations.examples import per_example
from tlx.activations.examples.blocks import EXAMPLES_FILE, block_entries
from tlx.activations.examples.hashes import example_hashes
from tlx.activations.examples.per_example import ensure_examples
from tlx.activations.request import PrefixRequest
from tlx.activations.serve import serve
from tlx.activations.settings import ActivationSettings
from tlx.activations.store import ActivationStore
from tlx.activations.stored import JOINED_BYTES
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.feature_extraction import FeatureExtraction


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every image that has gone through a prefix, by its bytes."""
    seen: list[bytes] = []
    whole = PrefixRequest.activations

    def counted(self: PrefixRequest, first: int, end: int) -> Tensor:
        seen.extend(bytes(one.numpy().tobytes()) for one in self.images[first:end])
        return whole(self, first, end)

    monkeypatch.setattr(PrefixRequest, "activations", counted)
    return seen


def direct(images: Tensor) -> Tensor:
    request = small_request(images=images)
    return PrefixRequest.activations(request, 0, len(images))


def test_hash_of_an_example_is_that_of_its_type_shape_and_bytes() -> None:
    images = some_images(3)
    start = b"torch.uint8|(1, 8, 8)|"
    wanted = [hashlib.sha256(start + one.numpy().tobytes()).digest() for one in images]
    assert [bytes(one) for one in example_hashes(images)] == wanted


def test_examples_asked_for_again_in_any_order_are_computed_once(
    store: ActivationStore, sent: list[bytes]
) -> None:
    images = some_images(10)
    backbone = small_backbone("resnet18")
    first = ensure_examples(small_request(backbone, images=images[:6]), store)
    again = ensure_examples(small_request(backbone, images=images[[5, 9, 0, 5, 7]]), store)
    assert (first.computed_examples, again.computed_examples) == (6, 2)
    assert len(sent) == len(set(sent)) == 8
    expected = direct(images)
    rows = again.rows
    assert torch.allclose(rows[:], expected[[5, 9, 0, 5, 7]], atol=1e-5)
    assert again.manifest.rows == 5
    assert again.manifest.shape == tuple(expected.shape[1:])


def test_examples_beyond_the_joined_size_are_read_where_they_lie(
    store: ActivationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert JOINED_BYTES > 0
    monkeypatch.setattr(per_example, "JOINED_BYTES", 0)
    images = some_images(10)
    ensure_examples(small_request(images=images[:4]), store)
    rows = ensure_examples(small_request(images=images), store).rows
    assert not isinstance(rows, Tensor)
    expected = direct(images)
    assert rows.shape == expected.shape
    assert torch.allclose(rows[3], expected[3], atol=1e-5)
    assert torch.allclose(rows[2:7], expected[2:7], atol=1e-5)
    assert torch.allclose(rows[torch.tensor([9, 1])], expected[[9, 1]], atol=1e-5)


def test_examples_behind_another_cut_or_of_other_weights_are_not_taken(
    store: ActivationStore,
) -> None:
    backbone = small_backbone("resnet18")
    ensure_examples(small_request(backbone), store)
    other_cut = ensure_examples(small_request(backbone, cut="layer2"), store)
    with torch.no_grad():
        next(backbone.parameters()).add_(1.0)
    other_weights = ensure_examples(small_request(backbone), store)
    assert (other_cut.computed_examples, other_weights.computed_examples) == (10, 10)


@pytest.mark.parametrize("damage", ["examples", "part"])
def test_damaged_block_is_computed_again_and_not_used(damage: str, store: ActivationStore) -> None:
    ensure_examples(small_request(), store).release()
    (entry,) = block_entries(small_request().key, store)
    if damage == "examples":
        hashes = np.load(entry.folder / EXAMPLES_FILE)
        np.save(entry.folder / EXAMPLES_FILE, hashes[::-1])
    else:
        (entry.folder / "part-00000.npy").write_bytes(b"none")
    again = ensure_examples(small_request(), store)
    assert torch.allclose(again.rows[:], direct(some_images()), atol=1e-5)
    (entry,) = block_entries(small_request().key, store)
    assert entry.faults(checksum=True) == {}


def test_blocks_in_use_are_kept_and_others_pruned(store: ActivationStore) -> None:
    held = ensure_examples(small_request(), store)
    assert store.prune(0) == []
    held.release()
    assert len(store.prune(0)) == 1


def test_blocks_of_a_cut_are_bounded_in_number(
    store: ActivationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(per_example, "MOST_BLOCKS", 3)
    images = some_images(10)
    for place in range(10):
        ensure_examples(small_request(images=images[place : place + 1]), store).release()
    assert len(block_entries(small_request().key, store)) == 3


def test_images_of_many_bytes_make_several_blocks(
    store: ActivationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(per_example, "BLOCK_BYTES", 1)
    monkeypatch.setattr(per_example, "EVALUATION_BATCH_SIZE", 4)
    kept = ensure_examples(small_request(), store)
    assert len(block_entries(small_request().key, store)) == 3
    assert torch.allclose(kept.rows[:], direct(some_images()), atol=1e-5)


def compute_some(folder: Path, first: int, counts: multiprocessing.Queue[int]) -> None:
    torch.set_num_threads(1)
    images = some_images(40)[first : first + 30]
    kept = ensure_examples(small_request(images=images), ActivationStore(folder))
    assert torch.allclose(kept.rows[:], direct(images), atol=1e-5)
    counts.put(kept.computed_examples)


def test_processes_that_share_examples_compute_each_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    counts: multiprocessing.Queue[int] = context.Queue()
    torch.set_num_threads(1)  # a forked process cannot use its parent's threads
    workers = [
        context.Process(target=compute_some, args=(tmp_path / "store", first, counts))
        for first in (0, 5, 10)
    ]
    for worker in workers:
        worker.start()
    found = [counts.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert sum(found) == 40


def test_run_by_examples_has_the_activations_of_one_by_splits(
    tmp_path: Path, sent: list[bytes]
) -> None:
    module = TransferModule(FeatureExtraction(small_backbone("resnet18")), training())
    task = random_task()
    by_split = serve(ActivationSettings(folder=str(tmp_path / "a")), task, module, CPU)
    sent.clear()
    folder = str(tmp_path / "b")
    by_example = serve(ActivationSettings(folder=folder, per_example=True), task, module, CPU)
    assert len(sent) == len(set(sent)) == 14
    assert by_split.cached is not None
    assert by_example.cached is not None
    for name in ("train", "val"):
        one = by_split.cached.task.labeled(name).inputs
        other = by_example.cached.task.labeled(name).inputs
        assert torch.allclose(one, other, atol=1e-5)
    assert by_example.record["cut"] == "layer4"
    assert [entry["images"] for entry in by_example.record["entries"]] == [8, 3, 3]
    assert [entry["computed"] for entry in by_example.record["entries"]] == [True] * 3
