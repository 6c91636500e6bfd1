"""Compares the keys of a source's rows with those that are landed: which rows are not yet, and which keys are gone.

All of it happens in DuckDB, whose tables may be larger than memory.
"""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from landing.databases.dialect import Rows, Session
from landing.databases.duckdb_sql import text
from landing.job.errors import LandingError, counted
from landing.plan.row_ids import Row


class Survey:
    """The keys of one snapshot, in temporary tables of the coordinator's session."""

    def __init__(self, session: Session, rows: Rows, query: str) -> None:
        """Ask the source. Raises LandingError when the primary key is not unique."""
        self._session = session
        self._key = ["k{}".format(number) for number in range(len(rows.key))]
        self._types = [column.wire for column in rows.key]
        session.run("CREATE OR REPLACE TEMP TABLE surveyed AS SELECT * FROM {}".format(session.relation(query)))
        keys = ", ".join(self._key)
        repeated = session.run(
            "SELECT count(*) FROM (SELECT 1 FROM surveyed GROUP BY {} HAVING count(*) > 1)".format(keys)
        ).fetchall()[0][0]
        if repeated:
            raise LandingError(
                "{} not unique in {}".format(
                    counted(repeated, "key is", "keys are"), ", ".join(column.name for column in rows.key)
                ),
                "Correct PrimaryKey: it must tell every row from every other",
            )

    def know(self, source: Optional[str]) -> None:
        """Take what is landed from a relation of DuckDB with the key and a digest; None: nothing is known."""
        columns = ", ".join("CAST({0} AS {1}) AS {0}".format(k, t) for k, t in zip(self._key, self._types))
        if source is None:
            source = "(SELECT {}, NULL AS digest WHERE false)".format(", ".join("NULL AS " + k for k in self._key))
        self._session.run(
            "CREATE OR REPLACE TEMP TABLE known AS SELECT {}, digest::VARCHAR AS digest FROM {}".format(columns, source)
        )

    def unlanded(self) -> List[Row]:
        """Return the rows near the watermark that are not landed as they are."""
        found = self._session.run(
            "SELECT part, place FROM surveyed AS s WHERE near AND NOT EXISTS "
            "(SELECT 1 FROM known AS k WHERE {} AND k.digest = s.digest)".format(self._same("k", "s"))
        )
        return [(int(part), str(place)) for part, place in found.fetchall()]

    def gone(self) -> Tuple[int, int]:
        """Find the keys that are landed and not in the source any more; return how many, and of how many."""
        self._session.run(
            "CREATE OR REPLACE TEMP TABLE gone AS SELECT {0} FROM known EXCEPT SELECT {0} FROM surveyed".format(
                ", ".join(self._key)
            )
        )
        (counts,) = self._session.run("SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM known)").fetchall()
        return int(counts[0]), int(counts[1])

    def keep(self, path: str, extras: Sequence[Row], complete: bool) -> int:
        """Write the file of what is landed with this batch, which holds the extras besides its window.

        It holds what the next batch may meet again; if complete, every landed key.
        """
        condition = "next"
        if complete:
            self._session.duck.execute(
                "CREATE OR REPLACE TEMP TABLE extra AS "
                "SELECT unnest(?::BIGINT[]) AS part, unnest(?::VARCHAR[]) AS place",
                [[part for part, _ in extras], [place for _, place in extras]],
            )
            condition = (
                "fresh OR next OR EXISTS (SELECT 1 FROM known AS k WHERE {}) "
                "OR EXISTS (SELECT 1 FROM extra AS e WHERE e.part = s.part AND e.place = s.place)"
            ).format(self._same("k", "s"))
        select = "SELECT {}, CASE WHEN next THEN digest END AS digest FROM surveyed AS s WHERE {}".format(
            ", ".join(self._key), condition
        )
        copied = self._session.run("COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd)".format(select, text(path)))
        return int(copied.fetchall()[0][0])

    def _same(self, one: str, other: str) -> str:
        return " AND ".join("{1}.{0} IS NOT DISTINCT FROM {2}.{0}".format(k, one, other) for k in self._key)


def parquet(path: str) -> str:
    """Return a file as a relation of DuckDB."""
    return "read_parquet({})".format(text(path))
