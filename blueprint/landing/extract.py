"""Reads one split from the database and writes it to S3. Runs in the job's engine, on whichever machine that picks."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import quote, unquote

import boto3
import duckdb

from landing import secret
from landing.errors import LandingError, explain
from landing.objects import Objects
from landing.postgres import session
from landing.postgres.source import DEFAULT_PARTITION
from landing.record import DataFile
from landing.source import Column, Reading, Split

INGESTION = Column("ingestion_timestamp", "timestamp with time zone", "", "TIMESTAMP WITH TIME ZONE", "timestamp")
"""The column every file has besides the table's: when its batch was read, the same for all of its rows."""

# Longer than the 63 bytes of a PostgreSQL name, so that no column has it.
_PARTITION = "landfall" + 56 * "_"


# Spark refuses dates before 1582 in files that do not say by which calendar they were written. Files of Spark 3 and
# later are by the one that PostgreSQL and DuckDB count by.
_METADATA = "{'org.apache.spark.version': '3.5.6'}"


@dataclass(frozen=True)
class Task:
    """One split to read and where to put it. It travels to other machines, so it names the secret and holds none."""

    secret_name: str
    region: Optional[str]
    snapshot: str
    split: Split
    reading: Reading
    columns: Tuple[Column, ...]
    partition_column: str
    ingested_at: str  # timestamptz as text
    bucket: str
    prefix: str  # the batch's folder, ending in a slash
    splits: int  # of the whole batch


@dataclass(frozen=True)
class Outcome:
    """What became of a split. A known error is a value, so that no engine wraps it in a stack trace."""

    split: int
    rows: int = 0
    files: Tuple[DataFile, ...] = ()
    seconds: float = 0.0
    nulled: Tuple[Tuple[str, int], ...] = ()  # columns and how many of their values landed as NULL by policy
    what: str = ""
    todo: str = ""


def extract(task: Task) -> Outcome:
    """Read the split, check it, upload its files. Doing it again overwrites the same keys with the same rows."""
    started = time.monotonic()
    try:
        rows, nulled, files = _extract(task)
    except Exception as error:
        known = explain(error)
        return Outcome(task.split.number, what=known.what, todo=known.todo)
    return Outcome(task.split.number, rows, tuple(files), time.monotonic() - started, tuple(nulled))


def _extract(task: Task) -> Tuple[int, List[Tuple[str, int]], List[DataFile]]:
    duck, objects = _connect(task.secret_name, task.region, task.bucket)
    with (
        session.Session(duck, snapshot=task.snapshot) as reader,
        tempfile.TemporaryDirectory(prefix="landfall-") as folder,
    ):
        rows, nulled = _check(reader, task)
        if not rows:
            return 0, [], []
        _copy(reader, task, folder)
        files = _written(reader, task, folder)
        landed = sum(file.rows for _, file in files)
        if landed != rows:
            raise LandingError(
                "split {} has {} rows in the snapshot but {} in its files".format(task.split.number, rows, landed),
                "Nothing was published; run the job again and report it if it stays",
            )
        for path, file in files:
            objects.upload(path, file.key)
    return rows, nulled, [file for _, file in files]


_lock = threading.Lock()
_connections: Dict[Tuple[int, str, str], Tuple[duckdb.DuckDBPyConnection, Objects]] = {}


def _connect(secret_name: str, region: Optional[str], bucket: str) -> Tuple[duckdb.DuckDBPyConnection, Objects]:
    """Return this process's connections; Spark's Python processes serve many splits."""
    with _lock:
        key = (os.getpid(), secret_name, bucket)
        if key not in _connections:
            aws: Any = boto3.session.Session(region_name=region)
            found = secret.read(aws.client("secretsmanager"), secret_name)
            _connections[key] = (session.attach(found), Objects(aws.client("s3"), bucket))
        return _connections[key]


def _check(reader: session.Session, task: Task) -> Tuple[int, List[Tuple[str, int]]]:
    """Return the split's rows, and the values that land as NULL by policy.

    Raises LandingError when some could not be landed exactly.
    """
    rows, *counts = reader.query(task.reading.count)[0]
    caught = [(check, int(count)) for check, count in zip(task.reading.checks, counts) if count]
    bad = ["{} rows of {} hold {}".format(n, check.column, check.what) for check, n in caught if not check.nulled]
    if bad:
        raise LandingError(
            "; ".join(bad),
            "Correct the rows in the source, or say in Types or Columns what becomes of them; nothing was published",
        )
    expected = [column.wire for column in task.columns] + (["VARCHAR"] if task.partition_column else [])
    got = reader.types(task.reading.rows)
    if got != expected:
        wrong = [
            "{} ({}) as {} instead of {}".format(column.name, column.source_type, arrives, column.wire)
            for column, arrives in zip(task.columns, got)
            if column.wire != arrives
        ]
        raise LandingError(
            "it would arrive changed: {}".format("; ".join(wrong)), "Nothing was published; please report this"
        )
    return int(rows), [(check.column, n) for check, n in caught]


def _copy(reader: session.Session, task: Task, folder: str) -> None:
    """Write the split's rows as Parquet files below the folder."""
    values = [
        "c{} AS {}".format(number, _name(column.name))
        for number, column in enumerate(task.columns)
        if column.name != task.partition_column
    ]
    values.append("{}::{} AS {}".format(session.text(task.ingested_at), INGESTION.wire, _name(INGESTION.name)))
    target = folder + "/data.parquet"
    options = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE_BYTES '64MB', KV_METADATA {}".format(_METADATA)
    if task.partition_column or task.split.files > 1:
        value = "p" if task.partition_column else "row_number() OVER () % {}".format(task.split.files)
        values.append("{} AS {}".format(value, _name(_PARTITION)))
        options += ", PARTITION_BY ({}), OVERWRITE_OR_IGNORE".format(_name(_PARTITION))
        target = folder
    reader.run(
        "COPY (SELECT {} FROM postgres_query('src', {})) TO {} ({})".format(
            ", ".join(values), session.text(task.reading.rows), session.text(target), options
        )
    )


def _written(reader: session.Session, task: Task, folder: str) -> List[Tuple[str, DataFile]]:
    """Return the local files with what their footers say, under the keys they are to have."""
    footers = reader.run(
        "SELECT file_name, num_rows FROM parquet_file_metadata({}) ORDER BY ALL".format(
            session.text(folder + "/**/*.parquet")
        )
    ).fetchall()
    files: List[Tuple[str, DataFile]] = []
    written: Dict[str, int] = {}  # files per folder
    for path, rows in footers:
        folder_name, partition = "", None
        if task.partition_column:
            value = _folder_value(path)
            folder_name = "{}={}/".format(quote(task.partition_column, safe=""), quote(value, safe=""))
            partition = {task.partition_column: None if value == DEFAULT_PARTITION else value}
        # Splits take turns with the numbers, so that no other split's file has this one.
        nth = written.get(folder_name, 0)
        written[folder_name] = nth + 1
        key = "{}{}part-{:05d}.parquet".format(task.prefix, folder_name, task.split.number + nth * task.splits)
        files.append((path, DataFile(key, rows, os.path.getsize(path), partition)))
    return files


def _folder_value(path: str) -> str:
    """Return the value in the name of the folder that DuckDB wrote a file to."""
    return unquote(os.path.basename(os.path.dirname(path)).split("=", 1)[1])


def _name(name: str) -> str:
    """Return a name as an identifier of DuckDB."""
    return '"{}"'.format(name.replace('"', '""'))
