"""What each PostgreSQL type lands as: docs/types.md in code.

Exact, or text that PostgreSQL itself wrote, or what the table's policy says. A type without a rule lands as its text.
So do uuid and time, which Parquet could hold but Spark refuses to read.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Tuple

from landing.databases.duckdb_sql import text as duckdb_text
from landing.databases.model import Check, Column
from landing.databases.postgres.attributes import Attribute, Type
from landing.databases.postgres.quoting import identifier, literal
from landing.databases.postgres.session import SALT
from landing.job.errors import LandingError
from landing.job.policy import FAIL, HASH, MASK, MAX_PRECISION, NULL, TEXT, Policy


class _Carried(NamedTuple):
    """How values travel: read yields them, bad holds for those that cannot be landed so."""

    wire: str
    hive: str
    read: str = "{}"
    bad: str = ""
    what: str = ""


_STRING = ("VARCHAR", "string")

_LIST_SEPARATOR = "\x1f"
"""Separates the elements in the text of a list. Elements that are NULL are not in the text."""

# Types that land as their text but cost the server less to send as they are: DuckDB makes the same text of them.
_SENT_AS = {"uuid": "UUID", "json": "VARCHAR", "jsonb": "VARCHAR"}

_MOMENT = "a value before year 1, after year 9999 or infinite"
_NAN = "NaN, which Parquet decimals do not have"
# NaN takes 3 bytes as it is stored, 6 as it is computed. To learn the size is cheap; to compare numbers is not.
_IS_NAN = "(pg_catalog.pg_column_size({0}) <= 6 AND {0} = 'NaN'::pg_catalog.numeric)"
_ODD_ARRAY = "an array of several dimensions, or one that does not begin at 1"


def _far(type_name: str, low: str, high: str) -> Dict[str, str]:
    """Return what is bad of moments."""
    beyond = "NOT ({{0}} >= '{}'::pg_catalog.{t} AND {{0}} <= '{}'::pg_catalog.{t})".format(low, high, t=type_name)
    return {"bad": beyond, "what": _MOMENT}


_RULES: Dict[str, _Carried] = {
    "bool": _Carried("BOOLEAN", "boolean"),
    "int2": _Carried("SMALLINT", "smallint"),
    "int4": _Carried("INTEGER", "int"),
    "int8": _Carried("BIGINT", "bigint"),
    "float4": _Carried("FLOAT", "float"),
    "float8": _Carried("DOUBLE", "double"),
    "text": _Carried(*_STRING),
    "varchar": _Carried(*_STRING),
    "bytea": _Carried("BLOB", "binary"),
    "date": _Carried("DATE", "date", **_far("date", "0001-01-01", "9999-12-31")),
    "timestamp": _Carried(
        "TIMESTAMP", "timestamp", **_far("timestamp", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999")
    ),
    "timestamptz": _Carried(
        "TIMESTAMP WITH TIME ZONE",
        "timestamp",
        **_far("timestamptz", "0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"),
    ),
}

# In the database, so that the value never leaves it. Every session has the salt; where one had none, this would fail.
_HASHED = "pg_catalog.encode(pg_catalog.sha256(pg_catalog.textsend(pg_catalog.current_setting('{}') || {{}})), 'hex')"

_DECIMAL_TEXT = "regexp_replace(CAST({} AS VARCHAR), '^(-?)[.]', '\\10.')"
"""If all digits are behind the point, DuckDB shows .5 and PostgreSQL 0.5."""

_KNOWN_EXTENSIONS = {"citext", "cube", "hstore", "ltree"}
"""Types of extensions that a test lands. Other base types that are not PostgreSQL's own are unknown."""


def column(attribute: Attribute, types: Dict[int, Type], policy: Policy) -> Column:
    """Return how a column is read. types holds the attribute's type and all that it is made of.

    Raises LandingError when the policy says that such a column fails.
    """
    found, modifier, dimensions = _resolve(types, attribute.type, attribute.modifier, attribute.dimensions)
    element = types.get(found.element)
    array_of = element if element is not None and element.array == found.oid else None
    name = identifier(attribute.name)
    if policy.rule == MASK:
        masked = "CASE WHEN pg_catalog.num_nulls({}) = 0 THEN {} END".format(name, literal(policy.mask))
        return Column(attribute.name, attribute.declared, masked, *_STRING, rule=MASK)
    if policy.rule == HASH:
        hashed = _HASHED.format(SALT).format(_text_of(found).format(name))
        return Column(attribute.name, attribute.declared, hashed, *_STRING, rule=HASH)
    if array_of is None:
        carried = _scalar(attribute, found, modifier, policy)
    else:
        carried = _array(attribute, types, found, array_of, modifier, dimensions, policy)
    bad, value = carried.bad.format(name), name
    if bad and policy.out_of_range == NULL:
        # Within the cast: a CASE has no precision and scale.
        value = "(CASE WHEN {} THEN NULL ELSE {} END)".format(bad, name)
    checks = (Check(bad, attribute.name, carried.what, policy.out_of_range == NULL),) if bad else ()
    shown = _text_of(found)
    if carried.wire.endswith("[]"):
        shown = "pg_catalog.array_to_string({{}}, {})".format(literal(_LIST_SEPARATOR))
    shown_value, shown_text = _comparable(carried.wire)
    sent_as = _SENT_AS.get(found.name, "") if found.builtin and array_of is None else ""
    return Column(
        attribute.name,
        attribute.declared,
        carried.read.format(value),
        carried.wire,
        carried.hive,
        checks,
        shown=shown.format(value),
        sent=value if sent_as else "",
        sent_as=sent_as,
        shown_value=shown_value,
        shown_text=shown_text,
        folder_text=_DECIMAL_TEXT if carried.wire.startswith("DECIMAL") else Column.folder_text,
    )


