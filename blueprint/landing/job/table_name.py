"""The name of a table as catalogs write it: schema.table, a part double-quoted where it must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

_BLANK = " \t\r\n"


@dataclass(frozen=True)
class TableName:
    """A schema and a table, as they are in the database: case matters, nothing is folded."""

    schema: str
    table: str

    def __str__(self) -> str:
        """Return the canonical form: a part is quoted only when it has a dot, a quote or a blank at an end."""
        return "{}.{}".format(_quoted(self.schema), _quoted(self.table))


def parse(text: str) -> TableName:
    """Return the table that a catalog names. Raises ValueError, saying what is wrong."""
    schema, rest = _cut(text)
    if not rest:
        raise ValueError("there is no dot in it")
    table, rest = _cut(rest[1:])
    if rest:
        raise ValueError("there are more than two parts in it (a part with a dot needs double quotes)")
    return TableName(schema, table)


def _cut(text: str) -> Tuple[str, str]:
    """Take the first part off; the rest is empty or begins with the dot."""
    if not text.startswith('"'):
        name, dot, rest = text.partition(".")
        if '"' in name or name != name.strip(_BLANK):
            raise ValueError("a part with a double quote in it or a space at an end needs double quotes")
        return _checked(name), dot + rest
    end = 1
    while True:
        end = text.find('"', end)
        if end < 0:
            raise ValueError("a double quote is not closed")
        if text[end + 1 : end + 2] != '"':
            break
        end += 2
    name, rest = text[1:end].replace('""', '"'), text[end + 1 :]
    if rest and rest[0] != ".":
        raise ValueError("a double quote ends a part, and a dot or the end must follow")
    return _checked(name), rest


def _checked(name: str) -> str:
    if not name:
        raise ValueError("a part is empty")
    if "\0" in name:
        raise ValueError("there is a NUL character in it")
    return name


def _quoted(name: str) -> str:
    if '"' in name or "." in name or name != name.strip(_BLANK):
        return '"{}"'.format(name.replace('"', '""'))
    return name
