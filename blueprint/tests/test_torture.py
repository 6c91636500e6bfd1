"""A few seeds of `make torture`; the naive job among them, to show that the score can be other than nothing."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace

import pytest
from support import World

from landing.postgres import splits
from torture import run
from torture.scenarios import SCENARIOS, Scenario

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
TRIED = [
    "transactions stay open, commits out of order",
    "timestamp without time zone",
    "sequence as cursor, savepoints",
    "backfills, resets, watermarks set back",
    "sequence, lookback, NULL cursors and deletes, killed",
    "skewed clocks, NULL cursors and deletes, killed",
    "full load killed anywhere",
    "partitions, killed anywhere",
    "everything at once",
]


@pytest.fixture
def tortured(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world without a secret yet, where small tables are split and killed job runs are forked quickly."""
    monkeypatch.setattr(splits, "TARGET_BYTES", 8192)
    multiprocessing.get_context("forkserver").set_forkserver_preload(["torture.preload"])
    return replace(world, secret=world.secret + "-torture")


@pytest.mark.parametrize("name", TRIED)
def test_nothing_lost_doubled_or_altered(tortured: World, name: str) -> None:
    found = run.one(tortured, BY_NAME[name], 7, run.Landing)
    assert not found.wrong, found
    assert found.rows > 0


NAIVE = {
    "lost to transactions that commit late": ("transactions stay open, commits out of order", "lost"),
    "lost to a kill": ("killed mid-write", "lost"),
    "doubled by a race": ("two job runs race", "doubled"),
}


@pytest.mark.parametrize("what", NAIVE)
def test_the_score_sees_what_the_naive_job_does(tortured: World, what: str) -> None:
    name, count = NAIVE[what]
    scenario: Scenario = BY_NAME[name]
    assert sum(getattr(run.one(_own(tortured, seed), scenario, seed, run.Naive), count) for seed in (1, 2)) > 0


def _own(world: World, seed: int) -> World:
    """Empty the schema and the bucket of the seed before."""
    if seed > 1:
        world.schema.run(f"DROP SCHEMA {world.schema.name} CASCADE; CREATE SCHEMA {world.schema.name}")
        for item in world.aws.s3.list_objects_v2(Bucket=world.bucket).get("Contents", []):
            world.aws.s3.delete_object(Bucket=world.bucket, Key=item["Key"])
    return world
