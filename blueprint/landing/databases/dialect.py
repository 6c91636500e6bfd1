"""The protocols between the landing and the database that it reads. Beyond them, everything is of one engine.

Conditions and queries in the source's SQL come from the dialect and go back there; the landing does not read them.
Every method raises LandingError, in words for a person and without the query.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Protocol, Sequence, Tuple

import duckdb

from landing.databases.model import (
    ClockScan,
    Column,
    Condition,
    Late,
    NumberScan,
    ReadContext,
    RowFilters,
    RowId,
    RowSet,
    Sizing,
    SplitQuery,
    Table,
)
from landing.job.policy import Policies
from landing.job.secret import Secret
from landing.job.table_name import TableName
from landing.job.tuning import Tuning


class Session(Protocol):
    """A read-only transaction in the source, reached through DuckDB. A context manager that ends it."""

    def query(self, sql: str) -> List[Tuple[Any, ...]]:
        """Return the rows of a query in the source's SQL. Each column needs a name of its own."""

    def relation(self, sql: str) -> str:
        """Return a query in the source's SQL as a relation that run() can select from."""

    def types(self, sql: str) -> List[str]:
        """Return the types in which DuckDB would receive the columns of a query in the source's SQL."""

    def run(self, sql: str, *parameters: Any) -> duckdb.DuckDBPyConnection:
        """Run DuckDB's SQL."""

    def __enter__(self) -> Any:
        """Return itself."""

    def __exit__(self, *error: Any) -> None:
        """End the transaction."""


class Cursor(Protocol):
    """What the rows of an incremental load are ordered by. str() gives its name for messages."""

    @property
    def columns(self) -> Tuple[str, ...]:
        """The columns of which the first that is not NULL counts."""

    @property
    def type(self) -> str:
        """One of the types of cursor_values.py."""

    @property
    def missing(self) -> Condition:
        """The rows that no window would ever contain, such as those whose cursor is NULL."""

    def between(self, low: Optional[str], high: Optional[str]) -> Condition:
        """Return the rows from low on, up to and without high; None is no such bound, and NULL is in no range."""


class Cursors(Protocol):
    """Cursors of one table, and their values as exact text that cursor_values.py can order."""

    def cursor(self, names: Sequence[str]) -> Any:
        """Return the Cursor of these columns. Raises LandingError for columns without a safe order."""

    def normalise(self, cursor: Any, text: str) -> str:
        """Return a value that a person wrote as exact text. The session survives the LandingError for bad text."""

    def earlier(self, cursor: Any, value: str, seconds: int) -> str:
        """Return the value so many seconds before another; of a number, the same value."""

    def indexed(self, cursor: Any) -> bool:
        """Report whether a window can be read without reading the whole table."""


class RowQueries(Protocol):
    """Queries for single rows. Each yields a row's id as row_table (BIGINT) and row_id (VARCHAR)."""

    @property
    def columns(self) -> Tuple[Column, ...]:
        """All columns of the table."""

    @property
    def key(self) -> Tuple[Column, ...]:
        """The columns of the primary key, in the table's order."""

    def with_ids(self, ids: Sequence[RowId]) -> Condition:
        """Return the rows of these ids, which must be sorted."""

    def keys(self, filters: RowFilters, whole: bool) -> str:
        """Return the query for the keys of the rows in the lookbacks; of all rows, if whole.

        Besides the row's id its columns are: the key as it lands, k0, k1, …; the booleans in_window, in_lookback and
        in_next_lookback; digest (VARCHAR), which changes with any landed value; NULL for a row in no lookback.
        """

    def contents(self, condition: Condition) -> str:
        """Return the query for all values, c0, c1, …, of the rows that a condition holds for."""


