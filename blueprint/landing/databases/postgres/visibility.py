"""Identifies rows that the snapshot of the batch before did not show, by the transactions that wrote them.

A number is drawn from a sequence long before its row is committed, by a session that may have drawn a whole cache of
them, so no upper bound is safe. But every row carries the transaction that wrote it. Let S be the snapshot of the batch
before, S.xmin the oldest transaction in progress then, and S.writers the transactions from S.xmin on that wrote rows
which S showed. A row r of the current snapshot, written by x, was not shown by S exactly if x >= S.xmin and x is not in
S.writers:

- x < S.xmin: x had ended, and so had its parent if x is a subtransaction, which is older. It is committed, for r is
  shown now. So S showed r.
- x >= S.xmin and in S.writers: S showed a row of x, and what a transaction wrote is shown as a whole, so it showed r.
- x >= S.xmin and not in S.writers: had S shown r, x would be in S.writers.

pg_current_snapshot() lists transactions in progress too, but leaves out their subtransactions (on a replica, all of
them), and rows written between savepoints carry those: hence the writers.

An update makes a new row, with a writer of its own: it is found too, and lands as the new version that it is.

The column xmin of a row has 32 of its transaction's 64 bits. The rest follows from its distance to the next
transaction, as long as that is less than 2**32. A row frozen longer ago may look like one written recently. Epochs
identify such rows: what was written before an epoch's transaction has a cursor below the epoch's value. So a row that
looks late is late unless its cursor is below the value of an epoch that is itself less than 2**32 away; those few are
compared with the landed files.
"""

from __future__ import annotations

import base64
import itertools
import zlib
from dataclasses import dataclass, replace
from typing import Any, Dict, Mapping, Optional, Tuple

from landing.databases.cursor_values import NUMBERS, order
from landing.databases.model import Late, NumberScan
from landing.databases.postgres.condition import NONE, Condition
from landing.databases.postgres.cursor import Cursor
from landing.databases.postgres.relation import Relation
from landing.databases.postgres.rows import BY_CTID
from landing.databases.postgres.session import Session
from landing.job.errors import LandingError

_WRAP = 2**32
_FIRST_NORMAL = 3  # smaller numbers are not of transactions that could be in progress
RENEW_AFTER = 2**28
"""Transactions after which a state must be renewed, long before distances become ambiguous."""

_SNAPSHOT = """
    SELECT pg_catalog.txid_snapshot_xmin(s) AS oldest, pg_catalog.txid_snapshot_xmax(s) AS next
    FROM pg_catalog.txid_current_snapshot() AS s
"""

_MANY = 0  # no transaction has this number: it stands for all that are counted together

_DISTANCE = "(({next} - xmin::pg_catalog.text::pg_catalog.int8) & 4294967295)"

_SAMPLE = 10_000  # rows below the window that are looked at for late timestamps


@dataclass(frozen=True)
class State:
    """What a batch's snapshot saw, as far as the next batch needs it. Transactions are numbered in 64 bits.

    Of the transactions from xmin on, the snapshot showed rows of the writers only.
    """

    server: str  # the cluster and its timeline; empty when the server does not say
    xmin: int  # the oldest transaction in progress, or the next to begin
    xmax: int  # the next transaction to begin
    writers: Tuple[int, ...] = ()  # ascending
    epochs: Tuple[Tuple[int, str], ...] = ()  # a transaction, and a value above all cursors written before it
    relfilenode: Optional[int] = None  # of the table, another one after the table was rewritten

    def encode(self) -> Dict[str, Any]:
        """Return the state as JSON."""
        return {
            "server": self.server,
            "oldest": self.xmin,
            "next": self.xmax,
            "seen": _packed(self.writers),
            "marks": self.epochs,
            "file": self.relfilenode,
        }


def decode(given: Mapping[str, Any]) -> State:
    """Return the state that a commit record holds. Raises LandingError for anything else."""
    try:
        epochs = tuple((int(xmin), str(value)) for xmin, value in given["marks"])
        writers = _unpacked(given["seen"])
        return State(given["server"], given["oldest"], given["next"], writers, epochs, given.get("file"))
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise LandingError(
            "the visibility of the batch before cannot be read ({}: {})".format(type(error).__name__, error),
            "Restore the last commit record from the bucket's versions, or deploy the Landfall that wrote it",
        ) from None


