"""The formats to export to: writing a file, and asking it for logits again."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from torch import Tensor, nn

from tlx.backbones import build_backbone
from tlx.backbones.nearest_head import NearestNeighbourHead
from tlx.backbones.weights.card import CARD_KEY, Card, save_model
from tlx.errors import TlxError

if TYPE_CHECKING:
    from tlx.backbones import Backbone
    from tlx.inference.export.model_inputs import Taken

OUTPUT = "logits"
MOST_ONNX_BYTES = 2**31 - 2**20
"""One ONNX file holds no more; its format counts bytes in 31 bits."""
Model = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Format:
    """A way to write a model.

    Args:
        suffix: Of its files.
        write: Writes a model and its card, for what it takes, to a path.
        load: Returns a function from what the model takes to logits (n, classes).
        any_head: Whether it takes heads that are no fixed computation (k-NN).
    """

    suffix: str
    write: Callable[[Backbone, Card, Taken, Path], None]
    load: Callable[[Path], Model]
    any_head: bool = False


def write_onnx(backbone: Backbone, card: Card, taken: Taken, path: Path) -> None:
    """Write ONNX with the card in its metadata.

    Raises:
        TlxError: Where the model is larger than one ONNX file can be.
    """
    weights = sum(p.numel() * p.element_size() for p in backbone.network.parameters())
    if weights > MOST_ONNX_BYTES:
        raise TlxError(
            f"the weights take {weights / 1e9:.1f} GB, and one ONNX file holds 2. "
            "Use --format torch_export."
        )
    with _quiet_exporter():
        exported = export_program(backbone, taken)
        program: Any = torch.onnx.export(
            exported, dynamo=True, input_names=[taken.name], output_names=[OUTPUT],
            external_data=False, verbose=False,
        )  # fmt: skip
    program.model.metadata_props[CARD_KEY] = card.to_json()
    program.save(str(path))


def load_onnx(path: Path) -> Model:
    """Return an ONNX file as a function, on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return lambda batch: torch.from_numpy(session.run([OUTPUT], {given.name: batch.numpy()})[0])


def write_torch_export(backbone: Backbone, card: Card, taken: Taken, path: Path) -> None:
    """Write an exported program of torch with the card beside it in the archive."""
    with _quiet_exporter():
        program = export_program(backbone, taken)
        torch.export.save(program, path, extra_files={CARD_KEY: card.to_json()})


def load_torch_export(path: Path) -> Model:
    """Return an exported program as a function."""
    with _quiet_exporter():
        return cast(Model, torch.export.load(path).module())


def write_safetensors(
    backbone: Backbone,
    card: Card,
    taken: Taken,  # noqa: ARG001 - the weights take any size
    path: Path,
) -> None:
    """Write weights and card; the input pipeline is in the card."""
    save_model(path, backbone.network, card)


def load_safetensors(path: Path) -> Model:
    """Return a weights file with its card as a function."""
    from tlx.backbones.weights.card import read_card

    card = read_card(path)
    assert card is not None, "it was written with a card"
    backbone = build_backbone(card.backbone, num_classes=None, weights=str(path), keep_head=True)
    backbone.eval()
    return lambda images: cast(Tensor, backbone(backbone.preprocess(images)))


FORMATS: Final = {
    "onnx": Format(".onnx", write_onnx, load_onnx),
    "torch_export": Format(".pt2", write_torch_export, load_torch_export),
    "safetensors": Format(".safetensors", write_safetensors, load_safetensors, any_head=True),
}


def export_program(backbone: Backbone, taken: Taken) -> torch.export.ExportedProgram:
    """Return a model, with what it needs before it, as one graph with a free batch size.

    Args:
        backbone: The model, on the CPU and in `eval()`.
        taken: What it takes.
    """
    example = taken.random(2, torch.Generator().manual_seed(0))
    batch = torch.export.Dim("batch")
    model = taken.network(backbone).eval()
    return torch.export.export(model, (example,), dynamic_shapes={taken.name: {0: batch}})


def check_head(name: str, head: nn.Module) -> None:
    """Check that a format takes a head.

    Raises:
        TlxError: Where it does not.
    """
    if isinstance(head, NearestNeighbourHead) and not FORMATS[name].any_head:
        raise TlxError(
            f"--format {name}: the k-NN head looks predictions up among the training examples and "
            "is no network. Use --format safetensors, or a run of another strategy."
        )


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Silence what torch's exporters say of their own insides."""
    names = ("torch.export", "torch.onnx", "onnxscript", "onnx_ir")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
