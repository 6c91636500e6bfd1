"""Runs the splits of a batch: on threads of this process, or on Spark's executors."""

from __future__ import annotations

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List, Optional, Protocol, Sequence

from landing.job.arguments import SPARK
from landing.read import extract
from landing.read.split_task import SplitResult, SplitTask

Extract = Callable[[SplitTask], SplitResult]


class Executor(Protocol):
    """Reads splits in any order, on any machine."""

    def run(self, tasks: Sequence[SplitTask], extract_here: Extract) -> List[SplitResult]:
        """Return the results of all tasks. extract_here reads a split in this process, with this process's clients."""

    def close(self) -> None:
        """Free what the executor holds."""


class Threads:
    """Some threads of this process."""

    def __init__(self, threads: int) -> None:
        """Use this many threads."""
        self._threads = threads

    def run(self, tasks: Sequence[SplitTask], extract_here: Extract) -> List[SplitResult]:
        """Return the results of all tasks. When one fails, those that have not begun do not begin."""
        failed = threading.Event()

        def unless_failed(task: SplitTask) -> SplitResult:
            if failed.is_set():
                return SplitResult(task.number)
            result = extract_here(task)
            if result.what:
                failed.set()
            return result

        if len(tasks) == 1:
            return [extract_here(tasks[0])]
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(unless_failed, tasks))

    def close(self) -> None:
        """Nothing to free."""


class Spark:
    """Spark's executors, some splits at a time. Spark starts when there is something to spread.

    A single split is read by the driver: starting Spark takes longer than reading it.
    """

    def __init__(self, at_once: int) -> None:
        """Run at most this many tasks at once."""
        self._at_once = at_once
        self._session: Optional[object] = None

    def run(self, tasks: Sequence[SplitTask], extract_here: Extract) -> List[SplitResult]:
        """Return the results of all tasks. Executors import the package from --extra-py-files."""
        if len(tasks) == 1:
            return [extract_here(tasks[0])]
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.appName("landfall").getOrCreate()
        self._session = spark
        slices = min(len(tasks), self._at_once)
        spread = spark.sparkContext.parallelize(list(tasks), slices)
        results: List[SplitResult] = spread.map(extract.extract_on_executor).collect()
        return results

    def close(self) -> None:
        """Stop Spark, so that it writes nothing after the job's last line."""
        if self._session is not None:
            self._session.stop()  # type: ignore[attr-defined]


def readers(max_connections: int) -> int:
    """Return how many splits may be read at once. The coordinator's connection keeps the snapshot; alone, it reads."""
    return max(1, max_connections - 1)


def choose(name: str, max_connections: int) -> Executor:
    """Return the executor that --engine names."""
    if name == SPARK:
        return Spark(readers(max_connections))
    return Threads(threads(max_connections, len(os.sched_getaffinity(0)), available_memory()))


def threads(max_connections: int, processors: int, memory: int) -> int:
    """Return how many threads read in a Python shell job, which is one process with so many bytes of memory.

    There is one reader more than processors: while one waits for the server the others work.
    """
    return min(readers(max_connections), processors + 1, max(1, memory // _MEMORY_OF_A_READER))


_MEMORY_OF_A_READER = 400 << 20


def available_memory() -> int:
    """Return the bytes of memory that this process may use: of the machine or, in a container, less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError), open(path) as file:
            total = min(total, int(file.read()))
    return total
