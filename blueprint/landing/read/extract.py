"""Reads one split from the database and writes it to S3, on whichever machine the executor picks."""

from __future__ import annotations

import functools
import os
import tempfile
import uuid
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple
from urllib.parse import unquote

import boto3

from landing.databases.dialect import Database, Session
from landing.databases.duckdb_sql import LOG, name, text
from landing.databases.engines import dialect
from landing.databases.model import DEFAULT_PARTITION, INGESTION
from landing.job import secret
from landing.job.errors import LandingError, explain, pluralise
from landing.job.tuning import (
    FILE_UPLOADED,
    SPLIT_CHECKED,
    SPLIT_COMPARED,
    SPLIT_OPENED,
    SPLIT_WRITTEN,
    Observer,
    ignore,
)
from landing.publish.bucket import Bucket
from landing.publish.commit_record import DataFile
from landing.publish.folders import Partition, partition_folder
from landing.read.read_back import compare, folder_column, sample_error, sample_share, split_stream, stream_columns
from landing.read.split_task import SplitResult, SplitTask

# Spark refuses dates before 1582 in files that do not say by which calendar they were written. Files of Spark 3 and
# later are by the one that PostgreSQL and DuckDB count by.
_METADATA = "{'org.apache.spark.version': '3.5.6'}"

# As pyarrow compresses: level 3, the default, costs the writer a quarter more for files that are a tenth smaller. Bloom
# filters, a sixth of the writer's time, are made for columns with a dictionary alone, which readers look at as well.
_WRITTEN = "COMPRESSION zstd, COMPRESSION_LEVEL 1, WRITE_BLOOM_FILTER false"

OpenSession = Callable[[], Session]
"""Opens a session that sees the task's snapshot."""


def extract(task: SplitTask, open_session: OpenSession, bucket: Bucket, observe: Observer = ignore) -> SplitResult:
    """Read the split, check it, upload its files. Doing it again overwrites the same keys with the same rows.

    An error is part of the result.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="landfall-") as folder, open_session() as reader:
            return _extract(task, reader, bucket, folder, observe)
    except Exception as error:
        known = explain(error)
        return SplitResult(task.number, what=known.what, todo=known.todo)


def extract_on_executor(task: SplitTask) -> SplitResult:
    """Read the split in a process of Spark's, which has no clients yet when it reads its first one."""
    try:
        database, bucket = _clients(task.clients.secret_name, task.clients.region, task.clients.bucket, os.getpid())
    except Exception as error:
        known = explain(error)
        return SplitResult(task.number, what=known.what, todo=known.todo)
    return extract(task, lambda: database.session(task.snapshot), bucket)


@functools.lru_cache(maxsize=None)
def _clients(secret_name: str, region: Optional[str], bucket: str, pid: int) -> Tuple[Database, Bucket]:
    """Make clients once per process: Spark's Python processes read many splits."""
    aws: Any = boto3.session.Session(region_name=region)
    login = secret.read(aws.client("secretsmanager"), secret_name)
    return dialect(login.engine).connect(login), Bucket(aws.client("s3"), bucket)


def _extract(task: SplitTask, reader: Session, bucket: Bucket, folder: str, observe: Observer) -> SplitResult:
    observe(SPLIT_OPENED, session=reader, task=task)
    facts = _facts(reader, task)
    observe(SPLIT_CHECKED, session=reader, task=task)
    if not facts.rows:
        return SplitResult(task.number)
    stream_hash = _write(reader, task, folder, facts.rows)
    observe(SPLIT_WRITTEN, folder=folder)
    files = _files(reader, task, folder)
    landed = sum(file.rows for _, file in files)
    if landed != facts.rows:
        _violations(task, reader.query(task.query.violations)[0])
        raise LandingError(
            "split {} has {} in the snapshot but {} in its files".format(
                task.number, pluralise(facts.rows, "row"), landed
            ),
            "Nothing was published; run the job again and report it if it stays",
        )
    compare(reader, task, folder, facts.aggregates, stream_hash)
    observe(SPLIT_COMPARED)
    for path, file in files:
        bucket.upload(path, file.key)
        observe(FILE_UPLOADED)
    return SplitResult(task.number, facts.rows, tuple(file for _, file in files), facts.nulled)


@dataclass(frozen=True)
class _Facts:
    """What the snapshot says of a split."""

    rows: int
    aggregates: Tuple[Any, ...]  # the values of the query's aggregates
    nulled: Tuple[Tuple[str, int], ...]  # columns and how many of their values land as NULL by policy


def _facts(reader: Session, task: SplitTask) -> _Facts:
    """Return what the files will have to hold.

    The rows that no policy lets land are counted but will not arrive: then there are fewer. So they cost no scan.
    """
    rows, *values = reader.query(task.query.facts)[0]
    nulled: List[Tuple[str, int]] = []
    if any(check.nulled for check in task.query.checks):
        nulled = _violations(task, reader.query(task.query.violations)[0])
    if rows:
        _check_types(reader, task, rows)
    return _Facts(int(rows), tuple(values), tuple(nulled))


