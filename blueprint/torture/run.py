"""One run: a table, random transactions, job runs with faults among them, and what the lake holds in the end."""

from __future__ import annotations

import contextlib
import io
import time
import uuid
from random import Random
from typing import Any, Callable

from support import World

from torture import score
from torture.extras import extras
from torture.job import Landing
from torture.naive import Naive
from torture.operator import operate
from torture.scenarios import Scenario
from torture.writers import Writers, busy

__all__ = ["Landing", "Naive", "named", "one"]


def one(world: World, scenario: Scenario, seed: int, job: Callable[..., Any]) -> score.Score:
    """Make one run and score it."""
    random = Random("{} {}".format(scenario.name, seed))
    # The naive job knows no types, and would only lose more.
    further = extras(Random("columns of {} {}".format(scenario.name, seed))) if job is Landing else ()
    writers = Writers(world, scenario, random, further)
    landing = job(world, scenario, random)
    background = busy(world, scenario, Random(seed)) if scenario.busy else contextlib.nullcontext()
    try:
        with background, contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
            for _ in range(random.randint(3, 5)):
                for _ in range(random.randint(2, 6)):
                    writers.step()
                if scenario.operated and job is Landing and random.random() < 0.5:
                    operate(world, random)
                landing.run(faulty=random.random() < 0.7)
                landing.forget()
            writers.end()
        time.sleep(scenario.ahead)
        landed = False
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            for _ in range(2):
                landed = landing.run(faulty=False)
        found: score.Score = landing.score(further)
        if not landed:
            found.said = (said.getvalue().strip() or "no reason given").splitlines()[-1]
        return found
    finally:
        landing.close()


def named() -> str:
    """Return a name for one run's schema and bucket."""
    return "s" + uuid.uuid4().hex[:8]
