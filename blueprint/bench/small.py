"""What a table of 100 rows takes, whole processes with their start, with boto3 and services of AWS over HTTP."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from typing import Any, Dict, List

from bench.database import PYTHON, ROOT, Database
from bench.measure import Taken, measure

_SHELL = ROOT / "build/venv39/bin/python"
_TESTS = ROOT / "build/venv/bin/python"

_AWS = """
import boto3, json, os
boto3.client("s3").create_bucket(Bucket="bench", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
boto3.client("secretsmanager").create_secret(Name="bench", SecretString=os.environ["BENCH_SECRET"])
"""

SPARK_ITSELF = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("bench").getOrCreate()
assert spark.sparkContext.parallelize([1], 1).map(abs).collect() == [1]
spark.stop()
"""
"""A job that starts Spark and one of its Python processes, and does nothing."""


def _endpoint() -> "subprocess.Popen[bytes]":
    """Start the services of AWS; their address goes to the environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [str(_TESTS), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_ACCESS_KEY_ID="bench",
        AWS_SECRET_ACCESS_KEY="bench",
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_EC2_METADATA_DISABLED="true",
    )
    return server


def small(database: Database, runs: int) -> List[str]:
    """Return the lines of a table."""
    database.make("small", "mixed", 100)
    environment = {
        **os.environ,
        "BENCH_SECRET": json.dumps(database.secret),
        "JAVA_HOME": str(ROOT / "build/java"),
        "PYSPARK_PYTHON": str(PYTHON),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYTHONPATH": str(ROOT / "blueprint"),
        "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.ui.enabled=false pyspark-shell",
    }
    server = _endpoint()
    try:
        environment.update({name: value for name, value in os.environ.items() if name.startswith("AWS_")})
        subprocess.run([str(_TESTS), "-c", _AWS], env=environment, check=True)
        script = [str(ROOT / "blueprint/land_table.py"), "--secret_name", "bench", "--source_table", "public.small"]
        script += ["--destination_bucket", "bench", "--max_connections", "3"]
        full = [*script, "--load_type", "Full"]
        window = [*script, "--load_type", "Incremental", "--delta_column", "updated_at"]
        shell = str(_SHELL if _SHELL.exists() else _TESTS)
        commands: Dict[str, List[str]] = {
            "PythonShell, 100 rows": [shell, *full, "--engine", "PythonShell"],
            "PythonShell, unchanged": [shell, *window, "--engine", "PythonShell"],
            "Spark, 100 rows": [str(PYTHON), *full, "--engine", "Spark"],
            "Spark itself, nothing": [str(PYTHON), "-c", SPARK_ITSELF],
        }
        lines = ["\n**small**: 100 rows, 15 columns; whole processes, start-up included\n"]
        lines += ["| Job | seconds | CPU seconds | peak memory, MB |", "|---|---|---|---|"]
        for name, words in commands.items():
            taken = [_measured(words, environment) for _ in range(runs + 1)][1:]  # the first one warms up
            lines.append(_line(name, taken))
            print("  " + lines[-1], file=sys.stderr, flush=True)
        return lines
    finally:
        server.kill()
        server.wait()


def _measured(words: List[str], environment: Dict[str, str]) -> Taken:
    return measure(words, environment, ROOT / "build/bench/last.log", 300)


def _line(name: str, taken: List[Taken]) -> str:
    middle: Any = statistics.median
    wall, cpu, memory = (middle(values) for values in zip(*((t.wall, t.cpu, t.memory) for t in taken)))
    return "| {} | {:.2f} | {:.2f} | {:,.0f} |".format(name, wall, cpu, memory / 1e6)
