"""Log a run to TensorBoard: event files in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlx.errors import Fault
from tlx.loggers.logger import RunAbout, RunEnd, missing_package_faults

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"


@dataclass(frozen=True)
class Tensorboard:
    """Write event files into `tensorboard/` in the run's folder: `tensorboard --logdir outputs`."""

    def faults(self) -> list[Fault]:
        """Return a fault where the package is missing."""
        return missing_package_faults("tensorboard")

    def open(self, about: RunAbout) -> TensorboardLog:
        """Return a log for a run."""
        return TensorboardLog(about)


class TensorboardLog:
    """A run's event files.

    A resumed run writes a second file, which takes the place of the first from its first epoch on.

    Args:
        about: The run.
    """

    log_id = None

    def __init__(self, about: RunAbout) -> None:
        self._about = about
        self._writer: SummaryWriter | None = None

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        """Write an epoch's scalars."""
        writer = self._opened(number)
        for name, value in metrics.items():
            writer.add_scalar(name, value, number)
        writer.flush()

    def end(self, end: RunEnd) -> None:
        """Write the options beside the final scores, and where the files lie."""
        from torch.utils.tensorboard import summary as entries

        writer: Any = self._opened(None)
        hparams: Any = entries.hparams  # torch leaves it without types
        summary = {f"final/{name}": value for name, value in end.summary.items()}
        params = dict(self._about.params)
        file_writer = writer._get_file_writer()  # add_hparams would make a folder of its own
        for part in hparams(params, summary):
            file_writer.add_summary(part)
        for name, value in summary.items():
            writer.add_scalar(name, value)
        lines = [f"- {name}: {path}" for name, path in end.files.items()]
        writer.add_text("files", "\n".join(lines))
        writer.close()

    def _opened(self, epoch: int | None) -> SummaryWriter:
        from torch.utils.tensorboard import SummaryWriter

        if self._writer is None:
            folder = self._about.folder / FOLDER
            self._writer = SummaryWriter(str(folder), purge_step=epoch)
        return self._writer
