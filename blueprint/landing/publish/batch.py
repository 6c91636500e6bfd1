"""The identity of a batch that is not published yet."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timezone


@dataclass(frozen=True)
class Batch:
    """The next batch of a table. Nothing of it exists for readers before its commit record."""

    seq: int  # reserved optimistically: another job run may publish the number first
    name: str
    folder: str  # in the bucket, ending in a slash
    ingested_at: str  # timestamptz as text


def next_batch(last_seq: int, prefix: str) -> Batch:
    """Return the batch after the last record of a table. prefix is the table's, ending in a slash."""
    seq = last_seq + 1
    name = "{:08d}-{}".format(seq, uuid.uuid4().hex[:12])
    return Batch(seq, name, "{}batch={}/".format(prefix, name), datetime.now(timezone.utc).isoformat(sep=" "))
