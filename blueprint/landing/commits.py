"""Commit records: one S3 object each, written only if there is none of its number.

A record publishes a batch's files and moves the watermark in one step; nothing else makes a batch visible.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

from landing.arguments import INCREMENTAL
from landing.errors import LandingError
from landing.objects import Objects
from landing.source import Column, Window

VERSION = 1
_ATTEMPTS = 5
_RECORD = re.compile(r"(\d{8,})\.json")


@dataclass(frozen=True)
class DataFile:
    """A file of a batch. partition is the folder's column and value (None for NULL), or None."""

    key: str
    rows: int
    bytes: int
    partition: Optional[Dict[str, Optional[str]]] = None


@dataclass(frozen=True)
class Commit:
    """A commit record. The table is what the records from base to seq list."""

    seq: int
    base: int
    batch: str
    load_type: str
    window: Optional[Window]
    files: Tuple[DataFile, ...]
    columns: Tuple[Dict[str, str], ...]  # name, sourceType, type
    primary_key: Tuple[str, ...]
    committed_at: str
    job_run_id: str
    nulled: Dict[str, int] = field(default_factory=dict)  # column: values that landed as NULL by policy

    @property
    def watermark(self) -> Optional[str]:
        """Where the next window begins; None after a full load, which has no window."""
        return self.window.high if self.window else None

    @property
    def rows(self) -> int:
        """The batch's rows."""
        return sum(file.rows for file in self.files)

    @property
    def size(self) -> int:
        """The batch's bytes."""
        return sum(file.bytes for file in self.files)

    def encode(self) -> bytes:
        """Return the record as JSON."""
        record = {
            "version": VERSION,
            "seq": self.seq,
            "base": self.base,
            "batch": self.batch,
            "loadType": self.load_type,
            "window": asdict(self.window) if self.window else None,
            "watermark": self.watermark,
            "files": [asdict(file) for file in self.files],
            "rows": self.rows,
            "bytes": self.size,
            "columns": self.columns,
            "primaryKey": self.primary_key,
            "committedAt": self.committed_at,
            "jobRunId": self.job_run_id,
            "nulled": self.nulled,
        }
        return json.dumps(record, indent=1, ensure_ascii=False).encode()


def decode(content: bytes) -> Commit:
    """Return the commit that a record holds. Raises ValueError, KeyError or TypeError for anything else."""
    record: Dict[str, Any] = json.loads(content)
    if record["version"] != VERSION:
        raise ValueError("version {!r}".format(record["version"]))
    window = record["window"]
    return Commit(
        seq=record["seq"],
        base=record["base"],
        batch=record["batch"],
        load_type=record["loadType"],
        window=Window(**window) if window else None,
        files=tuple(DataFile(**file) for file in record["files"]),
        columns=tuple(record["columns"]),
        primary_key=tuple(record["primaryKey"]),
        committed_at=record["committedAt"],
        job_run_id=record["jobRunId"],
        nulled=record.get("nulled", {}),
    )


def described(columns: Sequence[Column]) -> Tuple[Dict[str, str], ...]:
    """Return columns as a commit record lists them."""
    return tuple({"name": column.name, "sourceType": column.source_type, "type": column.hive} for column in columns)


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


def last_watermark(commit: Optional[Commit], column: str, kind: str) -> Optional[str]:
    """Return where the next window of this cursor begins. Raises LandingError when the last one had another cursor."""
    if commit is None or commit.load_type != INCREMENTAL or commit.window is None:
        return None
    if (commit.window.column, commit.window.type) != (column, kind):
        raise LandingError(
            "it was landed up to {} of {} ({}), not of {} ({})".format(
                commit.window.high, commit.window.column, commit.window.type, column, kind
            ),
            "Keep the delta column, or run once with LoadType Full and then Incremental to begin anew",
        )
    return commit.window.high
