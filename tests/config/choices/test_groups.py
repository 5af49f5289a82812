from __future__ import annotations

from pathlib import Path

import pytest
from torchvision.models import list_models, resnet18

from tests.config.needed import needed
from tlx.backbones.names import BUILDER_NAMES
from tlx.config.builders import GROUPS, checked_plan
from tlx.config.choices.groups import group_options, option_names
from tlx.config.choices.options import annotations_of, check_options, target_of
from tlx.config.choices.paths import conf_dir
from tlx.config.composition import compose_config
from tlx.extras import EXTRAS, missing_modules
from tlx.strategies.policy import Policy

FILES = [(group, option.name) for group, options in group_options().items() for option in options]
OF_PROGRAMS = [("data", "in_memory")]
"""Options that no command can have, see tests/config/test_in_memory.py."""
OPTION_FILES = sorted(conf_dir().glob("*/*.yaml"))


def test_group_options_are_the_files_of_the_configuration_folder() -> None:
    assert {group for group, _ in FILES} >= {*GROUPS, "experiment"}
    assert sorted(FILES) == sorted((path.parent.name, path.stem) for path in OPTION_FILES)


@pytest.mark.parametrize("path", OPTION_FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_option_file_says_in_its_first_comment_what_it_is(path: Path) -> None:
    described = {o.name: o.description for o in group_options()[path.parent.name]}
    lines = [line for line in path.read_text().splitlines() if not line.startswith("# @")]
    assert lines[0].startswith("# ")
    assert described[path.stem] == lines[0][2:]
    assert described[path.stem] != "placeholder"


@pytest.mark.parametrize(("group", "option"), [f for f in FILES if f not in OF_PROGRAMS])
def test_shipped_option_makes_a_plan_without_faults(
    group: str, option: str, tmp_path: Path
) -> None:
    if group in ("logger", "strategy") and option in EXTRAS and missing_modules(option):
        pytest.skip(f"needs the extra: pip install -e '.[{option}]'")
    cfg = compose_config([f"{group}={option}", *needed(group, option, tmp_path)])
    plan = checked_plan(cfg)
    assert issubclass(plan.strategy.policy, Policy)
    assert plan.seed == 0
    assert set(plan.recipe) == set(GROUPS)


def test_shipped_options_say_every_option_of_their_signature() -> None:
    # What a file leaves out could not be overridden without `+`, nor be seen with --cfg job.
    for group, option in FILES:
        if group == "experiment":
            continue
        node = compose_config([f"{group}={option}"])[group]
        assert set(node) - {"_target_"} == set(annotations_of(target_of(node))), (group, option)


@pytest.mark.parametrize("name", BUILDER_NAMES)
def test_every_torchvision_builder_is_a_backbone_option(name: str) -> None:
    node = compose_config([f"backbone={name}"]).backbone
    assert (node.name, node.weights, node.image_size) == (name, "DEFAULT", None)
    _, faults = check_options("backbone", dict(node))
    assert faults == []


def test_option_names_of_backbones_are_all_classifiers_of_torchvision() -> None:
    module = __import__(resnet18.__module__.rsplit(".", 1)[0], fromlist=["models"])
    assert set(list_models(module)) <= set(option_names("backbone"))
    assert "glyphs_shufflenet_v2_x1_0" in option_names("backbone")
    assert "resnet18" not in option_names("strategy")
