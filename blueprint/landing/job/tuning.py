"""Settings that no catalog has: sizes and waits of the job, and an observer of its steps.

A job run takes the defaults. Tests make sizes smaller and act between two steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Callable

CLOCK_READ = "the server's clock is read"
SESSIONS_LISTED = "the server's sessions are listed"
PREPARED_LISTED = "the server's prepared transactions are listed"
TABLE_FOUND = "the table is found"
PLANNED = "the batch is planned"
SPLIT_OPENED = "a split's session is open"
SPLIT_CHECKED = "a split's rows are counted"
SPLIT_WRITTEN = "a split's files are written"
SPLIT_COMPARED = "a split's files are compared"
FILE_UPLOADED = "a file is uploaded"
SPLITS_READ = "all splits are read"
UPLOADED = "all files of the batch are uploaded"
COMMITTED = "the commit record is written"
REQUESTS_REMOVED = "answered backfill requests are removed"
PARTITIONS_REGISTERED = "the partitions are registered"
REGISTERED = "the table is registered"

STEPS = (
    TABLE_FOUND,
    CLOCK_READ,
    SESSIONS_LISTED,
    PREPARED_LISTED,
    PLANNED,
    SPLIT_OPENED,
    SPLIT_CHECKED,
    SPLIT_WRITTEN,
    SPLIT_COMPARED,
    FILE_UPLOADED,
    SPLITS_READ,
    UPLOADED,
    COMMITTED,
    REQUESTS_REMOVED,
    PARTITIONS_REGISTERED,
    REGISTERED,
)
"""All steps, in the order in which a job run takes them first."""

Observer = Callable[..., None]
"""Called after each step with its name and, as keywords, the objects that the step worked with."""


def ignore(step: str, **objects: Any) -> None:
    """Observe nothing."""


@dataclass(frozen=True)
class Tuning:
    """Sizes and waits of one job run."""

    min_split_bytes: int = 64 << 20  # below this, a second reader costs more than it brings
    table_bytes_per_file_byte: int = 3  # how much larger a table usually is than its files
    sample_rows: int = 10_000  # rows of a split whose every value is compared with the text that the source shows
    ids_per_query: int = 20_000  # row ids that one condition holds: a megabyte of SQL at most
    clock_seconds: float = 0.25  # from reading the server's clock to listing its sessions
    replaced_grace: timedelta = timedelta(hours=1)  # how long a replaced full load stays for queries that read it
    observe: Observer = ignore
