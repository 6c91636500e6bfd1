"""The job that is usually written: `where delta > max(delta)`, appending files. Scored in comparison with the landing.

It reads three parts on a connection each and writes each to its file, as a Spark job over JDBC does. It knows no commit
record, so its readers read every file there is.
"""

from __future__ import annotations

import io
import uuid
from random import Random
from typing import Any, Callable, Dict, List, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from support import World

from landing.databases.duckdb_sql import text
from landing.databases.postgres.login import extension
from torture import faults, score
from torture.extras import Extra
from torture.scenarios import Scenario

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
    duck.execute("LOAD {}".format(text(extension())))
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


class DiedError(Exception):
    """The naive job ends here."""


class Naive:
    """The naive job, with the same faults."""

    def __init__(self, world: World, scenario: Scenario, random: Random) -> None:
        """Reach the database through a proxy."""
        self._world, self._scenario, self._random = world, scenario, random
        self._secret = world.postgres.secret()
        self._proxy = faults.Proxy((self._secret["host"], self._secret["port"]))
        self._secret["port"] = self._proxy.port
        self._objects = _Objects(world)

    def run(self, faulty: bool) -> bool:
        """Run the job once, with a fault if wanted."""
        fault = self._random.choice((*self._scenario.kills, *self._scenario.errors) or ("",)) if faulty else ""
        if fault == "stream dropped":
            self._proxy.drop_after(self._random.randint(1, 60_000))
        if fault == "any moment":
            fault = self._random.choice(["before the read", "mid-write", "after the write"])
        left = [self._random.randint(1, PARTS)]

        def step(name: str) -> None:
            if fault == "race" and name == "before the read":
                self._land(lambda _: None)
            wanted = "split" if fault == "split cut" else fault
            left[0] -= wanted == name and name in ("split", "mid-write")
            if wanted == name and (left[0] == 0 or name not in ("split", "mid-write")):
                raise DiedError(name)

        try:
            self._land(step)
        except Exception:
            if not fault:
                raise  # the comparison is worth something only as long as this job works
            return False
        finally:
            self._proxy.drop_after(None)
        return True

    def _land(self, step: Callable[[str], None]) -> None:
        cursor = "" if self._scenario.options.get("load_type") == "Full" else "updated_at"
        table = self._world.schema.name + ".events"
        land(self._objects, self._secret, table, "naive/", cursor, step)

    def forget(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Let go of everything."""
        self._proxy.close()

    def score(self, extras: Sequence[Extra]) -> score.Score:
        """Return what readers of all files miss, see twice or see changed."""
        tables = [(0, table) for table in read(self._objects.contents("naive/"))]
        return score.of_tables(self._world, self._scenario, tables, extras)


class _Objects:
    """A bucket as the naive job uses it."""

    def __init__(self, world: World) -> None:
        self._s3, self._bucket = world.aws.s3, world.bucket

    def _keys(self, prefix: str) -> List[str]:
        found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", [])]

    def contents(self, prefix: str) -> List[bytes]:
        return [self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read() for key in self._keys(prefix)]

    def put(self, key: str, content: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)

    def delete_below(self, prefix: str) -> None:
        for key in self._keys(prefix):
            self._s3.delete_object(Bucket=self._bucket, Key=key)
