"""DetectDeletes: keys that are landed and no longer in the source become tombstones."""

from __future__ import annotations

import functools
import operator
from typing import Any, Dict, List, Tuple

import pytest
from support import World

PEOPLE = """
    CREATE TABLE $people (id int, kind text, name text, updated_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (id, kind));
    INSERT INTO $people SELECT n, CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END, 'x' FROM generate_series(1, 10) AS n
"""
DELETES = {"primary_key": '["id", "kind"]', "detect_deletes": "true"}


def _rows(world: World, tombstones: bool) -> List[List[Tuple[Any, ...]]]:
    """Return ids and kinds of each batch's rows, or of its tombstones."""
    found = []
    for commit in world.commits("people"):
        tables = [world.read_file(file) for file in commit["files"] if file["tombstones"] == tombstones]
        found.append(
            sorted(
                zip(
                    *[
                        functools.reduce(operator.iadd, (t.column(c).to_pylist() for t in tables), [])
                        for c in ("id", "kind")
                    ]
                )
            )
        )
    return found


def _current(world: World) -> Dict[Any, str]:
    """Return what docs/guarantees.md says a reader does: the row of the last batch per key, unless it is a tombstone."""
    rows: Dict[Any, Any] = {}
    for commit in world.commits("people"):
        for file in commit["files"]:
            table = world.read_file(file)
            for key, name in zip(
                zip(table.column("id").to_pylist(), table.column("kind").to_pylist()), table.column("name").to_pylist()
            ):
                rows[key] = None if file["tombstones"] else name
    return {key: name for key, name in rows.items() if name is not None}


@pytest.mark.parametrize("partition", ["", "kind", "name"])
def test_tombstones(world: World, partition: str) -> None:
    world.schema.run(PEOPLE)
    options = {**DELETES, "partition_column": partition}
    world.land("people", **options)
    world.schema.run("DELETE FROM $people WHERE id IN (3, 4); INSERT INTO $people VALUES (11, 'odd', 'x')")
    world.land("people", **options)
    world.assert_consistent("people")
    assert _rows(world, True) == [[], [(3, "odd"), (4, "even")]]
    assert _rows(world, False)[1] == [(11, "odd")]
    last = world.commits("people")[-1]
    assert (last["rows"], last["deleted"]) == (1, 2)
    assert ("landfall_deleted", "boolean") in [(c["name"], c["type"]) for c in last["columns"]]
    assert "landfall_deleted" in [c["Name"] for c in world.glue_table("people")["StorageDescriptor"]["Columns"]]
    world.land("people", **options)
    assert len(world.commits("people")) == 2, "once"
    world.schema.run("INSERT INTO $people VALUES (3, 'odd', 'again')")
    world.land("people", **options)
    assert _current(world) == {
        (n, kind): name for n, kind, name in world.schema.query("SELECT id, kind, name FROM $people")
    }


def test_begun_on_a_table_that_is_landed(world: World) -> None:
    """The landed keys are read from the files once; what was updated meanwhile is one key."""
    world.schema.run(PEOPLE)
    world.land("people")
    world.schema.run("UPDATE $people SET name = 'y', updated_at = now() WHERE id = 1")
    world.land("people")
    world.schema.run("DELETE FROM $people WHERE id = 1")
    world.land("people", **DELETES)
    assert _rows(world, True) == [[], [], [(1, "odd")]]


def test_begun_beside_a_lookback(world: World) -> None:
    """What the lookback knew is of no use for all keys; nothing lands twice for that."""
    world.schema.run(PEOPLE)
    world.schema.run("UPDATE $people SET updated_at = now() - interval '2 hours' WHERE id <= 5")
    options = {"primary_key": '["id", "kind"]', "lookback_seconds": "3600", "null_cursor": "Include"}
    world.land("people", **options)
    world.schema.run(
        "DELETE FROM $people WHERE id = 1; INSERT INTO $people VALUES (11, 'odd', 'x', now() - interval '9 s')"
    )
    for _ in range(2):
        world.land("people", **options, detect_deletes="true")
    assert _rows(world, True) == [[], [(1, "odd")]]
    assert _rows(world, False)[1] == [(11, "odd")]


