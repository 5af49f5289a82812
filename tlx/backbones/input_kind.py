"""What a network takes, and data give: images, or rows of features."""

from __future__ import annotations

from typing import Literal

InputKind = Literal["images", "rows"]
