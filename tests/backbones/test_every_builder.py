"""Head and stages of all 80 builders, on the meta device."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tlx.backbones.construct import construct
from tlx.backbones.heads import AUXILIARY_HEAD_PATHS, auxiliary_paths, head_path, replace_head
from tlx.backbones.names import BUILDER_NAMES, family_of
from tlx.backbones.stages import find_stages


@pytest.mark.parametrize("name", BUILDER_NAMES)
def test_builder_has_disjoint_stages_and_a_head_that_alone_is_replaced(name: str) -> None:
    network = construct(name, 1000, meta=True)
    _check_stages(name, network)
    _check_head(name, network)


def _check_stages(name: str, network: nn.Module) -> None:
    head = head_path(name)
    stages = find_stages(network, head)
    assert len(stages) >= 5
    in_stages = [key for stage in stages for key in stage.parameter_names]
    assert len(in_stages) == len(set(in_stages))
    apart = (f"{head}.", *(f"{path}." for path in auxiliary_paths(name)))
    expected = {key for key, _ in network.named_parameters() if not key.startswith(apart)}
    assert set(in_stages) == expected
    owned = [path for stage in stages for path in stage.module_names]
    assert len(owned) == len(set(owned))
    for stage in stages:
        assert stage.parameter_names
        prefixes = tuple(f"{path}." for path in stage.module_names)
        for other in stages:
            if other is not stage:
                assert not [key for key in other.parameter_names if key.startswith(prefixes)]


def _check_head(name: str, network: nn.Module) -> None:
    head = head_path(name)
    replaced = {head, *AUXILIARY_HEAD_PATHS.get(family_of(name), ())}
    before = dict(network.named_modules())
    bias = [key for key in network.state_dict() if key.startswith(f"{head}.")]
    replace_head(network, name, 7)
    after = dict(network.named_modules())
    assert before.keys() == after.keys()
    assert {path for path in after if after[path] is not before[path]} == replaced
    for path in replaced:
        assert after[path].weight.shape[0] == 7
        assert after[path].weight.shape[1:] == before[path].weight.shape[1:]
    assert [key for key in network.state_dict() if key.startswith(f"{head}.")] == bias


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDER_NAMES)
def test_builder_with_new_head_returns_its_classes(name: str) -> None:
    network = construct(name, 1000, meta=True)
    replace_head(network, name, 7)
    size = 299 if name == "inception_v3" else 224
    logits = network.to("meta").eval()(torch.empty(1, 3, size, size, device="meta"))
    assert logits.shape == (1, 7)
