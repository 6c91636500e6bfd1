"""Compares rows of the source with the landed files: the expensive way, for what happens rarely.

Files are downloaded one after the other; of each row only its key and a digest of its values are kept.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Set

from landing.databases.cursor_values import order
from landing.databases.dialect import RowQueries, Session
from landing.databases.duckdb_sql import name, same_key, text
from landing.databases.model import Column, Condition, RowId
from landing.publish.bucket import Bucket
from landing.publish.commit_record import Commit, DataFile


@dataclass
class LakeDiff:
    """The landed rows of some batches, in the temporary table landed_rows of the coordinator's session.

    commits returns the batches that readers see; folder is for one file at a time.
    """

    session: Session
    rows: RowQueries
    bucket: Bucket
    folder: str
    commits: Callable[[], Sequence[Commit]]
    _loaded: Set[int] = field(default_factory=set)

    @property
    def _keys(self) -> List[str]:
        return ["k{}".format(number) for number in range(len(self.rows.key))]

    def not_landed(self, condition: Condition, low: Optional[str] = None) -> Set[RowId]:
        """Return the rows for which a condition holds that are not landed as they are. Their cursors are from low on.

        With a key, the newest landed row of each key must be the same. Without, every row must be landed as often.
        Batches whose windows end at low or before hold no such row, and older versions at best.
        """
        self._load(
            commit
            for commit in self.commits()
            if low is None
            or not commit.window
            or order(commit.window.type, commit.window.high) > order(commit.window.type, low)
        )
        self._compare_to(self.rows.contents(condition))
        if self._keys:
            found = self.session.run(
                "SELECT row_table, row_id FROM source_rows AS s WHERE NOT EXISTS "
                "(SELECT 1 FROM ({}) AS n WHERE {} AND n.digest = s.digest)".format(
                    self._newest(), same_key(len(self._keys), "n", "s")
                )
            )
        else:
            found = self.session.run(
                "WITH s AS (SELECT *, row_number() OVER (PARTITION BY digest) AS nth FROM source_rows), "
                "l AS (SELECT digest, count(*) AS times FROM landed_rows GROUP BY digest) "
                "SELECT row_table, row_id FROM s LEFT JOIN l USING (digest) WHERE nth > coalesce(times, 0)"
            )
        return {(int(table), str(row)) for table, row in found.fetchall()}

    def landed_keys(self) -> str:
        """Return the keys that readers see as a relation of DuckDB, with the column digest, which is NULL."""
        self._load(self.commits())
        return "(SELECT {0}, NULL AS digest FROM ({1}) WHERE NOT deleted)".format(", ".join(self._keys), self._newest())

    def _load(self, commits: Iterable[Commit]) -> None:
        """Download all files of the batches, each once."""
        if not self._loaded:
            types = ["{} {}".format(k, column.wire) for k, column in zip(self._keys, self.rows.key)]
            columns = ", ".join(["seq BIGINT", "digest VARCHAR", *types])
            self.session.run("CREATE OR REPLACE TEMP TABLE landed_rows ({})".format(columns))
        path = os.path.join(self.folder, "landed.parquet")
        for commit in commits:
            if commit.seq in self._loaded:
                continue
            self._loaded.add(commit.seq)
            for file in commit.files:
                self.bucket.download(file.key, path)
                self._load_file(commit.seq, file, path)
                os.remove(path)

    def _load_file(self, seq: int, file: DataFile, path: str) -> None:
        described = "SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet({}))".format(text(path))
        in_file = {row[0] for row in self.session.run(described).fetchall()}
        partition = file.partition or {}

        def value(column: Column) -> str:
            if column.name in partition:
                given: Optional[str] = partition[column.name]
                sql = "NULL" if given is None else text(given)
            else:
                sql = name(column.name) if column.name in in_file else "NULL"
            return "TRY_CAST({} AS {})".format(sql, column.wire)  # it may have been of another type

        digest = "NULL" if file.tombstones else _digest([value(column) for column in self.rows.columns])
        keys = [value(column) for column in self.rows.key]
        self.session.run(
            "INSERT INTO landed_rows SELECT {} FROM read_parquet({}, hive_partitioning = false)".format(
                ", ".join([str(seq), digest, *keys]), text(path)
            )
        )

    def _newest(self) -> str:
        keys = ", ".join(self._keys)
        # arg_max passes over rows whose digest is NULL, so the tombstone is put in a struct.
        return (
            "SELECT {0}, newest.digest AS digest, newest.digest IS NULL AS deleted FROM "
            "(SELECT {0}, arg_max({{'digest': digest}}, seq) AS newest FROM landed_rows GROUP BY {0})"
        ).format(keys)

    def _compare_to(self, query: str) -> None:
        """Read the rows of a query for contents into the temporary table source_rows."""
        columns = self.rows.columns
        digest = _digest(["c{}".format(number) for number in range(len(columns))])
        numbers: Dict[str, int] = {column.name: number for number, column in enumerate(columns)}
        keys = ["c{} AS {}".format(numbers[column.name], k) for k, column in zip(self._keys, self.rows.key)]
        self.session.run(
            "CREATE OR REPLACE TEMP TABLE source_rows AS SELECT {} FROM {}".format(
                ", ".join(["row_table", "row_id", digest + " AS digest", *keys]), self.session.relation(query)
            )
        )


def _digest(values: Sequence[str]) -> str:
    """Return SQL of DuckDB for a digest of values: each with its length before it."""
    shown = ["coalesce(length({0}::VARCHAR) || ':' || {0}::VARCHAR, '-')".format(value) for value in values]
    return "md5(concat({}))".format(", ".join(shown))
