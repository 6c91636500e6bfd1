"""Names and values of any form go into SQL, into S3 keys and into the Glue Data Catalog as what they are."""

from __future__ import annotations

import random
from typing import List

import pytest
from support import World, database

from landing.databases.postgres.quoting import identifier, literal
from landing.job import table_name
from landing.job.table_name import TableName

NAMES = [
    "plain", "select", "User", "UPPER CASE", 'quo"te', "it's", "back\\slash", "a.b", "ünïcödé", "日本", "🚀",
    "$1", "%s", "{0}", "{}", "; DROP TABLE x; --", "/* c */", " lead", "tab\tbed", "line\nbreak", "c0", "p",
    "batch", "landfall:partition", "a=b", "x" * 63,
]  # fmt: skip

PARSED = {
    "hr.employees": TableName("hr", "employees"),
    "HR.Employees": TableName("HR", "Employees"),
    '"hr".employees': TableName("hr", "employees"),
    '"a.b"."c""d"': TableName("a.b", 'c"d'),
    'hr." x"': TableName("hr", " x"),
    "hr.my table": TableName("hr", "my table"),
    "hr.日本": TableName("hr", "日本"),
}


@pytest.mark.parametrize("text", PARSED)
def test_parse(text: str) -> None:
    assert table_name.parse(text) == PARSED[text]


@pytest.mark.parametrize("schema", NAMES)
def test_canonical_form_is_parsed_back(schema: str) -> None:
    for table in NAMES:
        name = TableName(schema, table)
        assert table_name.parse(str(name)) == name


@pytest.mark.parametrize("text", ["", "a", "a.", ".a", "a.b.c", '"a.b', '"a"b.c', 'a"b.c', "a. b", '"".a', "a\0.b"])
def test_no_table(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        table_name.parse(text)


def test_identifiers_and_literals_arrive_as_they_are(world: World) -> None:
    letters = "ab'\"\\;$-/*%{}\n\té🚀\u2028E"
    chance = random.Random(7)
    texts = [*NAMES, "", "'", "\\'", "E'x'", "$$", *("".join(chance.choices(letters, k=20)) for _ in range(50))]
    with database(world.postgres.secret()).session() as reader:
        for strings in ("on", "off"):
            reader.run(f"CALL postgres_execute('src', 'SET LOCAL standard_conforming_strings = {strings}')")
            for text in texts:
                assert reader.query(f"SELECT {literal(text)} AS x") == [(text,)]
        for name in NAMES:
            shown = f"SELECT json_object_keys(to_json(t)) AS name FROM (SELECT 1 AS {identifier(name)}) AS t"
            assert reader.query(shown) == [(name,)]


@pytest.mark.parametrize("text", ["", "a\0b"])
def test_no_identifier(text: str) -> None:
    with pytest.raises(ValueError, match="not an identifier"):
        identifier(text)


def test_literals_hold_no_nul() -> None:
    with pytest.raises(ValueError, match="NUL"):
        literal("a\0b")


@pytest.mark.parametrize("load", ["Full", "Incremental"])
def test_table_whose_columns_have_any_name(world: World, load: str) -> None:
    columns = ", ".join(f"{identifier(name)} text DEFAULT {literal(name)}" for name in NAMES)
    odd = f"{world.schema.name}.odd"
    world.schema.writer.run(
        f"CREATE TABLE {odd} (id int, updated_at timestamptz DEFAULT '2024-01-01', {columns}); INSERT INTO {odd} (id) VALUES (1)"
    )
    world.land("odd", load_type=load)
    (row,) = world.read("odd").to_pylist()
    assert [row[name] for name in NAMES] == NAMES
    keys = [key["Name"] for key in world.glue_table("odd")["PartitionKeys"]]
    assert keys == ([] if load == "Full" else ["landfall_batch"]), "batch is a column of the table's own"


# moto's S3 finds no key with a line break.
@pytest.mark.parametrize("name", [name for name in NAMES if len(name) < 60 and name not in ("batch", "line\nbreak")])
def test_table_and_columns_of_any_name(world: World, name: str) -> None:
    """One name in every place at once: table, cursor, partition column, key and value."""
    table, column = TableName(world.schema.name, name), identifier(name)
    quoted = f"{world.schema.name}.{column}"
    world.schema.writer.run(f'CREATE TABLE {quoted} (id int, {column} timestamptz, "part {column[1:]} text)')
    world.schema.writer.run(f"INSERT INTO {quoted} VALUES (1, '2024-01-01', {literal(name)}), (2, '2024-01-01', NULL)")
    options = {"delta_column": name, "partition_column": "part " + name, "primary_key": '["id"]'}
    shown = str(table)[len(world.schema.name) + 1 :]
    world.land(shown, **options)
    rows = {row["id"]: row["part " + name] for row in world.read(shown).to_pylist()}
    assert rows == {1: name, 2: None}


def test_every_partition_value_has_its_folder(world: World) -> None:
    values = [*NAMES, "NULL", "..", ".", "a/b", "a%2Fb", "null", "0", " "]
    world.schema.run("CREATE TABLE $parted (id int, kind text)")
    rows = ", ".join(f"({number}, {literal(value)})" for number, value in enumerate(values))
    world.schema.writer.run(f"INSERT INTO {world.schema.name}.parted VALUES {rows}, ({len(values)}, NULL)")
    world.full("parted", partition_column="kind")
    landed = sorted((row["id"], row["kind"]) for row in world.read("parted").to_pylist())
    assert landed == list(enumerate([*values, None]))
    wanted = {(value,) for value in [*values, "__HIVE_DEFAULT_PARTITION__"]}
    assert set(world.glue_partitions("parted")) == wanted
    world.assert_consistent("parted")


def test_many_partition_values(world: World) -> None:
    world.schema.run("CREATE TABLE $parted AS SELECT n AS id, n % 150 AS kind FROM generate_series(1, 3000) AS n")
    world.full("parted", partition_column="kind")
    assert world.column("parted") == list(range(1, 3001))
    files: List[str] = [file["key"] for file in world.commits("parted")[0]["files"]]
    assert len({file.rpartition("/")[0] for file in files}) == 150
    assert len(world.glue_partitions("parted")) == 150
