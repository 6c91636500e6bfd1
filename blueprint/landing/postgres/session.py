"""Connections to PostgreSQL, made by DuckDB: no other driver is on a Glue job.

One process holds one DuckDB per login; each session is a connection of its own to PostgreSQL, in one transaction,
repeatable read and read only. The server refuses writes.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import tempfile
import threading
from types import TracebackType
from typing import Any, Dict, List, Optional, Tuple, Type

import duckdb

from landing.errors import SCRUBBER, LandingError, one_line
from landing.secret import Secret

APPLICATION = "landfall (read only)"
"""What PostgreSQL's views of its sessions show. The safe bound leaves sessions of this name out: they never write."""

_CONNECTION = "application_name='{}' connect_timeout=15 keepalives_idle=60 keepalives_interval=15".format(APPLICATION)

LOG = "landfall"
"""The only type of entries in DuckDB's log: the reader notes there the hash of what arrived."""

# Every text that PostgreSQL writes is then the same for every login, database and server. Row-level security would
# hide rows without a word; off makes it an error. The snapshot must outlive all readers, however long they take.
_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "xmloption": "content",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "row_security": "off",
    "idle_in_transaction_session_timeout": "0",
    "statement_timeout": "0",
    "lock_timeout": "5min",
}


class Session:
    """One transaction in PostgreSQL. A context manager; leaving it ends the transaction."""

    def __init__(self, duck: duckdb.DuckDBPyConnection, snapshot: Optional[str] = None, first: str = "") -> None:
        """Begin. With a snapshot (an exported one) the session sees what its exporter sees.

        first is SQL to run before the transaction takes its own snapshot, such as LOCK TABLE.
        """
        self.duck = duck.cursor()
        self.duck.execute("BEGIN")
        opening = ["SET LOCAL {} = '{}'".format(name, value) for name, value in _SETTINGS.items()]
        if snapshot is not None:
            if not re.fullmatch(r"[0-9A-F-]+", snapshot):
                raise ValueError("not a snapshot: {!r}".format(snapshot))
            opening.insert(0, "SET TRANSACTION SNAPSHOT '{}'".format(snapshot))
        if first:
            opening.append(first)
        try:
            self._run("CALL postgres_execute('src', ?)", "; ".join(opening))
        except BaseException:
            self.close()
            raise

    def query(self, sql: str) -> List[Tuple[Any, ...]]:
        """Return the rows of a query. Its columns need names of their own."""
        return self._run("SELECT * FROM postgres_query('src', ?)", sql).fetchall()

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
            raise refused(error) from None

    def close(self) -> None:
        """End the transaction."""
        with contextlib.suppress(duckdb.Error):  # the connection is gone, and the transaction with it
            self.duck.execute("ROLLBACK")
        self.duck.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


_lock = threading.Lock()
_attached: Dict[Tuple[Secret, int], duckdb.DuckDBPyConnection] = {}


def attach(secret: Secret) -> duckdb.DuckDBPyConnection:
    """Return the process's DuckDB for this login. Raises LandingError when the database cannot be reached.

    It is kept: loading the extension costs a fifth of a second, and Spark's Python processes serve many splits.
    """
    with _lock:
        key = (secret, os.getpid())  # a forked process must not share its parent's connections
        if key not in _attached:
            _attached[key] = _attach(secret)
        return _attached[key]


def detach(secret: Secret) -> None:
    """Close the process's DuckDB for this login, and with it all connections."""
    with _lock:
        duck = _attached.pop((secret, os.getpid()), None)
    if duck is not None:
        duck.close()


