"""What was found of one thing that tlx needs or can use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["fine", "optional", "broken"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    Args:
        level: `fine`; `optional` where only some feature lacks it; `broken` where tlx needs it.
        name: What was looked at.
        text: What was found.
        remedy: What to do; empty where all is fine.
    """

    level: Level
    name: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return the finding as one line."""
        remedy = f". {self.remedy}" if self.remedy else ""
        return f"{self.level:<8}  {self.name:<18}  {self.text}{remedy}"


def verdict(findings: Iterable[Finding]) -> str:
    """Return one line about all findings."""
    broken = [finding.name for finding in findings if finding.level == "broken"]
    if not broken:
        return "All that tlx needs is there."
    return f"Broken: {', '.join(broken)}. What to do stands in the lines above."
