"""Values of cursors as exact text. The type names are the commit record's own, whatever the database engine."""

from __future__ import annotations

from typing import List, Optional, Tuple

MOMENTS = ("timestamptz", "timestamp", "date")
NUMBERS = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1}
"""Numbers of 2, 4 and 8 bytes, and the greatest value of each."""


def order(kind: str, value: str) -> Tuple[int, str]:
    """Return a key by which values of one type sort. Exact texts of the years 1 to 9999 sort as the moments do."""
    return (int(value), "") if kind in NUMBERS else (0, value)


def latest(kind: str, *values: Optional[str]) -> Optional[str]:
    """Return the latest of some values, None for no value at all."""
    given: List[str] = [value for value in values if value is not None]
    return max(given, key=lambda value: order(kind, value)) if given else None
