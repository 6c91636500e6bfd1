"""Makes a batch visible to readers of the commit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Dict, Optional, Sequence

from landing.databases.model import Column
from landing.job.arguments import Arguments
from landing.job.services import Services
from landing.job.tuning import COMMITTED
from landing.plan import evolution
from landing.plan.batch_plan import BatchPlan
from landing.plan.watermark import Progress
from landing.publish.batch import Batch
from landing.publish.commit_log import CommitLog
from landing.publish.commit_record import Commit, DataFile, KeyIndex, recorded


@dataclass(frozen=True)
class BatchContents:
    """What a batch holds in the end."""

    files: Sequence[DataFile]  # rows and tombstones
    columns: Sequence[Column]  # the table's and those that landing adds
    nulled: Dict[str, int]  # column: values that landed as NULL by policy
    key_index: Optional[KeyIndex]


def upload_key_index(services: Services, prefix: str, batch: Batch, plan: BatchPlan) -> Optional[KeyIndex]:
    """Upload the plan's local key index, and return how the record names it. prefix is the table's."""
    index = plan.key_index
    if index is None:
        return None
    key = "{}_landfall/known/{}.parquet".format(prefix, batch.name)
    services.bucket.upload(index.path, key)
    return KeyIndex(key, index.rows, index.from_cursor, index.covers_table, index.has_null_cursors)


def publish_batch(
    arguments: Arguments,
    services: Services,
    log: CommitLog,
    progress: Progress,
    batch: Batch,
    plan: BatchPlan,
    contents: BatchContents,
) -> bool:
    """Write the batch's commit record, or give the batch up when another one has its number; report which."""
    commit = Commit(
        seq=batch.seq,
        base=batch.seq if progress.base is None else progress.base,
        batch=batch.name,
        load_type=arguments.load_type,
        window=plan.window,
        files=tuple(contents.files),
        columns=evolution.in_order(progress.last.columns if progress.last else None, recorded(contents.columns)),
        primary_key=arguments.primary_key,
        committed_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        job_run_id=arguments.job_run_id,
        nulled=contents.nulled,
        visibility=plan.visibility,
        key_index=contents.key_index,
        backfills=plan.backfills,
    )
    facts = {"rows": commit.rows, "deleted": commit.deleted, "files": len(contents.files), "bytes": commit.size}
    if log.publish(commit):
        services.tuning.observe(COMMITTED)
        services.events.write("published", batch=batch.name, **facts)
        return True
    winner = log.read(batch.seq)
    services.bucket.delete_prefix(batch.folder)
    services.events.write("overtaken", batch=batch.name, published=winner.batch or winner.action)
    return False
