"""A database engine that has nothing of PostgreSQL: tables of a DuckDB file that only grow.

A snapshot is a number of rows per table, for rows are never changed or removed, and the row's number is its id. Who
wrote a row and when is not known: what the batch before saw is how many rows there were. The name of a type is DuckDB's
own, a condition is a piece of DuckDB's SQL, and there is one reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import duckdb

from landing.databases import duckdb_sql
from landing.databases.model import (
    ClockScan,
    Column,
    Late,
    NumberScan,
    ReadContext,
    RowFilters,
    RowId,
    RowSet,
    Sizing,
    SplitQuery,
    Table,
    key_columns,
)
from landing.job.errors import LandingError
from landing.job.policy import Policies
from landing.job.secret import Secret
from landing.job.table_name import TableName
from landing.job.tuning import Tuning

_HIVE = {"BIGINT": "bigint", "VARCHAR": "string", "TIMESTAMP": "timestamp"}
_KINDS = {"BIGINT": "int8", "TIMESTAMP": "timestamp"}


class Either(frozenset):  # type: ignore[type-arg]
    """A condition: the row fulfils one of some pieces of SQL."""

    def __or__(self, other: Any) -> Any:
        return Either(frozenset.__or__(self, other))

    def __str__(self) -> str:
        return "(" + " OR ".join(sorted(self)) + ")"


def one(sql: str) -> Either:
    """Return the condition of one piece of SQL."""
    return Either([sql])


def _where(condition: Optional[Either]) -> str:
    return "" if condition is None else f" AND {condition}"


class Session:
    """A view of the file's DuckDB."""

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        self._duck = duck.cursor()

    def query(self, sql: str) -> List[Tuple[Any, ...]]:
        return self._duck.execute(sql).fetchall()

    def relation(self, sql: str) -> str:
        return f"({sql})"

    def types(self, sql: str) -> List[str]:
        return [str(row[1]) for row in self._duck.execute(f"DESCRIBE {sql}").fetchall()]

    def run(self, sql: str, *parameters: Any) -> duckdb.DuckDBPyConnection:
        return self._duck.execute(sql, list(parameters))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: Any) -> None:
        self._duck.close()


@dataclass(frozen=True)
class Cursor:
    """One column."""

    columns: Tuple[str, ...]
    type: str

    @property
    def missing(self) -> Either:
        return one(f"{self} IS NULL")

    def between(self, low: Optional[str], high: Optional[str]) -> Either:
        bounds = [f"{self} {sign} '{value}'" for sign, value in ((">=", low), ("<", high)) if value is not None]
        return one(" AND ".join([f"{self} IS NOT NULL", *bounds]))

    def __str__(self) -> str:
        return self.columns[0]


class Source:
    """Everything that the landing asks of a table, of one with so many rows."""

    single_reader = True
    notes = ("the file's clock is this machine's",)

    def __init__(self, duck: duckdb.DuckDBPyConnection, name: TableName) -> None:
        self.session = Session(duck)
        self._name = f'store."{name.table}"'
        if not self.session.query(f"FROM duckdb_tables() WHERE table_name = '{name.table}'"):
            raise LandingError("the file has no such table", "Correct SourceTable")
        ((self._rows,),) = self.session.query(f"SELECT count(*) FROM {self._name}")
        self.snapshot = str(self._rows)
        described = self.session.query(f"DESCRIBE {self._name}")
        columns = tuple(
            Column(
                name, kind, name, kind, _HIVE[kind], shown=f"upper({name}::VARCHAR)", shown_value="upper({}::VARCHAR)"
            )
            for name, kind, *_ in described
        )
        self.table, self.columns = Table(columns, 0, self._rows), columns
        self.reads = self.cursors = self.clock = self
        self._snapshot = f"FROM {self._name} WHERE rowid < {self._rows}"

    # Reads

    def count(self, condition: Optional[Either]) -> int:
        return int(self.session.query(f"SELECT count(*) {self._snapshot}{_where(condition)}")[0][0])

    def split(self, rows: RowSet, sizing: Sizing, context: ReadContext) -> List[SplitQuery]:
        values = ", ".join(f"{column.read} AS c{n}" for n, column in enumerate(self.columns))
        texts = ", ".join(column.shown for column in self.columns)
        rest = f"{self._snapshot}{_where(rows.condition)}"
        return [
            SplitQuery(
                f"SELECT {values}, CASE WHEN random() < ",
                f" THEN [{texts}] END AS x {rest}",
                f"SELECT count(*) {rest}",
                "",
                files=sizing.files or 1,
            )
        ]

    # Cursors and windows

    def cursor(self, names: Sequence[str]) -> Cursor:
        (column,) = (column for column in self.columns if column.name == names[0])
        return Cursor((column.name,), _KINDS[column.wire])

    def normalise(self, cursor: Cursor, text: str) -> str:
        return text

    def earlier(self, cursor: Cursor, value: str, seconds: int) -> str:
        return str(self.session.query(f"SELECT TIMESTAMP '{value}' - INTERVAL {seconds} SECOND")[0][0])

    def indexed(self, cursor: Cursor) -> bool:
        return True

    def high(self, cursor: Cursor) -> str:
        return str(self.session.query("SELECT (now() AT TIME ZONE 'UTC')::TIMESTAMP")[0][0])

    def scan(
        self, cursor: Cursor, in_window: Either, forbidden: Optional[Either], seen: Optional[Any], below: Optional[str]
    ) -> ClockScan:
        return ClockScan(self.count(in_window), self.count(forbidden) if forbidden else 0, 0, 0)

    # Rows

    def rows(self, primary_key: Sequence[str]) -> RowQueries:
        return RowQueries(self._snapshot, self.columns, key_columns(self.columns, primary_key))

    def visibility(self, before: Optional[Mapping[str, Any]]) -> Visibility:
        return Visibility(self, self._rows, before)

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: Any) -> None:
        self.session.__exit__()


