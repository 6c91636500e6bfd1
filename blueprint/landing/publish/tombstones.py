"""Tombstones: rows that hold a key which the source no longer has, and true in landfall_deleted."""

from __future__ import annotations

import os
from typing import List, Optional, Sequence, Tuple

from landing.databases.dialect import Session
from landing.databases.duckdb_sql import Keys, name, text
from landing.databases.model import DELETED, INGESTION, Column, key_columns
from landing.publish.batch import Batch
from landing.publish.commit_record import DataFile
from landing.publish.folders import Partition, partition_folder


def write(
    session: Session,
    deleted: Keys,
    columns: Sequence[Column],
    primary_key: Sequence[str],
    partition_column: str,
    batch: Batch,
    folder: str,
) -> List[Tuple[str, DataFile]]:
    """Write deleted keys to files in a local folder, and return their paths with what they become in S3.

    All columns but the key are NULL. With a partition column, tombstones lie in the folder of their key's value or,
    where it is not part of the key, in that of NULL.
    """
    keys = {column.name: "k{}".format(n) for n, column in enumerate(key_columns(columns, primary_key))}
    values = [
        "CAST({} AS {}) AS {}".format(keys.get(column.name, "NULL"), column.wire, name(column.name))
        for column in columns
        if column.name != partition_column
    ]
    values.append("{}::{} AS {}".format(text(batch.ingested_at), INGESTION.wire, name(INGESTION.name)))
    values.append("true AS {}".format(name(DELETED.name)))
    select = "SELECT {} FROM {}".format(", ".join(values), deleted.relation)
    if partition_column not in keys:
        return [_file(session, select, {partition_column: None} if partition_column else None, batch, folder, 0)]
    template = next(column.folder_text for column in columns if column.name == partition_column)
    value_text = template.format(keys[partition_column])
    query = "SELECT DISTINCT {} FROM {} ORDER BY ALL".format(value_text, deleted.relation)
    return [
        _file(
            session,
            "{} WHERE {} IS NOT DISTINCT FROM {}".format(select, value_text, "NULL" if value is None else text(value)),
            {partition_column: value},
            batch,
            folder,
            number,
        )
        for number, (value,) in enumerate(session.run(query).fetchall())
    ]


def _file(
    session: Session, select: str, partition: Optional[Partition], batch: Batch, folder: str, number: int
) -> Tuple[str, DataFile]:
    path = os.path.join(folder, "tombstones-{}.parquet".format(number))
    copied = session.run("COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd)".format(select, text(path)))
    rows = int(copied.fetchall()[0][0])
    key = "{}{}tombstones-00000.parquet".format(batch.folder, partition_folder(partition))
    return path, DataFile(key, rows, os.path.getsize(path), partition, tombstones=True)
