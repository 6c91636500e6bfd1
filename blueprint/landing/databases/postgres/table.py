"""One table of a PostgreSQL database, seen through one snapshot."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any, List, Mapping, Optional, Sequence, Type

from landing.databases.model import Column, Table, key_columns
from landing.databases.postgres import attributes, column_types, relation, rows, safe_watermark, visibility
from landing.databases.postgres.clock import ClockWindows
from landing.databases.postgres.cursor import Cursors
from landing.databases.postgres.quoting import relation as quoted_name
from landing.databases.postgres.reads import Reads
from landing.databases.postgres.relation import Relation
from landing.databases.postgres.rows import RowQueries
from landing.databases.postgres.safe_watermark import SafeWatermark, Server
from landing.databases.postgres.session import Connections, Session
from landing.databases.postgres.visibility import Visibility
from landing.job.errors import LandingError, abbreviated
from landing.job.policy import DROP, Policies
from landing.job.table_name import TableName
from landing.job.tuning import TABLE_FOUND, Tuning


class PostgresTable:
    """The coordinator's view. A context manager: leaving it ends the snapshot, for its readers too.

    The table cannot be truncated or rewritten meanwhile (a snapshot does not protect from that: the rows would be
    gone): it is locked before the snapshot is taken or, where that is impossible, looked up before and after.
    """

    def __init__(
        self, connections: Connections, name: TableName, policies: Policies, lag: Optional[int], tuning: Tuning
    ) -> None:
        """Look at the server, then take the snapshot. lag None: there will be no window. Raises LandingError."""
        safe: Optional[SafeWatermark] = None
        self._identity = ""
        with connections.session() as scout:
            server = safe_watermark.describe_server(scout, lag or 0)
            found = relation.find(scout, name)
            tuning.observe(TABLE_FOUND)
            if lag is not None:
                safe = safe_watermark.safe_watermark(scout, server, tuning)
                # An error ends the transaction, so last. Some services do not let their customers ask.
                with contextlib.suppress(LandingError):
                    self._identity = visibility.server_identity(scout)
        lock = "LOCK TABLE {} IN ACCESS SHARE MODE".format(quoted_name(name)) if found.lockable else ""
        self._session = connections.session(before_snapshot=lock)
        try:
            snapshot = _export_snapshot(self._session, server)
            if not found.lockable:
                # Locks it from here on.
                self._session.query("SELECT 1 AS x FROM {} LIMIT 0".format(quoted_name(name)))
            self._relation = relation.find(self._session, name)
            if not found.lockable and self._relation.relfilenode != found.relfilenode:
                raise LandingError("it was rewritten while the job run began", "Run the job again")
            self._describe(policies, server, safe, snapshot)
        except BaseException:
            self.close()
            raise

    def _describe(self, policies: Policies, server: Server, safe: Optional[SafeWatermark], snapshot: str) -> None:
        columns = _columns(self._session, self._relation, policies)
        stores = relation.stores(self._session, self._relation.oid)
        foreign = relation.has_foreign_tables(self._session, self._relation, stores)
        if foreign and safe:
            safe = safe_watermark.with_lag(safe, server)
        self.table = Table(tuple(columns), sum(store.bytes for store in stores), sum(store.rows for store in stores))
        self.reads = Reads(self._session, snapshot, foreign, server.version, self._relation, self.table, stores)
        self.cursors = Cursors(self._session, self._relation, self.table.column)
        self.clock = ClockWindows(self._session, self._relation, server, safe)
        self._has_ctids: Optional[bool] = None

    def rows(self, primary_key: Sequence[str]) -> RowQueries:
        """Return the queries for single rows. primary_key are columns of the table."""
        key = key_columns(self.table.columns, primary_key)
        return RowQueries(self._relation.sql, self._have_ctids(), self.table.columns, key)

    def visibility(self, before: Optional[Mapping[str, Any]]) -> Optional[Visibility]:
        """Compare the snapshot with the state of the batch before. None: rows do not say who wrote them."""
        return Visibility(self._session, self._relation, self._identity, before) if self._have_ctids() else None

    def _have_ctids(self) -> bool:
        if self._has_ctids is None:
            self._has_ctids = rows.have_ctids(self._session, self._relation)
        return self._has_ctids

    def close(self) -> None:
        """End the snapshot."""
        self._session.close()

    def __enter__(self) -> PostgresTable:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


def _export_snapshot(session: Session, server: Server) -> str:
    """Return the name by which other sessions join the session's snapshot. Raises LandingError for another server."""
    snapshot, started = session.query(
        "SELECT pg_catalog.pg_export_snapshot() AS snapshot, "
        "pg_catalog.pg_postmaster_start_time()::pg_catalog.text AS started"
    )[0]
    if started != server.started:
        raise LandingError(
            "another server answered while the job run began",
            "Run the job again; if it stays, let host be the address of one server and not of several",
        )
    return str(snapshot)


def _columns(session: Session, found: Relation, policies: Policies) -> List[Column]:
    """Return how the table's columns are read. Raises LandingError with all columns that cannot be."""
    known = attributes.types(session, found.oid)
    columns, denied, refused = [], [], []
    for attribute in attributes.attributes(session, found.oid):
        policy = policies.of(attribute.name)
        if policy.rule == DROP:
            continue
        if not attribute.readable:
            denied.append(attribute.name)
        try:
            columns.append(column_types.column(attribute, known, policy))
        except LandingError as error:
            refused.append(error)
    if denied:
        raise LandingError(
            "the login may not read the columns {}".format(abbreviated(denied)),
            "GRANT SELECT on the whole table to it",
        )
    if refused:
        raise LandingError("; ".join(error.what for error in refused), refused[0].todo)
    if not columns:
        raise LandingError("it has no columns to land", "Remove it from the catalog")
    return columns
