"""Removes files that no reader needs: of batches that lost, were abandoned or were replaced."""

from __future__ import annotations

import re
from typing import Dict, List, Sequence

from landing.arguments import FULL
from landing.commits import Commits
from landing.objects import Objects

_BATCH = re.compile(r"batch=((\d{8,})-[0-9a-z]+)")


def sweep(objects: Objects, prefix: str, commits: Commits, numbers: Sequence[int]) -> List[str]:
    """Delete what can be deleted and return the names of the batches whose files were.

    A batch whose number another one has taken can never be published, however young it is. Of full loads the last
    two stay, so that a query that began on the one before can end.
    """
    folders: Dict[int, List[str]] = {}
    for name in objects.folders(prefix):
        found = _BATCH.fullmatch(name)
        if found:
            folders.setdefault(int(found.group(2)), []).append(found.group(1))
    doomed = _unpublished(commits, numbers, folders) + _replaced(commits, numbers, folders)
    for batch in doomed:
        objects.delete_below("{}batch={}/".format(prefix, batch))
    return doomed


def _unpublished(commits: Commits, numbers: Sequence[int], folders: Dict[int, List[str]]) -> List[str]:
    """Return the batches whose number is another's.

    A number with one folder is not looked up: an increment that is committed has files, so the folder is its own.
    """
    taken = set(numbers)
    recent = set(numbers[-2:])
    return [
        batch
        for seq, batches in folders.items()
        if seq in taken and (len(batches) > 1 or seq in recent)
        for batch in batches
        if batch != commits.read(seq).batch
    ]


def _replaced(commits: Commits, numbers: Sequence[int], folders: Dict[int, List[str]]) -> List[str]:
    """Return the full loads before the last two. Increments are never deleted: the source may have lost their rows."""
    if not numbers or commits.read(numbers[-1]).load_type != FULL:
        return []
    doomed = []
    for seq in reversed([seq for seq in numbers[:-2] if seq in folders]):
        commit = commits.read(seq)
        if commit.load_type != FULL:
            break
        doomed.append(commit.batch)
    return doomed
