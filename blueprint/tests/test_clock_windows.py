"""Load windows: nothing is skipped and nothing is read twice, whoever writes when."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional, Tuple

import pytest
from support import World, database, eventually

from landing.databases.postgres import PostgresDatabase, clock, cursor, safe_watermark
from landing.databases.postgres.cursor import Cursor
from landing.databases.postgres.safe_watermark import SafeWatermark
from landing.job.errors import LandingError
from landing.job.table_name import TableName
from landing.job.tuning import CLOCK_READ, PREPARED_LISTED, SESSIONS_LISTED

EVENTS = "CREATE TABLE $events (id int PRIMARY KEY, updated_at {} {} DEFAULT now())"


def _database(world: World, **changes: Any) -> PostgresDatabase:
    return database(world.postgres.secret(**changes))


def _safe_watermark(world: World) -> SafeWatermark:
    with _database(world).session() as scout:
        server = safe_watermark.describe_server(scout, 600)
        return safe_watermark.safe_watermark(scout, server, world.tuning)


def test_rows_of_an_open_transaction_land_when_they_are_committed(world: World) -> None:
    world.schema.run(EVENTS.format("timestamptz", "NOT NULL"))
    late = world.schema.writer.begin()
    late.run(f"INSERT INTO {world.schema.name}.events (id) VALUES (1)")
    world.schema.run("INSERT INTO $events (id) VALUES (2)")
    world.land("events")
    assert world.column("events") == [], "2 began after 1, so it must wait for 1"
    late.commit()
    world.land("events")
    assert world.column("events") == [1, 2]


def test_rows_of_a_transaction_that_has_written_nothing_yet(world: World) -> None:
    world.schema.run(EVENTS.format("timestamptz", "NOT NULL"))
    late = world.schema.writer.begin()
    late.run("SELECT 1")  # idle in transaction, without a transaction id
    world.schema.run("INSERT INTO $events (id) VALUES (2)")
    world.land("events")
    late.run(f"INSERT INTO {world.schema.name}.events (id) VALUES (1)")
    late.commit()
    world.land("events")
    assert world.column("events") == [1, 2]


@pytest.mark.parametrize("step", [CLOCK_READ, SESSIONS_LISTED])
def test_commit_around_the_listing_of_sessions(world: World, step: str) -> None:
    """Before it, the transaction is not seen, so its rows must be in the snapshot; after it, it must have counted."""
    world.schema.run(EVENTS.format("timestamptz", "NOT NULL"))
    late = world.schema.writer.begin()
    late.run(f"INSERT INTO {world.schema.name}.events (id) VALUES (1)")
    world.schema.run("INSERT INTO $events (id) VALUES (2)")

    def insert() -> None:
        world.schema.run("INSERT INTO $events (id) VALUES (3)")

    with world.at(step, late.commit), world.at(SESSIONS_LISTED, insert):
        world.land("events")
    world.land("events")
    assert world.column("events") == [1, 2, 3]


@pytest.mark.parametrize("step", [SESSIONS_LISTED, PREPARED_LISTED])
def test_prepare_after_a_listing(world: World, step: str) -> None:
    """Whichever of the two listings it falls after, one of them has shown the transaction."""
    world.schema.run(EVENTS.format("timestamptz", "NOT NULL"))
    name = world.schema.name
    late = world.schema.writer.begin()
    late.run(f"INSERT INTO {name}.events (id) VALUES (1)")

    def prepare() -> None:
        late.run(f"PREPARE TRANSACTION '{name}'")
        late.rollback()

    with world.at(step, prepare):
        world.land("events")
    world.schema.run(f"COMMIT PREPARED '{name}'")
    world.land("events")
    assert world.column("events") == [1]


def test_prepared_transactions_hold_the_window_back(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(EVENTS.format("timestamptz", "NOT NULL"))
    name = world.schema.name
    world.schema.run(f"BEGIN; INSERT INTO $events (id) VALUES (1); PREPARE TRANSACTION '{name}'")
    world.schema.run("INSERT INTO $events (id) VALUES (2), (3)")
    try:
        world.land("events")
        assert "a prepared transaction is open" in capsys.readouterr().out
        assert world.column("events") == []
    finally:
        world.schema.run(f"COMMIT PREPARED '{name}'")
    world.land("events")
    assert world.column("events") == [1, 2, 3]


def test_own_readers_do_not_hold_the_window_back(world: World) -> None:
    with _database(world).session() as reader:
        reader.query("SELECT 1 AS x")
        began = datetime.now(timezone.utc)
        assert datetime.fromisoformat(_safe_watermark(world).at + ":00") >= began


@pytest.fixture
def limited(world: World) -> Any:
    """A login that may read the schema but not see other sessions."""
    name = world.schema.name
    world.schema.run(f"CREATE ROLE {name} LOGIN PASSWORD 'limited'; GRANT USAGE ON SCHEMA {name} TO {name}")
    yield {"username": name, "password": "limited"}
    world.schema.run(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.parametrize(("lag", "landed"), [("", [1]), ("300", [1, 2])])
def test_blind_login_stays_behind_the_clock(
    world: World, limited: Dict[str, str], capsys: pytest.CaptureFixture[str], lag: str, landed: List[int]
) -> None:
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(world.postgres.secret(**limited)))
    world.schema.run(EVENTS.format("timestamptz", "NOT NULL"))
    world.schema.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {world.schema.name} TO {limited['username']}")
    world.schema.run("INSERT INTO $events VALUES (1, now() - interval '11 minutes'), (2, now() - interval '9 minutes')")
    world.land("events", lag_seconds=lag)
    assert world.column("events") == landed
    out = capsys.readouterr().out
    assert "GRANT pg_read_all_stats" in out
    assert "{} s earlier".format(lag or "600") in out
    _database(world, **limited).close()


def test_blind_login_sees_who_wrote_a_number(
    world: World, limited: Dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It needs no lag: every row says who wrote it."""
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(world.postgres.secret(**limited)))
    world.schema.run("CREATE TABLE $events (id int, seq serial)")
    world.schema.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {world.schema.name} TO {limited['username']}")
    late = world.schema.writer.begin()
    late.run(f"INSERT INTO {world.schema.name}.events VALUES (1)")
    world.schema.run("INSERT INTO $events VALUES (2)")
    world.land("events", delta_column="seq")
    late.commit()
    world.land("events", delta_column="seq")
    assert world.column("events") == [1, 2]
    assert "cautious window" not in capsys.readouterr().out
    _database(world, **limited).close()


