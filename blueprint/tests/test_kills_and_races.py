"""A job run may end anywhere; the next one converges, and no row is lost or landed twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Callable, Iterator, List

import botocore.client
import pytest
from support import World

from landing.job.tuning import FILE_UPLOADED, STEPS, UPLOADED
from landing.publish.bucket import Bucket

ORDERS = """
    CREATE TABLE $orders (id int, kind text, updated_at timestamptz NOT NULL DEFAULT now());
    INSERT INTO $orders SELECT n, (ARRAY['a','b',NULL])[1 + n % 3] FROM generate_series(1, 30) AS n
"""
MORE = "INSERT INTO $orders SELECT n, (ARRAY['b','c'])[1 + n % 2] FROM generate_series(31, 40) AS n"


class KilledError(Exception):
    """The job run ends here."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, bool], List[str]]]:
    """Let the n-th call to AWS from now on, counted from 0, be the last, before or after it has its effect."""
    make = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def arm(last: int, effect: bool) -> List[str]:
        made: List[str] = []

        def call(self: Any, operation: str, request: Any) -> Any:
            made.append(operation)
            if len(made) > last + 1 or (len(made) == last + 1 and not effect):
                raise KilledError(operation)
            answer = make(self, operation, request)
            if len(made) == last + 1:
                raise KilledError(operation)
            return answer

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        return made

    yield arm
    monkeypatch.undo()


LOADS = {
    "Incremental": {"partition_column": "kind"},
    "with everything": {
        "partition_column": "kind",
        "primary_key": '["id"]',
        "lookback_seconds": "60",
        "null_cursor": "Include",
        "detect_deletes": "true",
    },
    "Full": {"load_type": "Full", "delta_column": "", "partition_column": "kind", "file_count": "2"},
    "Full without partitions": {"load_type": "Full", "delta_column": "", "file_count": "2"},
}


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("load", LOADS)
def test_killed_at_any_call_to_aws(
    world: World, calls: Callable[[int, bool], List[str]], monkeypatch: pytest.MonkeyPatch, load: str, effect: bool
) -> None:
    for last in range(60):
        table = f"orders{last}"
        world.schema.run(ORDERS.replace("orders", table))
        if last % 2:
            world.land(table, **LOADS[load])  # with and without a batch before it
            world.schema.run(MORE.replace("orders", table))
        made = calls(last, effect)
        ended = world.run(table, **LOADS[load])
        monkeypatch.undo()
        if not last % 2:
            world.schema.run(MORE.replace("orders", table))
        world.land(table, **LOADS[load])
        assert world.column(table) == list(range(1, 41)), f"killed at {made[-1]}"
        world.assert_consistent(table)
        if ended == 0:
            assert len(made) <= last + effect
            return
    raise AssertionError("the job never came to its end")


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step(world: World, step: str) -> None:
    world.schema.run(ORDERS)
    world.land("orders", file_count="3")
    world.schema.run(MORE)

    def die(**_: Any) -> None:
        raise KilledError(step)

    with world.at(step, die):
        assert world.run("orders", file_count="3") == 1
    world.land("orders", file_count="3")
    assert world.column("orders") == list(range(1, 41))
    world.land("orders", file_count="3")
    assert world.column("orders") == list(range(1, 41))
    world.assert_consistent("orders")
    abandoned = {key.split("/")[0] for key in world.keys("orders") if key.startswith("batch=")}
    assert abandoned == {"batch=" + c["batch"] for c in world.commits("orders")}, "leftovers are swept"


@pytest.mark.parametrize("load", LOADS)
def test_two_job_runs_race(world: World, capsys: pytest.CaptureFixture[str], load: str) -> None:
    world.schema.run(ORDERS)
    other = replace(world)
    with world.at(UPLOADED, lambda: other.land("orders", **LOADS[load])):
        assert world.run("orders", **LOADS[load]) == 0
    (winner,) = world.commits("orders")
    assert f'"published":"{winner["batch"]}"' in capsys.readouterr().out
    assert world.column("orders") == list(range(1, 31))
    world.assert_consistent("orders")
    assert not [k for k in world.keys("orders") if k.startswith("batch=") and winner["batch"] not in k]


