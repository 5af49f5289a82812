"""Where weights come from: what the user's `weights` value means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from torchvision.models import WeightsEnum, get_model_weights

from tlx.backbones.mlp.mlp_name import is_mlp
from tlx.backbones.names import BUILDER_NAMES
from tlx.backbones.weights.files.claims import UnreadableError
from tlx.backbones.weights.files.formats import Format, format_of
from tlx.backbones.weights.shipped_models import shipped_names, shipped_path
from tlx.errors import Fault, TlxError, did_you_mean

RUN_MODEL_FILE: Final = "model.safetensors"
WEIGHTS_SUFFIXES: Final = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".tar")
"""What names of weights files mostly end in; only their content decides what they are."""


class WeightsError(TlxError):
    """Weights that cannot be used: the wrong value, the reason and the remedy."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault

    def __str__(self) -> str:
        """Return the fault as one line."""
        return str(self.fault)


class Kind(Enum):
    """The forms that weights come in."""

    SCRATCH = "scratch"
    TORCHVISION = "torchvision"
    SAFETENSORS = "safetensors"
    TORCH = "torch.save's"


@dataclass(frozen=True)
class Source:
    """One place to take weights from.

    Args:
        kind: The form of the weights.
        words: What to call them before people (`torchvision IMAGENET1K_V1`).
        path: The file, where there is one.
        enum: torchvision's entry, where it is theirs.
    """

    kind: Kind
    words: str
    path: Path | None = None
    enum: WeightsEnum | None = None


def torchvision_weights(name: str) -> dict[str, WeightsEnum]:
    """Return torchvision's weights of a builder by name, `DEFAULT` included.

    Weights without a usable classifier (`vgg16`'s IMAGENET1K_FEATURES, whose classifier is NaN)
    are left out. An MLP has none.
    """
    if is_mlp(name):
        return {}
    return {
        key: value
        for key, value in get_model_weights(name).__members__.items()
        if value.meta.get("categories") is not None
    }


def builder_fault(name: str) -> Fault | None:
    """Return what is wrong with a builder name, or None."""
    if name in BUILDER_NAMES or is_mlp(name):
        return None
    reason = "torchvision has no image classifier of this name"
    return Fault("backbone.name", name, reason, did_you_mean(name, BUILDER_NAMES))


def resolve(name: str, weights: str | Path | None, *, key: str = "backbone.weights") -> Source:
    """Return what a `weights` value means for a builder: shipped, torchvision's, or a path.

    Args:
        name: A builder name.
        weights: None (scratch), the name of a shipped model, the name of torchvision weights in
            any case (`DEFAULT`), or the path of a file or run folder. A file's content says what
            it is, whatever its name ends in.
        key: The option to name in errors.

    Raises:
        WeightsError: If it is none of these, or a file of an unknown kind.
    """
    if weights is None:
        return Source(Kind.SCRATCH, "scratch")
    text = str(weights)
    if text in shipped_names():
        path = shipped_path(text)
        return Source(Kind.SAFETENSORS, f"shipped {text}", path=path)
    theirs = torchvision_weights(name)
    if text.upper() in theirs:
        entry = theirs[text.upper()]
        return Source(Kind.TORCHVISION, f"torchvision {entry.name}", enum=entry)
    path = Path(text).expanduser()
    if path.exists():
        return _of_path(path, text, key)
    raise WeightsError(_unknown(name, text, key))


def _of_path(path: Path, text: str, key: str) -> Source:
    if path.is_dir():
        model = path / RUN_MODEL_FILE
        if not model.is_file():
            reason = f"the folder holds no {RUN_MODEL_FILE}"
            remedy = "Give the folder of a finished run, or the path of a weights file."
            raise WeightsError(Fault(key, text, reason, remedy))
        return Source(Kind.SAFETENSORS, text, path=model)
    try:
        found = format_of(path)
    except UnreadableError as error:
        remedy = error.remedy or "Give the path of a weights file, or a run folder."
        raise WeightsError(Fault(key, text, error.reason, remedy)) from error
    kind = Kind.SAFETENSORS if found is Format.SAFETENSORS else Kind.TORCH
    return Source(kind, text, path=path)


def _unknown(name: str, text: str, key: str) -> Fault:
    looks_like_path = "/" in text or "\\" in text or Path(text).suffix in WEIGHTS_SUFFIXES
    if looks_like_path:
        remedy = "Check the path; relative paths start from the working directory."
        return Fault(key, text, "no such file or folder", remedy)
    if is_mlp(name):
        reason = "an MLP has no weights of this name, and there is no such file"
        remedy = "Give the folder of a run on a table, or null to start from scratch."
        return Fault(key, text, reason, remedy)
    every = get_model_weights(name).__members__
    if text.upper() in every:
        reason = "these weights have no usable classifier"
        return Fault(key, text, reason, did_you_mean("", torchvision_weights(name)))
    choices = (*torchvision_weights(name), *shipped_names())
    reason = f"{name} has no weights of this name, and there is no such file"
    return Fault(key, text, reason, did_you_mean(text.upper(), choices))
