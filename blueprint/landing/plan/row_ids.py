"""Single rows of a table: what names them, and the conditions that pick those which a batch looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

CHUNK = 20_000
"""The most rows that one condition names: a megabyte of SQL at most."""

Row = Tuple[int, str]
"""A row's name: table and place, or 0 and key."""


@dataclass(frozen=True)
class Region:
    """Conditions on rows, in SQL."""

    fresh: str
    near: str
    next: str


def chunks(names: List[Row]) -> List[List[Row]]:
    """Return sorted names in portions that one condition can hold."""
    ordered = sorted(names)
    return [ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK)]
