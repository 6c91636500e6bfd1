"""Reads the rows of a batch plan: cuts them into splits, has these read, and checks that they are complete."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple, cast

from landing.databases.dialect import Session, Source
from landing.databases.model import ReadContext, RowSet, Sizing
from landing.job.arguments import ALL, INCREMENTAL, Arguments
from landing.job.services import Services
from landing.job.tuning import SPLITS_READ
from landing.publish.batch import Batch
from landing.publish.commit_record import DataFile
from landing.read.completeness import check_row_counts
from landing.read.executors import Threads, readers
from landing.read.extract import extract
from landing.read.split_task import ClientSettings, SplitResult, SplitTask


@dataclass(frozen=True)
class Read:
    """The files of a batch's rows."""

    files: List[DataFile]
    nulled: Dict[str, int]  # column: values that landed as NULL by policy


def tasks(
    arguments: Arguments, services: Services, source: Source, batch: Batch, row_sets: Sequence[RowSet]
) -> List[SplitTask]:
    """Return the tasks of all splits of the row sets."""
    incremental = arguments.load_type == INCREMENTAL
    context = ReadContext(
        arguments.primary_key,
        source.table.column(arguments.partition_column),
        arguments.delta_columns if incremental else (),
    )
    queries = [
        query
        for number, rows in enumerate(row_sets)
        # Rows below the window are few and get a file of their own.
        for query in source.reads.split(rows, _sizing(arguments, services, number == 0), context)
    ]
    return [
        SplitTask(
            clients=ClientSettings(arguments.secret_name, services.region, arguments.bucket),
            snapshot=source.reads.snapshot,
            number=number,
            query=query,
            columns=source.table.columns,
            partition_column=arguments.partition_column,
            ingested_at=batch.ingested_at,
            prefix=batch.folder,
            splits=len(queries),
            file_bytes=0 if arguments.file_count else arguments.file_mb << 20,
            sample_rows=None if arguments.compare_rows == ALL else services.tuning.sample_rows,
        )
        for number, query in enumerate(queries)
    ]


def _sizing(arguments: Arguments, services: Services, first: bool) -> Sizing:
    return Sizing(
        files=arguments.file_count if first else 0,
        file_bytes=arguments.file_mb << 20,
        readers=readers(arguments.max_connections),
        min_split_bytes=services.tuning.min_split_bytes,
        table_bytes_per_file_byte=services.tuning.table_bytes_per_file_byte,
    )


def read_splits(
    arguments: Arguments,
    services: Services,
    source: Source,
    row_sets: Sequence[RowSet],
    splits: Sequence[SplitTask],
) -> Read:
    """Have the splits read, and check that they are all rows of the row sets. Raises LandingError."""
    results, rows = _results(arguments, services, source, row_sets, splits) if splits else ([], 0)
    services.tuning.observe(SPLITS_READ)
    nulled: Dict[str, int] = {}
    files = check_row_counts(results, rows)
    for result in results:
        for column, values in result.nulled:
            nulled[column] = nulled.get(column, 0) + values
    if nulled:
        services.events.write("nulled", columns=nulled)
    return Read(files, nulled)


def _results(
    arguments: Arguments,
    services: Services,
    source: Source,
    row_sets: Sequence[RowSet],
    splits: Sequence[SplitTask],
) -> Tuple[List[SplitResult], int]:
    """Return the results of the splits, and how many rows all of them should have."""
    counted = sum(rows.rows or 0 for rows in row_sets)
    uncounted = [rows.condition for rows in row_sets if rows.rows is None]
    reads, observe = source.reads, services.tuning.observe
    if arguments.max_connections == 1 or reads.single_reader:
        counted += sum(map(reads.count, uncounted))

        def on_own_session(task: SplitTask) -> SplitResult:
            return extract(task, lambda: cast(Session, nullcontext(reads.session)), services.bucket, observe)

        return Threads(1).run(splits, on_own_session), counted

    def here(task: SplitTask) -> SplitResult:
        return extract(task, lambda: services.database.session(task.snapshot), services.bucket, observe)

    with ThreadPoolExecutor(1) as pool:
        # A full load's rows are counted while they are read; the readers do not need this connection.
        counts = [pool.submit(reads.count, condition) for condition in uncounted]
        results = services.executor.run(splits, here)
        return results, counted + sum(count.result() for count in counts)
