"""The message by which a job's process tells its end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tlx.spark.isolation.answer import Answer, AnswerLostError, AnswerPipe, packed

OUTCOME = {"status": "completed", "result": bytes(range(256))}


def read(*pieces: bytes) -> Answer:
    answer = Answer()
    for piece in pieces:
        answer.add(piece)
    return answer


def test_message_in_any_pieces_is_read_once_it_is_whole() -> None:
    content = packed(OUTCOME)
    assert read(*(bytes([one]) for one in content)).message == OUTCOME
    partly = read(content[:-1])
    assert (partly.message, partly.is_spoilt) == (None, False)


@pytest.mark.parametrize("place", [0, 9, 20, 60, -1])
def test_message_with_one_flipped_bit_is_never_read(place: int) -> None:
    content = bytearray(packed(OUTCOME))
    content[place] ^= 1
    answer = read(bytes(content))
    assert answer.message is None


def test_message_before_or_behind_which_something_else_came_is_spoilt() -> None:
    content = packed(OUTCOME)
    for spoilt in (read(b"x", content), read(content, b"x"), read(content, content)):
        assert (spoilt.message, spoilt.is_spoilt) == (None, True)


def test_pipe_whose_number_was_given_to_a_file_is_opened_again(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    pipe = AnswerPipe.moved(os.dup(writing), os.getpid(), reading)
    own = os.open(tmp_path / "own", os.O_WRONLY | os.O_CREAT)
    os.dup2(own, pipe.descriptor)
    pipe.send(OUTCOME)
    assert read(os.read(reading, 65536)).message == OUTCOME
    assert (tmp_path / "own").read_bytes() == b""
    os.close(reading)
    with pytest.raises(AnswerLostError, match=f"the job closed descriptor {pipe.descriptor}"):
        pipe.send(OUTCOME)
    for number in (writing, own, pipe.descriptor):
        os.close(number)
