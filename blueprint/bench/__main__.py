"""Measures all readers on one machine, one database and one set of rows, and prints tables for docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from typing import Dict, List, Optional, Tuple

from bench.database import PYTHON, ROOT, Database
from bench.measure import Taken, measure
from bench.small import small

NAMES = [
    "COPY to /dev/null (the floor)", "Landfall, PythonShell", "Landfall, Spark", "bare DuckDB", "ConnectorX + pyarrow",
    "dlt, ConnectorX", "dlt, pyarrow", "sling, to CSV", "Spark JDBC, 4 partitions", "Spark JDBC, fetchsize",
    "Spark JDBC, plain",
]  # fmt: skip

Run = Tuple[Taken, Taken]
"""What the small table took, and then the large one."""

_START = 500  # rows whose reading is what a reader takes to start

_TITLES = [
    "Reader", "rows/s", "MB/s", "of the floor", "seconds", "fastest to slowest", "start-up", "CPU seconds",
    "peak memory, MB",
]  # fmt: skip


def _once(database: Database, name: str, table: str, rows: int, columns: str) -> Optional[Taken]:
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
        environment["PYSPARK_SUBMIT_ARGS"] = "--master local[3] --conf spark.ui.enabled=false pyspark-shell"
    log = ROOT / "build/bench/last.log"
    try:
        return measure([str(PYTHON), "-m", "bench.readers", name, table, folder], environment, log, 1800)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = log.read_text().strip().splitlines()
        print(f"  {name}: {type(error).__name__}: {said[-1] if said else ''}", file=sys.stderr)
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rounds(
    database: Database, names: List[str], table: str, rows: int, columns: str, runs: int
) -> Dict[str, List[Run]]:
    """Run every reader once per round, so that what else the machine does meets all of them alike."""
    taken: Dict[str, List[Run]] = {name: [] for name in names}
    for number in range(runs):
        print(f"  {table}, round {number + 1} of {runs} ...", file=sys.stderr, flush=True)
        for name in list(taken):
            start = _once(database, name, table + "_start", _START, columns)
            whole = _once(database, name, table, rows, columns) if start else None
            if start is None or whole is None:
                del taken[name]
                continue
            taken[name].append((start, whole))
            print(f"    {name}: {start.wall:.1f} + {whole.wall - start.wall:.1f} s", file=sys.stderr, flush=True)
    return taken


def _line(name: str, rows: int, size: int, runs: List[Run], floor: float) -> str:
    middle = statistics.median
    took = sorted(_seconds(run) for run in runs)
    seconds = middle(took)
    cells = [
        name,
        f"{rows / seconds / 1000:,.0f} k",
        f"{size / seconds / 1e6:,.0f}",
        f"{floor / seconds:.2f}",
        f"{seconds:.1f}",
        f"{took[0]:.1f} to {took[-1]:.1f}",
        f"{middle(start.wall for start, _ in runs):.1f}",
        f"{middle(whole.cpu for _, whole in runs):.1f}",
        f"{middle(whole.memory for _, whole in runs) / 1e6:,.0f}",
    ]
    return "| {} |".format(" | ".join(cells))


def _seconds(run: Run) -> float:
    """Return what the rows took, start-up apart."""
    start, whole = run
    return max(whole.wall - start.wall, 0.001)


def _bench(database: Database, table: str, rows: int, runs: int, names: List[str]) -> List[str]:
    print(f"{table}: making {rows:,} rows ...", file=sys.stderr)
    database.make(table, table, rows)
    database.make(table + "_start", table, _START)
    size, listed = database.size(table), database.columns(table)
    taken = _rounds(database, names, table, rows, ", ".join(listed), runs)
    database.run(f"DROP TABLE {table}, {table}_start")
    floor = statistics.median(map(_seconds, taken[NAMES[0]]))
    lines = [f"\n**{table}**: {rows:,} rows, {len(listed)} columns, {size / 1e6:,.0f} MB in PostgreSQL\n"]
    lines.append("| {} |".format(" | ".join(_TITLES)))
    lines.append("|---" * len(_TITLES) + "|")
    for name in names:
        if name in taken:
            lines.append(_line(name, rows, size, taken[name], floor))
        else:
            lines.append("| {} | failed |{}".format(name, " |" * (len(_TITLES) - 2)))
    return lines


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="make bench-landing", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the mixed table; 0 leaves it out")
    parser.add_argument("--narrow", type=int, default=10_000_000, help="of the narrow table; 0 leaves it out")
    parser.add_argument(
        "--runs", type=int, default=5, help="the median of so many is shown; 0 for the small table alone"
    )
    parser.add_argument("--small", type=int, default=5, help="runs of the small table; 0 leaves it out")
    parser.add_argument("--only", default="", help="readers whose names hold this text, besides the floor")
    given = parser.parse_args()
    wanted: Dict[str, int] = {"mixed": given.rows, "narrow": given.narrow}
    names = [name for name in NAMES if name == NAMES[0] or given.only.lower() in name.lower()]
    database = Database()
    try:
        for table, rows in wanted.items():
            if rows and given.runs:
                print("\n".join(_bench(database, table, rows, given.runs, names)), flush=True)
        if given.small:
            print("\n".join(small(database, given.small)), flush=True)
    finally:
        database.close()


if __name__ == "__main__":
    main()
