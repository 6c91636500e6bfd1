"""One job run: look at what is committed, read the next window, publish it, register it."""

from __future__ import annotations

import datetime
import json
import sys
import time
import uuid
from dataclasses import asdict, dataclass
from typing import Any, Callable

from landing import database, postgres, secret, store
from landing.arguments import Arguments
from landing.engine import Engine
from landing.errors import LandingError, Scrubber
from landing.extract import File, Task
from landing.register import Register
from landing.window import Window, next_window

INGESTED_AT = "ingestion_timestamp"

# A place where a test may cut the run off.
Step = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """How a job run ended: the batch it published, or none."""

    batch: str
    rows: int
    files: int


def log(event: str, **fields: Any) -> None:
    """One line of progress, as JSON. Never a secret or a value of a row."""
    print(json.dumps({"event": event, **fields}, default=str), file=sys.stdout, flush=True)


def land(arguments: Arguments, engine: Engine, scrubber: Scrubber, step: Step = lambda _: None) -> Result:
    """Lands the table once. Raises LandingError; nothing is published then that was not before."""
    credentials = secret.read(store.client("secretsmanager"), arguments.secret_name)
    scrubber.hide(credentials.password)
    raw = store.Store(arguments.destination_bucket, f"{credentials.dbname}/{arguments.source_table}/")
    schema, name = postgres.split_name(arguments.source_table)
    register = Register(store.client("glue"), raw, credentials.dbname, f"{schema}_{name}")
    full = arguments.load_type == "Full"
    numbers = raw.commits()
    # An earlier run may have been cut off between its commit and this.
    register.sync(numbers, full, arguments.partition_column)
    step("before read")
    last = raw.read(numbers[-1]) if numbers else None
    session = database.Session(credentials)
    try:
        batch, record = _read(session, arguments, engine, raw, last, step)
    finally:
        session.close()
    if record is None:
        log("nothing new", table=arguments.source_table)
        return Result("", 0, 0)
    step("before commit")
    if not raw.commit(record):
        winner = raw.read(int(record["seq"]))["batch"]
        log("published by another run", table=arguments.source_table, batch=winner)
        return Result("", 0, 0)
    log("published", table=arguments.source_table, batch=batch, rows=record["rows"], files=len(record["files"]), bytes=record["bytes"])
    step("after commit")
    numbers = raw.commits()
    register.sync(numbers, full, arguments.partition_column)
    step("before sweep")
    _sweep(raw, numbers, full)
    return Result(batch, int(record["rows"]), len(record["files"]))


def _read(
    session: database.Session, arguments: Arguments, engine: Engine, raw: store.Store, last: dict[str, Any] | None, step: Step
) -> tuple[str, dict[str, Any] | None]:
    """Reads the next window on one snapshot and writes its files; the record is None when there is nothing new."""
    bound = postgres.safe_bound(session)
    # The bound has to be older than the snapshot, which the next transaction takes.
    session.end()
    session.begin()
    snapshot = str(session.query("SELECT pg_export_snapshot() AS s")[0][0])
    session.run("SET LOCAL TimeZone TO 'UTC'")
    table = postgres.describe(session, arguments.source_table)
    window = None
    if arguments.load_type == "Incremental":
        window = next_window(session, table, arguments.delta_column, bound, last)
        log("window", table=arguments.source_table, **window.record(), bound=bound.seen)
        if window.empty:
            return "", None
    _check_columns(table, arguments)
    rows = _check_rows(session, table, window)
    if window and rows == 0:
        return "", None
    number = (int(last["seq"]) if last else 0) + 1
    batch = f"{number:08d}-{uuid.uuid4().hex[:12]}"
    now = datetime.datetime.now(datetime.timezone.utc)
    tasks = _tasks(arguments, table, window, raw.batch_prefix(batch), snapshot, now)
    log("reading", table=arguments.source_table, rows=rows, splits=len(tasks))
    started = time.monotonic()
    files = engine(tasks) if rows else []
    step("after write")
    landed = sum(f.rows for f in files)
    if landed != rows:
        raise LandingError(f"{rows} rows in the source's snapshot, but {landed} in the files; nothing was published", "Run the job again, and report this")
    log("written", table=arguments.source_table, rows=landed, seconds=round(time.monotonic() - started, 3))
    return batch, _record(arguments, table, window, number, batch, files, now)


