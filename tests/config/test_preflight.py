from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hydra._internal.utils import get_args_parser

from tests.tiny import TINY
from tlx.backbones.construct import construct
from tlx.config.preflight import job_overrides, preflight
from tlx.config.typed.overrides import parse
from tlx.errors import ConfigError

BACKBONE = [word for word in TINY if word.startswith("backbone")]


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def faults_of(*arguments: str) -> list[str]:
    try:
        preflight(get_args_parser().parse_intermixed_args([*TINY, *arguments]))
    except ConfigError as error:
        return [str(fault) for fault in error.faults]
    return []


def test_preflight_of_a_sound_command_line_leaves_nothing_behind(tmp_path: Path) -> None:
    assert faults_of() == []
    assert list(tmp_path.iterdir()) == []


def test_preflight_reports_faults_of_every_kind_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert faults_of(
        "loss=x", "sed=1", "seed", "trainer.epochs=0", "scheduler.warmup_fraction=2",
        "hydra.run.dir=file/run", "optimizer.lr=1,2",
    ) == [
        "seed=: cannot be read as an override. Write key=value; a value with spaces is quoted as "
        "a whole: 'key=a seed'.",
        "optimizer.lr=1,2: several values need a sweep. Add -m to run each of them, or write "
        "[a,b] for a list.",
        "loss=x: loss has no option 'x'. Choose from: cross_entropy, huber, mae, mse.",
        "sed=1: there is no such key. Did you mean 'seed'?",
        "hydra.run.dir=file/run: cannot write there (Not a directory: "
        f"{tmp_path / 'file'}). Give a writable folder: hydra.run.dir=FOLDER.",
        "scheduler.warmup_fraction=2: must be less than or equal to 1. "
        "It takes a number at least 0 and at most 1.",
        "trainer.epochs=0: must be greater than or equal to 1. It takes a whole number at least 1.",
    ]  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_preflight_reports_data_and_backbone_beside_a_fault_elsewhere() -> None:
    assert [fault.split("=")[0] for fault in faults_of("seed=-1", "data.train_per_class=999")] == [
        "seed",
        "data.seed",
    ]
    found = faults_of("trainer.epochs=0", "data.train_per_class=999", "backbone.name=resnet19")
    assert [fault.split("=")[0] for fault in found] == [
        "trainer.epochs",
        "data.train_per_class",
        "backbone.name",
    ]


def test_preflight_of_weights_without_quotes_says_nothing_of_the_default_ones() -> None:
    asked = ("strategy.init=pretrained", "backbone.weights=a=b.pth")
    unquoted, missing = faults_of(*asked)
    assert unquoted == (
        "backbone.weights=a=b.pth: cannot be read as an override. Quote what has '=' in it, for "
        "Hydra and for the shell: 'backbone.weights=\"a=b.pth\"'"
    )
    assert missing == (
        "backbone.weights=a=b.pth: no such file or folder. "
        "Check the path; relative paths start from the working directory."
    )


def test_preflight_of_an_open_bracket_says_nothing_of_the_value() -> None:
    (fault,) = faults_of("optimizer.lr=[1")
    assert "Close each bracket" in fault


def test_preflight_of_weights_that_claim_what_they_lack_is_a_fault(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1).expand(10**12)}, tmp_path / "bomb.pt")
    asked = ("strategy.init=pretrained", "backbone.weights=bomb.pt")
    (fault,) = faults_of(*asked)
    assert fault.startswith(
        "backbone.weights=bomb.pt: one of its tensors (1000000000000, float32) claims 4.0 TB, and "
        "the file stores 4 bytes for it. Such a tensor would fill the memory and is not read."
    )


def test_preflight_of_weights_without_a_head_refuses_what_needs_it(tmp_path: Path) -> None:
    network = construct("mobilenet_v2", 5)
    state = {k: v for k, v in network.state_dict().items() if not k.startswith("classifier")}
    torch.save({"state_dict": state}, tmp_path / "w.pth.tar")
    asked = ("strategy=structure_reuse", "strategy.init=pretrained", "backbone.weights=w.pth.tar")
    assert faults_of(*asked) == []
    (fault,) = faults_of(*asked, "regularizer=co_tuning")
    assert "w.pth.tar has no output layer that fits mobilenet_v2" in fault


