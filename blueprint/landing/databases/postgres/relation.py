"""Finds the table that a catalog names, or says why it cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

from landing.databases.postgres.quoting import literal
from landing.databases.postgres.quoting import relation as quoted_name
from landing.databases.postgres.session import Session
from landing.job.errors import LandingError
from landing.job.suggest import close, did_you_mean
from landing.job.table_name import TableName

_READABLE = "rpvmf"  # relkinds of tables, partitioned tables, views, materialized views and foreign tables


@dataclass(frozen=True)
class Relation:
    """A row of pg_class."""

    sql: str  # its quoted name
    oid: int
    kind: str  # relkind
    access_method: str
    lockable: bool  # LOCK TABLE takes it, and the login may
    relfilenode: Optional[int]  # changes when the rows are rewritten


def find(session: Session, name: TableName) -> Relation:
    """Return the relation of this name. Raises LandingError."""
    rows = session.query(
        """
        SELECT c.oid::pg_catalog.int8 AS oid, c.relkind::pg_catalog.text, coalesce(a.amname, '')::pg_catalog.text,
          pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usage,
          pg_catalog.has_any_column_privilege(c.oid, 'SELECT') AS readable,
          pg_catalog.has_table_privilege(c.oid, 'SELECT') AS whole,
          pg_catalog.pg_relation_filenode(c.oid)::pg_catalog.int8 AS relfilenode
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_catalog.pg_am AS a ON a.oid = c.relam
        WHERE n.nspname = {} AND c.relname = {}
        """.format(literal(name.schema), literal(name.table))
    )
    if not rows:
        raise _missing(session, name)
    oid, kind, access_method, usage, readable, whole, relfilenode = rows[0]
    if kind not in _READABLE:
        raise LandingError("it is not a table or a view", "Correct SourceTable")
    if not usage or not readable:
        raise LandingError(
            "the login may not read it",
            "GRANT USAGE ON SCHEMA and GRANT SELECT ON the table to the login of the secret",
        )
    return Relation(quoted_name(name), oid, kind, access_method, bool(whole) and kind in "rpv", relfilenode)


def indexed(session: Session, found: Relation, expression: str) -> bool:
    """Report whether a valid index begins with an expression; True for a relation that can have no index."""
    if found.kind not in "rpm":
        return True
    definitions = session.query(
        """
        SELECT pg_catalog.pg_get_indexdef(indexrelid, 1, true) AS first FROM pg_catalog.pg_index
        WHERE indrelid = {} AND indisvalid AND indpred IS NULL
        """.format(found.oid)
    )
    wanted = _plain(expression)
    return any(_plain(str(row[0])) == wanted for row in definitions)


def _plain(expression: str) -> str:
    """Return an expression without what PostgreSQL may quote or leave unquoted."""
    return expression.replace('"', "").replace(" ", "").lower()


@dataclass(frozen=True)
class Store:
    """One of the relations that hold the rows of a table: itself, its partitions, its children."""

    kind: str  # relkind
    access_method: str
    bytes: int  # large values included
    rows: float  # PostgreSQL's own estimate
    blocks: int

    @property
    def has_blocks(self) -> bool:
        """Report whether rows are in numbered blocks, so that ranges of ctid divide them."""
        return self.kind in ("r", "m") and self.access_method == "heap"


def stores(session: Session, oid: int) -> List[Store]:
    """Return the relations that hold the rows of a relation; of a view none."""
    rows = session.query(
        """
        WITH RECURSIVE tree (oid) AS (
          SELECT {}::pg_catalog.oid UNION SELECT inhrelid FROM tree JOIN pg_catalog.pg_inherits ON inhparent = tree.oid
        )
        SELECT relkind::pg_catalog.text, coalesce(amname, '')::pg_catalog.text,
          coalesce(pg_catalog.pg_table_size(c.oid), 0)::pg_catalog.int8 AS size,
          greatest(reltuples, 0)::pg_catalog.float8 AS rows,
          (coalesce(pg_catalog.pg_relation_size(c.oid), 0)
            / pg_catalog.current_setting('block_size')::pg_catalog.int8)::pg_catalog.int8 AS blocks
        FROM tree JOIN pg_catalog.pg_class AS c USING (oid) LEFT JOIN pg_catalog.pg_am AS a ON a.oid = relam
        WHERE relkind IN ('r', 'm', 'f')
        """.format(oid)
    )
    return [Store(*row) for row in rows]


def has_foreign_tables(session: Session, found: Relation, stored: Sequence[Store]) -> bool:
    """Report whether some rows of a relation are on another server: in foreign tables, also below views."""
    if found.kind != "v":
        return any(store.kind == "f" for store in stored)
    rows = session.query(
        """
        WITH RECURSIVE part_of (oid) AS (
          SELECT {}::pg_catalog.oid
          UNION
          SELECT part FROM part_of JOIN pg_catalog.pg_class AS c ON c.oid = part_of.oid AND relkind <> 'm'
          CROSS JOIN LATERAL (
            SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = c.oid
            UNION ALL
            SELECT refobjid FROM pg_catalog.pg_rewrite AS r JOIN pg_catalog.pg_depend AS d ON d.objid = r.oid
            WHERE ev_class = c.oid AND classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
              AND refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          ) AS parts (part)
        )
        SELECT pg_catalog.count(*) AS n FROM part_of JOIN pg_catalog.pg_class USING (oid) WHERE relkind = 'f'
        """.format(found.oid)
    )
    return bool(rows[0][0])


def _missing(session: Session, name: TableName) -> LandingError:
    near = _names(
        session,
        "SELECT c.relname::pg_catalog.text AS name FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n "
        "ON n.oid = c.relnamespace WHERE n.nspname = {} AND c.relkind IN ('r','p','v','m','f')".format(
            literal(name.schema)
        ),
    )
    similar = [str(TableName(name.schema, table)) for table in close(name.table, near)]
    if not near:
        schemas = _names(session, "SELECT nspname::pg_catalog.text AS name FROM pg_catalog.pg_namespace")
        similar = [str(TableName(schema, name.table)) for schema in close(name.schema, schemas)]
    return LandingError(
        "the database has no such table{}".format(did_you_mean(similar)),
        "Correct SourceTable (upper and lower case count), or create the table",
    )


def _names(session: Session, sql: str) -> List[str]:
    return [str(row[0]) for row in session.query(sql)]