def _attach(secret: Secret) -> duckdb.DuckDBPyConnection:
    duck = duckdb.connect(
        config={
            "allow_unsigned_extensions": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            # Order within a file means nothing, and keeping it costs memory.
            "preserve_insertion_order": "false",
            # The current folder, the default, need not be writable.
            "temp_directory": tempfile.gettempdir(),
        }
    )
    try:
        # Nothing else is logged, queries least of all.
        duck.execute("SET logging_mode = 'ENABLE_SELECTED'; SET enabled_log_types = '{}'".format(LOG))
        duck.execute("SET enable_logging = true")
        duck.execute("LOAD {}".format(text(_extension())))
        # A secret, because a connection string would be part of the error when the connection fails.
        duck.execute(
            "CREATE SECRET src (TYPE postgres, HOST {}, PORT {}, DATABASE {}, USER {}, PASSWORD {})".format(
                text(secret.host), secret.port, text(secret.dbname), text(secret.username), text(secret.password)
            )
        )
        duck.execute("ATTACH {} AS src (TYPE postgres, SECRET src, READ_ONLY)".format(text(_CONNECTION)))
    except duckdb.Error as error:
        duck.close()
        raise unreachable(secret, error) from None
    except BaseException:
        duck.close()
        raise
    return duck


def text(value: str) -> str:
    """Return a value as a string literal of DuckDB, which knows no escapes but the doubled quote."""
    return "'{}'".format(value.replace("'", "''"))


def name(column: str) -> str:
    """Return a name as an identifier of DuckDB."""
    return '"{}"'.format(column.replace('"', '""'))


def _extension() -> str:
    """Return the path of the extension's binary in its wheel; DuckDB checks its signature when it is loaded."""
    found = importlib.util.find_spec("duckdb_extension_postgres_scanner")
    if found is None or not found.submodule_search_locations:
        raise LandingError(
            "the Python module duckdb_extension_postgres_scanner is missing",
            "Name its wheel in --additional-python-modules",
        )
    folder = os.path.join(found.submodule_search_locations[0], "extensions", "v" + duckdb.__version__)
    path = os.path.join(folder, "postgres_scanner.duckdb_extension")
    if not os.path.exists(path):
        raise LandingError(
            "the wheel of duckdb_extension_postgres_scanner is not for DuckDB {}".format(duckdb.__version__),
            "Deploy the two wheels of the same version",
        )
    return path


def reason(error: BaseException) -> str:
    """Return the server's own words in an error of DuckDB, without the query and without secrets."""
    message = SCRUBBER.scrub(str(error))
    found = re.search(r"\b(?:ERROR|FATAL|PANIC): +(.*)", message)
    if found:
        return one_line(found.group(1)).rstrip(".")
    return one_line(message.split("\n")[0]).rstrip(".")


def refused(error: BaseException) -> LandingError:
    """Return what a failed query means."""
    said = reason(error)
    if "invalid snapshot identifier" in said or "could not import the requested snapshot" in said:
        return LandingError(
            "the snapshot ended while it was being read: {}".format(said),
            "The coordinator's connection was cut; nothing was published, so run the job again",
        )
    if "row-level security" in said:
        return LandingError(
            "row-level security would hide rows: {}".format(said), "Give the login BYPASSRLS or another login"
        )
    if "permission denied" in said:
        return LandingError(said, "Grant the login of the secret the right to read it")
    return LandingError(
        "PostgreSQL refused a query: {}".format(said), "If it does not pass by itself, see the job's log"
    )


def unreachable(secret: Secret, error: BaseException) -> LandingError:
    """Return what a failed connection means. The words are libpq's and, after FATAL, the server's."""
    said = re.sub(r'^IO Error: Unable to connect to Postgres at ".*?": ', "", reason(error)).split("failed: ")[-1]
    server = "{}:{}".format(secret.host, secret.port)
    if "password authentication failed" in said or "no pg_hba.conf entry" in said or "no password supplied" in said:
        return LandingError(
            "the database at {} refused the login {!r}: {}".format(server, secret.username, said),
            "Correct username and password in the secret, or let the server accept the login",
        )
    if re.search(r'database ".*" does not exist', said):
        return LandingError(
            "the server {} has no database {!r}".format(server, secret.dbname), "Correct dbname in the secret"
        )
    return LandingError(
        "the database at {} cannot be reached: {}".format(server, said),
        "Check host and port in the secret, and that the job's network connection leads to the database",
    )
