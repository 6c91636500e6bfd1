"""Measures all readers on one machine, one database and one set of rows, and prints a table for docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Optional

from bench.measure import Taken, measure
from bench.tables import TABLES, TEXTS

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "build/bench/bin/python"

NAMES = [
    "COPY to /dev/null (the floor)", "Landfall, PythonShell", "Landfall, Spark", "bare DuckDB", "ConnectorX + pyarrow",
    "dlt, ConnectorX", "dlt, pyarrow", "sling, to CSV", "Spark JDBC, 4 partitions", "Spark JDBC, fetchsize",
    "Spark JDBC, plain",
]  # fmt: skip

_QUERY = """
import sys, psycopg2
connection = psycopg2.connect(sys.argv[1])
connection.autocommit = True
cursor = connection.cursor()
cursor.execute(sys.argv[2])
print(cursor.fetchone()[0] if cursor.description else "")
"""


class _Database:
    """A PostgreSQL of the bench's own, with psycopg2 of the bench's packages as its client."""

    def __init__(self) -> None:
        words = [str(ROOT / "build/bin/landfall"), "postgres", "--stop-with-stdin", "--database=bench"]
        settings = ["--set=shared_buffers=2GB", "--set=max_wal_size=8GB", "--set=autovacuum=off"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([*words, *settings], stdin=pipe, stdout=pipe, text=True)
        assert self._process.stdout is not None
        a = json.loads(self._process.stdout.readline())
        login = {"username": a["user"], "password": a["password"], "host": a["host"], "port": a["port"]}
        self.secret = {**login, "dbname": a["database"], "engine": "postgres"}

    def run(self, sql: str) -> str:
        """Run statements and return the first value of the last."""
        url = "postgresql://{username}:{password}@{host}:{port}/{dbname}".format(**self.secret)
        done = subprocess.run([PYTHON, "-c", _QUERY, url, sql], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def close(self) -> None:
        """Stop it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def _once(database: _Database, name: str, table: str, rows: int, columns: str) -> Optional[Taken]:
    folder = tempfile.mkdtemp(prefix="landfall-bench-")
    environment = {
        **os.environ,
        "BENCH_SECRET": json.dumps(database.secret),
        "BENCH_ROOT": str(ROOT),
        "BENCH_ROWS": str(rows),
        "BENCH_COLUMNS": columns,
        "JAVA_HOME": str(ROOT / "build/java"),
        "PYSPARK_PYTHON": str(PYTHON),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PATH": f"{PYTHON.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "blueprint"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    if name.startswith("Landfall"):
        environment["BENCH_FOLDER"] = folder
        environment["PYTHONPATH"] += f":{ROOT / 'blueprint/bench/local'}"
        environment["PYSPARK_SUBMIT_ARGS"] = "--master local[2] --conf spark.ui.enabled=false pyspark-shell"
    log = ROOT / "build/bench/last.log"
    try:
        return measure([str(PYTHON), "-m", "bench.readers", name, table, folder], environment, log, 1800)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = log.read_text().strip().splitlines()
        print(f"  {name}: {type(error).__name__}: {said[-1] if said else ''}", file=sys.stderr)
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _median(database: _Database, name: str, table: str, rows: int, columns: str, runs: int) -> Optional[Taken]:
    taken = []
    for _ in range(runs):
        one = _once(database, name, table, rows, columns)
        if one is None:
            return None
        taken.append(one)
    middle = statistics.median
    return Taken(middle(t.wall for t in taken), middle(t.cpu for t in taken), int(middle(t.memory for t in taken)))


def _line(name: str, rows: int, size: int, start: Taken, taken: Taken, floor: float) -> str:
    seconds = max(taken.wall - start.wall, 0.001)
    cells = [
        name,
        f"{rows / seconds / 1000:,.0f} k",
        f"{size / seconds / 1e6:,.0f}",
        f"{floor / seconds:.2f}" if floor else "1.00",
        f"{seconds:.1f}",
        f"{start.wall:.1f}",
        f"{taken.cpu:.1f}",
        f"{taken.memory / 1e6:,.0f}",
    ]
    return "| {} |".format(" | ".join(cells))


def _bench(database: _Database, table: str, rows: int, runs: int, names: List[str]) -> List[str]:
    print(f"{table}: making {rows:,} rows ...", file=sys.stderr)
    for made, count in ((table, rows), (table + "_start", 1)):
        query = TABLES[table].format(rows=count)
        database.run(f"CREATE TABLE {made} AS {query}")
        database.run(f"ALTER TABLE {made} ADD PRIMARY KEY (id)")
        database.run(f"VACUUM (FREEZE, ANALYZE) {made}")
    size = int(database.run(f"SELECT pg_table_size('{table}')"))
    listed = database.run(
        "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute "
        f"WHERE attrelid = '{table}'::regclass AND attnum > 0"
    ).split(",")
    columns = ", ".join(TEXTS.get(column, column) for column in listed)
    lines = [f"\n**{table}**: {rows:,} rows, {len(listed)} columns, {size / 1e6:,.0f} MB in PostgreSQL\n"]
    lines.append("| Reader | rows/s | MB/s | of the floor | seconds | start-up | CPU seconds | peak memory, MB |")
    lines.append("|---|---|---|---|---|---|---|---|")
    floor = 0.0
    for name in names:
        print(f"  {name} ...", file=sys.stderr, flush=True)
        start = _median(database, name, table + "_start", 1, columns, min(runs, 3))
        taken = _median(database, name, table, rows, columns, runs) if start else None
        if start is None or taken is None:
            lines.append(f"| {name} | failed | | | | | | |")
            continue
        if name == NAMES[0]:
            floor = max(taken.wall - start.wall, 0.001)
        lines.append(_line(name, rows, size, start, taken, floor))
        print("  " + lines[-1], file=sys.stderr, flush=True)
    database.run(f"DROP TABLE {table}, {table}_start")
    return lines


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="make bench-landing", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the mixed table")
    parser.add_argument("--narrow", type=int, default=10_000_000, help="of the narrow table")
    parser.add_argument("--runs", type=int, default=5, help="the median of so many is shown")
    parser.add_argument("--only", default="", help="readers whose names hold this text, besides the floor")
    given = parser.parse_args()
    wanted: Dict[str, int] = {"mixed": given.rows, "narrow": given.narrow}
    names = [name for name in NAMES if name == NAMES[0] or given.only.lower() in name.lower()]
    database = _Database()
    try:
        for table, rows in wanted.items():
            if rows:
                print("\n".join(_bench(database, table, rows, given.runs, names)), flush=True)
    finally:
        database.close()


if __name__ == "__main__":
    main()
