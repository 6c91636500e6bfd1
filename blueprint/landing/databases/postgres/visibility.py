"""Finds rows that the snapshot of the batch before did not show, by the transactions that wrote them.

A number is drawn from a sequence long before its row is committed, by a session that may have drawn a whole cache of
them, so no bound is safe. But every row carries the transaction that wrote it, xmin. Let S be the snapshot of the batch
before, `oldest` the oldest transaction in progress then (S's own xmin), and `seen` the writers, from oldest on, of the
rows that S showed. A row r of the snapshot at hand with writer x was not shown by S just when x >= oldest and x is not
in seen:

- x < oldest: x had ended, and so had its parent if x is a subtransaction, which is older. It is committed, for r is
  shown now. So S showed r.
- x >= oldest and in seen: S showed a row of x, and what a transaction wrote is shown as a whole, so it showed r.
- x >= oldest and not in seen: had S shown r, x would be in seen.

pg_current_snapshot() lists transactions in progress too, but leaves out their subtransactions (on a replica, all of
them), and rows written between savepoints carry those: hence seen.

An update makes a new row, with a writer of its own: it is found too, and lands as the new version that it is.

xmin has 32 of a transaction's 64 bits. The rest follows from its distance to the next transaction, as long as that is
less than 2**32. A row frozen longer ago may look like one written lately. Marks tell such rows: what was written before
a mark's transaction has a cursor below the mark's bound. So a row that looks late is what it looks like unless its
cursor is below the bound of a mark that is itself less than 2**32 away; those few are compared with the landed files.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from landing.databases.model import Scan, Sight
from landing.databases.postgres.cursor import Cursor
from landing.databases.postgres.session import Session
from landing.plan.cursor_values import NUMBERS, order

_WRAP = 2**32
_FIRST_NORMAL = 3  # lesser numbers are not of transactions that could be in progress
STALE = 2**28
"""Transactions after which a sight must be renewed, long before distances become ambiguous."""

_SNAPSHOT = """
    SELECT pg_catalog.txid_snapshot_xmin(s) AS oldest, pg_catalog.txid_snapshot_xmax(s) AS next
    FROM pg_catalog.txid_current_snapshot() AS s
"""

_SOME = 0  # no transaction has this number: stands for all that are counted together

_DISTANCE = "(({next} - xmin::pg_catalog.text::pg_catalog.int8) & 4294967295)"


SAMPLE = 10_000
"""Rows below the watermark that are looked at for a cursor that does not only grow."""


def moment(session: Session) -> Sight:
    """Return what the session's snapshot sees, without the writers of rows."""
    oldest, upcoming = session.query(_SNAPSHOT)[0]
    return Sight("", oldest, upcoming, ())


def written_below(relation: str, cursor: Cursor, bound: str, before: Sight, now: Sight) -> str:
    """Return the query for how many of the last rows below a bound were written by transactions begun since."""
    return """
        SELECT pg_catalog.count(*) FILTER (WHERE distance <= {} AND writer >= {}) AS n
        FROM (
          SELECT xmin::pg_catalog.text::pg_catalog.int8 AS writer, {} AS distance
          FROM {} WHERE {} ORDER BY {} DESC LIMIT {}
        ) AS last
    """.format(
        now.next - before.next,
        _FIRST_NORMAL,
        _DISTANCE.format(next=now.next),
        relation,
        cursor.compared("<", bound),
        cursor.sql,
        SAMPLE,
    )


def first_round(now: Sight) -> bool:
    """Tell whether the server has not yet used up the 32 bits of xmin, so that no frozen row looks like another."""
    return now.next < _WRAP


