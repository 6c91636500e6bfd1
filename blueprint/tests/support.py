"""What tests work with: databases that are written to, and landings of their tables read back."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from landing.databases.duckdb_sql import text
from landing.databases.postgres import DIALECT, PostgresDatabase, login
from landing.databases.postgres.quoting import identifier
from landing.job import main
from landing.job.secret import decode
from landing.job.tuning import Tuning
from landing.read.executors import Executor

# No backend of a test's server is held up between reading its clock and publishing it.
TUNING = Tuning(clock_seconds=0.02)

DEADLINE_SECONDS = 120


def eventually(condition: Callable[[], Any], what: str) -> None:
    """Wait until a condition holds."""
    latest = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < latest, what
        time.sleep(0.05)


def database(secret: Dict[str, Any]) -> PostgresDatabase:
    """Return this process's connections for the content of a secret, which job runs in this process share."""
    return DIALECT.connect(decode("", json.dumps(secret)))


@dataclass
class Postgres:
    """A PostgreSQL started by the landfall command."""

    process: "subprocess.Popen[str]"
    address: Dict[str, Any]

    @classmethod
    def start(cls, root: Path) -> Postgres:
        """Start it. It stops with its standard input, so also when the tests are killed."""
        command = root / "build/bin/landfall"
        if not command.exists():
            raise FileNotFoundError(f"{command} is missing: run make build")
        settings = ["--set=max_prepared_transactions=10", "--set=fsync=off", "--set=timezone=America/New_York"]
        # Its messages are part of the error: who interrupts the tests need not read that a server did not start.
        with tempfile.TemporaryFile("w+") as messages:
            process = subprocess.Popen(
                [str(command), "postgres", "--stop-with-stdin", "--database=sample", *settings],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                text=True,
            )
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                code = process.wait()
                messages.seek(0)
                raise RuntimeError(f"landfall postgres ended with {code}: {messages.read()}")
        return cls(process, json.loads(line))

    def stop(self) -> None:
        """Stop it and wait."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)

    def secret(self, **changes: Any) -> Dict[str, Any]:
        """Return the secret's content in the form of RDS."""
        a = self.address
        content = {"username": a["user"], "password": a["password"], "host": a["host"], "port": a["port"]}
        return {**content, "dbname": a["database"], "engine": "postgres", **changes}

    def connect(self, **changes: Any) -> Writer:
        """Open a session that writes."""
        return Writer(self.secret(**changes))


class Writer:
    """A session that writes, or several: each transaction has a connection of its own."""

    def __init__(self, secret: Dict[str, Any]) -> None:
        self._duck = duckdb.connect()
        self._duck.execute("SET enable_progress_bar = false")
        self._duck.execute("LOAD {}".format(text(login.extension())))
        words = "dbname={dbname} host={host} port={port} user='{username}' password='{password}'".format(**secret)
        self._duck.execute("ATTACH {} AS src (TYPE postgres)".format(text(words)))

    def run(self, sql: str) -> None:
        """Run statements, each committed by itself."""
        self._duck.execute("CALL postgres_execute('src', ?, use_transaction=false)", [sql])

    def query(self, sql: str) -> List[Tuple[Any, ...]]:
        """Return a query's rows."""
        return self._duck.execute("SELECT * FROM postgres_query('src', ?)", [sql]).fetchall()

    def begin(self) -> Transaction:
        """Open a transaction that stays open."""
        return Transaction(self._duck.cursor())

    def share(self) -> Writer:
        """Return another session of the same DuckDB; making one costs a quarter of a second."""
        other = Writer.__new__(Writer)
        other._duck = self._duck.cursor()
        return other

    def close(self) -> None:
        """Close all connections, but those of the sessions that share them."""
        self._duck.close()


class Transaction:
    """A transaction that is open until it is told otherwise."""

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        self._duck = duck
        self._duck.execute("BEGIN")

    def run(self, sql: str) -> None:
        """Run statements in it."""
        self._duck.execute("CALL postgres_execute('src', ?)", [sql])

    def commit(self) -> None:
        """Commit it."""
        self._duck.execute("COMMIT")

    def rollback(self) -> None:
        """Roll it back."""
        self._duck.execute("ROLLBACK")


class Schema:
    """A schema of one test."""

    def __init__(self, postgres: Postgres, name: str, writer: Optional[Writer] = None) -> None:
        self.name = name
        self.writer = writer or postgres.connect()
        self.run(f"CREATE SCHEMA {name}")

    def run(self, sql: str) -> None:
        """Run statements; $ stands for the schema's name and a dot."""
        self.writer.run(sql.replace("$", self.name + "."))

    def query(self, sql: str) -> List[Tuple[Any, ...]]:
        """Return a query's rows; $ stands for the schema's name and a dot."""
        return self.writer.query(sql.replace("$", self.name + "."))

    def drop(self) -> None:
        """Remove the schema."""
        self.run(f"DROP SCHEMA {self.name} CASCADE")
        self.writer.close()


@dataclass
class Aws:
    """Clients of boto3."""

    s3: Any
    glue: Any
    secrets: Any