def test_preflight_of_strategy_and_backbone_that_do_not_fit_names_the_stages() -> None:
    arguments = [*BACKBONE, "strategy=partial", "strategy.train_stages=99"]
    with pytest.raises(
        ConfigError, match=r"strategy\.train_stages=99: the backbone has \d+ stages"
    ):
        preflight(get_args_parser().parse_args(arguments))


def test_preflight_of_words_that_hydra_refuses_repeats_its_reason() -> None:
    (fault,) = faults_of("~strategy.nothing")
    assert fault.endswith(
        "Could not delete from config. 'strategy.nothing' does not exist. "
        "See --help, --cfg job and --hydra-help."
    )


def test_preflight_of_a_removed_group_asks_for_an_option() -> None:
    (fault,) = faults_of("~loss")
    assert fault == "loss=None: needs an option. Choose from: cross_entropy, huber, mae, mse."


def test_preflight_of_an_added_key_nobody_knows_is_a_fault() -> None:
    assert faults_of("+sed=1", "+optimizer.lrr=2") == [
        "sed=1: the configuration has no option 'sed'. Did you mean 'seed'?",
        "optimizer.lrr=2: optimizer has no option 'lrr'. Did you mean 'lr'?",
    ]


def test_preflight_of_a_reference_that_leads_nowhere_is_a_fault() -> None:
    (fault,) = faults_of("optimizer.lr=${nowhere}")
    assert fault.startswith("optimizer.lr=?: Interpolation key 'nowhere' not found. ")


def test_preflight_of_a_sweep_checks_each_value_once() -> None:
    found = faults_of("-m", "trainer.epochs=1,0,2", "seed=3,-1", "loss=cross_entropy,x")
    assert found == [
        "loss=x: loss has no option 'x'. Choose from: cross_entropy, huber, mae, mse.",
        "trainer.epochs=0: must be greater than or equal to 1. It takes a whole number at least 1.",
        "seed=-1: must be greater than or equal to 0. "
        "It takes a whole number at least 0 and at most 4294967295.",
        "data.seed=-1: a seed is not negative. Use 0 or more.",
    ]


def test_preflight_of_a_sweep_asked_for_by_hydra_s_mode_is_a_sweep() -> None:
    assert faults_of("hydra.mode=MULTIRUN", "seed=0,1") == []


def test_preflight_of_a_sweep_s_output_names_the_sweep_s_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (fault,) = faults_of("-m", "seed=0,1", "hydra.sweep.dir=file")
    assert fault.startswith("hydra.sweep.dir=file: cannot write there (Not a directory: ")


