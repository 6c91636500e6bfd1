"""A table's columns change between two loads: what readers see afterwards, and what Freeze says."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest
from support import World

from landing.job.tuning import PARTITIONS_REGISTERED
from landing.plan import evolution

TABLE = """
    CREATE TABLE $t (id int PRIMARY KEY, small smallint, whole int, amount numeric(6,2), single real, name varchar(9),
      at timestamp, updated_at timestamptz NOT NULL);
    INSERT INTO $t SELECT n, n, n, n + 0.25, n / 4.0, 'n' || n, '2024-01-01', '2024-01-01' FROM generate_series(1, 3) AS n
"""
MORE = "INSERT INTO $t (id, updated_at) VALUES (4, now())"

Case = Tuple[str, bool, str, Dict[str, str]]

CASES: Dict[str, Case] = {
    # the statement, whether a new version begins, what is said, columns of the Glue Data Catalog
    "a new column": ("ALTER TABLE $t ADD bonus numeric(8,2)", False, "bonus is new (numeric(8,2))", {"bonus": "decimal(8,2)"}),
    "smallint to integer": ("ALTER TABLE $t ALTER small TYPE int", False, "small was smallint, is integer", {"small": "int"}),
    "more digits, stored alike": ("ALTER TABLE $t ALTER amount TYPE numeric(9,2)", False, "amount was numeric(6,2), is numeric(9,2)", {"amount": "decimal(9,2)"}),
    "more digits, stored otherwise": ("ALTER TABLE $t ALTER amount TYPE numeric(12,2)", True, "amount was numeric(6,2), is numeric(12,2)", {"amount": "decimal(12,2)"}),
    "fewer digits": ("ALTER TABLE $t ALTER amount TYPE numeric(5,2)", True, "amount was numeric(6,2), is numeric(5,2)", {"amount": "decimal(5,2)"}),
    "another scale": ("ALTER TABLE $t ALTER amount TYPE numeric(9,3)", True, "amount was numeric(6,2), is numeric(9,3)", {"amount": "decimal(9,3)"}),
    "integer to bigint": ("ALTER TABLE $t ALTER whole TYPE bigint", True, "whole was integer, is bigint", {"whole": "bigint"}),
    "smallint to bigint": ("ALTER TABLE $t ALTER small TYPE bigint", True, "small was smallint, is bigint", {"small": "bigint"}),
    "real to double": ("ALTER TABLE $t ALTER single TYPE float8", True, "single was real, is double precision", {"single": "double"}),
    "bigger varchar": ("ALTER TABLE $t ALTER name TYPE varchar(90)", False, "", {"name": "string"}),
    "varchar to text": ("ALTER TABLE $t ALTER name TYPE text", False, "", {"name": "string"}),
    "number to text": ("ALTER TABLE $t ALTER whole TYPE text", True, "whole was integer, is text", {"whole": "string"}),
    "local time to a moment": ("ALTER TABLE $t ALTER at TYPE timestamptz", True, "at was timestamp without time zone, is timestamp with time zone", {"at": "timestamp"}),
    "a dropped column": ("ALTER TABLE $t DROP name", True, "name is gone", {}),
    "a renamed column": ("ALTER TABLE $t RENAME name TO title", True, "title is new (character varying(9)), name is gone", {"title": "string"}),
    "a column put in another place": ("ALTER TABLE $t DROP small, ADD small smallint", False, "", {"small": "smallint"}),
}  # fmt: skip


def _read_by_spark(world: World, spark: Any, tmp_path: Any, table: str) -> List[Tuple[Any, ...]]:
    """Read every registered file with the columns that the Glue Data Catalog has, one folder per file."""
    described = world.glue_table(table)["StorageDescriptor"]["Columns"]
    columns = ", ".join("`{}` {}".format(column["Name"], column["Type"]) for column in described)
    for number, key in enumerate(world.registered(table)):
        folder = tmp_path / f"batch={number}"
        folder.mkdir()
        (folder / "part.parquet").write_bytes(world.get(world.prefix(table) + key))
    rows = spark.read.schema(columns).parquet(str(tmp_path)).drop("batch", "ingestion_timestamp").sort("id").collect()
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("name", CASES)
def test_evolve(world: World, spark: Any, tmp_path: Any, capsys: pytest.CaptureFixture[str], name: str) -> None:
    statement, anew, said, types = CASES[name]
    world.schema.run(TABLE)
    world.land("t")
    world.schema.run(f"{statement}; {MORE}")
    capsys.readouterr()
    world.land("t")
    out = capsys.readouterr().out
    assert ("new schema version" in out) == anew
    assert said in out
    first, second = world.commits("t")
    assert second["base"] == (2 if anew else 1)
    assert sum(file["rows"] for file in second["files"]) == (4 if anew else 1)
    assert world.column("t") == [1, 2, 3, 4]
    world.assert_consistent("t")
    described = {c["Name"]: c["Type"] for c in world.glue_table("t")["StorageDescriptor"]["Columns"]}
    assert {column: described.get(column) for column in types} == types
    assert ("name" in described) == (name not in ("a dropped column", "a renamed column"))
    if not anew:
        order = [column["name"] for column in second["columns"]]
        assert order[: len(first["columns"])] == [column["name"] for column in first["columns"]], "new ones come last"
    database = world.postgres.address["database"]
    pages = world.aws.glue.get_paginator("get_partitions").paginate(
        DatabaseName=database, TableName=f"{world.schema.name}_t"
    )
    parts = [part["StorageDescriptor"]["Columns"] for page in pages for part in page["Partitions"]]
    assert len(parts) == (1 if anew else 2)
    assert all({c["Name"]: c["Type"] for c in part} == described for part in parts), "no partition of another schema"
    wanted = [column for column in described if column != "ingestion_timestamp"]
    moments = ["updated_at", "at"] if name == "local time to a moment" else ["updated_at"]
    shown = [f"{column} AT TIME ZONE 'UTC' AS {column}" if column in moments else column for column in wanted]
    rows = world.schema.query("SELECT {} FROM $t ORDER BY id".format(", ".join(shown)))
    if name == "a column put in another place":
        rows = [(row[0], number if number < 4 else None, *row[2:]) for number, row in enumerate(rows, 1)]
    assert _read_by_spark(world, spark, tmp_path, "t") == rows


@pytest.mark.parametrize("load", ["Full", "Incremental"])
@pytest.mark.parametrize("name", CASES)
def test_freeze(world: World, capsys: pytest.CaptureFixture[str], name: str, load: str) -> None:
    statement, _, said, _ = CASES[name]
    world.schema.run(TABLE)
    world.land("t", schema_evolution="Freeze", load_type=load)
    world.schema.run(f"{statement}; {MORE}")
    ended = world.run("t", schema_evolution="Freeze", load_type=load)
    assert ended == (1 if said else 0)
    if said:
        line = capsys.readouterr().err
        assert f"its columns changed: {said}." in line
        assert "Set SchemaEvolution to Evolve" in line
        assert len(world.commits("t")) == 1, "nothing was published"


def test_a_new_version_is_registered_after_a_kill(world: World) -> None:
    world.schema.run(TABLE)
    world.land("t")
    world.schema.run("ALTER TABLE $t ADD bonus int; " + MORE)
    with world.at(PARTITIONS_REGISTERED, lambda: 1 / 0):
        assert world.run("t") == 1
    world.land("t")
    world.assert_consistent("t")
    assert "bonus" in [column["Name"] for column in world.glue_table("t")["StorageDescriptor"]["Columns"]]


def test_a_rule_is_part_of_what_a_column_is(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Hashed and plain values do not go together in one column."""
    world.schema.run(TABLE)
    world.land("t")
    world.schema.run(MORE)
    world.land("t", columns='{"name": {"Rule": "Hash"}}')
    assert "name was string, is Hash" in capsys.readouterr().out
    values = world.read("t").column("name").to_pylist()
    assert sorted(value or "" for value in values)[1:] == sorted(_sha256(f"n{n}") for n in (1, 2, 3))
    assert [commit["base"] for commit in world.commits("t")] == [1, 2]


def _sha256(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def test_columns_that_landing_adds_do_not_count(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(TABLE)
    for detect in ("true", "false", "true"):
        world.land("t", primary_key='["id"]', detect_deletes=detect, schema_evolution="Freeze")
        world.schema.run("INSERT INTO $t (id, updated_at) SELECT max(id) + 1, now() FROM $t")
    assert [commit["base"] for commit in world.commits("t")] == [1, 1, 1]


def test_records_without_the_type_on_the_wire() -> None:
    """A record of an earlier Landfall is compared by what it says."""
    old = {"name": "a", "sourceType": "integer", "type": "int"}
    now = {"name": "a", "sourceType": "integer", "type": "int", "wire": "INTEGER"}
    assert evolution.changes([old], [now], ()).all == ""
