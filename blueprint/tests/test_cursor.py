"""Cursors beside the usual: of several columns, without a value, and set by clocks that go wrong."""

from __future__ import annotations

from typing import List

import pytest
from support import World

PEOPLE = """
    CREATE TABLE $people (id int PRIMARY KEY, name text, created_at timestamptz, updated_at timestamptz);
    CREATE INDEX ON $people (updated_at)
"""
KEY = {"primary_key": '["id"]'}


def _landed(world: World) -> List[List[int]]:
    """Return the ids of each batch."""
    return [
        sorted(number for file in commit["files"] for number in world.read_file(file).column("id").to_pylist())
        for commit in world.commits("people")
    ]


def _insert(world: World, number: int, updated_at: str, created_at: str = "NULL") -> None:
    world.schema.run(f"INSERT INTO $people VALUES ({number}, 'x', {created_at}, {updated_at})")


def test_coalesce(world: World) -> None:
    world.schema.run(PEOPLE)
    options = {"delta_column": '["updated_at", "created_at"]'}
    _insert(world, 1, "NULL", "now()")
    _insert(world, 2, "now()")
    world.land("people", **options)
    _insert(world, 3, "NULL", "now()")
    world.schema.run("UPDATE $people SET updated_at = now() WHERE id = 1")
    world.land("people", **options)
    assert _landed(world) == [[1, 2], [1, 3]]
    assert world.commits("people")[0]["window"]["columns"] == ["updated_at", "created_at"]


WRONG_CURSORS = {
    "types that do not go together": ("a timestamp, b timestamptz", '["a", "b"]', "of different types"),
    "a number and a moment": ("a int, b timestamptz", '["a", "b"]', "of different types"),
    "a text among them": ("a timestamptz, b text", '["a", "b"]', "which has no safe order"),
    "one that is missing": ("a timestamptz", '["a", "b"]', "no delta column 'b'"),
    "the same twice": ("a timestamptz", '["a", "a"]', "names a column twice"),
    "an empty list": ("a timestamptz", "[]", "Incremental needs --delta_column"),
}


