from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from tests.tiny import TINY, command
from tlx.config.command_line import run_command
from tlx.config.help_page import CommandHelp
from tlx.config.job import hydra_job
from tlx.errors import ConfigError, TlxError
from tlx.runs.run import RunInterrupted

HELP = CommandHelp("python -m tlx.train", "Train.", (("seed=1", "another seed"),))


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:], logging.root.level = handlers, level  # Hydra sets its own


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command in this process; returns what its job was given, or its resume."""

    def run(
        *arguments: str, error: BaseException | None = None, defaults: tuple[str, ...] = ()
    ) -> Any:
        given: list[Any] = []

        def job(cfg: DictConfig) -> float:
            given.append((cfg, *hydra_job("tlx.train", cfg)))
            if error is not None:
                raise error
            return 1.0

        monkeypatch.setattr(sys, "argv", ["tlx-train", *arguments])
        run_command(job, HELP, resume=given.append, defaults=defaults)
        return given

    return run


def stopped(capsys: pytest.CaptureFixture[str], run: Any, *arguments: str, **how: Any) -> Any:
    with pytest.raises(SystemExit) as stop:
        run(*arguments, **how)
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    return stop.value.code, captured.err


def test_command_runs_its_job_in_a_folder_of_its_own(run: Any, tmp_path: Path) -> None:
    ((cfg, folder, line),) = run(*TINY, "seed=7")
    assert (cfg.seed, cfg.data.seed) == (7, 7)
    assert folder.is_relative_to(tmp_path / "outputs")
    assert folder.is_dir()
    assert line == f"python -m tlx.train {' '.join(TINY)} seed=7"


def test_command_runs_each_job_of_a_sweep_in_a_folder_of_its_own(run: Any) -> None:
    jobs = run("-m", *TINY, "seed=3,4", "hydra.sweep.dir=sweep")
    assert [(cfg.seed, folder.name) for cfg, folder, _ in jobs] == [(3, "0"), (4, "1")]
    assert [line.rsplit(" ", 1)[-1] for *_, line in jobs] == ["seed=3", "seed=4"]


def test_command_takes_flags_between_overrides(run: Any) -> None:
    jobs = run(*TINY, "seed=3", "-m", "trainer.epochs=1,2")
    assert [(cfg.seed, cfg.trainer.epochs) for cfg, *_ in jobs] == [(3, 1), (3, 2)]


def test_command_defaults_apply_unless_given(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ((cfg, *_),) = run(*TINY, "trainer.epochs=2", defaults=("seed=5", "trainer.epochs=9"))
    assert (cfg.seed, cfg.trainer.epochs) == (5, 2)
    assert run("--cfg", "job", "seed=6", defaults=("trainer.epochs=9",)) == []
    shown = capsys.readouterr().out
    assert "\nseed: 6\n" in shown
    assert "\n  epochs: 9\n" in shown


def test_command_with_faults_lists_them_and_starts_nothing(
    run: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, message = stopped(capsys, run, "strategy=partail", "seed=-1")
    assert code == 2
    lines = message.splitlines()
    assert lines[0] == "tlx.train: 3 faults in what you asked for, nothing was started:"
    assert lines[1] == (
        "  - strategy=partail: strategy has no option 'partail'. Did you mean 'partial'?"
    )
    assert list(tmp_path.iterdir()) == []


def test_command_with_one_fault_counts_one(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, message = stopped(capsys, run, *TINY, "sed=1")
    assert message == (
        "tlx.train: 1 fault in what you asked for, nothing was started:\n"
        "  - sed=1: there is no such key. Did you mean 'seed'?\n"
    )


def test_command_with_faults_and_debug_raises_them(run: Any) -> None:
    with pytest.raises(ConfigError, match="sed=1: there is no such key"):
        run(*TINY, "sed=1", "debug=true")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (TlxError("the disk is full."), 1, "tlx.train: the disk is full."),
        (RunInterrupted("interrupted; go on with resume=x"), 130, "go on with resume=x"),
        (KeyboardInterrupt(), 130, "tlx.train: interrupted"),
    ],
)
def test_command_whose_job_fails_prints_the_message_alone(
    run: Any, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, text: str
) -> None:
    exit_code, message = stopped(capsys, run, *TINY, error=error)
    assert exit_code == code
    assert message.splitlines()[-1].endswith(text)


def test_command_whose_job_fails_with_debug_raises(run: Any) -> None:
    with pytest.raises(TlxError, match="the disk is full"):
        run(*TINY, "debug=true", error=TlxError("the disk is full."))


def test_command_whose_job_has_a_bug_shows_where(run: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        run(*TINY, error=ZeroDivisionError("a bug"))


def test_command_sweep_goes_on_after_a_failed_job_and_reports_it(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    error = TlxError("the loss became nan.")
    code, message = stopped(capsys, run, "-m", *TINY, "seed=0,1", "hydra.sweep.dir=s", error=error)
    assert (code, message.splitlines()[-1]) == (1, "tlx.train: the loss became nan.")
    assert Path("s/1").is_dir()


def test_command_sweep_ends_with_an_interrupt(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    error = RunInterrupted("interrupted")
    code, _ = stopped(capsys, run, "-m", *TINY, "seed=0,1", "hydra.sweep.dir=s", error=error)
    assert code == 130
    assert Path("s/0").is_dir()
    assert not Path("s/1").exists()


def test_command_resume_runs_the_resume_instead_of_the_job(run: Any) -> None:
    assert run("resume=a/run=1") == [Path("a/run=1")]
    assert run("resume=run", "debug=true", defaults=("experiment=pretrain",)) == [Path("run")]


def test_command_resume_null_is_no_resume(run: Any) -> None:
    ((cfg, *_),) = run(*TINY, "resume=null")
    assert cfg.resume is None


def test_command_resume_with_other_overrides_is_refused(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, message = stopped(capsys, run, "resume=runs/1", "trainer.epochs=9", "+seed=2")
    assert code == 1
    assert message == (
        "tlx.train: resume=runs/1 goes on with the run's own configuration, so seed, "
        "trainer.epochs cannot be changed. Leave it out, or start a new run from its weights "
        "with backbone.weights=runs/1.\n"
    )


def test_command_help_prints_the_page_and_runs_nothing(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("seed=1", "--help") == []
    assert capsys.readouterr().out.startswith("Train.\n")


def test_train_with_faults_in_a_process_of_its_own_leaves_no_folder(tmp_path: Path) -> None:
    done = command("tlx.train", *TINY, "strategy=partail", "trainer.epochs=x", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "tlx.train: 2 faults in what you asked for, nothing was started:\n"
        "  - strategy=partail: strategy has no option 'partail'. Did you mean 'partial'?\n"
        "  - trainer.epochs=x: must be a valid integer, unable to parse string as an integer. "
        "It takes a whole number at least 1.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_train_resume_of_no_run_names_the_folder(tmp_path: Path) -> None:
    done = command("tlx.train", "resume=nowhere", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        "tlx.train: nowhere is not the folder of a run: it has no config.yaml.\n",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("launcher", ["basic", "debug"])
def test_command_runs_what_a_zip_pairs_beside_what_is_swept(run: Any, launcher: str) -> None:
    zipped = "zip(strategy=[partial,feature_extraction],trainer.epochs=[2,1])"
    asked = [word for word in TINY if "strategy" not in word and "epochs" not in word]
    folder = "hydra.sweep.dir=sweep"
    jobs = run("-m", *asked, zipped, "seed=3,4", folder, f"hydra/launcher={launcher}")
    assert [(cfg.trainer.epochs, cfg.seed) for cfg, *_ in jobs] == [(2, 3), (2, 4), (1, 3), (1, 4)]
    kinds = [cfg.strategy._target_.rpartition(".")[2] for cfg, *_ in jobs]
    assert kinds == ["Partial", "Partial", "FeatureExtraction", "FeatureExtraction"]
    assert [place.name for _, place, _ in jobs] == ["0", "1", "2", "3"]
    words = OmegaConf.load("sweep/1/.hydra/overrides.yaml")
    assert words == [*asked, "strategy=partial", "trainer.epochs=2", "seed=4"]
    hydra = OmegaConf.load("sweep/1/.hydra/hydra.yaml").hydra
    assert hydra.job.override_dirname == ",".join(sorted(words))
    if launcher == "debug":
        assert len(run("resume=sweep", "-m")) == 0
        Path("sweep/2/job.json").unlink()
        again = run("resume=sweep", "-m")
        assert [(cfg.trainer.epochs, cfg.seed) for cfg, *_ in again] == [(1, 3)]


def test_command_with_a_zip_to_show_only_says_what_cannot_be_read(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, message = stopped(capsys, run, "--cfg", "job", "zip(seed=[1,2],trainer.epochs=[1")
    assert code == 2
    assert "zip(seed=[1,2],trainer.epochs=[1: a bracket or a quote in it is not closed." in message
    code, message = stopped(capsys, run, "--cfg", "job", "zip(seed=[1,2],trainer.epochs=[1,2])")
    assert code == 1
    assert message.startswith("tlx.train: Ambiguous value for argument 'seed=1,2'")


def test_command_defaults_give_way_to_a_zip(run: Any) -> None:
    zipped = "zip(seed=[1,2],optimizer.lr=[0.1,0.2])"
    jobs = run("-m", *TINY, zipped, "hydra.sweep.dir=s", defaults=("seed=5",))
    assert [(cfg.seed, cfg.optimizer.lr) for cfg, *_ in jobs] == [(1, 0.1), (2, 0.2)]


def test_command_with_batches_of_no_job_starts_nothing(
    run: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, message = stopped(capsys, run, "-m", *TINY, "seed=0,1", "hydra.sweeper.max_batch_size=0")
    assert (code, message) == (
        2,
        "tlx.train: 1 fault in what you asked for, nothing was started:\n"
        "  - hydra.sweeper.max_batch_size=0: too small. Give 1 or more, or null for all jobs.\n",
    )
    assert list(tmp_path.iterdir()) == []
