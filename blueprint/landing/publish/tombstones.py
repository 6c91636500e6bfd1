"""Tombstones: rows that hold a key which the source no longer has, and true in landfall_deleted."""

from __future__ import annotations

import os
from typing import Dict, List, Optional, Sequence, Tuple
from urllib.parse import quote

from landing.databases.dialect import Session
from landing.databases.duckdb_sql import name, text
from landing.databases.model import DEFAULT_PARTITION, Column
from landing.publish.commit_record import DataFile
from landing.read.split_task import INGESTION

Partition = Optional[Dict[str, Optional[str]]]

DELETED = Column("landfall_deleted", "boolean", "", "BOOLEAN", "boolean")
"""True in tombstones. Rows have NULL in it, as their files have no such column."""


def write(
    session: Session,
    columns: Sequence[Column],
    primary_key: Sequence[str],
    partition_column: str,
    ingested_at: str,
    folder: str,
    prefix: str,
) -> List[Tuple[str, DataFile]]:
    """Write the keys in the session's table gone to local files, and return these with what they become in S3.

    All columns but the key are NULL. With a partition column, tombstones lie in the folder of their key's value or,
    where it is not part of the key, in that of NULL.
    """
    keys = {key: "k{}".format(number) for number, key in enumerate(_ordered(columns, primary_key))}
    values = [
        "CAST({} AS {}) AS {}".format(keys.get(column.name, "NULL"), column.wire, name(column.name))
        for column in columns
        if column.name != partition_column
    ]
    values.append("{}::{} AS {}".format(text(ingested_at), INGESTION.wire, name(INGESTION.name)))
    values.append("true AS {}".format(name(DELETED.name)))
    if partition_column not in keys:
        partition: Partition = {partition_column: None} if partition_column else None
        return [_file(session, values, "true", partition, folder, prefix, 0)]
    shown = "CAST({} AS VARCHAR)".format(keys[partition_column])
    if any(column.name == partition_column and column.wire.startswith("DECIMAL") for column in columns):
        # Of a decimal with all its digits behind the point DuckDB shows .5, PostgreSQL 0.5.
        shown = "regexp_replace({}, '^(-?)[.]', '\\10.')".format(shown)
    found = session.run("SELECT DISTINCT {} FROM gone ORDER BY ALL".format(shown)).fetchall()
    return [
        _file(
            session,
            values,
            "{} IS NOT DISTINCT FROM {}".format(shown, "NULL" if value is None else text(value)),
            {partition_column: value},
            folder,
            prefix,
            number,
        )
        for number, (value,) in enumerate(found)
    ]


def _ordered(columns: Sequence[Column], primary_key: Sequence[str]) -> List[str]:
    """Return the key's columns in the table's order, as they are numbered."""
    return [column.name for column in columns if column.name in primary_key]


def _file(
    session: Session,
    values: Sequence[str],
    condition: str,
    partition: Partition,
    folder: str,
    prefix: str,
    number: int,
) -> Tuple[str, DataFile]:
    path = os.path.join(folder, "tombstones-{}.parquet".format(number))
    copied = session.run(
        "COPY (SELECT {} FROM gone WHERE {}) TO {} (FORMAT parquet, COMPRESSION zstd)".format(
            ", ".join(values), condition, text(path)
        )
    )
    rows = int(copied.fetchall()[0][0])
    place = ""
    for column, value in (partition or {}).items():
        place = "{}={}/".format(quote(column, safe=""), quote(DEFAULT_PARTITION if value is None else value, safe=""))
    key = "{}{}tombstones-00000.parquet".format(prefix, place)
    return path, DataFile(key, rows, os.path.getsize(path), partition, tombstones=True)
