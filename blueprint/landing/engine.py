"""Engines spread the splits of a table. Each calls extract once per task."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Sequence

from landing.errors import LandingError, explain
from landing.extract import File, Task, extract

Engine = Callable[[Sequence[Task]], "list[File]"]


def spark(tasks: Sequence[Task]) -> list[File]:
    """Spreads the tasks over Spark's executors. The session is whatever Spark was started with."""
    from pyspark.sql import SparkSession

    context = SparkSession.builder.appName("landfall").getOrCreate().sparkContext
    context.setLogLevel("ERROR")
    # An error goes back as a value: Spark would retry it and bury it in a stack trace.
    results = context.parallelize(list(tasks), len(tasks)).map(_attempt).collect()
    return _gather(results)


def threads(tasks: Sequence[Task], workers: int = 4) -> list[File]:
    """Runs the tasks in this process."""
    with ThreadPoolExecutor(max_workers=min(workers, len(tasks))) as pool:
        return _gather(list(pool.map(_attempt, tasks)))


def _attempt(task: Task) -> list[File] | str:
    try:
        return extract(task)
    except Exception as e:
        return explain(e)


def _gather(results: Sequence[list[File] | str]) -> list[File]:
    files: list[File] = []
    for result in results:
        if isinstance(result, str):
            raise LandingError(result)
        files.extend(result)
    return files
