"""DuckDB's own SQL: how it quotes, and the log that readers write to."""

from __future__ import annotations

LOG = "landfall"
"""The only type of entries in DuckDB's log: the reader notes there the hash of what arrived."""


def text(value: str) -> str:
    """Return a value as a string literal of DuckDB, which knows no escapes but the doubled quote."""
    return "'{}'".format(value.replace("'", "''"))


def name(column: str) -> str:
    """Return a name as an identifier of DuckDB."""
    return '"{}"'.format(column.replace('"', '""'))
