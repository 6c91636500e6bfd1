"""The SQL that looks at single rows of a table, and names them so that exactly these can be read again.

Within one snapshot a row is named by its place: the table (of a partitioned one, the partition) and ctid. A snapshot
keeps its rows where they are, as the table is locked against being written anew. Views and foreign tables have no
places; their rows are named by their keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Sequence, Tuple

from landing.databases.model import Column
from landing.databases.postgres.quoting import identifier, literal
from landing.databases.postgres.session import Session
from landing.job.policy import MASK
from landing.plan.row_ids import Region, Row


def have_places(session: Session, oid: int) -> bool:
    """Tell whether all rows of a relation lie in heaps: its own and those of its partitions or children."""
    rows = session.query(
        """
        WITH RECURSIVE tree AS (
          SELECT {oid}::pg_catalog.oid AS oid
          UNION SELECT inhrelid FROM tree JOIN pg_catalog.pg_inherits ON inhparent = tree.oid)
        SELECT pg_catalog.bool_and(relkind = 'p' OR relkind IN ('r', 'm') AND coalesce(amname = 'heap', false)) AS heaps
        FROM tree JOIN pg_catalog.pg_class AS c ON c.oid = tree.oid LEFT JOIN pg_catalog.pg_am AS a ON a.oid = relam
        """.format(oid=oid)
    )
    return bool(rows[0][0])


@dataclass(frozen=True)
class Rows:
    """How rows of a relation are named and read one by one."""

    relation: str  # as SQL
    places: bool
    columns: Tuple[Column, ...]
    key: Tuple[Column, ...]

    @property
    def name(self) -> str:
        """SQL for a row's name, in two columns."""
        if self.places:
            return "tableoid::pg_catalog.int8 AS part, ctid::pg_catalog.text AS place"
        return "0::pg_catalog.int8 AS part, {} AS place".format(self._key_text)

    @property
    def _key_text(self) -> str:
        texts = ("{}::pg_catalog.text".format(identifier(column.name)) for column in self.key)
        return "ROW({})::pg_catalog.text".format(", ".join(texts))

    @property
    def keys(self) -> str:
        """SQL for a row's key as it lands, as k0, k1, …."""
        return ", ".join("{} AS k{}".format(column.read, number) for number, column in enumerate(self.key))

    @property
    def digest(self) -> str:
        """SQL for a digest of all that lands of a row, by which a changed row is known."""
        values = ", ".join(column.read for column in self.columns if column.rule != MASK)
        row = "pg_catalog.convert_to(ROW({})::pg_catalog.text, 'UTF8')".format(values)
        return "pg_catalog.encode(pg_catalog.sha256({}), 'hex')".format(row)

    def named(self, names: Sequence[Row]) -> str:
        """Return the condition for the rows of these names, which must be sorted."""
        if not self.places:
            texts = ", ".join(literal(place) for _, place in names)
            return "{} = ANY (ARRAY[{}])".format(self._key_text, texts)
        return " OR ".join(
            "(tableoid = {}::pg_catalog.oid AND ctid = ANY ('{{{}}}'::pg_catalog.tid[]))".format(
                part, ",".join('"{}"'.format(place) for _, place in there)
            )
            for part, there in groupby(names, key=lambda name: name[0])
        )

    def survey(self, region: Region, whole: bool) -> str:
        """Return the query for keys and digests of the region's rows; of the whole table, if wanted, for its keys.

        Its columns: part, place, k0 …, fresh (in the window), near (may be landed already), next (near for the next
        batch), digest (where near or next).
        """
        near_or_next = "({} OR {})".format(region.near, region.next)
        return (
            "SELECT {}, {}, {} AS fresh, {} AS near, {} AS next, CASE WHEN {} THEN {} END AS digest FROM {} WHERE {}"
        ).format(
            self.name,
            self.keys,
            _sure(region.fresh),
            _sure(region.near),
            _sure(region.next),
            near_or_next,
            self.digest,
            self.relation,
            "true" if whole else near_or_next,
        )

    def contents(self, condition: str) -> str:
        """Return the query for names and all values, c0, c1, …, of the rows that a condition holds for."""
        values = ", ".join("{} AS c{}".format(column.read, number) for number, column in enumerate(self.columns))
        return "SELECT {}, {} FROM {} WHERE {}".format(self.name, values, self.relation, condition)


def _sure(condition: str) -> str:
    return "coalesce({}, false)".format(condition)
