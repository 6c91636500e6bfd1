"""One landing of one table, from the window to the Glue Data Catalog.

Every step may be the last one of a job run that is killed: files without a commit record do not exist for readers, and
what should follow a commit is made up for by the next job run.
"""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional, Sequence, Tuple

from landing import verify
from landing.arguments import FULL, INCREMENTAL, Arguments
from landing.commits import Commit, Commits, DataFile, described, last_watermark
from landing.engine import Engine
from landing.errors import LandingError
from landing.events import Events
from landing.extract import extract
from landing.objects import Objects
from landing.postgres.relation import close, did_you_mean
from landing.postgres.source import PostgresTable
from landing.postgres.window import kind
from landing.register import Registrar
from landing.secret import Secret
from landing.source import Column, Split, Table, Window
from landing.sweep import sweep
from landing.task import INGESTION, Task

_ATTEMPT = re.compile(r"_attempt_\d+$")


@dataclass(frozen=True)
class Services:
    """What a landing works with."""

    secret: Secret
    objects: Objects
    glue: Any  # client of boto3
    region: Optional[str]
    engine: Engine
    events: Events


def land(arguments: Arguments, services: Services) -> None:
    """Land the table once. Raises LandingError, or what AWS raised."""
    prefix = "{}/{}/".format(services.secret.dbname, arguments.table)
    commits = Commits(services.objects, prefix)
    numbers = commits.numbers()
    last = commits.read(numbers[-1]) if numbers else None
    if last is not None and _same_run(last.job_run_id, arguments.job_run_id):
        services.events.write("landed before", batch=last.batch, rows=last.rows)
    else:
        _Landing(arguments, services, commits, prefix, last).run()
        numbers = commits.numbers()
    registrar = Registrar(
        services.glue, arguments.bucket, services.secret.dbname, arguments.table, arguments.partition_column
    )
    added = registrar.register(commits, numbers)
    services.events.write("registered", partitions=added)
    for batch in sweep(services.objects, prefix, commits, numbers):
        services.events.write("swept", batch=batch)


def _same_run(one: str, other: str) -> bool:
    """Tell whether two job run ids are attempts of one job run, as Glue numbers retries."""
    return bool(one) and _ATTEMPT.sub("", one) == _ATTEMPT.sub("", other)