def _check_columns(table: postgres.Table, arguments: Arguments) -> None:
    if any(c.name.lower() == INGESTED_AT for c in table.columns):
        raise LandingError(f"the table has a column {INGESTED_AT}, which every landed table gets", "Rename it, or land a view without it")
    seen: dict[str, str] = {}
    for c in table.columns:
        if c.name.lower() in seen:
            raise LandingError(f"the columns {seen[c.name.lower()]} and {c.name} differ in case alone, which the Glue Data Catalog cannot", "Land a view with other names")
        seen[c.name.lower()] = c.name
    for name in arguments.primary_key + ((arguments.partition_column,) if arguments.partition_column else ()):
        table.column(name)


def _check_rows(session: database.Session, table: postgres.Table, window: Window | None) -> int:
    """Counts the rows to land in the snapshot, and refuses what cannot be landed as it is."""
    refused = [c for c in table.columns if c.refused]
    counts = ["count(*)"] + [f"count(*) FILTER (WHERE {c.refused})" for c in refused]
    listed = ", ".join(f"{c} AS c{i}" for i, c in enumerate(counts))
    if window:
        nulls = session.query(f"SELECT count(*) AS n FROM {table.sql} WHERE {postgres.quoted(window.column)} IS NULL")[0][0]
        if nulls:
            raise LandingError(f"{nulls} rows have NULL in {window.column} and would never be landed", "Fill the column, set another DeltaColumnName, or use LoadType Full")
    where = f" WHERE {window.condition}" if window else ""
    found = session.query(f"SELECT {listed} FROM {table.sql}{where}")[0]
    for column, count in zip(refused, found[1:]):
        if count:
            raise LandingError(f"column {column.name}: {count} rows hold a value that {column.refused_as}, which Parquet cannot hold exactly", "Correct the rows, or land a view that casts the column to text")
    return int(found[0])


def _tasks(arguments: Arguments, table: postgres.Table, window: Window | None, prefix: str, snapshot: str, now: datetime.datetime) -> list[Task]:
    count = arguments.file_count or -(-table.heap_bytes // postgres.SPLIT_BYTES)
    listed = ", ".join(f"{c.expression} AS {postgres.quoted(c.name)}" for c in table.columns)
    tasks = []
    for i, condition in enumerate(postgres.ctid_conditions(table, count)):
        if window:
            condition += " AND " + window.condition
        select = f"SELECT {listed} FROM {table.sql} WHERE {condition}"
        tasks.append(Task(arguments.secret_name, arguments.destination_bucket, prefix, snapshot, select, now.isoformat(), arguments.partition_column, i))
    return tasks


def _record(
    arguments: Arguments, table: postgres.Table, window: Window | None, number: int, batch: str, files: list[File], now: datetime.datetime
) -> dict[str, Any]:
    columns = [{"name": c.name, "sourceType": c.source_type, "type": c.type} for c in table.columns]
    columns.append({"name": INGESTED_AT, "sourceType": "added by Landfall", "type": "timestamp"})
    return {
        "version": 1,
        "seq": number,
        "batch": batch,
        "loadType": arguments.load_type,
        "window": window.record() if window else None,
        "watermark": window.high if window else None,
        "files": [asdict(f) for f in files],
        "rows": sum(f.rows for f in files),
        "bytes": sum(f.bytes for f in files),
        "columns": columns,
        "primaryKey": list(arguments.primary_key),
        "committedAt": now.isoformat(),
        "jobRunId": arguments.job_run_id,
    }


def _sweep(raw: store.Store, numbers: list[int], full: bool) -> None:
    """Removes what can never be read: batches whose number another took and, of full loads, all but the last two."""
    kept = numbers[-2:] if full else numbers
    removed = raw.sweep({str(raw.read(n)["batch"]) for n in kept}, numbers[-1])
    if removed:
        log("swept", objects=removed)
