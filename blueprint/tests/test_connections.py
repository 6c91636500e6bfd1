"""A job run never has more connections to the database than MaxConnections says."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from on_spark import SparkJob
from support import World
from test_state import _backfill

import land_table
from landing.databases.postgres import safe_watermark as bound
from landing.databases.postgres import session, splits
from landing.databases.postgres.login import APPLICATION
from landing.read import extract

ORDERS = """
    CREATE TABLE $orders (id int PRIMARY KEY, filler text, n numeric(9, 2), seq int, updated_at timestamptz);
    CREATE INDEX ON $orders (updated_at);
    INSERT INTO $orders SELECT n, repeat(md5(n::text), 10), 1, n, '2024-01-01' FROM generate_series(1, 3000) AS n
"""


@pytest.fixture
def fresh(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world to which this process has no connection yet, of any login, with small splits and many readers."""
    extract._connections.clear()
    for login, _ in list(session._attached):
        session.detach(login)
    monkeypatch.setattr(splits, "TARGET_BYTES", 64 * 1024)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    return world


@contextlib.contextmanager
def counted(world: World) -> Iterator[List[int]]:
    """Look again and again at how many connections of the job there are."""
    seen: List[int] = []
    over = threading.Event()
    watcher = world.schema.writer.share()

    def look() -> None:
        sql = f"SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = '{APPLICATION}'"
        while True:
            last = over.wait(0.005)
            seen.append(watcher.query(sql)[0][0])
            if last:
                return

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
        watcher.close()


@pytest.mark.parametrize("load", ["Full", "Incremental"])
@pytest.mark.parametrize(("most", "engine"), [(1, "PythonShell"), (2, "PythonShell"), (4, "PythonShell"), (1, "Spark")])
def test_no_more_than_max_connections(fresh: World, most: int, load: str, engine: str) -> None:
    fresh.schema.run(ORDERS)
    with counted(fresh) as seen:
        fresh.land("orders", load_type=load, max_connections=str(most), file_count="5", engine=engine)
        fresh.land("orders", load_type=load, max_connections=str(most), file_count="5", engine=engine)
    assert fresh.column("orders") == list(range(1, 3001))
    assert len(fresh.commits("orders")[0]["files"]) == 5
    assert max(seen) <= most
    assert max(seen) >= min(most, 2), "the readers' are among those that are counted"


@pytest.mark.parametrize(("most", "cores"), [(2, 4), (4, 2)])
def test_no_more_than_max_connections_on_spark(fresh: World, tmp_path: Path, most: int, cores: int) -> None:
    """Each of Spark's Python processes has a connection of its own, and keeps it: also when more could run at once."""
    fresh.schema.run(ORDERS)
    with counted(fresh) as seen:
        done = SparkJob(tmp_path, cores, split_bytes=64 * 1024).land(
            fresh, "orders", max_connections=str(most), file_count="8"
        )
    assert done.returncode == 0, done.stderr
    assert '"splits":8' in done.stdout, "more than can be read at once"
    assert fresh.column("orders") == list(range(1, 3001))
    assert 1 < max(seen) <= most


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
    with counted(fresh) as seen:
        fresh.land("orders", **options)
        fresh.schema.run("INSERT INTO $orders VALUES (-1, 'late', 1, 2), (-2, 'null', 1, NULL), (-3, 'new', 1, 5000)")
        fresh.schema.run("DELETE FROM $orders WHERE id = 7; UPDATE $orders SET filler = 'other' WHERE id = 100")
        _backfill(fresh, "1", "200")
        _backfill(fresh, "1", "tomorrow")
        assert land_table.main(fresh.arguments("orders", **options)) == 1
    assert max(seen) == 1
    commit = fresh.commits("orders")[-1]
    assert (commit["rows"], commit["deleted"]) == (4, 1)
    assert sorted(bool(backfill.get("refused")) for backfill in commit["backfills"]) == [False, True]


def test_one_connection_names_the_value_that_does_not_fit(fresh: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a value that is out of range there may be no sum; that error ends the transaction."""
    fresh.schema.run(ORDERS + "; ALTER TABLE $orders ADD wide numeric; UPDATE $orders SET wide = 1e16 WHERE id = 8")
    options = {"load_type": "Full", "delta_column": "", "types": '{"NumericUnbounded": "Decimal(20,4)"}'}
    with counted(fresh) as seen:
        assert land_table.main(fresh.arguments("orders", max_connections="1", **options)) == 1
    assert "1 row of wide holds a number that Decimal(20,4) cannot hold" in capsys.readouterr().err
    assert max(seen) == 1


def test_another_server_answers(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Behind one address there may be several: the bound that one gave says nothing about another's snapshot."""
    look = bound.look_at_server

    def first(*given: Any) -> bound.Server:
        return replace(look(*given), started="2024-01-01 00:00:00+00")

    monkeypatch.setattr(bound, "look_at_server", first)
    world.schema.run(ORDERS)
    assert land_table.main(world.arguments("orders")) == 1
    assert "another server answered" in capsys.readouterr().err
