"""Random draws that follow from where they happen, and disturb no others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def draws_of(*place: int) -> Iterator[None]:
    """Seed torch's draws on the CPU by a place, and put their state back at the end.

    torchvision draws there, wherever the images are.

    Args:
        place: Numbers that are together used once (seed, epoch, step).
    """
    before = torch.get_rng_state()
    seed = int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0] >> 1)
    # Not torch.manual_seed, which would seed the accelerators too, and so their dropout.
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)
