"""One split of one table: read by DuckDB on an imported snapshot, written as Parquet, uploaded."""

from __future__ import annotations

import os
import shutil
import tempfile
import urllib.parse
from dataclasses import dataclass

from landing import database, secret, store
from landing.postgres import literal, quoted


@dataclass(frozen=True)
class Task:
    """What an executor needs for one split. It holds no credentials: the executor reads the secret itself."""

    secret_name: str
    bucket: str
    prefix: str  # of the batch, with a slash at the end
    snapshot: str
    select: str  # in the source's SQL
    ingested_at: str
    partition_column: str
    number: int


@dataclass(frozen=True)
class File:
    """One uploaded file."""

    key: str
    rows: int
    bytes: int
    partition: str  # value of the partition column, empty without one


def extract(task: Task) -> list[File]:
    """Lands the split and returns its files; none when it has no rows. Raises LandingError."""
    credentials = secret.read(store.client("secretsmanager"), task.secret_name)
    session = database.Session(credentials)
    scratch = tempfile.mkdtemp(prefix="landfall-")
    try:
        session.run(f"SET TRANSACTION SNAPSHOT {literal(task.snapshot)}")
        session.run("SET LOCAL TimeZone TO 'UTC'")
        _write(session, task, scratch)
        return _upload(session, task, scratch)
    finally:
        session.close()
        shutil.rmtree(scratch, ignore_errors=True)


def _write(session: database.Session, task: Task, scratch: str) -> None:
    source = f"SELECT *, TIMESTAMPTZ {literal(task.ingested_at)} AS ingestion_timestamp FROM {session.relation(task.select)}"
    options = "FORMAT parquet, COMPRESSION zstd"
    target = os.path.join(scratch, f"part-{task.number:05d}.parquet")
    if task.partition_column:
        # More than one file per value would need names of its own; one thread writes one.
        options += f", PARTITION_BY ({quoted(task.partition_column)}), FILENAME_PATTERN {literal(f'part-{task.number:05d}-{{i}}')}, OVERWRITE_OR_IGNORE"
        target = scratch
    session.copy(f"COPY ({source}) TO {literal(target)} ({options})")


def _upload(session: database.Session, task: Task, scratch: str) -> list[File]:
    files = []
    for folder, _, names in sorted(os.walk(scratch)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            rows = session.duck.execute(f"SELECT sum(num_rows) FROM parquet_file_metadata({literal(path)})").fetchall()[0][0]
            if not rows:
                continue
            relative = os.path.relpath(path, scratch).replace(os.sep, "/")
            key = task.prefix + relative
            store.client("s3").upload_file(path, task.bucket, key)
            partition = urllib.parse.unquote(relative.split("/")[0].split("=", 1)[1]) if task.partition_column else ""
            files.append(File(key, int(rows), os.path.getsize(path), partition))
    return files
