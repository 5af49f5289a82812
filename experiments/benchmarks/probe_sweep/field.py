"""The sweep as the field runs it: a plain Hydra script, the frozen trunk computed in every epoch.

python -m experiments.benchmarks.probe_sweep.field -m hydra/launcher=joblib work.learning_rate=1,2
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from experiments.benchmarks.single_run.workload import Workload

MEASURED_FILE = "measured.json"
NODE: dict[str, Any] = {"work": asdict(Workload(threads=1))}
ConfigStore.instance().store(name="field", node=NODE)


def run(cfg: DictConfig) -> float:
    """Train one head by plain Lightning, and write what it took into the job's folder.

    Returns:
        The accuracy on the test images.
    """
    from experiments.benchmarks.single_run.lightning_side import measure
    from tlx.runs.atomic import write_json

    folder = Path(HydraConfig.get().runtime.output_dir)
    options = OmegaConf.to_container(cfg.work)
    assert isinstance(options, dict)
    work = Workload(**{str(name): value for name, value in options.items()})
    measured = measure(work.within(folder))
    write_json(folder / MEASURED_FILE, measured)
    return float(measured["test_accuracy"])


if __name__ == "__main__":
    hydra.main(version_base="1.3", config_path=None, config_name="field")(run)()
