from __future__ import annotations

import subprocess

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tlx.data.tables.assignment import assignment

VALUES = [
    ["n.d."], ["NA", "-", "?"], ["%"], ["€"], ["null"], ["nan"], ["true"], ["007"], ["-999"],
    ["1e3"], ["Unnamed: 0"], ["a,b"], ["it's"], ['say "x"'], ["x [mm]"], ["tail\\"], ["a\\'b"],
    ["price $"], ["`ls`"], ["#"], ["*"], ["N/A"], ["Größe"],
]  # fmt: skip


def test_assignment_pasted_into_a_shell_gives_hydra_the_same_texts() -> None:
    written = [assignment("data.numeric", values) for values in VALUES]
    said = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {' '.join(written)}"],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    parser = OverridesParser.create()
    assert [parser.parse_override(line).value() for line in said] == VALUES


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (["a", "b"], "data.numeric=[a,b]"),
        (["a b"], '"data.numeric=[a b]"'),
        (["007", "007"], "\"data.numeric=['007']\""),
    ],
)
def test_assignment_is_quoted_only_where_it_must_be(values: list[str], written: str) -> None:
    assert assignment("data.numeric", values) == written
