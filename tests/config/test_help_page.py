from __future__ import annotations

import re

import pytest

from tlx import pretrain, train
from tlx.config.choices.groups import group_options
from tlx.config.composition import compose_config
from tlx.config.help_page import CommandHelp, default_options, help_page

COMMANDS = [train.HELP, pretrain.HELP]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_help_page_names_every_group_and_option_with_its_description(command: CommandHelp) -> None:
    page = help_page(command)
    groups = page.split("Groups and their options")[1].split("Settings:")[0]
    for group, options in group_options().items():
        assert f"\n  {group}\n" in groups
        for option in options:
            start = " ".join(option.description.split()[:3])
            assert re.search(rf"^   [* ] {option.name} +{re.escape(start)}", groups, re.MULTILINE)
    assert "<builder>" in groups


def test_help_page_marks_the_default_of_each_group() -> None:
    marked = re.findall(r"^   \* (\w+)", help_page(train.HELP), re.MULTILINE)
    defaults = default_options()
    assert marked == [defaults[group] for group in group_options() if group != "experiment"]
    cfg = compose_config()
    assert str(cfg.data["_target_"]).lower().endswith(f".{defaults['data']}")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_help_page_has_five_examples_and_fits_a_hundred_columns(command: CommandHelp) -> None:
    page = help_page(command)
    examples = page.split("Examples:\n")[1]
    assert examples.count(f"  {command.name} ") == 5
    assert max(len(line) for line in page.splitlines()) <= 100
    assert page.isascii()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_help_page_examples_compose(command: CommandHelp) -> None:
    for arguments, _ in command.examples:
        words = [word for word in arguments.split() if word != "-m"]
        # A sweep composes with its first values, a number of swept seeds included.
        compose_config([word.split(",")[0] for word in words])


def test_help_page_settings_and_flags_are_told() -> None:
    page = help_page(train.HELP)
    for word in ("seed=0", "resume=RUN", "debug=true", "hydra.run.dir=", "--cfg job", "--multirun"):
        assert word in page
