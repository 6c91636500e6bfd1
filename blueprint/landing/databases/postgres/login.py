"""How DuckDB and libpq log in to one PostgreSQL: settings, TLS, the extension."""

from __future__ import annotations

import functools
import importlib.util
import os
import tempfile
from typing import Any, List, Mapping, Tuple

import duckdb

from landing.databases.duckdb_sql import connect, text
from landing.databases.postgres.failures import unreachable
from landing.job.errors import LandingError
from landing.job.secret import Secret

APPLICATION = "landfall (read only)"
"""The application name of the job's sessions. The safe watermark leaves them out: they never write."""

DEFAULT_PORT = 5432
SSL_MODE = "sslmode"
SSL_ROOT_CERTIFICATE = "sslrootcert"
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_VERIFYING = ("verify-ca", "verify-full")
_CERTIFICATES = "ca.pem"

# The encoding is set here: a session's first statements have names and the salt in them.
_CONNECTION = "application_name='{}' client_encoding=UTF8 connect_timeout=15 keepalives_idle=60 keepalives_interval=15"


def open_duckdb(secret: Secret) -> duckdb.DuckDBPyConnection:
    """Return a new DuckDB with the database attached as src. Raises LandingError when it cannot be reached."""
    duck = connect()
    try:
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
    """Return libpq's settings besides the login."""
    settings = [_CONNECTION.format(APPLICATION)]
    options = dict(secret.options)
    if SSL_MODE in options:
        settings.append("sslmode={}".format(options[SSL_MODE]))
    if SSL_ROOT_CERTIFICATE in options:
        folder = _certificate_folder(options[SSL_ROOT_CERTIFICATE], os.getpid())
        settings.append("sslrootcert='{}'".format(os.path.join(folder.name, _CERTIFICATES)))
    return " ".join(settings)


@functools.lru_cache(maxsize=None)
def _certificate_folder(pem: str, pid: int) -> "tempfile.TemporaryDirectory[str]":
    """Return a folder with the certificates, which libpq reads with every connection. It goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="landfall-")
    with open(os.path.join(folder.name, _CERTIFICATES), "w", encoding="ascii", errors="replace") as file:
        file.write(pem)
    return folder


def options(values: Mapping[str, Any], problems: List[str]) -> Tuple[Tuple[str, str], ...]:
    """Return libpq's TLS settings that a secret holds, and add to problems what is wrong with them."""
    mode, root = values.get(SSL_MODE, ""), values.get(SSL_ROOT_CERTIFICATE, "")
    if mode not in ("", *_SSL_MODES):
        problems.append("has an sslmode that is none of {}".format(", ".join(_SSL_MODES)))
    elif mode in _VERIFYING and not root:
        problems.append("has sslmode {} and no sslrootcert".format(mode))
    if root and not (isinstance(root, str) and "-----BEGIN CERTIFICATE-----" in root):
        problems.append("has an sslrootcert that holds no certificates in PEM")
    return tuple((name, value) for name, value in ((SSL_MODE, mode), (SSL_ROOT_CERTIFICATE, root)) if value)


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
