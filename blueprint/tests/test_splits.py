"""Parts of a table: together they are the whole, as one snapshot shows it."""

from __future__ import annotations

import dataclasses
import pickle
import random
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import duckdb
import pytest
from on_spark import SparkJob
from support import World

from landing.databases import model
from landing.databases.model import SplitQuery
from landing.databases.postgres import splits
from landing.databases.postgres.splits import Split
from landing.job.tuning import SPLIT_OPENED, TABLE_FOUND
from landing.read.executors import Extract, Threads
from landing.read.extract import extract_on_executor
from landing.read.split_task import ClientSettings, SplitResult, SplitTask

RANGE = re.compile(r"ctid >= '\((\d+),0\)'::pg_catalog.tid(?: AND ctid < '\((\d+),0\)'::pg_catalog.tid)?")

BIG = """
    CREATE TABLE $big (id int, filler text, updated_at timestamptz DEFAULT '2024-01-01') WITH (autovacuum_enabled = off);
    INSERT INTO $big SELECT n, repeat(md5(n::text), 10) FROM generate_series(1, 5000) AS n
"""


MIN_SPLIT_BYTES = 64 << 20


def _sizing(files: int, file_bytes: int, readers: int) -> model.Sizing:
    """Return the sizing of a job run with the default tuning."""
    return model.Sizing(files, file_bytes, readers, MIN_SPLIT_BYTES, 3)


def test_ranges_leave_nothing_out_and_do_not_overlap() -> None:
    chance = random.Random(1)
    for _ in range(500):
        leaves = [chance.randrange(0, 100000) for _ in range(chance.randrange(1, 6))]
        count = chance.randrange(0, 50)
        size = chance.randrange(1, 40) * MIN_SPLIT_BYTES
        sizing = _sizing(count, chance.randrange(1, 512) << 20, chance.randrange(1, 9))
        parts = splits.by_blocks(size, leaves, sizing)
        if len(parts) == 1:
            assert parts[0].condition in ("", "ctid >= '(0,0)'::pg_catalog.tid")
            continue
        found = [RANGE.fullmatch(part.condition) for part in parts]
        edges = [(int(f.group(1)), f.group(2)) for f in found if f]
        assert len(edges) == len(parts)
        assert edges[0][0] == 0
        assert edges[-1][1] is None
        assert all(end is not None and int(end) == start for (_, end), (start, _) in zip(edges, edges[1:]))
        assert all(start < int(end) for start, end in edges[:-1] if end)


MB = 1 << 20
WANTED: Dict[str, Tuple[float, List[int], model.Sizing, int, int]] = {
    # bytes, blocks, sizing → splits, files of each
    "empty": (0, [0], _sizing(0, 256 * MB, 3), 1, 1),
    "small": (64 * MB, [8192], _sizing(0, 256 * MB, 3), 1, 1),
    "small with a file count": (10000, [2], _sizing(3, 256 * MB, 3), 1, 3),
    "a part for every reader": (640 * MB, [81920], _sizing(0, 256 * MB, 3), 3, 1),
    "no more readers than it is worth": (140 * MB, [17920], _sizing(0, 256 * MB, 8), 2, 1),
    "parts for the size of files": (7680 * MB, [983040], _sizing(0, 256 * MB, 3), 12, 1),
    "small files": (640 * MB, [81920], _sizing(0, 16 * MB, 3), 15, 1),
    "with a file count": (640 * MB, [81920], _sizing(7, 256 * MB, 3), 7, 1),
    "fewer blocks than parts": (640 * MB, [4], _sizing(10, 256 * MB, 3), 1, 10),
    "partitions": (640 * MB, [40000, 0, 40000, 1920], _sizing(0, 256 * MB, 3), 3, 1),
    "small partitions": (640 * MB, [4] * 20480, _sizing(0, 256 * MB, 3), 3, 1),
    "one reader": (640 * MB, [81920], _sizing(0, 256 * MB, 1), 1, 1),
}


@pytest.mark.parametrize("name", WANTED)
def test_number_of_splits(name: str) -> None:
    size, blocks, sizing, number, files = WANTED[name]
    parts = splits.by_blocks(size, blocks, sizing)
    assert (len(parts), parts[0].files) == (number, files)


def test_partitions_are_cut_evenly() -> None:
    leaves = [1000, 50, 4000, 0, 300]
    parts = splits.by_blocks(640 << 20, leaves, _sizing(5, 256 << 20, 3))
    edges = [0] + [int(found.group(2) or 0) for found in (RANGE.fullmatch(p.condition) for p in parts) if found]
    edges[-1] = max(leaves)
    held = [sum(min(high, b) - min(low, b) for b in leaves) for low, high in zip(edges, edges[1:])]
    assert sum(held) == sum(leaves)
    assert max(held) - min(held) <= len(leaves)


