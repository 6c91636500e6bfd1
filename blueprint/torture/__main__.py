"""`make torture`: runs every scenario with every seed, on two servers at the same time, and prints the score."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Dict, List, Sequence

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "blueprint"), str(ROOT / "blueprint" / "tests")]

from torture import worker  # noqa: E402
from torture.scenarios import SCENARIOS  # noqa: E402
from torture.score import Score  # noqa: E402


def main(words: Sequence[str]) -> int:
    """Run it; 0 when nothing was lost, doubled or altered, else 1."""
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("seeds", nargs="*", help="seeds or ranges of them such as 1-20 (default: 1-18)")
    parser.add_argument("--only", default="", help="scenarios with this in their name")
    parser.add_argument("--parallel", type=int, default=2, help="processes, each with its own PostgreSQL and S3")
    parser.add_argument("--no-naive", action="store_true", help="leave out the naive job")
    given = parser.parse_args(words)
    seeds = _seeds(given.seeds or ["1-18"])
    chosen = [number for number, scenario in enumerate(SCENARIOS) if given.only in scenario.name]
    jobs = ["landfall"] if given.no_naive else ["landfall", "naive"]
    started = time.monotonic()
    scores: Dict[str, Dict[int, List[Score]]] = {job: {number: [] for number in chosen} for job in jobs}
    with ProcessPoolExecutor(given.parallel, get_context("spawn"), worker.start, (str(ROOT),)) as pool:
        runs = {
            pool.submit(worker.run, number, seed, job): (number, seed, job)
            for job in jobs
            # Of the naive job a few seeds show enough.
            for seed in (seeds if job == "landfall" else seeds[:3])
            for number in chosen
        }
        for done, run in enumerate(as_completed(runs), 1):
            number, seed, job = runs[run]
            found = run.result()
            scores[job][number].append(found)
            if sys.stderr.isatty():
                print("\r{} of {} runs ".format(done, len(runs)), end="", file=sys.stderr, flush=True)
            elif done % 50 == 0:
                print("{} of {} runs, {:.0f} s".format(done, len(runs), time.monotonic() - started), file=sys.stderr)
            if found.wrong and job == "landfall":
                print("{}, seed {}: {}".format(SCENARIOS[number].name, seed, found), file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    _show(jobs, chosen, scores)
    runs_made = sum(len(found) for found in scores["landfall"].values())
    wrong = sum(found.wrong for all_found in scores["landfall"].values() for found in all_found)
    print("{} runs in {:.0f} s, {} of them wrong".format(runs_made, time.monotonic() - started, wrong))
    return 1 if wrong else 0


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
