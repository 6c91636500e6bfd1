"""A few seeds of `make torture`; the naive job among them, to show that the score can be other than nothing."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import List

import pytest
from conftest import ROOT
from support import DEADLINE_SECONDS, World

from torture import extras, run, score
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
def tortured(world: World) -> World:
    """A world without a secret yet, where small tables are split and killed job runs are forked quickly."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(["torture.preload"])
    return replace(world, secret=world.secret + "-torture")


@pytest.mark.parametrize("name", TRIED)
def test_nothing_lost_doubled_or_altered(tortured: World, name: str) -> None:
    found = run.one(tortured, BY_NAME[name], 7, run.Landing)
    assert not found.wrong, found
    assert found.rows > 0


def test_columns_of_every_kind_are_compared(tortured: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All further columns at once, and then with one value read otherwise."""
    monkeypatch.setattr(run, "extras", lambda random: extras.extras(random, [extras.MOST]))
    scenario = BY_NAME["deletes"]
    found = run.one(tortured, scenario, 1, run.Landing)
    assert not found.wrong, found
    monkeypatch.setattr(
        score, "as_shown", lambda value: "another" if isinstance(value, bytes) else extras.as_shown(value)
    )
    again = replace(_own(tortured, 2), secret=tortured.secret + "-again")
    found = run.one(again, scenario, 2, run.Landing)
    assert found.altered > 0
    assert (found.lost, found.doubled) == (0, 0)


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


def test_interrupted_it_says_so_and_leaves_no_process() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "torture", "1", "--no-naive", "--only=killed"],
        cwd=ROOT / "blueprint",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    latest = time.monotonic() + DEADLINE_SECONDS
    while not any(": postgres sample" in one for one in _started_by(process.pid)):  # a session of PostgreSQL
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < latest
        time.sleep(0.05)
    started = _started_by(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, out) == (130, "")
    assert re.fullmatch(r"interrupted after \d+ s\n", err)
    there = set(_started_by(0))
    assert [one for one in started if one in there] == []


def _started_by(ancestor: int) -> List[str]:
    """Return number and command line of the processes below one; of 0, of all."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    found, below = [], {ancestor}
    rows = [line.split(None, 2) for line in listed.splitlines()]
    for pid, parent, command in sorted(rows, key=lambda row: int(row[0])):
        if ancestor == 0 or int(parent) in below:
            below.add(int(pid))
            found.append("{} {}".format(pid, command))
    return found
