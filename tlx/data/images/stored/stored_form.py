"""The form in which images of files are stored: what a network's input pipeline starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from tlx.data.images.files.image_limits import Resize

Depth = Annotated[int, Field(ge=8, le=16)] | Literal["picture"]
"""How files of more than 8 bits become 8, see `tlx.data.images.files.grey_levels`."""
FULL_DEPTH: Final = 16
FORM_KEY: Final = "stored"
"""Where the data of a model's card say in which form its images were stored."""
INTERPOLATIONS: Final = (
    "bilinear", "bicubic", "nearest", "nearest-exact", "box", "hamming", "lanczos",
)  # fmt: skip
"""torchvision's names."""


@dataclass(frozen=True)
class StoredForm:
    """How an image of any size becomes a stored square.

    Args:
        size: Height and width of the square, in pixels.
        resize: `crop` brings the shorter side to `size` and cuts out the centre; `squash` brings
            both sides to it.
        interpolation: torchvision's name of it.
        crop: Height and width of the centre that the network's pipeline cuts out of the square
            later, in pixels, at most `size`: of the whole image it is then the centre to the
            pixel. None: a square of the user's own size, of which nothing is known.
        depth: See `tlx.data.images.files.grey_levels.as_grey`.
    """

    size: int
    resize: Resize = "crop"
    interpolation: str = "bilinear"
    crop: int | None = None
    depth: Depth = FULL_DEPTH

    @property
    def follows_weights(self) -> bool:
        """Whether it is the first half of a network's own pipeline."""
        return self.crop is not None

    def first_pixel(self, side: int) -> int:
        """Return where the square begins along a side, in pixels.

        Args:
            side: The side's length after resizing, in pixels; at least `size`.
        """
        if self.crop is None:
            return round((side - self.size) / 2)
        # Two centre crops, each rounded as torchvision does, may miss the one by a pixel.
        return round((side - self.crop) / 2) - round((self.size - self.crop) / 2)

    def to_dict(self) -> dict[str, Any]:
        """Return the form as plain values, for a record."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StoredForm:
        """Return the form that `to_dict` wrote.

        Raises:
            ValueError: Where the values are none of a form.
        """
        try:
            form = cls(**values)
        except TypeError as error:
            raise ValueError(f"it is no form of stored images: {error}") from error
        if not form._is_sound():
            raise ValueError(f"it is no form of stored images: {dict(values)}")
        return form

    def _is_sound(self) -> bool:
        crop, depth = self.crop, self.depth
        return (
            _is_count(self.size)
            and self.resize in ("crop", "squash")
            and self.interpolation in INTERPOLATIONS
            and (crop is None or (_is_count(crop) and crop <= self.size))
            and (depth == "picture" or (_is_count(depth) and 8 <= depth <= FULL_DEPTH))
        )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


USUAL_FORM: Final = StoredForm(256, crop=224)
"""What most of torchvision's weights ask for; taken where no network is known."""
EARLIER_SIZE: Final = 224
"""What runs recorded before tlx followed the weights were stored at, unless they said a size."""
