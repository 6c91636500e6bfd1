"""The line between the landing and the database that it reads. Beyond it everything is of one database engine.

The landing asks the secret's engine for its dialect and knows no more of it than what is here and in source.py. SQL of
the source passes through it unread: it comes from the dialect and goes back there.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, List, Optional, Protocol, Sequence, Tuple, cast

import duckdb

from landing.databases.engines import ENGINES
from landing.databases.model import Column, Reading, Scan, Sight, Sizing, Split, Table
from landing.job.policy import Policies
from landing.job.secret import Secret
from landing.job.table_name import TableName
from landing.plan.row_ids import Region, Row


class Session(Protocol):
    """A read-only transaction in the source, and the DuckDB that it is reached through. Leaving it ends it.

    Every method raises LandingError, in words for a person and without the query.
    """

    duck: duckdb.DuckDBPyConnection

    def query(self, sql: str) -> List[Tuple[Any, ...]]:
        """Return the rows of a query in the source's SQL."""

    def relation(self, sql: str) -> str:
        """Return a query in the source's SQL as a relation that run() can select from."""

    def types(self, sql: str) -> List[str]:
        """Return the types in which DuckDB would receive the columns of a query in the source's SQL."""

    def run(self, sql: str) -> duckdb.DuckDBPyConnection:
        """Run DuckDB's SQL."""

    def __enter__(self) -> Any:
        """Return itself."""

    def __exit__(self, *error: Any) -> None:
        """End the transaction."""


class Cursor(Protocol):
    """What the rows of an incremental load are ordered by. Its text is as messages name it."""

    @property
    def columns(self) -> Tuple[str, ...]:
        """The columns of which the first that is not NULL counts."""

    @property
    def type(self) -> str:
        """Its kind: see bounds.py."""

    @property
    def is_number(self) -> bool:
        """Tell whether it is drawn from a sequence, long before its row is committed."""

    @property
    def unreachable(self) -> str:
        """The condition for rows that no window would ever hold."""

    def compared(self, operator: str, bound: Optional[str]) -> str:
        """Return a comparison with a bound as a condition; None is NULL."""


class Rows(Protocol):
    """How single rows of a table are named and read. Columns of its queries are named as rows.py of PostgreSQL says."""

    @property
    def places(self) -> bool:
        """Tell whether rows are named by where they lie, which also says who wrote them; otherwise by their key."""

    @property
    def columns(self) -> Tuple[Column, ...]:
        """The table's."""

    @property
    def key(self) -> Tuple[Column, ...]:
        """Those of the primary key, in the table's order."""

    def named(self, names: Sequence[Row]) -> str:
        """Return the condition for the rows of these names, which are sorted."""

    def survey(self, region: Region, whole: bool) -> str:
        """Return the query for part, place, k0 …, fresh, near, next and digest of the region's rows, or of all."""

    def contents(self, condition: str) -> str:
        """Return the query for part, place and c0, c1, … of the rows that a condition holds for."""


class Reads(Protocol):
    """A table on one snapshot, which ends when it is left."""

    table: Table
    snapshot: str  # by which sessions join it
    alone: bool  # nobody else can: the coordinator reads all of it

    @property
    def session(self) -> Session:
        """The session that holds the snapshot."""

    def count(self, condition: str) -> int:
        """Return for how many rows a condition holds."""

    def rows(self, key: Sequence[str]) -> Any:
        """Return the Rows of the table, which has this primary key."""

    def splits(self, rows: Optional[int], sizing: Sizing, key: Sequence[str] = ()) -> List[Split]:
        """Return parts that do not overlap and leave nothing out. rows is how many are to be read, None for all."""

    def reading(self, split: Split, condition: str, partition: Optional[Column], cursor: Sequence[str] = ()) -> Reading:
        """Return what reads the rows of a split for which a condition holds, and what they are compared with."""


