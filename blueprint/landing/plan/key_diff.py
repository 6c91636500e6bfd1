"""Compares the keys of the source with the landed ones: which rows are not landed, and which keys are deleted.

All of it happens in DuckDB, whose tables may be larger than memory.
"""

from __future__ import annotations

from typing import Optional, Set, Tuple

from landing.databases.dialect import RowQueries, Session
from landing.databases.duckdb_sql import Keys, same_key, text
from landing.databases.model import RowFilters, RowId
from landing.job.errors import LandingError, pluralise


class KeyDiff:
    """The keys of one snapshot and the landed keys, in temporary tables of the coordinator's session."""

    def __init__(
        self, session: Session, rows: RowQueries, filters: RowFilters, whole: bool, landed: Optional[str]
    ) -> None:
        """Read the keys of the lookbacks or, if whole, of the table. Raises LandingError when keys repeat.

        landed is a relation of DuckDB with the landed keys, k0, k1, …, and digests; None: none are known.
        """
        self._session = session
        self._keys = ", ".join("k{}".format(number) for number in range(len(rows.key)))
        self._same = same_key(len(rows.key), "l", "s")
        source = session.relation(rows.keys(filters, whole))
        session.run("CREATE OR REPLACE TEMP TABLE source_keys AS SELECT * FROM {}".format(source))
        repeated = session.run(
            "SELECT count(*) FROM (SELECT 1 FROM source_keys GROUP BY {} HAVING count(*) > 1)".format(self._keys)
        ).fetchall()[0][0]
        if repeated:
            raise LandingError(
                "{} not unique in {}".format(
                    pluralise(repeated, "key is", "keys are"), ", ".join(column.name for column in rows.key)
                ),
                "Correct PrimaryKey: it must tell every row from every other",
            )
        columns = ", ".join("CAST(k{0} AS {1}) AS k{0}".format(n, column.wire) for n, column in enumerate(rows.key))
        if landed is None:
            nulls = ", ".join("NULL AS k{}".format(number) for number in range(len(rows.key)))
            landed = "(SELECT {}, NULL AS digest WHERE false)".format(nulls)
        session.run(
            "CREATE OR REPLACE TEMP TABLE landed_keys AS SELECT {}, digest::VARCHAR AS digest FROM {}".format(
                columns, landed
            )
        )

    def not_landed(self) -> Set[RowId]:
        """Return the rows of the lookback that are not landed as they are."""
        found = self._session.run(
            "SELECT row_table, row_id FROM source_keys AS s WHERE in_lookback AND NOT EXISTS "
            "(SELECT 1 FROM landed_keys AS l WHERE {} AND l.digest = s.digest)".format(self._same)
        )
        return {(int(table), str(row)) for table, row in found.fetchall()}

    def deleted(self) -> Tuple[Keys, int]:
        """Return the keys that are landed and no longer in the source, and how many keys are landed."""
        self._session.run(
            "CREATE OR REPLACE TEMP TABLE deleted_keys AS SELECT {0} FROM landed_keys "
            "EXCEPT SELECT {0} FROM source_keys".format(self._keys)
        )
        counts = "SELECT (SELECT count(*) FROM deleted_keys), (SELECT count(*) FROM landed_keys)"
        ((deleted, landed),) = self._session.run(counts).fetchall()
        return Keys("deleted_keys", int(deleted)), int(landed)

    def write_index(self, path: str, late: Set[RowId], covers_table: bool) -> int:
        """Write the keys that are landed with this batch, whose late rows are given, and return how many.

        These are the keys that the next batch may meet again; if the index covers the table, every landed key.
        """
        condition = "in_next_lookback"
        if covers_table:
            self._session.run(
                "CREATE OR REPLACE TEMP TABLE late_ids AS "
                "SELECT unnest(?::BIGINT[]) AS row_table, unnest(?::VARCHAR[]) AS row_id",
                [table for table, _ in late],
                [row for _, row in late],
            )
            condition = (
                "in_window OR in_next_lookback OR EXISTS (SELECT 1 FROM landed_keys AS l WHERE {}) "
                "OR EXISTS (SELECT 1 FROM late_ids AS i WHERE i.row_table = s.row_table AND i.row_id = s.row_id)"
            ).format(self._same)
        select = "SELECT {}, CASE WHEN in_next_lookback THEN digest END AS digest FROM source_keys AS s WHERE {}"
        copied = self._session.run(
            "COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd)".format(
                select.format(self._keys, condition), text(path)
            )
        )
        return int(copied.fetchall()[0][0])
