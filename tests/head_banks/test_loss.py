from __future__ import annotations

import pytest
import torch
from torch import nn

from tlx.head_banks.loss import cross_entropy


@pytest.mark.parametrize("smoothing", [None, [0.0, 0.1, 0.5, 0.9, 0.3, 0.0]])
def test_cross_entropy_gives_torch_s_losses_and_gradients(smoothing: list[float] | None) -> None:
    torch.manual_seed(0)
    logits, labels = 3 * torch.randn(2, 3, 4, 7), torch.randint(0, 4, (2, 7))
    one_hot = nn.functional.one_hot(labels, 4).float().transpose(1, 2)
    shares = None if smoothing is None else torch.tensor(smoothing).view(2, 3)
    losses, gradients = cross_entropy(logits.clone(), labels, one_hot, shares)
    for group in range(2):
        for head in range(3):
            leaf = logits[group, head].T.clone().requires_grad_()
            share = 0.0 if shares is None else float(shares[group, head])
            loss = nn.functional.cross_entropy(leaf, labels[group], label_smoothing=share)
            (by_logits,) = torch.autograd.grad(loss, leaf)
            assert float(losses[group, head]) == pytest.approx(float(loss.detach()), abs=1e-6)
            torch.testing.assert_close(gradients[group, head].T, by_logits, atol=1e-7, rtol=1e-5)
