"""A session with the source through DuckDB's postgres extension.

DuckDB is the reader and the Parquet writer, and so the only driver the job
needs. The password is given as a DuckDB secret: a connection string given to
ATTACH would be printed whole in the error of a failed connection.
"""

from __future__ import annotations

import glob
import os
from importlib import resources
from typing import Any

import duckdb

from landing.errors import LandingError
from landing.postgres import literal
from landing.secret import Credentials


def extension_path() -> str:
    """The postgres extension inside its wheel. Raises LandingError when it is not installed."""
    try:
        root = str(resources.files("duckdb_extension_postgres_scanner"))
    except ModuleNotFoundError:
        root = ""
    found = sorted(glob.glob(os.path.join(root, "**", "*.duckdb_extension"), recursive=True)) if root else []
    if not found:
        raise LandingError("DuckDB's postgres extension is not installed", "The job needs the wheels of --additional-python-modules")
    return found[0]


class Session:
    """One connection and one read-only REPEATABLE READ transaction in it."""

    def __init__(self, credentials: Credentials, threads: int = 1) -> None:
        """Connects. Raises LandingError when the database refuses or is not there."""
        self._credentials = credentials
        self.duck = duckdb.connect(":memory:", config={"threads": threads, "autoinstall_known_extensions": False, "autoload_known_extensions": False})
        self.duck.execute(f"LOAD {literal(extension_path())}")
        self.duck.execute("SET TimeZone = 'UTC'")
        c = credentials
        self.duck.execute(
            f"CREATE SECRET source (TYPE postgres, HOST {literal(c.host)}, PORT {c.port}, DATABASE {literal(c.dbname)}, "
            f"USER {literal(c.username)}, PASSWORD {literal(c.password)})"
        )
        try:
            self.duck.execute("ATTACH 'connect_timeout=15 application_name=landfall' AS source (TYPE postgres, SECRET source, READ_ONLY)")
            self.begin()
        except duckdb.Error as e:
            self.close()
            raise self.explain(e) from None

    def begin(self) -> None:
        """Begins a transaction; its snapshot is taken by the first query."""
        self.duck.execute("BEGIN")

    def end(self) -> None:
        """Ends the transaction."""
        self.duck.execute("ROLLBACK")

    def run(self, statement: str) -> None:
        """Executes a statement of the source that returns nothing."""
        self._guard(f"CALL postgres_execute('source', {literal(statement)})")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Returns the rows of a query in the source's SQL."""
        return self._guard(f"SELECT * FROM {self.relation(sql)}").fetchall()

    @staticmethod
    def relation(sql: str) -> str:
        """A query in the source's SQL as a relation in DuckDB's."""
        return f"postgres_query('source', {literal(sql)})"

    def copy(self, sql: str) -> None:
        """Executes a statement of DuckDB, such as COPY."""
        self._guard(sql)

    def _guard(self, sql: str) -> duckdb.DuckDBPyConnection:
        try:
            return self.duck.execute(sql)
        except duckdb.Error as e:
            raise self.explain(e) from None

    def explain(self, e: duckdb.Error) -> LandingError:
        """An error of the database in one line, without the statement and the password."""
        c, text = self._credentials, str(e)
        where = f"{c.host}:{c.port}/{c.dbname}"
        known = (
            ("password authentication failed", f"{where} refuses the user {c.username}: wrong password", "Correct the secret"),
            ("no pg_hba.conf entry", f"{where} does not let {c.username} in from here", "Check pg_hba.conf, and whether TLS is demanded"),
            ("does not exist" if "FATAL" in text else "\0", f"{where} does not exist or has no user {c.username}", "Correct the secret"),
            ("could not translate host name", f"the host {c.host} is not known", "Correct the secret, or check the job's network"),
            ("Connection refused", f"nothing answers at {where}", "Check host and port in the secret, and the job's network"),
            ("timeout expired", f"no answer from {where} within 15 seconds", "Check the security groups between the job and the database"),
            ("permission denied", f"{c.username} may not read this: {_line(text, 'permission denied')}", "GRANT SELECT on the table, and USAGE on its schema"),
        )
        for needle, what, hint in known:
            if needle in text:
                return LandingError(what, hint)
        return LandingError(f"{where}: {_line(text, 'ERROR')}")

    def close(self) -> None:
        """Closes the connection, and with it the transaction."""
        self.duck.close()


def _line(text: str, marker: str) -> str:
    """The line of an error that says what is wrong; DuckDB adds the whole statement to it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in lines:
        if marker in line:
            return line[line.index(marker) :][:300]
    return (lines[0] if lines else "unknown error")[:300]
