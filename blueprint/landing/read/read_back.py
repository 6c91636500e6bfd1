"""Holds what arrived against the snapshot, and the written files against both, before anything is uploaded."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, List, Sequence, Tuple

from landing.databases.dialect import Session
from landing.databases.duckdb_sql import name, text
from landing.databases.model import LIST_SEPARATOR
from landing.job.errors import LandingError
from landing.read.split_task import Task

PARTITION = "landfall" + 56 * "_"
"""The folders' column while files are local. Longer than the 63 bytes of a name of PostgreSQL, so no column has it."""


_SAMPLE = 10_000
"""Rows of a split whose every value is compared with the text that the source shows of it."""


def share(task: Task, rows: int) -> float:
    """Return which share of so many rows is the sample: all, if the task says so or they are few."""
    return 1.0 if task.compare_all else min(1.0, _SAMPLE / max(rows, 1))


def arriving(reader: Session, task: Task, rows: int) -> str:
    """Return DuckDB's SQL for the split's rows: c0, c1, …, p, their number n, s, a hash of the rows so far, and d.

    The hash is a sum over rows, so that the order of rows does not matter. d is NULL but for a row of the sample that
    did not arrive as the source shows it: then it has the numbers of the columns. rows is how many will come.
    """
    shown = [(n, column.wire) for n, column in enumerate(task.columns) if column.shown]
    differing = [
        "CASE WHEN {} IS DISTINCT FROM {} THEN '{} ' ELSE '' END".format(*_both(wire, "c%d" % n, "x[%d]" % at), n)
        for at, (n, wire) in enumerate(shown, 1)
    ]
    return (
        "(SELECT *, CASE WHEN x IS NOT NULL THEN nullif(concat('', {}), '') END AS d, row_number() OVER () AS n, "
        "sum(hash({})) OVER (ROWS UNBOUNDED PRECEDING) AS s FROM {})"
    ).format(", ".join(differing or ["''"]), ", ".join(_arrived(task)), _sent(reader, task, share(task, rows)))


def _sent(reader: Session, task: Task, part: float) -> str:
    """Return DuckDB's SQL for what the source sends, with the columns c0, c1, … as they are to land."""
    sent = reader.relation(task.reading.rows(part))
    casts = ["c{0}::{1} AS c{0}".format(n, column.wire) for n, column in enumerate(task.columns) if column.sent_as]
    return "(SELECT * REPLACE ({}) FROM {})".format(", ".join(casts), sent) if casts else sent


def _both(wire: str, value: str, shown: str) -> Tuple[str, str]:
    """Return SQL for a value that arrived and for the text that the source shows of it, made comparable.

    The way over text has nothing in common with the binary one: not the server's function, nor DuckDB's.
    """
    if wire == "VARCHAR":
        return value, shown
    if wire == "BLOB":
        return "'\\x' || lower(hex({}))".format(value), shown
    if wire == "VARCHAR[]":
        # Joined rather than split: an element may hold the separator. The text of no elements is empty.
        joined = "array_to_string({}, {})".format(value, text(LIST_SEPARATOR))
        return "coalesce({}, CASE WHEN {} IS NOT NULL THEN '' END)".format(joined, value), shown
    if wire.endswith("[]"):
        parts = "CASE WHEN {0} = '' THEN [] ELSE string_split({0}, {1}) END".format(shown, text(LIST_SEPARATOR))
        return "[e FOR e IN {} IF e IS NOT NULL]".format(value), "TRY_CAST({} AS {})".format(parts, wire)
    return value, "TRY_CAST({} AS {})".format(shown, wire)


def unlike(task: Task, differing: Sequence[str]) -> LandingError:
    """Return the error about values of d."""
    numbers = sorted({int(number) for found in differing for number in found.split()})
    names = ", ".join(task.columns[number].name for number in numbers)
    return _unequal(task, "what arrived is not what the database shows: " + names)


def compare(reader: Session, task: Task, folder: str, proofs: Sequence[Any], arrived: str) -> None:
    """Read the split's files back. Raises LandingError, naming columns, when they hold anything else.

    proofs are the values that the snapshot gave for the reading's proofs, arrived is the hash of what came.
    """
    landed = _landed(task)
    wanted = ["sum(hash({}))::VARCHAR".format(", ".join(landed))]
    wanted += [proof.landed.format(name(proof.column)) for proof in task.reading.proofs]
    files = "read_parquet({}, hive_partitioning = false, filename = '{}')".format(
        text(folder + "/**/*.parquet"), PARTITION
    )
    row = reader.run("SELECT {} FROM {}".format(", ".join(wanted), files)).fetchall()[0]
    pairs = zip(task.reading.proofs, proofs, row[1:])
    wrong = ["{} ({})".format(p.column, p.what) for p, there, here in pairs if not _equal(there, here)]
    if wrong:
        raise _unequal(task, "the files do not hold what the snapshot does: " + ", ".join(wrong))
    if row[0] != arrived:
        raise _unequal(task, "the files do not hold what arrived from the database" + _differing(reader, task, files))


def _landed(task: Task) -> List[str]:
    """Return SQL for the columns of the files, in the order of _arrived()."""
    landed = [name(column.name) for column in task.columns if column.name != task.partition_column]
    if task.partition_column:
        # From the file's path: as a Hive partition DuckDB reads the texts NULL and null as NULL.
        landed.append("url_decode(regexp_extract({}, '{}=([^/]*)/[^/]*$', 1))".format(name(PARTITION), PARTITION))
    return landed


def _arrived(task: Task) -> List[str]:
    """Return SQL for what arrives and is to be in the files."""
    arrived = ["c{}".format(n) for n, column in enumerate(task.columns) if column.name != task.partition_column]
    return arrived + (["p"] if task.partition_column else [])


def _differing(reader: Session, task: Task, files: str) -> str:
    """Read the split once more, and return the columns whose values are not those of the files, for a message."""

    def sums(columns: Sequence[str], source: str) -> Sequence[Any]:
        query = "SELECT {} FROM {}".format(", ".join("sum(hash({}))".format(column) for column in columns), source)
        return reader.run(query).fetchall()[0]

    there = sums(_arrived(task), _sent(reader, task, 0))
    here = sums(_landed(task), files)
    names = [column.name for column in task.columns if column.name != task.partition_column] + [task.partition_column]
    found = [column for column, one, other in zip(names, there, here) if one != other]
    return ": " + ", ".join(found) if found else ", row by row"


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
