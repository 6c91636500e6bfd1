"""A sequence as cursor: numbers are drawn long before they are committed, and every insert lands exactly once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Iterator, List

import pytest
from support import World, database

from landing.databases.postgres import visibility
from landing.databases.postgres.session import Session

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
    """A ctid repeats between partitions, so it counts together with the partition."""
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


def test_more_late_rows_than_one_condition_holds(world: World) -> None:
    world.tune(ids_per_query=7)
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
    assert world.run("v", **CURSOR) == 1
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


def _record_visibility(world: World, **changes: Any) -> None:
    """Change what the last commit record says that its snapshot saw."""
    last = world.commits("events")[-1]
    key = world.prefix("events") + f"_landfall/commits/{last['seq']:08d}.json"
    last["sight"].update(changes)
    world.aws.s3.put_object(Bucket=world.bucket, Key=key, Body=json.dumps(last).encode())


def test_replica_that_lags(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """It has replayed fewer transactions than the batch before saw on the primary."""
    world.schema.run(EVENTS)
    world.schema.run(_insert(world, 1))
    _lands(world, [1])
    _record_visibility(world, next=world.commits("events")[-1]["sight"]["next"] + 1_000_000)
    assert world.run("events", **CURSOR) == 1
    assert "behind the snapshot that was landed last" in capsys.readouterr().err


@pytest.fixture
def curious_login(world: World) -> Iterator[None]:
    """A login that may read the table but not ask for the identity of the server."""
    name = world.schema.name
    asks = "pg_catalog.pg_control_system(), pg_catalog.pg_control_checkpoint()"
    world.schema.run(f"CREATE ROLE {name} LOGIN PASSWORD 'pw' IN ROLE pg_read_all_data")
    world.schema.run(f"REVOKE EXECUTE ON FUNCTION {asks} FROM PUBLIC")
    content = world.postgres.secret(username=name, password="pw")
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(content))
    yield
    database(content).close()
    world.schema.run(f"GRANT EXECUTE ON FUNCTION {asks} TO PUBLIC; DROP ROLE {name}")


def test_server_that_does_not_say_who_it_is(world: World, curious_login: None) -> None:
    """The snapshot that rows are read in outlives the refusal."""
    world.schema.run(EVENTS)
    world.schema.run(_insert(world, 1))
    _lands(world, [1])
    world.schema.run(_insert(world, 2))
    _lands(world, [1, 2])
    assert world.commits("events")[-1]["sight"]["server"] == ""


@pytest.mark.parametrize("key", ["", '["id"]'])
def test_other_server_than_before(world: World, key: str) -> None:
    """After a restore xmin says nothing: rows are compared with the landed files."""
    world.schema.run(EVENTS)
    late = world.schema.writer.begin()
    late.run(_insert(world, 1))
    world.schema.run("INSERT INTO $events (id) VALUES (2), (3)")
    _lands(world, [2, 3], primary_key=key)
    late.commit()
    world.schema.run(_insert(world, 4))
    _record_visibility(world, server="another")
    _lands(world, [1, 2, 3, 4], primary_key=key)
    _lands(world, [1, 2, 3, 4], primary_key=key)


@pytest.mark.parametrize("key", ["", '["id"]'])
def test_row_frozen_before_its_number_came_round_again(world: World, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """After 2**32 transactions, old rows may look as if written lately."""
    world.schema.run(EVENTS)
    world.schema.run("INSERT INTO $events (id) VALUES (1), (2), (3)")
    _lands(world, [1, 2, 3], primary_key=key)
    round_again = 2**32

    def later(*given: Any) -> visibility.State:
        found = state(*given)
        return replace(found, xmin=found.xmin + round_again, xmax=found.xmax + round_again)

    # No server here has used 2**32 transactions.
    state = visibility.snapshot_state
    monkeypatch.setattr(visibility, "snapshot_state", later)
    # The record before says that its snapshot was 10 transactions older than all rows, a round later.
    oldest = round_again + world.schema.query("SELECT min(xmin::text::int8) AS x FROM $events")[0][0] - 10
    epochs = ((oldest, world.commits("events")[-1]["watermark"]),)
    sight = world.commits("events")[-1]["sight"]
    state_before = visibility.State(sight["server"], oldest, oldest, epochs=epochs, relfilenode=sight["file"])
    _record_visibility(world, **state_before.encode())
    world.schema.run(_insert(world, 4))
    _lands(world, [1, 2, 3, 4], primary_key=key)


def test_state_of_a_quiet_table_is_renewed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.schema.run(EVENTS)
    world.schema.run(_insert(world, 1))
    _lands(world, [1])
    _lands(world, [1])
    assert len(world.commits("events")) == 1
    monkeypatch.setattr(visibility, "RENEW_AFTER", 2)  # otherwise after 268 million transactions
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
    state = visibility.State("server", 2**33, 2**34, numbers)
    encoded = json.dumps(state.encode())
    assert visibility.decode(json.loads(encoded)) == state
    assert len(encoded) < len(numbers)
