"""Everything particular to PostgreSQL: its SQL, types and snapshots. No other package writes SQL for the source."""

from __future__ import annotations

import functools
import os
from typing import Any, List, Mapping, Optional, Tuple

from landing.databases.postgres import login
from landing.databases.postgres.session import Connections, Session
from landing.databases.postgres.table import PostgresTable
from landing.job.policy import EXACT, Policies
from landing.job.secret import Secret
from landing.job.table_name import TableName
from landing.job.tuning import Tuning


class PostgresDatabase:
    """The connections of one login in this process."""

    def __init__(self, secret: Secret) -> None:
        """Open nothing yet."""
        self._connections = Connections(secret)

    def source(
        self, name: TableName, policies: Policies = EXACT, lag: Optional[int] = None, tuning: Optional[Tuning] = None
    ) -> PostgresTable:
        """Return a table on a snapshot that it exports."""
        return PostgresTable(self._connections, name, policies, lag, tuning or Tuning())

    def session(self, snapshot: Optional[str] = None) -> Session:
        """Return a session, on an exported snapshot or on one of its own."""
        return self._connections.session(snapshot)

    def close(self) -> None:
        """Close all connections. The next session opens new ones."""
        self._connections.close()


class Postgres:
    """PostgreSQL 10 and later, and databases that speak its protocol and SQL."""

    default_port = login.DEFAULT_PORT

    def login_options(self, values: Mapping[str, Any], problems: List[str]) -> Tuple[Tuple[str, str], ...]:
        """Return libpq's TLS settings that a secret holds."""
        return login.options(values, problems)

    def connect(self, secret: Secret) -> PostgresDatabase:
        """Return this process's connections for a login: Spark's Python processes read many splits with them."""
        return _connect(secret, os.getpid())


@functools.lru_cache(maxsize=None)
def _connect(secret: Secret, pid: int) -> PostgresDatabase:
    """Make it once per process: a forked process must not share its parent's connections."""
    return PostgresDatabase(secret)


DIALECT = Postgres()
