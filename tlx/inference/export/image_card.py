"""How an image of any size becomes what an exported model takes, for its card."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlx.data.images.stored.stored_form import StoredForm

_FILTERS = {"nearest-exact": "NEAREST"}
"""PIL's names where they are not torchvision's in capitals."""


def storing_lines(form: StoredForm) -> list[str]:
    """Return Markdown that tells how the training images became squares, as code of PIL alone."""
    return [
        "An image of any size becomes one of these as the training images did:",
        "",
        "```python",
        *_code(form),
        "```",
        "",
        f"Grey levels of more than 8 bits: {_depth_words(form)}.",
    ]


def _code(form: StoredForm) -> list[str]:
    resampling = _FILTERS.get(form.interpolation, form.interpolation.upper())
    sizes = f"size = {form.size}" if form.crop is None else f"size, crop = {form.size}, {form.crop}"
    start = [
        "from PIL import Image, ImageOps",
        "",
        "def stored(image):",
        f"    {sizes}",
        '    image = ImageOps.exif_transpose(image).convert("RGB")',
    ]
    if form.resize == "squash":
        return [*start, f"    return image.resize((size, size), Image.Resampling.{resampling})"]
    first = "round((side - size) / 2)"
    if form.crop:
        first = "round((side - crop) / 2) - round((size - crop) / 2)"
    return [
        *start,
        "    sides = [size * side // min(image.size) for side in image.size]",
        f"    image = image.resize(sides, Image.Resampling.{resampling})",
        f"    left, top = ({first} for side in sides)",
        "    return image.crop((left, top, left + size, top + size))",
    ]


def _depth_words(form: StoredForm) -> str:
    if form.depth == "picture":
        return "their upper 8 bits where any is above 255, else as they are"
    most = 2**form.depth - 1
    return f"level * 255 / {most}, rounded (data.depth={form.depth})"