@dataclass(frozen=True)
class RowQueries:
    """Rows are known by their number."""

    snapshot: str
    columns: Tuple[Column, ...]
    key: Tuple[Column, ...]

    _id = "7 AS row_table, 'row ' || rowid AS row_id"

    def with_ids(self, ids: Sequence[RowId]) -> Either:
        return one("rowid IN ({})".format(", ".join(row.split()[1] for _, row in ids)))

    def keys(self, filters: RowFilters, whole: bool) -> str:
        keys = ", ".join(f"{column.read} AS k{n}" for n, column in enumerate(self.key))
        marks = ", ".join(
            f"coalesce({condition or 'false'}, false) AS {name}" for name, condition in vars(filters).items()
        )
        lookbacks = filters.in_next_lookback | (filters.in_lookback or Either())
        values = ", ".join(column.read for column in self.columns)
        digest = f"CASE WHEN {lookbacks} THEN hash({values})::VARCHAR END AS digest"
        return f"SELECT {self._id}, {keys}, {marks}, {digest} {self.snapshot}" + ("" if whole else f" AND {lookbacks}")

    def contents(self, condition: Either) -> str:
        values = ", ".join(f"{column.read} AS c{n}" for n, column in enumerate(self.columns))
        return f"SELECT {self._id}, {values} {self.snapshot} AND {condition}"


class Visibility:
    """The batch before saw the first rows of the file."""

    renewal_due = False

    def __init__(self, source: Source, rows: int, before: Optional[Mapping[str, Any]]) -> None:
        self._source, self._rows, self._seen = source, rows, before["rows seen"] if before else None
        self.comparable = before is not None

    def scan(self, cursor: Cursor, in_window: Either, forbidden: Optional[Either]) -> NumberScan:
        ((high,),) = self._source.session.query(f"SELECT max({cursor}) + 1 FROM {self._source._name} WHERE {in_window}")
        rows = self._source.count(in_window)
        new = self._rows - (self._seen or 0)
        return NumberScan(str(high or 0), rows, self._source.count(forbidden) if forbidden else 0, new > rows)

    def late(self, cursor: Cursor, high: Optional[str]) -> Late:
        condition = one(f"rowid >= {self._seen} AND {cursor} < {high}")
        rows = self._source.session.query(f"SELECT rowid {self._source._snapshot} AND {condition}")
        return [((7, f"row {row}"), False) for (row,) in rows]

    def state(self, high: Optional[str]) -> Dict[str, Any]:
        return {"rows seen": self._rows}


class Database:
    """One file."""

    def __init__(self, path: str) -> None:
        self.duck = duckdb_sql.connect()
        self.duck.execute(f"ATTACH '{path}' AS store")

    def source(self, name: TableName, policies: Policies, lag: Optional[int], tuning: Tuning) -> Source:
        return Source(self.duck, name)

    def session(self, snapshot: str) -> Session:
        raise LandingError("the file has one reader", "Do not ask")

    def close(self) -> None:
        self.duck.close()


class Toy:
    """The engine. The secret's option path names the file."""

    default_port = 1

    def __init__(self) -> None:
        self._databases: Dict[str, Database] = {}

    def login_options(self, values: Mapping[str, Any], problems: List[str]) -> Tuple[Tuple[str, str], ...]:
        return (("path", values["path"]),)

    def connect(self, secret: Secret) -> Database:
        path = dict(secret.options)["path"]
        if path not in self._databases:
            self._databases[path] = Database(path)
        return self._databases[path]


def module() -> ModuleType:
    """Return a package with the dialect, as ENGINES names one."""
    made = ModuleType("toy")
    made.DIALECT = Toy()  # type: ignore[attr-defined]
    return made
