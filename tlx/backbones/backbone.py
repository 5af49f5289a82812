"""Model A: a torchvision network seen as ordered stages and a head."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from tlx.backbones.construct import construct
from tlx.backbones.heads import AUXILIARY_MIN_SIZE, auxiliary_paths, head_path, replace_head
from tlx.backbones.image_size import image_size_fault
from tlx.backbones.preprocess import Preprocess
from tlx.backbones.stages import Stage, stages_of_builder
from tlx.backbones.weights.fingerprint import state_fingerprint
from tlx.backbones.weights.fitted_state import classes_in, fitted_state, image_size_in
from tlx.backbones.weights.fitting import load_network
from tlx.backbones.weights.read_weights import read_weights
from tlx.backbones.weights.sources import Kind, Source, builder_fault, resolve
from tlx.backbones.weights.weights import check_card, head_fault, resolve_preprocess
from tlx.errors import ConfigError, Fault


class Backbone(nn.Module):
    """A torchvision classifier with a head of its own, its stages and its preprocessing.

    Args:
        name: The builder that makes the network.
        network: The plain torchvision module; its state-dict keys are torchvision's.
        preprocess: Makes the network's input from stored images.
        num_classes: Outputs of the head.
        weights_source: Where the weights come from, in words.
        fingerprint: SHA-256 of the weights as loaded, before the head was replaced.
        source_head: Model A's own last layer, where a new head has replaced it.
        weights_notes: How the weights were read from their file, and what of it was left out.

    Attributes:
        head_path: Qualified name of the head in `network`.
        stages: The ordered stages before the head.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        *,
        preprocess: Preprocess,
        num_classes: int,
        weights_source: str = "scratch",
        fingerprint: str = "",
        source_head: nn.Module | None = None,
        weights_notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.name = name
        self.network = network
        self.preprocess = preprocess
        self.num_classes = num_classes
        self.weights_source = weights_source
        self.weights_notes = weights_notes
        self.fingerprint = fingerprint
        self.head_path = head_path(name)
        self.stages: tuple[Stage, ...] = stages_of_builder(name, network)
        # In a tuple, so that state dicts do not see it: it is no part of the model.
        kept = () if source_head is None else (source_head,)
        self._source_head: tuple[nn.Module, ...] = kept

    @property
    def head(self) -> nn.Module:
        """The last layer."""
        return self.network.get_submodule(self.head_path)

    @property
    def source_head(self) -> nn.Module | None:
        """Model A's own last layer; None where there is none, or nobody needed it."""
        return self._source_head[0] if self._source_head else None

    def drop_source_head(self) -> None:
        """Let go of model A's own last layer."""
        self._source_head = ()

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The names of the stages, in order."""
        return tuple(stage.name for stage in self.stages)

    @property
    def has_auxiliary(self) -> bool:
        """Whether the network still has auxiliary classifiers, which run in training."""
        paths = auxiliary_paths(self.name)
        return any(getattr(self.network, path, None) is not None for path in paths)

    @property
    def auxiliary_fits(self) -> bool:
        """Whether the input is large enough for the auxiliary classifiers (if there are any)."""
        return self.preprocess.crop_size >= AUXILIARY_MIN_SIZE.get(self.name, 0)

    def drop_auxiliary(self) -> None:
        """Remove the auxiliary classifiers, so that training runs the main path alone."""
        for path in auxiliary_paths(self.name):
            setattr(self.network, path, None)
        if auxiliary_paths(self.name):
            setattr(self.network, "aux_logits", False)  # noqa: B010 - a plain attribute to torch

    def forward(self, images: Tensor) -> Tensor:
        """Return logits; auxiliary classifiers are not run.

        Args:
            images: Preprocessed input, shape (n, 3, height, width).

        Returns:
            Logits, shape (n, num_classes).
        """
        was_training = self.network.training
        if self.has_auxiliary:
            # GoogLeNet and Inception ask only the root's flag whether to run them.
            self.network.training = False
        try:
            return self.forward_with_auxiliary(images)[0]
        finally:
            self.network.training = was_training

    def forward_with_auxiliary(self, images: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the logits and those of the auxiliary classifiers (none in evaluation).

        Args:
            images: Preprocessed input, shape (n, 3, height, width).

        Returns:
            Logits of shape (n, num_classes), and one tensor of that shape per auxiliary classifier
            that ran.
        """
        outputs = self.network(images)
        if isinstance(outputs, Tensor):
            return outputs, ()
        return outputs[0], tuple(logits for logits in outputs[1:] if logits is not None)


