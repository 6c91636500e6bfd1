"""Suggestions for names that do not exist."""

from __future__ import annotations

import difflib
from typing import List, Sequence


def close(name: str, names: Sequence[str]) -> List[str]:
    """Return the names that this one was probably meant to be, the nearest first."""
    folded = {known.lower(): known for known in names if known != name}
    return [folded[match] for match in difflib.get_close_matches(name.lower(), folded, n=2, cutoff=0.7)]


def did_you_mean(names: Sequence[str]) -> str:
    """Return a clause to end a message with, empty when there is nothing to suggest."""
    return " (did you mean {}?)".format(" or ".join(names)) if names else ""
