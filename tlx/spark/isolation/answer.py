"""How a job's process tells its end: one message, whole or known to be spoilt."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pickle
import struct
from dataclasses import dataclass
from typing import Any

_HEADER = struct.Struct("!8sQ32s")
_MAGIC = b"tlx-end\n"

ANSWER_DESCRIPTOR = 1000
"""Where a job's process holds the pipe: above what a program opens, or tries, by numbers."""


class AnswerLostError(Exception):
    """The pipe is gone, over which a job's end is told."""


@dataclass(frozen=True)
class AnswerPipe:
    """The end of the pipe that a job's process writes to.

    Args:
        descriptor: The writing end.
        identity: Device and inode of the pipe.
        reopens_at: The path under which the supervisor's end can be opened, where `/proc` is.
    """

    descriptor: int
    identity: tuple[int, int]
    reopens_at: str

    @classmethod
    def moved(cls, descriptor: int, parent: int, reading: int) -> AnswerPipe:
        """Return the pipe under a high number, not passed on to programs that the job starts.

        Args:
            descriptor: The writing end; it is closed.
            parent: The supervisor's process.
            reading: The supervisor's number of the reading end.
        """
        try:
            high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, ANSWER_DESCRIPTOR)
        except OSError:  # fewer descriptors are allowed
            high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
        os.close(descriptor)
        return cls(high, _identity(high), f"/proc/{parent}/fd/{reading}")

    def send(self, message: dict[str, Any]) -> None:
        """Write the one message.

        Args:
            message: Plain builtins.

        Raises:
            AnswerLostError: Where the pipe was closed and cannot be opened again.
        """
        rest = memoryview(packed(message))
        descriptor = self._found()
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    def _found(self) -> int:
        """Return the pipe's descriptor; a job may have closed it, and the number be another's."""
        with contextlib.suppress(OSError):
            if _identity(self.descriptor) == self.identity:
                return self.descriptor
        with contextlib.suppress(OSError):
            again = os.open(self.reopens_at, os.O_WRONLY)
            if _identity(again) == self.identity:
                return again
            os.close(again)
        raise AnswerLostError(
            f"the job closed descriptor {self.descriptor}, over which its end is told"
        )


class Answer:
    """What a supervisor has read of a job's message.

    Attributes:
        message: The message, or None as long as it is not whole.
        is_spoilt: Whether something else than one whole message came.
    """

    def __init__(self) -> None:
        self.message: dict[str, Any] | None = None
        self.is_spoilt = False
        self._content = bytearray()

    def add(self, content: bytes) -> None:
        """Take what was read; nothing is kept of what cannot be the message."""
        if self.is_spoilt:
            return
        self._content += content
        head = bytes(self._content[: len(_MAGIC)])
        if head != _MAGIC[: len(head)]:
            self._spoil()
        elif len(self._content) >= _HEADER.size:
            self._add_body()

    def _add_body(self) -> None:
        _, size, checksum = _HEADER.unpack_from(self._content)
        missing = _HEADER.size + size - len(self._content)
        if missing > 0:
            return
        body = bytes(self._content[_HEADER.size :])
        if missing < 0 or hashlib.sha256(body).digest() != checksum:
            self._spoil()
        else:
            self.message = pickle.loads(body)

    def _spoil(self) -> None:
        self.message, self.is_spoilt = None, True
        self._content.clear()


def packed(message: dict[str, Any]) -> bytes:
    """Return a message as it is sent: a mark, its length, its checksum, its pickle."""
    body = pickle.dumps(message)
    return _HEADER.pack(_MAGIC, len(body), hashlib.sha256(body).digest()) + body


def _identity(descriptor: int) -> tuple[int, int]:
    about = os.fstat(descriptor)
    return about.st_dev, about.st_ino
