from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.strategies.adapter_models import (
    FAMILIES,
    MLP,
    assert_close,
    backbone_of,
    disturb,
    fitted,
    logits_of,
    plain_logits,
)
from tests.strategies.adapters.test_ssf import TINY_FIT
from tests.strategies.fits import changed, fit, random_task, small_backbone, state_of, training
from tests.strategies.plain_loop import LR, MOMENTUM, plain_recipe, whole_batches
from tests.strategies.probe_runs import history_of
from tests.strategies.test_fine_tuning_runs import run
from tlx.backbones import Backbone, cut_behind
from tlx.evaluate import evaluate
from tlx.extras import EXTRAS
from tlx.strategies.adapters.adaptable_layers import adaptable_layers, chosen_layers
from tlx.strategies.adapters.lora import Lora
from tlx.strategies.base import TransferModule

peft = pytest.importorskip("peft", reason="needs the extra: pip install -e '.[lora]'")


@pytest.mark.parametrize("name", FAMILIES)
def test_lora_untrained_is_model_a_to_the_bit(name: str) -> None:
    backbone = backbone_of(name)
    before, names = logits_of(backbone), set(backbone.network.state_dict())
    module = TransferModule(Lora(backbone, rank=2), training())
    assert logits_of(backbone).equal(before)
    assert set(module.policy.plain_state()) == names
    assert module.frozen_prefix() is None


@pytest.mark.parametrize("name", FAMILIES)
def test_lora_merged_is_a_plain_network_which_gives_the_same(name: str) -> None:
    backbone = backbone_of(name)
    stages, untrained = backbone.stages, logits_of(backbone)
    module = TransferModule(Lora(backbone, rank=2), training())
    disturb(module)
    expected, state = logits_of(backbone), module.policy.plain_state()
    module.policy.finish()
    assert float((expected - untrained).abs().max()) > 1e-3
    assert_close(logits_of(backbone), expected)
    assert_close(plain_logits(name, state), expected)
    merged = backbone.network.state_dict()
    assert merged.keys() == state.keys()
    assert all(value.equal(state[key]) for key, value in merged.items())
    assert backbone.stages == stages
    assert not any(hasattr(layer, "base_layer") for layer in backbone.network.modules())


