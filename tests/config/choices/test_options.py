from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import Field

from tlx.config.choices.options import annotations_of, check_options, check_values, target_of
from tlx.errors import Fault
from tlx.strategies.fine_tuning.partial import Partial

if TYPE_CHECKING:
    from tlx.backbones import Backbone

Bounded = Annotated[int, Field(ge=1, le=5)]


def function(  # type: ignore[no-untyped-def]
    given: Backbone,
    *,
    count: Annotated[int, Field(ge=1)],
    rate: Annotated[float, Field(gt=0, lt=1)] = 0.5,
    mode: Literal["fast", "slow"] = "fast",
    clip: float | None = None,
    stages: Bounded | str | list[str] = 1,
    flag: bool = False,
    anything=None,
) -> None:
    pass


@dataclass(frozen=True)
class Fields:
    name: str
    size: Bounded | None = None


def check(**options: Any) -> tuple[dict[str, Any], list[str]]:
    values, faults = check_values("group", options, annotations_of(function), frozenset({"count"}))
    return values, [str(fault) for fault in faults]


def test_annotations_of_a_function_are_its_keyword_only_parameters() -> None:
    asked = annotations_of(function)
    assert list(asked) == ["count", "rate", "mode", "clip", "stages", "flag", "anything"]
    assert asked["mode"] == Literal["fast", "slow"]
    assert asked["anything"] is Any


def test_annotations_of_a_dataclass_are_its_fields() -> None:
    assert annotations_of(Fields) == {"name": str, "size": Bounded | None}


def test_annotations_of_a_class_that_inherits_its_options_come_from_where_they_are_written() -> (
    None
):
    class Mine(Partial):  # this module does not know the names that Partial's annotations use
        pass

    assert annotations_of(Mine) == annotations_of(Partial)
    assert list(annotations_of(Mine)) == ["train_stages"]


def test_check_values_converts_to_the_annotated_types() -> None:
    values, faults = check(count="3", rate="1e-1", clip=2, stages=["a"], flag="true", anything=[1])
    assert faults == []
    assert values == {
        "count": 3, "rate": 0.1, "clip": 2.0, "stages": ["a"], "flag": True, "anything": [1],
    }  # fmt: skip
    assert isinstance(values["clip"], float)


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("count", 0, "must be greater than or equal to 1. It takes a whole number at least 1."),
        (
            "count",
            "many",
            "must be a valid integer, unable to parse string as an integer. "
            "It takes a whole number at least 1.",
        ),
        ("count", True, "must be a valid integer. It takes a whole number at least 1."),
        ("count", None, "must be a valid integer. It takes a whole number at least 1."),
        (
            "count",
            1.5,
            "must be a valid integer, got a number with a fractional part. "
            "It takes a whole number at least 1.",
        ),
        ("rate", 0, "must be greater than 0. It takes a number above 0 and below 1."),
        ("rate", 1.0, "must be less than 1. It takes a number above 0 and below 1."),
        ("rate", float("nan"), "must be a finite number. It takes a number above 0 and below 1."),
        ("mode", "fats", "must be 'fast' or 'slow'. Did you mean 'fast'?"),
        ("mode", "gentle", "must be 'fast' or 'slow'. It takes fast, slow."),
        ("clip", float("inf"), "must be a finite number. It takes a number or null."),
        ("flag", 3, "must be a valid boolean, unable to interpret input. It takes true or false."),
        (
            "stages",
            6,
            "must be less than or equal to 5 or must be a valid string or must be a valid list. "
            "It takes a whole number at least 1 and at most 5 or a word or a list.",
        ),
    ],
)
def test_check_values_of_a_wrong_type_or_out_of_bounds_says_what_it_takes(
    option: str, value: object, text: str
) -> None:
    values, faults = check(**{"count": 1, option: value})
    assert faults == [f"group.{option}={value}: {text}"]
    assert option not in values


def test_check_values_of_an_unknown_option_suggests_a_known_one() -> None:
    _, faults = check(count=1, raet=0.1)
    assert faults == ["group.raet=0.1: group has no option 'raet'. Did you mean 'rate'?"]


def test_check_values_without_a_group_speaks_of_the_configuration() -> None:
    _, faults = check_values("", {"sed": 1}, {"seed": int}, frozenset())
    reason = "the configuration has no option 'sed'"
    assert faults == [Fault("sed", 1, reason, "Did you mean 'seed'?")]


def test_check_values_of_missing_options_asks_for_them_in_order() -> None:
    required = frozenset({"b", "a"})
    _, faults = check_values("group", {"c": "???"}, {"a": int, "b": int, "c": int}, required)
    assert [str(fault) for fault in faults] == [
        "group.c=???: needs a value. Give group.c=VALUE.",
        "group.a=None: needs a value. Give group.a=VALUE.",
        "group.b=None: needs a value. Give group.b=VALUE.",
    ]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"_convert_": "all"}, "group._convert_"),
        ({"_partial_": True}, "group._partial_"),
        ({"anything": {"_target_": "os.system"}}, "group.anything._target_"),
        ({"anything": {"a": [1, {"_args_": [2]}]}}, "group.anything.a[1]._args_"),
        ({"rate": {"_target_": "os.system"}}, "group.rate._target_"),
        ({"other": [{"_recursive_": False}]}, "group.other[0]._recursive_"),
    ],
)
def test_check_values_of_what_says_what_to_make_is_a_fault(
    given: dict[str, Any], place: str
) -> None:
    values, faults = check(count=1, _target_="x", **given)
    assert values == {"count": 1}
    (value,) = given.values()
    assert faults == [
        f"{place}={value}: only the file of an installed option says what to make, options are "
        "plain values. Leave it out; docs/extending.md tells how methods of your own become "
        "options."
    ]


def test_check_options_of_a_shipped_target_returns_typed_values() -> None:
    node = {"_target_": "tlx.optimization.optimizers.adamw", "lr": "1e-3", "betas": [0.8, 0.9]}
    assert check_options("optimizer", node) == ({"lr": 1e-3, "betas": (0.8, 0.9)}, [])


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("tlx.nowhere.Thing", "cannot import 'tlx.nowhere.Thing': No module named 'tlx.nowhere'"),
        ("tlx.errors.SEED", "cannot import 'tlx.errors.SEED': "),
        (None, "nothing says what to make of the options"),
    ],
)
def test_check_options_of_a_target_that_cannot_be_imported_is_a_fault(
    target: str | None, reason: str
) -> None:
    values, faults = check_options("loss", {"_target_": target, "label_smoothing": 0.1})
    assert values == {}
    assert [(f.key, f.value) for f in faults] == [("loss._target_", target)]
    assert faults[0].reason.startswith(reason)
    assert "\n" not in faults[0].reason
    assert faults[0].remedy == "Give the dotted name of a class or function."


def test_target_of_a_name_returns_what_it_names() -> None:
    assert target_of({"_target_": "tlx.strategies.fine_tuning.partial.Partial"}) is Partial


def test_target_of_something_that_cannot_be_called_raises() -> None:
    with pytest.raises(ImportError, match="STRIDE"):
        target_of({"_target_": "tlx.data.batches.SEED_STRIDE"})
