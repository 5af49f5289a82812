"""What is said of a fit whose loss is no longer a number."""

from __future__ import annotations

from tlx.errors import TlxError


class TrainingDivergedError(TlxError):
    """The loss is no longer a finite number."""


def divergence_message(loss: float, epoch: int, step: int | None) -> str:
    """Return what has happened, and what to try.

    Args:
        loss: The loss.
        epoch: The epoch, counted from 0.
        step: The step in it, counted from 0; None in its validation.
    """
    where = f"epoch {epoch + 1}" + ("'s validation" if step is None else f", step {step + 1}")
    return (
        f"the loss became {loss} in {where}. Try a lower optimizer.lr, "
        "a smaller trainer.gradient_clip_norm, a longer scheduler.warmup_fraction, or "
        "trainer.precision=32-true. The last good checkpoint is kept in checkpoints/last.ckpt."
    )
