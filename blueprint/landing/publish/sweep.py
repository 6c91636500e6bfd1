"""Removes files that no reader needs: of batches that lost, were abandoned or were replaced."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Dict, List

from landing.job.arguments import FULL
from landing.publish.bucket import Bucket
from landing.publish.commit_log import CommitLog
from landing.publish.commit_record import STATE

_BATCH = re.compile(r"batch=((\d{8,})-[0-9a-z]+)")
_KEY_INDEX = re.compile(r"((\d{8,})-[0-9a-z]+)\.parquet")
_RECENT = 8  # records that are looked up in any case


def sweep(bucket: Bucket, prefix: str, log: CommitLog, grace: timedelta) -> List[str]:
    """Delete what can be deleted, and return the names of the batches whose files were deleted.

    A batch whose number another record has can never be published, however young it is. Of full loads the last two
    stay, and those that were replaced within the grace period: a query may still read them.
    """
    folders: Dict[int, List[str]] = {}
    for name in bucket.folders(prefix):
        found = _BATCH.fullmatch(name)
        if found:
            folders.setdefault(int(found.group(2)), []).append(found.group(1))
    obsolete = _unpublished(log, folders) + _replaced(log, folders, grace)
    for batch in obsolete:
        bucket.delete_prefix("{}batch={}/".format(prefix, batch))
    _sweep_key_indexes(bucket, prefix, log)
    return obsolete


def _unpublished(log: CommitLog, folders: Dict[int, List[str]]) -> List[str]:
    """Return the batches whose number is another's.

    An old number with one folder is not looked up: it is the folder of the batch that has the number, as records
    without files are few and were looked up when they were recent.
    """
    taken = set(log.numbers)
    recent = set(log.numbers[-_RECENT:])
    return [
        batch
        for seq, batches in folders.items()
        if seq in taken and (len(batches) > 1 or seq in recent)
        for batch in batches
        if batch != log.read(seq).batch
    ]


def _replaced(log: CommitLog, folders: Dict[int, List[str]], grace: timedelta) -> List[str]:
    """Return the full loads before the last two. Increments are never deleted: the source may have lost their rows."""
    batches = [seq for seq in log.numbers if seq in folders or seq == log.numbers[-1]]
    while batches and log.read(batches[-1]).kind == STATE:
        batches.pop()
    if not batches or log.read(batches[-1]).load_type != FULL:
        return []
    obsolete, replaced_at = [], log.read(batches[-1]).committed_at
    for nth, seq in enumerate(reversed(batches[:-1])):
        commit = log.read(seq)
        if commit.load_type != FULL:
            break
        if nth > 0 and datetime.now(timezone.utc) - datetime.fromisoformat(replaced_at) >= grace:
            obsolete.append(commit.batch)
        replaced_at = commit.committed_at
    return obsolete


def _sweep_key_indexes(bucket: Bucket, prefix: str, log: CommitLog) -> None:
    """Delete the key indexes but the last two batches' own: only the next batch reads one."""
    if not log.numbers:
        return
    kept = {log.read(seq).batch for seq in log.batch_numbers()[-2:]}
    start = prefix + "_landfall/known/"
    obsolete = []
    for key in bucket.sizes(start):
        found = _KEY_INDEX.fullmatch(key[len(start) :])
        if found and int(found.group(2)) <= log.numbers[-1] and found.group(1) not in kept:
            obsolete.append(key)
    bucket.delete(obsolete)
