"""DuckDB: its settings, how it quotes, relations with keys, and the log that readers write to."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

import duckdb

LOG = "landfall"
"""The only type of entries in DuckDB's log: the reader notes there the hash of what arrived."""


@dataclass(frozen=True)
class Keys:
    """A relation of the coordinator's DuckDB with the columns k0, k1, … of the primary key, and its rows."""

    relation: str
    rows: int


def connect() -> duckdb.DuckDBPyConnection:
    """Return a new DuckDB as every dialect needs it."""
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
    # Nothing else is logged, queries least of all.
    duck.execute("SET logging_mode = 'ENABLE_SELECTED'; SET enabled_log_types = '{}'".format(LOG))
    duck.execute("SET enable_logging = true")
    duck.execute("SET enable_progress_bar = false")
    # Casts between timestamps with and without a time zone depend on it; the machine's zone must not matter.
    duck.execute("SET GLOBAL TimeZone = 'UTC'")
    return duck


def text(value: str) -> str:
    """Return a value as a string literal of DuckDB, which knows no escapes but the doubled quote."""
    return "'{}'".format(value.replace("'", "''"))


def name(column: str) -> str:
    """Return a name as an identifier of DuckDB."""
    return '"{}"'.format(column.replace('"', '""'))


def same_key(columns: int, one: str, other: str) -> str:
    """Return the condition that two relations with so many key columns have the same key, NULL included."""
    return " AND ".join("{1}.k{0} IS NOT DISTINCT FROM {2}.k{0}".format(k, one, other) for k in range(columns))