@dataclass
class World:
    """One test's database, bucket and secret."""

    aws: Aws
    postgres: Postgres
    schema: Schema
    bucket: str
    secret: str
    tuning: Tuning = TUNING
    executor: Optional[Executor] = None  # instead of the one that --engine names

    def arguments(self, table: str, **options: str) -> List[str]:
        """Return a job's command line for a table of the schema."""
        given = {
            "secret_name": self.secret,
            "source_table": f"{self.schema.name}.{table}",
            "destination_bucket": self.bucket,
            "load_type": "Incremental",
            "delta_column": "updated_at",
            "engine": "PythonShell",
            **options,
        }
        return ["land_table.py"] + [word for name, value in given.items() if value for word in ("--" + name, value)]

    def run(self, table: str, **options: str) -> int:
        """Run the job as the script does, and return its exit code."""
        line = main.run(self.arguments(table, **options)[1:], self.tuning, self.executor)
        if line is not None:
            print(line, file=sys.stderr)
        return 0 if line is None else 1

    def tune(self, **changes: Any) -> None:
        """Have job runs use other sizes and waits from here on."""
        self.tuning = replace(self.tuning, **changes)

    @contextlib.contextmanager
    def at(self, step: str, action: Callable[..., Any]) -> Iterator[None]:
        """Have job runs call an action after a step, with the step's objects."""
        before = self.tuning.observe

        def observe(taken: str, **objects: Any) -> None:
            before(taken, **objects)
            if taken == step:
                action(**objects)

        self.tune(observe=observe)
        try:
            yield
        finally:
            self.tune(observe=before)

    def land(self, table: str, **options: str) -> None:
        """Land a table; it must succeed."""
        assert self.run(table, **options) == 0

    def full(self, table: str, **options: str) -> None:
        """Land a table whole; it must succeed."""
        self.land(table, load_type="Full", delta_column="", **options)

    def prefix(self, table: str) -> str:
        """Return the table's place in the bucket."""
        return f"{self.postgres.address['database']}/{self.schema.name}.{table}/"

    def keys(self, table: str) -> List[str]:
        """Return all keys of a table, without its prefix."""
        prefix = self.prefix(table)
        pages = self.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"][len(prefix) :] for page in pages for item in page.get("Contents", [])]

    def commits(self, table: str) -> List[Dict[str, Any]]:
        """Return the commit records of a table."""
        names = [key for key in self.keys(table) if key.startswith("_landfall/commits/")]
        return [json.loads(self.get(self.prefix(table) + name)) for name in names]

    def get(self, key: str) -> bytes:
        """Return an object."""
        content: bytes = self.aws.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def read(self, table: str) -> pa.Table:
        """Return what a reader of the commit records sees: the files of those from the last one's base on."""
        commits = self.commits(table)
        files = [file for c in commits if c["seq"] >= commits[-1]["base"] for file in c["files"]]
        return (
            pa.concat_tables([self.read_file(file) for file in files], promote_options="permissive")
            if files
            else pa.table({})
        )

    def read_file(self, file: Dict[str, Any]) -> pa.Table:
        """Return one file with its partition's column put back, as text."""
        table = pq.read_table(io.BytesIO(self.get(file["key"])))
        for name, value in (file["partition"] or {}).items():
            table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
        return table

    def column(self, table: str, name: str = "id") -> List[Any]:
        """Return the landed values of a column, in order."""
        landed = self.read(table)
        return sorted(landed.column(name).to_pylist()) if landed.num_columns else []

    def glue_table(self, table: str) -> Dict[str, Any]:
        """Return the table in the Glue Data Catalog."""
        database = self.postgres.address["database"]
        name = f"{self.schema.name}_{table}".lower()
        found: Dict[str, Any] = self.aws.glue.get_table(DatabaseName=database, Name=name)["Table"]
        return found

    def glue_partitions(self, table: str) -> Dict[Tuple[str, ...], str]:
        """Return the partitions in the Glue Data Catalog: values and location."""
        database = self.postgres.address["database"]
        name = f"{self.schema.name}_{table}".lower()
        pages = self.aws.glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=name)
        return {tuple(p["Values"]): p["StorageDescriptor"]["Location"] for page in pages for p in page["Partitions"]}

    def registered(self, table: str) -> List[str]:
        """Return the keys that a query through the Glue Data Catalog would read."""
        found = self.glue_table(table)
        locations = [found["StorageDescriptor"]["Location"]]
        if found["PartitionKeys"]:
            locations = list(self.glue_partitions(table).values())
        start = f"s3://{self.bucket}/{self.prefix(table)}"
        prefixes = tuple(location[len(start) :] for location in locations)
        return [key for key in self.keys(table) if prefixes and key.startswith(prefixes)]

    def assert_consistent(self, table: str) -> None:
        """Check that the Glue Data Catalog shows the files of the commit records, no less and no more."""
        commits = self.commits(table)
        prefix = self.prefix(table)
        files = [file for c in commits if c["seq"] >= commits[-1]["base"] for file in c["files"]]
        assert sorted(self.registered(table)) == sorted(file["key"][len(prefix) :] for file in files)


def rows_of(writer: Schema, table: str, columns: Sequence[str]) -> List[Tuple[Optional[str], ...]]:
    """Return rows as the texts that PostgreSQL shows, each column's by its output function."""
    shown = ", ".join(
        f"CASE WHEN num_nulls({identifier(c)}) = 0 THEN format('%s', {identifier(c)}) END AS c{n}"
        for n, c in enumerate(columns)
    )
    return writer.query(f"SELECT {shown} FROM ${table} ORDER BY id")
