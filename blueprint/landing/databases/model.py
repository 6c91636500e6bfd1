"""The values that a dialect produces and the landing works with, whatever the database engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

DEFAULT_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""The folder value that readers of Hive partitions take for NULL."""


Condition = Any
"""A condition on rows of the source. Only its dialect knows the type; a | b holds where one of the two does."""


@dataclass(frozen=True)
class Check:
    """A condition, in the source's SQL, that holds for a row that cannot be landed exactly."""

    condition: str
    column: str
    what: str
    nulled: bool = False  # the policy lands the value as NULL instead
    todo: str = "say in Types or Columns what becomes of them"  # besides correcting the rows


@dataclass(frozen=True)
class Aggregate:
    """An aggregate of a column that must be the same in the source's snapshot and in the written files."""

    column: str
    function: str
    source: str  # SQL of the source
    landed: str  # SQL of DuckDB, {} for the column


@dataclass(frozen=True)
class Column:
    """How one column is read and what it becomes.

    The templates at the end are SQL of DuckDB with {} for their argument. A sample of the values is compared with the
    texts that the source shows of them: shown_value of the value must equal shown_text of the text.
    """

    name: str
    source_type: str  # as the database writes it
    read: str  # SQL of the source that yields the value
    wire: str  # type in which the value lands, as DuckDB names it
    hive: str  # type in the Glue Data Catalog
    checks: Tuple[Check, ...] = ()
    rule: str = ""  # Hash or Mask: what lands is not the value
    shown: str = ""  # SQL of the source for the text that it shows of the value
    # Where a value is cheaper to send in another type: SQL of the source, and the type in which DuckDB must receive
    # it. Cast to wire, it is the same value.
    sent: str = ""
    sent_as: str = ""
    shown_value: str = "{}"
    shown_text: str = "{}"
    folder_text: str = "CAST({} AS VARCHAR)"  # the text that names the folder of a value


INGESTION = Column("ingestion_timestamp", "timestamp with time zone", "", "TIMESTAMP WITH TIME ZONE", "timestamp")
"""The column that landing adds to every file: when its batch was read, the same for all of its rows."""

DELETED = Column("landfall_deleted", "boolean", "", "BOOLEAN", "boolean")
"""True in tombstones. Rows have NULL in it, as their files have no such column."""


@dataclass(frozen=True)
class Table:
    """A table as one snapshot shows it."""

    columns: Tuple[Column, ...]
    bytes: int  # everything it occupies, large values included; 0 when unknown
    rows: float  # the database's own estimate; 0 when unknown

    def column(self, name: str) -> Optional[Column]:
        """Return the column of exactly this name."""
        return next((column for column in self.columns if column.name == name), None)


def key_columns(columns: Sequence[Column], primary_key: Sequence[str]) -> Tuple[Column, ...]:
    """Return the columns of the primary key in the table's order, in which they are numbered as k0, k1, …."""
    return tuple(column for column in columns if column.name in primary_key)


@dataclass(frozen=True)
class Window:
    """The rows of one load, half-open: low <= cursor < high, as exact text. low None: from the beginning.

    The cursor is the first of the columns that is not NULL.
    """

    columns: Tuple[str, ...]
    type: str
    low: Optional[str]
    high: str


@dataclass(frozen=True)
class ClockScan:
    """What one query finds of a table whose cursor is a timestamp or a date. All fields are numbers of rows."""

    in_window: int
    forbidden: int
    future: int  # their cursor is later than now
    late: int  # written below the window since the batch before; of the last rows below it only


@dataclass(frozen=True)
class NumberScan:
    """What one query finds of a table whose cursor is a number."""

    high: str  # above the greatest number of a row in the window; the least possible number when there is none
    in_window: int  # rows
    forbidden: int  # rows
    late: bool  # whether there may be late rows


RowId = Tuple[int, str]
"""Identifies a row within one snapshot: the dialect chooses what the two parts are."""


@dataclass(frozen=True)
class RowFilters:
    """Conditions by which key queries mark rows."""

    in_window: Condition
    in_lookback: Optional[Condition]  # may be landed already; None: no row
    in_next_lookback: Condition  # the next batch looks at them again


@dataclass(frozen=True)
class RowSet:
    """Rows that a batch reads. The row sets of a batch do not overlap."""

    condition: Optional[Condition]  # None: all rows
    rows: Optional[int]  # None: not counted yet


@dataclass(frozen=True)
class Sizing:
    """How many files and readers a batch may have."""

    files: int  # 0: as many as their size asks for
    file_bytes: int
    readers: int  # that read at the same time
    min_split_bytes: int
    table_bytes_per_file_byte: int


@dataclass(frozen=True)
class SplitQuery:
    """The SQL with which the source answers for one split: its rows, and what to compare them with."""

    start: str  # the query for the rows, up to the share of the sample
    end: str  # the rest of it
    facts: str  # the number of rows, those that a check holds for included, then the values of all aggregates
    violations: str  # for each check the number of rows it holds for
    checks: Tuple[Check, ...] = ()
    aggregates: Tuple[Aggregate, ...] = ()
    files: int = 1  # that the split is written to

    def rows(self, share: float) -> str:
        """Return the query for the rows that no check holds for, except checks whose value lands as NULL.

        It has a column c0, c1, … per column of the table, the partition's value as p and, as x, for a random share of
        the rows (0 to 1) a list of the texts that the source shows of the columns that have such, else NULL.
        """
        return "{}{:.9f}{}".format(self.start, share, self.end)


@dataclass(frozen=True)
class ReadContext:
    """What the queries of a batch's splits depend on besides the rows."""

    primary_key: Tuple[str, ...] = ()
    partition: Optional[Column] = None
    cursor: Tuple[str, ...] = ()  # columns whose least and greatest value are compared


Late = List[Tuple[RowId, bool]]
"""Late rows. True: the row may be landed already, so it must be compared with the landed files."""
