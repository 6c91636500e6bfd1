"""One run: a table, random transactions, job runs with faults among them, and what the lake holds in the end."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from random import Random
from typing import Any, Callable, Iterator, List, Optional, Set

from support import Transaction, World

import land_table
from landing import extract
from landing.postgres import session
from landing.secret import decode
from torture import faults, naive, score
from torture.operator import operate
from torture.scenarios import Scenario

COLUMNS = ("id", "version", "kind", "payload", "amount", "created_at", "updated_at")
_TABLE = """
    CREATE SEQUENCE $drawn CACHE {cache};
    CREATE TABLE $events (id int PRIMARY KEY, version int NOT NULL, kind text, payload text, amount numeric(20,4),
      created_at timestamptz NOT NULL DEFAULT now(), updated_at {type});
    CREATE INDEX ON $events (updated_at);
    CREATE TABLE $history (LIKE $events);
    CREATE FUNCTION $remember() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN INSERT INTO $history SELECT NEW.*; RETURN NULL; END';
    CREATE TRIGGER remember AFTER INSERT OR UPDATE ON $events FOR EACH ROW EXECUTE FUNCTION $remember()
"""
_FIRST_BUSY = 1_000_000  # ids from here on are the background writer's


@dataclass
class Open:
    """A transaction that is open, and the rows that only it may touch."""

    session: Transaction
    rows: Set[int] = field(default_factory=set)
    broken: bool = False


class Writers:
    """Transactions on the table, as the random numbers say."""

    def __init__(self, world: World, scenario: Scenario, random: Random) -> None:
        """Make the table and its first rows."""
        self._world, self._scenario, self._random = world, scenario, random
        self._next = 1
        self._rows: Set[int] = set()  # committed
        self._open: List[Open] = []
        cache = random.choice([1, 20])
        world.schema.run(_TABLE.format(type=scenario.type, cache=cache))
        world.schema.run(self._sql("; ".join(self._insert(set()) for _ in range(1 if random.random() < 0.1 else 60))))
        self._rows = set(range(1, self._next))

    def _sql(self, sql: str) -> str:
        return sql.replace("$", self._world.schema.name + ".")

    def _insert(self, rows: Set[int]) -> str:
        number = self._next
        self._next += 1
        rows.add(number)
        return _insert(number, self._scenario, self._random)

    def _change(self, rows: Set[int]) -> str:
        """Return a statement, and add the rows that it touches."""
        taken = set().union(*(one.rows for one in self._open)) - rows
        free = sorted(self._rows - taken)
        kind = self._random.random()
        if not free or not self._scenario.updates or kind < 0.5:
            return "; ".join(self._insert(rows) for _ in range(self._random.randint(1, 8)))
        number = self._random.choice(free)
        rows.add(number)
        if self._scenario.deletes and kind < 0.7:
            self._rows.discard(number)
            return "DELETE FROM $events WHERE id = {}".format(number)
        return "UPDATE $events SET version = version + 1, payload = {}, updated_at = {} WHERE id = {}".format(
            _payload(self._random), (self._scenario.touch or self._scenario.value)(self._random), number
        )

    def step(self) -> None:
        """Do one random thing to one transaction."""
        choice = self._random.random()
        if not self._scenario.hold or choice < 0.3:
            rows: Set[int] = set()
            self._world.schema.run(self._sql(self._change(rows)))
            self._rows |= {row for row in rows if row >= 1}
            self._forget_deleted()
        elif choice < 0.55 and len(self._open) < 4:
            opened = Open(self._world.schema.writer.begin())
            self._open.append(opened)
            self._write(opened)
        elif choice < 0.75 and self._open:
            self._write(self._random.choice(self._open))
        elif self._open:
            self._end(self._open.pop(self._random.randrange(len(self._open))))

    def _write(self, one: Open) -> None:
        sql = self._sql(self._change(one.rows))
        if self._random.random() < 0.3:
            sql = "SAVEPOINT s; {}; RELEASE s".format(sql)
        try:
            one.session.run(sql)
        except Exception:  # the row was changed since this transaction began
            one.broken = True

    def _end(self, one: Open) -> None:
        if one.broken or self._random.random() < 0.1:
            with contextlib.suppress(Exception):
                one.session.rollback()
        else:
            one.session.commit()
        self._rows = self._present()

    def _forget_deleted(self) -> None:
        if self._scenario.deletes:
            self._rows = self._present()

    def _present(self) -> Set[int]:
        sql = "SELECT id FROM $events WHERE id < {}".format(_FIRST_BUSY)
        return {row[0] for row in self._world.schema.query(sql)}

    def end(self) -> None:
        """End all transactions."""
        while self._open:
            self._end(self._open.pop(self._random.randrange(len(self._open))))


def _insert(number: int, scenario: Scenario, random: Random) -> str:
    kind = random.choice(["'a'", "'b'", "'\u00fc \U0001f40d/='", "NULL"])
    return "INSERT INTO $events (id, version, kind, payload, amount, updated_at) VALUES ({}, 1, {}, {}, {}, {})".format(
        number, kind, _payload(random), random.randint(-(10**12), 10**12) / 100, scenario.value(random)
    )


def _payload(random: Random) -> str:
    return "repeat('{:x} \u00e9\U0001f980 ', {})".format(random.getrandbits(64), random.randint(0, 15))


@contextlib.contextmanager
def busy(world: World, scenario: Scenario, random: Random) -> Iterator[None]:
    """Have another session insert and update rows of its own all the time."""
    stop = threading.Event()
    writer = world.schema.writer.share()

    def write() -> None:
        number = _FIRST_BUSY
        while not stop.is_set():
            sql = "BEGIN; {}; UPDATE $events SET version = version + 1, updated_at = {} WHERE id = {}; COMMIT".format(
                _insert(number, scenario, random), scenario.value(random), random.randint(_FIRST_BUSY, number)
            )
            writer.run(sql.replace("$", world.schema.name + "."))
            number += 1
            stop.wait(random.uniform(0.0, 0.04))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        writer.close()


class Landing:
    """The job under test."""

    def __init__(self, world: World, scenario: Scenario, random: Random) -> None:
        """Reach the database through a proxy."""
        self._world, self._scenario, self._random = world, scenario, random
        self._secret = world.postgres.secret()
        self._proxy: Optional[faults.Proxy] = None
        if "stream dropped" in scenario.errors:
            self._proxy = faults.Proxy((self._secret["host"], self._secret["port"]))
            self._secret["port"] = self._proxy.port
        world.aws.secrets.create_secret(Name=world.secret, SecretString=json.dumps(self._secret))
        options = {"file_count": "1", **scenario.options}
        self._arguments = world.arguments("events", **options)[1:]

    def run(self, faulty: bool) -> bool:
        """Run the job once, with a fault if wanted; tell whether it said that it succeeded."""
        if not faulty:
            return self._here()
        fault = self._random.choice((*self._scenario.kills, *self._scenario.errors) or ("",))
        if fault in self._scenario.kills:
            return _killed(fault, self._random.getrandbits(32), self._arguments)
        with contextlib.ExitStack() as stack:
            if fault == "S3":
                stack.enter_context(faults.refusing_s3(self._random))
            elif fault == "split cut":
                stack.enter_context(faults.split_cut(self._terminate, self._random))
            elif fault == "snapshot lost":
                stack.enter_context(faults.snapshot_lost(self._terminate))
            elif self._proxy:
                self._proxy.drop_after(self._random.randint(1, 60_000))
            if fault != "race":
                landed = self._here()
                if self._proxy:
                    self._proxy.drop_after(None)
                return landed
            other = threading.Thread(target=self._here, args=(self._random.uniform(0, 0.15),))
            other.start()
            self._here(self._random.uniform(0, 0.05))
            other.join()
            return False

    def _terminate(self, pid: int) -> None:
        self._world.schema.query("SELECT pg_terminate_backend({}) AS x".format(pid))

    def _here(self, delay: float = 0.0) -> bool:
        time.sleep(delay)
        return land_table.main(["land_table.py", *self._arguments]) == 0

    def forget(self) -> None:
        """Let go of connections, as the end of a job run does; of those that nobody cut it costs time only."""
        if not self._scenario.errors:
            return
        extract._connections.clear()
        session.detach(decode("", json.dumps(self._secret)))

    def close(self) -> None:
        """Let go of everything that is this run's own."""
        extract._connections.clear()
        self.forget()
        if self._proxy:
            self._proxy.close()

    def score(self) -> score.Score:
        """Return what readers of the commit records miss, see twice or see changed."""
        return score.of_landing(self._world, self._scenario)


