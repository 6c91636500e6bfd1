"""`make torture`: runs every scenario with every seed, on two servers at the same time, and prints the score."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # there is nothing to end yet, and importing takes a second

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "blueprint"), str(ROOT / "blueprint" / "tests")]

from landing.job.errors import pluralise  # noqa: E402
from torture import worker  # noqa: E402
from torture.scenarios import SCENARIOS  # noqa: E402
from torture.score import Score  # noqa: E402

_STOP_SECONDS = 30  # for a server to stop by itself, also on a busy machine
_ERASE = "\r\033[K" if sys.stderr.isatty() else ""

Run = Tuple[int, int, str]
"""The number of the scenario, the seed and the job."""

Scores = Dict[str, Dict[int, List[Score]]]
"""Of each job and scenario, those of all seeds."""


def main(words: Sequence[str]) -> int:
    """Run it; 0 when nothing was lost, doubled or altered, 1 when something was, 130 when it was interrupted."""
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("seeds", nargs="*", help="seeds or ranges of them such as 1-20 (default: 1-18)")
    parser.add_argument("--only", default="", help="scenarios with this in their name")
    parser.add_argument("--parallel", type=int, default=2, help="processes, each with its own PostgreSQL and S3")
    parser.add_argument("--no-naive", action="store_true", help="leave out the naive job")
    given = parser.parse_args(words)
    seeds = _seeds(given.seeds or ["1-18"])
    chosen = [number for number, scenario in enumerate(SCENARIOS) if given.only in scenario.name]
    jobs = ["landfall"] if given.no_naive else ["landfall", "naive"]
    # Of the naive job a few seeds show enough.
    runs = [(n, seed, job) for job in jobs for seed in (seeds if job == "landfall" else seeds[:3]) for n in chosen]
    started = time.monotonic()
    scores: Scores = {job: {number: [] for number in chosen} for job in jobs}
    try:
        _run(runs, given.parallel, scores, started)
    except KeyboardInterrupt:
        print("{}interrupted after {:.0f} s".format(_ERASE, time.monotonic() - started), file=sys.stderr)
        return 130
    print(_ERASE, end="", file=sys.stderr)
    _show(jobs, chosen, scores)
    runs_made = sum(len(found) for found in scores["landfall"].values())
    wrong = sum(found.wrong for all_found in scores["landfall"].values() for found in all_found)
    print("{} in {:.0f} s, {} of them wrong".format(pluralise(runs_made, "run"), time.monotonic() - started, wrong))
    return 1 if wrong else 0


def _run(runs: Sequence[Run], parallel: int, scores: Scores, started: float) -> None:
    """Make the runs, add their scores and report the progress."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the workers inherit it
    with ProcessPoolExecutor(parallel, get_context("spawn"), worker.start, (str(ROOT),)) as pool:
        pending: Dict["Future[Score]", Run] = {pool.submit(worker.run, *run): run for run in runs}
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            for done, ended in enumerate(as_completed(pending), 1):
                number, seed, job = pending[ended]
                found = ended.result()
                scores[job][number].append(found)
                seconds = time.monotonic() - started
                if sys.stderr.isatty():
                    print("\r{} of {} runs ".format(done, len(runs)), end="", file=sys.stderr, flush=True)
                elif done % 50 == 0:
                    print("{} of {} runs, {:.0f} s".format(done, len(runs), seconds), file=sys.stderr)
                if found.wrong and job == "landfall":
                    print("{}, seed {}: {}".format(SCENARIOS[number].name, seed, found), file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            _stop()
            raise


def _stop() -> None:
    """End the workers and all that they started, which is a group of processes each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    workers = active_children()
    # A server stops by itself, and takes its files with it, when its worker is gone.
    for kill in (os.kill, os.killpg):
        for one in workers:
            with contextlib.suppress(ProcessLookupError):
                kill(one.pid or 0, signal.SIGKILL)
        latest = time.monotonic() + _STOP_SECONDS
        while any(map(_there, workers)) and time.monotonic() < latest:
            time.sleep(0.05)


def _there(one: BaseProcess) -> bool:
    """Report whether a worker, or anything that it started, is still there."""
    if one.is_alive():
        return True
    try:
        os.killpg(one.pid or 0, 0)
    except ProcessLookupError:
        return False
    return True


def _seeds(words: Sequence[str]) -> List[int]:
    seeds: List[int] = []
    for word in words:
        first, _, last = word.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def _show(jobs: Sequence[str], chosen: Sequence[int], scores: Dict[str, Dict[int, List[Score]]]) -> None:
    head = "{:46} {:>5} {:>8}".format("SCENARIO", "RUNS", "ROWS")
    print(head + "".join("   {:>6} {:>7} {:>7}".format("LOST", "DOUBLED", "ALTERED") for _ in jobs))
    rows = [(SCENARIOS[number].name, [scores[job][number] for job in jobs]) for number in chosen]
    rows.append(("all", [[s for number in chosen for s in scores[job][number]] for job in jobs]))
    for name, found in rows:
        line = "{:46} {:5} {:8}".format(name, len(found[0]), sum(s.rows for s in found[0]))
        for of_job in found:
            counts = [sum(s.lost for s in of_job), sum(s.doubled for s in of_job), sum(s.altered for s in of_job)]
            line += "   {:6} {:7} {:7}".format(*counts)
        print(line)


if __name__ == "__main__":
    os.environ.setdefault("TZ", "Asia/Kathmandu")  # neither the server's zone nor the sessions'
    sys.exit(main(sys.argv[1:]))
