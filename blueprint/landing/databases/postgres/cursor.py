"""Cursors: what the rows of an incremental load are ordered by, and their values as exact text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional, Sequence, Tuple

from landing.databases.cursor_values import MOMENTS, NUMBERS
from landing.databases.model import Column
from landing.databases.postgres import relation
from landing.databases.postgres.condition import Condition
from landing.databases.postgres.quoting import identifier, literal
from landing.databases.postgres.relation import Relation
from landing.databases.postgres.session import Session
from landing.job.errors import LandingError

EXACT = "'YYYY-MM-DD HH24:MI:SS.US'"
"""to_char's format for exact text. Of the years 1 to 9999, such texts sort as the moments do."""

_KINDS = {
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "SMALLINT": "int2",
    "INTEGER": "int4",
    "BIGINT": "int8",
}


@dataclass(frozen=True)
class Cursor:
    """The first of some columns that is not NULL."""

    columns: Tuple[str, ...]
    type: str

    @property
    def sql(self) -> str:
        """The cursor as SQL; of one column, the column itself, so that its index serves."""
        names = ", ".join(map(identifier, self.columns))
        return "coalesce({})".format(names) if len(self.columns) > 1 else names

    def __str__(self) -> str:
        names = ", ".join(self.columns)
        return "coalesce({})".format(names) if len(self.columns) > 1 else names

    def compared(self, operator: str, value: Optional[str]) -> str:
        """Return a comparison with a value as SQL; None is NULL."""
        if value is None:
            return "{} {} NULL".format(self.sql, operator)
        if self.type in NUMBERS and int(value) > NUMBERS[self.type]:  # above the type's end: the greatest value + 1
            return "{} IS NOT NULL".format(self.sql) if operator == "<" else "false"
        return "{} {} {}".format(self.sql, operator, literal(value, self.type))

    @property
    def missing(self) -> Condition:
        """The rows that no window would ever contain: without a cursor, or at infinity."""
        missing = "{} IS NULL".format(self.sql)
        if self.type in MOMENTS:
            # isfinite() would not use an index.
            missing += " OR {0} = 'infinity' OR {0} = '-infinity'".format(self.sql)
        return Condition("({})".format(missing))

    def between(self, low: Optional[str], high: Optional[str]) -> Condition:
        """Return the rows from low on, up to and without high; None is no such bound."""
        parts = [self.compared(operator, bound) for operator, bound in (("<", high), (">=", low)) if bound is not None]
        return Condition("({})".format(" AND ".join(parts) or "{} IS NOT NULL".format(self.sql)))


def of_columns(columns: Sequence[Column]) -> Cursor:
    """Return the cursor that the columns make. Raises LandingError for columns that cannot make one."""
    kinds = []
    for column in columns:
        found = _KINDS.get(column.wire)
        if found is None or column.rule:
            raise LandingError(
                "the delta column {!r} is {}, which has no safe order".format(
                    column.name, "hashed or masked" if column.rule else "of type " + column.source_type
                ),
                "Name a timestamp, timestamptz, date or integer column in DeltaColumnName, or set LoadType Full",
            )
        kinds.append(found)
    widest = max(kinds, key=lambda kind: NUMBERS.get(kind, 0))
    if len(set(kinds)) > 1 and not all(kind in NUMBERS for kind in kinds):
        raise LandingError(
            "the delta columns {} are of different types".format(
                ", ".join("{} ({})".format(column.name, column.source_type) for column in columns)
            ),
            "Name columns of one type in DeltaColumnName, or one column",
        )
    return Cursor(tuple(column.name for column in columns), widest)


@dataclass(frozen=True)
class Cursors:
    """Cursors of one table."""

    session: Session
    relation: Relation
    column: Callable[[str], Optional[Column]]  # the table's column of a name

    def cursor(self, names: Sequence[str]) -> Cursor:
        """Return the cursor of the columns of these names. Raises LandingError when they cannot make one."""
        return of_columns([column for column in map(self.column, names) if column])

    def normalise(self, cursor: Cursor, text: str) -> str:
        """Return a value that a person wrote as exact text. Raises LandingError for text that is no value."""
        return str(self.session.query_in_savepoint(exact_text_query(cursor.type, text))[0][0])

    def earlier(self, cursor: Cursor, value: str, seconds: int) -> str:
        """Return the moment so many seconds before another; of a date, as many days as they make."""
        if not seconds or cursor.type in NUMBERS:
            return value
        given = literal(value, cursor.type)
        if cursor.type == "date":
            query = "SELECT pg_catalog.to_char({} - {}, 'YYYY-MM-DD') AS at".format(given, -(-seconds // 86400))
        else:
            query = exact_text_query(cursor.type, value).replace(given, "{} - interval '{} s'".format(given, seconds))
        return str(self.session.query(query)[0][0])

    def indexed(self, cursor: Cursor) -> bool:
        """Report whether an index begins with the cursor; True for a relation that can have no index."""
        return relation.indexed(self.session, self.relation, cursor.sql)


def exact_text_query(kind: str, text: str) -> str:
    """Return the query for a value that a person wrote as exact text; it fails when the text is no such value."""
    value = literal(text, kind)
    if kind in NUMBERS:
        return "SELECT {}::pg_catalog.text AS at".format(value)
    if kind == "date":
        return "SELECT pg_catalog.to_char({}, 'YYYY-MM-DD') AS at".format(value)
    return "SELECT pg_catalog.to_char({}, {}){} AS at".format(
        value, EXACT, " || '+00'" if kind == "timestamptz" else ""
    )
