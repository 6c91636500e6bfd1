"""The job under test, run with faults around it."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import sys
import threading
import time
from random import Random
from typing import List, Optional, Sequence

import boto3.session
from support import World, database

from landing.job import main
from landing.job.tuning import Observer, Tuning, ignore
from torture import faults, score
from torture.extras import Extra
from torture.scenarios import Scenario


class Landing:
    """The job under test."""

    def __init__(self, world: World, scenario: Scenario, random: Random) -> None:
        """Reach the database through a proxy."""
        self._world, self._scenario, self._random = world, scenario, random
        self._secret = world.postgres.secret()
        self._proxy: Optional[faults.Proxy] = None
        if "stream dropped" in scenario.errors:
            self._proxy = faults.Proxy((self._secret["host"], self._secret["port"]))
            self._secret["port"] = self._proxy.port
        world.aws.secrets.create_secret(Name=world.secret, SecretString=json.dumps(self._secret))
        options = {"file_count": "1", **scenario.options}
        self._arguments = world.arguments("events", **options)[1:]

    def run(self, faulty: bool) -> bool:
        """Run the job once, with a fault if wanted; report whether it said that it succeeded."""
        if not faulty:
            return self._here()
        fault = self._random.choice((*self._scenario.kills, *self._scenario.errors) or ("",))
        if fault in self._scenario.kills:
            return _killed(fault, self._random.getrandbits(32), self._arguments)
        with contextlib.ExitStack() as stack:
            observe: Observer = ignore
            if fault == "S3":
                stack.enter_context(faults.refusing_s3(self._random))
            elif fault == "split cut":
                observe = faults.split_cut(self._terminate, self._random)
            elif fault == "snapshot lost":
                observe = faults.snapshot_lost(self._terminate)
            elif self._proxy:
                self._proxy.drop_after(self._random.randint(1, 60_000))
            if fault != "race":
                landed = self._here(observe=observe)
                if self._proxy:
                    self._proxy.drop_after(None)
                return landed
            other = threading.Thread(target=self._here, args=(self._random.uniform(0, 0.15),))
            other.start()
            self._here(self._random.uniform(0, 0.05))
            other.join()
            return False

    def _terminate(self, pid: int) -> None:
        self._world.schema.query("SELECT pg_terminate_backend({}) AS x".format(pid))

    def _here(self, delay: float = 0.0, observe: Observer = ignore) -> bool:
        time.sleep(delay)
        return run(self._arguments, observe)

    def forget(self) -> None:
        """Close connections, as the end of a job run does; of those that nobody cut it costs time only."""
        if self._scenario.errors:
            database(self._secret).close()

    def close(self) -> None:
        """Let go of everything that is this run's own."""
        self.forget()
        if self._proxy:
            self._proxy.close()

    def score(self, extras: Sequence[Extra]) -> score.Score:
        """Return what readers of the commit records miss, see twice or see changed."""
        return score.of_landing(self._world, self._scenario, extras)


def run(arguments: Sequence[str], observe: Observer) -> bool:
    """Run the job in this process, quick to start and with small splits; report whether it said that it succeeded."""
    line = main.run(arguments, Tuning(clock_seconds=0.02, min_split_bytes=8192, observe=observe))
    if line is not None:
        print(line, file=sys.stderr)
    return line is None


def _killed(step: str, seed: int, arguments: List[str]) -> bool:
    """Run the job in a process of its own and kill it at a step."""
    process = multiprocessing.get_context("forkserver").Process(target=killed_job, args=(step, seed, arguments))
    process.start()
    process.join(60)
    ended = process.exitcode
    if ended is None:
        process.kill()
    return ended == 0


def killed_job(step: str, seed: int, arguments: List[str]) -> None:
    """Run in a child process: the job, with its death arranged."""
    sys.stdout = sys.stderr = io.StringIO()
    killer = faults.Killer(step, Random(seed))
    killer.watch(boto3.session.Session())
    raise SystemExit(0 if run(arguments, killer) else 1)