class TableReads(Protocol):
    """The reads of a table on one snapshot."""

    @property
    def session(self) -> Session:
        """The session that holds the snapshot."""

    @property
    def snapshot(self) -> str:
        """The name by which other sessions join the snapshot."""

    @property
    def single_reader(self) -> bool:
        """Report whether no other session can see the same rows: then the coordinator reads all of them."""

    def count(self, condition: Optional[Condition]) -> int:
        """Return for how many rows a condition holds; None: how many there are."""

    def split(self, rows: RowSet, sizing: Sizing, context: ReadContext) -> List[SplitQuery]:
        """Return the queries of splits that do not overlap and together are the row set."""


class ClockWindows(Protocol):
    """Load windows of a cursor that writers take from a clock."""

    @property
    def notes(self) -> Tuple[str, ...]:
        """Why the window ends earlier than it might, for a person."""

    def high(self, cursor: Any) -> str:
        """Return where a window may end: no row below it can still appear."""

    def scan(
        self,
        cursor: Any,
        in_window: Condition,
        forbidden: Optional[Condition],
        visibility: Optional[Any],
        below: Optional[str],
    ) -> ClockScan:
        """Count rows in one query. Rows written since the batch before are counted below a value, if it is given."""


class Visibility(Protocol):
    """What this snapshot sees that the snapshot of the batch before did not.

    Its state is the dialect's own. The landing keeps it in the commit record and hands it back to the next job run.
    """

    @property
    def comparable(self) -> bool:
        """Report whether the rows written since the batch before can be identified."""

    @property
    def renewal_due(self) -> bool:
        """Report whether a batch is due although there is nothing new, so that the next state is comparable."""

    def scan(self, cursor: Any, in_window: Condition, forbidden: Optional[Condition]) -> NumberScan:
        """Look at a table whose cursor is a number, in one query. Raises LandingError when a replica lags."""

    def late(self, cursor: Any, high: Optional[str]) -> Late:
        """Return the rows below the end of the last window that the batch before did not see."""

    def state(self, high: Optional[str]) -> Dict[str, Any]:
        """Return what the next batch needs, as JSON. high is where a window of numbers ends, None for timestamps."""


class Source(Protocol):
    """The coordinator's view of a table. A context manager: leaving it ends the snapshot, for its readers too."""

    @property
    def table(self) -> Table:
        """The table's columns and size."""

    @property
    def reads(self) -> TableReads:
        """The reads of the table."""

    @property
    def cursors(self) -> Cursors:
        """The cursors that its columns make."""

    @property
    def clock(self) -> ClockWindows:
        """Its load windows for cursors that are taken from a clock."""

    def rows(self, primary_key: Sequence[str]) -> RowQueries:
        """Return the queries for single rows of the table, which has this primary key."""

    def visibility(self, before: Optional[Mapping[str, Any]]) -> Optional[Visibility]:
        """Compare the snapshot with the state of the batch before. None: rows do not say who wrote them."""

    def __enter__(self) -> Any:
        """Return itself."""

    def __exit__(self, *error: Any) -> None:
        """End the snapshot."""


class Database(Protocol):
    """The connections of one login in this process."""

    def source(self, name: TableName, policies: Policies, lag: Optional[int], tuning: Tuning) -> Source:
        """Return a table on a snapshot of its own. Raises LandingError: no such table, not readable, a type's policy.

        lag is how many seconds a window ends before the clock where transactions in progress cannot be seen; None for
        a load without a window.
        """

    def session(self, snapshot: str) -> Session:
        """Return a reader's session on a snapshot. Raises LandingError when that has ended."""

    def close(self) -> None:
        """Close all connections. The next session opens new ones."""


class Dialect(Protocol):
    """A database engine. Its package has one as DIALECT."""

    @property
    def default_port(self) -> int:
        """The port of a secret that names none."""

    def login_options(self, values: Mapping[str, Any], problems: List[str]) -> Tuple[Tuple[str, str], ...]:
        """Return what a secret holds for this engine alone, and add to problems what is wrong with it."""

    def connect(self, secret: Secret) -> Database:
        """Return this process's connections for a login; nothing is opened before it is needed."""
