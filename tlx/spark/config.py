"""The options of the launchers, as `hydra.launcher.*` takes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore


@dataclass
class DebugLauncherConf:
    """Options of `hydra/launcher=debug`: one job after the other, in this process.

    Args:
        post_mortem: Open pdb where a job raised. None: only where there is a terminal.
        fail_fast: Start no further job once one has failed.
        retry_failed: Run jobs again that failed when the sweep's folder was used before.
    """

    _target_: str = "hydra_plugins.tlx_spark.DebugLauncher"
    post_mortem: bool | None = None
    fail_fast: bool = False
    retry_failed: bool = False


@dataclass
class SparkLauncherConf:
    """Options of `hydra/launcher=spark`.

    Args:
        master: `local[*]`, `local[N]`, `spark://host:port`, `local-cluster[...]`, `yarn`, `k8s://`.
        conf: Further Spark properties: `+hydra.launcher.conf.spark.executor.memory=4g`.
        parallelism: Jobs at the same time. None: as many as the cluster has slots for.
        cpus_per_job: Cores of one job; also the threads that torch uses in it.
        gpus_per_job: Accelerators of one job, given to it by `CUDA_VISIBLE_DEVICES`.
        isolation: `fork`, `subprocess` or `none`. A fork falls back to `subprocess` where a fork
            is not safe (CUDA in use, macOS).
        preload: Modules which a worker imports once, before it forks. None: what tlx's own
            commands need, and nothing for others.
        timeout_s: Most seconds for one job. None: no limit.
        grace_s: Seconds between asking a job to stop and killing it.
        start_timeout_s: Seconds for an executor to register.
        fail_fast: Start no further job, and stop the running ones, once one has failed.
        retry_failed: Run jobs again that failed when the sweep's folder was used before.
        max_return_mb: Largest return value, in 10^6 bytes of its pickle.
        bank: Run jobs together where the command knows how to (tlx: heads over one frozen prefix).
    """

    _target_: str = "hydra_plugins.tlx_spark.SparkLauncher"
    master: str = "local[*]"
    conf: dict[str, Any] = field(default_factory=dict)
    parallelism: int | None = None
    cpus_per_job: int = 1
    gpus_per_job: int = 0
    isolation: str = "fork"
    preload: list[str] | None = None
    timeout_s: float | None = None
    grace_s: float = 3.0
    start_timeout_s: float = 60.0
    fail_fast: bool = False
    retry_failed: bool = False
    max_return_mb: float = 16.0
    bank: bool = True


def register() -> None:
    """Make both launchers known to Hydra; calling it again changes nothing."""
    store = ConfigStore.instance()
    store.store(group="hydra/launcher", name="spark", node=SparkLauncherConf, provider="tlx")
    store.store(group="hydra/launcher", name="debug", node=DebugLauncherConf, provider="tlx")
