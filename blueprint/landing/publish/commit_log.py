"""Commit records: one S3 object each, written only if there is none of its number.

A record publishes a batch's files and moves the watermark in one step; nothing else makes a batch visible.
"""

from __future__ import annotations

import re
import time
from typing import Dict, List, Sequence, Tuple

from landing.databases.model import Column
from landing.job.errors import LandingError
from landing.publish.bucket import Objects
from landing.publish.commit_record import STATE, Commit, decode

_ATTEMPTS = 5
_RECORD = re.compile(r"(\d{8,})\.json")


def described(columns: Sequence[Column]) -> Tuple[Dict[str, str], ...]:
    """Return columns as a commit record lists them."""
    return tuple(
        {
            "name": column.name,
            "sourceType": column.source_type,
            "type": column.hive,
            "wire": column.wire,
            **({"rule": column.rule} if column.rule else {}),
        }
        for column in columns
    )


class Commits:
    """The commit records of one table."""

    def __init__(self, objects: Objects, prefix: str) -> None:
        """Prefix is the table's, ending in a slash."""
        self._objects = objects
        self._prefix = prefix + "_landfall/commits/"
        self._known: Dict[int, Commit] = {}

    def numbers(self) -> List[int]:
        """Return the numbers of all records, in order."""
        names = (key[len(self._prefix) :] for key in self._objects.sizes(self._prefix))
        return sorted(int(found.group(1)) for found in map(_RECORD.fullmatch, names) if found)

    def read(self, seq: int) -> Commit:
        """Return a record; records never change, so each is read once. Raises LandingError."""
        if seq not in self._known:
            content = self._objects.get(self._key(seq))
            try:
                self._known[seq] = decode(content or b"")
            except (ValueError, KeyError, TypeError) as error:
                raise LandingError(
                    "the commit record {} cannot be read ({}: {})".format(self._key(seq), type(error).__name__, error),
                    "Restore it from the bucket's versions, or deploy the Landfall that wrote it",
                ) from None
        return self._known[seq]

    def publish(self, commit: Commit) -> bool:
        """Write the record; False when another batch has the number. Raises LandingError when S3 cannot tell."""
        for attempt in range(_ATTEMPTS):
            if self._objects.put_new(self._key(commit.seq), commit.encode()):
                return True
            # The record may be this batch's own: an answer that got lost is asked for again.
            content = self._objects.get(self._key(commit.seq))
            if content is not None:
                return decode(content).batch == commit.batch
            time.sleep(0.2 * attempt)  # another writer is at it
        raise LandingError(
            "S3 did not decide whose commit record {} is".format(self._key(commit.seq)), "Run the job again"
        )

    def _key(self, seq: int) -> str:
        return "{}{:08d}.json".format(self._prefix, seq)


def up_to_last_batch(commits: Commits, numbers: Sequence[int]) -> List[int]:
    """Return the numbers up to the last batch: records of another kind say nothing of the rows."""
    last = len(numbers)
    while last and commits.read(numbers[last - 1]).kind == STATE:
        last -= 1
    return list(numbers[:last])
