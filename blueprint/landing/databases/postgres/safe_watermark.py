"""The safe watermark: the moment up to which a load window of timestamps may reach. No row below it can still appear.

Cursors such as updated_at are set to now(), the start of the writer's transaction, and the row appears when that
transaction commits, any time later. A row that a read's snapshot S does not show belongs to a transaction that was in
progress when S was taken, or began afterwards. So the watermark must not be later than the start of any of these:

1. T0, the server's clock, is read.
2. A short while later the sessions are looked at (pg_stat_activity), then the prepared transactions, both live.
3. Only then is S taken, in a transaction of its own. The watermark is the least of T0 and what 2. showed.

Take any transaction that S does not show. Either it began after T0: the watermark is not later. Or it began before T0
and was still in progress when S was taken, hence during step 2, and was seen there: as a session, or, when it was
prepared in the meantime, as a prepared transaction, because these are looked at second. (A session's transaction leaves
pg_stat_activity only after its rows appear, and after it is listed as prepared.) Looking after S, or in S's own
transaction, whose snapshot precedes its first statement, would be wrong: a transaction could commit in between,
invisible to S and no longer listed, and its rows would be skipped for ever.

The wait in step 2 covers a backend that has read its clock but not yet published it: some instructions.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Tuple

from landing.databases.postgres.cursor import EXACT
from landing.databases.postgres.login import APPLICATION
from landing.databases.postgres.quoting import literal
from landing.databases.postgres.session import Session
from landing.job.tuning import CLOCK_READ, PREPARED_LISTED, SESSIONS_LISTED, Tuning


@dataclass(frozen=True)
class Server:
    """Facts about the server before a snapshot is taken. Moments are exact text in UTC."""

    version: int  # server_version_num
    zone: str  # the default TimeZone of sessions
    replica: bool
    sees_sessions: bool
    clock: str  # T0
    clock_minus_lag: str  # T0 less the lag
    lag: int  # seconds
    started: str  # when the server started, which distinguishes it from other servers at its address
    answered: float  # when the answer arrived, on this machine's monotonic clock


@dataclass(frozen=True)
class SafeWatermark:
    """The watermark, and why it is earlier than it might be."""

    at: str  # exact text in UTC
    notes: Tuple[str, ...]


def describe_server(session: Session, lag: int) -> Server:
    """Return facts about the server, and T0.

    lag is how many seconds the watermark stays behind the clock where transactions in progress cannot be seen.
    """
    version, zone, replica, sees, clock, clock_minus_lag, started = session.query(
        """
        SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version,
          (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone') AS zone,
          pg_catalog.pg_is_in_recovery() AS replica, pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS sees,
          pg_catalog.to_char(clock, {exact}) || '+00' AS clock,
          pg_catalog.to_char(clock - interval '{lag} s', {exact}) || '+00' AS clock_minus_lag,
          pg_catalog.pg_postmaster_start_time()::pg_catalog.text AS started
        FROM pg_catalog.clock_timestamp() AS clock
        """.format(exact=EXACT, lag=lag)
    )[0]
    return Server(version, zone, replica, sees, clock, clock_minus_lag, lag, started, time.monotonic())


def safe_watermark(session: Session, server: Server, tuning: Tuning) -> SafeWatermark:
    """Return the watermark. The read's snapshot must be taken after this, in another transaction than the session's."""
    tuning.observe(CLOCK_READ)
    time.sleep(max(0.0, server.answered + tuning.clock_seconds - time.monotonic()))
    candidates, notes = [server.clock], []
    if server.replica:
        candidates.append(_replayed(session, server.lag))
        notes.append("on a replica the transactions in progress cannot be seen")
    elif not server.sees_sessions:
        candidates.append(server.clock_minus_lag)
        notes.append("the login may not see other sessions (GRANT pg_read_all_stats to it)")
    else:
        oldest, hidden = _sessions(session)
        candidates.append(oldest or server.clock)
        if hidden:
            candidates.append(server.clock_minus_lag)
            notes.append("a session runs with track_activities off")
    tuning.observe(SESSIONS_LISTED)
    prepared = _prepared(session, server.lag)
    tuning.observe(PREPARED_LISTED)
    if prepared:
        candidates.append(prepared)
        notes.append("a prepared transaction is open, and PostgreSQL does not say when it began")
    return SafeWatermark(
        min(candidates), tuple("{}: the window ends {} s earlier".format(n, server.lag) for n in notes)
    )


def with_lag(safe: SafeWatermark, server: Server) -> SafeWatermark:
    """Return the watermark of rows that come from another server."""
    note = "rows come from another server, whose transactions in progress cannot be seen: the window ends {} s earlier"
    return SafeWatermark(min(safe.at, server.clock_minus_lag), (*safe.notes, note.format(server.lag)))


def _sessions(session: Session) -> Tuple[str, bool]:
    """Return the start of the oldest transaction in progress, empty for none, and whether one may be hidden.

    A session that is active without a transaction is about to begin one at query_start. Vacuum writes no rows.
    """
    oldest, hidden = session.query(
        """
        SELECT pg_catalog.to_char(pg_catalog.min(coalesce(xact_start,
            CASE WHEN state <> 'idle' THEN query_start END)), {}) || '+00' AS oldest,
          coalesce(pg_catalog.bool_or(state = 'disabled'), false) AS hidden
        FROM pg_catalog.pg_stat_activity
        WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()
          AND backend_type <> 'autovacuum worker' AND application_name <> {}
        """.format(EXACT, literal(APPLICATION))
    )[0]
    return oldest or "", bool(hidden)


def _prepared(session: Session, lag: int) -> str:
    """Return a moment before the oldest prepared transaction was prepared, empty for none."""
    return (
        session.query(
            """
            SELECT pg_catalog.to_char(pg_catalog.min(prepared) - interval '{} s', {}) || '+00' AS at
            FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database()
            """.format(lag, EXACT)
        )[0][0]
        or ""
    )


def _replayed(session: Session, lag: int) -> str:
    """Return a moment before what a replica has replayed; before now where it has replayed all there is."""
    return str(
        session.query(
            """
            SELECT pg_catalog.to_char(CASE
                WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn()
                  AND EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver) THEN pg_catalog.clock_timestamp()
                ELSE coalesce(pg_catalog.pg_last_xact_replay_timestamp(), pg_catalog.clock_timestamp())
              END - interval '{} s', {}) || '+00' AS at
            """.format(lag, EXACT)
        )[0][0]
    )


def local_time_query(safe: SafeWatermark, zone: str) -> str:
    """Return the query for the earliest local time, in the zone, of any moment from the watermark on.

    When clocks are set back, local time repeats: 3 hours of quarters look ahead, as clocks change on quarters.
    """
    return """
        SELECT pg_catalog.to_char(pg_catalog.min(at AT TIME ZONE {zone}), {exact}) AS at
        FROM (SELECT {at} AS at UNION ALL SELECT pg_catalog.generate_series(
          pg_catalog.date_trunc('hour', {at}), {at} + interval '3 hours', interval '15 minutes')) AS moments
        WHERE at >= {at}
    """.format(zone=literal(zone), exact=EXACT, at=literal(safe.at, "timestamptz"))
