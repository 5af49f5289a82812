"""The Hydra application whose sweeps are timed; the launcher is all that differs.

python -m experiments.benchmarks.launchers.app -m hydra/launcher=spark steps=500 'index=range(8)'
"""

from __future__ import annotations

import hydra
from hydra.core.config_store import ConfigStore

from experiments.benchmarks.launchers.jobs import run

ConfigStore.instance().store(name="benchmark", node={"steps": 0, "index": 0})

if __name__ == "__main__":
    hydra.main(version_base="1.3", config_path=None, config_name="benchmark")(run)()
