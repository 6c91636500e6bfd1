"""Loads, whole and by increments, as readers see them."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from support import World
from test_errors import failure

PEOPLE = """
    CREATE TABLE $people (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
    INSERT INTO $people SELECT n, 'p' || n, '2024-01-01 00:00:00Z'::timestamptz + n * interval '1 second'
    FROM generate_series(1, 100) AS n
"""


def test_full_load_replaces(world: World) -> None:
    world.schema.run(PEOPLE)
    world.full("people")
    assert world.column("people") == list(range(1, 101))
    world.schema.run("DELETE FROM $people WHERE id > 10")
    world.full("people")
    assert world.column("people") == list(range(1, 11))
    world.assert_consistent("people")


def test_increments_hold_each_row_once(world: World) -> None:
    world.schema.run(PEOPLE)
    world.land("people")
    world.land("people")
    assert len(world.commits("people")) == 1, "nothing new makes no batch"
    world.schema.run("INSERT INTO $people VALUES (101, 'new'), (102, 'new')")
    world.schema.run("UPDATE $people SET name = 'changed', updated_at = now() WHERE id = 1")
    world.land("people")
    assert world.column("people") == sorted([*range(1, 103), 1])
    assert [c["rows"] for c in world.commits("people")] == [100, 3]
    first, second = world.commits("people")
    assert second["window"]["low"] == first["watermark"] == first["window"]["high"]
    world.assert_consistent("people")


def test_rows_that_an_empty_table_gets_later_land_whatever_their_age(world: World) -> None:
    """Without rows there is no watermark yet: a table is often made first and filled with its past later."""
    world.schema.run(PEOPLE + "; DELETE FROM $people")
    world.land("people")
    assert not world.commits("people")
    world.schema.run("INSERT INTO $people VALUES (1, 'old', '2001-01-01')")
    world.land("people")
    assert world.column("people") == [1]
    world.assert_consistent("people")


def test_zone_of_the_machine_means_nothing(world: World) -> None:
    """DuckDB takes it when a process starts, so the job runs in one of its own."""
    world.schema.run(PEOPLE)
    script = Path(__file__).resolve().parents[1] / "land_table.py"
    command = [sys.executable, str(script), *world.arguments("people")[1:]]
    ended = subprocess.run(command, env={**os.environ, "TZ": "Asia/Kathmandu"}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert world.column("people", "updated_at")[0] == datetime(2024, 1, 1, 0, 0, 1, tzinfo=timezone.utc)


def test_text_that_no_folder_can_have(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(PEOPLE + "; UPDATE $people SET name = '' WHERE id = 7")
    line = failure(world, capsys, partition_column="name")
    assert "1 row of name holds an empty text, which a Hive partition cannot hold. " in line
    assert "or name another column in S3PartitionColumnName; nothing was published" in line
