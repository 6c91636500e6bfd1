"""Compares what arrived with the snapshot, and the written files with both, before anything is uploaded."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, List, Sequence

from landing.databases.dialect import Session
from landing.databases.duckdb_sql import name, text
from landing.job.errors import LandingError
from landing.read.split_task import SplitTask


def folder_column(task: SplitTask) -> str:
    """Return the name of the partition column while files are local: one that no column of the table has."""
    taken = {column.name.lower() for column in task.columns}
    found = "landfall_folder"
    while found in taken:
        found += "_"
    return found


def sample_share(task: SplitTask, rows: int) -> float:
    """Return the share, 0 to 1, of so many rows that is compared with the texts that the source shows."""
    return 1.0 if task.sample_rows is None else min(1.0, task.sample_rows / max(rows, 1))


def split_stream(reader: Session, task: SplitTask, rows: int) -> str:
    """Return a relation of DuckDB for the split's rows, of which there are so many.

    Its columns are c0, c1, …; p, the partition; row_no, from 1 on; running_hash, a hash of the rows so far, which is a
    sum, so that the order of rows does not matter; and differing: for a row of the sample that did not arrive as the
    source shows it, the numbers of the columns, otherwise NULL.
    """
    shown = [(n, column) for n, column in enumerate(task.columns) if column.shown]
    differing = [
        "CASE WHEN {} IS DISTINCT FROM {} THEN '{} ' ELSE '' END".format(
            column.shown_value.format("c%d" % n), column.shown_text.format("x[%d]" % at), n
        )
        for at, (n, column) in enumerate(shown, 1)
    ]
    return (
        "(SELECT *, CASE WHEN x IS NOT NULL THEN nullif(concat('', {}), '') END AS differing, "
        "row_number() OVER () AS row_no, sum(hash({})) OVER (ROWS UNBOUNDED PRECEDING) AS running_hash FROM {})"
    ).format(
        ", ".join(differing or ["''"]),
        ", ".join(_received_columns(task)),
        _received(reader, task, sample_share(task, rows)),
    )


def stream_columns(task: SplitTask) -> List[str]:
    """Return the values of a file's columns as DuckDB's SQL over split_stream()."""
    return [
        "c{} AS {}".format(number, name(column.name))
        for number, column in enumerate(task.columns)
        if column.name != task.partition_column
    ]


def _received(reader: Session, task: SplitTask, share: float) -> str:
    """Return a relation of DuckDB for what the source sends, with the columns c0, c1, … in the types they land in."""
    sent = reader.relation(task.query.rows(share))
    casts = ["c{0}::{1} AS c{0}".format(n, column.wire) for n, column in enumerate(task.columns) if column.sent_as]
    return "(SELECT * REPLACE ({}) FROM {})".format(", ".join(casts), sent) if casts else sent


def sample_error(task: SplitTask, differing: Sequence[str]) -> LandingError:
    """Return the error about values of the column differing."""
    numbers = sorted({int(number) for found in differing for number in found.split()})
    names = ", ".join(task.columns[number].name for number in numbers)
    return _error(task, "what arrived is not what the database shows: " + names)


def compare(reader: Session, task: SplitTask, folder: str, aggregates: Sequence[Any], stream_hash: str) -> None:
    """Read the split's files back. Raises LandingError, naming columns, when they hold anything else.

    aggregates are the values that the snapshot gave for the query's aggregates, stream_hash is the hash of the rows as
    they arrived.
    """
    wanted = ["sum(hash({}))::VARCHAR".format(", ".join(_file_columns(task)))]
    wanted += [aggregate.landed.format(name(aggregate.column)) for aggregate in task.query.aggregates]
    files = "read_parquet({}, hive_partitioning = false, filename = '{}')".format(
        text(folder + "/**/*.parquet"), folder_column(task)
    )
    file_hash, *landed = reader.run("SELECT {} FROM {}".format(", ".join(wanted), files)).fetchall()[0]
    wrong = [
        "{} ({})".format(aggregate.column, aggregate.function)
        for aggregate, in_source, in_files in zip(task.query.aggregates, aggregates, landed)
        if not _equal(in_source, in_files)
    ]
    if wrong:
        raise _error(task, "the files do not hold what the snapshot does: " + ", ".join(wrong))
    if file_hash != stream_hash:
        raise _error(task, "the files do not hold what arrived from the database" + _differing(reader, task, files))


def _file_columns(task: SplitTask) -> List[str]:
    """Return SQL for the columns of the files, in the order of _received_columns()."""
    landed = [name(column.name) for column in task.columns if column.name != task.partition_column]
    if task.partition_column:
        # From the file's path: as a Hive partition DuckDB reads the texts NULL and null as NULL.
        folder = folder_column(task)
        landed.append("url_decode(regexp_extract({}, '{}=([^/]*)/[^/]*$', 1))".format(name(folder), folder))
    return landed


def _received_columns(task: SplitTask) -> List[str]:
    """Return SQL for the columns that arrive and are to be in the files."""
    received = ["c{}".format(n) for n, column in enumerate(task.columns) if column.name != task.partition_column]
    return received + (["p"] if task.partition_column else [])


def _differing(reader: Session, task: SplitTask, files: str) -> str:
    """Read the split once more, and return the columns whose values are not those of the files, for a message."""

    def sums(columns: Sequence[str], relation: str) -> Sequence[Any]:
        query = "SELECT {} FROM {}".format(", ".join("sum(hash({}))".format(column) for column in columns), relation)
        return reader.run(query).fetchall()[0]

    received = sums(_received_columns(task), _received(reader, task, 0))
    landed = sums(_file_columns(task), files)
    names = [column.name for column in task.columns if column.name != task.partition_column] + [task.partition_column]
    found = [column for column, one, other in zip(names, received, landed) if one != other]
    return ": " + ", ".join(found) if found else ", row by row"


def _equal(one: Any, other: Any) -> bool:
    """Compare two values that stand for numbers, of whatever type or spelling. NaN equals NaN."""
    if str(one) == str(other):
        return True
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False


def _error(task: SplitTask, what: str) -> LandingError:
    return LandingError(
        "split {}: {}".format(task.number, what), "Nothing was published; run the job again and report it if it stays"
    )