def test_row_that_was_deleted_before_it_landed(world: World) -> None:
    world.schema.run(PEOPLE)
    late = world.schema.writer.begin()
    late.run("SELECT 1")
    world.schema.run("INSERT INTO $people VALUES (11, 'odd', 'x')")  # not in the window: a transaction is open
    world.land("people", **DELETES)
    world.schema.run("DELETE FROM $people WHERE id = 11")
    late.rollback()
    world.land("people", **DELETES)
    assert len(world.commits("people")) == 1


def test_delete_that_is_not_committed(world: World) -> None:
    world.schema.run(PEOPLE)
    world.land("people", **DELETES)
    late = world.schema.writer.begin()
    late.run(f"DELETE FROM {world.schema.name}.people WHERE id = 1")
    world.land("people", **DELETES)
    assert len(world.commits("people")) == 1
    late.commit()
    world.land("people", **DELETES)
    assert _rows(world, True)[-1] == [(1, "odd")]


def test_guard(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(PEOPLE)
    world.land("people", **DELETES)
    keys = world.keys("people")
    world.schema.run("DELETE FROM $people WHERE id <= 3; INSERT INTO $people VALUES (11, 'odd', 'x')")
    assert world.run("people", **DELETES) == 1
    said = capsys.readouterr().err
    assert "3 of 10 landed keys are gone from the source, more than 20 percent" in said
    assert "DeleteLimitPercent" in said
    assert world.keys("people") == keys, "nothing is published"
    world.land("people", **DELETES, delete_limit_percent="30")
    assert _rows(world, True)[-1] == [(1, "odd"), (2, "even"), (3, "odd")]


def test_all_rows_deleted(world: World) -> None:
    world.schema.run(PEOPLE.replace("updated_at timestamptz NOT NULL DEFAULT now()", "updated_at serial"))
    options = {**DELETES, "delete_limit_percent": "100"}
    world.land("people", **options)
    world.schema.run("DELETE FROM $people")
    world.land("people", **options)
    assert _current(world) == {}
    world.land("people", **options)
    assert len(world.commits("people")) == 2


def test_lists_of_keys_are_swept(world: World) -> None:
    world.schema.run(PEOPLE)
    for number in range(20, 24):
        world.land("people", **DELETES)
        world.schema.run(f"INSERT INTO $people VALUES ({number}, 'odd', 'x')")
    lost = world.prefix("people") + "_landfall/known/00000002-0123456789ab.parquet"
    world.aws.s3.put_object(Bucket=world.bucket, Key=lost, Body=b"x")
    world.land("people", **DELETES)
    known = [key for key in world.keys("people") if key.startswith("_landfall/known/")]
    kept = [commit["batch"] for commit in world.commits("people")[-2:]]
    assert known == [f"_landfall/known/{batch}.parquet" for batch in kept]


KINDS = {
    "text": ("é/=%", "x"),
    "char(4)": ("ab", "cd"),
    "integer": ("-7", "8"),
    "boolean": ("true", "false"),
    "numeric(2,2)": ("-0.50", "0.10"),
    "numeric(38,4)": ("1.5", "2"),
    "date": ("0001-01-01", "2024-02-29"),
    "timestamp": ("2024-03-10 02:30:00.5", "2024-01-01"),
    "timestamptz": ("2024-11-03 01:30:00.000001-04", "2024-01-01"),
    "uuid": ("c73215a5-87a4-46ad-8761-0d3b7e426e66", "00000000-0000-0000-0000-000000000000"),
    "interval": ("-1 mon 00:00:01", "0"),
    "jsonb": ('{"a": [1]}', "null"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_tombstones_lie_where_their_rows_do(world: World, kind: str) -> None:
    """A folder is named by PostgreSQL's text of the value, a tombstone's is found from the landed key."""
    gone, stays = KINDS[kind]
    world.schema.run(f"CREATE TABLE $kinds (key {kind} PRIMARY KEY, updated_at timestamptz DEFAULT '2024-01-01')")
    world.schema.run(f"INSERT INTO $kinds VALUES ('{gone}'), ('{stays}')")
    options = {**DELETES, "primary_key": '["key"]', "partition_column": "key", "delete_limit_percent": "100"}
    world.land("kinds", **options)
    world.schema.run(f"DELETE FROM $kinds WHERE key = '{gone}'")
    world.land("kinds", **options)
    rows, tombstones = (commit["files"] for commit in world.commits("kinds"))
    (there,) = [file["partition"] for file in tombstones]
    assert there in [file["partition"] for file in rows]
    kept = [file["partition"] for file in rows if file["partition"] != there]
    assert len(kept) == 1
