"""The columns of a table and the types that they are made of, as PostgreSQL's catalogs describe them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Sequence

from landing.databases.postgres.quoting import literal
from landing.databases.postgres.session import Session


@dataclass(frozen=True)
class Type:
    """A row of pg_type."""

    oid: int
    name: str
    schema: str
    kind: str  # typtype: d for a domain
    base: int  # of a domain
    base_modifier: int  # of a domain
    dimensions: int  # of a domain over an array
    element: int
    array: int  # the type whose element this is
    converts: bool  # a cast to text may give something else than the type's output function writes
    output_schema: str  # of the function that writes its values
    output: str

    @property
    def builtin(self) -> bool:
        """Report whether the type is PostgreSQL's own."""
        return self.schema == "pg_catalog"


@dataclass(frozen=True)
class Attribute:
    """A row of pg_attribute."""

    name: str
    declared: str  # format_type
    type: int
    modifier: int
    dimensions: int
    readable: bool  # the login may select it


def types(session: Session, relation_oid: int) -> Dict[int, Type]:
    """Return all types that a table's columns are made of, by their oid."""
    rows = session.query(
        """
        WITH RECURSIVE closure (oid) AS (
          SELECT atttypid FROM pg_catalog.pg_attribute
          WHERE attrelid = {oid} AND attnum > 0 AND NOT attisdropped
          UNION
          SELECT part FROM closure JOIN pg_catalog.pg_type USING (oid)
          CROSS JOIN LATERAL (VALUES (typbasetype), (typelem)) AS parts (part) WHERE part <> 0
        )
        SELECT t.oid::pg_catalog.int8 AS oid, typname::pg_catalog.text, nspname::pg_catalog.text,
          typtype::pg_catalog.text, typbasetype::pg_catalog.int8, typtypmod, typndims,
          typelem::pg_catalog.int8, typarray::pg_catalog.int8,
          EXISTS (SELECT FROM pg_catalog.pg_cast WHERE castsource = t.oid
            AND casttarget = 'pg_catalog.text'::pg_catalog.regtype
            AND (castmethod = 'f' OR castmethod = 'b' AND prosrc NOT IN ('textout', 'varcharout'))) AS converts,
          (SELECT nspname::pg_catalog.text FROM pg_catalog.pg_namespace AS s WHERE s.oid = p.pronamespace) AS home,
          proname::pg_catalog.text
        FROM closure JOIN pg_catalog.pg_type AS t USING (oid) JOIN pg_catalog.pg_namespace AS n ON n.oid = typnamespace
        JOIN pg_catalog.pg_proc AS p ON p.oid = typoutput
        """.format(oid=relation_oid)
    )
    return {row[0]: Type(*row) for row in rows}


def attributes(session: Session, relation_oid: int) -> List[Attribute]:
    """Return a table's columns in their order."""
    rows = session.query(
        """
        SELECT attname::pg_catalog.text, pg_catalog.format_type(atttypid, atttypmod) AS declared,
          atttypid::pg_catalog.int8, atttypmod, attndims::pg_catalog.int4,
          pg_catalog.has_column_privilege(attrelid, attnum, 'SELECT') AS readable
        FROM pg_catalog.pg_attribute WHERE attrelid = {} AND attnum > 0 AND NOT attisdropped ORDER BY attnum
        """.format(relation_oid)
    )
    return [Attribute(*row) for row in rows]


def digits(session: Session, relation_oid: int, names: Sequence[str]) -> List[int]:
    """Return to how many digits of a second each column of moments is rounded, also when its type is a domain."""
    rows = session.query(
        """
        WITH RECURSIVE base (type, modifier) AS (
          SELECT atttypid, atttypmod FROM pg_catalog.pg_attribute
          WHERE attrelid = {} AND attname = ANY (ARRAY[{}]) AND NOT attisdropped
          UNION ALL
          SELECT typbasetype, typtypmod FROM base JOIN pg_catalog.pg_type AS t ON t.oid = type AND typtype = 'd'
        )
        SELECT modifier FROM base JOIN pg_catalog.pg_type AS t ON t.oid = type AND typtype <> 'd'
        """.format(relation_oid, ", ".join(literal(name, "name") for name in names))
    )
    return [6 if modifier < 0 else int(modifier) for (modifier,) in rows]
