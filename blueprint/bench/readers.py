"""The readers that are compared: python -m bench.readers NAME TABLE FOLDER writes a table's rows as Parquet files.

Each is set up as its own documentation says, with zstd where it writes the files itself. None but the landing checks
what it wrote.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Callable, Dict

SECRET: Dict[str, Any] = json.loads(os.environ["BENCH_SECRET"])
ROOT = os.environ["BENCH_ROOT"]


def _url(scheme: str = "postgresql") -> str:
    return "{}://{username}:{password}@{host}:{port}/{dbname}".format(scheme, **SECRET)


def landfall(table: str, folder: str, engine: str) -> None:
    """Run this job, whole: window, splits, checks, commit record, registration."""
    from landing.job.main import run
    from landing.job.tuning import Tuning

    # Split as a large table is, so that Spark's start is part of what is measured.
    tuning = Tuning(min_split_bytes=8192) if table.endswith("_start") else Tuning()
    words = ["--secret_name", "bench", "--source_table", "public." + table, "--destination_bucket", "bench"]
    words += ["--load_type", "Full", "--engine", engine, "--max_connections", "4"]
    failure = run(words, tuning)
    if failure is not None:
        raise SystemExit(failure)


def copy(table: str, folder: str) -> None:
    """Run the floor: what PostgreSQL takes to hand out the rows over one connection, to nobody."""
    import psycopg2

    with psycopg2.connect(_url()) as connection, connection.cursor() as cursor, open("/dev/null", "wb") as sink:
        cursor.copy_expert(f"COPY {table} TO STDOUT (FORMAT binary)", sink)


def _spark() -> Any:
    from pyspark.sql import SparkSession

    jar = os.path.join(ROOT, "build/bench/postgresql-42.7.3.jar")
    builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", "4g")
    builder = builder.config("spark.ui.enabled", "false").config("spark.sql.parquet.compression.codec", "zstd")
    if os.path.exists(jar):
        return builder.config("spark.driver.extraClassPath", jar).getOrCreate()
    return builder.config("spark.jars.packages", "org.postgresql:postgresql:42.7.3").getOrCreate()


def jdbc(table: str, folder: str, **options: Any) -> None:
    """Run Spark's own reader."""
    reader = _spark().read.format("jdbc").option("url", "jdbc:postgresql://{host}:{port}/{dbname}".format(**SECRET))
    reader = (
        reader.option("driver", "org.postgresql.Driver")
        .option("user", SECRET["username"])
        .option("password", SECRET["password"])
        .option("dbtable", table)
    )
    reader.options(**options).load().write.mode("overwrite").parquet(folder)


def jdbc_partitions(table: str, folder: str) -> None:
    """Run Spark's own reader with four ranges of the key."""
    high = os.environ["BENCH_ROWS"]
    jdbc(table, folder, fetchsize=10000, partitionColumn="id", lowerBound=1, upperBound=high, numPartitions=4)


def connectorx(table: str, folder: str) -> None:
    """Run ConnectorX with two partitions, written by pyarrow."""
    import connectorx
    import pyarrow.parquet as pq

    sql = f"SELECT {os.environ['BENCH_COLUMNS']} FROM {table}"
    read = connectorx.read_sql(_url(), sql, return_type="arrow", partition_on="id", partition_num=2)
    pq.write_table(read, folder + "/a.parquet", compression="zstd")


def dlt(table: str, folder: str, backend: str) -> None:
    """Run the sql_database source of dlt, to Parquet files."""
    import dlt as tool
    from dlt.sources.sql_database import sql_table

    files = tool.destinations.filesystem("file://" + folder)
    pipeline = tool.pipeline("bench", destination=files, pipelines_dir=folder)
    rows = sql_table(credentials=_url("postgresql+psycopg2"), table=table, backend=backend, chunk_size=100000)
    pipeline.run(rows, loader_file_format="parquet")


def sling(table: str, folder: str) -> None:
    """Run the sling command, to CSV: for Parquet it downloads another binary."""
    import subprocess
    from importlib.util import find_spec

    # The command of the wheel looks for itself on the path when its binary is missing; so the binary is called.
    found = find_spec("sling_linux_amd64")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("sling has no binary for this machine")
    binary = os.path.join(found.submodule_search_locations[0], "bin", "sling-linux-amd64")
    environment = {**os.environ, "PG": _url() + "?sslmode=disable"}
    words = [binary, "run", "--src-conn", "PG", "--src-stream", "public." + table]
    words += ["--tgt-object", f"file://{folder}/a.csv"]
    subprocess.run(words, env=environment, check=True)


def bare_duckdb(table: str, folder: str) -> None:
    """Run DuckDB's own parallel scan, whose connections have a snapshot each."""
    import duckdb

    from landing.databases.postgres.login import extension

    duck = duckdb.connect()
    duck.execute(f"LOAD '{extension()}'; ATTACH '{_url()}' AS src (TYPE postgres, READ_ONLY)")
    duck.execute(f"COPY (FROM src.public.{table}) TO '{folder}/a.parquet' (FORMAT parquet, COMPRESSION zstd)")


READERS: Dict[str, Callable[[str, str], None]] = {
    "COPY to /dev/null (the floor)": copy,
    "Landfall, PythonShell": lambda table, folder: landfall(table, folder, "PythonShell"),
    "Landfall, Spark": lambda table, folder: landfall(table, folder, "Spark"),
    "bare DuckDB": bare_duckdb,
    "ConnectorX + pyarrow": connectorx,
    "dlt, ConnectorX": lambda table, folder: dlt(table, folder, "connectorx"),
    "dlt, pyarrow": lambda table, folder: dlt(table, folder, "pyarrow"),
    "sling, to CSV": sling,
    "Spark JDBC, 4 partitions": jdbc_partitions,
    "Spark JDBC, fetchsize": lambda table, folder: jdbc(table, folder, fetchsize=10000),
    "Spark JDBC, plain": jdbc,
}

if __name__ == "__main__":
    READERS[sys.argv[1]](sys.argv[2], sys.argv[3])
