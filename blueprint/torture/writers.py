"""Random transactions on a table: what is committed in the source while it is landed."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from random import Random
from typing import Iterator, List, Sequence, Set

from support import Transaction, World

from torture.extras import Extra
from torture.scenarios import Scenario

_TABLE = """
    CREATE SEQUENCE $drawn CACHE {cache};
    CREATE TABLE $events (id int PRIMARY KEY, version int NOT NULL, kind text, payload text, amount numeric(20,4),
      created_at timestamptz NOT NULL DEFAULT now(), updated_at {type}{extras});
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

    def __init__(self, world: World, scenario: Scenario, random: Random, extras: Sequence[Extra]) -> None:
        """Make the table and its first rows."""
        self._world, self._scenario, self._random = world, scenario, random
        self._next = 1
        self._rows: Set[int] = set()  # committed
        self._open: List[Open] = []
        cache = random.choice([1, 20])
        further = "".join(", " + extra.definition for extra in extras)
        world.schema.run(_TABLE.format(type=scenario.type, cache=cache, extras=further))
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
