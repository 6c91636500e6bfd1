"""One landing of one table, from the commit log to the Glue Data Catalog.

A job run may be killed at every step: files without a commit record do not exist for readers, and the next job run
completes what should follow a commit.
"""

from __future__ import annotations

import re
import tempfile
from typing import Optional

from landing.databases.model import DELETED, INGESTION
from landing.job.arguments import INCREMENTAL, Arguments
from landing.job.services import Services
from landing.job.tuning import PLANNED, REQUESTS_REMOVED, UPLOADED
from landing.plan.backfill_requests import BackfillRequests
from landing.plan.batch_plan import FULL_LOAD, BatchPlan
from landing.plan.check_columns import check_columns
from landing.plan.evolution import evolve
from landing.plan.planner import BatchPlanner
from landing.plan.watermark import read_progress
from landing.publish import tombstones
from landing.publish.batch import next_batch
from landing.publish.commit_log import CommitLog
from landing.publish.glue_catalog import GlueTable
from landing.publish.publish_batch import BatchContents, publish_batch, upload_key_index
from landing.publish.sweep import sweep
from landing.read.completeness import check_uploaded
from landing.read.read_splits import read_splits, tasks

_ATTEMPT = re.compile(r"_attempt_\d+$")


def land(arguments: Arguments, services: Services) -> None:
    """Land the table once. Raises LandingError, or botocore's errors."""
    prefix = "{}/{}/".format(services.secret.dbname, arguments.table)
    log = CommitLog(services.bucket, prefix)
    plan, last = None, log.last()
    if last is not None and _same_job_run(last.job_run_id, arguments.job_run_id):
        services.events.write("landed before", batch=last.batch, rows=last.rows)
    else:
        plan = _land_batch(arguments, services, log, prefix)
        log.refresh()
    added = _glue_table(arguments, services).register(log)
    services.events.write("registered", partitions=added)
    for batch in sweep(services.bucket, prefix, log, services.tuning.replaced_grace):
        services.events.write("swept", batch=batch)
    if plan:
        plan.raise_refused()


def _land_batch(arguments: Arguments, services: Services, log: CommitLog, prefix: str) -> Optional[BatchPlan]:
    """Land the next batch, unless there is nothing new or another job run is faster. Return what was published."""
    events, tuning, bucket = services.events, services.tuning, services.bucket
    incremental = arguments.load_type == INCREMENTAL
    progress = read_progress(log, arguments.load_type)
    batch = next_batch(progress.seq, prefix)
    requests = BackfillRequests(bucket, prefix, log)
    lag = arguments.lag_seconds if incremental else None
    with (
        tempfile.TemporaryDirectory(prefix="landfall-") as folder,
        services.database.source(arguments.table, arguments.policies, lag, tuning) as source,
    ):
        check_columns(source.table, arguments)
        progress = evolve(progress, source.table.columns, arguments.schema_evolution, events.write)
        pending = requests.pending() if incremental else []
        plan = FULL_LOAD
        if incremental:
            planner = BatchPlanner(source, arguments, progress, log, bucket, folder, tuning, events.write)
            plan = planner.plan(pending)
        tuning.observe(PLANNED, source=source)
        if not plan.needed:
            events.write("nothing new", **plan.window_facts)
            return None
        splits = tasks(arguments, services, source, batch, plan.row_sets)
        events.write("reading", batch=batch.name, splits=len(splits), **plan.window_facts)
        read = read_splits(arguments, services, source, plan.row_sets, splits)
        files = list(read.files)
        if plan.deleted:
            written = tombstones.write(
                source.reads.session,
                plan.deleted,
                source.table.columns,
                arguments.primary_key,
                arguments.partition_column,
                batch,
                folder,
            )
            for path, file in written:
                bucket.upload(path, file.key)
                files.append(file)
        key_index = upload_key_index(services, prefix, batch, plan)
        deletes = (DELETED,) if incremental and arguments.detect_deletes else ()
        contents = BatchContents(files, (*source.table.columns, INGESTION, *deletes), read.nulled, key_index)
    check_uploaded(bucket, batch.folder, files)
    tuning.observe(UPLOADED)
    if not publish_batch(arguments, services, log, progress, batch, plan, contents):
        return None
    requests.remove(pending)
    tuning.observe(REQUESTS_REMOVED)
    return plan


def _glue_table(arguments: Arguments, services: Services) -> GlueTable:
    return GlueTable(
        services.glue,
        arguments.bucket,
        services.secret.dbname,
        arguments.table,
        arguments.partition_column,
        services.tuning.observe,
    )


def _same_job_run(one: str, other: str) -> bool:
    """Report whether two job run ids are attempts of one job run, as Glue numbers retries."""
    return bool(one) and _ATTEMPT.sub("", one) == _ATTEMPT.sub("", other)
