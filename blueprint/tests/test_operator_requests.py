"""State operations as the landfall command asks for them: set and reset the watermark, backfill a range."""

from __future__ import annotations

import hashlib
import json
from typing import Any, List, Optional

import pytest
from support import World

from landing.job.tuning import COMMITTED, UPLOADED

ORDERS = """
    CREATE SEQUENCE $drawn;
    CREATE TABLE $orders (id int PRIMARY KEY, name text, seq int NOT NULL DEFAULT nextval('$drawn'));
    INSERT INTO $orders SELECT n, 'x' FROM generate_series(1, 10) AS n
"""
CURSOR = {"delta_column": "seq"}
KEYED = [{}, {"primary_key": '["id"]'}]
keyed = pytest.mark.parametrize("key", KEYED, ids=["without a key", "with a key"])


def _state(world: World, action: str, watermark: Optional[str] = None) -> None:
    """Write a state record as the landfall command does."""
    records = world.commits("orders")
    seq = records[-1]["seq"] + 1 if records else 1
    record = {"version": 1, "kind": "state", "seq": seq, "base": records[-1]["base"] if records else seq}
    record.update(action=action, watermark=watermark, files=[], rows=0, bytes=0)
    record.update(committedAt="2026-01-01T00:00:00+00:00", by="test")
    _put(world, f"commits/{seq:08d}.json", record)


def ask_backfill(world: World, low: str, high: str) -> str:
    """Write a request as the landfall command does, and return its id."""
    after = world.commits("orders")[-1]["seq"]
    number = hashlib.sha256(f"backfill\n{low}\n{high}\n{after}".encode()).hexdigest()[:16]
    request = {"version": 1, "kind": "backfill", "id": number, "after": after, "from": low, "to": high}
    _put(world, f"requests/{number}.json", {**request, "requestedAt": "2026-01-01T00:00:00+00:00", "by": "test"})
    return number


def _put(world: World, name: str, content: Any) -> None:
    key = world.prefix("orders") + "_landfall/" + name
    world.aws.s3.put_object(Bucket=world.bucket, Key=key, Body=json.dumps(content).encode(), IfNoneMatch="*")


def _batches(world: World) -> List[List[int]]:
    """Return the ids of each record's rows."""
    return [
        sorted(number for file in commit["files"] for number in world.read_file(file).column("id").to_pylist())
        for commit in world.commits("orders")
    ]


def _pending(world: World) -> List[str]:
    return [key for key in world.keys("orders") if key.startswith("_landfall/requests/")]


@keyed
def test_set_back_lands_what_differs(world: World, key: Any) -> None:
    world.schema.run(ORDERS)
    world.land("orders", **CURSOR, **key)
    _state(world, "set", "5")
    world.land("orders", **CURSOR, **key)
    assert _batches(world) == [list(range(1, 11)), [], []], "what is landed is not doubled"
    assert world.commits("orders")[-1]["watermark"] == "11"
    world.assert_consistent("orders")
    world.schema.run("UPDATE $orders SET name = 'y' WHERE id IN (2, 7)")
    world.land("orders", **CURSOR, **key)
    world.schema.run("INSERT INTO $orders VALUES (11, 'x')")
    _state(world, "set", "1")
    world.land("orders", **CURSOR, **key)
    assert _batches(world)[3:] == [[2, 7], [], [11]]
    world.land("orders", **CURSOR, **key)
    assert len(world.commits("orders")) == 6


def test_set_forward_skips(world: World) -> None:
    world.schema.run(ORDERS)
    world.land("orders", **CURSOR)
    world.schema.run("INSERT INTO $orders SELECT n, 'x' FROM generate_series(11, 20) AS n")
    _state(world, "set", "16")
    world.land("orders", **CURSOR)
    world.schema.run("INSERT INTO $orders VALUES (21, 'x')")
    world.land("orders", **CURSOR)
    assert _batches(world) == [list(range(1, 11)), [], list(range(16, 21)), [21]]
    ask_backfill(world, "11", "14")
    world.land("orders", **CURSOR)
    assert _batches(world)[-1] == [11, 12, 13]


