"""One batch in the making, from its number to its commit record.

Nothing of it exists for readers before the record: a job run may be killed at any step.
"""

from __future__ import annotations

import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import Any, Dict, List, Optional, Sequence, Tuple

from landing.databases.dialect import Source, dialect
from landing.databases.model import Column, Part, Sizing, Table, Window
from landing.job.arguments import ALL, FREEZE, FULL, INCREMENTAL, Arguments
from landing.job.errors import LandingError
from landing.job.services import Services
from landing.plan import check_columns as columns_of
from landing.plan import evolution
from landing.plan.backfill_requests import Request, Requests
from landing.plan.planner import Choice, Chooser
from landing.plan.watermark import progress
from landing.publish import tombstones
from landing.publish.commit_log import Commits, described
from landing.publish.commit_record import Commit, DataFile
from landing.read import completeness as verify
from landing.read.executors import Threads, readers
from landing.read.extract import extract
from landing.read.split_task import INGESTION, Outcome, Task

_OWN = (INGESTION.name, tombstones.DELETED.name)


class Batch:
    """The next batch of a table."""

    def __init__(
        self, arguments: Arguments, services: Services, commits: Commits, prefix: str, numbers: Sequence[int]
    ) -> None:
        """Hope for the number after the last one. prefix is the table's place in the bucket."""
        self._arguments = arguments
        self._services = services
        self._commits = commits
        self._numbers = numbers
        self._prefix = prefix
        self._progress = progress(commits, numbers, arguments.load_type)
        self._seq = self._progress.seq + 1
        self._batch = "{:08d}-{}".format(self._seq, uuid.uuid4().hex[:12])
        self._folder = "{}batch={}/".format(prefix, self._batch)
        self._read_at = datetime.now(timezone.utc)
        self._nulled: Dict[str, int] = {}

    def run(self) -> Optional[LandingError]:
        """Read, check and publish, unless there is nothing new. Return what was refused of it, if anything."""
        arguments, services = self._arguments, self._services
        source_of = dialect(services.secret.engine).source
        lag = None if arguments.load_type == FULL else arguments.lag_seconds
        requests = Requests(services.objects, self._prefix, self._commits)
        with (
            tempfile.TemporaryDirectory(prefix="landfall-") as folder,
            source_of(services.secret, arguments.table, arguments.policies, lag) as source,
        ):
            columns_of.check(source.table, arguments)
            self._evolve(source.table)
            pending = requests.pending(self._numbers) if arguments.load_type == INCREMENTAL else []
            choice = self._choose(source, folder, pending)
            if choice is not None and not choice.needed:
                services.events.write("nothing new", **_shown(choice.window))
                return None
            files = self._read(source, choice)
            if choice is not None and choice.gone:
                files += self._tombstones(source, folder)
            if choice is not None and choice.known is not None:
                known = "{}_landfall/known/{}.parquet".format(self._prefix, self._batch)
                services.objects.upload(choice.known.key, known)
                choice = replace(choice, known=replace(choice.known, key=known))
            columns = (*source.table.columns, INGESTION)
        verify.arrived_whole(services.objects, self._folder, files)
        if not self._publish(choice, files, columns):
            return None
        requests.done(pending)
        refused = [backfill.refused for backfill in (choice.backfills if choice else ()) if backfill.refused]
        return (
            LandingError("; ".join(refused), "The rest was landed; ask again, landfall backfill") if refused else None
        )

    def _evolve(self, table: Table) -> None:
        """Compare the columns with those of the last batch, and begin a new version where they do not go together."""
        now, write = described(table.columns), self._services.events.write
        if self._arguments.schema_evolution == FREEZE and self._progress.newest is not None:
            evolution.frozen(evolution.changes(self._progress.newest.columns, now, _OWN))
        if self._progress.last is None:
            return
        found = evolution.changes(self._progress.last.columns, now, _OWN)
        if found.breaking:
            write("new schema version", changes=found.all, base=self._seq)
            self._progress = replace(self._progress, base=None, last=None, moved_to=None)
        elif found.in_place:
            write("columns changed", changes=found.all)

    def _choose(self, source: Source, folder: str, pending: Sequence[Request]) -> Optional[Choice]:
        """Return what an incremental load lands; of a full load None."""
        if self._arguments.load_type == FULL:
            return None
        chooser = Chooser(
            source,
            self._arguments,
            self._progress,
            self._live,
            self._services.objects,
            folder,
            self._services.events.write,
        )
        return chooser.choose(pending)

    def _live(self) -> List[Commit]:
        """Return the batches that the next one adds to."""
        base = self._progress.base
        return [self._commits.read(seq) for seq in self._numbers if base is not None and seq >= base]

    def _read(self, source: Source, choice: Optional[Choice]) -> List[DataFile]:
        """Have the engine read all splits, and check that they are the whole."""
        parts = choice.parts if choice else (Part("true", None),)
        tasks = self._tasks(source, parts)
        window = choice.window if choice else None
        self._services.events.write("reading", batch=self._batch, splits=len(tasks), **_shown(window))
        if not tasks:
            return []
        outcomes, rows = self._extracted(source, parts, tasks)
        files = verify.read_whole(outcomes, rows)
        for outcome in outcomes:
            for column, values in outcome.nulled:
                self._nulled[column] = self._nulled.get(column, 0) + values
        if self._nulled:
            self._services.events.write("nulled", columns=self._nulled)
        return files

    def _extracted(self, source: Source, parts: Sequence[Part], tasks: Sequence[Task]) -> Tuple[List[Outcome], int]:
        """Return what became of the splits, and how many rows all of them should have."""
        services, known = self._services, sum(part.rows or 0 for part in parts)
        uncounted = [part.condition for part in parts if part.rows is None]
        if self._arguments.max_connections == 1 or source.alone:
            known += sum(map(source.count, uncounted))
            return Threads(1).run(partial(extract, here=(source.session, services.objects)), tasks), known
        with ThreadPoolExecutor(1) as pool:
            # A full load's rows are counted while they are read; the engine does not need this connection.
            counts = [pool.submit(source.count, condition) for condition in uncounted]
            outcomes = services.engine.run(extract, tasks)
            return outcomes, known + sum(count.result() for count in counts)

    def _tasks(self, source: Source, parts: Sequence[Part]) -> List[Task]:
        partition = source.table.column(self._arguments.partition_column)
        cursor = self._arguments.delta_columns if self._arguments.load_type == INCREMENTAL else ()
        splits = [
            (part, split)
            for number, part in enumerate(parts)
            # Rows below the window are few and get a file of their own.
            for split in source.splits(part.rows, self._sizing(number == 0), self._arguments.primary_key)
        ]
        return [
            Task(
                secret_name=self._arguments.secret_name,
                region=self._services.region,
                snapshot=source.snapshot,
                split=replace(split, number=number),
                reading=source.reading(split, part.condition, partition, cursor),
                columns=source.table.columns,
                partition_column=self._arguments.partition_column,
                ingested_at=self._read_at.isoformat(sep=" "),
                bucket=self._arguments.bucket,
                prefix=self._folder,
                splits=len(splits),
                compare_all=self._arguments.compare_rows == ALL,
                file_bytes=0 if self._arguments.file_count else self._arguments.file_mb << 20,
            )
            for number, (part, split) in enumerate(splits)
        ]

    def _sizing(self, first: bool) -> Sizing:
        arguments = self._arguments
        return Sizing(arguments.file_count if first else 0, arguments.file_mb << 20, readers(arguments.max_connections))

    def _tombstones(self, source: Source, folder: str) -> List[DataFile]:
        """Write and upload the tombstones."""
        arguments = self._arguments
        written = tombstones.write(
            source.session,
            source.table.columns,
            arguments.primary_key,
            arguments.partition_column,
            self._read_at.isoformat(sep=" "),
            folder,
            self._folder,
        )
        for path, file in written:
            self._services.objects.upload(path, file.key)
        return [file for _, file in written]

    def _publish(self, choice: Optional[Choice], files: Sequence[DataFile], columns: Sequence[Column]) -> bool:
        """Make the batch visible, or give it up when another one has its number; tell which."""
        if self._arguments.load_type == INCREMENTAL and self._arguments.detect_deletes:
            columns = (*columns, tombstones.DELETED)
        before = self._progress.last.columns if self._progress.last else None
        commit = Commit(
            seq=self._seq,
            base=self._seq if self._progress.base is None else self._progress.base,
            batch=self._batch,
            load_type=self._arguments.load_type,
            window=choice.window if choice else None,
            files=tuple(files),
            columns=evolution.in_order(before, described(columns)),
            primary_key=self._arguments.primary_key,
            committed_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            job_run_id=self._arguments.job_run_id,
            nulled=self._nulled,
            sight=choice.sight if choice else None,
            known=choice.known if choice else None,
            backfills=choice.backfills if choice else (),
        )
        facts = {"rows": commit.rows, "deleted": commit.deleted, "files": len(files), "bytes": commit.size}
        if self._commits.publish(commit):
            self._services.events.write("published", batch=self._batch, **facts)
            return True
        winner = self._commits.read(self._seq)
        self._services.objects.delete_below(self._folder)
        self._services.events.write("overtaken", batch=self._batch, published=winner.batch or winner.action)
        return False


def _shown(window: Optional[Window]) -> Dict[str, Any]:
    if window is None:
        return {}
    return {"column": ", ".join(window.columns), "low": window.low, "high": window.high}