class Cursors(Protocol):
    """What windows are found by. Bounds are exact text, of a kind that bounds.py can order."""

    def cursor(self, names: Sequence[str]) -> Any:
        """Return the Cursor of these columns. Raises LandingError for columns without a safe order."""

    def condition(self, cursor: Any, low: Optional[str], high: Optional[str]) -> str:
        """Return the condition for the rows of a window; without bounds, for all rows that have a cursor."""

    def normalised(self, cursor: Any, text: str) -> str:
        """Return a bound as a person wrote it as exact text. Raises LandingError, and the snapshot stays."""

    def earlier(self, kind: str, bound: str, seconds: int) -> str:
        """Return the bound so many seconds before another."""

    def indexed(self, cursor: Any) -> bool:
        """Tell whether a window can be read without reading the table."""


class Moments(Protocol):
    """Load windows of a cursor that is drawn from a clock."""

    @property
    def notes(self) -> Tuple[str, ...]:
        """What a person should know about where windows end."""

    def high(self, cursor: Any) -> str:
        """Return where a window of moments may end: no row below it is still to come."""

    def ahead(self, cursor: Any) -> str:
        """Return the condition for rows whose moment is in the future."""

    def look(self, conditions: Sequence[str], sample: str) -> List[int]:
        """Return how many rows each condition holds for, and the number that a query returns, in one statement."""

    def written_below(self, cursor: Any, bound: str, before: Sight, now: Sight) -> str:
        """Return the query for how many of the last rows below a bound were written since; empty: none can tell."""


class Numbers(Protocol):
    """A cursor that is drawn from a sequence: rows may be committed after a batch though they belong below its end."""

    def scan(self, cursor: Any, fresh: str, lost: str, before: Optional[Sight], now: Sight) -> Scan:
        """Return what one statement finds of a table whose cursor is a number; fresh and lost are conditions.

        A row that is not fresh, and that before did not see, makes it late.
        """

    def late(
        self, there: Any, cursor: Any, settled: Optional[str], before: Sight, now: Sight
    ) -> List[Tuple[Row, bool]]:
        """Return the rows below settled that before did not see; True: perhaps it did, so they must be compared."""


class Sights(Protocol):
    """What snapshots saw, and what can be told by two of them."""

    def sight(self) -> Sight:
        """Return what the snapshot sees, without the writers of rows."""

    def remembered(self, before: Optional[Sight], now: Sight, high: str) -> Sight:
        """Return what the next batch needs of a sight."""

    def comparable(self, before: Optional[Sight], now: Sight) -> bool:
        """Tell whether what came between two sights can be told."""

    def behind(self, before: Sight, now: Sight) -> bool:
        """Tell whether now is an earlier state than before."""

    def stale(self, before: Sight, now: Sight) -> bool:
        """Tell whether a batch is due for the sake of its sight alone."""


class Source(Reads, Cursors, Moments, Numbers, Sights, Protocol):
    """The coordinator's view of a table. A context manager."""

    def __enter__(self) -> Any:
        """Return itself."""

    def __exit__(self, *error: Any) -> None:
        """End the snapshot, for its readers too."""


class Dialect(Protocol):
    """A database engine."""

    def attach(self, secret: Secret) -> duckdb.DuckDBPyConnection:
        """Return this process's DuckDB for a login. Raises LandingError when the database cannot be reached."""

    def session(self, duck: duckdb.DuckDBPyConnection, snapshot: str) -> Session:
        """Return a session that sees a snapshot. Raises LandingError when that has ended."""

    def source(self, secret: Secret, name: TableName, policies: Policies, lag: Optional[int]) -> Source:
        """Return a table on a snapshot of its own. Raises LandingError: no such table, not readable, a type's policy.

        lag is how many seconds a window stays behind the clock where transactions in progress cannot be seen; None for
        a load without a window, which then costs no look at them.
        """


def dialect(engine: str) -> Dialect:
    """Return the dialect of an engine as secrets call it."""
    return cast(Dialect, import_module(ENGINES[engine]).DIALECT)