def beside_linear(layer: nn.Linear, a: Tensor, b: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda x: x @ a.T @ b.T


def beside_convolution(layer: nn.Conv2d, a: Tensor, b: Tensor) -> Callable[[Tensor], Tensor]:
    stride, padding = layer.stride, layer.padding
    return lambda x: nn.functional.conv2d(nn.functional.conv2d(x, a, None, stride, padding), b)


@pytest.mark.parametrize(
    ("name", "target", "kind", "beside"),
    [
        ("convnext_tiny", "linear", nn.Linear, beside_linear),
        ("resnet18", "convolution", nn.Conv2d, beside_convolution),
    ],
)
def test_lora_is_a_plain_loop_over_two_matrices_beside_each_layer(
    name: str, target: str, kind: type[nn.Module], beside: Any
) -> None:
    module = TransferModule(
        Lora(backbone_of(name), rank=2, alpha=3.0, target=target), plain_recipe()
    )
    reference = backbone_of(name).eval()
    added: list[nn.Parameter] = []
    for path, layer in reference.network.named_modules():
        if isinstance(layer, kind) and not path.startswith(reference.head_path):
            theirs = module.backbone.network.get_submodule(path)
            a = nn.Parameter(theirs.lora_A["default"].weight.detach().clone())
            b = nn.Parameter(torch.zeros_like(theirs.lora_B["default"].weight))
            added += [a, b]
            product = beside(layer, a, b)
            layer.register_forward_hook(
                lambda m, given, out, product=product: out + 3.0 / 2 * product(given[0])
            )
    whole_batches(module)
    train_whole(reference, [*added, *reference.head.parameters()])
    expected = logits_of(reference)
    module.policy.finish()
    assert_close(logits_of(module.backbone), expected, by=1e-4)


def test_lora_of_attention_is_a_plain_loop_over_sums_of_weights() -> None:
    module = TransferModule(
        Lora(backbone_of("vit_b_32"), rank=2, alpha=3.0, target="attention"), plain_recipe()
    )
    reference = backbone_of("vit_b_32").eval()
    named = dict(reference.network.named_parameters())
    products = {}
    for name, value in list(named.items()):
        if "self_attention" in name and name.endswith("weight"):
            path, _, tensor = name.rpartition(".")
            theirs = module.backbone.network.get_submodule(f"{path}.parametrizations.{tensor}.0")
            a = nn.Parameter(theirs.A_weight.detach().clone())
            products[name] = (value.detach(), a, nn.Parameter(torch.zeros(len(value), 2)))
    assert len(products) == 4

    def forward(images: Tensor) -> Tensor:
        sums = {n: w + 3.0 / 2 * b @ a for n, (w, a, b) in products.items()}
        logits: Tensor = torch.func.functional_call(reference.network, sums, (images,))
        return logits

    whole_batches(module)
    matrices = [matrix for _, *two in products.values() for matrix in two]
    train_whole(reference, [*matrices, *reference.head.parameters()], forward)
    with torch.no_grad():
        for name, (weight, a, b) in products.items():
            named[name].copy_(weight + 3.0 / 2 * b @ a)
    expected = logits_of(reference)
    module.policy.finish()
    assert_close(logits_of(module.backbone), expected, by=1e-4)


def train_whole(
    backbone: Backbone,
    parameters: list[nn.Parameter],
    forward: Callable[[Tensor], Tensor] | None = None,
) -> None:
    """Take three steps on all images at once."""
    optimizer = torch.optim.SGD(parameters, lr=LR, momentum=MOMENTUM)
    task = random_task()
    for _ in range(3):
        optimizer.zero_grad()
        logits = (forward or backbone)(backbone.preprocess(task.train.inputs))
        nn.functional.cross_entropy(logits, task.train.labels).backward()
        optimizer.step()


@pytest.mark.parametrize("name", ["resnet18", "convnext_tiny", "vit_b_32", "swin_t"])
def test_lora_after_a_fit_changes_what_it_added_and_the_head_alone(name: str) -> None:
    backbone = backbone_of(name)
    module = TransferModule(Lora(backbone, rank=2), training())
    before = state_of(backbone)
    fit(module, epochs=1, batch_size=4)
    head = {n for n in before if n.startswith(f"{backbone.head_path}.")}
    moved = changed(before, backbone) - head
    assert moved <= module.policy.added_parameters()
    assert len(moved) > len(module.policy.added_parameters()) / 2


def test_lora_counts_two_matrices_per_layer() -> None:
    resnet = TransferModule(Lora(small_backbone("resnet18"), rank=4), training())
    sizes = [(3, 64, 7)] + 4 * [(64, 64, 3)]
    for narrow, wide in ((64, 128), (128, 256), (256, 512)):
        sizes += [(narrow, wide, 3), (narrow, wide, 1)] + 3 * [(wide, wide, 3)]
    matrices = sum(4 * (a * k * k + b) for a, b, k in sizes)
    assert resnet.policy.parameter_counts()["trained"] == matrices + 512 * 3 + 3
    assert (
        resnet.policy.describe()
        == "trains matrices of rank 4 beside 20 layers, head; the rest frozen"
    )
    vit = TransferModule(Lora(backbone_of("vit_b_32"), rank=2), training())
    block = (8 + 24) + (8 + 8) + (8 + 12) + (12 + 8)  # attention in and out, MLP in and out
    patches = 3 * 16 * 16 + 8
    assert vit.policy.parameter_counts()["trained"] == 2 * (2 * block + patches) + 8 * 3 + 3


def test_lora_with_target_statistics_merges_into_a_network_that_has_them() -> None:
    backbone = small_backbone("resnet18")
    before = state_of(backbone)
    module = TransferModule(Lora(backbone, rank=2, statistics="target"), training())
    fit(module, epochs=1, batch_size=4)
    assert not any(name.endswith("bn1.weight") for name in changed(before, backbone))
    kept = {name: value.clone() for name, value in module.policy.plain_state().items()}
    module.policy.finish()
    after = backbone.network.state_dict()
    assert all(value.equal(kept[name]) for name, value in after.items())
    for name in ("bn1.running_mean", "layer4.1.bn2.running_var", "bn1.num_batches_tracked"):
        assert not after[name].equal(before[name])
    assert int(after["bn1.num_batches_tracked"]) == 2


def test_lora_train_wakes_its_own_dropout_alone() -> None:
    backbone = small_backbone("mobilenet_v2")
    module = TransferModule(Lora(backbone, rank=2, dropout=0.5), training()).train()
    awake = {n for n, m in backbone.network.named_modules() if m.training and "lora" in n}
    assert awake
    assert all("lora_dropout" in name for name in awake)
    assert not backbone.network.classifier[0].training
    assert not any(m.training for m in backbone.network.modules() if isinstance(m, nn.BatchNorm2d))
    module.eval()
    assert not any(m.training for m in backbone.network.modules())


@pytest.mark.parametrize(
    ("name", "target", "prefix"),
    [
        ("resnet18", "layer4", "layer3"),
        ("vit_b_32", ["encoder.layers.encoder_layer_1.mlp.*"], "conv_proj"),
        ("swin_t", "features.3", "features.2"),
        (MLP, "hidden2", "hidden1"),
    ],
)
def test_lora_of_late_layers_has_a_prefix_that_splits_off(
    name: str, target: Any, prefix: str
) -> None:
    backbone = backbone_of(name)
    module = TransferModule(Lora(backbone, rank=2, target=target), training())
    disturb(module)
    assert module.frozen_prefix() == prefix
    before, tail = cut_behind(backbone, prefix)
    examples = torch.randn(4, 7) if name == MLP else torch.randn(4, 3, 32, 32)
    backbone.eval()
    tail.eval()
    with torch.no_grad():
        expected = backbone(examples)
        assert tail(before(examples)).equal(expected)
        module.policy.finish()
        assert_close(tail(before(examples)), expected)  # it still holds what was replaced


@pytest.mark.parametrize("name", ["resnet18", "vit_b_32", "swin_t", "swin_v2_t"])
def test_layers_told_to_be_called_are_those_that_the_network_calls(name: str) -> None:
    backbone = backbone_of(name)
    called: set[str] = set()
    for path, module in backbone.network.named_modules():
        module.register_forward_hook(lambda m, given, out, path=path: called.add(path))
    backbone.train()(torch.zeros(2, 3, 32, 32))
    layers = adaptable_layers(backbone.network, backbone.head_path).values()
    assert {layer.name for layer in layers if layer.called} <= called
    read = {layer.name for layer in layers if not layer.called}
    attention = {n for n, m in backbone.network.named_modules() if hasattr(m, "in_proj_weight")}
    assert not (read - attention) & called
    assert bool(read) == (name != "resnet18")


def test_target_names_layers_whole_and_not_by_their_ends() -> None:
    layers = adaptable_layers(small_backbone("resnet18").network, "fc")
    assert [layer.name for layer in chosen_layers(layers, "conv1")] == ["conv1"]
    names = [layer.name for layer in chosen_layers(layers, ["layer4.*.conv2", "conv1"])]
    assert names == ["conv1", "layer4.0.conv2", "layer4.1.conv2"]
    module = TransferModule(Lora(small_backbone("resnet18"), target="conv1"), training())
    assert module.policy.describe().startswith("trains matrices of rank 8 beside 1 layers")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        (
            "resnet18",
            {"target": "layer5"},
            "strategy.target=layer5: no layer of resnet18 that can be adapted is called 'layer5'. "
            "Did you mean 'layer4' or 'layer3' or 'layer2'?",
        ),
        (
            "resnet18",
            {"target": "attention"},
            "strategy.target=attention: resnet18 has no such layers. "
            "Choose from: all, convolution.",
        ),
        (
            "resnet18",
            {"target": []},
            "strategy.target=[]: no layer is named. Use all, or name some.",
        ),
        (
            "vit_b_32",
            {"dropout": 0.1},
            "strategy.dropout=0.1: the weight of encoder.layers.encoder_layer_0.self_attention is "
            "read without inputs of its own to leave out. Use 0, or another strategy.target.",
        ),
        (
            "vit_b_32",
            {"statistics": "target"},
            "strategy.statistics=target: the norms of vit_b_32 keep no statistics. Use frozen.",
        ),
    ],
)
def test_lora_faults_name_what_the_backbone_lacks(
    name: str, options: dict[str, Any], said: str
) -> None:
    assert [str(fault) for fault in Lora.faults((), backbone_name=name, **options)] == [said]


