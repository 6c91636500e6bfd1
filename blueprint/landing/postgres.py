"""PostgreSQL: its SQL, its types, its snapshots. The only module that knows the source's dialect."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from typing import Any, Protocol

from landing.errors import LandingError

# Heap bytes of one split, and PostgreSQL's page size.
SPLIT_BYTES = 64 * 1024 * 1024
PAGE_BYTES = 8192

# How far behind the clock a window ends when other sessions cannot be seen, and
# how far in any case: a transaction has its start time a moment before it shows it.
BLIND_LAG_SECONDS = 600
LAG_SECONDS = 1


class Queries(Protocol):
    """A session that can be asked; database.Session is one."""

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Returns the rows of the query."""


def literal(value: str) -> str:
    """A string literal that PostgreSQL and DuckDB read alike, whatever the value holds."""
    if "\0" in value:
        raise LandingError("a value holds a NUL character, which PostgreSQL does not know")
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """An identifier, quoted. The one place where a name enters SQL."""
    if not name or "\0" in name:
        raise LandingError(f"{name!r} is not a name that PostgreSQL knows")
    return '"' + name.replace('"', '""') + '"'


def split_name(table: str) -> tuple[str, str]:
    """The schema and the table of `schema.table`; a part that holds a dot or a quote is double-quoted as in SQL."""
    part = r'(?:"((?:[^"]|"")+)"|([^".]+))'
    match = re.fullmatch(part + r"\." + part, table, re.DOTALL)
    if not match:
        raise LandingError(f"{table} is not of the form schema.table", "Correct SourceTable in the catalog")
    a, b, c, d = match.groups()
    return (a.replace('""', '"') if a else b), (c.replace('""', '"') if c else d)


@dataclass(frozen=True)
class Column:
    """One column: how it is read, what it becomes, and what must not be in it."""

    name: str
    source_type: str
    # Expression in the source's SQL that yields the value to write.
    expression: str
    # Type in the Glue Data Catalog.
    type: str
    # Condition in the source's SQL for values that Parquet would not hold as they are; empty: none.
    refused: str = ""
    refused_as: str = ""


# Types that arrive as they are: the source's name → the Glue Data Catalog's.
_PLAIN = {
    "int2": "smallint", "int4": "int", "int8": "bigint", "float4": "float", "float8": "double", "bool": "boolean",
    "text": "string", "varchar": "string", "bpchar": "string", "name": "string", "bytea": "binary",
}  # fmt: skip
_ARRAYS = {"int2": "smallint", "int4": "int", "int8": "bigint", "float4": "float", "float8": "double", "bool": "boolean", "text": "string", "varchar": "string"}
# Years 1 to 9999 are what every reader of Parquet agrees on.
_RANGE = "({c} < '0001-01-01' OR {c} > '9999-12-31{end}')"


def _column(name: str, base: str, typmod: int, element: str, shown: str) -> Column:
    c = quoted(name)
    if base in _PLAIN:
        return Column(name, shown, c, _PLAIN[base])
    if base in ("date", "timestamp", "timestamptz"):
        refused = _RANGE.format(c=c, end={"date": "", "timestamp": " 23:59:59.999999", "timestamptz": " 23:59:59.999999+00"}[base])
        if base == "timestamptz":
            refused = refused.replace("'0001-01-01'", "'0001-01-01 00:00:00+00'")
        return Column(name, shown, c, "date" if base == "date" else "timestamp", refused, "is infinite or outside the years 1 to 9999")
    if base == "numeric" and typmod >= 4:
        precision, scale = ((typmod - 4) >> 16) & 0xFFFF, (((typmod - 4) & 0x7FF) ^ 1024) - 1024
        if precision <= 38 and 0 <= scale <= precision:
            refused = f"{c} IN ('NaN', 'Infinity', '-Infinity')"
            return Column(name, shown, c, f"decimal({precision},{scale})", refused, "is NaN or infinite")
    if element in _ARRAYS:
        return Column(name, shown, c, f"array<{_ARRAYS[element]}>", f"array_ndims({c}) > 1", "has more than one dimension")
    # Everything else lands as PostgreSQL writes it: exact, and readable everywhere.
    return Column(name, shown, f"{c}::text", "string")


