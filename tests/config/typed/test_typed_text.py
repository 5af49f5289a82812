from __future__ import annotations

import os
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tlx.config.typed.typed_text import hydra_quoted, readable
from tlx.errors import ConfigError


def test_readable_puts_the_home_folder_behind_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", f"{tmp_path}/it's")
    home = f"{tmp_path}/it\\'s"
    typed = ["data.root=~/x", "+a.b=~", "hydra.run.dir=~/r s", "resume=~/run", "~optimizer", "-m"]
    assert readable(typed) == [
        f"data.root='{home}/x'", f"+a.b='{home}'", f"hydra.run.dir='{home}/r s'",
        f"resume={tmp_path}/it's/run", "~optimizer", "-m",
    ]  # fmt: skip
    read = OverridesParser.create().parse_override(readable(typed)[0])
    assert read.value() == f"{tmp_path}/it's/x"


def test_readable_leaves_other_words_alone() -> None:
    typed = ["data.root=a~b", "data.root=[~/a]", "data.root=~nobody-here/x", "data.root=x"]
    assert readable(typed) == typed


def test_readable_refuses_what_is_not_utf_8() -> None:
    typed = [os.fsdecode(b"data.root=caf\xe9/x"), "seed=1", os.fsdecode(b"resume=\xff")]
    with pytest.raises(ConfigError) as error:
        readable(typed)
    assert str(error.value) == (
        "data.root=caf\\xe9/x: it is not UTF-8, and could be written into no record. Rename the "
        "file or folder.\n"
        "resume=\\xff: it is not UTF-8, and could be written into no record. Rename the file or "
        "folder."
    )


def test_readable_refuses_a_current_folder_that_is_not_utf_8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigError) as error:
        readable(["seed=1"])
    assert str(error.value) == (
        f"the current folder={tmp_path}/caf\\xe9: it is not UTF-8, and could be written into no "
        "record. Rename the file or folder."
    )


@pytest.mark.parametrize(
    "text", ["a b", "it's", "back\\", "x\\'y", "do${oc.env:HOME}llar", "[a,b]"]
)
def test_hydra_quoted_texts_are_read_back_as_they_are(text: str) -> None:
    from omegaconf import OmegaConf

    value = OverridesParser.create().parse_override(f"key={hydra_quoted(text)}").value()
    assert OmegaConf.create({"key": value}).key == text
