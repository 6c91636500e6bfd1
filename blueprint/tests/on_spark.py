"""The job as Glue starts it: a process of its own, with the package in a ZIP, on real Spark."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from support import World

import land_table

ROOT = Path(land_table.__file__).parent


class SparkJob:
    """A script and its package in a folder, for Spark on this machine."""

    def __init__(self, folder: Path, cores: int, split_bytes: int) -> None:
        """Splits are of so many bytes, that a small table has several; each core runs one of Spark's tasks."""
        self._folder = folder
        with zipfile.ZipFile(folder / "landing.zip", "w") as archive:
            for file in sorted((ROOT / "landing").rglob("*.py")):
                archive.write(file, file.relative_to(ROOT))
        self._script = folder / "land_table.py"
        smaller = (
            f"from landing.job.tuning import Tuning\n\n    return run(words, Tuning(min_split_bytes={split_bytes}))"
        )
        script = (ROOT / "land_table.py").read_text()
        assert "    return run(words)\n" in script
        self._script.write_text(script.replace("    return run(words)", "    " + smaller))
        java = ROOT.parent / "build/java"
        assert java.exists(), "run make setup"
        submit = f"--master local[{cores}] --driver-memory 512m --conf spark.ui.enabled=false pyspark-shell"
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(folder / "landing.zip"),
            "JAVA_HOME": str(java),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_SUBMIT_ARGS": submit,
        }

    def land(self, world: World, table: str, **options: str) -> "subprocess.CompletedProcess[str]":
        """Land a table, or fail to."""
        words = [sys.executable, str(self._script), *world.arguments(table, engine="Spark", **options)[1:]]
        return subprocess.run(
            words, env=self._environment, capture_output=True, text=True, cwd=self._folder, timeout=120
        )
