"""Removes files that no reader needs: of batches that lost, were abandoned or were replaced."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Dict, List, Sequence

from landing.job.arguments import FULL
from landing.publish.bucket import Objects
from landing.publish.commit_log import Commits, up_to_last_batch
from landing.publish.commit_record import STATE

GRACE = timedelta(hours=1)
"""How long a full load stays that another one replaced, so that a query that began on it can end."""

_BATCH = re.compile(r"batch=((\d{8,})-[0-9a-z]+)")
_KNOWN = re.compile(r"((\d{8,})-[0-9a-z]+)\.parquet")
_RECENT = 8  # records that are looked up in any case


def sweep(objects: Objects, prefix: str, commits: Commits, numbers: Sequence[int]) -> List[str]:
    """Delete what can be deleted and return the names of the batches whose files were.

    A batch whose number another record has taken can never be published, however young it is. Of full loads the last
    two stay, and those that were replaced within the grace period.
    """
    folders: Dict[int, List[str]] = {}
    for name in objects.folders(prefix):
        found = _BATCH.fullmatch(name)
        if found:
            folders.setdefault(int(found.group(2)), []).append(found.group(1))
    doomed = _unpublished(commits, numbers, folders) + _replaced(commits, numbers, folders)
    for batch in doomed:
        objects.delete_below("{}batch={}/".format(prefix, batch))
    _sweep_known(objects, prefix, commits, numbers)
    return doomed


def _unpublished(commits: Commits, numbers: Sequence[int], folders: Dict[int, List[str]]) -> List[str]:
    """Return the batches whose number is another's.

    An old number with one folder is not looked up: it is the folder of the batch that has the number, as records
    without files are few and were looked up when they were recent.
    """
    taken = set(numbers)
    recent = set(numbers[-_RECENT:])
    return [
        batch
        for seq, batches in folders.items()
        if seq in taken and (len(batches) > 1 or seq in recent)
        for batch in batches
        if batch != commits.read(seq).batch
    ]


def _replaced(commits: Commits, numbers: Sequence[int], folders: Dict[int, List[str]]) -> List[str]:
    """Return the full loads before the last two. Increments are never deleted: the source may have lost their rows."""
    batches = [seq for seq in numbers if seq in folders or seq == numbers[-1]]
    while batches and commits.read(batches[-1]).kind == STATE:
        batches.pop()
    if not batches or commits.read(batches[-1]).load_type != FULL:
        return []
    doomed, replaced_at = [], commits.read(batches[-1]).committed_at
    for nth, seq in enumerate(reversed(batches[:-1])):
        commit = commits.read(seq)
        if commit.load_type != FULL:
            break
        if nth > 0 and _over(replaced_at):
            doomed.append(commit.batch)
        replaced_at = commit.committed_at
    return doomed


def _over(replaced_at: str) -> bool:
    return datetime.now(timezone.utc) - datetime.fromisoformat(replaced_at) >= GRACE


def _sweep_known(objects: Objects, prefix: str, commits: Commits, numbers: Sequence[int]) -> None:
    """Delete the lists of landed keys but the last two batches' own: only the next batch reads one."""
    if not numbers:
        return
    kept = {commits.read(seq).batch for seq in up_to_last_batch(commits, numbers)[-2:]}
    start = prefix + "_landfall/known/"
    doomed = []
    for key in objects.sizes(start):
        found = _KNOWN.fullmatch(key[len(start) :])
        if found and int(found.group(2)) <= numbers[-1] and found.group(1) not in kept:
            doomed.append(key)
    objects.delete(doomed)
