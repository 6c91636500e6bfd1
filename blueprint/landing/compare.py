"""Holds the written files against what the snapshot said and against what arrived, before anything is uploaded."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, List, Sequence

from landing.errors import LandingError
from landing.postgres import session
from landing.postgres.session import name
from landing.task import Task

PARTITION = "landfall" + 56 * "_"
"""The folders' column while files are local. Longer than the 63 bytes of a name of PostgreSQL, so no column has it."""


def arriving(task: Task) -> str:
    """Return DuckDB's SQL for the split's rows: c0, c1, …, p, their number n, and s, a hash of the rows so far.

    The hash is a sum over rows, so that the order of rows does not matter.
    """
    hashed = ["c{}".format(n) for n, column in enumerate(task.columns) if column.name != task.partition_column]
    hashed += ["p"] if task.partition_column else []
    return (
        "(SELECT *, row_number() OVER () AS n, sum(hash({})) OVER (ROWS UNBOUNDED PRECEDING) AS s "
        "FROM postgres_query('src', {}))"
    ).format(", ".join(hashed), session.text(task.reading.rows))


def compare(reader: session.Session, task: Task, folder: str, proofs: Sequence[Any], arrived: str) -> None:
    """Read the split's files back. Raises LandingError, naming columns, when they hold anything else.

    proofs are the values that the snapshot gave for the reading's proofs, arrived is the hash of what came.
    """
    landed = [name(column.name) for column in task.columns if column.name != task.partition_column]
    if task.partition_column:
        # From the file's path: as a Hive partition DuckDB reads the texts NULL and null as NULL.
        landed.append("url_decode(regexp_extract({}, '{}=([^/]*)/[^/]*$', 1))".format(name(PARTITION), PARTITION))
    wanted = ["sum(hash({}))::VARCHAR".format(", ".join(landed))]
    wanted += [proof.landed.format(name(proof.column)) for proof in task.reading.proofs]
    files = "read_parquet({}, hive_partitioning = false, filename = '{}')".format(
        session.text(folder + "/**/*.parquet"), PARTITION
    )
    row = reader.run("SELECT {} FROM {}".format(", ".join(wanted), files)).fetchall()[0]
    pairs = zip(task.reading.proofs, proofs, row[1:])
    wrong = ["{} ({})".format(p.column, p.what) for p, there, here in pairs if not _equal(there, here)]
    if wrong:
        raise _unequal(task, "the files do not hold what the snapshot does: " + ", ".join(wrong))
    if row[0] != arrived:
        raise _unequal(task, "the files do not hold what arrived from the database")


def _equal(there: Any, here: Any) -> bool:
    """Compare two values that stand for numbers, in whatever type or spelling they came. NaN equals NaN."""
    if str(there) == str(here):
        return True
    try:
        return Decimal(str(there)) == Decimal(str(here))
    except InvalidOperation:
        return False


def _unequal(task: Task, what: str) -> LandingError:
    return LandingError(
        "split {}: {}".format(task.split.number, what),
        "Nothing was published; run the job again and report it if it stays",
    )


def columns_of(task: Task) -> List[str]:
    """Return the values of a file's columns as DuckDB's SQL over arriving()."""
    return [
        "c{} AS {}".format(number, name(column.name))
        for number, column in enumerate(task.columns)
        if column.name != task.partition_column
    ]
