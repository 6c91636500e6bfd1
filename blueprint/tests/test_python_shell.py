"""The script as Glue's Python shell runs it: one process, Python 3.9 where this machine has it, little memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import List, cast

import pytest
from conftest import ROOT
from support import DEADLINE_SECONDS, World

import land_table
from landing.read import executors
from landing.read.split_task import SplitResult, SplitTask


def _python() -> str:
    """Return the Python of Glue's Python shell or, on a machine without 3.9, the one that runs the tests."""
    shell = ROOT / "build/venv39/bin/python"
    return str(shell) if shell.exists() else sys.executable


def _shell(world: World, words: List[str], folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the script in a process of its own, with the package in S3 and nowhere else."""
    blueprint = Path(land_table.__file__).parent
    package = folder / "landing.zip"
    with zipfile.ZipFile(package, "w") as archive:
        for file in sorted((blueprint / "landing").rglob("*.py")):
            archive.write(file, file.relative_to(blueprint))
    world.aws.s3.upload_file(str(package), world.bucket, "jobs/landing.zip")
    script = folder / "land_table.py"
    script.write_text((blueprint / "land_table.py").read_text())
    command = [_python(), str(script), *words[1:], "--package", f"s3://{world.bucket}/jobs/landing.zip"]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, env={**inherited, **environment}, capture_output=True, text=True, cwd=folder, timeout=300
    )


@pytest.mark.parametrize("load", ["Full", "Incremental"])
def test_a_job_run(world: World, tmp_path: Path, load: str) -> None:
    world.schema.run("""
        CREATE TABLE $people (id int PRIMARY KEY, name text, pay numeric(8,2), tags text[], born date,
          updated_at timestamptz NOT NULL DEFAULT now());
        INSERT INTO $people SELECT n, 'n' || n, n / 4.0, ARRAY['a', 'b' || n], '1990-01-01' FROM generate_series(1, 500) AS n
    """)
    done = _shell(world, world.arguments("people", load_type=load), tmp_path)
    assert done.returncode == 0, done.stderr
    assert world.column("people") == list(range(1, 501))
    world.assert_consistent("people")


def test_a_failed_job_run_ends_with_one_line(world: World, tmp_path: Path) -> None:
    done = _shell(world, world.arguments("nothing"), tmp_path)
    assert done.returncode == 1
    assert (
        done.stderr.strip().splitlines()[-1].startswith(f"landfall: {world.schema.name}.nothing: the database has no")
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("processors", "gigabytes", "connections", "readers", "reason"),
    [
        (2, 24, 4, 3, "one more than processors: while one waits for the server the others work"),
        (2, 24, 16, 3, "no more than that"),
        (8, 24, 3, 2, "one of the connections keeps the snapshot"),
        (8, 1, 16, 2, "a reader holds a row group, not a table: a job of 1 GB has room for two"),
        (1, 0.25, 4, 1, "one always reads"),
        (4, 24, 1, 1, "the coordinator reads"),
    ],
)
def test_number_of_readers(processors: int, gigabytes: float, connections: int, readers: int, reason: str) -> None:
    assert executors.threads(connections, processors, int(gigabytes * 2**30)) == readers, reason


def test_that_many_read_at_once() -> None:
    """Readers wait for each other, so there are as many; no other one is among them."""
    readers, running, lock = 3, 0, threading.Lock()
    together = threading.Barrier(readers)

    def read(task: SplitTask) -> SplitResult:
        nonlocal running
        with lock:
            running += 1
            assert running <= readers
        together.wait(DEADLINE_SECONDS)
        with lock:
            running -= 1
        return SplitResult(0)

    tasks = [cast(SplitTask, None)] * (4 * readers)
    assert executors.Threads(readers).run(tasks, read) == [SplitResult(0)] * len(tasks)
