"""A job run never has more connections to the database than MaxConnections says."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from on_spark import SparkJob
from support import DEADLINE_SECONDS, World, database
from test_operator_requests import ask_backfill

from landing.databases.postgres import safe_watermark
from landing.job.tuning import SPLIT_OPENED

ORDERS = """
    CREATE TABLE $orders (id int PRIMARY KEY, filler text, n numeric(9, 2), seq int, updated_at timestamptz);
    CREATE INDEX ON $orders (updated_at);
    INSERT INTO $orders SELECT n, repeat(md5(n::text), 10), 1, n, '2024-01-01' FROM generate_series(1, 3000) AS n
"""


@pytest.fixture
def fresh(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world with a login of its own, to which nobody has a connection yet, with small splits and many readers."""
    name = world.schema.name
    world.schema.run(f"CREATE ROLE {name} LOGIN PASSWORD 'pw' IN ROLE pg_read_all_data, pg_read_all_stats")
    content = world.postgres.secret(username=name, password="pw")
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(content))
    world.tune(min_split_bytes=64 * 1024)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    yield world
    database(content).close()
    world.schema.run(f"DROP OWNED BY {name}; DROP ROLE {name}")


def allow(world: World, most: int) -> None:
    """Have the server refuse the login more connections at the same time."""
    world.schema.run(f"ALTER ROLE {world.schema.name} CONNECTION LIMIT {most}")


def connections(world: World) -> int:
    """Return how many connections the login has."""
    sql = f"SELECT count(*) AS n FROM pg_stat_activity WHERE usename = '{world.schema.name}'"
    return int(world.schema.query(sql)[0][0])


@pytest.mark.parametrize("load", ["Full", "Incremental"])
@pytest.mark.parametrize(("most", "engine"), [(1, "PythonShell"), (2, "PythonShell"), (4, "PythonShell"), (1, "Spark")])
def test_no_more_than_max_connections(fresh: World, most: int, load: str, engine: str) -> None:
    """All readers that there may be wait for each other once; the server would refuse one more connection."""
    fresh.schema.run(ORDERS)
    allow(fresh, most)
    readers = max(most - 1, 1)
    together, waited, lock = threading.Barrier(readers), [0], threading.Lock()
    seen: List[int] = []

    def wait(**_: Any) -> None:
        with lock:
            waited[0] += 1
            if waited[0] > readers:
                return
        together.wait(DEADLINE_SECONDS)
        with lock:
            seen.append(connections(fresh))

    with fresh.at(SPLIT_OPENED, wait):
        fresh.land("orders", load_type=load, max_connections=str(most), file_count="5", engine=engine)
    fresh.land("orders", load_type=load, max_connections=str(most), file_count="5", engine=engine)
    assert fresh.column("orders") == list(range(1, 3001))
    assert len(fresh.commits("orders")[0]["files"]) == 5
    assert max(seen) == most


@pytest.mark.parametrize(("most", "cores"), [(2, 4), (4, 2)])
def test_no_more_than_max_connections_on_spark(fresh: World, tmp_path: Path, most: int, cores: int) -> None:
    """Each of Spark's Python processes has a connection of its own, and keeps it: also when more could run at once."""
    fresh.schema.run(ORDERS)
    allow(fresh, most)
    done = SparkJob(tmp_path, cores, split_bytes=64 * 1024).land(
        fresh, "orders", max_connections=str(most), file_count="8"
    )
    assert done.returncode == 0, done.stderr
    assert '"splits":8' in done.stdout, "more than can be read at once"
    assert fresh.column("orders") == list(range(1, 3001))


def test_one_connection_does_all_there_is_to_do(fresh: World) -> None:
    """Rows below the watermark, deletes and backfills; a request that makes no sense does not end the transaction."""
    options = {
        "max_connections": "1",
        "delta_column": "seq",
        "primary_key": '["id"]',
        "detect_deletes": "true",
        "null_cursor": "Include",
    }
    fresh.schema.run(ORDERS)
    allow(fresh, 1)
    fresh.land("orders", **options)
    fresh.schema.run("INSERT INTO $orders VALUES (-1, 'late', 1, 2), (-2, 'null', 1, NULL), (-3, 'new', 1, 5000)")
    fresh.schema.run("DELETE FROM $orders WHERE id = 7; UPDATE $orders SET filler = 'other' WHERE id = 100")
    ask_backfill(fresh, "1", "200")
    ask_backfill(fresh, "1", "tomorrow")
    assert fresh.run("orders", **options) == 1
    commit = fresh.commits("orders")[-1]
    assert (commit["rows"], commit["deleted"]) == (4, 1)
    assert sorted(bool(backfill.get("refused")) for backfill in commit["backfills"]) == [False, True]


def test_one_connection_names_the_value_that_does_not_fit(fresh: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a value that is out of range there may be no sum; that error ends the transaction."""
    fresh.schema.run(ORDERS + "; ALTER TABLE $orders ADD wide numeric; UPDATE $orders SET wide = 1e16 WHERE id = 8")
    options = {"load_type": "Full", "delta_column": "", "types": '{"NumericUnbounded": "Decimal(20,4)"}'}
    allow(fresh, 1)
    assert fresh.run("orders", max_connections="1", **options) == 1
    assert "1 row of wide holds a number that Decimal(20,4) cannot hold" in capsys.readouterr().err


def test_another_server_answers(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Behind one address there may be several: the watermark of one says nothing about another's snapshot."""
    describe = safe_watermark.describe_server

    def first(*given: Any) -> safe_watermark.Server:
        return replace(describe(*given), started="2024-01-01 00:00:00+00")

    monkeypatch.setattr(safe_watermark, "describe_server", first)
    world.schema.run(ORDERS)
    assert world.run("orders") == 1
    assert "another server answered" in capsys.readouterr().err
