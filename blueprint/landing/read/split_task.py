"""The task of reading one split, and its result. Both travel between machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from landing.databases.model import Column, SplitQuery
from landing.publish.commit_record import DataFile


@dataclass(frozen=True)
class ClientSettings:
    """From what another machine makes its clients. It names the secret and does not hold it."""

    secret_name: str
    region: Optional[str]
    bucket: str


@dataclass(frozen=True)
class SplitTask:
    """One split to read, and where its files are uploaded."""

    clients: ClientSettings
    snapshot: str
    number: int  # of the split in its batch
    query: SplitQuery
    columns: Tuple[Column, ...]
    partition_column: str  # empty: none
    ingested_at: str  # timestamptz as text
    prefix: str  # the batch's folder, ending in a slash
    splits: int  # of the whole batch
    file_bytes: int = 0  # size that a file may have; 0 for any
    sample_rows: Optional[int] = None  # rows that are compared with what the source shows; None: all


@dataclass(frozen=True)
class SplitResult:
    """The files of a split, or its error. An error with a known cause is a value, so that no executor wraps it."""

    number: int
    rows: int = 0
    files: Tuple[DataFile, ...] = ()
    nulled: Tuple[Tuple[str, int], ...] = ()  # columns and how many of their values landed as NULL by policy
    what: str = ""  # of the LandingError; empty: the split is read
    todo: str = ""
