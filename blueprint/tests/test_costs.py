"""What a landing costs the source and the bucket: files of the size that was asked for, and one look at what is old."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Dict, List

import pytest
from support import World

from landing.postgres import session, splits

LONG = """
    CREATE UNLOGGED TABLE $long AS
      SELECT n AS id, md5(n::text) AS noise, timestamptz '2024-01-01' AS updated_at FROM generate_series(1, 600000) AS n
"""


@pytest.mark.parametrize("load", ["Full", "Incremental"])
def test_files_are_cut_at_their_size(world: World, monkeypatch: pytest.MonkeyPatch, load: str) -> None:
    """Several files per split, when the rows take more than was guessed, with names that no other split's file has."""
    monkeypatch.setattr(splits, "TARGET_BYTES", 20 << 20)
    monkeypatch.setattr(splits, "_TIMES_SMALLER", 100)
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
    "timestamptz": ("timestamptz NOT NULL DEFAULT '2024-01-01'", {}, 1),
    "nullable": ("timestamptz DEFAULT '2024-01-01'", {}, 1),
    "policy": ("timestamptz DEFAULT '2024-01-01'", {"null_cursor": "FullOnly"}, 1),
    "date": ("date DEFAULT '2024-01-01'", {}, 1),
    # The end of its window, and rows that were committed late, are looked for besides.
    "bigint": ("bigserial", {}, 3),
}


@pytest.mark.parametrize("name", CURSORS)
def test_unchanged_table(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """One query of its rows, and nothing in the bucket."""
    declared, options, queries = CURSORS[name]
    world.schema.run(f"CREATE TABLE $orders (id int PRIMARY KEY, updated_at {declared})")
    world.schema.run("CREATE INDEX ON $orders (updated_at); INSERT INTO $orders SELECT generate_series(1, 10)")
    world.land("orders", **options)
    before = world.keys("orders")
    asked: List[str] = []
    run = session.Session._run

    def noted(self: session.Session, sql: str, *given: str) -> Any:
        asked.extend(given or (sql,))
        return run(self, sql, *given)

    monkeypatch.setattr(session.Session, "_run", noted)
    world.land("orders", **options)
    assert world.keys("orders") == before
    assert len([sql for sql in asked if re.search(r'FROM\s+"\w+"\."orders"', sql)]) == queries
