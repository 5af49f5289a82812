from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tlx.config.choices.paths import conf_dir
from tlx.config.typed.overrides import parse, sift, values_of, without_instructions, without_sweeps

# As they stand: one more strategy is no fault.
STRATEGIES = [path.stem for path in (conf_dir() / "strategy").glob("*.yaml")]


def sifted(*arguments: str) -> tuple[list[str], list[str]]:
    overrides, unreadable = parse(arguments)
    assert unreadable == []
    good, faults = sift(overrides, conf_dir(), "train")
    return [str(o.input_line) for o in good], [str(fault) for fault in faults]


@pytest.mark.parametrize(
    ("argument", "fault"),
    [
        (
            "optimizer.lr=[1",
            "optimizer.lr=[1: cannot be read as an override. Close each bracket, or quote it "
            "where it belongs to a name: 'optimizer.lr=\"[1\"'",
        ),
        (
            "seed",
            "seed=: cannot be read as an override. Write key=value; a value with spaces is quoted "
            "as a whole: 'key=a seed'.",
        ),
        (
            "data.root=${a=b",
            "data.root=${a=b: cannot be read as an override. Write key=value; quote what has "
            "spaces, commas or brackets: 'key=\"a, b\"'.",
        ),
    ],
)
def test_parse_of_an_unreadable_word_is_a_fault_and_keeps_the_others(
    argument: str, fault: str
) -> None:
    overrides, faults = parse([argument, "seed=1"])
    assert overrides[-1].key_or_group == "seed"
    assert [str(fault) for fault in faults] == [fault]


@pytest.mark.parametrize(
    ("value", "marks", "word"),
    [
        ("a=b.pth", "'='", "'backbone.weights=\"a=b.pth\"'"),
        ("runs/lr=0.1,wd=0/w (1).pth", "'= , ( )'", None),
        ("a{1}[2].pth", "'{ } [ ]'", None),
        ("a#b&c;d.pth", "'# & ;'", None),
        ("~/w.pth", "'~'", None),
        ("gewichte_ä.pth", "'ä'", None),
        ("it's.pth", '"\'"', "'backbone.weights=\"it'\"'\"'s.pth\"'"),
        ('say"so".pth', "'\"'", None),
    ],
)
def test_parse_of_a_file_name_that_needs_quotes_shows_them_and_goes_on_with_it(
    value: str, marks: str, word: str | None
) -> None:
    (override,), (fault,) = parse([f"backbone.weights={value}"])
    assert override.value() == value
    head = f"Quote what has {marks} in it, for Hydra and for the shell: "
    assert fault.remedy.startswith(head)
    shown = fault.remedy.removeprefix(head)
    assert word in (None, shown)
    # What a shell makes of the advised word is read as the name.
    (typed,) = shlex.split(shown)
    ((again,), faults) = parse([typed])
    assert (again.key_or_group, again.value(), faults) == ("backbone.weights", value, [])


def test_parse_of_an_unreadable_option_leaves_it_to_the_group() -> None:
    (override,), faults = parse(["backbone=a=b"])
    assert (override.key_or_group, override.value(), faults) == ("backbone", "a=b", [])


def test_without_sweeps_of_a_file_with_commas_advises_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a,b.pth").touch()
    (override,), (fault,) = without_sweeps(parse(["backbone.weights=a,b.pth"])[0])
    assert override.value() == "a,b.pth"
    assert str(fault) == (
        "backbone.weights=a,b.pth: several values need a sweep. A file's name with commas is "
        "quoted: 'backbone.weights=\"a,b.pth\"'"
    )


def test_sift_of_known_groups_and_keys_keeps_them() -> None:
    typed = ["strategy=partial", "strategy.train_stages=[a,b]", "optimizer.lr=1", "seed=1"]
    assert sifted(*typed) == (typed, [])


@pytest.mark.parametrize(
    ("argument", "fault"),
    [
        (
            "strategy=partail",
            "strategy=partail: strategy has no option 'partail'. Did you mean 'partial'?",
        ),
        (
            "backbone=resnet19",
            "backbone=resnet19: backbone has no option 'resnet19'. "
            "Did you mean 'resnet18' or 'resnet152' or 'resnet101'?",
        ),
        (
            "experiment=null",
            "experiment=null: null is no option. Leave it out, or write ~experiment.",
        ),
        (
            "loss=xyz",
            "loss=xyz: loss has no option 'xyz'. Choose from: cross_entropy, huber, mae, mse.",
        ),
        (
            "optimizer.lrr=1",
            "optimizer.lrr=1: there is no such key. Did you mean 'optimizer.lr'?",
        ),
        (
            "optimzer.lr=1",
            "optimzer.lr=1: there is no such key. Did you mean 'optimizer.lr'?",
        ),
        ("epochs=3", "epochs=3: there is no such key. Did you mean 'trainer.epochs'?"),
        (
            "strategy.momentum=1",
            "strategy.momentum=1: there is no such key. Did you mean 'strategy'?",
        ),
        ("sed=1", "sed=1: there is no such key. Did you mean 'seed'?"),
        ("seed.a=1", "seed.a=1: there is no such key. Did you mean 'seed'?"),
    ],
)
def test_sift_of_an_unknown_word_suggests_a_known_one(argument: str, fault: str) -> None:
    assert sifted(argument) == ([], [fault])