def test_commit_whose_answer_got_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.schema.run(ORDERS)
    put = Bucket.put_new

    def asked_again(self: Bucket, key: str, content: bytes) -> bool:
        assert put(self, key, content)
        return put(self, key, content)  # as botocore does when a connection breaks

    monkeypatch.setattr(Bucket, "put_new", asked_again)
    world.land("orders")
    assert world.column("orders") == list(range(1, 31))
    assert len(world.commits("orders")) == 1


@pytest.mark.parametrize("load", LOADS)
def test_retry_of_a_job_run_that_committed(world: World, load: str) -> None:
    world.schema.run(ORDERS)
    world.land("orders", JOB_RUN_ID="jr_1", **LOADS[load])
    world.aws.glue.delete_table(DatabaseName=world.postgres.address["database"], Name=f"{world.schema.name}_orders")
    world.land("orders", JOB_RUN_ID="jr_1_attempt_1", **LOADS[load])
    assert len(world.commits("orders")) == 1
    world.assert_consistent("orders")
    world.land("orders", JOB_RUN_ID="jr_2", **LOADS[load])
    assert world.column("orders") == list(range(1, 31))


def test_file_of_a_task_that_ran_twice(world: World) -> None:
    world.schema.run(ORDERS)

    def leave_another() -> None:
        (key,) = [key for key in world.keys("orders") if key.endswith("part-00000.parquet")]
        other = world.prefix("orders") + key.replace("part-00000", "part-00007")
        world.aws.s3.put_object(Bucket=world.bucket, Key=other, Body=b"x")

    with world.at(FILE_UPLOADED, leave_another):
        world.land("orders")
    assert not [key for key in world.keys("orders") if "part-00007" in key]
    world.assert_consistent("orders")


def test_full_loads_keep_the_one_before(world: World) -> None:
    world.schema.run(ORDERS)
    for _ in range(4):
        world.full("orders")
    all_four = {"batch=" + c["batch"] for c in world.commits("orders")}
    assert {key.split("/")[0] for key in world.keys("orders") if key.startswith("batch=")} == all_four, (
        "a query may run"
    )
    world.tune(replaced_grace=timedelta(0))
    world.full("orders")
    kept = {key.split("/")[0] for key in world.keys("orders") if key.startswith("batch=")}
    assert kept == {"batch=" + c["batch"] for c in world.commits("orders")[-2:]}
    assert len(world.commits("orders")) == 5


def test_increments_are_never_swept(world: World) -> None:
    world.schema.run(ORDERS)
    world.land("orders")
    world.schema.run(MORE)
    world.land("orders")
    for _ in range(3):
        world.full("orders")
    kept = {key.split("/")[0] for key in world.keys("orders") if key.startswith("batch=")}
    assert {"batch=" + c["batch"] for c in world.commits("orders")[:2]} <= kept


@pytest.mark.parametrize("partition", ["", "kind"])
def test_load_type_may_change(world: World, partition: str) -> None:
    world.schema.run(ORDERS)
    for load in ["Incremental", "Full", "Full", "Incremental", "Incremental", "Full", "Incremental"]:
        world.land("orders", load_type=load, partition_column=partition)
        world.assert_consistent("orders")
        assert world.column("orders") == list(range(1, 31)), "each switch begins anew"
    world.schema.run(MORE)
    world.land("orders", partition_column=partition)
    world.assert_consistent("orders")
    assert world.column("orders") == list(range(1, 41))


def test_files_that_are_not_a_batchs_stay(world: World) -> None:
    world.schema.run(ORDERS)
    strange = ["notes.txt", "batch=x/part.parquet", "batch=00000001/part.parquet", "batch=00000009-abc/part.parquet"]
    for name in strange:
        world.aws.s3.put_object(Bucket=world.bucket, Key=world.prefix("orders") + name, Body=b"x")
    world.land("orders")
    world.full("orders")
    assert set(strange) <= set(world.keys("orders"))


def test_sweep_removes_what_can_never_be_published(world: World) -> None:
    world.schema.run(ORDERS)
    lost = world.prefix("orders") + "batch=00000001-0123456789ab/kind=a/part-00000.parquet"
    world.aws.s3.put_object(Bucket=world.bucket, Key=lost, Body=b"x")
    world.land("orders")
    assert not [key for key in world.keys("orders") if "0123456789ab" in key]
