"""The augmentations that `augmentation=` offers.

Those with draws in every step share three options: `mixup_alpha` and `cutmix_alpha` mix images with
each other (0 does not), and `views` fixes a number of views per image instead of drawing anew.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor
from torchvision.transforms import v2

from tlx.augmentation.affine import Fill, RandomAffine
from tlx.augmentation.augmentation import Augmentation

Probability = Annotated[float, Field(ge=0, le=1)]
Strength = Annotated[float, Field(ge=0, lt=1)]
Alpha = Annotated[float, Field(ge=0)]
Degrees = Annotated[float, Field(ge=0, le=180)]
ShearDegrees = Annotated[float, Field(ge=0, lt=90)]
Views = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Ratio = Annotated[float, Field(gt=0)]


def none() -> Augmentation:
    """Return no augmentation."""
    return Augmentation("none")


def light(
    *,
    flip: Probability = 0.5,
    padding: Strength = 0.125,
    mixup_alpha: Alpha = 0.0,
    cutmix_alpha: Alpha = 0.0,
    views: Views | None = None,
) -> Augmentation:
    """Return small shifts and flips: what He et al. (2016) do to CIFAR-10.

    Args:
        flip: Probability of a mirror image (0 for letters and digits).
        padding: Share of a side by which an image may be shifted; mirrored pixels fill up.
        mixup_alpha: Mixup's Beta parameter.
        cutmix_alpha: Cutmix's Beta parameter.
        views: Fixed views per image; null draws in every step.
    """
    transform = v2.Compose([_Shift(padding), v2.RandomHorizontalFlip(flip)])
    return Augmentation("light", transform, mixup_alpha, cutmix_alpha, views)


def standard(
    *,
    flip: Probability = 0.5,
    scale: tuple[Share, Share] = (0.35, 1.0),
    ratio: tuple[Ratio, Ratio] = (0.75, 1.3333333333333333),
    jitter: Strength = 0.2,
    mixup_alpha: Alpha = 0.0,
    cutmix_alpha: Alpha = 0.0,
    views: Views | None = None,
) -> Augmentation:
    """Return random crops, flips and colours (Szegedy et al. 2015, "Going deeper ...").

    Args:
        flip: Probability of a mirror image (0 for letters and digits).
        scale: Least and most share of the image's area that is cut out.
        ratio: Least and most width by height of what is cut out.
        jitter: Most relative change of brightness, contrast and saturation.
        mixup_alpha: Mixup's Beta parameter.
        cutmix_alpha: Cutmix's Beta parameter.
        views: Fixed views per image; null draws in every step.
    """
    steps = [
        _ResizedCrop(scale, ratio),
        v2.RandomHorizontalFlip(flip),
        v2.ColorJitter(brightness=jitter, contrast=jitter, saturation=jitter),
    ]
    return Augmentation("standard", v2.Compose(steps), mixup_alpha, cutmix_alpha, views)


def strong(
    *,
    flip: Probability = 0.5,
    padding: Strength = 0.125,
    erasing: Probability = 0.0,
    mixup_alpha: Alpha = 0.0,
    cutmix_alpha: Alpha = 0.0,
    views: Views | None = None,
) -> Augmentation:
    """Return TrivialAugment, wide (Mueller & Hutter 2021), behind shifts and flips as there.

    Args:
        flip: Probability of a mirror image (0 for letters and digits).
        padding: Share of a side by which an image may be shifted; mirrored pixels fill up.
        erasing: Probability that a box of the image is erased (Zhong et al. 2020).
        mixup_alpha: Mixup's Beta parameter.
        cutmix_alpha: Cutmix's Beta parameter.
        views: Fixed views per image; null draws in every step.
    """
    steps = [
        _Shift(padding),
        v2.RandomHorizontalFlip(flip),
        v2.TrivialAugmentWide(interpolation=v2.InterpolationMode.BILINEAR),
        v2.RandomErasing(erasing),
    ]
    return Augmentation("strong", v2.Compose(steps), mixup_alpha, cutmix_alpha, views)


def classical(
    *,
    rotation_range: Degrees = 15.0,
    width_shift_range: Strength = 0.1,
    height_shift_range: Strength = 0.1,
    shear_range: ShearDegrees = 10.0,
    zoom_range: Strength = 0.1,
    horizontal_flip: bool = True,
    vertical_flip: bool = False,
    fill_mode: Fill = "nearest",
    mixup_alpha: Alpha = 0.0,
    cutmix_alpha: Alpha = 0.0,
    views: Views | None = None,
) -> Augmentation:
    """Return rotation, shifts, shear, zoom and flips, drawn evenly, as Keras names them.

    Args:
        rotation_range: Most degrees of rotation either way.
        width_shift_range: Most shift either way, as a share of the width.
        height_shift_range: Most shift either way, as a share of the height.
        shear_range: Most degrees of shear either way.
        zoom_range: Sizes are drawn from 1 - zoom_range to 1 + zoom_range, the same for both sides.
        horizontal_flip: Whether every second image is mirrored (false for letters and digits).
        vertical_flip: Whether every second image is turned upside down.
        fill_mode: What lies beyond the edge: black, the edge's pixels, or the image mirrored.
        mixup_alpha: Mixup's Beta parameter.
        cutmix_alpha: Cutmix's Beta parameter.
        views: Fixed views per image; null draws in every step.
    """
    drawn = v2.RandomAffine(
        degrees=rotation_range,
        translate=(width_shift_range, height_shift_range),
        scale=(1 - zoom_range, 1 + zoom_range),
        shear=shear_range,
    )
    steps = [
        RandomAffine(drawn, fill_mode),
        v2.RandomHorizontalFlip(0.5 if horizontal_flip else 0.0),
        v2.RandomVerticalFlip(0.5 if vertical_flip else 0.0),
    ]
    return Augmentation("classical", v2.Compose(steps), mixup_alpha, cutmix_alpha, views)


class _Shift:
    """Shift an image by up to a share of its sides, mirrored pixels filling up."""

    def __init__(self, padding: float) -> None:
        self.padding = padding

    def __call__(self, image: Tensor) -> Tensor:
        size = image.shape[-2:]
        margin = [min(round(self.padding * side), side - 1) for side in size]
        if not any(margin):
            return image
        crop = v2.RandomCrop(
            (size[0], size[1]), padding=(margin[1], margin[0]), padding_mode="reflect"
        )
        shifted: Tensor = crop(image)
        return shifted


class _ResizedCrop:
    """Cut a part out of an image and bring it to the image's size."""

    def __init__(self, scale: tuple[float, float], ratio: tuple[float, float]) -> None:
        self.scale, self.ratio = scale, ratio

    def __call__(self, image: Tensor) -> Tensor:
        size = (image.shape[-2], image.shape[-1])
        cut: Tensor = v2.RandomResizedCrop(size, self.scale, self.ratio, antialias=True)(image)
        return cut
