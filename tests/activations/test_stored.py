from __future__ import annotations

import pytest
import torch

from tlx.activations.stored import MappedRows

WHOLE = torch.randn(10, 3, 2, generator=torch.Generator().manual_seed(0))
ROWS = MappedRows([WHOLE[:4], WHOLE[4:8], WHOLE[8:]])


def test_mapped_rows_answer_like_one_tensor() -> None:
    assert len(ROWS) == 10
    assert ROWS.shape == WHOLE.shape
    for index in (torch.tensor([9, 0, 4, 4, 7, 3]), torch.tensor([-1, 2]), torch.tensor([8])):
        assert ROWS[index].equal(WHOLE[index])
    for part in (slice(None), slice(3, 9), slice(8, 20), slice(5, 5), slice(None, None, 3)):
        assert ROWS[part].equal(WHOLE[part])
    assert ROWS[5].equal(WHOLE[5])
    assert ROWS[-1].equal(WHOLE[-1])
    with pytest.raises(IndexError):
        ROWS[10]
