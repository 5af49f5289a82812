"""Files of torch.save from other hands: they run nothing, and claim no more than they have."""

from __future__ import annotations

import argparse
import collections
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tlx.backbones.weights.files.claims import StorageClaim, TensorClaim, UnreadableError
from tlx.backbones.weights.files.torch_file import load_torch, torch_claims

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "n": torch.tensor(4)}


def _refused(content: Any, path: Path, *, old: bool = False) -> UnreadableError:
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    with pytest.raises(UnreadableError) as caught:
        torch_claims(path, old=old)
    return caught.value


def _zipped(path: Path, pickled: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
    return path


@pytest.mark.parametrize("old", [False, True])
def test_torch_claims_are_the_shapes_and_types_of_the_tensors(old: bool, tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(STATE, path, _use_new_zipfile_serialization=not old)
    claims = torch_claims(path, old=old)
    assert claims.keys() == STATE.keys()
    assert claims["a.weight"].shape == (2, 3)
    assert claims["a.weight"].dtype is torch.float32
    assert claims["a.weight"].stride == (3, 1)
    assert claims["a.weight"].storage.nbytes == 24
    assert (claims["n"].shape, claims["n"].dtype) == ((), torch.int64)


def test_torch_claims_of_what_checkpoints_hold_agree_with_torch(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    content = {
        "state_dict": network.state_dict(),
        "optimizer_states": [optimizer.state_dict()],
        "parameter": network[0].weight,
        "small": torch.ones(3).to(torch.float8_e4m3fn),
        "values": [1, 2.5, None, True, 2**70, b"x", bytearray(b"y"), {1, 2}, 1j, (1, "a")],
        "counted": collections.Counter("abc"),
        "torch": [torch.float16, torch.device("cpu"), torch.Size([1, 2])],
        "pair": {(0, "a"): torch.zeros(1)},
    }
    torch.save(content, tmp_path / "w.ckpt")
    claims, loaded = torch_claims(tmp_path / "w.ckpt", old=False), load_torch(tmp_path / "w.ckpt")
    for key, value in loaded["state_dict"].items():
        claim = claims["state_dict"][key]
        assert (claim.shape, claim.dtype) == (tuple(value.shape), value.dtype)
    assert claims["state_dict"].metadata == loaded["state_dict"]._metadata
    assert claims["small"].dtype is torch.float8_e4m3fn
    assert claims["parameter"].shape == (2, 3)
    moment = claims["optimizer_states"][0]["state"][0]["exp_avg"]
    assert moment.shape == (2, 3)


@pytest.mark.parametrize("old", [False, True])
def test_torch_claims_of_an_expanded_tensor_says_what_it_claims(old: bool, tmp_path: Path) -> None:
    content = {"a": torch.zeros(1).expand(10**12)}
    tracemalloc.start()
    error = _refused(content, tmp_path / "w.pt", old=old)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.reason == (
        "one of its tensors (1000000000000, float32) claims 4.0 TB, and the file stores 4 bytes "
        "for it"
    )
    assert "tensor.clone(memory_format=torch.contiguous_format)" in str(error.remedy)
    assert peak < 10_000_000


def test_torch_claims_of_views_that_overlap_within_their_storage_are_sound(tmp_path: Path) -> None:
    base = torch.arange(10.0)
    torch.save({"a": base, "b": base[2:6], "c": base.view(2, 5).t()}, tmp_path / "w.pt")
    claims = torch_claims(tmp_path / "w.pt", old=False)
    assert [claims[key].offset for key in "abc"] == [0, 2, 0]
    assert claims["c"].stride == (1, 5)


def test_claim_that_reaches_behind_its_storage_ends_there() -> None:
    claim = TensorClaim((2, 3), torch.float32, StorageClaim("0", 24), 1, (3, 1))
    assert (claim.nbytes, claim.end) == (24, 28)


@pytest.mark.parametrize("stored", [4, 0])
def test_torch_claims_of_storages_that_are_cut_off_are_refused(stored: int, tmp_path: Path) -> None:
    torch.save({"a": torch.ones(100)}, tmp_path / "whole.pt")
    with zipfile.ZipFile(tmp_path / "whole.pt") as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(tmp_path / "cut.pt", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content[:stored] if "/data/" in name else content)
    with pytest.raises(UnreadableError, match=f"claim 400 bytes, and the file stores {stored} b"):
        torch_claims(tmp_path / "cut.pt", old=False)


def test_torch_claims_of_an_old_file_that_is_cut_off_are_refused(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "w.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "w.pt").write_bytes((tmp_path / "w.pt").read_bytes()[:-4])
    with pytest.raises(UnreadableError, match="its tensors claim 48 bytes, and the file stores 44"):
        torch_claims(tmp_path / "w.pt", old=True)


def test_torch_claims_of_a_compressed_file_are_refused_unread(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
        archive.writestr("archive/data/0", bytes(10**8))
    with pytest.raises(UnreadableError) as caught:
        torch_claims(tmp_path / "w.pt", old=False)
    assert caught.value.reason.startswith("its parts claim 100.0 MB in a file of 97.")
    assert "compressed, which torch.save does not do" in caught.value.reason


def _sparse() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.sparse_coo_tensor([[0], [0]], [1.0], (10**9, 10**9))


def _quantised() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_sparse, "it holds a sparse tensor"),
        (_quantised, "it holds a quantised tensor"),
        (lambda: torch.empty(10**13, device="meta"), "it holds a tensor on the meta device"),
    ],
)
def test_torch_claims_of_tensors_that_are_not_dense_are_refused(
    make: Callable[[], torch.Tensor], words: str, tmp_path: Path
) -> None:
    error = _refused({"a": make()}, tmp_path / "w.pt")
    assert error.reason.startswith(words)
    assert error.remedy == (
        "Save dense tensors of ordinary numbers: torch.save(network.state_dict(), path)."
    )


@pytest.mark.parametrize(
    ("content", "named", "snippet"),
    [
        (
            nn.Linear(1, 1),
            "torch.nn.modules.linear.Linear",
            "torch.save(torch.load(path, weights_only=False).state_dict(), 'state.pth')",
        ),
        (
            {"model": nn.Linear(1, 1), "epoch": 3},
            "torch.nn.modules.linear.Linear",
            "torch.save(torch.load(path, weights_only=False)['model'].state_dict(), 'state.pth')",
        ),
        (
            {"model": STATE, "args": argparse.Namespace(a=1)},
            "argparse.Namespace",
            "torch.save(torch.load(path, weights_only=False)['model'], 'state.pth')",
        ),
        (
            STATE | {"best": np.float64(0.5)},
            "numpy",
            "torch.save({k: v for k, v in torch.load(path, weights_only=False).items() "
            "if torch.is_tensor(v)}, 'state.pth')",
        ),
    ],
)
@pytest.mark.parametrize("old", [False, True])
def test_torch_claims_of_python_objects_name_them_and_the_way_out(
    old: bool, content: Any, named: str, snippet: str, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        error = _refused(content, tmp_path / "w.pt", old=old)
    assert error.reason.startswith(f"it holds Python objects besides tensors ({named}")
    assert error.remedy == (
        "Such a file could run code and is not loaded. If you trust where w.pt comes from, save "
        f"its tensors alone: import torch; {snippet}."
    )


@pytest.mark.parametrize(
    ("pickled", "words"),
    [
        # bytearray(2**40), torch.Tensor(2**40)
        (
            b"\x80\x02c__builtin__\nbytearray\n\x8a\x06\0\0\0\0\0\x01\x85R.",
            "it asks for a bytearray by its size",
        ),
        (b"\x80\x02ctorch\nTensor\n\x8a\x06\0\0\0\0\0\x01\x85R.", "it calls torch.Tensor, which"),
        # A key of tuples within tuples, which Python hashes until its stack ends.
        (b"\x80\x02})" + b"\x85" * 10_000 + b"Ns.", "keys are neither names nor numbers"),
        (b"\x80\x02cos\nsy\x1b[2Jstem\nX\x02\0\0\0ls\x85R.", r"\(os.sy\\x1b\[2Jstem\)"),
        (b"\x80\x04\x95\0\0\0\0\0\0\0\0}.", "the instruction FRAME, which torch.save does not"),
        (b"\x80\x02}", "it cannot be read"),
        (b"\x80\x02}}}ss.", "it"),
        (b"", "it cannot be read"),
        (b"\x80\x02" + b"]" * 1_000_002 + b".", "its pickle is larger than those of tensors"),
    ],
)
def test_torch_claims_of_hostile_pickles_are_refused(
    pickled: bytes, words: str, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableError, match=words):
        torch_claims(_zipped(tmp_path / "w.pt", pickled), old=False)


def test_torch_claims_of_deep_mappings_are_read(tmp_path: Path) -> None:
    pickled = b"\x80\x02" + b"}X\x01\0\0\0a" * 5_000 + b"}" + b"s" * 5_000 + b"."
    assert torch_claims(_zipped(tmp_path / "w.pt", pickled), old=False).keys() == {"a"}


def test_torch_claims_of_other_zips_say_what_they_are(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", a=np.ones(2))
    with pytest.raises(UnreadableError, match=r"it is a NumPy archive \(.npz\)"):
        torch_claims(tmp_path / "w.npz", old=False)
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr("resnet18.pth", "")
    with pytest.raises(UnreadableError) as caught:
        torch_claims(tmp_path / "w.zip", old=False)
    assert caught.value.remedy == "Unpack it, and give the weights file inside."


def test_torch_claims_of_a_torchscript_program_name_the_way_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:
        archive.writestr("w/data.pkl", b"\x80\x02}.")
        archive.writestr("w/constants.pkl", b"")
    with pytest.raises(UnreadableError, match="it is a TorchScript program") as caught:
        torch_claims(tmp_path / "w.pt", old=False)
    assert "torch.save(torch.jit.load(path).state_dict(), 'state.pth')" in str(caught.value.remedy)
