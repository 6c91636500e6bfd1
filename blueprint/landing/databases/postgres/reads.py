"""Reads of a table on one snapshot: how it is split, and the SQL of a split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from landing.databases.model import (
    DEFAULT_PARTITION,
    Check,
    Column,
    ReadContext,
    RowSet,
    Sizing,
    SplitQuery,
    Table,
)
from landing.databases.postgres import splits
from landing.databases.postgres.condition import ALL, Condition, sql_of
from landing.databases.postgres.extremes import extremes
from landing.databases.postgres.quoting import identifier
from landing.databases.postgres.relation import Relation, Store
from landing.databases.postgres.session import Session
from landing.databases.postgres.splits import Split

_MAX_FOLDER_BYTES = 250  # three times that and the rest of the key stay below S3's 1,024

_WHOLE_NUMBERS = ("SMALLINT", "INTEGER", "BIGINT")

_GUESSED_WIDTH = 24  # bytes of a column of a view

_SAMPLED_BYTES = 64 * 1024  # of a row as it is stored: its texts are read into memory at once

_CTID_RANGES = 140000  # PostgreSQL 14 reads a range of ctid without reading the rest


@dataclass(frozen=True)
class Reads:
    """Reads of one table.

    single_reader says that no other session can see the same rows: some are on another server, which has snapshots of
    its own.
    """

    session: Session
    snapshot: str
    single_reader: bool
    server_version: int
    relation: Relation
    table: Table
    stores: Sequence[Store]

    def count(self, condition: Optional[Condition]) -> int:
        """Return for how many rows of the snapshot a condition holds; None: how many there are."""
        sql = "SELECT pg_catalog.count(*) AS n FROM {} WHERE {}".format(self.relation.sql, sql_of(condition, ALL))
        return int(self.session.query(sql)[0][0])

    def split(self, rows: RowSet, sizing: Sizing, context: ReadContext) -> List[SplitQuery]:
        """Return the queries of splits that do not overlap and together are the row set."""
        return [self._query(split, rows, context) for split in self._splits(rows.rows, sizing, context.primary_key)]

    def _splits(self, rows: Optional[int], sizing: Sizing, key: Sequence[str]) -> List[Split]:
        """Return the splits of so many rows of the table, None for all.

        A table without blocks is cut by a key that is one whole number: a view whose key the catalog names, a table in
        other storage. Rows on other servers are not cut: the coordinator alone reads them.
        """
        ranges = self.server_version >= _CTID_RANGES and all(store.has_blocks for store in self.stores)
        if ranges and self.stores:
            share = 1.0 if rows is None else rows / max(rows, self.table.rows, 1)
            return splits.by_blocks(self.table.bytes * share, [store.blocks for store in self.stores], sizing)
        column = self.table.column(key[0]) if len(key) == 1 else None
        if column is None or column.wire not in _WHOLE_NUMBERS or self.single_reader or sizing.readers < 2:
            return splits.whole(sizing)
        low, high, count = self.session.query(
            "SELECT pg_catalog.min({0})::pg_catalog.int8 AS low, pg_catalog.max({0})::pg_catalog.int8 AS high, "
            "pg_catalog.count(*) AS n FROM {1}".format(identifier(column.name), self.relation.sql)
        )[0]
        if low is None:
            return splits.whole(sizing)
        width = self.table.bytes / count if self.table.bytes else _GUESSED_WIDTH * len(self.table.columns)
        return splits.by_key(column.name, low, high, (count if rows is None else rows) * width, sizing)

    def _query(self, split: Split, rows: RowSet, context: ReadContext) -> SplitQuery:
        partition = context.partition
        values = ["{} AS c{}".format(column.sent or column.read, n) for n, column in enumerate(self.table.columns)]
        checks: Tuple[Check, ...] = sum((column.checks for column in self.table.columns), ())
        if partition is not None:
            folder = _folder_value(partition)
            values.append("{} AS p".format(folder))
            checks += _folder_checks(partition, folder)
        conditions = [sql_of(rows.condition, ALL)] + ([split.condition] if split.condition else [])
        rest = "FROM {} WHERE {}".format(self.relation.sql, " AND ".join(conditions))
        # The partition's column is in no file: its text is the name of a folder.
        aggregates = tuple(
            aggregate
            for column in self.table.columns
            if column.name in context.cursor and column != partition
            for aggregate in extremes(column.name, column.wire, column.read)
        )
        facts = ["pg_catalog.count(*) AS n"] + ["{} AS v{}".format(a.source, n) for n, a in enumerate(aggregates)]
        violations = [
            "pg_catalog.count(*) FILTER (WHERE {}) AS n{}".format(check.condition, number)
            for number, check in enumerate(checks)
        ]
        refused = [" AND ({}) IS NOT TRUE".format(check.condition) for check in checks if not check.nulled]
        start, end = self._sample()
        return SplitQuery(
            start="SELECT {}, {}".format(", ".join(values), start),
            end="{} {}{}".format(end, rest, "".join(refused)),
            facts="SELECT {} {}".format(", ".join(facts), rest),
            violations="SELECT {} {}".format(", ".join(violations or ["0 AS n"]), rest),
            checks=checks,
            aggregates=aggregates,
            files=split.files,
        )

    def _sample(self) -> Tuple[str, str]:
        """Return SQL for x, without the share of the rows that it is for. Very large rows are left out."""
        texts = [column.shown for column in self.table.columns if column.shown]
        if not texts:
            return "CASE WHEN ", " < 0 THEN ARRAY[]::pg_catalog.text[] END AS x"
        names = ", ".join(identifier(column.name) for column in self.table.columns if column.shown)
        return (
            "CASE WHEN pg_catalog.random() < ",
            " AND pg_catalog.pg_column_size(ROW({})) < {} THEN ARRAY[{}] END AS x".format(
                names, _SAMPLED_BYTES, ", ".join(texts)
            ),
        )


def _folder_value(column: Column) -> str:
    """Return SQL for the text that names a row's folder."""
    shown = column.read if column.wire == "VARCHAR" else "({})::pg_catalog.text".format(column.read)
    return "coalesce({}, '{}')".format(shown, DEFAULT_PARTITION)


_OTHER_FOLDERS = "name another column in S3PartitionColumnName"


def _folder_checks(column: Column, value: str) -> Tuple[Check, ...]:
    name = identifier(column.name)
    return (
        Check(
            "{0} IS NOT NULL AND {1} IN ('', '{2}')".format(name, value, DEFAULT_PARTITION),
            column.name,
            "an empty text, which a Hive partition cannot hold",
            todo=_OTHER_FOLDERS,
        ),
        Check(
            "pg_catalog.octet_length({}) > {}".format(value, _MAX_FOLDER_BYTES),
            column.name,
            "a text of more than {} bytes, which is too long for a folder".format(_MAX_FOLDER_BYTES),
            todo=_OTHER_FOLDERS,
        ),
    )
