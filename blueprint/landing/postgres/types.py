"""What each PostgreSQL type becomes. Exact, or text that PostgreSQL itself wrote, or a check that stops the job run.

A type without a rule lands as its text. So do uuid and time, which Parquet could hold but Spark refuses to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, NamedTuple, Optional, Tuple

from landing.postgres.quoting import identifier
from landing.source import Check, Column


@dataclass(frozen=True)
class Type:
    """A row of pg_type."""

    oid: int
    name: str
    schema: str
    kind: str  # typtype: d for a domain
    base: int  # of a domain
    base_modifier: int  # of a domain
    dimensions: int  # of a domain over an array
    element: int
    array: int  # the type whose element this is

    @property
    def builtin(self) -> bool:
        """Tell whether the type is PostgreSQL's own."""
        return self.schema == "pg_catalog"


@dataclass(frozen=True)
class Attribute:
    """A row of pg_attribute."""

    name: str
    declared: str  # format_type
    type: int
    modifier: int
    dimensions: int


class _Rule(NamedTuple):
    """How a scalar is carried: cast is applied to every value that is sent, bad holds for one that must not land."""

    wire: str
    hive: str
    cast: str = "{}"
    bad: str = ""
    what: str = ""
    array: str = ""  # how an array of it becomes an array of text; empty when its elements are sent as they are


_AS_TEXT = "{}::pg_catalog.text[]"
# Where a cast to text differs from what PostgreSQL shows: char(n) loses its padding, an address gains /32.
_AS_SHOWN = "{}::pg_catalog.text::pg_catalog.text[]"
_TEXT = _Rule("VARCHAR", "string", "{}::pg_catalog.text", array=_AS_TEXT)
_MOMENT = "a value before year 1, after year 9999 or infinite"
_NAN = "NaN, which Parquet decimals do not have"


def _between(low: str, high: str, type_name: str) -> str:
    return "NOT {{0}} BETWEEN '{}'::pg_catalog.{t} AND '{}'::pg_catalog.{t}".format(low, high, t=type_name)


