"""A sequence as cursor: numbers are drawn long before they are committed, and every insert lands exactly once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, List

import pytest
from support import World

import land_table
from landing.databases.model import Sight
from landing.databases.postgres import visibility as sight
from landing.databases.postgres.session import Session
from landing.publish import commit_record as record

EVENTS = """
    CREATE SEQUENCE $drawn CACHE 5;
    CREATE TABLE $events (id int, seq bigint NOT NULL DEFAULT nextval('$drawn'));
    CREATE INDEX ON $events (seq)
"""
CURSOR = {"delta_column": "seq"}


def _insert(world: World, number: int) -> str:
    return f"INSERT INTO {world.schema.name}.events (id) VALUES ({number})"


def _lands(world: World, expected: List[int], **options: str) -> None:
    world.land("events", **CURSOR, **options)
    assert world.column("events") == expected
    world.assert_consistent("events")


def test_number_committed_late(world: World) -> None:
    world.schema.run(EVENTS)
    late = world.schema.writer.begin()
    late.run(_insert(world, 1))
    world.schema.run(_insert(world, 2))
    _lands(world, [2])
    _lands(world, [2])
    late.commit()
    _lands(world, [1, 2])
    _lands(world, [1, 2])


SAVEPOINTS = {
    "released": "SAVEPOINT s; {}; RELEASE s",
    "not released": "SAVEPOINT s; {}",
    "nested": "SAVEPOINT s; SAVEPOINT t; {}; RELEASE t; RELEASE s",
    "in a block with an exception": "DO $body$BEGIN BEGIN {}; EXCEPTION WHEN division_by_zero THEN NULL; END; END$body$",
}


@pytest.mark.parametrize("name", SAVEPOINTS)
def test_row_of_a_subtransaction(world: World, name: str) -> None:
    """Its xmin is not among the transactions in progress that pg_current_snapshot() lists."""
    world.schema.run(EVENTS)
    late = world.schema.writer.begin()
    late.run(_insert(world, 1))
    late.run(SAVEPOINTS[name].format(_insert(world, 2)))
    world.schema.run(_insert(world, 3))
    _lands(world, [3])
    late.commit()
    _lands(world, [1, 2, 3])
    _lands(world, [1, 2, 3])


def test_rows_beside_one_that_stays_open_land_once(world: World) -> None:
    """They were written after the oldest open transaction began, and so are looked at again and again."""
    world.schema.run(EVENTS)
    late = world.schema.writer.begin()
    late.run(_insert(world, 1))
    for number in range(2, 6):
        world.schema.run(_insert(world, number))
        _lands(world, list(range(2, number + 1)))
    late.commit()
    _lands(world, [1, 2, 3, 4, 5])


def test_number_of_a_session_that_drew_several(world: World) -> None:
    """The session keeps numbers of its cache, and begins the transaction that uses one after the batch."""
    world.schema.run(EVENTS)
    early = world.postgres.connect()
    early.run(_insert(world, 1))  # draws 1 to 5
    world.schema.run(_insert(world, 2))  # draws 6
    _lands(world, [1, 2])
    early.run(_insert(world, 3))  # uses 2
    early.close()
    _lands(world, [1, 2, 3])


def test_prepared_transaction(world: World) -> None:
    world.schema.run(EVENTS)
    name = world.schema.name
    world.schema.run(f"BEGIN; {_insert(world, 1)}; PREPARE TRANSACTION '{name}'")
    world.schema.run(_insert(world, 2))
    _lands(world, [2])
    world.schema.run(f"COMMIT PREPARED '{name}'")
    _lands(world, [1, 2])


def test_rolled_back(world: World) -> None:
    world.schema.run(EVENTS)
    late = world.schema.writer.begin()
    late.run(_insert(world, 1))
    world.schema.run(_insert(world, 2))
    _lands(world, [2])
    late.rollback()
    _lands(world, [2])


def test_update_of_a_landed_row_lands_once(world: World) -> None:
    world.schema.run(EVENTS)
    world.schema.run("INSERT INTO $events (id) VALUES (1), (2)")
    _lands(world, [1, 2])
    world.schema.run("UPDATE $events SET id = 7 WHERE id = 1")
    _lands(world, [1, 2, 7])
    _lands(world, [1, 2, 7])


def test_locks_and_vacuum_are_no_updates(world: World) -> None:
    world.schema.run(EVENTS)
    world.schema.run("INSERT INTO $events (id) VALUES (1), (2)")
    _lands(world, [1, 2])
    world.schema.run("SELECT * FROM $events FOR UPDATE")
    first, second = world.schema.writer.begin(), world.schema.writer.begin()
    for one in (first, second):  # together they make a multixact
        one.run(f"SELECT * FROM {world.schema.name}.events FOR KEY SHARE")
        one.commit()
    world.schema.run("VACUUM (FREEZE) $events")
    world.schema.run("VACUUM (FULL) $events")
    _lands(world, [1, 2])


def test_partitions(world: World) -> None:
    """Places repeat between partitions, so they count together with the partition."""
    world.schema.run(
        """
        CREATE SEQUENCE $drawn;
        CREATE TABLE $events (id int, seq bigint NOT NULL DEFAULT nextval('$drawn')) PARTITION BY HASH (id);
        CREATE TABLE $p0 PARTITION OF $events FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE $p1 PARTITION OF $events FOR VALUES WITH (MODULUS 2, REMAINDER 1)
        """
    )
    late = world.schema.writer.begin()
    late.run(f"INSERT INTO {world.schema.name}.events (id) SELECT generate_series(1, 6)")
    world.schema.run("INSERT INTO $events (id) SELECT generate_series(7, 12)")
    _lands(world, list(range(7, 13)))
    late.commit()
    _lands(world, list(range(1, 13)))


def test_more_late_rows_than_one_condition_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landing.plan.row_ids.CHUNK", 7)
    world.schema.run(EVENTS)
    late = world.schema.writer.begin()
    late.run(f"INSERT INTO {world.schema.name}.events (id) SELECT generate_series(1, 20)")
    world.schema.run(_insert(world, 21))
    _lands(world, [21])
    late.commit()
    _lands(world, list(range(1, 22)))


def test_greatest_rows_deleted(world: World) -> None:
    """The window never ends before it begins."""
    world.schema.run(EVENTS)
    world.schema.run("INSERT INTO $events (id) SELECT generate_series(1, 9)")
    _lands(world, list(range(1, 10)))
    world.schema.run("DELETE FROM $events WHERE id > 3")
    late = world.schema.writer.begin()
    late.run(f"INSERT INTO {world.schema.name}.events VALUES (30, 2)")
    late.commit()
    _lands(world, [*range(1, 10), 30])
    assert world.commits("events")[-1]["watermark"] == world.commits("events")[0]["watermark"]


def test_view_is_refused(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(EVENTS + "; CREATE VIEW $v AS SELECT * FROM $events")
    assert land_table.main(world.arguments("v", **CURSOR)) == 1
    assert "do not say which transaction wrote them" in capsys.readouterr().err


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE $events ALTER id TYPE int USING id + 0",
        "CREATE TABLE $copy AS TABLE $events; TRUNCATE $events; INSERT INTO $events TABLE $copy",
    ],
)
@pytest.mark.parametrize("key", ["", '["id"]'])
def test_table_that_is_written_anew(world: World, sql: str, key: str) -> None:
    """All rows then look as if written lately; those that are landed as they are do not land again."""
    world.schema.run(EVENTS)
    late = world.schema.writer.begin()
    late.run(_insert(world, 1))
    world.schema.run("INSERT INTO $events (id) SELECT generate_series(2, 9)")
    _lands(world, list(range(2, 10)), primary_key=key)
    late.commit()
    world.schema.run(sql)
    _lands(world, list(range(1, 10)), primary_key=key)
    _lands(world, list(range(1, 10)), primary_key=key)


def test_replica_that_is_behind(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.schema.run(EVENTS)
    world.schema.run(_insert(world, 1))
    _lands(world, [1])
    _as_of(world, monkeypatch, oldest=5, next=5)
    assert land_table.main(world.arguments("events", **CURSOR)) == 1
    assert "behind the snapshot that was landed last" in capsys.readouterr().err


def test_server_that_does_not_say_who_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The snapshot that rows are read in outlives the refusal."""
    monkeypatch.setattr(sight, "server", lambda session: str(session.query("SELECT 1 / 0 AS x")))
    world.schema.run(EVENTS)
    world.schema.run(_insert(world, 1))
    _lands(world, [1])
    world.schema.run(_insert(world, 2))
    _lands(world, [1, 2])
    assert world.commits("events")[-1]["sight"]["server"] == ""


