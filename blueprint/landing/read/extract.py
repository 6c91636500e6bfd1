"""Reads one split from the database and writes it to S3. Runs in the job's engine, on whichever machine that picks."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple
from urllib.parse import quote, unquote

import boto3
import duckdb

from landing.databases.dialect import Dialect, Session, dialect
from landing.databases.duckdb_sql import LOG, name, text
from landing.databases.model import DEFAULT_PARTITION
from landing.job import secret
from landing.job.errors import LandingError, counted, explain
from landing.publish.bucket import Objects
from landing.publish.commit_record import DataFile
from landing.read.read_back import PARTITION, arriving, columns_of, compare, share, unlike
from landing.read.split_task import INGESTION, Outcome, Task

# Spark refuses dates before 1582 in files that do not say by which calendar they were written. Files of Spark 3 and
# later are by the one that PostgreSQL and DuckDB count by.
_METADATA = "{'org.apache.spark.version': '3.5.6'}"

# As pyarrow compresses: level 3, the default, costs the writer a quarter more for files that are a tenth smaller. Bloom
# filters, a sixth of the writer's time, are made for columns with a dictionary alone, which readers look at as well.
_WRITTEN = "COMPRESSION zstd, COMPRESSION_LEVEL 1, WRITE_BLOOM_FILTER false"


Here = Tuple[Session, Objects]
"""A session that shows the task's snapshot already, and the bucket."""


def extract(task: Task, here: Optional[Here] = None) -> Outcome:
    """Read the split, check it, upload its files. Doing it again overwrites the same keys with the same rows.

    here is for the coordinator that reads a split itself; without, a connection of this process's own is used.
    """
    started = time.monotonic()
    try:
        rows, nulled, files = _extract(task, here)
    except Exception as error:
        known = explain(error)
        return Outcome(task.split.number, what=known.what, todo=known.todo)
    return Outcome(task.split.number, rows, tuple(files), time.monotonic() - started, tuple(nulled))


def _extract(task: Task, here: Optional[Here]) -> Tuple[int, List[Tuple[str, int]], List[DataFile]]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="landfall-"))
        if here is None:
            known, duck, objects = _connect(task.secret_name, task.region, task.bucket)
            reader = stack.enter_context(known.session(duck, task.snapshot))
        else:
            reader, objects = here
        facts = _check(reader, task)
        if not facts.rows:
            return 0, [], []
        arrived = _copy(reader, task, folder, facts.rows)
        files = _written(reader, task, folder)
        landed = sum(file.rows for _, file in files)
        if landed != facts.rows:
            _caught(task, reader.query(task.reading.caught)[0])
            raise LandingError(
                "split {} has {} in the snapshot but {} in its files".format(
                    task.split.number, counted(facts.rows, "row"), landed
                ),
                "Nothing was published; run the job again and report it if it stays",
            )
        compare(reader, task, folder, facts.proofs, arrived)
        for path, file in files:
            objects.upload(path, file.key)
    return facts.rows, list(facts.nulled), [file for _, file in files]


_lock = threading.Lock()
_known: Dict[Tuple[int, str, str], Tuple[secret.Secret, Objects]] = {}
Connections = Tuple[Dialect, duckdb.DuckDBPyConnection, Objects]

_connections: Dict[Tuple[int, str, str], Connections] = {}


def use(secret_name: str, found: secret.Secret, objects: Objects) -> None:
    """Have the splits that this process reads use what it has; making clients takes longer than a small table."""
    _known[os.getpid(), secret_name, objects.bucket] = (found, objects)


def _connect(secret_name: str, region: Optional[str], bucket: str) -> Connections:
    """Return this process's connections; Spark's Python processes serve many splits."""
    with _lock:
        key = (os.getpid(), secret_name, bucket)
        if key not in _connections:
            found, objects = _known.get(key) or _look_up(secret_name, region, bucket)
            known = dialect(found.engine)
            duck = known.attach(found)
            # A split is one stream, and each is read by a thread of its own: DuckDB's would only wait for work.
            duck.execute("SET threads = 1")
            _connections[key] = (known, duck, objects)
        return _connections[key]


def _look_up(secret_name: str, region: Optional[str], bucket: str) -> Tuple[secret.Secret, Objects]:
    aws: Any = boto3.session.Session(region_name=region)
    return secret.read(aws.client("secretsmanager"), secret_name), Objects(aws.client("s3"), bucket)


@dataclass(frozen=True)
class Facts:
    """What the snapshot says of a split."""

    rows: int
    proofs: Tuple[Any, ...]  # the values of the reading's proofs
    nulled: Tuple[Tuple[str, int], ...]  # columns and how many of their values land as NULL by policy


