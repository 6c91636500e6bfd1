"""Compares rows of the source with the files that are landed: the costly way, for what happens rarely.

Files are fetched one after the other; of each row only its key and a digest of its values stay.
"""

from __future__ import annotations

import os
from typing import Dict, Iterable, List, Optional, Sequence, Set

from landing.databases.dialect import Rows, Session
from landing.databases.duckdb_sql import name, text
from landing.databases.model import Column
from landing.plan.row_ids import Row
from landing.publish.bucket import Objects
from landing.publish.commit_record import Commit, DataFile


class Landed:
    """The rows of some batches, in a temporary table of the coordinator's session."""

    def __init__(self, session: Session, rows: Rows, objects: Objects, folder: str) -> None:
        """Fetch nothing yet. folder is for one file at a time."""
        self._session = session
        self._rows = rows
        self._objects = objects
        self._path = os.path.join(folder, "landed.parquet")
        self._keys = ["k{}".format(number) for number in range(len(rows.key))]
        self._fetched: Set[int] = set()
        types = ["{} {}".format(k, column.wire) for k, column in zip(self._keys, self._rows.key)]
        self._session.run(
            "CREATE OR REPLACE TEMP TABLE landed ({})".format(", ".join(["seq BIGINT", "digest VARCHAR", *types]))
        )

    def fetch(self, commits: Iterable[Commit]) -> None:
        """Fetch all files of the batches, each once."""
        for commit in commits:
            if commit.seq in self._fetched:
                continue
            self._fetched.add(commit.seq)
            for file in commit.files:
                self._objects.download(file.key, self._path)
                self._take(commit.seq, file)
                os.remove(self._path)

    def _take(self, seq: int, file: DataFile) -> None:
        there = {
            row[0]
            for row in self._session.run(
                "SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet({}))".format(text(self._path))
            ).fetchall()
        }
        partition = file.partition or {}

        def value(column: Column) -> str:
            if column.name in partition:
                given: Optional[str] = partition[column.name]
                shown = "NULL" if given is None else text(given)
            else:
                shown = name(column.name) if column.name in there else "NULL"
            return "TRY_CAST({} AS {})".format(shown, column.wire)  # it may have been of another type

        digest = "NULL" if file.tombstones else _digest([value(column) for column in self._rows.columns])
        keys = [value(column) for column in self._rows.key]
        self._session.run(
            "INSERT INTO landed SELECT {} FROM read_parquet({}, hive_partitioning = false)".format(
                ", ".join([str(seq), digest, *keys]), text(self._path)
            )
        )

    def keys(self) -> str:
        """Return the landed keys as a relation of DuckDB, without digests."""
        keys = ", ".join(self._keys)
        return "(SELECT {0}, NULL AS digest FROM ({1}) WHERE NOT deleted)".format(keys, self._newest())

    def _newest(self) -> str:
        keys = ", ".join(self._keys)
        # arg_max passes over rows whose digest is NULL, so the tombstone is put in a struct.
        return (
            "SELECT {0}, newest.digest AS digest, newest.digest IS NULL AS deleted FROM "
            "(SELECT {0}, arg_max({{'digest': digest}}, seq) AS newest FROM landed GROUP BY {0})"
        ).format(keys)

    def missing(self, query: str) -> List[Row]:
        """Return the rows of a query for contents that are not landed as they are.

        With a key, the newest landed row of each key must be the same. Without, every row must be there as often.
        """
        columns = self._rows.columns
        digest = _digest(["c{}".format(number) for number in range(len(columns))])
        numbers: Dict[str, int] = {column.name: number for number, column in enumerate(columns)}
        keys = ["c{} AS {}".format(numbers[column.name], k) for k, column in zip(self._keys, self._rows.key)]
        self._session.run(
            "CREATE OR REPLACE TEMP TABLE wanted AS SELECT {} FROM {}".format(
                ", ".join(["part", "place", digest + " AS digest", *keys]), self._session.relation(query)
            )
        )
        if self._keys:
            same = " AND ".join("n.{0} IS NOT DISTINCT FROM w.{0}".format(k) for k in self._keys)
            found = self._session.run(
                "SELECT part, place FROM wanted AS w WHERE NOT EXISTS "
                "(SELECT 1 FROM ({}) AS n WHERE {} AND n.digest = w.digest)".format(self._newest(), same)
            )
        else:
            found = self._session.run(
                "WITH w AS (SELECT *, row_number() OVER (PARTITION BY digest) AS nth FROM wanted), "
                "l AS (SELECT digest, count(*) AS times FROM landed GROUP BY digest) "
                "SELECT part, place FROM w LEFT JOIN l USING (digest) WHERE nth > coalesce(times, 0)"
            )
        return [(int(part), str(place)) for part, place in found.fetchall()]


def _digest(values: Sequence[str]) -> str:
    """Return SQL of DuckDB for a digest of values: each with its length before it."""
    shown = ["coalesce(length({0}::VARCHAR) || ':' || {0}::VARCHAR, '-')".format(value) for value in values]
    return "md5(concat({}))".format(", ".join(shown))
