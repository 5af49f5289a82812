"""The main job until its first optimizer step; then the process ends.

python -m experiments.benchmarks.cold_start.first_step hydra.run.dir=FOLDER
"""

from __future__ import annotations

import os
from typing import Any

from torch.optim.optimizer import register_optimizer_step_post_hook

from tlx.train import main


def leave(*_: Any) -> None:
    """End the process at once, as a step that is done."""
    os._exit(0)


if __name__ == "__main__":
    register_optimizer_step_post_hook(leave)
    main()
