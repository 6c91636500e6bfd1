"""Load windows: which rows one incremental load reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

from landing.databases.model import Column
from landing.databases.postgres.quoting import identifier, literal
from landing.databases.postgres.safe_watermark import EXACT, Bound, Server, local_time_query
from landing.databases.postgres.session import Session
from landing.job.errors import LandingError
from landing.plan.cursor_values import MOMENTS, NUMBERS

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
    """What the rows of an incremental load are ordered by: the first of some columns that is not NULL."""

    columns: Tuple[str, ...]
    type: str

    @property
    def sql(self) -> str:
        """The cursor as SQL; of one column, the column itself, so that its index serves."""
        names = ", ".join(map(identifier, self.columns))
        return "coalesce({})".format(names) if len(self.columns) > 1 else names

    @property
    def is_number(self) -> bool:
        """Tell whether it is drawn from a sequence, rather than from a clock."""
        return self.type in NUMBERS

    def __str__(self) -> str:
        """Return it as messages name it."""
        names = ", ".join(self.columns)
        return "coalesce({})".format(names) if len(self.columns) > 1 else names

    def compared(self, operator: str, bound: Optional[str]) -> str:
        """Return a comparison with a bound as SQL; false beyond any bound."""
        value = _value(bound, self.type) if bound is not None else "NULL"
        if not value:  # past the type's end: max + 1
            return "{} IS NOT NULL".format(self.sql) if operator == "<" else "false"
        return "{} {} {}".format(self.sql, operator, value)

    @property
    def unreachable(self) -> str:
        """SQL that is true for rows that no window would ever hold."""
        never = "{} IS NULL".format(self.sql)
        if self.type in MOMENTS:
            # isfinite() would not use an index.
            never += " OR {0} = 'infinity' OR {0} = '-infinity'".format(self.sql)
        return "({})".format(never)


def cursor(columns: Sequence[Column]) -> Cursor:
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


def high(session: Session, cursor: Cursor, bound: Bound, server: Server, digits: Sequence[int] = ()) -> str:
    """Return where a window of moments ends, excluded, as exact text.

    It is the safe bound, rounded as the columns round: to so many digits of a second. Rounding keeps the order, so what
    is written at the bound or later is not below the rounded bound. Where the type has no zone, writers are taken to be
    in the server's own; a date is complete when its day is over.
    """
    if cursor.type == "date":
        return str(session.query(local_time_query(bound, server.zone))[0][0])[:10]
    at = bound.at
    if cursor.type == "timestamp":
        at = str(session.query(local_time_query(bound, server.zone))[0][0])
    return min(_rounded(session, cursor.type, at, number) for number in digits or [6])


def ahead(cursor: Cursor, server: Server) -> str:
    """Return the rows whose moment is in the future as SQL: more than a minute after the server's clock, yet finite.

    Of a date these are the days after the server's own.
    """
    now = "({} + interval '1 min')".format(literal(server.clock, "timestamptz"))
    if cursor.type != "timestamptz":
        now = "({} AT TIME ZONE {})::pg_catalog.{}".format(now, literal(server.zone), cursor.type)
    return "({0} > {1} AND {0} < 'infinity')".format(cursor.sql, now)


def _rounded(session: Session, kind: str, at: str, digits: int) -> str:
    if digits >= 6:
        return at
    value = literal(at, kind)
    query = normalised_query(kind, at).replace(value, "{}::pg_catalog.{}({})".format(value, kind, digits))
    return str(session.query(query)[0][0])


def condition(cursor: Cursor, low: Optional[str], high: Optional[str]) -> str:
    """Return the rows from low on, up to high, as SQL; None: no such bound."""
    parts = [cursor.compared(operator, bound) for operator, bound in (("<", high), (">=", low)) if bound is not None]
    return " AND ".join(parts) or "{} IS NOT NULL".format(cursor.sql)


def normalised_query(kind: str, text: str) -> str:
    """Return the query for a bound that a person wrote as exact text; it fails when the text is no such value."""
    value = literal(text, kind)
    if kind in NUMBERS:
        return "SELECT {}::pg_catalog.text AS at".format(value)
    if kind == "date":
        return "SELECT pg_catalog.to_char({}, 'YYYY-MM-DD') AS at".format(value)
    return "SELECT pg_catalog.to_char({}, {}){} AS at".format(
        value, EXACT, " || '+00'" if kind == "timestamptz" else ""
    )


def earlier_query(kind: str, bound: str, seconds: int) -> str:
    """Return the query for the moment some seconds before a bound; of a date, as many days as they make."""
    value = literal(bound, kind)
    if kind == "date":
        return "SELECT pg_catalog.to_char({} - {}, 'YYYY-MM-DD') AS at".format(value, -(-seconds // 86400))
    return normalised_query(kind, bound).replace(value, "{} - interval '{} s'".format(value, seconds))


def _value(text: str, type_name: str) -> str:
    """Return a bound as a literal of the cursor's type, empty when it is past the type's end."""
    if type_name in NUMBERS and int(text) > NUMBERS[type_name]:
        return ""
    return literal(text, type_name)
