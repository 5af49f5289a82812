"""From a member's history to the files that a run alone writes in its fit."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from safetensors.torch import save_file
from torch import Tensor, nn

from tlx.head_banks.member import MemberHistory
from tlx.runs.atomic import atomic_path
from tlx.runs.history_file import HISTORY_FILE
from tlx.runs.run import WEIGHTS_FILE
from tlx.training.best_weights import BEST_FILE


def write_history(folder: Path, history: MemberHistory) -> None:
    """Write a member's epochs as a run's `metrics.csv`.

    Args:
        folder: The run's folder.
        history: What came of the member; without an epoch nothing is written.
    """
    if history.rows:
        rows = [asdict(row) | {"seconds": round(row.seconds, 4)} for row in history.rows]
        with atomic_path(folder / HISTORY_FILE) as temporary:
            pd.DataFrame(rows).to_csv(temporary, index=False)


def load_head(network: nn.Module, head: Mapping[str, Tensor]) -> None:
    """Put a member's head into the network that all members share.

    Args:
        network: Model A.
        head: The head's parameters, by their names in the network.

    Raises:
        KeyError: Where the network has no parameter of a name.
    """
    known = network.state_dict(keep_vars=True)
    unknown = sorted(set(head) - set(known))
    if unknown:
        raise KeyError(f"the network has no parameter {', '.join(unknown)}")
    network.load_state_dict(dict(head), strict=False)


def write_best_weights(folder: Path, network: nn.Module) -> None:
    """Write a network as the weights of the run's best epoch.

    Args:
        folder: The run's folder.
        network: The network with the member's best head.
    """
    path = folder / BEST_FILE
    path.parent.mkdir(exist_ok=True)
    with atomic_path(path) as temporary:
        save_file({k: v.contiguous() for k, v in network.state_dict().items()}, temporary)


def share_weights(folder: Path) -> None:
    """Give a finished run its best epoch's weights: the same file as its model, not a copy.

    Args:
        folder: The run's folder, with its model.
    """
    path = folder / BEST_FILE
    path.parent.mkdir(exist_ok=True)
    with atomic_path(path) as temporary:
        temporary.unlink(missing_ok=True)
        try:
            temporary.hardlink_to(folder / WEIGHTS_FILE)
        except OSError:  # a file system without hard links
            shutil.copyfile(folder / WEIGHTS_FILE, temporary)