@pytest.mark.parametrize(
    ("status", "remedy"),
    [("completed", "choose another folder"), ("failed", "go on with resume=run")],
)
def test_preflight_into_a_folder_that_holds_a_run_refuses(
    tmp_path: Path, status: str, remedy: str
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/result.json").write_text(json.dumps({"status": status}))
    assert faults_of("hydra.run.dir=run") == [
        f"hydra.run.dir=run: run already holds a run ({status}); {remedy}. "
        "A run is never written over. Leave it out for a new folder."
    ]


def test_preflight_with_a_config_folder_of_one_s_own_finds_its_options(tmp_path: Path) -> None:
    folder = tmp_path / "my configs/loss"
    folder.mkdir(parents=True)
    node = "_target_: tlx.optimization.losses.CrossEntropy\nlabel_smoothing: {}\n"
    (folder / "smooth.yaml").write_text(node.format(0.1))
    (folder / "wrong.yaml").write_text(node.format(3))
    flag = ("--config-dir", str(tmp_path / "my configs"))
    assert faults_of(*flag, "loss=smooth") == []
    assert faults_of(*flag, "loss=wrong") == [
        "loss.label_smoothing=3: must be less than 1. It takes a number at least 0 and below 1."
    ]
    (fault,) = faults_of(*flag, "loss=nowhere")
    assert "Could not find 'loss/nowhere'" in fault
    (fault,) = faults_of("loss=smooth")
    assert fault.startswith("loss=smooth: loss has no option 'smooth'. Choose from: cross_entropy")
    assert faults_of(f"hydra.searchpath=['{tmp_path / 'my configs'}']", "loss=smooth") == []


def test_preflight_of_a_damaged_run_folder_raises_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/result.json").write_text("{")
    (fault,) = faults_of("hydra.run.dir=run")
    assert fault.startswith("hydra.run.dir=run: run/result.json cannot be read: ")


def test_job_overrides_of_a_sweep_vary_one_key_at_a_time() -> None:
    overrides, _ = parse(["a=1", "b=1,2", "c=x,y,z"])
    assert job_overrides(overrides, multirun=True) == [
        ["a=1", "b=1", "c=x"],
        ["a=1", "b=2", "c=x"],
        ["a=1", "b=1", "c=y"],
        ["a=1", "b=1", "c=z"],
    ]


def test_job_overrides_of_a_sweep_with_pairs_keep_them_together() -> None:
    overrides, _ = parse(["a=1,2", "b=x", "c=3,4", "d=5,6", "e=7", "f=8"])
    pairs = [["a", "c"], ["e", "f"]]
    assert job_overrides(overrides, multirun=True, pairs=pairs) == [
        ["b=x", "a=1", "c=3", "d=5", "e=7", "f=8"],
        ["b=x", "a=2", "c=4", "d=5", "e=7", "f=8"],
        ["b=x", "a=1", "c=3", "d=6", "e=7", "f=8"],
    ]


def test_job_overrides_of_a_long_sweep_are_bounded() -> None:
    overrides, _ = parse(["seed=range(0,1000)"])
    assert len(job_overrides(overrides, multirun=True)) == 50


def test_preflight_of_a_zip_checks_each_pair_as_it_will_run() -> None:
    assert faults_of("-m", "zip(seed=[1,-2],optimizer.lr=[0.1,0.2])", "loss.label_smoothing=0") == [
        "seed=-2: must be greater than or equal to 0. "
        "It takes a whole number at least 0 and at most 4294967295.",
        "data.seed=-2: a seed is not negative. Use 0 or more.",
    ]
    assert faults_of("-m", "zip(augmentation=glob(l*),seed=[1])") == []


def test_preflight_of_zips_tells_all_faults_at_once() -> None:
    assert faults_of(
        "-m", "zip()", "zip(optimizer.lrr=[1,2],optimizer.weight_decay=[1,2,3])",
        "zip(seed=[1],loss=[x])", "seed=2",
    ) == [
        "zip=(): it names no key. Write 'zip(optimizer.lr=[1e-3,1e-2],trainer.epochs=[20,10])'.",
        "zip(optimizer.lrr=[1,2],optimizer.weight_decay=[1,2,3]): optimizer.lrr has 2 values and "
        "optimizer.weight_decay has 3. Give each key as many values.",
        "zip=(seed,loss): seed stands outside it too. Give seed once, in the zip or outside.",
        "loss=x: loss has no option 'x'. Choose from: cross_entropy, huber, mae, mse.",
        "optimizer.lrr=1,2: there is no such key. Did you mean 'optimizer.lr'?",
    ]  # fmt: skip


def test_preflight_of_a_zip_without_m_asks_for_it() -> None:
    assert faults_of("zip(seed=[1,2],optimizer.lr=[0.1,0.2])", "loss=x") == [
        "zip(seed=[1,2],optimizer.lr=[0.1,0.2]): several values need a sweep. "
        "Add -m to run each of them, or give each key one value.",
        "loss=x: loss has no option 'x'. Choose from: cross_entropy, huber, mae, mse.",
    ]


@pytest.mark.parametrize("sweeper", ["optuna", "basic"])
def test_preflight_of_a_zip_with_another_sweeper_is_refused(sweeper: str) -> None:
    asked = ("-m", "zip(seed=[1,2],optimizer.lr=[1,2])", f"hydra/sweeper={sweeper}")
    assert faults_of(*asked) == [
        f"hydra/sweeper={sweeper}: this sweeper gives each key its values by itself, so it takes "
        f"no zip(...). Leave hydra/sweeper={sweeper} out, or give each key its values without zip."
    ]