def _comparable(wire: str) -> Tuple[str, str]:
    """Return templates of DuckDB's SQL that make a value and the text that PostgreSQL shows of it comparable.

    The way over text has nothing in common with the binary one: not the server's function, nor DuckDB's.
    """
    if wire == "VARCHAR":
        return "{}", "{}"
    if wire == "BLOB":
        return "'\\x' || lower(hex({}))", "{}"
    separator = duckdb_text(_LIST_SEPARATOR)
    if wire == "VARCHAR[]":
        # Joined rather than split: an element may hold the separator. The text of no elements is empty.
        joined = "array_to_string({{0}}, {})".format(separator)
        return "coalesce({}, CASE WHEN {{0}} IS NOT NULL THEN '' END)".format(joined), "{}"
    if wire.endswith("[]"):
        parts = "CASE WHEN {{0}} = '' THEN [] ELSE string_split({{0}}, {}) END".format(separator)
        return "[e FOR e IN {} IF e IS NOT NULL]", "TRY_CAST({} AS {})".format(parts, wire)
    return "{}", "TRY_CAST({{}} AS {})".format(wire)


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


def _scalar(attribute: Attribute, found: Type, modifier: int, policy: Policy) -> _Carried:
    """Return how a type that is no array is read."""
    if found.kind == "b" and not found.builtin and found.name not in _KNOWN_EXTENSIONS:
        _unknown(attribute, policy)
    carried = _RULES.get(found.name) if found.builtin else None
    if found.builtin and found.name == "numeric":
        carried = _numeric(attribute, modifier, policy)
    if carried is None or (carried.bad and policy.out_of_range == TEXT):
        return _Carried(*_STRING, read=_text_of(found))
    return carried


def _numeric(attribute: Attribute, modifier: int, policy: Policy) -> Optional[_Carried]:
    """Return how numeric is read, None for text."""
    digits = precision_and_scale(modifier)
    # PostgreSQL 15 has numeric(3, -2) and numeric(3, 5) too.
    if digits is not None and digits[0] <= MAX_PRECISION and 0 <= digits[1] <= digits[0]:
        return _decimal(digits, _IS_NAN, _NAN)
    if policy.numeric_unbounded == FAIL:
        raise LandingError(
            "{} is {}, which no Parquet decimal holds for certain".format(attribute.name, attribute.declared),
            "Set NumericUnbounded to Text or to Decimal(38,s)",
        )
    wanted = policy.decimal
    if wanted is None:
        return None
    # NaN and Infinity are greater than every number.
    bad = "NOT (pg_catalog.abs({{0}}) < '1e{}'::pg_catalog.numeric AND pg_catalog.trunc({{0}}, {}) = {{0}})"
    what = "a number that {} cannot hold".format(policy.numeric_unbounded)
    return _decimal(wanted, bad.format(wanted[0] - wanted[1], wanted[1]), what)


def _decimal(digits: Tuple[int, int], bad: str, what: str) -> _Carried:
    wire = "DECIMAL({},{})".format(*digits)
    return _Carried(wire, wire.lower(), "{{}}::pg_catalog.numeric({},{})".format(*digits), bad, what)


def _array(
    attribute: Attribute,
    types: Dict[int, Type],
    found: Type,
    element: Type,
    modifier: int,
    dimensions: int,
    policy: Policy,
) -> _Carried:
    """Return how an array is read: as a list, or as text where it was declared with several dimensions."""
    below, modifier, _ = _resolve(types, element.oid, modifier, 0)
    carried = _scalar(attribute, below, modifier, policy)
    if dimensions > 1 or policy.out_of_range == TEXT:
        return _Carried(*_STRING, read=_text_of(found))
    odd = "pg_catalog.array_ndims({0}) > 1 OR pg_catalog.array_lower({0}, 1) <> 1"
    if carried.wire in ("VARCHAR", "BLOB"):
        shown = _text_of(found) if below.converts else "{}"
        return _Carried("VARCHAR[]", "array<string>", shown + "::pg_catalog.text[]", odd, _ODD_ARRAY)
    bad, what = odd, _ODD_ARRAY
    if carried.bad:
        bad += " OR EXISTS (SELECT FROM pg_catalog.unnest({{0}}) AS element WHERE {})".format(
            carried.bad.format("element")
        )
        what += ", or " + carried.what
    read = carried.read + "[]" if carried.read != "{}" else "{{}}::pg_catalog.{}[]".format(below.name)
    return _Carried(carried.wire + "[]", "array<{}>".format(carried.hive), read, bad, what)


def _text_of(found: Type) -> str:
    """Return the cast to the text that PostgreSQL shows.

    A cast may differ: char(n) loses its padding, an address gains /32, XML keeps its declaration.
    """
    if not found.converts:
        return "{}::pg_catalog.text"
    function = "{}.{}".format(identifier(found.output_schema), identifier(found.output))
    return "pg_catalog.textin({}({{}}))".format(function.replace("{", "{{").replace("}", "}}"))


def _unknown(attribute: Attribute, policy: Policy) -> None:
    if policy.unknown_types == FAIL:
        raise LandingError(
            "{} is of type {}, which Landfall does not know".format(attribute.name, attribute.declared),
            "Set UnknownTypes to Text, or leave the column out with the rule Drop",
        )
