"""Load windows of a cursor that writers take from a clock: where they end, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

from landing.databases.model import ClockScan
from landing.databases.postgres import attributes
from landing.databases.postgres.condition import NONE, Condition
from landing.databases.postgres.cursor import Cursor, exact_text_query
from landing.databases.postgres.quoting import literal
from landing.databases.postgres.relation import Relation
from landing.databases.postgres.safe_watermark import SafeWatermark, Server, local_time_query
from landing.databases.postgres.session import Session
from landing.databases.postgres.visibility import Visibility


@dataclass(frozen=True)
class ClockWindows:
    """The windows of one table on one snapshot. safe is None for a load without a window."""

    session: Session
    relation: Relation
    server: Server
    safe: Optional[SafeWatermark]

    @property
    def notes(self) -> Tuple[str, ...]:
        """Why the window ends earlier than it might, for a person."""
        return self.safe.notes if self.safe else ()

    def high(self, cursor: Cursor) -> str:
        """Return where the window ends: no row below it can still appear."""
        if self.safe is None:
            raise ValueError("the source was opened for a load without a window")
        digits = attributes.digits(self.session, self.relation.oid, cursor.columns)
        return window_end(self.session, cursor, self.safe, self.server, digits)

    def scan(
        self,
        cursor: Cursor,
        in_window: Condition,
        forbidden: Optional[Condition],
        visibility: Optional[Visibility],
        below: Optional[str],
    ) -> ClockScan:
        """Count rows in one query; below None: no late rows are counted."""
        conditions = [(condition or NONE).sql for condition in (in_window, forbidden, future(cursor, self.server))]
        late = visibility.written_below_query(cursor, below) if visibility and below is not None else ""
        count = "pg_catalog.count(*) FILTER (WHERE {}) AS n{}"
        query = "SELECT {}, ({}) AS late FROM {} WHERE {}".format(
            ", ".join(count.format(condition, n) for n, condition in enumerate(conditions)),
            late or "SELECT 0::pg_catalog.int8",
            self.relation.sql,
            " OR ".join(conditions),
        )
        return ClockScan(*map(int, self.session.query(query)[0]))


def window_end(
    session: Session, cursor: Cursor, safe: SafeWatermark, server: Server, digits: Sequence[int] = ()
) -> str:
    """Return where a window ends, excluded, as exact text.

    It is the safe watermark, rounded as the columns round: to so many digits of a second. Rounding keeps the order, so
    what is written at the watermark or later is not below the rounded one. Where the type has no zone, writers are
    taken to be in the server's own; a date is complete when its day is over.
    """
    if cursor.type == "date":
        return str(session.query(local_time_query(safe, server.zone))[0][0])[:10]
    at = safe.at
    if cursor.type == "timestamp":
        at = str(session.query(local_time_query(safe, server.zone))[0][0])
    return min(_rounded(session, cursor.type, at, number) for number in digits or [6])


def future(cursor: Cursor, server: Server) -> Condition:
    """Return the rows whose cursor is finite and more than a minute after the server's clock.

    Of a date these are the days after the server's own.
    """
    now = "({} + interval '1 min')".format(literal(server.clock, "timestamptz"))
    if cursor.type != "timestamptz":
        now = "({} AT TIME ZONE {})::pg_catalog.{}".format(now, literal(server.zone), cursor.type)
    return Condition("({0} > {1} AND {0} < 'infinity')".format(cursor.sql, now))


def _rounded(session: Session, kind: str, at: str, digits: int) -> str:
    if digits >= 6:
        return at
    value = literal(at, kind)
    query = exact_text_query(kind, at).replace(value, "{}::pg_catalog.{}({})".format(value, kind, digits))
    return str(session.query(query)[0][0])