def test_key_ranges_leave_nothing_out_and_do_not_overlap(world: World) -> None:
    world.schema.run("CREATE TABLE $keys AS SELECT n * 7 - 100 AS k FROM generate_series(1, 300) AS n")
    world.schema.run("INSERT INTO $keys VALUES (NULL), (-9999), (99999)")  # after the ends were looked up
    for wanted in (2, 3, 7):
        parts = splits.by_key("k", -93, 2000, 640 << 20, _sizing(wanted, 256 << 20, 3))
        assert len(parts) == wanted
        cases = " + ".join(f"CASE WHEN {part.condition} THEN 1 ELSE 0 END" for part in parts)
        assert world.schema.query(f"SELECT DISTINCT {cases} AS n FROM $keys") == [(1,)]


@pytest.fixture
def small_splits(world: World) -> None:
    world.tune(min_split_bytes=128 * 1024)


@pytest.mark.parametrize("partition", ["", "kind"])
@pytest.mark.parametrize("load", ["Full", "Incremental"])
def test_splits_are_the_whole(world: World, small_splits: None, load: str, partition: str) -> None:
    world.schema.run(BIG + "; ALTER TABLE $big ADD kind int; UPDATE $big SET kind = id % 3")
    world.land("big", load_type=load, partition_column=partition, max_connections="64")
    assert world.column("big") == list(range(1, 5001))
    (commit,) = world.commits("big")
    names = [file["key"].rsplit("/", 1)[1] for file in commit["files"]]
    assert all(re.fullmatch(r"part-\d{5}\.parquet", name) for name in names)
    assert len(set(names)) >= 10
    assert len({file["key"] for file in commit["files"]}) == len(names)


def test_splits_see_one_snapshot(world: World, small_splits: None) -> None:
    world.schema.run(BIG)
    before = world.schema.query("SELECT id, md5(filler) AS m FROM $big ORDER BY id")

    def write(**_: Any) -> None:
        world.schema.run("UPDATE $big SET id = -id, filler = 'x' WHERE id % 7 = 0; DELETE FROM $big WHERE id % 11 = 0")
        world.schema.run("INSERT INTO $big SELECT n, 'new' FROM generate_series(10000, 10100) AS n")
        world.schema.run("VACUUM $big")

    with world.at(SPLIT_OPENED, write):
        world.full("big", max_connections="64")
    assert len(world.commits("big")[0]["files"]) > 10
    landed = world.read("big")
    ids, fillers = landed.column("id").to_pylist(), landed.column("filler").to_pylist()
    assert sorted(ids) == [id_ for id_, _ in before]
    assert "new" not in fillers
    assert "x" not in fillers


@pytest.mark.parametrize("statement", ["TRUNCATE $big", "ALTER TABLE $big ALTER id TYPE bigint", "DROP TABLE $big"])
def test_table_cannot_be_rewritten_meanwhile(world: World, statement: str) -> None:
    world.schema.run(BIG)
    refused = []

    def try_it(**_: Any) -> None:
        try:
            world.schema.run("SET lock_timeout = '50ms'; " + statement)
        except duckdb.Error as error:
            refused.append(str(error))

    with world.at(SPLIT_OPENED, try_it):
        world.full("big")
    assert "lock timeout" in refused[0]
    assert world.column("big") == list(range(1, 5001))


@pytest.mark.parametrize("load", ["Full", "Incremental"])
def test_materialized_view_that_is_refreshed_meanwhile(
    world: World, capsys: pytest.CaptureFixture[str], load: str
) -> None:
    world.schema.run(BIG + "; CREATE MATERIALIZED VIEW $kind AS SELECT * FROM $big")
    with world.at(TABLE_FOUND, lambda: world.schema.run("REFRESH MATERIALIZED VIEW $kind")):
        assert world.run("kind", load_type=load) == 1
    assert "rewritten" in capsys.readouterr().err
    world.full("kind")
    assert world.column("kind") == list(range(1, 5001))


KINDS = {
    "view": "CREATE VIEW $kind AS SELECT * FROM $big",
    "materialized view": "CREATE MATERIALIZED VIEW $kind AS SELECT * FROM $big",
    "partitioned table": """
        CREATE TABLE $kind (id int, filler text, updated_at timestamptz) PARTITION BY RANGE (id);
        CREATE TABLE $kind1 PARTITION OF $kind FOR VALUES FROM (0) TO (100);
        CREATE TABLE $kind2 PARTITION OF $kind DEFAULT;
        INSERT INTO $kind SELECT * FROM $big""",
    "parent of inheritors": """
        CREATE TABLE $kind AS SELECT * FROM $big WHERE id <= 2000;
        CREATE TABLE $child () INHERITS ($kind);
        INSERT INTO $child SELECT * FROM $big WHERE id > 2000""",
    "unlogged table": "CREATE UNLOGGED TABLE $kind AS SELECT * FROM $big",
}