def _violations(task: SplitTask, counts: Sequence[Any]) -> List[Tuple[str, int]]:
    """Return the values that land as NULL by policy. Raises LandingError for those that no policy lets land."""
    found = [(check, int(count)) for check, count in zip(task.query.checks, counts) if count]
    refused = [(check, n) for check, n in found if not check.nulled]
    if refused:
        bad = [
            "{} {}".format(pluralise(n, "row of {} holds", "rows of {} hold").format(check.column), check.what)
            for check, n in refused
        ]
        todo = sorted({check.todo for check, _ in refused})
        raise LandingError(
            "; ".join(bad),
            "Correct the rows in the source, or {}; nothing was published".format(", or ".join(todo)),
        )
    return [(check.column, n) for check, n in found]


def _check_types(reader: Session, task: SplitTask, rows: int) -> None:
    """Raise LandingError when a column would arrive as another type than the dialect says."""
    expected = [column.sent_as or column.wire for column in task.columns]
    expected += (["VARCHAR"] if task.partition_column else []) + ["VARCHAR[]"]
    received = reader.types(task.query.rows(sample_share(task, rows)))
    if received != expected:
        wrong = [
            "{} ({}) as {} instead of {}".format(column.name, column.source_type, actual, wanted)
            for column, actual, wanted in zip(task.columns, received, expected)
            if actual != wanted
        ]
        raise LandingError(
            "it would arrive changed: {}".format("; ".join(wrong)), "Nothing was published; please report this"
        )


def _write(reader: Session, task: SplitTask, folder: str, rows: int) -> str:
    """Write the split's rows as Parquet files below the folder, and return the hash of the rows as they arrived.

    The hash is taken in passing: with the last row, the running sum is written to DuckDB's log. So no row is kept for
    it and nothing is added to the files. Without that row there is no hash, and the comparison fails. Raises
    LandingError when a row of the sample did not arrive as the source shows it.
    """
    token = uuid.uuid4().hex
    message = "concat('{} ', CASE WHEN row_no = {} THEN running_hash::VARCHAR END, ':', differing)".format(token, rows)
    logging_filter = (
        "CASE WHEN row_no = {} OR differing IS NOT NULL "
        "THEN write_log({}, log_type := '{}') IS NULL OR row_no > 0 ELSE true END"
    ).format(rows, message, LOG)
    values = stream_columns(task)
    values.append("{}::{} AS {}".format(text(task.ingested_at), INGESTION.wire, name(INGESTION.name)))
    target = folder + "/data.parquet"
    options = "FORMAT parquet, {}, ROW_GROUP_SIZE_BYTES '64MB', KV_METADATA {}".format(_WRITTEN, _METADATA)
    if task.partition_column or task.query.files > 1:
        round_robin = "row_no % {}".format(task.query.files)
        folders = name(folder_column(task))
        values.append("{} AS {}".format("p" if task.partition_column else round_robin, folders))
        options += ", PARTITION_BY ({}), OVERWRITE_OR_IGNORE".format(folders)
        target = folder
    elif task.file_bytes:
        options += ", FILE_SIZE_BYTES {}, FILE_EXTENSION 'parquet'".format(task.file_bytes)
        target = folder + "/data"
    reader.run(
        "COPY (SELECT {} FROM {} WHERE {}) TO {} ({})".format(
            ", ".join(values), split_stream(reader, task, rows), logging_filter, text(target), options
        )
    )
    logged = reader.run("SELECT message FROM duckdb_logs() WHERE message LIKE '{} %'".format(token)).fetchall()
    found = [str(message)[len(token) + 1 :].split(":") for (message,) in logged]
    differing = [numbers for _, numbers in found if numbers]
    if differing:
        raise sample_error(task, differing)
    return found[0][0] if found else ""


def _files(reader: Session, task: SplitTask, folder: str) -> List[Tuple[str, DataFile]]:
    """Return the local files with what their footers say, under the keys they are to have."""
    if not any(names for _, _, names in os.walk(folder)):
        return []  # of no rows, DuckDB makes no folders of partitions
    footers = reader.run(
        "SELECT file_name, num_rows FROM parquet_file_metadata({}) ORDER BY ALL".format(text(folder + "/**/*.parquet"))
    ).fetchall()
    files: List[Tuple[str, DataFile]] = []
    written: Dict[str, int] = {}  # files per folder
    for path, rows in footers:
        partition = _partition(task, path)
        in_batch = partition_folder(partition)
        # Splits take turns with the numbers, so that no other split's file has this one.
        nth = written.get(in_batch, 0)
        written[in_batch] = nth + 1
        key = "{}{}part-{:05d}.parquet".format(task.prefix, in_batch, task.number + nth * task.splits)
        files.append((path, DataFile(key, rows, os.path.getsize(path), partition)))
    return files


def _partition(task: SplitTask, path: str) -> Optional[Partition]:
    """Return the partition of a file, from the name of the folder that DuckDB wrote it to."""
    if not task.partition_column:
        return None
    value = unquote(os.path.basename(os.path.dirname(path)).split("=", 1)[1])
    return {task.partition_column: None if value == DEFAULT_PARTITION else value}