def _check(reader: Session, task: Task) -> Facts:
    """Return what the files will have to hold.

    The rows that no policy lets land are among them but will not come: then there are fewer. So they cost no scan.
    """
    rows, *values = reader.query(task.reading.facts)[0]
    nulled: List[Tuple[str, int]] = []
    if any(check.nulled for check in task.reading.checks):
        nulled = _caught(task, reader.query(task.reading.caught)[0])
    if rows:
        _check_types(reader, task, rows)
    return Facts(int(rows), tuple(values), tuple(nulled))


def _caught(task: Task, counts: Sequence[Any]) -> List[Tuple[str, int]]:
    """Return the values that land as NULL by policy. Raises LandingError for those that no policy lets land."""
    caught = [(check, int(count)) for check, count in zip(task.reading.checks, counts) if count]
    refused = [(check, n) for check, n in caught if not check.nulled]
    if refused:
        bad = [
            "{} {}".format(counted(n, "row of {} holds", "rows of {} hold").format(check.column), check.what)
            for check, n in refused
        ]
        todo = sorted({check.todo for check, _ in refused})
        raise LandingError(
            "; ".join(bad),
            "Correct the rows in the source, or {}; nothing was published".format(", or ".join(todo)),
        )
    return [(check.column, n) for check, n in caught]


def _check_types(reader: Session, task: Task, rows: int) -> None:
    """Raise LandingError when a column would arrive as another type than the dialect says."""
    expected = [column.sent_as or column.wire for column in task.columns]
    expected += (["VARCHAR"] if task.partition_column else []) + ["VARCHAR[]"]
    got = reader.types(task.reading.rows(share(task, rows)))
    if got != expected:
        wrong = [
            "{} ({}) as {} instead of {}".format(column.name, column.source_type, arrives, wanted)
            for column, arrives, wanted in zip(task.columns, got, expected)
            if arrives != wanted
        ]
        raise LandingError(
            "it would arrive changed: {}".format("; ".join(wrong)), "Nothing was published; please report this"
        )


def _copy(reader: Session, task: Task, folder: str, rows: int) -> str:
    """Write the split's rows as Parquet files below the folder, and return the hash of the rows as they arrived.

    The hash is taken in passing: with the last row, the running sum goes to DuckDB's log. So no row is kept for it
    and nothing is added to the files. Without that row there is no hash, and the comparison fails. Raises LandingError
    when a row of the sample did not arrive as the source shows it.
    """
    token = uuid.uuid4().hex
    message = "concat('{} ', CASE WHEN n = {} THEN s::VARCHAR END, ':', d)".format(token, rows)
    noted = "CASE WHEN n = {} OR d IS NOT NULL THEN write_log({}, log_type := '{}') IS NULL OR n > 0 ELSE true END"
    values = columns_of(task)
    values.append("{}::{} AS {}".format(text(task.ingested_at), INGESTION.wire, name(INGESTION.name)))
    target = folder + "/data.parquet"
    options = "FORMAT parquet, {}, ROW_GROUP_SIZE_BYTES '64MB', KV_METADATA {}".format(_WRITTEN, _METADATA)
    if task.partition_column or task.split.files > 1:
        values.append("{} AS {}".format("p" if task.partition_column else _turn(task), name(PARTITION)))
        options += ", PARTITION_BY ({}), OVERWRITE_OR_IGNORE".format(name(PARTITION))
        target = folder
    elif task.file_bytes:
        options += ", FILE_SIZE_BYTES {}, FILE_EXTENSION 'parquet'".format(task.file_bytes)
        target = folder + "/data"
    reader.run(
        "COPY (SELECT {} FROM {} WHERE {}) TO {} ({})".format(
            ", ".join(values),
            arriving(reader, task, rows),
            noted.format(rows, message, LOG),
            text(target),
            options,
        )
    )
    logged = reader.run("SELECT message FROM duckdb_logs() WHERE message LIKE '{} %'".format(token)).fetchall()
    found = [str(message)[len(token) + 1 :].split(":") for (message,) in logged]
    differing = [numbers for _, numbers in found if numbers]
    if differing:
        raise unlike(task, differing)
    return found[0][0] if found else ""


def _turn(task: Task) -> str:
    """Return SQL that deals rows out to as many files as are wanted."""
    return "n % {}".format(task.split.files)


def _written(reader: Session, task: Task, folder: str) -> List[Tuple[str, DataFile]]:
    """Return the local files with what their footers say, under the keys they are to have."""
    if not any(names for _, _, names in os.walk(folder)):
        return []  # of no rows, DuckDB makes no folders of partitions
    footers = reader.run(
        "SELECT file_name, num_rows FROM parquet_file_metadata({}) ORDER BY ALL".format(text(folder + "/**/*.parquet"))
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
