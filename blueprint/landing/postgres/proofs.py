"""What the source and the written files are compared by, column by column.

Each proof is an aggregate that costs PostgreSQL next to nothing in a scan that it makes anyway: hashing every text
there would cost more than a tenth of a landing. The content of what came over the wire is hashed by the reader.
"""

from __future__ import annotations

import re
from typing import Tuple

from landing.source import Proof

_MAX_SUM = 28
"""Digits of a decimal whose sum over ten billion rows still has 38."""

_DECIMAL = re.compile(r"DECIMAL\((\d+),\d+\)")
_MOMENTS = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")


def counted(name: str, value: str) -> Proof:
    """Return the proof that as many values are NULL. value is SQL of the source."""
    return Proof(name, "count", "pg_catalog.count({})".format(value), "count({})")


def summed(name: str, wire: str, value: str, sized: bool) -> Tuple[Proof, ...]:
    """Return the proofs of what a column's values are.

    value is SQL of the source for what is landed; sized tells that its length is known without reading it.
    """
    return tuple(Proof(name, what, source.format(value), landed) for what, source, landed in _of(wire, sized))


def extremes(name: str, wire: str, value: str) -> Tuple[Proof, ...]:
    """Return the proofs that the least and the greatest value are the same."""
    if wire in _MOMENTS:
        return tuple(
            Proof(
                name,
                what,
                _EPOCH.format("pg_catalog.{}({})".format(what, value)),
                _LANDED_EPOCH.replace("{}", what + "({})"),
            )
            for what in ("min", "max")
        )
    return tuple(
        Proof(name, what, "pg_catalog.{}({})::pg_catalog.text".format(what, value), what + "({})::VARCHAR")
        for what in ("min", "max")
    )


# PostgreSQL divides whole microseconds by a float, so DuckDB is made to do the same.
_EPOCH = "pg_catalog.date_part('epoch', {})"
_LANDED_EPOCH = "epoch_us({}::TIMESTAMP)::DOUBLE / 1000000.0"


def telling(precision: int) -> str:
    """Return the aggregate by which a decimal is compared. NaN is the sum of whatever has one, and the greatest."""
    return "sum" if precision <= _MAX_SUM else "max"


def _of(wire: str, sized: bool) -> Tuple[Tuple[str, str, str], ...]:
    """Return name, SQL of the source and SQL of DuckDB."""
    decimal = _DECIMAL.fullmatch(wire)
    if wire in ("SMALLINT", "INTEGER", "BIGINT") or (decimal and telling(int(decimal.group(1))) == "sum"):
        return (("sum", "pg_catalog.sum({})::pg_catalog.text", "sum({})::VARCHAR"),)
    if wire == "BOOLEAN":
        return (("true", "pg_catalog.count(*) FILTER (WHERE {})", "count(*) FILTER (WHERE {})"),)
    if wire in ("FLOAT", "DOUBLE"):
        return (("min", "pg_catalog.min({})", "min({})"), ("max", "pg_catalog.max({})", "max({})"))
    if decimal or wire in _MOMENTS:
        return tuple((proof.what, proof.source, proof.landed) for proof in extremes("", wire, "{}"))
    if wire in ("VARCHAR", "BLOB") and sized:
        measure = "strlen" if wire == "VARCHAR" else "octet_length"
        return (("bytes", "pg_catalog.sum(pg_catalog.octet_length({}))", "sum(" + measure + "({}))"),)
    return ()