def test_lora_faults_of_sound_options_are_none() -> None:
    assert Lora.faults((), backbone_name="vit_b_32", dropout=0.1, target="linear") == []
    assert Lora.faults((), backbone_name="swin_t", target=["attention", "features.0"]) == []


def test_lora_without_peft_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(EXTRAS, "lora", ("peft_of_nobody",))
    assert [str(fault) for fault in Lora.faults((), backbone_name="resnet18")] == [
        "strategy=lora: peft_of_nobody is not installed. Run pip install 'tlx[lora]'."
    ]


def test_lora_interrupted_goes_on_to_the_same_end(tmp_path: Path) -> None:
    options = ("strategy.rank=2", "strategy.statistics=target", "strategy.dropout=0.2")
    words = (*TINY_FIT, "strategy=lora", *options)
    unbroken = fitted(tmp_path / "unbroken", *words)
    resumed = fitted(tmp_path / "resumed", *words, stop_in_epoch=1)
    assert unbroken.keys() == resumed.keys()
    assert all(value.equal(resumed[name]) for name, value in unbroken.items())


def test_lora_run_of_late_layers_uses_stored_activations_and_gives_the_same(
    tmp_path: Path,
) -> None:
    words = ("strategy.rank=2", "strategy.target=conv5", "trainer.epochs=1")
    result: Any = run(tmp_path / "auto", "lora", *words)
    assert result["activations"]["cut"] == "stage4"
    without: Any = run(tmp_path / "off", "lora", *words, "activations=off")
    histories = [history_of(tmp_path / name) for name in ("auto", "off")]
    losses = [history["train_loss"].to_list() for history in histories]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    test, other = (r["metrics"]["test"] for r in (result, without))
    assert test["loss"] == pytest.approx(other["loss"], rel=1e-4)
    scores = evaluate(tmp_path / "auto").to_dict()
    assert scores["confusion_matrix"] == test["confusion_matrix"]
    assert scores["loss"] == pytest.approx(test["loss"], abs=1e-6)