def _killed(step: str, seed: int, arguments: List[str]) -> bool:
    """Run the job in a process of its own and kill it at a step."""
    process = multiprocessing.get_context("forkserver").Process(target=killed_job, args=(step, seed, arguments))
    process.start()
    process.join(60)
    ended = process.exitcode
    if ended is None:
        process.kill()
    return ended == 0


def killed_job(step: str, seed: int, arguments: List[str]) -> None:
    """Run in a child process: the job, with its death arranged."""
    sys.stdout = sys.stderr = io.StringIO()
    with faults.killed(step, Random(seed)):
        code = land_table.main(["land_table.py", *arguments])
        raise SystemExit(code)


class DiedError(Exception):
    """The naive job ends here."""


class Naive:
    """The naive job, with the same faults."""

    def __init__(self, world: World, scenario: Scenario, random: Random) -> None:
        """Reach the database through a proxy."""
        self._world, self._scenario, self._random = world, scenario, random
        self._secret = world.postgres.secret()
        self._proxy = faults.Proxy((self._secret["host"], self._secret["port"]))
        self._secret["port"] = self._proxy.port
        self._objects = _Objects(world)

    def run(self, faulty: bool) -> bool:
        """Run the job once, with a fault if wanted."""
        fault = self._random.choice((*self._scenario.kills, *self._scenario.errors) or ("",)) if faulty else ""
        if fault == "stream dropped":
            self._proxy.drop_after(self._random.randint(1, 60_000))
        if fault == "any moment":
            fault = self._random.choice(["before the read", "mid-write", "after the write"])
        left = [self._random.randint(1, naive.PARTS)]

        def step(name: str) -> None:
            if fault == "race" and name == "before the read":
                self._land(lambda _: None)
            wanted = "split" if fault == "split cut" else fault
            left[0] -= wanted == name and name in ("split", "mid-write")
            if wanted == name and (left[0] == 0 or name not in ("split", "mid-write")):
                raise DiedError(name)

        try:
            self._land(step)
        except Exception:
            if not fault:
                raise  # the comparison is worth something only as long as this job works
            return False
        finally:
            self._proxy.drop_after(None)
        return True

    def _land(self, step: Callable[[str], None]) -> None:
        cursor = "" if self._scenario.options.get("load_type") == "Full" else "updated_at"
        table = self._world.schema.name + ".events"
        naive.land(self._objects, self._secret, table, "naive/", cursor, step)

    def forget(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Let go of everything."""
        self._proxy.close()

    def score(self) -> score.Score:
        """Return what readers of all files miss, see twice or see changed."""
        return score.of_tables(
            self._world, self._scenario, [(0, t) for t in naive.read(self._objects.contents("naive/"))]
        )


class _Objects:
    """A bucket as the naive job uses it."""

    def __init__(self, world: World) -> None:
        self._s3, self._bucket = world.aws.s3, world.bucket

    def _keys(self, prefix: str) -> List[str]:
        found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", [])]

    def contents(self, prefix: str) -> List[bytes]:
        return [self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read() for key in self._keys(prefix)]

    def put(self, key: str, content: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)

    def delete_below(self, prefix: str) -> None:
        for key in self._keys(prefix):
            self._s3.delete_object(Bucket=self._bucket, Key=key)


def one(world: World, scenario: Scenario, seed: int, job: Callable[..., Any]) -> score.Score:
    """Make one run and score it."""
    random = Random("{} {}".format(scenario.name, seed))
    writers = Writers(world, scenario, random)
    landing = job(world, scenario, random)
    background = busy(world, scenario, Random(seed)) if scenario.busy else contextlib.nullcontext()
    try:
        with background, contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
            for _ in range(random.randint(3, 5)):
                for _ in range(random.randint(2, 6)):
                    writers.step()
                if scenario.operated and job is Landing and random.random() < 0.5:
                    operate(world, random)
                landing.run(faulty=random.random() < 0.7)
                landing.forget()
            writers.end()
        time.sleep(scenario.ahead)
        landed = False
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            for _ in range(2):
                landed = landing.run(faulty=False)
        found: score.Score = landing.score()
        if not landed:
            found.said = (said.getvalue().strip() or "no reason given").splitlines()[-1]
        return found
    finally:
        landing.close()


def named() -> str:
    """Return a name for one run's schema and bucket."""
    return "s" + uuid.uuid4().hex[:8]
