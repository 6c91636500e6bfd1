"""A DuckDB that reads one PostgreSQL: its settings, the extension, and how libpq connects."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from typing import Dict, Tuple

import duckdb

from landing.databases.duckdb_sql import LOG, text
from landing.databases.postgres.failures import unreachable
from landing.job.errors import LandingError
from landing.job.secret import Secret

APPLICATION = "landfall (read only)"
"""What PostgreSQL's views of its sessions show. The safe bound leaves sessions of this name out: they never write."""

# The encoding is said here: a session's first statements have names and the salt in them.
_CONNECTION = "application_name='{}' client_encoding=UTF8 connect_timeout=15 keepalives_idle=60 keepalives_interval=15"

_folders: Dict[Tuple[int, str], "tempfile.TemporaryDirectory[str]"] = {}


def attached(secret: Secret) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB with the database attached as src. Raises LandingError when it cannot be reached."""
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
        duck.execute("SET enable_progress_bar = false")
        # Whatever the machine's zone is: a cast between moments with and without a zone would go by it.
        duck.execute("SET GLOBAL TimeZone = 'UTC'")
        duck.execute("LOAD {}".format(text(extension())))
        # A secret, because a connection string would be part of the error when the connection fails.
        duck.execute(
            "CREATE SECRET src (TYPE postgres, HOST {}, PORT {}, DATABASE {}, USER {}, PASSWORD {})".format(
                text(secret.host), secret.port, text(secret.dbname), text(secret.username), text(secret.password)
            )
        )
        duck.execute("ATTACH {} AS src (TYPE postgres, SECRET src, READ_ONLY)".format(text(_connection(secret))))
    except duckdb.Error as error:
        duck.close()
        raise unreachable(secret, error) from None
    except BaseException:
        duck.close()
        raise
    return duck


def _connection(secret: Secret) -> str:
    """Return what libpq is told beside the login."""
    words = [_CONNECTION.format(APPLICATION)]
    if secret.sslmode:
        words.append("sslmode={}".format(secret.sslmode))
    if secret.sslrootcert:
        words.append("sslrootcert='{}'".format(_certificates(secret.sslrootcert)))
    return " ".join(words)


def _certificates(pem: str) -> str:
    """Return a file with the certificates, which libpq reads with every connection. It goes with the process."""
    key = (os.getpid(), pem)
    if key not in _folders:
        _folders[key] = tempfile.TemporaryDirectory(prefix="landfall-")
        with open(os.path.join(_folders[key].name, "ca.pem"), "w", encoding="ascii", errors="replace") as file:
            file.write(pem)
    return os.path.join(_folders[key].name, "ca.pem")


def extension() -> str:
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
