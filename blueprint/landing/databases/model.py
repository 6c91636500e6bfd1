"""What the landing knows of a source, whatever its database engine. A dialect produces these values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

DEFAULT_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""What Hive's readers take for NULL."""


LIST_SEPARATOR = "\x1f"
"""What stands between the texts of a list's elements in Column.shown. Of elements that are NULL there is none."""


@dataclass(frozen=True)
class Check:
    """A condition, in the source's SQL, that is true for a row that cannot be landed exactly."""

    condition: str
    column: str
    what: str
    nulled: bool = False  # it is landed as NULL, as the policy says, instead
    todo: str = "say in Types or Columns what becomes of them"  # besides correcting the rows


@dataclass(frozen=True)
class Proof:
    """An aggregate of a column that must be the same in the source's snapshot and in the written files."""

    column: str
    what: str
    source: str  # SQL of the source
    landed: str  # SQL of DuckDB, {} for the column


@dataclass(frozen=True)
class Column:
    """How one column is read and what it becomes."""

    name: str
    source_type: str  # as the database writes it
    read: str  # SQL of the source that yields the value as it is sent
    wire: str  # type in which DuckDB must receive it
    hive: str  # type in the Glue Data Catalog
    checks: Tuple[Check, ...] = ()
    rule: str = ""  # Hash or Mask: the value is not what lands
    shown: str = ""  # SQL of the source for the text that it shows of the value; of a list, see LIST_SEPARATOR
    # Where a value is cheaper to send than as wire: SQL of the source, and the type in which DuckDB must receive it,
    # which is the same value when it is cast to wire.
    sent: str = ""
    sent_as: str = ""


@dataclass(frozen=True)
class Table:
    """A table as one snapshot shows it."""

    columns: Tuple[Column, ...]
    bytes: int  # everything it occupies, large values included; 0 when not known
    rows: float  # the database's own estimate; 0 when not known

    def column(self, name: str) -> Optional[Column]:
        """Return the column of exactly this name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class Window:
    """The rows of one load, half-open: low <= cursor < high, as exact text. No low: from the beginning.

    The cursor is the first of the columns that is not NULL.
    """

    columns: Tuple[str, ...]
    type: str
    low: Optional[str]
    high: str


@dataclass(frozen=True)
class Sight:
    """What a batch's snapshot saw, as far as the next batch needs it to find rows that it did not see.

    Transactions are numbered in 64 bits. Of those from oldest on, the table shows rows of the seen ones only. A mark is
    a transaction and a bound: all rows of older transactions have cursors below it.
    """

    server: str  # the cluster and its timeline; empty when it does not say
    oldest: int  # of the transactions in progress, or the next to begin
    next: int
    seen: Tuple[int, ...]
    marks: Tuple[Tuple[int, str], ...] = ()
    file: Optional[int] = None  # of the table; another one when it was written anew


@dataclass(frozen=True)
class Scan:
    """What one look at a table whose cursor is a number finds."""

    high: str  # past the greatest number of a row that is fresh; the least one there is when none is
    fresh: int  # rows that no batch before could have landed
    lost: int  # rows that no window would ever hold
    sight: Sight  # with the writers of rows
    late: bool  # others may have been committed since the batch before


@dataclass(frozen=True)
class Part:
    """Rows that a batch reads: a condition in the source's SQL. Parts of a batch do not overlap."""

    condition: str
    rows: Optional[int]  # None: not counted yet


@dataclass(frozen=True)
class Sizing:
    """How many files and readers a batch may have."""

    files: int  # 0: as many as their size asks for
    file_bytes: int
    readers: int  # that read at the same time


@dataclass(frozen=True)
class Split:
    """A part of a table that one reader reads. Parts do not overlap and leave nothing out."""

    number: int
    condition: str  # SQL of the source; empty for all rows
    files: int = 1  # files it is written to


@dataclass(frozen=True)
class Reading:
    """The SQL with which the source answers for one split: its rows, and what to hold them against."""

    start: str  # the query for the rows, up to the share of the sample
    end: str  # the rest of it
    facts: str  # the number of rows, those that a check catches included, then the values of all proofs
    caught: str  # for each check the number of rows it catches
    checks: Tuple[Check, ...]
    proofs: Tuple[Proof, ...]

    def rows(self, share: float) -> str:
        """Return the query for the rows that no check catches, but those that land as NULL.

        It has a column c0, c1, … per column of the table, the partition's value as p and, as x, for a random share of
        the rows (0 to 1) a list of the texts that the source shows of the columns that have such, else NULL.
        """
        return "{}{:.9f}{}".format(self.start, share, self.end)
