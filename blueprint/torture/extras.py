"""Further columns, which differ from seed to seed: names and types that the scenarios do not know of.

Their values follow from a row's id and version, so every version has its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Sequence, Tuple

from landing.databases.postgres.quoting import identifier

_NAMES = (
    "select", "order by", "Größe", 'a"b', "x", "c0", "n", "ctid_", "xmin ", "100%", "a.b", "{}", "it's", "表", "🦆",
    "landfall", "p", "s", "d", "_", "batch_", "UPPER", "-- no comment", "a" * 63,
)  # fmt: skip

_TYPES = (
    ("uuid", "pg_catalog.md5(id::text || '/' || version::text)::uuid"),
    ("jsonb", """('{"v": ' || version::text || ', "t": "\\u00e9 \\\\ ' || id::text || '"}')::jsonb"""),
    ("json", """('{ "v" : ' || version::text || ' }')::json"""),
    ("text", "CASE WHEN id % 3 > 0 THEN repeat(chr(8364 + id % 50), version) END"),
    ("char(12)", "id::text || ' '"),
    ("varchar(30)", "CASE WHEN id % 2 = 0 THEN '' ELSE id::text || chr(10) || version::text END"),
    ("bytea", "decode(md5(version::text || '-' || id::text), 'hex')"),
    ("boolean", "CASE WHEN id % 5 > 0 THEN (id + version) % 2 = 0 END"),
    ("smallint", "((id + version) % 30000)::smallint"),
    ("bigint", "id::bigint * 4000000000 + version"),
    ("numeric", "id / (version + 2)::numeric"),
    ("numeric(38,10)", "id::numeric * 1e20 + version / 7.0"),
    ("interval", "make_interval(months => version, days => id, secs => id / 8.0)"),
    ("time", "make_time(id % 24, version % 60, 0.000001 * id)"),
    ("date", "date '0001-01-01' + id % 3000 * 1000 + version"),
    ("timestamp", "timestamp '9999-12-31 23:59:59.999999' - make_interval(secs => id * 1000 + version)"),
    ("inet", "inet '10.0.0.0/8' + (id + version)"),
    ("int4range", "int4range(id, id + version)"),
    ("integer[]", "CASE WHEN id % 4 > 0 THEN ARRAY[id, NULL, version] END"),
    ("text[]", """ARRAY[id::text || ' "', '', NULL, '{' || version::text || '}']"""),
    ("bit varying(40)", "id::bit(32)::bit varying"),
    ("point", "point(id, version)"),
    ("tsvector", "setweight(array_to_tsvector(ARRAY[id::text, 'v' || version::text]), 'A')"),
)
"""Type and generating expression: of immutable functions only, as PostgreSQL wants them."""

MOST = len(_TYPES)


@dataclass(frozen=True)
class Extra:
    """One further column."""

    name: str
    type: str
    value: str

    @property
    def definition(self) -> str:
        """Its part of CREATE TABLE."""
        return "{} {} GENERATED ALWAYS AS ({}) STORED".format(identifier(self.name), self.type, self.value)

    @property
    def shown(self) -> str:
        """SQL for the text that PostgreSQL shows of it; of a text array, its elements between control characters."""
        name = identifier(self.name)
        if self.type == "text[]":
            return "array_to_string({}, chr(31), chr(30))".format(name)
        # A cast to text would leave out the padding of char(n). format() has no NULL.
        return "CASE WHEN num_nulls({0}) = 0 THEN format('%s', {0}) END".format(name)


def extras(random: Random, counts: Sequence[int] = (0, 2, 4, 8)) -> Tuple[Extra, ...]:
    """Return as many columns as one of the counts says."""
    types = random.sample(_TYPES, random.choice(counts))
    return tuple(Extra(name, *of) for name, of in zip(random.sample(_NAMES, len(types)), types))


def as_shown(value: Any) -> Any:
    """Return a value that was read from a file as the text that Extra.shown is of it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "ft"[value]
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, list) and any(isinstance(item, str) for item in value):
        return "\x1f".join("\x1e" if item is None else item for item in value)
    if isinstance(value, list):
        return "{{{}}}".format(",".join("NULL" if item is None else str(item) for item in value))
    return str(value)
