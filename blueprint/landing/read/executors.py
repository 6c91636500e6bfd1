"""What runs the splits of a batch: threads of this process, or Spark's executors."""

from __future__ import annotations

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List, Optional, Protocol, Sequence

from landing.job.arguments import SPARK
from landing.read.split_task import Outcome, Task


class Engine(Protocol):
    """Runs a function for every task, in any order, on any machine."""

    def run(self, function: Callable[[Task], Outcome], tasks: Sequence[Task]) -> List[Outcome]:
        """Return the outcomes of all tasks."""

    def close(self) -> None:
        """Free what the engine holds."""


class Threads:
    """Some threads of this process."""

    def __init__(self, threads: int) -> None:
        """Use this many threads."""
        self._threads = threads

    def run(self, function: Callable[[Task], Outcome], tasks: Sequence[Task]) -> List[Outcome]:
        """Return the outcomes of all tasks. When one fails, those that have not begun do not begin."""
        failed = threading.Event()

        def unless_failed(task: Task) -> Outcome:
            if failed.is_set():
                return Outcome(task.split.number)
            outcome = function(task)
            if outcome.what:
                failed.set()
            return outcome

        if len(tasks) == 1:
            return [function(tasks[0])]
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(unless_failed, tasks))

    def close(self) -> None:
        """Nothing to free."""


class Spark:
    """Spark's executors, some splits at a time. Nothing is started before there is something to spread.

    A single split is read by the driver: starting Spark takes longer than reading it.
    """

    def __init__(self, at_once: int) -> None:
        """Run this many tasks at once at most."""
        self._at_once = at_once
        self._session: Optional[object] = None

    def run(self, function: Callable[[Task], Outcome], tasks: Sequence[Task]) -> List[Outcome]:
        """Return the outcomes of all tasks. The function is imported on the executors, from --extra-py-files."""
        if len(tasks) == 1:
            return [function(tasks[0])]
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.appName("landfall").getOrCreate()
        self._session = spark
        slices = min(len(tasks), self._at_once)
        outcomes: List[Outcome] = spark.sparkContext.parallelize(list(tasks), slices).map(function).collect()
        return outcomes

    def close(self) -> None:
        """Stop Spark, so that it writes nothing after the job's last line."""
        if self._session is not None:
            self._session.stop()  # type: ignore[attr-defined]


def readers(max_connections: int) -> int:
    """Return how many splits may be read at once. The coordinator's connection keeps the snapshot; alone, it reads."""
    return max(1, max_connections - 1)


def choose(name: str, max_connections: int) -> Engine:
    """Return the engine that --engine names. A Python shell job is one process.

    It has one reader more than processors: while one waits for the server the others work.
    """
    at_once = readers(max_connections)
    if name == SPARK:
        return Spark(at_once)
    return Threads(min(at_once, len(os.sched_getaffinity(0)) + 1, max(1, memory() // _MEMORY_OF_A_READER)))


_MEMORY_OF_A_READER = 400 << 20


def memory() -> int:
    """Return the bytes of memory that this process may use: of the machine or, in a container, less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError), open(path) as file:
            total = min(total, int(file.read()))
    return total
