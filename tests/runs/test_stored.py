from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from tlx.errors import TlxError
from tlx.runs.stored import MAX_BYTES, MAX_YAML_BYTES, read_json, read_yaml, yaml_text

VALUES: dict[str, Any] = {
    "words": ["1e-3", "yes", "null", "~", "", "01", "1:30", "2001-01-01", "<<", "${x}", "a\nb"],
    "more words": ["=", " a ", "- b", "é", ".5", "1_0", "-.inf", "0x1f", "true", "{", "#"],
    "numbers": [1e-5, 0.001, 1e300, 1e16, -3, 0, 10**30, float("inf")],
    "others": [True, False, None, [], {}, {"a": [{"b": 1}]}],
}


def refused(path: Path) -> str:
    read = read_json if path.suffix == ".json" else read_yaml
    with pytest.raises(TlxError) as error:
        read(path)
    prefix = f"{path} cannot be read: "
    assert str(error.value).startswith(prefix)
    return str(error.value).removeprefix(prefix)


def written(folder: Path, content: str | bytes, name: str = "config.yaml") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_yaml_written_is_read_as_the_same_values(tmp_path: Path) -> None:
    path = written(tmp_path, yaml_text(VALUES))
    assert read_yaml(path) == VALUES
    assert OmegaConf.to_container(OmegaConf.load(path)) == VALUES


def test_yaml_that_omegaconf_wrote_is_read_as_omegaconf_reads_it(tmp_path: Path) -> None:
    assert read_yaml(written(tmp_path, OmegaConf.to_yaml(OmegaConf.create(VALUES)))) == VALUES


def test_yaml_of_what_stands_in_two_places_has_no_anchor(tmp_path: Path) -> None:
    shared = [1, 2]
    text = yaml_text({"a": shared, "b": shared})
    assert text == "a:\n- 1\n- 2\nb:\n- 1\n- 2\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "a: &x [lol]\nb: [*x, *x]\n",
            "line 1 has an anchor or an alias, which stored values do without.",
        ),
        ("b: [*x]\n", "line 1 has an anchor or an alias, which stored values do without."),
        (
            "a: !!python/object/apply:os.system [id]",
            "line 1 has the tag tag:yaml.org,2002:python/object/apply:os.system, and stored values "
            "have none.",
        ),
        ("a: !mine 1", "line 1 has the tag !mine, and stored values have none."),
        ("a: 1\na: 2", "'a' stands there twice."),
        ("? [1]\n: 2", "line 1 has a key that is no word."),
        ("- " * 65 + "a", "it is nested more than 64 levels deep."),
        ("{a: " * 65 + "1" + "}" * 65, "it is nested more than 64 levels deep."),
        (b"a: \xff", "'utf-8' codec can't decode byte 0xff in position 3: invalid start byte."),
        ("a: '" + "a" * MAX_YAML_BYTES, "it is larger than 1 MB."),
    ],
)
def test_yaml_that_is_more_than_plain_values_is_refused(
    content: str | bytes, reason: str, tmp_path: Path
) -> None:
    assert refused(written(tmp_path, content)) == reason


def test_yaml_of_ten_levels_of_aliases_is_refused_unread(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 11)]
    assert "has an anchor or an alias" in refused(written(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000])
def test_yaml_of_a_hundred_thousand_levels_is_one_sentence(text: str, tmp_path: Path) -> None:
    said = refused(written(tmp_path, text))
    assert "nest" in said  # PyYAML's own words, where libyaml looks further ahead
    assert "\n" not in said


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' * 100_000, '{"error": ' + "[" * 100_000])
def test_json_of_a_hundred_thousand_levels_is_one_sentence(text: str, tmp_path: Path) -> None:
    assert refused(written(tmp_path, text, "result.json")) == "it is nested too deeply."


def test_json_that_is_damaged_or_too_large_is_one_sentence(tmp_path: Path) -> None:
    assert refused(written(tmp_path, "{", "a.json")).startswith("Expecting property name")
    assert refused(written(tmp_path, b"\xff", "a.json")).startswith("'utf-8' codec can't decode")
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # sparse: takes no room
    assert refused(tmp_path / "a.json") == "it is larger than 17 MB."


def test_file_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "result.json")
    assert refused(tmp_path / "result.json") == "it is no regular file."


def test_file_that_is_missing_or_a_folder_is_a_fault_of_the_file_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "result.json")
    with pytest.raises(IsADirectoryError):
        read_yaml(tmp_path)
