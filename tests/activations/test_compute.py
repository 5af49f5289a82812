from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.activations.asked import CPU, small_request, some_images
from tests.strategies.fits import small_backbone
from tlx.activations import request
from tlx.activations.compute import compute_part, ensure, open_stored, reserve
from tlx.activations.parts import part_path
from tlx.activations.request import PrefixRequest
from tlx.activations.store import ActivationStore
from tlx.activations.stored import MappedRows

FORK = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def request_() -> PrefixRequest:
    return small_request()


def test_ensure_gives_what_the_whole_network_computes_there(store: ActivationStore) -> None:
    backbone = small_backbone("resnet18")
    seen: list[torch.Tensor] = []
    backbone.network.layer1.register_forward_hook(lambda _m, _i, out: seen.append(out))
    stored = ensure(small_request(backbone), store)
    seen.clear()
    with torch.no_grad():
        backbone.eval()(backbone.preprocess(some_images()))
    assert stored.tensor().equal(seen[0])
    assert stored.tensor().data_ptr() == stored.parts[0].data_ptr()  # no copy
    assert stored.computed_parts == 1


def test_ensure_again_reads_what_is_there(
    request_: PrefixRequest, store: ActivationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ensure(request_, store)
    monkeypatch.setattr(PrefixRequest, "activations", None)  # nothing more may be computed
    again = ensure(request_, store)
    assert again.computed_parts == 0
    assert again.tensor().equal(first.tensor())


def test_ensure_in_parts_gives_the_same_rows(
    request_: PrefixRequest, store: ActivationStore, small_parts: None
) -> None:
    told: list[int] = []
    stored = ensure(request_, store, told.append)
    assert stored.computed_parts == 3
    assert told == [4, 4, 2]
    torch.testing.assert_close(stored.tensor(), request_.activations(0, 10), rtol=1e-5, atol=1e-6)
    chosen = torch.tensor([9, 1, 5])
    assert stored.rows[chosen].equal(stored.tensor()[chosen])


def test_ensure_after_an_interrupt_goes_on_from_the_finished_parts(
    request_: PrefixRequest, store: ActivationStore, small_parts: None
) -> None:
    def die(images: int) -> None:
        if part_path(store.entry(request_.key.digest).folder, 1).exists():
            os.kill(os.getpid(), signal.SIGKILL)

    child = FORK.Process(target=ensure, args=(request_, store, die))
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    entry = store.entry(request_.key.digest)
    assert list(entry.faults()) == [2]
    assert list(entry.folder.glob(".part-00002-*"))
    assert open_stored(request_, store) is None
    stored = ensure(request_, store)
    assert stored.computed_parts == 1
    assert not list(entry.folder.glob(".part*"))
    torch.testing.assert_close(stored.tensor(), request_.activations(0, 10), rtol=1e-5, atol=1e-6)


def _ensure_slowly(request: PrefixRequest, store: ActivationStore, notes: Path) -> None:
    def note(images: int) -> None:
        time.sleep(0.1)
        with notes.open("a") as file:
            file.write(f"{os.getpid()}\n")

    stored = ensure(request, store, note)
    assert len(stored.tensor()) == 10


def test_ensure_by_several_processes_computes_once(
    request_: PrefixRequest, store: ActivationStore, small_parts: None, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    children = [
        FORK.Process(target=_ensure_slowly, args=(request_, store, notes)) for _ in range(3)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(30)
    assert [child.exitcode for child in children] == [0, 0, 0]
    lines = notes.read_text().split()
    assert len(lines) == 3  # one per part
    assert len(set(lines)) == 1


def test_ensure_waiting_for_a_writer_that_dies_takes_over(
    request_: PrefixRequest, store: ActivationStore, small_parts: None
) -> None:
    began = FORK.Event()

    def hang(images: int) -> None:
        began.set()
        time.sleep(60)

    writer = FORK.Process(target=ensure, args=(request_, store, hang))
    writer.start()
    assert began.wait(30)
    waiter = FORK.Process(target=ensure, args=(request_, store))
    waiter.start()
    time.sleep(0.3)
    assert waiter.is_alive()
    writer.kill()
    writer.join(30)
    waiter.join(30)
    assert waiter.exitcode == 0
    stored = open_stored(request_, store)
    assert stored is not None
    assert len(stored.tensor()) == 10


@pytest.mark.parametrize("damage", ["truncated", "flipped", "removed"])
def test_ensure_of_a_damaged_part_computes_it_again_and_says_so(
    damage: str,
    request_: PrefixRequest,
    store: ActivationStore,
    small_parts: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected = ensure(request_, store).tensor().clone()
    path = part_path(store.entry(request_.key.digest).folder, 1)
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[:-10])
    elif damage == "flipped":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    else:
        path.unlink()
    with caplog.at_level(logging.WARNING, logger="tlx"):
        stored = ensure(request_, store)
    assert stored.computed_parts == 1
    assert stored.tensor().equal(expected)
    messages = [record.getMessage() for record in caplog.records]
    start = "part 2 of the activations of train behind layer1 is damaged: it"
    assert [m.startswith(start) for m in messages] == ([] if damage == "removed" else [True])


def test_ensure_of_an_entry_whose_manifest_is_broken_writes_it_anew(
    request_: PrefixRequest, store: ActivationStore, small_parts: None
) -> None:
    ensure(request_, store)
    (store.entry(request_.key.digest).folder / "entry.json").write_text("{")
    stored = ensure(request_, store)
    assert stored.computed_parts == 0  # the parts are sound
    assert len(stored.tensor()) == 10


def test_compute_part_by_others_in_any_order_makes_an_entry(
    request_: PrefixRequest, store: ActivationStore, small_parts: None
) -> None:
    with pytest.raises(ValueError, match="call reserve"):
        compute_part(request_, 0, store)
    manifest = reserve(request_, store)
    assert [compute_part(request_, i, store) for i in (2, 0)] == [True, True]
    assert compute_part(request_, 2, store) is False
    assert open_stored(request_, store) is None
    assert compute_part(request_, 1, store) is True
    assert manifest.parts == 3
    stored = ensure(request_, store)
    assert stored.computed_parts == 0


def test_half_precision_takes_half_the_space_and_stays_finite(store: ActivationStore) -> None:
    backbone = small_backbone("resnet18")
    full, half = (small_request(backbone, half_precision=h) for h in (False, True))
    exact, rounded = ensure(full, store), ensure(half, store)
    assert exact.manifest.bytes == 2 * rounded.manifest.bytes
    assert rounded.parts[0].dtype == torch.float16
    assert rounded.tensor().dtype == torch.float32
    torch.testing.assert_close(rounded.tensor(), exact.tensor(), rtol=1e-3, atol=1e-4)
    with torch.no_grad():
        backbone.network.layer1[1].bn2.weight.fill_(1e7)
    huge = ensure(small_request(backbone, half_precision=True), store).tensor()
    assert huge.max() == 65504.0


def test_mixed_precision_keeps_bfloat16_bit_for_bit(store: ActivationStore) -> None:
    request = small_request(cut="conv1", compute=replace(CPU, precision="bf16-mixed"))
    stored = ensure(request, store)
    assert stored.manifest.stored == "int16"
    assert stored.tensor().dtype == torch.bfloat16
    backbone = small_backbone("resnet18").eval()
    network = backbone.network
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        values = network.relu(network.bn1(network.conv1(backbone.preprocess(some_images()))))
        values = network.maxpool(values)
    assert stored.tensor().equal(values)


def test_channels_last_is_given_back_as_the_network_lays_it_out(store: ActivationStore) -> None:
    backbone = small_backbone("resnet18")
    backbone.network.to(memory_format=torch.channels_last)
    request = small_request(backbone, compute=replace(CPU, channels_last=True))
    stored = ensure(request, store)
    assert stored.manifest.channels_last
    assert stored.tensor().is_contiguous(memory_format=torch.channels_last)
    assert stored.tensor().equal(request.activations(0, 10))


def test_activations_leave_parameters_trainable(store: ActivationStore) -> None:
    backbone = small_backbone("resnet18")
    ensure(small_request(backbone), store)
    assert not any(parameter.is_inference() for parameter in backbone.parameters())
    backbone.train()(backbone.preprocess(some_images())).sum().backward()
    assert backbone.network.conv1.weight.grad is not None


def test_manifest_of_small_activations_has_parts_for_several_processes() -> None:
    one = small_request(cut="layer4", images=some_images(5000))
    manifest = one.manifest()
    assert (manifest.rows_per_part, manifest.parts) == (1024, 5)
    assert small_request(cut="layer4", images=some_images(900)).manifest().parts == 1


def test_rows_of_small_parts_are_joined_and_of_large_ones_stay_where_they_lie(
    store: ActivationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request, "LEAST_BATCHES", 1)
    asked = small_request(cut="layer4", images=some_images(300))
    stored = ensure(asked, store)
    assert len(stored.parts) == 2
    assert isinstance(stored.rows, torch.Tensor)
    assert stored.rows.equal(torch.cat(stored.parts))
    monkeypatch.setattr("tlx.activations.stored.JOINED_BYTES", stored.manifest.bytes - 1)
    mapped = ensure(asked, store).rows
    assert isinstance(mapped, MappedRows)
    assert mapped[torch.tensor([299, 0, 256])].equal(stored.rows[[299, 0, 256]])
