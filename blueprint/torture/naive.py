"""The job that is usually written: `where delta > max(delta)`, appending files. Scored beside the landing.

It reads three parts on a connection each and writes each to its file, as a Spark job over JDBC does. It knows no commit
record, so its readers read every file there is.
"""

from __future__ import annotations

import io
import uuid
from typing import Any, Callable, Dict, List

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from landing.postgres.session import _extension, text

PARTS = 3


def land(
    objects: Any, secret: Dict[str, Any], table: str, prefix: str, cursor: str, step: Callable[[str], None]
) -> None:
    """Land what is new. step is called with the name of each step that a job run may die at."""
    condition = ""
    if cursor:
        landed = [value for value in (_greatest(content, cursor) for content in objects.contents(prefix)) if value]
        condition = "WHERE {} > '{}'".format(cursor, max(landed)) if landed else ""
    duck = duckdb.connect()
    duck.execute("LOAD {}".format(text(_extension())))
    login = "dbname={dbname} host={host} port={port} user='{username}' password='{password}'".format(**secret)
    duck.execute("ATTACH {} AS src (TYPE postgres, READ_ONLY)".format(text(login)))
    if not cursor:
        objects.delete_below(prefix)
    step("before the read")
    try:
        for part in range(PARTS):
            step("split")
            where = "{} {} id % {} = {}".format(condition, "AND" if condition else "WHERE", PARTS, part)
            rows = (
                duck.cursor()
                .execute("SELECT * FROM postgres_query('src', ?)", ["SELECT * FROM {} {}".format(table, where)])
                .fetch_arrow_table()
            )
            if rows.num_rows:
                file = io.BytesIO()
                pq.write_table(rows, file)
                objects.put("{}{}.parquet".format(prefix, uuid.uuid4().hex), file.getvalue())
            step("mid-write")
        for name in ("after the write", "before the commit", "after the commit"):
            step(name)
    finally:
        duck.close()


def _greatest(content: bytes, cursor: str) -> str:
    column = pq.read_table(io.BytesIO(content), columns=[cursor]).column(0)
    if not pa.types.is_integer(column.type):
        column = column.cast(pa.string())
        return str(pc.max(column).as_py() or "")
    found = pc.max(column).as_py()
    return "" if found is None else "{:020d}".format(found)


def read(contents: List[bytes]) -> List[pa.Table]:
    """Return what readers see."""
    return [pq.read_table(io.BytesIO(content)) for content in contents]