@pytest.mark.parametrize("load", ["Full", "Incremental"])
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_can_be_selected_from(world: World, small_splits: None, kind: str, load: str) -> None:
    world.schema.run(BIG)
    world.schema.run(KINDS[kind])
    world.schema.run("ANALYZE")
    world.land("kind", load_type=load, primary_key='["id"]')
    assert world.column("kind") == list(range(1, 5001))
    assert len(world.commits("kind")[0]["files"]) == (2 if kind == "view" else 3)


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("kind", ["big", "kind"])
def test_file_count(world: World, kind: str, count: int) -> None:
    world.schema.run(BIG + "; CREATE VIEW $kind AS SELECT * FROM $big")
    world.full(kind, file_count=str(count))
    files = world.commits(kind)[0]["files"]
    assert len(files) == count
    assert max(f["rows"] for f in files) - min(f["rows"] for f in files) <= 1
    world.land(kind, file_count=str(count))
    assert len(world.commits(kind)[1]["files"]) == count


def test_empty_table(world: World) -> None:
    world.schema.run("CREATE TABLE $none (id int, updated_at timestamptz)")
    world.land("none")
    assert world.keys("none") == [], "an increment of nothing makes nothing"
    world.full("none")
    assert world.commits("none")[0]["files"] == []
    world.schema.run("INSERT INTO $none VALUES (1)")
    world.full("none")
    world.schema.run("DELETE FROM $none")
    world.full("none")
    assert world.column("none") == []
    world.assert_consistent("none")


def test_rows_that_are_missing_from_a_split_stop_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.schema.run(BIG)
    wrong = [Split("ctid >= '(1,0)'::tid"), Split("ctid < '(0,9)'::tid")]
    monkeypatch.setattr(splits, "by_blocks", lambda *_: wrong)
    assert world.run("big") == 1
    assert "the snapshot has 5000 rows but its splits have" in capsys.readouterr().err
    assert world.commits("big") == []


def test_rows_that_are_missing_from_a_file_stop_the_run(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(BIG)

    class Short(Threads):
        def run(self, tasks: Sequence[SplitTask], extract_here: Extract) -> List[SplitResult]:
            (task,) = tasks
            query = dataclasses.replace(task.query, end=task.query.end + " LIMIT 4999")
            return super().run([dataclasses.replace(task, query=query)], extract_here)

    world.executor = Short(1)
    assert world.run("big") == 1
    assert "split 0 has 5000 rows in the snapshot but 4999 in its files" in capsys.readouterr().err
    assert world.commits("big") == []


def test_snapshot_that_ended(world: World) -> None:
    clients = ClientSettings(world.secret, None, world.bucket)
    task = SplitTask(clients, "00000003-0000001A-1", 0, SplitQuery("", "", "", ""), (), "", "", "", 1)
    assert "the snapshot ended while it was being read" in extract_on_executor(task).what


def test_large_values(world: World) -> None:
    world.schema.run(
        "CREATE TABLE $wide AS SELECT n AS id, repeat(md5(n::text), 100000) AS text FROM generate_series(1, 30) AS n"
    )
    world.full("wide")
    landed = world.read("wide")
    assert {len(value) for value in landed.column("text").to_pylist()} == {3200000}


def test_tasks_hold_no_password(world: World) -> None:
    seen: List[SplitTask] = []
    world.schema.run(BIG)
    with world.at(SPLIT_OPENED, lambda session, task: seen.append(task)):
        world.full("big")
    assert seen
    assert world.postgres.address["password"].encode() not in pickle.dumps(seen)


def test_one_split_needs_no_spark(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)  # importing it fails
    world.schema.run("CREATE TABLE $little AS SELECT n AS id FROM generate_series(1, 100) AS n")
    world.full("little", engine="Spark")
    assert world.column("little") == list(range(1, 101))


def test_spark_spreads_the_splits(world: World, tmp_path: Path) -> None:
    job = SparkJob(tmp_path, cores=2, split_bytes=500_000)
    world.schema.run(BIG)
    done = job.land(world, "big")
    assert done.returncode == 0, done.stderr
    assert world.column("big") == list(range(1, 5001))
    assert len(world.commits("big")[0]["files"]) == 3
    world.schema.run("ALTER TABLE $big ADD n numeric(5, 2); UPDATE $big SET n = 'NaN' WHERE id = 8")
    done = job.land(world, "big", load_type="Full")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"landfall: {world.schema.name}.big: 1 row of n holds NaN"), done.stderr
    assert "Traceback" not in done.stderr
    assert world.postgres.address["password"] not in done.stdout + done.stderr
