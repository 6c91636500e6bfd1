"""Queries for single rows of a table, and row ids by which exactly these rows can be read again.

Within one snapshot a row's id is its ctid and the table that holds it, which may be a partition. A snapshot keeps its
rows where they are, as the table is locked against being rewritten. Views and foreign tables have no ctids; the id of
their rows is their key.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Sequence, Tuple

from landing.databases.model import Column, RowFilters, RowId
from landing.databases.postgres.condition import ALL, NONE, Condition, never_null, sql_of
from landing.databases.postgres.quoting import identifier, literal
from landing.databases.postgres.relation import Relation
from landing.databases.postgres.session import Session
from landing.job.policy import MASK

BY_CTID = "tableoid::pg_catalog.int8 AS row_table, ctid::pg_catalog.text AS row_id"
"""SQL for a row's id."""


def have_ctids(session: Session, relation: Relation) -> bool:
    """Report whether all rows of a relation lie in heaps: its own and those of its partitions or children."""
    rows = session.query(
        """
        WITH RECURSIVE tree AS (
          SELECT {oid}::pg_catalog.oid AS oid
          UNION SELECT inhrelid FROM tree JOIN pg_catalog.pg_inherits ON inhparent = tree.oid)
        SELECT pg_catalog.bool_and(relkind = 'p' OR relkind IN ('r', 'm') AND coalesce(amname = 'heap', false)) AS heaps
        FROM tree JOIN pg_catalog.pg_class AS c ON c.oid = tree.oid LEFT JOIN pg_catalog.pg_am AS a ON a.oid = relam
        """.format(oid=relation.oid)
    )
    return bool(rows[0][0])


@dataclass(frozen=True)
class RowQueries:
    """Queries for single rows of a relation. Their columns are named in dialect.py."""

    relation: str  # as SQL
    has_ctids: bool
    columns: Tuple[Column, ...]
    key: Tuple[Column, ...]

    @property
    def _id(self) -> str:
        """SQL for a row's id, in two columns."""
        return BY_CTID if self.has_ctids else "0::pg_catalog.int8 AS row_table, {} AS row_id".format(self._key_text)

    @property
    def _key_text(self) -> str:
        texts = ("{}::pg_catalog.text".format(identifier(column.name)) for column in self.key)
        return "ROW({})::pg_catalog.text".format(", ".join(texts))

    @property
    def _digest(self) -> str:
        """SQL for a digest of all that lands of a row, by which a changed row is known."""
        values = ", ".join(column.read for column in self.columns if column.rule != MASK)
        row = "pg_catalog.convert_to(ROW({})::pg_catalog.text, 'UTF8')".format(values)
        return "pg_catalog.encode(pg_catalog.sha256({}), 'hex')".format(row)

    def with_ids(self, ids: Sequence[RowId]) -> Condition:
        """Return the rows of these ids, which must be sorted."""
        if not self.has_ctids:
            texts = ", ".join(literal(key) for _, key in ids)
            return Condition("{} = ANY (ARRAY[{}])".format(self._key_text, texts))
        return Condition(
            " OR ".join(
                "(tableoid = {}::pg_catalog.oid AND ctid = ANY ('{{{}}}'::pg_catalog.tid[]))".format(
                    table, ",".join('"{}"'.format(ctid) for _, ctid in of_table)
                )
                for table, of_table in groupby(ids, key=lambda row: row[0])
            )
        )

    def keys(self, filters: RowFilters, whole: bool) -> str:
        """Return the query for the keys of the rows in the lookbacks; of all rows, if whole."""
        lookbacks = Condition((filters.in_lookback or NONE).sql) | filters.in_next_lookback
        return (
            "SELECT {}, {}, {} AS in_window, {} AS in_lookback, {} AS in_next_lookback, "
            "CASE WHEN {} THEN {} END AS digest FROM {} WHERE {}"
        ).format(
            self._id,
            ", ".join("{} AS k{}".format(column.read, number) for number, column in enumerate(self.key)),
            never_null(filters.in_window),
            never_null(filters.in_lookback),
            never_null(filters.in_next_lookback),
            lookbacks.sql,
            self._digest,
            self.relation,
            (ALL if whole else lookbacks).sql,
        )

    def contents(self, condition: Condition) -> str:
        """Return the query for ids and all values, c0, c1, …, of the rows that a condition holds for."""
        values = ", ".join("{} AS c{}".format(column.read, number) for number, column in enumerate(self.columns))
        return "SELECT {}, {} FROM {} WHERE {}".format(self._id, values, self.relation, sql_of(condition, ALL))