def test_sift_knows_the_keys_of_the_chosen_options_only() -> None:
    assert sifted("strategy=partial", "strategy.train_stages=2")[1] == []
    _, faults = sifted("strategy=structure_reuse", "strategy.train_stages=2")
    assert faults == [
        "strategy.train_stages=2: there is no such key. It is an option of strategy=partial."
    ]


def test_sift_with_several_faults_reports_them_all() -> None:
    good, faults = sifted("strategy=partail", "sed=1", "trainer.epochs=2", "data=digit")
    assert good == ["trainer.epochs=2"]
    assert [fault.split(":")[0] for fault in faults] == ["strategy=partail", "data=digit", "sed=1"]


@pytest.mark.parametrize(
    "argument",
    [
        "+new.key=1",
        "++seed=1",
        "~seed",
        "~loss",
        "hydra.run.dir=somewhere",
        "hydra/job_logging=none",
        "hydra.mode=MULTIRUN",
        "strategy={a:scratch}",
    ],
)
def test_sift_leaves_added_deleted_and_hydra_s_words_alone(argument: str) -> None:
    assert sifted(argument) == ([argument], [])


def test_sift_of_a_wrong_option_says_nothing_of_its_keys() -> None:
    assert sifted("strategy=partail", "strategy.train_stages=2") == (
        [],
        ["strategy=partail: strategy has no option 'partail'. Did you mean 'partial'?"],
    )
    good, faults = sifted("experiment=pretrian", "strategy.init=scratch", "seed=1")
    assert good == ["seed=1"]
    assert faults == [
        "experiment=pretrian: experiment has no option 'pretrian'. Did you mean 'pretrain'?"
    ]


def test_sift_checks_every_value_of_a_sweep() -> None:
    typed = "strategy=partial,partail,structure_resue"
    good, faults = sifted(typed, "seed=0,1")
    assert good == ["seed=0,1"]
    assert [fault.split(":")[0] for fault in faults] == [
        "strategy=partail",
        "strategy=structure_resue",
    ]


def test_sift_of_an_unknown_key_in_a_sweep_reports_it_once() -> None:
    assert sifted("sed=0,1") == (
        [],
        ["sed=0,1: there is no such key. Did you mean 'seed'?"],
    )


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("seed=3", [3]),
        ("seed=0,1", ["0", "1"]),
        ("seed=range(1,4)", ["1", "2", "3"]),
        ("strategy=glob(partia*)", ["partial"]),
        ("strategy=glob([*],exclude=p*)", sorted(n for n in STRATEGIES if not n.startswith("p"))),
        ("optimizer.lr=interval(0,1)", []),
        ("experiment=null", [None]),
    ],
)
def test_values_of_an_override_are_all_it_stands_for(argument: str, values: list[object]) -> None:
    assert values_of(parse([argument])[0][0]) == values


def test_sift_of_a_glob_composes_with_what_it_matches() -> None:
    typed = ["strategy=glob(part*)", "strategy.train_stages=2"]
    assert sifted(*typed) == (typed, [])


def test_without_sweeps_names_the_flag_that_is_missing() -> None:
    single, faults = without_sweeps(parse(["seed=0,1", "strategy=partial"])[0])
    assert [str(o.input_line) for o in single] == ["strategy=partial"]
    assert [str(fault) for fault in faults] == [
        "seed=0,1: several values need a sweep. "
        "Add -m to run each of them, or write [a,b] for a list."
    ]


@pytest.mark.parametrize(
    ("argument", "place", "value"),
    [
        ("loss._target_=mine.Loss", "loss._target_", "mine.Loss"),
        ("+loss.label_smoothing._target_=a.b", "loss.label_smoothing._target_", "a.b"),
        ("loss={_target_: a.b}", "loss._target_", "{_target_: a.b}"),
        ("data.classes=[{_args_: [1]}]", "data.classes[0]._args_", "[{_args_: [1]}]"),
        ("data.classes=1,{a: {_target_: b}}", "data.classes.a._target_", "1,{a: {_target_: b}}"),
        ("+experiment={_target_: a.b}", "experiment._target_", "{_target_: a.b}"),
    ],
)
def test_word_that_says_what_to_make_is_a_fault(argument: str, place: str, value: str) -> None:
    good, faults = without_instructions(parse([argument, "seed=1"])[0])
    assert [override.input_line for override in good] == ["seed=1"]
    assert [str(fault) for fault in faults] == [
        f"{place}={value}: only the file of an installed option says what to make, options are "
        "plain values. Leave it out; docs/extending.md tells how methods of your own become "
        "options."
    ]


def test_word_of_hydra_s_own_that_the_user_types_is_left_alone() -> None:
    overrides, _ = parse(["+hydra.callbacks.x={_target_: mine.Callback}"])
    assert without_instructions(overrides) == (overrides, [])
