"""What a landing costs the source and the bucket: files of the size that was asked for, and one look at what is old."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Dict, List

import pytest
from support import World, eventually

from landing.databases.postgres.session import Session

LONG = """
    CREATE UNLOGGED TABLE $long AS
      SELECT n AS id, md5(n::text) AS noise, timestamptz '2024-01-01' AS updated_at FROM generate_series(1, 600000) AS n
"""


@pytest.mark.parametrize("load", ["Full", "Incremental"])
def test_files_are_cut_at_their_size(world: World, load: str) -> None:
    """Several files per split, when the rows take more than was guessed, with names that no other split's file has."""
    world.tune(min_split_bytes=20 << 20, table_bytes_per_file_byte=100)
    world.schema.run(LONG)
    world.land("long", load_type=load, file_mb="1", max_connections="3")
    (commit,) = world.commits("long")
    files = commit["files"]
    names = [file["key"].rsplit("/", 1)[1] for file in files]
    assert all(re.fullmatch(r"part-\d{5}\.parquet", name) for name in names)
    assert len({file["key"] for file in files}) == len(files)
    of_split = Counter(int(name[5:10]) % 2 for name in names)
    assert min(of_split[0], of_split[1]) > 1
    for file in files:
        assert file["bytes"] == len(world.get(file["key"])) < 5 << 20  # a row group of noise is some MB
        assert file["rows"] == world.read_file(file).num_rows
    assert sum(file["rows"] for file in files) == commit["rows"] == 600000
    assert len(set(world.column("long"))) == 600000
    world.assert_consistent("long")


CURSORS: Dict[str, Any] = {
    "timestamptz": ("timestamptz NOT NULL DEFAULT '2024-01-01'", {}),
    "nullable": ("timestamptz DEFAULT '2024-01-01'", {}),
    "policy": ("timestamptz DEFAULT '2024-01-01'", {"null_cursor": "FullOnly"}),
    "date": ("date DEFAULT '2024-01-01'", {}),
    "bigint": ("bigserial", {}),
    "nullable bigint": ("bigint DEFAULT 7", {"null_cursor": "FullOnly"}),
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """What the source is asked from here on."""
    noted: List[str] = []
    run = Session.run

    def note(self: Session, sql: str, *given: Any) -> Any:
        noted.extend(text for text in given or (sql,) if isinstance(text, str))
        return run(self, sql, *given)

    monkeypatch.setattr(Session, "run", note)
    return noted


def of_rows(asked: List[str]) -> List[str]:
    """Return the queries that ask for rows of orders."""
    return [sql for sql in asked if re.search(r'FROM\s+"\w+"\."orders"', sql)]


@pytest.mark.parametrize(("load", "looks"), [("Incremental", True), ("Full", False)])
def test_only_a_window_is_worth_a_look_at_the_sessions(world: World, asked: List[str], load: str, looks: bool) -> None:
    """Nor does a full load wait for them, or need to know the server."""
    world.schema.run("CREATE TABLE $orders (id int, updated_at timestamptz DEFAULT '2024-01-01')")
    world.schema.run("INSERT INTO $orders VALUES (1)")
    world.land("orders", load_type=load)
    assert world.column("orders") == [1]
    for view in ("pg_stat_activity", "pg_prepared_xacts", "pg_control_system"):
        assert any(view in sql for sql in asked) == looks, view


@pytest.mark.parametrize("name", CURSORS)
@pytest.mark.parametrize("busy", [False, True], ids=["quiet", "busy"])
def test_unchanged_table(world: World, asked: List[str], name: str, busy: bool) -> None:
    """One query of its rows, and nothing in the bucket, also while others write to other tables all the time."""
    declared, options = CURSORS[name]
    world.schema.run(f"CREATE TABLE $orders (id int PRIMARY KEY, updated_at {declared}); CREATE TABLE $other (id int)")
    other = world.schema.writer.begin()
    if busy:
        other.run(f"INSERT INTO {world.schema.name}.other VALUES (1)")
    world.schema.run("CREATE INDEX ON $orders (updated_at); INSERT INTO $orders SELECT generate_series(1, 10)")
    world.land("orders", **options)
    before = world.keys("orders")
    for _ in range(2):
        if busy:
            world.schema.run("INSERT INTO $other VALUES (2)")
        asked.clear()
        world.land("orders", **options)
        assert world.keys("orders") == before
        assert len(of_rows(asked)) == 1
    other.rollback()


def test_nothing_was_written_at_all(world: World, asked: List[str]) -> None:
    """Not even the one query of a table whose cursor is a number reads all of it then: its index answers."""
    world.schema.run("CREATE TABLE $orders (id int PRIMARY KEY, updated_at bigserial)")
    world.schema.run("CREATE INDEX ON $orders (updated_at); INSERT INTO $orders SELECT generate_series(1, 10)")
    world.land("orders")

    def looks_at_no_writer() -> bool:
        asked.clear()
        world.land("orders")
        (sql,) = of_rows(asked)
        return "xmin" not in sql.rsplit(" WHERE ", 1)[1]

    # The server vacuums and analyzes now and then, which takes transactions too.
    eventually(looks_at_no_writer, "no row must be looked at for who wrote it")