def test_set_before_the_first_batch(world: World) -> None:
    world.schema.run(ORDERS)
    _state(world, "set", "4")
    _state(world, "set", "6")
    world.land("orders", **CURSOR)
    assert _batches(world) == [[], [], [6, 7, 8, 9, 10]]
    world.assert_consistent("orders")


def test_set_to_a_moment_as_a_person_writes_it(world: World) -> None:
    world.schema.run("CREATE TABLE $orders (id int, updated_at timestamptz NOT NULL DEFAULT '2024-05-05 12:00+02')")
    world.schema.run("INSERT INTO $orders VALUES (1, DEFAULT), (2, '2024-05-04')")
    _state(world, "set", "2024-05-05T10:00:00Z")
    world.land("orders")
    assert _batches(world) == [[], [1]]
    assert world.commits("orders")[-1]["window"]["low"] == "2024-05-05 10:00:00.000000+00"


def test_set_to_what_is_no_value_of_the_cursor(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(ORDERS)
    world.land("orders", **CURSOR)
    _state(world, "set", "yesterday")
    assert world.run("orders", **CURSOR) == 1
    assert "the watermark was set to 'yesterday', which is not a value of seq (int4)" in capsys.readouterr().err
    _state(world, "set", "11")
    world.land("orders", **CURSOR)
    assert world.column("orders") == list(range(1, 11))


def test_reset_begins_a_new_base(world: World) -> None:
    world.schema.run(ORDERS)
    world.land("orders", **CURSOR)
    world.schema.run("DELETE FROM $orders WHERE id > 8; INSERT INTO $orders VALUES (11, 'x')")
    _state(world, "reset")
    assert world.column("orders") == list(range(1, 11)), "readers see the old batches until the new one is committed"
    world.assert_consistent("orders")
    world.land("orders", **CURSOR)
    assert world.column("orders") == [*range(1, 9), 11]
    world.assert_consistent("orders")
    assert [commit["base"] for commit in world.commits("orders")] == [1, 1, 3]
    world.land("orders", **CURSOR)
    assert len(world.commits("orders")) == 3


def test_reset_lets_the_cursor_change(world: World) -> None:
    world.schema.run(ORDERS)
    world.land("orders", **CURSOR)
    _state(world, "reset")
    world.land("orders", delta_column="id")
    assert world.column("orders") == list(range(1, 11))


def test_reset_and_then_set(world: World) -> None:
    world.schema.run(ORDERS)
    world.land("orders", **CURSOR)
    _state(world, "set", "3")
    _state(world, "reset")
    _state(world, "set", "7")
    world.land("orders", **CURSOR)
    assert world.column("orders") == [7, 8, 9, 10]


def test_state_record_overtakes_a_job_run(world: World) -> None:
    world.schema.run(ORDERS)
    world.land("orders", **CURSOR)
    world.schema.run("INSERT INTO $orders VALUES (11, 'x')")
    with world.at(UPLOADED, lambda: _state(world, "reset")):
        world.land("orders", **CURSOR)
    assert _batches(world) == [list(range(1, 11)), []]
    assert not [key for key in world.keys("orders") if key.startswith("batch=00000002")]
    world.land("orders", **CURSOR)
    assert world.column("orders") == list(range(1, 12))


@keyed
def test_backfill(world: World, key: Any) -> None:
    """What changed or went missing in the range lands, once; the rest stays as it is."""
    world.schema.run(ORDERS.replace("seq int", "seq timestamptz").replace("nextval('$drawn')", "'2024-01-01'"))
    world.schema.run("UPDATE $orders SET seq = '2024-01-01'::timestamptz + id * interval '1 day'")
    world.land("orders", **CURSOR, **key)
    world.schema.run("UPDATE $orders SET name = 'y' WHERE id IN (2, 5, 6)")
    world.schema.run("INSERT INTO $orders VALUES (11, 'late', '2024-01-06 12:00')")
    number = ask_backfill(world, "2024-01-05", "2024-01-07 00:00:00")
    world.land("orders", **CURSOR, **key)
    assert _batches(world)[1:] == [[5, 11]]
    (answer,) = world.commits("orders")[-1]["backfills"]
    assert (answer["request"], _pending(world)) == (number, [])
    assert ask_backfill(world, "2024-01-05", "2024-01-07 00:00:00") != number
    world.land("orders", **CURSOR, **key)
    assert _batches(world)[2:] == [[]], "again: nothing is doubled"
    world.assert_consistent("orders")


def test_backfill_sees_the_newest_version_of_a_key(world: World) -> None:
    """A row that was changed and changed back is landed again: readers take the last."""
    world.schema.run(ORDERS)
    key = {"primary_key": '["id"]'}
    world.land("orders", **CURSOR, **key)
    world.schema.run("UPDATE $orders SET name = 'y' WHERE id = 2")
    world.land("orders", **CURSOR, **key)
    world.schema.run("UPDATE $orders SET name = 'x' WHERE id = 2")
    ask_backfill(world, "1", "5")
    world.land("orders", **CURSOR, **key)
    assert _batches(world)[1:] == [[2], [2]]


def test_backfill_of_late_rows_lands_them_once(world: World) -> None:
    """They are found twice, as late and by the request, in one snapshot."""
    world.schema.run(ORDERS)
    late = world.schema.writer.begin()
    late.run(f"INSERT INTO {world.schema.name}.orders VALUES (11, 'x')")
    world.schema.run("INSERT INTO $orders VALUES (12, 'x')")
    world.land("orders", **CURSOR)
    late.commit()
    ask_backfill(world, "1", "100")
    ask_backfill(world, "5", "50")
    for _ in range(2):
        world.land("orders", **CURSOR)
    assert _batches(world)[1:] == [[11]]


def test_backfill_with_lookback_and_partitions(world: World) -> None:
    world.schema.run(ORDERS.replace("seq int", "seq timestamptz").replace("nextval('$drawn')", "now()"))
    options = {**CURSOR, "primary_key": '["id"]', "lookback_seconds": "600", "partition_column": "name"}
    world.land("orders", **options)
    world.schema.run("UPDATE $orders SET name = NULL WHERE id = 3; UPDATE $orders SET name = 'a/b' WHERE id = 4")
    ask_backfill(world, "2000-01-01", "2100-01-01")
    world.land("orders", **options)
    assert _batches(world)[1:] == [[3, 4]]
    ask_backfill(world, "2000-01-01", "2100-01-01")
    world.land("orders", **options)
    assert _batches(world)[2:] == [[]]


def test_backfill_that_makes_no_sense(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused once, the rest is landed, and later job runs go on."""
    world.schema.run(ORDERS)
    world.land("orders", **CURSOR)
    world.schema.run("INSERT INTO $orders VALUES (11, 'x')")
    ask_backfill(world, "monday", "5")
    assert world.run("orders", **CURSOR) == 1
    assert "a backfill begins at 'monday', which is not a value of seq (int4)" in capsys.readouterr().err
    assert "refused" in world.commits("orders")[-1]["backfills"][0]
    assert (_batches(world)[1:], _pending(world)) == ([[11]], [])
    world.land("orders", **CURSOR)
    assert len(world.commits("orders")) == 2


def test_killed_between_the_commit_and_the_end_of_a_request(world: World) -> None:
    world.schema.run(ORDERS)
    world.land("orders", **CURSOR)
    ask_backfill(world, "1", "5")
    with world.at(COMMITTED, lambda: 1 / 0):
        assert world.run("orders", **CURSOR) == 1
    assert _pending(world)
    world.land("orders", **CURSOR)
    assert not _pending(world)
    assert len(world.commits("orders")) == 2


def test_request_that_cannot_be_read(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(ORDERS)
    _put(world, "requests/x.json", {"version": 2})
    assert world.run("orders", **CURSOR) == 1
    assert "_landfall/requests/x.json cannot be read" in capsys.readouterr().err


def test_full_load_after_a_state_record(world: World) -> None:
    world.schema.run(ORDERS)
    world.full("orders")
    _state(world, "reset")
    world.full("orders")
    world.full("orders")
    world.assert_consistent("orders")
    assert world.column("orders") == list(range(1, 11))
