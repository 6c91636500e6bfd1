"""One split's way to the machine that reads it, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from landing.databases.model import Column, Reading, Split
from landing.publish.commit_record import DataFile

INGESTION = Column("ingestion_timestamp", "timestamp with time zone", "", "TIMESTAMP WITH TIME ZONE", "timestamp")
"""The column every file has besides the table's: when its batch was read, the same for all of its rows."""


@dataclass(frozen=True)
class Task:
    """One split to read and where to put it. It travels to other machines, so it names the secret and holds none."""

    secret_name: str
    region: Optional[str]
    snapshot: str
    split: Split
    reading: Reading
    columns: Tuple[Column, ...]
    partition_column: str
    ingested_at: str  # timestamptz as text
    bucket: str
    prefix: str  # the batch's folder, ending in a slash
    splits: int  # of the whole batch
    file_bytes: int = 0  # size that a file may have; 0 for any
    compare_all: bool = False  # rows with what the source shows, not only a sample


@dataclass(frozen=True)
class Outcome:
    """What became of a split. A known error is a value, so that no engine wraps it in a stack trace."""

    split: int
    rows: int = 0
    files: Tuple[DataFile, ...] = ()
    seconds: float = 0.0
    nulled: Tuple[Tuple[str, int], ...] = ()  # columns and how many of their values landed as NULL by policy
    what: str = ""
    todo: str = ""