def _check(fault: Fault | None) -> None:
    if fault is not None:
        raise ConfigError([fault])


def build_backbone(
    name: str,
    *,
    num_classes: int | None,
    weights: str | None = None,
    transforms: str | None = None,
    image_size: int | None = None,
    keep_head: bool = False,
    weights_key: str | None = None,
) -> Backbone:
    """Build model A: load weights strictly, then put a new head on.

    Random numbers (the new head, or the whole network from scratch) come from torch's global
    generator.

    Args:
        name: A builder name of `BUILDER_NAMES`.
        num_classes: Classes of the target task; None takes the file's, with `keep_head`.
        weights: None (scratch), a shipped model, torchvision weights (`DEFAULT`), or a path.
        transforms: Name or path of weights whose preprocessing to use; None means the weights'
            own, or the builder's DEFAULT preset.
        image_size: Height and width of the input in pixels; None means the preprocessing's.
        keep_head: Keep the head of the weights instead of a new one.
        weights_key: Which of a file's networks to take (`model_ema`); None takes the only one.

    Raises:
        ConfigError: If the name, the image size or `keep_head` does not work out.
        WeightsError: If the weights cannot be found, downloaded, read or loaded.
    """
    _check(builder_fault(name))
    source = resolve(name, weights)
    asked = _Asked(num_classes, transforms, image_size, keep_head)
    if source.kind is Kind.SCRATCH:
        return _from_scratch(name, source, asked)
    return _from_weights(name, source, asked, weights_key)


@dataclass(frozen=True)
class _Asked:
    """What is asked of head and input, as `build_backbone` is told."""

    num_classes: int | None
    transforms: str | None
    image_size: int | None
    keep_head: bool

    @property
    def new_classes(self) -> int:
        """The outputs of a new head."""
        if self.num_classes is None:
            raise ValueError("num_classes is needed for a new head.")
        return self.num_classes

    def preprocess(self, name: str, source: Source, bound_to: int | None = None) -> Preprocess:
        """Return the preprocessing, checked against the image size that weights are bound to."""
        found = resolve_preprocess(
            name,
            source,
            transforms=self.transforms,
            image_size=self.image_size,
            bound_to=bound_to,
        )
        _check(image_size_fault(name, found.crop_size, bound_to))
        return found


def _from_scratch(name: str, source: Source, asked: _Asked) -> Backbone:
    if asked.keep_head:
        _check(head_fault(source, asked.num_classes, None))
    preprocess = asked.preprocess(name, source)
    network = construct(
        name,
        asked.new_classes,
        image_size=preprocess.crop_size,
        transform_input=preprocess.is_imagenet_normalisation,
    )
    return Backbone(
        name,
        network,
        preprocess=preprocess,
        num_classes=asked.new_classes,
        weights_source=source.words,
        fingerprint=state_fingerprint(network.state_dict()),
    )


def _from_weights(name: str, source: Source, asked: _Asked, weights_key: str | None) -> Backbone:
    check_card(name, source)
    read = read_weights(name, source, weights_key=weights_key)
    fitted = fitted_state(name, read.state, source.words)
    if asked.keep_head:
        kept = classes_in(name, fitted.state) if fitted.has_head else None
        _check(head_fault(source, asked.num_classes, kept))
    preprocess = asked.preprocess(name, source, image_size_in(name, fitted.state))
    network = load_network(
        name,
        fitted.state,
        source.words,
        image_size=preprocess.crop_size,
        transform_input=preprocess.is_imagenet_normalisation,
    )
    fingerprint = state_fingerprint(network.state_dict())
    classes = classes_in(name, fitted.state) if asked.keep_head else asked.new_classes
    own_head = None if asked.keep_head else _renew_head(network, name, classes)
    return Backbone(
        name,
        network,
        preprocess=preprocess,
        num_classes=classes,
        weights_source=source.words,
        fingerprint=fingerprint,
        source_head=own_head if fitted.has_head else None,
        weights_notes=(*read.notes, *fitted.notes),
    )


def _renew_head(network: nn.Module, name: str, classes: int) -> nn.Module:
    """Put a new head on a network, and return the one that was there."""
    own = network.get_submodule(head_path(name))
    replace_head(network, name, classes)
    return own
