"""The page that `--help` prints, written for a person."""

from __future__ import annotations

from textwrap import TextWrapper
from typing import NamedTuple

from tlx.config.choices.groups import group_options


class CommandHelp(NamedTuple):
    """What is particular to one command.

    Args:
        name: How it is called (`python -m tlx.train`).
        purpose: What it does, in a sentence or two.
        examples: Pairs of command line (without the command itself) and what it does.
    """

    name: str
    purpose: str
    examples: tuple[tuple[str, str], ...]


SETTINGS = (
    ("seed=0", "splits, initial weights, batch order and dropout all follow from it"),
    ("resume=RUN", "go on with an interrupted run in its own folder"),
    ("debug=true", "show the full traceback of an error"),
    ("hydra.sweeper.seeds=3", "in a search (hydra/sweeper=optuna): a trial is a mean over 3 seeds"),
    ("hydra.run.dir=FOLDER", "put the run there instead of a new folder under outputs/"),
)
FLAGS = (
    ("--cfg job", "print the configuration and stop (--resolve fills in the references)"),
    ("-m, --multirun", "run every combination of comma-separated values"),
    ("-m 'zip(KEY=[..],..)'", "in a sweep: first with first, second with second (docs/sweeps.md)"),
    ("--hydra-help", "Hydra's own flags"),
)


def help_page(command: CommandHelp) -> str:
    """Return the help page of a command: purpose, usage, groups with options, examples."""
    sections = [
        _wrap(command.purpose, ""),
        f"Usage: {command.name} [group=option ...] [key=value ...] [flags]",
        "\n".join(["Groups and their options (* is the default):", *_group_lines()]),
        _section("Settings", SETTINGS),
        _section("Flags", FLAGS),
        "\n".join(["Examples:", *_example_lines(command)]),
    ]
    return "\n\n".join(sections) + "\n"


def _group_lines() -> list[str]:
    defaults = default_options()
    lines = []
    for group, options in group_options().items():
        lines.append(f"  {group}")
        for option in options:
            mark = "*" if defaults.get(group) == option.name else " "
            lines.append(_wrap(option.description, f"   {mark} {option.name:<20} "))
        if group == "backbone":
            text = "any torchvision classifier (resnet50, vit_b_16, ...; python -m tlx.backbones)"
            lines.append(_wrap(text, f"     {'<builder>':<20} "))
    return lines


def default_options() -> dict[str, str]:
    """Return the option each group takes when the user says nothing, from `train.yaml`."""
    from omegaconf import OmegaConf

    from tlx.config.choices.paths import conf_dir

    chosen: dict[str, str] = {}
    for entry in OmegaConf.load(conf_dir() / "train.yaml").defaults:
        if entry == "_self_":
            continue
        for group, option in entry.items():
            if not str(group).startswith("override "):  # Hydra's own groups
                chosen[str(group)] = str(option)
    return chosen


def _example_lines(command: CommandHelp) -> list[str]:
    lines = []
    for arguments, meaning in command.examples:
        lines += [f"  {command.name} {arguments}".rstrip(), f"      {meaning}"]
    return lines


def _section(title: str, rows: tuple[tuple[str, str], ...]) -> str:
    return "\n".join([f"{title}:", *(_wrap(text, f"  {key:<22} ") for key, text in rows)])


def _wrap(text: str, lead: str) -> str:
    wrapper = TextWrapper(width=96, initial_indent=lead, subsequent_indent=" " * len(lead))
    return wrapper.fill(text) if text else lead.rstrip()
