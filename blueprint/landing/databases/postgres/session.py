"""Connections to PostgreSQL, made by DuckDB: a Glue job has no other driver.

One process has one DuckDB per login; each session is a connection of its own to PostgreSQL, in one transaction,
repeatable read and read only. The server refuses writes.
"""

from __future__ import annotations

import contextlib
import re
import threading
from types import TracebackType
from typing import Any, List, Optional, Tuple, Type

import duckdb

from landing.databases.duckdb_sql import text
from landing.databases.postgres.failures import ConnectionLostError, LoginRefusedError, failed
from landing.databases.postgres.login import open_duckdb
from landing.databases.postgres.quoting import quoted
from landing.job.errors import LandingError
from landing.job.secret import Secret

SALT = "landfall.salt"
"""The setting that holds what the rule Hash puts before a value. Every session has it, so none hashes without."""

_LONGEST_MINUTES = 10080
"""The longest that Glue lets a job run. No statement runs longer."""

# With these, every text that PostgreSQL writes is the same for every login, database and server. Row-level security
# would hide rows silently; off makes it an error. The snapshot must outlive all readers, however long they take.
_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "xmloption": "content",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "row_security": "off",
    "idle_in_transaction_session_timeout": "0",
    "statement_timeout": "{}min".format(_LONGEST_MINUTES),
    "lock_timeout": "5min",
}

# PostgreSQL 14 notices in a statement that the job run is gone, 17 may end transactions. Where the server does not know
# such a setting, nothing is set.
_LATER_SETTINGS = """
    SELECT pg_catalog.set_config(known.name, later.value, true)
    FROM pg_catalog.pg_settings AS known JOIN (
      VALUES ('client_connection_check_interval', '10s'), ('transaction_timeout', '0')
    ) AS later (name, value) ON known.name = later.name
"""


class Session:
    """One transaction in PostgreSQL. A context manager; leaving it ends the transaction."""

    def __init__(
        self, duck: duckdb.DuckDBPyConnection, secret: Secret, snapshot: Optional[str] = None, before_snapshot: str = ""
    ) -> None:
        """Begin. With a snapshot (an exported one) the session sees what its exporter sees.

        before_snapshot is SQL to run before the transaction takes a snapshot of its own, such as LOCK TABLE.
        """
        self._secret = secret
        self._duck = duck.cursor()
        self._duck.execute("BEGIN")
        opening = ["SET LOCAL {} = '{}'".format(name, value) for name, value in _SETTINGS.items()]
        opening.append("SET LOCAL {} = {}".format(SALT, quoted(secret.salt)))
        if snapshot is not None:
            if not re.fullmatch(r"[0-9A-F-]+", snapshot):
                raise ValueError("not a snapshot: {!r}".format(snapshot))
            opening.insert(0, "SET TRANSACTION SNAPSHOT '{}'".format(snapshot))
        if before_snapshot:
            opening.append(before_snapshot)
        opening.append(_LATER_SETTINGS)
        try:
            self._execute("; ".join(opening))
        except BaseException:
            self.close()
            raise

    def query(self, sql: str) -> List[Tuple[Any, ...]]:
        """Return the rows of a query. Each of its columns needs a name of its own."""
        return self.run("SELECT * FROM postgres_query('src', ?)", sql).fetchall()

    def query_in_savepoint(self, sql: str) -> List[Tuple[Any, ...]]:
        """Return the rows of a query that the server may refuse: after the LandingError the transaction goes on."""
        self._execute("SAVEPOINT attempt")
        try:
            return self.query(sql)
        except LandingError:
            self._execute("ROLLBACK TO SAVEPOINT attempt")
            raise

    def relation(self, sql: str) -> str:
        """Return a query of the source as a relation in DuckDB's SQL."""
        return "postgres_query('src', {})".format(text(sql))

    def types(self, sql: str) -> List[str]:
        """Return the types in which DuckDB would receive a query's columns."""
        rows = self.run("DESCRIBE SELECT * FROM postgres_query('src', ?)", sql).fetchall()
        return [str(row[1]) for row in rows]

    def run(self, sql: str, *parameters: Any) -> duckdb.DuckDBPyConnection:
        """Run DuckDB's own SQL within the session."""
        try:
            return self._duck.execute(sql, list(parameters))
        except duckdb.Error as error:
            raise failed(self._secret, error) from None

    def _execute(self, sql: str) -> None:
        self.run("CALL postgres_execute('src', ?)", sql)

    def close(self) -> None:
        """End the transaction."""
        with contextlib.suppress(duckdb.Error):  # the connection is gone, and the transaction with it
            self._duck.execute("ROLLBACK")
        self._duck.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


class Connections:
    """The connections of one login. They are kept, because loading DuckDB's extension costs a fifth of a second.

    Threads may share it. When the server refuses the login because it was rotated, the secret is read once more; after
    a connection that was kept and cut, new ones are opened.
    """

    def __init__(self, secret: Secret) -> None:
        """Open nothing yet."""
        self._lock = threading.RLock()
        self._secret = secret
        self._duck: Optional[duckdb.DuckDBPyConnection] = None
        self._replaced: List[duckdb.DuckDBPyConnection] = []  # sessions that were open go on with them
        self._reading = False

    def session(self, snapshot: Optional[str] = None, before_snapshot: str = "") -> Session:
        """Return a new session; see Session. Raises LandingError when the database cannot be reached."""
        renewals = 2  # because another session may have renewed the connections meanwhile, in vain
        while True:
            duck, secret = self._current(reading=snapshot is not None)
            try:
                return Session(duck, secret, snapshot, before_snapshot)
            except (LoginRefusedError, ConnectionLostError) as failure:
                if not renewals:
                    raise
                renewals -= 1
                self._renew(duck, failure)

    def close(self) -> None:
        """Close all connections. The next session opens new ones."""
        with self._lock:
            for duck in (*self._replaced, *filter(None, [self._duck])):
                duck.close()
            self._replaced, self._duck = [], None

    def _current(self, reading: bool) -> Tuple[duckdb.DuckDBPyConnection, Secret]:
        with self._lock:
            if self._duck is None:
                self._duck, self._secret = _open(self._secret)
                self._reading = False
            if reading and not self._reading:
                # A split is one stream, and each is read by a thread of its own: DuckDB's would only wait for work.
                self._duck.execute("SET threads = 1")
                self._reading = True
            return self._duck, self._secret

    def _renew(self, refused: duckdb.DuckDBPyConnection, failure: LandingError) -> None:
        """Open new connections with the login as the secret holds it now.

        Raises the failure when the server refused the login and the secret has not changed.
        """
        with self._lock:
            if self._duck is None or refused is not self._duck:
                return  # another thread was first
            fresh = self._secret.renewed() if isinstance(failure, LoginRefusedError) else self._secret
            if fresh is None:
                raise failure
            duck, self._secret = _open(fresh)
            self._replaced.append(self._duck)
            self._duck, self._reading = duck, False


def _open(secret: Secret) -> Tuple[duckdb.DuckDBPyConnection, Secret]:
    """Log in with the secret or, if it was rotated since it was read, as it is now; return which."""
    try:
        return open_duckdb(secret), secret
    except LoginRefusedError:
        fresh = secret.renewed()
        if fresh is None:
            raise
        return open_duckdb(fresh), fresh
