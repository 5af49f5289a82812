"""How a job's failure arrives where the sweep was started."""

from __future__ import annotations

from tlx.errors import TlxError


class RemoteJobError(TlxError):
    """A job failed, and its own exception could not come back, or it had none."""


class SparkStartError(TlxError):
    """No Spark to run on: what is missing, and what to do."""


class RemoteTraceback(Exception):  # noqa: N818 - it is shown as a cause, as in `concurrent`
    """The traceback of a job as text; it is set as the cause of the job's exception."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        """Return the traceback as the job's process wrote it."""
        return f'\n"""\n{self.text}"""'
