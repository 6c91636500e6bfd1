"""What runs the splits of a batch: threads of this process, or Spark's executors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List, Optional, Protocol, Sequence

from landing.arguments import SPARK
from landing.task import Outcome, Task


class Engine(Protocol):
    """Runs a function for every task, in any order, on any machine."""

    def run(self, function: Callable[[Task], Outcome], tasks: Sequence[Task]) -> List[Outcome]:
        """Return the outcomes of all tasks."""

    def close(self) -> None:
        """Free what the engine holds."""


class Threads:
    """Some threads of this process."""

    def __init__(self, threads: int = 2) -> None:
        """Use this many threads."""
        self._threads = threads

    def run(self, function: Callable[[Task], Outcome], tasks: Sequence[Task]) -> List[Outcome]:
        """Return the outcomes of all tasks."""
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(function, tasks))

    def close(self) -> None:
        """Nothing to free."""


class Spark:
    """Spark's executors, one task per split. Nothing is started before there is something to run."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._session: Optional[object] = None

    def run(self, function: Callable[[Task], Outcome], tasks: Sequence[Task]) -> List[Outcome]:
        """Return the outcomes of all tasks. The function is imported on the executors, from --extra-py-files."""
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.appName("landfall").getOrCreate()
        self._session = spark
        outcomes: List[Outcome] = spark.sparkContext.parallelize(list(tasks), len(tasks)).map(function).collect()
        return outcomes

    def close(self) -> None:
        """Stop Spark, so that it writes nothing after the job's last line."""
        if self._session is not None:
            self._session.stop()  # type: ignore[attr-defined]


def choose(name: str) -> Engine:
    """Return the engine that --engine names. A Python shell job is one process."""
    return Spark() if name == SPARK else Threads()