def _as_of(world: World, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Have the job take the server for another one, or for one that used up more transactions."""
    moment = sight.moment
    monkeypatch.setattr(sight, "moment", lambda *given: replace(moment(*given), **changes))


@pytest.mark.parametrize("key", ["", '["id"]'])
def test_other_server_than_before(world: World, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """After a restore xmin says nothing: rows are compared with the landed files."""
    world.schema.run(EVENTS)
    late = world.schema.writer.begin()
    late.run(_insert(world, 1))
    world.schema.run("INSERT INTO $events (id) VALUES (2), (3)")
    _lands(world, [2, 3], primary_key=key)
    late.commit()
    world.schema.run(_insert(world, 4))
    monkeypatch.setattr(sight, "server", lambda _: "another")
    _lands(world, [1, 2, 3, 4], primary_key=key)
    _lands(world, [1, 2, 3, 4], primary_key=key)


@pytest.mark.parametrize("key", ["", '["id"]'])
def test_row_frozen_before_its_number_came_round_again(world: World, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """After 2**32 transactions, old rows may look as if written lately."""
    world.schema.run(EVENTS)
    world.schema.run("INSERT INTO $events (id) VALUES (1), (2), (3)")
    _lands(world, [1, 2, 3], primary_key=key)
    round_again = 2**32

    def later(*given: Any) -> Sight:
        found = moment(*given)
        return replace(found, oldest=found.oldest + round_again, next=found.next + round_again)

    moment = sight.moment
    monkeypatch.setattr(sight, "moment", later)
    # The record before says that its snapshot was 10 transactions older than all rows, a round later.
    oldest = round_again + world.schema.query("SELECT min(xmin::text::int8) AS x FROM $events")[0][0] - 10
    key_of_record = world.prefix("events") + "_landfall/commits/00000001.json"
    content = json.loads(world.get(key_of_record))
    content["sight"].update(oldest=oldest, next=oldest, seen=record._packed(()))
    content["sight"]["marks"] = [[oldest, content["watermark"]]]
    world.aws.s3.put_object(Bucket=world.bucket, Key=key_of_record, Body=json.dumps(content).encode())
    world.schema.run(_insert(world, 4))
    _lands(world, [1, 2, 3, 4], primary_key=key)


def test_quiet_table_keeps_its_sight_fresh(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.schema.run(EVENTS)
    world.schema.run(_insert(world, 1))
    _lands(world, [1])
    _lands(world, [1])
    assert len(world.commits("events")) == 1
    monkeypatch.setattr(sight, "STALE", 2)
    world.schema.run("CREATE TABLE $a (); CREATE TABLE $b (); CREATE TABLE $c ()")
    for _ in range(3):
        world.schema.run("INSERT INTO $a DEFAULT VALUES")
    _lands(world, [1])
    assert [commit["rows"] for commit in world.commits("events")] == [1, 0]
    world.schema.run(_insert(world, 2))
    _lands(world, [1, 2])


def test_transactions_that_came_and_went_are_counted_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Millions of transactions may write between two job runs: none is asked about by itself."""
    world.schema.run(EVENTS)
    world.schema.run(_insert(world, 0))
    _lands(world, [0])
    for number in range(1, 101):
        world.schema.run(_insert(world, number))
    world.schema.run("UPDATE $events SET id = 1000 WHERE id = 0")
    answers: List[int] = []
    query = Session.query

    def noted(session: Session, sql: str) -> List[Any]:
        found = query(session, sql)
        if "AS greatest" in sql:
            answers.append(len(found))
        return found

    monkeypatch.setattr(Session, "query", noted)
    _lands(world, [*range(101), 1000])
    assert len(answers) == 1
    assert answers[0] <= 3, "rows before, rows of all transactions that came and went, rows of one in progress"


def test_many_writers_take_little_room() -> None:
    numbers = tuple(range(2**33, 2**33 + 300_000, 3))
    packed = record._packed(numbers)
    assert record._unpacked(packed) == numbers
    assert len(packed) < len(numbers)
