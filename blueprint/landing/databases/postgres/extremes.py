"""The least and the greatest value of the cursor, by which the source and the written files are compared."""

from __future__ import annotations

from typing import Tuple

from landing.databases.model import Aggregate

_MOMENTS = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")


def extremes(name: str, wire: str, value: str) -> Tuple[Aggregate, ...]:
    """Return the least and the greatest value of a column as aggregates. value is SQL of the source."""
    if wire in _MOMENTS:
        return tuple(
            Aggregate(
                name,
                what,
                _EPOCH.format("pg_catalog.{}({})".format(what, value)),
                _LANDED_EPOCH.replace("{}", what + "({})"),
            )
            for what in ("min", "max")
        )
    return tuple(
        Aggregate(name, what, "pg_catalog.{}({})::pg_catalog.text".format(what, value), what + "({})::VARCHAR")
        for what in ("min", "max")
    )


# PostgreSQL divides whole microseconds by a float, so DuckDB is made to do the same.
_EPOCH = "pg_catalog.date_part('epoch', {})"
_LANDED_EPOCH = "epoch_us({}::TIMESTAMP)::DOUBLE / 1000000.0"
