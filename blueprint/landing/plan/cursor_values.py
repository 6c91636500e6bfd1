"""Bounds of load windows: exact texts of moments and numbers, of the kinds that commit records name."""

from __future__ import annotations

from typing import List, Optional, Tuple

MOMENTS = ("timestamptz", "timestamp", "date")
NUMBERS = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1}


def order(kind: str, bound: str) -> Tuple[int, str]:
    """Return a key by which bounds of one kind sort; exact texts of moments sort as the moments do."""
    return (int(bound), "") if kind in NUMBERS else (0, bound)


def latest(kind: str, *bounds: Optional[str]) -> Optional[str]:
    """Return the latest of some bounds, None for no bound at all."""
    there: List[str] = [bound for bound in bounds if bound is not None]
    return max(there, key=lambda bound: order(kind, bound)) if there else None