class _Landing:
    """One batch in the making."""

    def __init__(
        self, arguments: Arguments, services: Services, commits: Commits, prefix: str, last: Optional[Commit]
    ) -> None:
        self._arguments = arguments
        self._services = services
        self._commits = commits
        self._last = last
        self._seq = last.seq + 1 if last else 1
        self._batch = "{:08d}-{}".format(self._seq, uuid.uuid4().hex[:12])
        self._folder = "{}batch={}/".format(prefix, self._batch)
        self._read_at = datetime.now(timezone.utc)
        self._nulled: Dict[str, int] = {}

    def run(self) -> None:
        """Read, check and publish, unless there is nothing new."""
        with PostgresTable(self._services.secret, self._arguments.table, self._arguments.policies) as source:
            check_columns(source.table, self._arguments)
            window, rows = self._window(source)
            if self._arguments.load_type == INCREMENTAL and not rows:
                self._services.events.write("nothing new", **_shown(window))
                return
            files = self._read(source, window, rows)
            columns = (*source.table.columns, INGESTION)
        verify.arrived_whole(self._services.objects, self._folder, files)
        self._publish(window, files, columns)

    def _window(self, source: PostgresTable) -> Tuple[Optional[Window], Optional[int]]:
        """Return the window and its rows; of a full load neither."""
        if self._arguments.load_type == FULL:
            return None, None
        for note in source.notes:
            self._services.events.write("cautious window", reason=note)
        cursor = source.table.column(self._arguments.delta_column)
        assert cursor is not None  # check_columns saw it
        low = last_watermark(self._last, cursor.name, kind(cursor))
        source.check_cursor(cursor)
        window = source.window(cursor, low)
        return window, source.count(window) if window else 0

    def _read(self, source: PostgresTable, window: Optional[Window], rows: Optional[int]) -> List[DataFile]:
        """Have the engine read all splits, and check that they are the whole."""
        splits = source.splits(rows, self._arguments.file_count)
        self._services.events.write("reading", batch=self._batch, splits=len(splits), **_shown(window))
        tasks = self._tasks(source, window, splits)
        with ThreadPoolExecutor(1) as pool:
            # A full load's rows are counted while they are read; the engine does not need this connection.
            counted = pool.submit(source.count, window) if rows is None else None
            outcomes = self._services.engine.run(extract, tasks)
            total = counted.result() if counted else rows
        files = verify.read_whole(outcomes, total or 0)
        for outcome in outcomes:
            for column, values in outcome.nulled:
                self._nulled[column] = self._nulled.get(column, 0) + values
        if self._nulled:
            self._services.events.write("nulled", columns=self._nulled)
        return files

    def _tasks(self, source: PostgresTable, window: Optional[Window], splits: Sequence[Split]) -> List[Task]:
        partition = source.table.column(self._arguments.partition_column)
        return [
            Task(
                secret_name=self._arguments.secret_name,
                region=self._services.region,
                snapshot=source.snapshot,
                split=split,
                reading=source.reading(split, window, partition),
                columns=source.table.columns,
                partition_column=self._arguments.partition_column,
                ingested_at=self._read_at.isoformat(sep=" "),
                bucket=self._arguments.bucket,
                prefix=self._folder,
                splits=len(splits),
            )
            for split in splits
        ]

    def _publish(self, window: Optional[Window], files: Sequence[DataFile], columns: Sequence[Column]) -> None:
        """Make the batch visible, or give it up when another one has its number."""
        incremental = self._arguments.load_type == INCREMENTAL
        goes_on = incremental and self._last is not None and self._last.load_type == INCREMENTAL
        commit = Commit(
            seq=self._seq,
            base=self._last.base if goes_on and self._last else self._seq,
            batch=self._batch,
            load_type=self._arguments.load_type,
            window=window,
            files=tuple(files),
            columns=described(columns),
            primary_key=self._arguments.primary_key,
            committed_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            job_run_id=self._arguments.job_run_id,
            nulled=self._nulled,
        )
        facts = {"rows": commit.rows, "files": len(files), "bytes": commit.size}
        if self._commits.publish(commit):
            self._services.events.write("published", batch=self._batch, **facts)
            return
        winner = self._commits.read(self._seq).batch
        self._services.objects.delete_below(self._folder)
        self._services.events.write("overtaken", batch=self._batch, published=winner)


def _shown(window: Optional[Window]) -> Dict[str, Optional[str]]:
    return {"column": window.column, "low": window.low, "high": window.high} if window else {}


def check_columns(table: Table, arguments: Arguments) -> None:
    """Raise LandingError with all that is wrong with the columns that the arguments name, and with the table's own."""
    names = [column.name for column in table.columns]
    problems = []
    wanted = [("partition column", arguments.partition_column)]
    wanted += [("primary key column", name) for name in arguments.primary_key]
    if arguments.load_type == INCREMENTAL:
        wanted.insert(0, ("delta column", arguments.delta_column))
    for role, name in wanted:
        if name and name not in names:
            problems.append("it has no {} {!r}{}".format(role, name, did_you_mean(close(name, names))))
    seen: Dict[str, str] = {}
    for name in names:
        if name.lower() == INGESTION.name:
            problems.append("it has a column {} of its own, which landing would add".format(name))
        if name.lower() in seen:
            problems.append(
                "columns {} and {} differ in case only, which readers cannot tell apart".format(
                    seen[name.lower()], name
                )
            )
        seen[name.lower()] = name
    if problems:
        hint = "Correct the catalog's entry"
        if any("delta column" in problem for problem in problems):
            hint += " (a table without a column that says when a row changed needs LoadType Full)"
        raise LandingError("; ".join(problems), hint)
