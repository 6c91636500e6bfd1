"""The commit log: one S3 object per commit record, written only if there is none of its number.

A record publishes a batch's files and moves the watermark in one step; nothing else makes a batch visible.
"""

from __future__ import annotations

import re
import time
from typing import Callable, Dict, List, Optional

from landing.job.errors import LandingError
from landing.publish.bucket import Bucket
from landing.publish.commit_record import STATE, Commit, decode

_ATTEMPTS = 5
_RECORD = re.compile(r"(\d{8,})\.json")


class CommitLog:
    """The commit records of one table."""

    def __init__(self, bucket: Bucket, prefix: str, wait: Callable[[float], None] = time.sleep) -> None:
        """Read nothing yet. prefix is the table's, ending in a slash; wait takes seconds."""
        self._bucket = bucket
        self._prefix = prefix + "_landfall/commits/"
        self._wait = wait
        self._numbers: Optional[List[int]] = None
        self._records: Dict[int, Commit] = {}

    @property
    def numbers(self) -> List[int]:
        """The numbers of all records in order, as they were when they were listed last."""
        return self.refresh() if self._numbers is None else self._numbers

    def refresh(self) -> List[int]:
        """List the records again, and return their numbers in order."""
        names = (key[len(self._prefix) :] for key in self._bucket.sizes(self._prefix))
        self._numbers = sorted(int(found.group(1)) for found in map(_RECORD.fullmatch, names) if found)
        return self._numbers

    def last(self) -> Optional[Commit]:
        """Return the last record, None when there is none."""
        return self.read(self.numbers[-1]) if self.numbers else None

    def batch_numbers(self) -> List[int]:
        """Return the numbers up to the last batch. State records after it say nothing about rows."""
        last = len(self.numbers)
        while last and self.read(self.numbers[last - 1]).kind == STATE:
            last -= 1
        return self.numbers[:last]

    def since(self, base: Optional[int]) -> List[Commit]:
        """Return the records from base on; None: no record."""
        return [self.read(seq) for seq in self.numbers if base is not None and seq >= base]

    def read(self, seq: int) -> Commit:
        """Return a record; records never change, so each is read once. Raises LandingError."""
        if seq not in self._records:
            content = self._bucket.get(self._key(seq))
            try:
                self._records[seq] = decode(content or b"")
            except (ValueError, KeyError, TypeError) as error:
                raise LandingError(
                    "the commit record {} cannot be read ({}: {})".format(self._key(seq), type(error).__name__, error),
                    "Restore it from the bucket's versions, or deploy the Landfall that wrote it",
                ) from None
        return self._records[seq]

    def publish(self, commit: Commit) -> bool:
        """Write the record; False when another one has the number. Raises LandingError when S3 cannot tell."""
        for attempt in range(_ATTEMPTS):
            if self._bucket.put_new(self._key(commit.seq), commit.encode()):
                return True
            # The record may be this batch's own: a request whose answer got lost is sent again.
            content = self._bucket.get(self._key(commit.seq))
            if content is not None:
                return decode(content).batch == commit.batch
            self._wait(0.2 * attempt)  # another writer's put is not decided yet
        raise LandingError(
            "S3 did not decide whose commit record {} is".format(self._key(commit.seq)), "Run the job again"
        )

    def _key(self, seq: int) -> str:
        return "{}{:08d}.json".format(self._prefix, seq)
