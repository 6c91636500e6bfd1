"""Commit records as JSON. The format is documented in docs/guarantees.md, for any reader."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, Optional, Sequence, Tuple

from landing.databases.model import Column, Window
from landing.publish.folders import Partition

VERSION = 1

BATCH = "batch"
STATE = "state"
SET = "set"
RESET = "reset"

RecordedColumn = Dict[str, str]
"""A column as a commit record lists it."""


@dataclass(frozen=True)
class DataFile:
    """A file of a batch. partition is the folder's column and value (None for NULL), or None."""

    key: str
    rows: int
    bytes: int
    partition: Optional[Partition] = None
    tombstones: bool = False  # its rows are keys that the source no longer has


@dataclass(frozen=True)
class KeyIndex:
    """A file of landed keys, with a digest of the row where the next batch may meet it again: `known` in the record."""

    key: str
    rows: int
    from_cursor: Optional[str]  # rows from here to the watermark are in it
    covers_table: bool  # every key that the table shows is in it
    has_null_cursors: bool  # rows without a cursor are in it

    def encode(self) -> Dict[str, Any]:
        """Return it as JSON."""
        index = {"key": self.key, "rows": self.rows, "low": self.from_cursor}
        return {**index, "complete": self.covers_table, "nulls": self.has_null_cursors}


@dataclass(frozen=True)
class Backfill:
    """A backfill request that a batch answers. refused says why it could not be landed; empty: it was."""

    request: str
    low: str
    high: str
    refused: str = ""

    def encode(self) -> Dict[str, str]:
        """Return it as JSON."""
        shown = {"request": self.request, "from": self.low, "to": self.high}
        return {**shown, "refused": self.refused} if self.refused else shown


@dataclass(frozen=True)
class Commit:
    """A commit record. Readers see the files that the records from base to the last one list.

    Of kind batch it publishes files; of kind state, written by the landfall command, it only moves the watermark.
    """

    seq: int
    base: int
    batch: str
    load_type: str
    window: Optional[Window]
    files: Tuple[DataFile, ...]
    columns: Tuple[RecordedColumn, ...]
    primary_key: Tuple[str, ...]
    committed_at: str
    job_run_id: str
    nulled: Dict[str, int] = field(default_factory=dict)  # column: values that landed as NULL by policy
    visibility: Optional[Dict[str, Any]] = None  # the dialect's own: `sight` in the record
    key_index: Optional[KeyIndex] = None
    backfills: Tuple[Backfill, ...] = ()
    kind: str = BATCH
    action: str = ""  # of a state record: set or reset
    set_watermark: Optional[str] = None  # of a state record

    @property
    def watermark(self) -> Optional[str]:
        """Where the next window begins; None after a full load, which has no window."""
        if self.kind == STATE:
            return self.set_watermark
        return self.window.high if self.window else None

    @property
    def rows(self) -> int:
        """The batch's rows, without tombstones."""
        return sum(file.rows for file in self.files if not file.tombstones)

    @property
    def deleted(self) -> int:
        """The batch's tombstones."""
        return sum(file.rows for file in self.files if file.tombstones)

    @property
    def size(self) -> int:
        """The batch's bytes."""
        return sum(file.bytes for file in self.files)

    def encode(self) -> bytes:
        """Return the record of a batch as JSON."""
        record = {
            "version": VERSION,
            "kind": self.kind,
            "seq": self.seq,
            "base": self.base,
            "batch": self.batch,
            "loadType": self.load_type,
            "window": asdict(self.window) if self.window else None,
            "watermark": self.watermark,
            "files": [asdict(file) for file in self.files],
            "rows": self.rows,
            "deleted": self.deleted,
            "bytes": self.size,
            "columns": self.columns,
            "primaryKey": self.primary_key,
            "committedAt": self.committed_at,
            "jobRunId": self.job_run_id,
            "nulled": self.nulled,
            "backfills": [backfill.encode() for backfill in self.backfills],
            "sight": self.visibility,
            "known": self.key_index.encode() if self.key_index else None,
        }
        return json.dumps(record, indent=1, ensure_ascii=False).encode()


def recorded(columns: Sequence[Column]) -> Tuple[RecordedColumn, ...]:
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


def decode(content: bytes) -> Commit:
    """Return the commit that a record holds. Raises ValueError, KeyError or TypeError for anything else."""
    record: Dict[str, Any] = json.loads(content)
    if record["version"] != VERSION:
        raise ValueError("version {!r}".format(record["version"]))
    kind = record.get("kind", BATCH)
    if kind == STATE:
        return _state(record)
    if kind != BATCH:
        raise ValueError("kind {!r}".format(kind))
    return Commit(
        seq=record["seq"],
        base=record["base"],
        batch=record["batch"],
        load_type=record["loadType"],
        window=_window(record["window"]),
        files=tuple(DataFile(**file) for file in record["files"]),
        columns=tuple(record["columns"]),
        primary_key=tuple(record["primaryKey"]),
        committed_at=record["committedAt"],
        job_run_id=record["jobRunId"],
        nulled=record.get("nulled", {}),
        visibility=record.get("sight"),
        key_index=_key_index(record.get("known")),
        backfills=tuple(
            Backfill(given["request"], given["from"], given["to"], given.get("refused", ""))
            for given in record.get("backfills", [])
        ),
    )


def _state(record: Dict[str, Any]) -> Commit:
    action, watermark = record["action"], record.get("watermark")
    if action not in (SET, RESET) or isinstance(watermark, str) != (action == SET):
        raise ValueError("action {!r} with watermark {!r}".format(action, watermark))
    return Commit(
        seq=record["seq"],
        base=record["base"],
        batch="",
        load_type="",
        window=None,
        files=(),
        columns=(),
        primary_key=(),
        committed_at=record.get("committedAt", ""),
        job_run_id="",
        kind=STATE,
        action=action,
        set_watermark=watermark,
    )


def _window(given: Optional[Dict[str, Any]]) -> Optional[Window]:
    if given is None:
        return None
    columns = given["columns"] if "columns" in given else [given["column"]]  # the form before COALESCE
    return Window(tuple(columns), given["type"], given["low"], given["high"])


def _key_index(given: Optional[Dict[str, Any]]) -> Optional[KeyIndex]:
    if not given:
        return None
    return KeyIndex(given["key"], given["rows"], given["low"], given["complete"], given["nulls"])
