"""Quoting of names and values: the only ways in which text gets into the SQL sent to PostgreSQL."""

from __future__ import annotations

from landing.job.table_name import TableName


def identifier(name: str) -> str:
    """Return a name as an SQL identifier. It is always quoted, so that case, reserved words and dots are safe."""
    if not name or "\0" in name:
        raise ValueError("not an identifier: {!r}".format(name))
    return '"{}"'.format(name.replace('"', '""'))


def literal(value: str, type_name: str = "text") -> str:
    """Return a value as a typed SQL literal, the same whatever standard_conforming_strings says.

    type_name is a type of pg_catalog, never text from outside.
    """
    return "{}::pg_catalog.{}".format(quoted(value), type_name)


def quoted(value: str) -> str:
    """Return a value as an SQL literal without a type, for SET."""
    if "\0" in value:
        raise ValueError("PostgreSQL holds no NUL characters")
    return "E'{}'".format(value.replace("\\", "\\\\").replace("'", "''"))


def relation(name: TableName) -> str:
    """Return a table's name as SQL."""
    return "{}.{}".format(identifier(name.schema), identifier(name.table))
