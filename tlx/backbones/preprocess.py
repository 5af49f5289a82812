"""From stored pixels to a network's input, the same way torchvision's weights ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms._presets import ImageClassification

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocess:
    """Resize, centre crop and normalise images for one network.

    Args:
        resize_size: The shorter side after resizing, in pixels.
        crop_size: Height and width of the centre crop, in pixels.
        interpolation: torchvision's name of the interpolation (`bilinear`, `bicubic`).
        mean: Per channel, subtracted after scaling to [0, 1].
        std: Per channel, divided by afterwards.
        antialias: Whether shrinking smooths first.
        squash: Whether both sides are resized to `resize_size`, instead of the shorter one.
    """

    resize_size: int
    crop_size: int
    interpolation: str = "bilinear"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    antialias: bool = True
    squash: bool = False

    @classmethod
    def from_preset(cls, preset: ImageClassification) -> Preprocess:
        """Return the same steps as a torchvision weights' `transforms()`."""
        return cls(
            resize_size=int(preset.resize_size[0]),
            crop_size=int(preset.crop_size[0]),
            interpolation=InterpolationMode(preset.interpolation).value,
            mean=tuple(preset.mean),
            std=tuple(preset.std),
            antialias=bool(preset.antialias),
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocess:
        """Return the steps that `to_dict` wrote."""
        known = dict(values)
        return cls(**known | {"mean": tuple(known["mean"]), "std": tuple(known["std"])})

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        values = asdict(self) | {"mean": list(self.mean), "std": list(self.std)}
        if not self.squash:  # as cards and keys of activations have always said it
            del values["squash"]
        return values

    def with_size(self, size: int) -> Preprocess:
        """Return the same steps for input of another height and width, without a margin.

        Args:
            size: Both the resize and the crop size, in pixels.
        """
        return replace(self, resize_size=size, crop_size=size)

    @property
    def resized_to(self) -> list[int]:
        """What torchvision's `resize` takes: the shorter side, or both, in pixels."""
        return [self.resize_size] * (2 if self.squash else 1)

    @property
    def is_imagenet_normalisation(self) -> bool:
        """Whether mean and standard deviation are ImageNet's."""
        return self.mean == IMAGENET_MEAN and self.std == IMAGENET_STD

    def __call__(self, images: Tensor) -> Tensor:
        """Return network input for stored images.

        Args:
            images: uint8 pixels, shape (n, channels, height, width) with 1 or 3 channels; grey is
                repeated to three channels.

        Returns:
            float32, shape (n, 3, crop_size, crop_size).

        Raises:
            ValueError: If the images are not uint8 or have other than 1 or 3 channels.
        """
        if images.dtype != torch.uint8 or images.dim() != 4 or images.shape[1] not in (1, 3):
            raise ValueError(
                "Images must be uint8 of shape (n, 1 or 3, height, width), not "
                f"{images.dtype} of shape {tuple(images.shape)}."
            )
        mode = InterpolationMode(self.interpolation)
        pixels = F.resize(images, self.resized_to, interpolation=mode, antialias=self.antialias)
        pixels = F.center_crop(pixels, [self.crop_size]).expand(-1, 3, -1, -1)
        scaled = F.convert_image_dtype(pixels, torch.float32)
        normalised: Tensor = F.normalize(scaled, mean=list(self.mean), std=list(self.std))
        return normalised