def scan(
    session: Session, relation: str, cursor: Cursor, fresh: str, lost: str, before: Optional[Sight], now: Sight
) -> Scan:
    """Return what one query finds: the rows for which two conditions hold, and who wrote rows since the batch before.

    Rows are counted by writer; those of writers that neither sight needs to know are counted together, and so are those
    of transactions that began after the one sight and ended before the other, of which there may be millions. When no
    transaction began since and none was in progress, only the conditions are left, and an index of the cursor serves.
    """
    since = _since(min(before.oldest, now.oldest) if before else now.oldest, now.next)
    between = "false"
    if before and before.next < now.oldest:
        distance = _DISTANCE.format(next=now.next)
        between = "{0} <= {1} AND {0} > {2}".format(distance, now.next - before.next, now.next - now.oldest)
    groups = session.query(
        """
        SELECT CASE WHEN {since} THEN CASE WHEN {between} THEN {some} ELSE {writer} END END AS writer,
          pg_catalog.max({cursor}) FILTER (WHERE {fresh}) AS greatest,
          pg_catalog.count(*) FILTER (WHERE {fresh}) AS fresh, pg_catalog.count(*) FILTER (WHERE {lost}) AS lost,
          pg_catalog.count(*) AS n
        FROM {relation} WHERE {fresh} OR {lost} OR {since} GROUP BY 1
        """.format(
            since=since,
            between=between,
            some=_SOME,
            writer=writer(now),
            cursor=cursor.sql,
            fresh=fresh,
            lost=lost,
            relation=relation,
        )
    )
    known = set(before.seen) if before else set()
    greatest = [int(group[1]) for group in groups if group[1] is not None]
    seen = sorted(group[0] for group in groups if group[0] is not None and group[0] >= now.oldest)
    late = before is not None and any(
        rows > new and number is not None and (number == _SOME or (number >= before.oldest and number not in known))
        for number, _, new, _, rows in groups
    )
    return Scan(
        high=str(max(greatest) + 1 if greatest else -NUMBERS[cursor.type] - 1),
        fresh=sum(group[2] for group in groups),
        lost=sum(group[3] for group in groups),
        sight=replace(now, seen=tuple(seen)),
        late=late,
    )


def written_since(before: Sight, now: Sight) -> str:
    """Return the condition for rows that may have been written since.

    The writers in before.seen are still among them: there may be millions, which the caller sorts out.
    """
    return _since(before.oldest, now.next)


def writer(now: Sight) -> str:
    """Return SQL for a row's writer in 64 bits."""
    return "{} - {}".format(now.next, _DISTANCE.format(next=now.next))


def comparable(before: Optional[Sight], now: Sight) -> bool:
    """Tell whether the two are of one server, and near enough to each other."""
    return before is not None and same_server(before, now) and now.next - before.oldest < _WRAP // 2


def same_server(before: Sight, now: Sight) -> bool:
    """Tell whether the two are of one server and one course of its transactions, as far as it says."""
    return not (before.server and now.server) or before.server == now.server


def behind(before: Sight, now: Sight) -> bool:
    """Tell whether a replica has not got to where the batch before was read."""
    return bool(before.server) and before.server == now.server and now.next < before.next


def may_be_frozen(before: Sight, now: Sight, kind: str) -> Optional[str]:
    """Return the bound below which a row may have been frozen before transactions of its number came round again.

    Empty: no row at all; None: any row.
    """
    if first_round(now):
        return ""
    bounds = [bound for oldest, bound in before.marks if oldest >= now.next - _WRAP]
    return min(bounds, key=lambda bound: order(kind, bound)) if bounds else None


def marked(before: Optional[Sight], now: Sight, high: str) -> Sight:
    """Return the sight with its marks: those of the batch before that are still of use, and perhaps one of its own."""
    marks = [mark for mark in (before.marks if before else ()) if mark[0] >= now.next - _WRAP]
    if not marks or now.oldest - marks[-1][0] >= _WRAP // 4:
        marks.append((now.oldest, high))
    return replace(now, marks=tuple(marks))


def _since(oldest: int, upcoming: int) -> str:
    if oldest == upcoming:
        return "false"
    return "{} <= {} AND xmin::pg_catalog.text::pg_catalog.int8 >= {}".format(
        _DISTANCE.format(next=upcoming), upcoming - oldest, _FIRST_NORMAL
    )


def server(session: Session) -> str:
    """Return what tells a course of transactions from every other: the cluster and its timeline.

    A restore to a moment of the past begins a new timeline, on which numbers of transactions are used again. The
    session is of no use afterwards when the server refuses to say.
    """
    identity = session.query(
        "SELECT system_identifier::pg_catalog.text || '/' || timeline_id::pg_catalog.text AS id "
        "FROM pg_catalog.pg_control_system() CROSS JOIN pg_catalog.pg_control_checkpoint()"
    )
    return str(identity[0][0])
