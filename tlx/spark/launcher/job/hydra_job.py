"""One Hydra job in this process, from what the driver composed."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, run_job, setup_globals
from hydra.types import HydraContext
from omegaconf import DictConfig
from omegaconf.basecontainer import BaseContainer

from tlx.runs.result import RESULT_FILE, read_result
from tlx.spark.hydra_files import redact_job_files
from tlx.spark.launcher.composed_once import plain_context
from tlx.spark.launcher.job.function_reference import FunctionReference, reference
from tlx.spark.pickling import dumps, loads, named, refuse_unpicklable, survives

log = logging.getLogger(__name__)


class JobExitedError(Exception):
    """A job exited with a fault or was interrupted; Hydra records only an `Exception`."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text, code)
        self.code = code

    def __str__(self) -> str:
        """Return what was raised."""
        return str(self.args[0])


@dataclass
class SweepContext:
    """What all jobs of a sweep share.

    Args:
        function: Hydra's task function, or where to find it.
        hydra_context: Hydra's config loader and callbacks.
        singletons: Hydra's global state, with OmegaConf's resolvers.
    """

    function: FunctionReference | Callable[..., Any]
    hydra_context: HydraContext
    singletons: dict[str, Any]


def pack_context(function: Callable[..., Any], hydra_context: HydraContext) -> bytes:
    """Return what all jobs share, as one pickle.

    Raises:
        RemoteJobError: Where the function can only go by value and cannot be pickled; the
            message names the variable at fault.
    """
    target = reference(function)
    if target is None:
        try:
            dumps(function)
        except Exception as error:
            raise refuse_unpicklable(function, error) from error
    state = _picklable_state()
    return dumps(SweepContext(target or function, plain_context(hydra_context), state))


def run_packed_job(context: bytes, config: bytes, may_resume: bool) -> JobReturn:
    """Run one job in this process, as Hydra's basic launcher does.

    Args:
        context: From `pack_context`.
        config: The pickle of the job's composed configuration.
        may_resume: Go on with the run that the job's folder holds, where it holds one.
    """
    shared, function = open_context(context)
    return run_composed(function, loads(config), shared.hydra_context, may_resume)


def open_context(context: bytes) -> tuple[SweepContext, Callable[..., Any]]:
    """Take up in this process what all jobs share, and return it with Hydra's task function.

    Args:
        context: From `pack_context`.
    """
    shared: SweepContext = loads(context)
    known = Plugins.instance()  # found once in a worker, for every fork
    shared.singletons["instances"].setdefault(Plugins, known)
    Singleton.set_state(shared.singletons)
    function = shared.function
    return shared, function.load() if isinstance(function, FunctionReference) else function


def run_composed(
    function: Callable[..., Any],
    config: DictConfig,
    context: HydraContext,
    may_resume: bool,
    is_own_process: bool = True,
) -> JobReturn:
    """Run one composed job; an exit of the job becomes its failure, `sys.exit(0)` its end.

    Under Hydra's basic launcher an exit leaves the whole program, and no later job runs. Here a
    job is a program of its own: exit status 0 is a completed one, which returned None.

    Args:
        function: Hydra's task function.
        config: The job's configuration, Hydra's own part included.
        context: Hydra's config loader and callbacks.
        may_resume: Go on with the run that the job's folder holds, where it holds one.
        is_own_process: Whether an interrupt is meant for this job alone, and not for the sweep.
    """
    setup_globals()

    def task(cfg: DictConfig) -> Any:
        try:
            folder = Path(HydraConfig.get().runtime.output_dir)
            redact_job_files(cfg, folder)
            resume = resume_of(function, folder) if may_resume else None
            return function(cfg) if resume is None else _resumed(resume, folder, cfg)
        except SystemExit as error:
            if _exit_code(error) == 0:
                return None
            raise JobExitedError(named(error), _exit_code(error)) from error
        except KeyboardInterrupt as error:
            if not is_own_process:
                raise
            raise JobExitedError(named(error), 130) from error

    return run_job(
        task_function=task,
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
        hydra_context=context,
    )


def resume_of(function: Callable[..., Any], folder: Path) -> Callable[..., Any] | None:
    """Return what goes on with the unfinished run in a folder, or None where none is there.

    A command that writes tlx's `result.json` and has a function `resume(folder)` beside its job
    is gone on with from its last checkpoint; any other function is run again from its start.
    """
    resume = getattr(sys.modules.get(getattr(function, "__module__", "")), "resume", None)
    if resume is None or not (folder / RESULT_FILE).is_file():
        return None
    return None if read_result(folder).status == "completed" else resume


def _resumed(resume: Callable[..., Any], folder: Path, cfg: DictConfig) -> Any:
    """Go on with a run; a command that asks for what its files do not keep gets the job's own."""
    if "given" in inspect.signature(resume).parameters:
        return resume(folder, given=cfg)
    return resume(folder)


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1


def _picklable_state() -> dict[str, Any]:
    """Return Hydra's global state, without the resolvers that cannot be sent."""
    resolvers, kept = BaseContainer._resolvers, {}
    for name, resolver in resolvers.items():
        if survives(resolver) is None:
            log.warning("The resolver %r cannot be pickled: jobs have to do without it.", name)
        else:
            kept[name] = resolver
    try:
        BaseContainer._resolvers = kept
        return dict(Singleton.get_state())
    finally:
        BaseContainer._resolvers = resolvers