@dataclass(frozen=True)
class Table:
    """A table, view or foreign table of the source."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    # Size of the heap in bytes; 0 where there are no ctids to split by.
    heap_bytes: int

    @property
    def sql(self) -> str:
        """The quoted name."""
        return quoted(self.schema) + "." + quoted(self.name)

    def column(self, name: str) -> Column:
        """The column of that name. Raises LandingError with the nearest names."""
        for column in self.columns:
            if column.name == name:
                return column
        near = difflib.get_close_matches(name, [c.name for c in self.columns], 1)
        meant = f"Did you mean {near[0]}?" if near else "Its columns are " + ", ".join(c.name for c in self.columns)
        raise LandingError(f"there is no column {name}", meant)


def describe(session: Queries, table: str) -> Table:
    """Reads the table's columns and size. Raises LandingError when there is no such table."""
    schema, name = split_name(table)
    found = session.query(
        "SELECT c.oid::int8, c.relkind::text, current_setting('server_version_num')::int4, "
        "CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) ELSE 0 END "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE n.nspname = {literal(schema)} AND c.relname = {literal(name)} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
    )
    if not found:
        raise LandingError("there is no such table", _nearest(session, schema, name))
    oid, kind, version, size = found[0]
    if kind == "r" and session.query(f"SELECT 1 FROM pg_catalog.pg_inherits WHERE inhparent = {oid} LIMIT 1"):
        # A parent's rows lie in its children, each with ctids of its own.
        size = 0
    rows = session.query(
        # A domain is read as what it is made of.
        "SELECT a.attname::text, b.typname::text, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END::int4, "
        "CASE WHEN b.typcategory = 'A' THEN e.typname END::text, format_type(a.atttypid, a.atttypmod)::text AS shown "
        "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
        "JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END "
        "LEFT JOIN pg_catalog.pg_type e ON e.oid = b.typelem "
        f"WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    )
    columns = tuple(_column(r[0], r[1], r[2], r[3] or "", r[4]) for r in rows)
    return Table(schema, name, columns, int(size) if version >= 140000 else 0)


def _nearest(session: Queries, schema: str, name: str) -> str:
    tables = [
        f"{s}.{t}"
        for s, t in session.query(
            "SELECT n.nspname::text AS s, c.relname::text AS t FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') LIMIT 10000"
        )
    ]
    near = difflib.get_close_matches(f"{schema}.{name}", tables, 1)
    return f"Did you mean {near[0]}?" if near else "Correct SourceTable in the catalog, or let the user see its schema"


@dataclass(frozen=True)
class Bound:
    """An upper bound for time cursors, as text with microseconds, and how it was found."""

    timestamptz: str
    timestamp: str
    date: str
    seen: str


def safe_bound(session: Queries) -> Bound:
    """The time before which every transaction that may still commit rows has begun its last word.

    Must be read in a transaction of its own that ends before the read's
    snapshot is taken. A transaction that the snapshot does not see either was
    open when this was read, and then the bound is not later than its start; or
    it began afterwards, later than the bound. Read the other way round, one that
    commits between snapshot and bound would be in neither. Rows are taken to
    carry a time not before their transaction's start, as now() gives it.
    """
    (sees, replica) = session.query(
        "SELECT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) OR pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees, "
        "pg_is_in_recovery() AS replica"
    )[0]
    if sees and not replica:
        oldest = (
            f"least(clock_timestamp() - interval '{LAG_SECONDS} seconds', "
            "(SELECT min(xact_start) FROM pg_catalog.pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND (datname IS NULL OR datname = current_database()) AND backend_type NOT IN ('autovacuum worker', 'walsender')), "
            "(SELECT min(prepared) FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()))"
        )
        seen = "oldest open transaction"
    else:
        oldest = f"clock_timestamp() - interval '{BLIND_LAG_SECONDS} seconds'"
        seen = ("a replica" if replica else "no right to see other sessions (pg_read_all_stats)") + f": {BLIND_LAG_SECONDS} s behind the clock"
    row = session.query(
        # Without a zone a timestamp means the time zone of the sessions that wrote it: taken to be the default.
        f"SELECT to_char(b AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS z, to_char(b::timestamp, 'YYYY-MM-DD\"T\"HH24:MI:SS.US') AS l, "
        f"to_char(b::date, 'YYYY-MM-DD') AS d FROM (SELECT {oldest} AS b) AS bound"
    )[0]
    return Bound(str(row[0]), str(row[1]), str(row[2]), seen)


# Cursor types: the source's → the pattern that a bound of it must have before it enters SQL.
CURSORS = {
    "timestamp with time zone": r"\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "timestamp without time zone": r"\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}",
    "date": r"\d{4,6}-\d\d-\d\d",
    "smallint": r"-?\d{1,20}",
    "integer": r"-?\d{1,20}",
    "bigint": r"-?\d{1,20}",
}


def cursor_type(column: Column) -> str:
    """The cursor kind of a column, without precision. Raises LandingError when it cannot be a cursor."""
    kind = re.sub(r"\(\d+\)", "", column.source_type)
    if kind not in CURSORS:
        raise LandingError(
            f"column {column.name} of type {column.source_type} cannot tell new rows",
            "Use a timestamp, date or integer column as DeltaColumnName, or LoadType Full",
        )
    return kind


def bound_literal(value: str, kind: str) -> str:
    """A bound as a typed literal. Raises LandingError when it does not look like one."""
    if not re.fullmatch(CURSORS[kind], value):
        raise LandingError(f"the watermark {value!r} is not a {kind}", "The last commit record of the table is damaged")
    # numeric: one more than the greatest bigint is a bound too.
    return f"{literal(value)}::{'numeric' if kind in ('smallint', 'integer', 'bigint') else kind}"


def window_condition(column: str, kind: str, low: str, high: str) -> str:
    """The rows of [low, high); an empty low means from the beginning."""
    c = quoted(column)
    below = f"{c} < {bound_literal(high, kind)}"
    return f"{c} >= {bound_literal(low, kind)} AND {below}" if low else below


def ctid_conditions(table: Table, count: int) -> list[str]:
    """Conditions that share the table's rows out, each row to one; at most count of them.

    The last one is open: pages may be added after the size was read. One
    condition, "true", where there are no ctids or nothing to split.
    """
    pages = math.ceil(table.heap_bytes / PAGE_BYTES)
    count = min(count, pages)
    if count <= 1:
        return ["true"]
    edges = [i * pages // count for i in range(count)]
    conditions = []
    for i, low in enumerate(edges):
        condition = f"ctid >= '({low},0)'::tid"
        if i + 1 < count:
            condition += f" AND ctid < '({edges[i + 1]},0)'::tid"
        conditions.append(condition)
    return conditions