def test_sessions_without_track_activities_are_not_trusted(world: World) -> None:
    hidden = world.schema.writer.begin()
    hidden.run("SET track_activities = off; SELECT 1")
    found = _safe_watermark(world)
    hidden.run("SET track_activities = on")
    hidden.rollback()
    assert datetime.fromisoformat(found.at + ":00") < datetime.now(timezone.utc) - timedelta(seconds=599)
    assert "track_activities" in found.notes[0]


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
def test_ties_at_the_boundary_land_once(world: World, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    values = ["'2024-01-01 00:00:00.000001'", "'2024-01-02 00:00:00.000001'", "'2024-01-03'"]
    ends = {"date": ["2024-01-02", "2024-01-03", "2024-01-04"]}.get(
        kind, ["2024-01-02 00:00:00.000001", "2024-01-03 00:00:00.000000", "2024-01-03 00:00:00.000001"]
    )
    if kind == "timestamptz":
        ends = [end + "+00" for end in ends]
    world.schema.run(f"SET timezone = 'UTC'; CREATE TABLE $events (id int, cursor {kind})")
    for number, value in enumerate(values):
        world.schema.run(f"INSERT INTO $events SELECT {number}, {value} FROM generate_series(1, 50)")
    for number, end in enumerate(ends):
        monkeypatch.setattr(clock, "window_end", lambda *_, end=end: end)
        world.land("events", delta_column="cursor")
        assert world.column("events") == [n for n in range(number + 1) for _ in range(50)]


@pytest.mark.parametrize("kind", ["smallint", "integer", "bigint"])
def test_ties_of_numbers_land_once(world: World, kind: str) -> None:
    """Also those of the last window's greatest number, and of lesser ones."""
    world.schema.run(f"CREATE TABLE $events (id int, cursor {kind})")
    for times, value in enumerate([7, 7, 8, 7, 9], 1):
        world.schema.run(f"INSERT INTO $events SELECT {times}, {value} FROM generate_series(1, 50)")
        world.land("events", delta_column="cursor")
        assert world.column("events") == [n for n in range(1, times + 1) for _ in range(50)]
    assert [commit["watermark"] for commit in world.commits("events")] == ["8", "8", "9", "9", "10"]


def test_integer_cursor_to_the_end_of_its_type(world: World) -> None:
    world.schema.run("CREATE TABLE $events (id bigint); INSERT INTO $events VALUES (1), (9223372036854775806)")
    world.land("events", delta_column="id")
    world.schema.run("INSERT INTO $events VALUES (9223372036854775807)")
    world.land("events", delta_column="id")
    world.land("events", delta_column="id")
    assert world.column("events") == [1, 9223372036854775806, 9223372036854775807]
    assert [c["watermark"] for c in world.commits("events")] == ["9223372036854775807", "9223372036854775808"]


ZONES = {
    "summer": ("2024-07-01 12:00:00.000000+00", "2024-07-01 08:00:00.000000"),
    "an hour that will repeat": ("2024-11-03 05:30:00.000000+00", "2024-11-03 01:00:00.000000"),
    "just before it": ("2024-11-03 04:59:00.000000+00", "2024-11-03 00:59:00.000000"),
    "the hour repeating": ("2024-11-03 06:30:00.000000+00", "2024-11-03 01:30:00.000000"),
    "the hour that is left out": ("2024-03-10 07:00:00.000000+00", "2024-03-10 03:00:00.000000"),
}


@pytest.mark.parametrize("name", ZONES)
def test_local_bound_is_before_all_local_times_to_come(world: World, name: str) -> None:
    at, local = ZONES[name]
    with _database(world).session() as scout:
        query = safe_watermark.local_time_query(SafeWatermark(at, ()), "America/New_York")
        assert scout.query(query) == [(local,)]


def test_local_timestamps_are_in_the_servers_zone(world: World) -> None:
    # The server's zone is New York's; the job's own is UTC.
    world.schema.run(EVENTS.format("timestamp", "NOT NULL"))
    world.schema.run("INSERT INTO $events VALUES (1, now() AT TIME ZONE 'America/New_York')")
    world.land("events")
    assert world.column("events") == [1]
    late = world.schema.writer.begin()
    late.run(f"INSERT INTO {world.schema.name}.events VALUES (2, now() AT TIME ZONE 'America/New_York')")
    world.schema.run("INSERT INTO $events VALUES (3, now() AT TIME ZONE 'America/New_York')")
    world.land("events")
    late.commit()
    world.land("events")
    assert world.column("events") == [1, 2, 3]


ROUNDED = {
    "timestamptz(0)": "timestamptz(0)",
    "timestamp(1)": "timestamp(1)",
    "of a domain": "$whole_seconds",
    "of a domain over a domain": "$nested",
}


@pytest.mark.parametrize("name", ROUNDED)
def test_a_column_that_rounds(world: World, name: str) -> None:
    """It may round a time to before the start of the transaction that wrote it."""
    world.schema.run("CREATE DOMAIN $whole_seconds AS timestamptz(0); CREATE DOMAIN $nested AS $whole_seconds")
    world.schema.run("CREATE TABLE $events (id int, updated_at {} NOT NULL DEFAULT now())".format(ROUNDED[name]))
    for number in range(0, 12, 2):
        late = world.schema.writer.begin()
        late.run(f"INSERT INTO {world.schema.name}.events (id) VALUES ({number})")
        world.land("events")
        late.commit()
        world.schema.run(f"INSERT INTO $events (id) VALUES ({number + 1})")

    def landed() -> bool:
        world.land("events")
        return world.column("events") == list(range(12))

    eventually(landed, "all rows land within the second to which the column rounds")


def test_a_day_lands_when_it_is_over(world: World) -> None:
    world.schema.run("CREATE TABLE $events (id int, day date)")
    world.schema.run(
        "INSERT INTO $events SELECT n, (now() AT TIME ZONE 'America/New_York')::date - n FROM generate_series(0, 2) AS n"
    )
    world.land("events", delta_column="day")
    assert world.column("events") == [1, 2]


LOST = {"NULL": "NULL", "infinity": "'infinity'", "-infinity": "'-infinity'"}


@pytest.mark.parametrize("name", LOST)
def test_rows_that_no_window_holds_stop_the_run(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    world.schema.run(EVENTS.format("timestamptz", ""))
    world.schema.run(f"INSERT INTO $events VALUES (1, {LOST[name]}), (2, now()), (3, {LOST[name]})")
    assert world.run("events") == 1
    assert "2 rows have no updated_at" in capsys.readouterr().err
    assert not world.keys("events")


def test_other_delta_column_than_before(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(
        "CREATE TABLE $events (id int, a timestamptz DEFAULT '2024-01-01', b timestamptz DEFAULT '2024-01-01')"
    )
    world.schema.run("INSERT INTO $events VALUES (1)")
    world.land("events", delta_column="a")
    assert world.run("events", delta_column="b") == 1
    assert "not of b (timestamptz)" in capsys.readouterr().err


CONDITIONS: List[Tuple[Cursor, Optional[str], Optional[str], str]] = [
    (Cursor(("a",), "int4"), None, None, '("a" IS NOT NULL)'),
    (Cursor(("a",), "int4"), "5", None, "(\"a\" >= E'5'::pg_catalog.int4)"),
    (Cursor(("a",), "int4"), None, "5", "(\"a\" < E'5'::pg_catalog.int4)"),
    (Cursor(("a",), "int2"), "5", "32768", '("a" IS NOT NULL AND "a" >= E\'5\'::pg_catalog.int2)'),
    (Cursor(("a",), "int2"), "32768", "32768", '("a" IS NOT NULL AND false)'),
    (
        Cursor(('x"; DROP',), "date"),
        "2024-01-01' OR true --",
        "2024-01-02",
        '("x""; DROP" < E\'2024-01-02\'::pg_catalog.date AND "x""; DROP" >= E\'2024-01-01\'\' OR true --\'::pg_catalog.date)',
    ),
]


@pytest.mark.parametrize(("ordered", "low", "high", "sql"), CONDITIONS)
def test_condition(ordered: Cursor, low: Optional[str], high: Optional[str], sql: str) -> None:
    assert ordered.between(low, high).sql == sql


def test_cursor_without_order_is_refused(world: World) -> None:
    world.schema.run("CREATE TABLE $events (id int, t text)")
    with pytest.raises(LandingError, match="no safe order"):
        cursor.of_columns([_column(world, "t")])


def _column(world: World, name: str) -> Any:
    with _database(world).source(TableName(world.schema.name, "events")) as source:
        return source.table.column(name)
