"""What the source and the written files are compared by: the extremes of the cursor."""

from __future__ import annotations

from typing import Tuple

from landing.databases.model import Proof

_MOMENTS = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")


def extremes(name: str, wire: str, value: str) -> Tuple[Proof, ...]:
    """Return the proofs that the least and the greatest value are the same. value is SQL of the source."""
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
