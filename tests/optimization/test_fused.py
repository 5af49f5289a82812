from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from tlx.optimization.optimizers import OptimizerFactory, adamw, fuse_on_cpu, sgd


@pytest.mark.parametrize("factory", [partial(adamw, lr=1e-2), partial(sgd, lr=1e-2)])
def test_fused_steps_are_those_of_torch_s_plain_loop(factory: OptimizerFactory) -> None:
    ends = []
    for is_fused in (False, True):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
        optimizer = factory(list(network.named_parameters()))
        assert isinstance(optimizer, AdamW | SGD)
        if is_fused:
            assert fuse_on_cpu(optimizer) is optimizer
        for _ in range(20):
            optimizer.zero_grad()
            network(torch.randn(4, 8)).square().mean().backward()
            optimizer.step()
        assert [group["fused"] for group in optimizer.param_groups] == [is_fused or None] * 2
        ends.append([p.detach() for p in network.parameters()])
    for plain, fused in zip(*ends, strict=True):
        torch.testing.assert_close(fused, plain, rtol=1e-5, atol=1e-6)


def test_fuse_on_cpu_leaves_other_optimizers_and_devices_as_they_are() -> None:
    elsewhere = nn.Parameter(torch.zeros(2, device="meta"))
    others: list[Optimizer] = [Adam([nn.Parameter(torch.zeros(2))]), AdamW([elsewhere])]
    for optimizer in others:
        fuse_on_cpu(optimizer)
        assert [group["fused"] for group in optimizer.param_groups] == [None]