def _packed(numbers: Tuple[int, ...]) -> str:
    """Return ascending numbers as text of about a byte each: there may be millions during a long transaction."""
    steps = (number - before for before, number in zip((0, *numbers), numbers))
    return base64.b64encode(zlib.compress(" ".join(map(str, steps)).encode())).decode()


def _unpacked(text: str) -> Tuple[int, ...]:
    return tuple(itertools.accumulate(map(int, zlib.decompress(base64.b64decode(text)).split())))


def snapshot_state(session: Session) -> State:
    """Return what the session's snapshot sees, without the writers of rows."""
    xmin, xmax = session.query(_SNAPSHOT)[0]
    return State("", xmin, xmax)


class Visibility:
    """What a snapshot sees of a table that the snapshot of the batch before did not."""

    def __init__(self, session: Session, relation: Relation, server: str, before: Optional[Mapping[str, Any]]) -> None:
        """Ask the server what the session's snapshot sees. before is the state that the batch before kept."""
        self._session = session
        self._relation = relation
        self._now = replace(snapshot_state(session), server=server, relfilenode=relation.relfilenode)
        self._last = decode(before) if before else None
        self._before = self._last if self._last and _comparable(self._last, self._now) else None

    @property
    def comparable(self) -> bool:
        """Report whether the rows written since the batch before can be identified."""
        return self._before is not None

    @property
    def renewal_due(self) -> bool:
        """Report whether a batch is due although there is nothing new, so that the next state is comparable."""
        return self._last is not None and self._now.xmax - self._last.xmin > RENEW_AFTER

    def state(self, high: Optional[str]) -> Dict[str, Any]:
        """Return what the next batch needs. high is where this batch's window of numbers ends, None for timestamps.

        Epochs of the batch before that are still of use are kept, and there is a new one when the last is old.
        """
        epochs = [
            epoch for epoch in (self._before.epochs if self._before else ()) if epoch[0] >= self._now.xmax - _WRAP
        ]
        if high is not None and (not epochs or self._now.xmin - epochs[-1][0] >= _WRAP // 4):
            epochs.append((self._now.xmin, high))
        return replace(self._now, epochs=tuple(epochs)).encode()

    def written_below_query(self, cursor: Cursor, high: str) -> str:
        """Return the query for how many of the last rows below a value were written by transactions begun since.

        Empty: nobody can tell, because there is nothing to compare with or a frozen row may look like a new one.
        """
        if self._before is None or not self._first_round:
            return ""
        return """
            SELECT pg_catalog.count(*) FILTER (WHERE distance <= {} AND writer >= {}) AS n
            FROM (
              SELECT xmin::pg_catalog.text::pg_catalog.int8 AS writer, {} AS distance
              FROM {} WHERE {} ORDER BY {} DESC LIMIT {}
            ) AS last
        """.format(
            self._now.xmax - self._before.xmax,
            _FIRST_NORMAL,
            _DISTANCE.format(next=self._now.xmax),
            self._relation.sql,
            cursor.compared("<", high),
            cursor.sql,
            _SAMPLE,
        )

    def scan(self, cursor: Cursor, in_window: Condition, forbidden: Optional[Condition]) -> NumberScan:
        """Count rows, and find out who wrote rows since the batch before, in one query.

        Rows are counted by writer; those of writers that neither state needs to know are counted together, and so are
        those of transactions that began after the one snapshot and ended before the other: there may be millions. When
        no transaction began since and none was in progress, only the conditions are left, and an index of the cursor
        serves. Raises LandingError on a replica that has not replayed what the batch before saw.
        """
        now, before, last = self._now, self._before, self._last
        if last is not None and last.server and last.server == now.server and now.xmax < last.xmax:
            raise LandingError(
                "the replica is behind the snapshot that was landed last",
                "Run the job again when it has caught up, or read from one server only",
            )
        since = _written_since(min(before.xmin, now.xmin) if before else now.xmin, now.xmax)
        between = NONE.sql
        if before and before.xmax < now.xmin:
            distance = _DISTANCE.format(next=now.xmax)
            between = "{0} <= {1} AND {0} > {2}".format(distance, now.xmax - before.xmax, now.xmax - now.xmin)
        groups = self._session.query(
            """
            SELECT CASE WHEN {since} THEN CASE WHEN {between} THEN {many} ELSE {writer} END END AS writer,
              pg_catalog.max({cursor}) FILTER (WHERE {in_window}) AS greatest,
              pg_catalog.count(*) FILTER (WHERE {in_window}) AS in_window,
              pg_catalog.count(*) FILTER (WHERE {forbidden}) AS forbidden, pg_catalog.count(*) AS n
            FROM {relation} WHERE {in_window} OR {forbidden} OR {since} GROUP BY 1
            """.format(
                since=since,
                between=between,
                many=_MANY,
                writer=_writer(now),
                cursor=cursor.sql,
                in_window=in_window.sql,
                forbidden=(forbidden or NONE).sql,
                relation=self._relation.sql,
            )
        )
        known = set(before.writers) if before else set()
        greatest = [int(group[1]) for group in groups if group[1] is not None]
        writers = sorted(group[0] for group in groups if group[0] is not None and group[0] >= now.xmin)
        self._now = replace(now, writers=tuple(writers))
        late = before is not None and any(
            rows > new and number is not None and (number == _MANY or (number >= before.xmin and number not in known))
            for number, _, new, _, rows in groups
        )
        return NumberScan(
            high=str(max(greatest) + 1 if greatest else -NUMBERS[cursor.type] - 1),
            in_window=sum(group[2] for group in groups),
            forbidden=sum(group[3] for group in groups),
            late=late,
        )

    def late(self, cursor: Cursor, high: Optional[str]) -> Late:
        """Return the rows below a value that the batch before did not see.

        The known writers are sorted out here, not by the server: there may be millions.
        """
        if self._before is None:
            return []
        before, now = self._before, self._now
        frozen = self._may_be_frozen(before, cursor.type)
        if before.relfilenode != now.relfilenode:
            frozen = None  # the table was rewritten, and perhaps its rows by new transactions
        found = self._session.query(
            "SELECT {}, {} AS writer, {} AS frozen FROM {} WHERE {} AND {}".format(
                BY_CTID,
                _writer(now),
                "true" if frozen is None else cursor.compared("<", frozen) if frozen else "false",
                self._relation.sql,
                cursor.compared("<", high),
                _written_since(before.xmin, now.xmax),
            )
        )
        known = set(before.writers)
        return [((int(table), str(row)), bool(doubt)) for table, row, writer, doubt in found if writer not in known]

    @property
    def _first_round(self) -> bool:
        """Report whether the server has used fewer than 2**32 transactions: no frozen row looks like another."""
        return self._now.xmax < _WRAP

    def _may_be_frozen(self, before: State, kind: str) -> Optional[str]:
        """Return the value below which a row may have been frozen before its transaction's number was used again.

        Empty: no row at all; None: any row.
        """
        if self._first_round:
            return ""
        values = [value for xmin, value in before.epochs if xmin >= self._now.xmax - _WRAP]
        return min(values, key=lambda value: order(kind, value)) if values else None


def _comparable(before: State, now: State) -> bool:
    """Report whether the two are of one server and one course of its transactions, and near enough to each other."""
    same_server = not (before.server and now.server) or before.server == now.server
    return same_server and now.xmax - before.xmin < _WRAP // 2


def _writer(now: State) -> str:
    """Return SQL for a row's writer in 64 bits."""
    return "{} - {}".format(now.xmax, _DISTANCE.format(next=now.xmax))


def _written_since(xmin: int, xmax: int) -> str:
    if xmin == xmax:
        return NONE.sql
    return "{} <= {} AND xmin::pg_catalog.text::pg_catalog.int8 >= {}".format(
        _DISTANCE.format(next=xmax), xmax - xmin, _FIRST_NORMAL
    )


def server_identity(session: Session) -> str:
    """Return the identity of a sequence of transactions: the cluster and its timeline.

    A restore to a moment of the past begins a new timeline, on which numbers of transactions are used again. After the
    LandingError of a server that refuses to say, the session's transaction is of no further use.
    """
    identity = session.query(
        "SELECT system_identifier::pg_catalog.text || '/' || timeline_id::pg_catalog.text AS id "
        "FROM pg_catalog.pg_control_system() CROSS JOIN pg_catalog.pg_control_checkpoint()"
    )
    return str(identity[0][0])
