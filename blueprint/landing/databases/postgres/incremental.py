"""What incremental loads ask of a table: which rows a window holds, and which were committed too late for theirs."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import List, Optional, Sequence, Tuple

from landing.databases.model import Scan, Sight, Table
from landing.databases.postgres import attributes, relation, rows
from landing.databases.postgres import cursor as window
from landing.databases.postgres import safe_watermark as bound
from landing.databases.postgres import visibility as sight
from landing.databases.postgres.cursor import Cursor
from landing.databases.postgres.relation import Relation
from landing.databases.postgres.rows import Rows
from landing.databases.postgres.safe_watermark import Bound, Server
from landing.databases.postgres.session import Session
from landing.job.errors import LandingError
from landing.plan.row_ids import Row


class Loads:
    """The part of the coordinator's view that full loads have no use for."""

    table: Table
    _session: Session
    _relation: Relation
    _relation_name: str
    _server: Server
    _bound: Optional[Bound] = None
    _identity: str = ""

    def _look_ahead(self, scout: Session) -> None:
        """Find out what windows go by, before the snapshot is taken that they are read in."""
        self._bound = bound.safe_bound(scout, self._server)
        # An error ends the transaction, so last. Some services do not let their customers ask.
        with contextlib.suppress(LandingError):
            self._identity = sight.server(scout)

    @property
    def notes(self) -> Tuple[str, ...]:
        """What a person should know about the window's end."""
        return self._bound.notes if self._bound else ()

    def cursor(self, names: Sequence[str]) -> Cursor:
        """Return the cursor that the columns of these names make. Raises LandingError when they cannot make one."""
        return window.cursor([column for column in map(self.table.column, names) if column])

    def condition(self, cursor: Cursor, low: Optional[str], high: Optional[str]) -> str:
        """Return a window as SQL, with or without an end."""
        return window.condition(cursor, low, high)

    def earlier(self, kind: str, bound: str, seconds: int) -> str:
        """Return the moment some seconds before a bound."""
        return str(self._session.query(window.earlier_query(kind, bound, seconds))[0][0]) if seconds else bound

    def rows(self, key: Sequence[str]) -> Rows:
        """Return how single rows are named and read. key are columns of the table."""
        columns = tuple(column for column in self.table.columns if column.name in key)
        places = rows.have_places(self._session, self._relation.oid)
        return Rows(self._relation_name, places, self.table.columns, columns)

    def sight(self) -> Sight:
        """Return what the snapshot sees, for the next batch, without the writers of rows."""
        return replace(sight.moment(self._session), server=self._identity, file=self._relation.file)

    def high(self, cursor: Cursor) -> str:
        """Return where a window of moments may end, excluded: no row below it is still to come."""
        if self._bound is None:
            raise ValueError("the source was opened for a load without a window")
        digits = attributes.digits(self._session, self._relation.oid, cursor.columns)
        return window.high(self._session, cursor, self._bound, self._server, digits)

    def normalised(self, cursor: Cursor, text: str) -> str:
        """Return a bound that a person wrote as exact text. Raises LandingError for what is none."""
        return str(self._session.attempt(window.normalised_query(cursor.type, text))[0][0])

    def indexed(self, cursor: Cursor) -> bool:
        """Tell whether an index begins with the cursor; of a relation that can have none, True."""
        return relation.indexed(self._session, self._relation, cursor.sql)

    def ahead(self, cursor: Cursor) -> str:
        """Return the condition for rows whose moment is in the future."""
        return window.ahead(cursor, self._server)

    def look(self, conditions: Sequence[str], sample: str) -> List[int]:
        """Return how many rows each condition holds for, and the number that a query finds, in one statement.

        sample is a query for one number, or empty.
        """
        count = "pg_catalog.count(*) FILTER (WHERE {}) AS n{}"
        counts = ", ".join(count.format(condition, n) for n, condition in enumerate(conditions))
        query = "SELECT {}, ({}) AS sampled FROM {} WHERE {}".format(
            counts, sample or "SELECT 0::pg_catalog.int8", self._relation_name, " OR ".join(conditions)
        )
        return list(map(int, self._session.query(query)[0]))

    def scan(self, cursor: Cursor, fresh: str, lost: str, before: Optional[Sight], now: Sight) -> Scan:
        """Return what one statement finds: see sight.scan."""
        return sight.scan(self._session, self._relation_name, cursor, fresh, lost, before, now)

    def comparable(self, before: Optional[Sight], now: Sight) -> bool:
        """Tell whether late rows can be told by two sights: they are of one server, and near enough to each other."""
        return sight.comparable(before, now)

    def behind(self, before: Sight, now: Sight) -> bool:
        """Tell whether a replica has not got to where the batch before was read."""
        return sight.behind(before, now)

    def stale(self, before: Sight, now: Sight) -> bool:
        """Tell whether a batch is due although there is nothing new, so that the next sight is comparable."""
        return now.next - before.oldest > sight.STALE

    def remembered(self, before: Optional[Sight], now: Sight, high: str) -> Sight:
        """Return what a batch whose window ends at high keeps of its sight for the next one."""
        return sight.marked(before, now, high)

    def late(
        self, there: Rows, cursor: Cursor, settled: Optional[str], before: Sight, now: Sight
    ) -> List[Tuple[Row, bool]]:
        """Return the rows below settled that before did not see; True: they may be old ones and must be compared."""
        frozen = sight.may_be_frozen(before, now, cursor.type)
        if before.file != now.file:
            frozen = None  # the table was written anew, and perhaps its rows by new transactions
        found = self._session.query(
            "SELECT {}, {} AS writer, {} AS frozen FROM {} WHERE {} AND {}".format(
                there.name,
                sight.writer(now),
                "true" if frozen is None else cursor.compared("<", frozen) if frozen else "false",
                there.relation,
                cursor.compared("<", settled),
                sight.written_since(before, now),
            )
        )
        seen = set(before.seen)
        return [((int(part), str(place)), bool(doubt)) for part, place, writer, doubt in found if writer not in seen]

    def written_below(self, cursor: Cursor, bound: str, before: Sight, now: Sight) -> str:
        """Return the query for how many of the last rows below a bound were written since; empty: nobody can tell."""
        return sight.written_below(self._relation_name, cursor, bound, before, now) if sight.first_round(now) else ""
