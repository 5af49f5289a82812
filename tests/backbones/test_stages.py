from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlx.backbones import stages
from tlx.backbones.construct import construct
from tlx.backbones.heads import head_path
from tlx.backbones.stages import Stage, find_stages
from tlx.backbones.tracing import clean_cuts, trace

ENCODER = "encoder.layers.encoder_layer_"


def _stages(name: str) -> tuple[Stage, ...]:
    return find_stages(construct(name, 1000, meta=True), head_path(name))


def _features(*indices: int) -> list[str]:
    return [f"features.{index}" for index in indices]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet18", ["conv1", "layer1", "layer2", "layer3", "layer4"]),
        ("efficientnet_b0", _features(*range(9))),
        ("convnext_tiny", _features(*range(8))),
        ("swin_t", _features(*range(8))),
        ("mobilenet_v3_small", [*_features(*range(13)), "classifier.0"]),
        ("squeezenet1_1", _features(0, 3, 4, 6, 7, 9, 10, 11, 12)),
        ("vgg11", [*_features(0, 3, 6, 8, 11, 13, 16, 18), "classifier.0", "classifier.3"]),
        ("alexnet", [*_features(0, 3, 6, 8, 10), "classifier.1", "classifier.4"]),
        ("vit_b_32", ["conv_proj", *(f"{ENCODER}{index}" for index in range(12))]),
        ("regnet_y_400mf", ["stem", *(f"trunk_output.block{index}" for index in range(1, 5))]),
        ("maxvit_t", ["stem", *(f"blocks.{index}" for index in range(4)), "classifier.3"]),
        ("shufflenet_v2_x0_5", ["conv1", "stage2", "stage3", "stage4", "conv5"]),
        ("mnasnet0_5", [f"layers.{index}" for index in (0, 3, 6, 8, 9, 10, 11, 12, 13, 14)]),
    ],
)
def test_find_stages_of_family_gives_the_names_people_use(
    name: str, expected: Sequence[str]
) -> None:
    assert [stage.name for stage in _stages(name)] == expected


def test_find_stages_of_densenet_merges_norms_into_the_stage_before() -> None:
    stages = {stage.name: stage for stage in _stages("densenet121")}
    assert list(stages)[:3] == ["features.conv0", "features.denseblock1", "features.transition1"]
    assert "features.norm0.weight" in stages["features.conv0"].parameter_names
    assert stages["features.denseblock4"].module_names == (
        "features.denseblock4",
        "features.norm5",
    )


def test_find_stages_of_vit_gives_direct_parameters_to_the_stage_that_uses_them() -> None:
    first, *_, last = _stages("vit_b_32")
    assert set(first.parameter_names) == {
        "class_token",
        "encoder.pos_embedding",
        "conv_proj.weight",
        "conv_proj.bias",
    }
    assert first.module_names == ("conv_proj", "encoder.dropout")
    assert {"encoder.ln.weight", "encoder.ln.bias"} <= set(last.parameter_names)


def test_find_stages_of_resnet_gives_modules_without_parameters_to_the_stage_before() -> None:
    first, *_, last = _stages("resnet18")
    assert first.module_names == ("conv1", "bn1", "relu", "maxpool")
    assert first.cut == "maxpool"
    assert last.module_names == ("layer4", "avgpool")
    assert last.cut == "flatten"


def test_find_stages_restores_training_modes() -> None:
    network = construct("resnet18", 10, meta=True).train()
    network.layer1.eval()
    find_stages(network, "fc")
    assert network.training
    assert not network.layer1[0].bn1.training
    assert network.layer2[0].bn1.training


def test_find_stages_of_plain_mlp_gives_its_layers() -> None:
    network = nn.Sequential(
        nn.Flatten(),
        nn.Linear(8, 6),
        nn.BatchNorm1d(6),
        nn.ReLU(),
        nn.Linear(6, 4),
        nn.Dropout(),
        nn.Linear(4, 2),
    )
    stages = find_stages(network, "6")
    assert [stage.name for stage in stages] == ["1", "4"]
    assert [stage.module_names for stage in stages] == [("0", "1", "2", "3"), ("4", "5")]
    assert [stage.parameter_names for stage in stages] == [
        ("1.weight", "1.bias", "2.weight", "2.bias"),
        ("4.weight", "4.bias"),
    ]


def test_find_stages_of_head_alone_is_empty() -> None:
    assert find_stages(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), "1") == ()


class _SkipOverBlocks(nn.Module):
    """A skip connection over the first two of three layers: they cannot be parted."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.third = nn.Linear(4, 4)
        self.fourth = nn.Linear(4, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(F.relu(self.first(x))) + x
        return self.head(self.fourth(F.dropout(self.third(y), training=self.training)))


def test_find_stages_over_a_skip_merges_until_the_cut_is_clean() -> None:
    stages = find_stages(_SkipOverBlocks(), "head")
    assert [stage.name for stage in stages] == ["first", "third", "fourth"]
    assert stages[0].module_names == ("first", "second")


def test_find_stages_with_head_that_is_not_called_raises_value_error() -> None:
    with pytest.raises(ValueError, match="never calls its head '9'"):
        find_stages(nn.Sequential(nn.Linear(2, 2)), "9")


def test_find_stages_with_two_values_into_the_head_raises_value_error() -> None:
    class TwoInputs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(4, 4)
            self.head = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.body(x)) + x.mean()

    with pytest.raises(ValueError, match="No single value feeds the head 'head'"):
        find_stages(TwoInputs(), "head")


def test_clean_cuts_of_shape_that_is_read_later_are_unclean() -> None:
    class LateShape(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(4, 4)
            self.b = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            count = x.shape[0]
            y = self.a(x).reshape(count, -1)
            return self.b(y)

    traced = trace(LateShape())
    names = [traced.names[traced.flowing[cut]] for cut in clean_cuts(traced)]
    assert names == ["reshape", "b"]


def test_clean_cuts_leave_out_tuples() -> None:
    class Chunked(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            left, right = torch.relu(x).chunk(2, dim=1)
            return left + right

    traced = trace(Chunked())
    names = [traced.names[traced.flowing[cut]] for cut in clean_cuts(traced)]
    assert names == ["relu", "add"]


def test_stages_of_builder_are_traced_once_and_do_not_depend_on_the_classes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    traced: list[nn.Module] = []

    def counted(network: nn.Module, path: str) -> tuple[Stage, ...]:
        traced.append(network)
        return find_stages(network, path)

    monkeypatch.setattr(stages, "find_stages", counted)
    monkeypatch.setattr(stages, "_STAGES", {})
    first, second = (construct("mobilenet_v2", classes, meta=True) for classes in (3, 10))
    expected = find_stages(first, head_path("mobilenet_v2"))
    assert stages.stages_of_builder("mobilenet_v2", first) == expected
    assert stages.stages_of_builder("mobilenet_v2", second) == expected
    assert traced == [first]
