"""What the source and the written files are compared by, column by column.

Each proof is an aggregate that costs PostgreSQL next to nothing in a scan that it makes anyway: hashing every text
there would cost more than a tenth of a landing. The content of what came over the wire is hashed by the reader.
"""

from __future__ import annotations

import re
from typing import Optional, Tuple

from landing.source import Proof

_MAX_SUM = 28
"""Digits of a decimal whose sum over ten billion rows still has 38."""

_DECIMAL = re.compile(r"DECIMAL\((\d+),\d+\)")
_ORDERED = {"FLOAT", "DOUBLE"}


def proofs(name: str, wire: str, value: str, nullable: bool, stored: bool) -> Tuple[Proof, ...]:
    """Return the proofs of a column.

    value is SQL of the source for what is landed; stored tells that it is a column's own value and not made of it, so
    that its length is known without reading it.
    """
    found = []
    if nullable:
        found.append(Proof(name, "count", "pg_catalog.count({})".format(value), "count({})"))
    found += [Proof(name, what, source.format(value), landed) for what, source, landed in _of(wire, stored)]
    return tuple(found)


def extremes(name: str, wire: str, value: str) -> Tuple[Proof, ...]:
    """Return the proofs that the least and the greatest value are the same."""
    if wire == "DATE" or wire.startswith("TIMESTAMP"):
        return tuple(
            Proof(name, what, _EPOCH.format("pg_catalog.{}({})".format(what, value)), "epoch({}({{}}))".format(what))
            for what in ("min", "max")
        )
    return tuple(
        Proof(name, what, "pg_catalog.{}({})::pg_catalog.text".format(what, value), what + "({})::VARCHAR")
        for what in ("min", "max")
    )


_EPOCH = "pg_catalog.date_part('epoch', {})"


def _of(wire: str, stored: bool) -> Tuple[Tuple[str, str, str], ...]:
    """Return name, SQL of the source and SQL of DuckDB."""
    if wire in ("SMALLINT", "INTEGER", "BIGINT") or _summable(wire):
        return (("sum", "pg_catalog.sum({})::pg_catalog.text", "sum({})::VARCHAR"),)
    if wire == "BOOLEAN":
        return (("true", "pg_catalog.count(*) FILTER (WHERE {})", "count(*) FILTER (WHERE {})"),)
    if wire in _ORDERED:
        return (("min", "pg_catalog.min({})", "min({})"), ("max", "pg_catalog.max({})", "max({})"))
    if _DECIMAL.fullmatch(wire):
        return tuple((w, "pg_catalog." + w + "({})::pg_catalog.text", w + "({})::VARCHAR") for w in ("min", "max"))
    if wire == "DATE":
        return (("sum", "pg_catalog.sum({} - '2000-01-01'::pg_catalog.date)", "sum({} - DATE '2000-01-01')"),)
    if wire.startswith("TIMESTAMP") and not wire.endswith("[]"):
        seconds = "pg_catalog.sum(pg_catalog.floor(" + _EPOCH + ")::pg_catalog.int8)::pg_catalog.text"
        return (("seconds", seconds, "sum(floor(epoch({}))::BIGINT)::VARCHAR"),)
    if wire in ("VARCHAR", "BLOB") and stored:
        measure = "strlen" if wire == "VARCHAR" else "octet_length"
        return (("bytes", "pg_catalog.sum(pg_catalog.octet_length({}))", "sum(" + measure + "({}))"),)
    return ()


def _summable(wire: str) -> Optional[bool]:
    found = _DECIMAL.fullmatch(wire)
    return bool(found) and int(found.group(1)) <= _MAX_SUM if found else None
