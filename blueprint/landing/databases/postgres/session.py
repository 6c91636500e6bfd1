"""Connections to PostgreSQL, made by DuckDB: no other driver is on a Glue job.

One process holds one DuckDB per login; each session is a connection of its own to PostgreSQL, in one transaction,
repeatable read and read only. The server refuses writes.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from types import TracebackType
from typing import Any, Dict, List, Optional, Tuple, Type

import duckdb

from landing.databases.duckdb_sql import text
from landing.databases.postgres.failures import ConnectionLostError, LoginRefusedError, failed
from landing.databases.postgres.login import attached
from landing.databases.postgres.quoting import quoted
from landing.job.errors import LandingError
from landing.job.secret import Secret

SALT = "landfall.salt"
"""The setting that holds what the rule Hash puts before a value. Every session has it, so none hashes without."""

_LONGEST_MINUTES = 10080
"""The longest that Glue lets a job run. No statement goes on for longer."""

# Every text that PostgreSQL writes is then the same for every login, database and server. Row-level security would
# hide rows without a word; off makes it an error. The snapshot must outlive all readers, however long they take.
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

    def __init__(self, duck: duckdb.DuckDBPyConnection, snapshot: Optional[str] = None, first: str = "") -> None:
        """Begin. With a snapshot (an exported one) the session sees what its exporter sees.

        first is SQL to run before the transaction takes its own snapshot, such as LOCK TABLE. When the server refuses
        the login because it was rotated, the secret is read once more; a connection that was kept and cut is made anew.
        """
        # Twice, because another session may have been renewed meanwhile, in vain.
        self._persist(_latest(duck), snapshot, first, renewals=2)

    def _persist(self, duck: duckdb.DuckDBPyConnection, snapshot: Optional[str], first: str, renewals: int) -> None:
        try:
            self._begin(duck, snapshot, first)
        except (LoginRefusedError, ConnectionLostError) as failure:
            if not renewals:
                raise
            self._persist(_renew(duck, failure), snapshot, first, renewals - 1)

    def _begin(self, duck: duckdb.DuckDBPyConnection, snapshot: Optional[str], first: str) -> None:
        self._secret = _secrets[id(duck)]
        self.duck = duck.cursor()
        _secrets[id(self.duck)] = self._secret
        self.duck.execute("BEGIN")
        opening = ["SET LOCAL {} = '{}'".format(name, value) for name, value in _SETTINGS.items()]
        opening.append("SET LOCAL {} = {}".format(SALT, quoted(self._secret.salt)))
        if snapshot is not None:
            if not re.fullmatch(r"[0-9A-F-]+", snapshot):
                raise ValueError("not a snapshot: {!r}".format(snapshot))
            opening.insert(0, "SET TRANSACTION SNAPSHOT '{}'".format(snapshot))
        if first:
            opening.append(first)
        opening.append(_LATER_SETTINGS)
        try:
            self._run("CALL postgres_execute('src', ?)", "; ".join(opening))
        except BaseException:
            self.close()
            raise

    def query(self, sql: str) -> List[Tuple[Any, ...]]:
        """Return the rows of a query. Its columns need names of their own."""
        return self._run("SELECT * FROM postgres_query('src', ?)", sql).fetchall()

    def attempt(self, sql: str) -> List[Tuple[Any, ...]]:
        """Return the rows of a query that the server may refuse to parse: then the transaction goes on."""
        self._run("CALL postgres_execute('src', 'SAVEPOINT attempt')")
        try:
            return self.query(sql)
        except LandingError:
            self._run("CALL postgres_execute('src', 'ROLLBACK TO SAVEPOINT attempt')")
            raise

    def relation(self, sql: str) -> str:
        """Return a query of the source as a relation in DuckDB's SQL."""
        return "postgres_query('src', {})".format(text(sql))

    def types(self, sql: str) -> List[str]:
        """Return the types in which DuckDB would receive a query's columns."""
        rows = self._run("DESCRIBE SELECT * FROM postgres_query('src', ?)", sql).fetchall()
        return [str(row[1]) for row in rows]

    def run(self, sql: str) -> duckdb.DuckDBPyConnection:
        """Run DuckDB's own SQL within the session."""
        return self._run(sql)

    def _run(self, sql: str, *parameters: str) -> duckdb.DuckDBPyConnection:
        try:
            return self.duck.execute(sql, list(parameters))
        except duckdb.Error as error:
            raise failed(self._secret, error) from None

    def close(self) -> None:
        """End the transaction."""
        with contextlib.suppress(duckdb.Error):  # the connection is gone, and the transaction with it
            self.duck.execute("ROLLBACK")
        _secrets.pop(id(self.duck), None)
        self.duck.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


_lock = threading.RLock()
_attached: Dict[Tuple[Secret, int], duckdb.DuckDBPyConnection] = {}
_secrets: Dict[int, Secret] = {}  # the login of each open connection of DuckDB, by its id
# By the id of the first. Held here, no other object gets its id.
_renewed: Dict[int, Tuple[duckdb.DuckDBPyConnection, Optional[duckdb.DuckDBPyConnection]]] = {}


def attach(secret: Secret) -> duckdb.DuckDBPyConnection:
    """Return the process's DuckDB for this login. Raises LandingError when the database cannot be reached.

    It is kept: loading the extension costs a fifth of a second, and Spark's Python processes serve many splits.
    """
    with _lock:
        key = (secret, os.getpid())  # a forked process must not share its parent's connections
        if key not in _attached:
            _attached[key] = _open(secret)
        return _attached[key]


def _open(secret: Secret) -> duckdb.DuckDBPyConnection:
    """Attach, with the secret as it is now if it was rotated since it was read."""
    try:
        duck = attached(secret)
    except LoginRefusedError:
        fresh = secret.renewed()
        if fresh is None:
            raise
        secret, duck = fresh, attached(fresh)
    _secrets[id(duck)] = secret
    return duck


def _latest(duck: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return what took the place of a DuckDB whose login was rotated, or itself."""
    with _lock:
        successor = _renewed.get(id(duck), (duck, None))[1]
        return duck if successor is None else _latest(successor)


def _renew(duck: duckdb.DuckDBPyConnection, failure: LandingError) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB with new connections and the login as the secret holds it now.

    Raises the failure when it is a refusal, and that is the same.
    """
    with _lock:
        latest = _latest(duck)
        if latest is not duck:
            return latest  # another thread was first
        known = _secrets[id(duck)]
        fresh = known.renewed() if isinstance(failure, LoginRefusedError) else known
        if fresh is None:
            raise failure
        # Sessions that are open go on with the old one.
        replacement = _open(fresh)
        _renewed[id(duck)] = (duck, replacement)
        return replacement


def detach(secret: Secret) -> None:
    """Close the process's DuckDB for this login and what took its place, and with them all connections."""
    with _lock:
        duck = _attached.pop((secret, os.getpid()), None)
        while duck is not None:
            _, successor = _renewed.pop(id(duck), (duck, None))
            _secrets.pop(id(duck), None)
            duck.close()
            duck = successor
