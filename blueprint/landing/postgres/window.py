"""Load windows: which rows one incremental load reads."""

from __future__ import annotations

from typing import Optional

from landing.errors import LandingError
from landing.postgres.bound import Bound, Server, local_time_query
from landing.postgres.quoting import identifier, literal
from landing.postgres.session import Session
from landing.source import Column, Window

MOMENTS = ("timestamptz", "timestamp", "date")
NUMBERS = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1}

_KINDS = {
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "SMALLINT": "int2",
    "INTEGER": "int4",
    "BIGINT": "int8",
}


def kind(column: Column) -> str:
    """Return the kind of a cursor. Raises LandingError for a column that cannot be one."""
    found = _KINDS.get(column.wire)
    if found is None:
        raise LandingError(
            "the delta column {!r} is of type {}, which has no safe order".format(column.name, column.source_type),
            "Name a timestamp, timestamptz, date or integer column in DeltaColumnName, or set LoadType Full",
        )
    return found


def high(session: Session, relation: str, column: Column, bound: Bound, server: Server) -> Optional[str]:
    """Return where the window ends, excluded, as exact text; None when the table has no row at all.

    For moments it is the safe bound. Where the type has no zone, writers are taken to be in the server's own; a date
    is complete when its day is over. For integers it is past the greatest value in the session's snapshot: one that
    is drawn earlier but committed later is missed.
    """
    cursor = kind(column)
    if cursor == "timestamptz":
        return bound.at
    if cursor in MOMENTS:
        local = str(session.query(local_time_query(bound, server.zone))[0][0])
        return local[:10] if cursor == "date" else local
    greatest = session.query(
        "SELECT pg_catalog.max({})::pg_catalog.text AS greatest FROM {}".format(identifier(column.name), relation)
    )[0][0]
    return None if greatest is None else str(int(greatest) + 1)


def condition(window: Optional[Window]) -> str:
    """Return the window as SQL; true for every row when there is none."""
    if window is None:
        return "true"
    name = identifier(window.column)
    below = _value(window.high, window.type)
    # max + 1 may be one more than the type holds.
    parts = ["{} < {}".format(name, below) if below else "{} IS NOT NULL".format(name)]
    if window.low is not None:
        parts.append("{} >= {}".format(name, _value(window.low, window.type) or "NULL"))
    return " AND ".join(parts)


def _value(text: str, type_name: str) -> str:
    """Return a bound as a literal of the cursor's type, empty when it is past the type's end."""
    if type_name in NUMBERS and int(text) > NUMBERS[type_name]:
        return ""
    return literal(text, type_name)


def unreachable(column: Column) -> str:
    """Return SQL that is true for rows that no window would ever hold."""
    name = identifier(column.name)
    never = "{} IS NULL".format(name)
    if kind(column) in MOMENTS:
        # isfinite() would not use an index.
        never += " OR {0} = 'infinity' OR {0} = '-infinity'".format(name)
    return never
