"""Commit records as JSON. The format is documented in docs/guarantees.md, for any reader."""

from __future__ import annotations

import base64
import itertools
import json
import zlib
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, Optional, Tuple

from landing.databases.model import Sight, Window

VERSION = 1

BATCH = "batch"
STATE = "state"
SET = "set"
RESET = "reset"


@dataclass(frozen=True)
class DataFile:
    """A file of a batch. partition is the folder's column and value (None for NULL), or None."""

    key: str
    rows: int
    bytes: int
    partition: Optional[Dict[str, Optional[str]]] = None
    tombstones: bool = False  # its rows are keys that the source no longer has


@dataclass(frozen=True)
class Known:
    """A file of keys that are landed, with a digest of the row where the next batch may meet it again."""

    key: str
    rows: int
    low: Optional[str]  # cursors from here to the watermark are in it
    complete: bool  # every key that the table shows is in it
    nulls: bool  # so are the rows without a cursor


@dataclass(frozen=True)
class Backfill:
    """A request that a batch answers. refused says why it could not be, if so."""

    request: str
    low: str
    high: str
    refused: str = ""


@dataclass(frozen=True)
class Commit:
    """A commit record. The table is what the records from base to seq list.

    Of kind batch it publishes files; of kind state, written by the landfall command, it only moves the watermark.
    """

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
    sight: Optional[Sight] = None
    known: Optional[Known] = None
    backfills: Tuple[Backfill, ...] = ()
    kind: str = BATCH
    action: str = ""  # of a state record: set or reset
    moved_to: Optional[str] = None  # the watermark of a state record

    @property
    def watermark(self) -> Optional[str]:
        """Where the next window begins; None after a full load, which has no window."""
        if self.kind == STATE:
            return self.moved_to
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
            "backfills": [_shown(backfill) for backfill in self.backfills],
            "sight": {**asdict(self.sight), "seen": _packed(self.sight.seen)} if self.sight else None,
            "known": asdict(self.known) if self.known else None,
        }
        return json.dumps(record, indent=1, ensure_ascii=False).encode()


def _packed(numbers: Tuple[int, ...]) -> str:
    """Return ascending numbers as text of about a byte each: there may be millions beside a long transaction."""
    steps = (number - before for before, number in zip((0, *numbers), numbers))
    return base64.b64encode(zlib.compress(" ".join(map(str, steps)).encode())).decode()


def _unpacked(text: str) -> Tuple[int, ...]:
    return tuple(itertools.accumulate(map(int, zlib.decompress(base64.b64decode(text)).split())))


def _shown(backfill: Backfill) -> Dict[str, str]:
    shown = {"request": backfill.request, "from": backfill.low, "to": backfill.high}
    return {**shown, "refused": backfill.refused} if backfill.refused else shown


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
    sight, known = record.get("sight"), record.get("known")
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
        sight=_sight(sight) if sight else None,
        known=Known(**known) if known else None,
        backfills=tuple(
            Backfill(given["request"], given["from"], given["to"], given.get("refused", ""))
            for given in record.get("backfills", [])
        ),
    )


def _sight(given: Dict[str, Any]) -> Sight:
    marks = tuple((int(oldest), str(bound)) for oldest, bound in given["marks"])
    seen = _unpacked(given["seen"])
    return Sight(given["server"], given["oldest"], given["next"], seen, marks, given.get("file"))


def _state(record: Dict[str, Any]) -> Commit:
    action, moved_to = record["action"], record.get("watermark")
    if action not in (SET, RESET) or isinstance(moved_to, str) != (action == SET):
        raise ValueError("action {!r} with watermark {!r}".format(action, moved_to))
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
        moved_to=moved_to,
    )


def _window(given: Optional[Dict[str, Any]]) -> Optional[Window]:
    if given is None:
        return None
    columns = given["columns"] if "columns" in given else [given["column"]]  # the form before COALESCE
    return Window(tuple(columns), given["type"], given["low"], given["high"])
