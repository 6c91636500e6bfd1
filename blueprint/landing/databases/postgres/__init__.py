"""All that is particular to PostgreSQL: its SQL, types and snapshots. No other module writes SQL for the source."""

from __future__ import annotations

from typing import Optional

import duckdb

from landing.databases.postgres import session
from landing.databases.postgres.table import PostgresTable
from landing.job.policy import Policies
from landing.job.secret import Secret
from landing.job.table_name import TableName


class Postgres:
    """PostgreSQL 10 and later, and what speaks its protocol and SQL."""

    def attach(self, secret: Secret) -> duckdb.DuckDBPyConnection:
        """Return this process's DuckDB for a login."""
        return session.attach(secret)

    def session(self, duck: duckdb.DuckDBPyConnection, snapshot: str) -> session.Session:
        """Return a session on an exported snapshot."""
        return session.Session(duck, snapshot=snapshot)

    def source(self, secret: Secret, name: TableName, policies: Policies, lag: Optional[int]) -> PostgresTable:
        """Return a table on a snapshot that it exports."""
        return PostgresTable(secret, name, policies, lag)


DIALECT = Postgres()