@pytest.mark.parametrize("name", WRONG_CURSORS)
def test_wrong_cursor(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    columns, given, said = WRONG_CURSORS[name]
    world.schema.run(f"CREATE TABLE $people ({columns})")
    assert world.run("people", delta_column=given) == 1
    assert said in capsys.readouterr().err


def test_coalesce_of_integers_of_any_width(world: World) -> None:
    world.schema.run(
        "CREATE TABLE $people (id int, a int2, b int8); INSERT INTO $people VALUES (1, NULL, 2^40), (2, 3, 0)"
    )
    world.land("people", delta_column='["a", "b"]')
    assert world.commits("people")[0]["watermark"] == str(2**40 + 1)
    assert _landed(world) == [[1, 2]]


def test_include(world: World) -> None:
    """Each run looks at the rows without a cursor and lands those that are new or changed."""
    world.schema.run(PEOPLE)
    options = {**KEY, "null_cursor": "Include"}
    for number, updated_at in [(1, "now()"), (2, "NULL"), (3, "'infinity'")]:
        _insert(world, number, updated_at)
    policy = {"types": '{"OutOfRange": "Null"}'}
    world.land("people", **options, **policy)
    assert _landed(world) == [[1, 2, 3]]
    world.land("people", **options, **policy)
    assert _landed(world) == [[1, 2, 3]], "nothing new, so no batch"
    _insert(world, 4, "NULL")
    world.schema.run("UPDATE $people SET name = 'y' WHERE id = 2")
    world.land("people", **options, **policy)
    assert _landed(world) == [[1, 2, 3], [2, 4]]
    world.schema.run("UPDATE $people SET updated_at = now() WHERE id = 4")
    world.land("people", **options, **policy)
    world.land("people", **options, **policy)
    assert _landed(world) == [[1, 2, 3], [2, 4], [4]]


def test_include_after_other_policies(world: World) -> None:
    """What landed with the first batch under FullOnly is not landed again when Include begins."""
    world.schema.run(PEOPLE)
    _insert(world, 1, "NULL")
    _insert(world, 2, "now()")
    world.land("people", null_cursor="FullOnly")
    _insert(world, 3, "NULL")
    world.land("people", null_cursor="FullOnly")
    assert _landed(world) == [[1, 2]]
    world.land("people", **KEY, null_cursor="Include")
    assert _landed(world) == [[1, 2], [3]]
    world.land("people", **KEY, null_cursor="Include")
    assert _landed(world) == [[1, 2], [3]]


def test_only_rows_without_a_cursor(world: World) -> None:
    world.schema.run("CREATE TABLE $people (id int PRIMARY KEY, seq int); INSERT INTO $people VALUES (1), (2)")
    for _ in range(2):
        world.land("people", delta_column="seq", **KEY, null_cursor="Include")
    world.schema.run("INSERT INTO $people VALUES (3, NULL), (4, 0)")
    world.land("people", delta_column="seq", **KEY, null_cursor="Include")
    assert _landed(world) == [[1, 2], [3, 4]]


def test_lookback_finds_what_a_slow_clock_wrote(world: World) -> None:
    world.schema.run(PEOPLE)
    options = {**KEY, "lookback_seconds": "60"}
    _insert(world, 1, "now() - interval '30 s'")
    _insert(world, 2, "now()")
    world.land("people", **options)
    _insert(world, 3, "now() - interval '50 s'")
    _insert(world, 4, "now() - interval '500 s'")
    world.land("people", **options)
    assert _landed(world) == [[1, 2], [3]], "4 is farther back than was declared"
    world.land("people", **options)
    assert _landed(world) == [[1, 2], [3]]
    world.schema.run("UPDATE $people SET name = 'y', updated_at = now() - interval '20 s' WHERE id = 2")
    world.land("people", **options)
    assert _landed(world) == [[1, 2], [3], [2]]


def test_lookback_of_days(world: World) -> None:
    today = "(now() AT TIME ZONE 'America/New_York')::date"
    world.schema.run("CREATE TABLE $people (id int PRIMARY KEY, day date)")
    world.schema.run(f"INSERT INTO $people VALUES (1, {today} - 1), (2, {today} - 5)")
    options = {**KEY, "lookback_seconds": "90000", "delta_column": "day"}  # a little more than a day counts as two
    world.land("people", **options)
    world.schema.run(f"INSERT INTO $people VALUES (3, {today} - 1), (4, {today} - 2), (5, {today} - 3)")
    world.land("people", **options)
    assert _landed(world) == [[1, 2], [3, 4]]


@pytest.mark.parametrize("before", ["0", "15"], ids=["begun", "lengthened"])
def test_lookback_that_comes_later(world: World, before: str) -> None:
    """It doubles nothing of what landed before, and finds what came late before."""
    world.schema.run(PEOPLE)
    for number in range(1, 9):
        _insert(world, number, f"now() - interval '{number * 10} s'")
    world.land("people", **KEY, lookback_seconds=before)
    _insert(world, 9, "now() - interval '1000 s'")
    world.schema.run("UPDATE $people SET name = 'y' WHERE id = 8")
    for _ in range(2):
        world.land("people", **KEY, lookback_seconds="3600")
    _insert(world, 10, "now() - interval '1000 s'")
    for _ in range(2):
        world.land("people", **KEY, lookback_seconds="3600")
    assert _landed(world) == [[*range(1, 9)], [8, 9], [10]]


def test_key_that_is_not_one(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(
        "CREATE TABLE $people (id int, updated_at timestamptz DEFAULT now()); INSERT INTO $people VALUES (1), (1)"
    )
    assert world.run("people", **KEY, lookback_seconds="60") == 1
    assert "1 key is not unique in id" in capsys.readouterr().err
    assert not world.commits("people")


def test_hashed_key(world: World) -> None:
    """Keys are told apart, and kept, by what lands of them."""
    world.schema.run(PEOPLE)
    _insert(world, 7341, "now()")
    options = {**KEY, "detect_deletes": "true", "delete_limit_percent": "100", "columns": '{"id": {"Rule": "Hash"}}'}
    world.land("people", **options)
    world.schema.run("DELETE FROM $people")
    world.land("people", **options)
    assert [(commit["rows"], commit["deleted"]) for commit in world.commits("people")] == [(1, 0), (0, 1)]
    assert len(set(world.column("people"))) == 1
    for key in world.keys("people"):
        assert b"7341" not in world.get(world.prefix("people") + key)


UNKEYED = {
    "lookback": ({"lookback_seconds": "60"}, "--lookback_seconds needs --primary_key"),
    "include": ({"null_cursor": "Include"}, "--null_cursor Include needs --primary_key"),
    "deletes": ({"detect_deletes": "true"}, "--detect_deletes needs --primary_key"),
    "numbers": ({"lookback_seconds": "-1", "lag_seconds": "x"}, "--lookback_seconds '-1' is not a number from 0"),
    "policy": ({"null_cursor": "Skip"}, "--null_cursor 'Skip' is not Fail or Include or FullOnly"),
}


@pytest.mark.parametrize("name", UNKEYED)
def test_wrong_arguments(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    options, said = UNKEYED[name]
    assert world.run("people", **options) == 1
    assert said in capsys.readouterr().err


def test_view_with_lookback(world: World) -> None:
    """Rows of a view have no place; they are named by their keys."""
    world.schema.run(PEOPLE + "; CREATE VIEW $v AS SELECT * FROM $people")
    world.schema.run("INSERT INTO $people VALUES (1, 'it''s \\', NULL, now())")
    options = {"primary_key": '["id", "name"]', "lookback_seconds": "60"}
    world.land("v", **options)
    world.schema.run("INSERT INTO $people VALUES (2, 'it''s \\ \"x\"', NULL, now() - interval '30 s')")
    world.land("v", **options)
    assert [commit["rows"] for commit in world.commits("v")] == [1, 1]
    assert world.column("v") == [1, 2]


INDEXES = {
    "none": ("", "updated_at", True),
    "one": ("CREATE INDEX ON $people (updated_at, id)", "updated_at", False),
    "not its first column": ("CREATE INDEX ON $people (id, updated_at)", "updated_at", True),
    "partial": ("CREATE INDEX ON $people (updated_at) WHERE id > 5", "updated_at", True),
    "of one of two columns": ("CREATE INDEX ON $people (updated_at)", '["updated_at", "created_at"]', True),
    "of the expression": (
        "CREATE INDEX ON $people (COALESCE(updated_at, created_at))",
        '["updated_at", "created_at"]',
        False,
    ),
}


@pytest.mark.parametrize("name", INDEXES)
def test_cursor_without_an_index_is_warned_about(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    sql, cursor, warned = INDEXES[name]
    world.schema.run("CREATE TABLE $people (id int, created_at timestamptz, updated_at timestamptz)")
    world.schema.run(sql or "SELECT 1")
    world.land("people", delta_column=cursor)
    assert ("no index begins with" in capsys.readouterr().out) == warned


def test_cursor_that_goes_back_is_warned_about(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(PEOPLE)
    _insert(world, 1, "now()")
    world.land("people")
    _insert(world, 2, "now() - interval '1 hour'")
    world.land("people")
    assert "1 row below the watermark was written since the last batch" in capsys.readouterr().out
    world.land("people", **KEY, lookback_seconds="7200")
    capsys.readouterr()
    _insert(world, 4, "now() - interval '1 hour'")
    world.land("people", **KEY, lookback_seconds="7200")
    assert "below the watermark" not in capsys.readouterr().out, "within the lookback it lands"
    assert 4 in world.column("people")


def test_open_transactions_are_no_cursors_that_go_back(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(PEOPLE)
    late = world.schema.writer.begin()
    late.run(f"INSERT INTO {world.schema.name}.people VALUES (1, 'x', NULL, now())")
    for number in range(2, 5):
        _insert(world, number, "now()")
        world.land("people")
    late.commit()
    world.land("people")
    assert world.column("people") == [1, 2, 3, 4]
    assert "below the watermark" not in capsys.readouterr().out


AHEAD = {
    "timestamptz": ("timestamptz", "now() + interval '{}'", ""),
    "timestamp": ("timestamp", "now() AT TIME ZONE 'America/New_York' + interval '{}'", " by the server's time zone"),
    "date": ("date", "(now() AT TIME ZONE 'America/New_York')::date + '{}'::interval", " by the server's time zone"),
}


@pytest.mark.parametrize("name", AHEAD)
def test_a_cursor_in_the_future_is_warned_about(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Its window has not come; nobody should take the row for landed. The server's zone is New York's."""
    kind, value, zone = AHEAD[name]
    world.schema.run(f"CREATE TABLE $people (id int PRIMARY KEY, updated_at {kind})")
    world.schema.run(f"INSERT INTO $people VALUES (1, {value.format('-2 days')}), (2, 'infinity')")
    options = {**KEY, "null_cursor": "Include", "types": '{"OutOfRange": "Null"}'}
    world.land("people", **options)
    assert "future" not in capsys.readouterr().out
    world.schema.run(f"INSERT INTO $people VALUES (3, {value.format('1 day')}), (4, '9999-12-31')")
    world.land("people", **options)
    assert f"2 rows have updated_at in the future{zone}" in capsys.readouterr().out
    assert world.column("people") == [1, 2]