_RULES: Dict[str, _Rule] = {
    "bool": _Rule("BOOLEAN", "boolean"),
    "int2": _Rule("SMALLINT", "smallint"),
    "int4": _Rule("INTEGER", "int"),
    "int8": _Rule("BIGINT", "bigint"),
    "float4": _Rule("FLOAT", "float"),
    "float8": _Rule("DOUBLE", "double"),
    "text": _Rule("VARCHAR", "string"),
    "varchar": _Rule("VARCHAR", "string"),
    "bpchar": _Rule("VARCHAR", "string", "pg_catalog.textin(pg_catalog.bpcharout({}))", array=_AS_SHOWN),
    "inet": _Rule("VARCHAR", "string", "pg_catalog.textin(pg_catalog.inet_out({}))", array=_AS_SHOWN),
    "bytea": _Rule("BLOB", "binary", array=_AS_TEXT),
    "date": _Rule("DATE", "date", bad=_between("0001-01-01", "9999-12-31", "date"), what=_MOMENT),
    "timestamp": _Rule(
        "TIMESTAMP",
        "timestamp",
        bad=_between("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "timestamp"),
        what=_MOMENT,
    ),
    "timestamptz": _Rule(
        "TIMESTAMP WITH TIME ZONE",
        "timestamp",
        bad=_between("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00", "timestamptz"),
        what=_MOMENT,
    ),
}

MAX_PRECISION = 38
"""Digits of the widest decimal of Parquet readers."""


def column(attribute: Attribute, types: Dict[int, Type]) -> Column:
    """Return how a column is read. types holds the attribute's type and all that it is made of."""
    resolved, modifier, dimensions = _resolve(types, attribute.type, attribute.modifier, attribute.dimensions)
    element = types.get(resolved.element)
    if element is not None and element.array == resolved.oid:
        return _array(attribute, types, element, modifier, dimensions)
    name = identifier(attribute.name)
    rule = _rule(resolved, modifier)
    return Column(
        name=attribute.name,
        source_type=attribute.declared,
        read=rule.cast.format(name),
        wire=rule.wire,
        hive=rule.hive,
        checks=_checks(attribute.name, rule.bad.format(name), rule.what),
    )


def precision_and_scale(modifier: int) -> Optional[Tuple[int, int]]:
    """Return what numeric(p, s) says, or None for bare numeric (numerictypmodin: 16 bits each; s is signed)."""
    if modifier < 4:
        return None
    packed = modifier - 4
    return (packed >> 16) & 0xFFFF, ((packed & 0x7FF) ^ 1024) - 1024


def _resolve(types: Dict[int, Type], oid: int, modifier: int, dimensions: int) -> Tuple[Type, int, int]:
    """Return the type below all domains."""
    found = types[oid]
    while found.kind == "d":
        modifier, dimensions = found.base_modifier, found.dimensions
        found = types[found.base]
    return found, modifier, dimensions


def _rule(found: Type, modifier: int) -> _Rule:
    if not found.builtin:
        return _TEXT
    if found.name == "numeric":
        digits = precision_and_scale(modifier)
        # PostgreSQL 15 has numeric(3, -2) and numeric(3, 5) too.
        if digits is None or digits[0] > MAX_PRECISION or not 0 <= digits[1] <= digits[0]:
            return _TEXT
        wire = "DECIMAL({},{})".format(*digits)
        return _Rule(wire, wire.lower(), bad="{0} = 'NaN'::pg_catalog.numeric", what=_NAN)
    return _RULES.get(found.name, _TEXT)


def _array(attribute: Attribute, types: Dict[int, Type], element: Type, modifier: int, dimensions: int) -> Column:
    """Return how an array is read: as a list, or as text where it was declared with several dimensions."""
    name = identifier(attribute.name)
    if dimensions > 1:
        return Column(attribute.name, attribute.declared, _TEXT.cast.format(name), _TEXT.wire, _TEXT.hive)
    resolved, modifier, _ = _resolve(types, element.oid, modifier, 0)
    rule = _rule(resolved, modifier)
    checks = _checks(
        attribute.name,
        "pg_catalog.array_ndims({0}) > 1 OR pg_catalog.array_lower({0}, 1) <> 1".format(name),
        "an array of several dimensions, or one that does not begin at 1",
    )
    if rule.array:
        rule, read = _TEXT, rule.array.format(name)
    else:
        checks += _checks(attribute.name, _any(name, rule.bad), rule.what)
        read = "{}::{}[]".format(name, _sql_name(resolved, modifier))
    return Column(attribute.name, attribute.declared, read, rule.wire + "[]", "array<{}>".format(rule.hive), checks)


def _any(array: str, bad: str) -> str:
    if not bad:
        return ""
    return "EXISTS (SELECT FROM pg_catalog.unnest({}) AS element WHERE {})".format(array, bad.format("element"))


def _sql_name(found: Type, modifier: int) -> str:
    digits = precision_and_scale(modifier) if found.name == "numeric" else None
    return "pg_catalog.{}{}".format(found.name, "" if digits is None else "({},{})".format(*digits))


def _checks(column_name: str, condition: str, what: str) -> Tuple[Check, ...]:
    return (Check(condition, column_name, what),) if condition else ()


def closure_query(relation_oid: int) -> str:
    """Return the query for all types that a table's columns are made of."""
    return """
        WITH RECURSIVE closure (oid) AS (
          SELECT atttypid FROM pg_catalog.pg_attribute
          WHERE attrelid = {oid} AND attnum > 0 AND NOT attisdropped
          UNION
          SELECT part FROM closure JOIN pg_catalog.pg_type USING (oid)
          CROSS JOIN LATERAL (VALUES (typbasetype), (typelem)) AS parts (part) WHERE part <> 0
        )
        SELECT t.oid::pg_catalog.int8 AS oid, typname::pg_catalog.text, nspname::pg_catalog.text,
          typtype::pg_catalog.text, typbasetype::pg_catalog.int8, typtypmod, typndims,
          typelem::pg_catalog.int8, typarray::pg_catalog.int8
        FROM closure JOIN pg_catalog.pg_type AS t USING (oid) JOIN pg_catalog.pg_namespace AS n ON n.oid = typnamespace
    """.format(oid=relation_oid)


def attributes_query(relation_oid: int) -> str:
    """Return the query for a table's columns in their order."""
    return """
        SELECT attname::pg_catalog.text, pg_catalog.format_type(atttypid, atttypmod) AS declared,
          atttypid::pg_catalog.int8, atttypmod, attndims::pg_catalog.int4,
          pg_catalog.has_column_privilege(attrelid, attnum, 'SELECT') AS readable
        FROM pg_catalog.pg_attribute WHERE attrelid = {} AND attnum > 0 AND NOT attisdropped ORDER BY attnum
    """.format(relation_oid)
