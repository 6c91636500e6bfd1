"""A PostgreSQL of the bench's own, with psycopg2 of the bench's packages as its client."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import List

from bench.tables import TABLES, TEXTS

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "build/bench/bin/python"

_QUERY = """
import sys, psycopg2
connection = psycopg2.connect(sys.argv[1])
connection.autocommit = True
cursor = connection.cursor()
cursor.execute(sys.argv[2])
print(cursor.fetchone()[0] if cursor.description else "")
"""


class Database:
    """A server that ends with the bench."""

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

    def make(self, table: str, query: str, rows: int) -> None:
        """Make a table of so many rows of one of TABLES."""
        self.run("CREATE TABLE {} AS {}".format(table, TABLES[query].format(rows=rows)))
        self.run(f"ALTER TABLE {table} ADD PRIMARY KEY (id)")
        self.run(f"VACUUM (FREEZE, ANALYZE) {table}")

    def size(self, table: str) -> int:
        """Return the bytes of a table, large values included."""
        return int(self.run(f"SELECT pg_table_size('{table}')"))

    def columns(self, table: str) -> List[str]:
        """Return the columns of a table as a reader asks for them that does not know every type."""
        listed = self.run(
            "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute "
            f"WHERE attrelid = '{table}'::regclass AND attnum > 0"
        ).split(",")
        return [TEXTS.get(column, column) for column in listed]

    def close(self) -> None:
        """Stop it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
