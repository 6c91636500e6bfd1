"""Schemas made to be awkward, landed and compared cell by cell with the texts that the server shows."""

from __future__ import annotations

import io
import json
import struct
from typing import Any, Dict, Iterator, List, Tuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import World, Writer

from landing.databases.postgres.quoting import identifier

SETUP = """
    CREATE TYPE "En um" AS ENUM ('a''b', 'c"d', 'e,f', '', ' ', '{}', 'NULL', E'tab\\t');
    CREATE DOMAIN numbers AS int[] CHECK (array_length(value, 1) < 10);
    CREATE DOMAIN again AS numbers;
    CREATE DOMAIN price AS numeric(6, 2);
    CREATE DOMAIN prices AS price[];
    CREATE DOMAIN mood AS "En um";
    CREATE DOMAIN second AS timestamptz(0);
    CREATE DOMAIN small AS float4;
    CREATE TYPE inside AS (x int, "y z" text[], e "En um");
    CREATE TYPE outside AS (i inside, ii inside[], r int4range, n numbers);
    CREATE DOMAIN nested AS outside;
    CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = spans);
    CREATE DOMAIN stretch AS span
"""
_LONG = "é" * 31

TABLES: Dict[str, Tuple[str, List[str]]] = {
    "domains": (
        "a numbers, b again, c price, d prices, e mood, f second, g nested, h stretch, i price[], j numbers[], k mood[], "
        "l small, m small[], n second[], o spans",
        [
            "1, '{1,2}', '{3}', 1.5, '{1.25,NULL}', 'c\"d', '2024-03-10 02:30:00.7+00', "
            "row(row(1, array['a', 'b\"'], 'e,f')::inside, array[row(2, null, '')::inside], '[1,2]', '{9}')::outside, "
            "'[1.5,2)', '{1.5,2.55}', array['{1,2}'::numbers, '{3}'::numbers], '{\"a''b\",\"\",NULL}', 0.1, '{0.1,1e-45,NaN}', "
            "'{2024-01-01 00:00:00.6+00}', '{[1,2),[3,4]}'",
            "2, '{}', '{}', -0.00, '{}', '', '2024-11-03 01:30:00-04', NULL, 'empty', '{}', '{}', '{}', '-0', '{-0}', "
            "'{}', '{}'",
            "3",
        ],
    ),
    "enums": ('e "En um", l "En um"[]', ["1, 'a''b', '{}'", '2, E\'tab\\t\', \'{"e,f"," ","NULL",NULL}\'', "3, '{}'"]),
    "numbers_": (
        "a numeric(38,38), b numeric(1000,500), c numeric(3,-2), d numeric(2,5), e numeric, f float4, g float8",
        [
            "1, 0.99999999999999999999999999999999999999, 1e499, 12345, 0.00099, 1e130, 16777217, 9007199254740993",
            "2, -1e-38, -1e-500, -99900, -0.00099, 'NaN', 3.4028235e38, 1.7976931348623157e308",
            "3, 0, 0, 0, 0, '-Infinity', 1.17549435e-38, 2.2250738585072014e-308",
            "4, NULL, NULL, NULL, NULL, 1.10000, 8388608.5, 1e-320",
        ],
    ),
    "times": (
        "a interval, b interval day to second(3), c time(3), d timetz, e timestamptz, f tstzmultirange, g interval[]",
        [
            "1, '1 year -2 mons 3 days -04:05:06.7', '1 day 00:00:01.2345', '12:00:00.0006', '23:59:60-15:59:59', "
            "'2024-11-03 01:30:00 America/New_York', '{[2024-01-01,2024-02-01)}', '{-1 mon,00:00:00.000001}'",
            "2, '-178000000 years', '0', '23:59:59.9996', '12:00+05:30:15', '1900-01-01 Europe/Amsterdam', '{(,)}', '{}'",
        ],
    ),
    # Names of the job's own, of what reads the files, and of SQL.
    "own names": (
        "landfall_ingested_at timestamptz, p text, c0 int, c1 text, n int, s numeric(5,2), x text[], d text, v0 int, "
        "src text, filename text, batch text, k0 text, place int, part int, digest text, near bool, next bool, "
        'fresh bool, element date[], rowid int, "from" int, "a.b" int, "a""b" text, "a\'b" text, "a\\b" text, '
        '"{}{0}%s" text, "c%3D/=" text, "$1" text, ":x" text, "?" text, "-- x" text, "/*" text',
        [
            "1, '2024-01-01 00:00+00', 'p', 0, 'c1', 5, 1.5, '{x}', 'd', 1, 'src', 'file', 'b', 'k', 1, 2, 'd', true, "
            "false, NULL, '{2024-01-01}', 9, 3, 4, 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z'",
        ],
    ),
    "unicode": (
        f'"Ünïcödé" text, "日本語" int, "🚀" text, "{_LONG}" int, "{"x" * 63}" int, "e\u0301" int, "é" int, " lead" int, '
        '"trail " int, "\t" int, "new\nline" int',
        ["1, 'a', 2, 'r', 3, 4, 5, 6, 7, 8, 9, 10"],
    ),
    "several": (
        "a int[][], b text[3][3], c oid[], d money[], e json[], f tsrange[], g outside[], h int2vector, i xml[], j regproc",
        [
            "1, '{{1,2},{3,4}}', '{{a}}', '{1,2}', '{1.5}', '{\"{}\",\"null\"}', '{\"[2024-01-01,2024-01-02)\"}', '{}', "
            "'1 2', '{<?xml version=''1.0''?><a/>}', 'now'",
        ],
    ),
}


@pytest.fixture
def awkward(world: World) -> Iterator[Writer]:
    """A session in UTC with the types of SETUP, whose names need no schema."""
    writer = world.postgres.connect(
        dbname=f"{world.postgres.address['database']} options='-c timezone=UTC -c search_path={world.schema.name}'"
    )
    writer.run(SETUP)
    yield writer
    writer.close()


def _text(value: Any, kind: pa.DataType) -> Any:
    """Return a landed value as the server would show it; of a float, whatever tells it from every other."""
    if value is None or pa.types.is_string(kind):
        return value
    if pa.types.is_list(kind):
        return [_text(element, kind.value_type) for element in value]
    if pa.types.is_floating(kind):
        return struct.pack("f" if kind.bit_width == 32 else "d", float(value))
    if pa.types.is_boolean(kind):
        return "t" if value else "f"
    if pa.types.is_binary(kind):
        return "\\x" + value.hex()
    if pa.types.is_timestamp(kind):
        shown = value.replace(tzinfo=None).isoformat(" ")
        return (shown.rstrip("0") if "." in shown else shown) + ("+00" if kind.tz else "")
    return format(value, "f") if pa.types.is_decimal(kind) else str(value)


def _shown(writer: Writer, relation: str, schema: pa.Schema) -> List[Tuple[Any, ...]]:
    """Return the same of the rows in the server."""
    element = "CASE WHEN num_nulls(e_) = 0 THEN format('%s', e_) END"
    columns = []
    for number, field in enumerate(schema):
        name = identifier(field.name)
        shown = f"format('%s', {name})"
        if pa.types.is_list(field.type):
            shown = f"coalesce((SELECT json_agg({element}) FROM unnest({name}) AS e_), '[]')::text"
        columns.append(f"CASE WHEN num_nulls({name}) = 0 THEN {shown} END AS x{number}")
    rows = writer.query(f"SELECT {', '.join(columns)} FROM {relation}")
    return [tuple(_parsed(value, field.type) for value, field in zip(row, schema)) for row in rows]


def _parsed(value: Any, kind: pa.DataType) -> Any:
    if value is not None and pa.types.is_list(kind):
        return [_parsed(element, kind.value_type) for element in json.loads(value)]
    return _text(value, kind) if value is not None and pa.types.is_floating(kind) else value


def _same(world: World, writer: Writer, relation: str, **options: str) -> None:
    """Land a relation and compare it."""
    world.full("x", source_table=relation, **options)
    place = world.postgres.address["database"] + "/"
    keys = [item["Key"] for item in world.aws.s3.list_objects_v2(Bucket=world.bucket, Prefix=place)["Contents"]]
    record = json.loads(world.get(max(key for key in keys if "/_landfall/commits/" in key)))
    files = [pq.read_table(io.BytesIO(world.get(file["key"]))) for file in record["files"]]
    landed = pa.concat_tables(files).drop_columns(["ingestion_timestamp"])
    columns = [[_text(value, field.type) for value in landed.column(field.name).to_pylist()] for field in landed.schema]
    assert sorted(zip(*columns), key=repr) == sorted(_shown(writer, relation, landed.schema), key=repr)


@pytest.mark.parametrize("files", ["", "2"])
@pytest.mark.parametrize("name", TABLES)
def test_table(world: World, awkward: Writer, name: str, files: str) -> None:
    declared, rows = TABLES[name]
    awkward.run(f'CREATE TABLE "{name}" (id int, {declared})')
    for row in rows:
        awkward.run(f'INSERT INTO "{name}" VALUES ({row})')
    relation = f'{world.schema.name}."{name}"' if " " in name else f"{world.schema.name}.{name}"
    _same(world, awkward, relation, file_count=files)


LOGIN = {
    "timezone": "'Asia/Kathmandu'", "datestyle": "'German, DMY'", "intervalstyle": "'iso_8601'", "bytea_output": "'escape'",
    "extra_float_digits": "-15", "standard_conforming_strings": "off", "quote_all_identifiers": "on", "xmloption": "'document'",
    "client_encoding": "'LATIN1'", "array_nulls": "off", "transform_null_equals": "on", "enable_seqscan": "off",
    "default_transaction_isolation": "'serializable'", "default_transaction_read_only": "on", "row_security": "on",
    "statement_timeout": "'50ms'", "lock_timeout": "'50ms'", "idle_in_transaction_session_timeout": "'500ms'",
    "search_path": "{0}, pg_catalog", "role": "'postgres'",
}  # fmt: skip
"""What a login may have set; {0} is a schema in which names of PostgreSQL's own mean something else."""

EVIL = """
    CREATE FUNCTION $lower(text) RETURNS text LANGUAGE sql AS 'SELECT ''evil''::pg_catalog.text';
    CREATE TABLE $pg_class (x int); CREATE TABLE $pg_type (x int); CREATE DOMAIN $text AS int; CREATE DOMAIN $int4 AS pg_catalog.text
"""


@pytest.mark.parametrize("name", TABLES)
def test_a_login_with_settings_of_its_own(world: World, awkward: Writer, name: str) -> None:
    declared, rows = TABLES[name]
    awkward.run(f'CREATE TABLE "{name}" (id int, {declared})')
    for row in rows:
        awkward.run(f'INSERT INTO "{name}" VALUES ({row})')
    evil = world.schema.name + "_evil"
    world.schema.run(f"CREATE SCHEMA {evil}")
    world.schema.writer.run(EVIL.replace("$", evil + "."))
    world.schema.run(f"CREATE ROLE {evil} LOGIN SUPERUSER PASSWORD 'pw'")
    try:
        for setting, value in LOGIN.items():
            world.schema.run(f"ALTER ROLE {evil} SET {setting} = {value.format(evil)}")
        content = world.postgres.secret(username=evil, password="pw")
        world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(content))
        relation = f'{world.schema.name}."{name}"' if " " in name else f"{world.schema.name}.{name}"
        _same(world, awkward, relation)
        if name == "times":
            world.land("x", source_table=relation, delta_column="e", null_cursor="FullOnly")
    finally:
        world.schema.run(f"DROP SCHEMA {evil} CASCADE")
        world.schema.run(f"DROP ROLE {evil}")


SHAPES: Dict[str, str] = {
    "dropped and generated columns": """
        CREATE TABLE shape (id int GENERATED ALWAYS AS IDENTITY, a int, gone text, b int GENERATED ALWAYS AS (a * 2) STORED,
          gone2 numbers, c bigserial);
        INSERT INTO shape (a) VALUES (1), (2); ALTER TABLE shape DROP gone, DROP gone2""",
    "partitions with their own order of columns": """
        CREATE TABLE shape (id int, a text, gone int, b numeric(8,3)) PARTITION BY LIST (id);
        CREATE TABLE one (b numeric(8,3), junk int, a text, gone int, id int);
        ALTER TABLE one DROP junk; ALTER TABLE shape ATTACH PARTITION one FOR VALUES IN (1);
        CREATE TABLE rest PARTITION OF shape DEFAULT PARTITION BY RANGE (id);
        CREATE TABLE last PARTITION OF rest DEFAULT;
        INSERT INTO shape VALUES (1, 'one', NULL, 1.125), (2, 'two', 1, -1.125); ALTER TABLE shape DROP gone""",
    "children with more columns": """
        CREATE TABLE shape (id int, a int); CREATE TABLE child (extra text, a int, id int);
        ALTER TABLE child INHERIT shape; INSERT INTO child VALUES ('x', 1, 2); INSERT INTO shape VALUES (3, 4)""",
    "view of views": """
        CREATE TABLE base (id int, "A" text[]); INSERT INTO base VALUES (1, '{a}'), (1, '{a}'), (2, NULL);
        CREATE VIEW middle AS SELECT id, "A" || ARRAY['b'] AS a, count(*) OVER () AS n FROM base;
        CREATE VIEW shape AS SELECT m.*, NULL AS nothing, 'x' AS literal FROM middle AS m""",
}


@pytest.mark.parametrize("name", SHAPES)
def test_shape(world: World, awkward: Writer, name: str) -> None:
    awkward.run(SHAPES[name])
    _same(world, awkward, f"{world.schema.name}.shape")


CATALOGS = [
    "pg_type",
    "pg_class",
    "pg_attribute",
    "pg_aggregate",
    "pg_index",
    "pg_constraint",
    "pg_rewrite",
    "pg_stats",
]


@pytest.mark.parametrize("name", CATALOGS)
def test_a_schema_that_nobody_here_made(world: World, awkward: Writer, name: str) -> None:
    world.schema.run("CREATE TABLE $seen AS SELECT n, n::text AS t, ARRAY[n] AS l FROM generate_series(1, 200) AS n")
    world.schema.run("ANALYZE $seen")
    _same(world, awkward, "pg_catalog." + name)


KINDS = ["int", "text", "timestamptz", "numeric(10,2)", "date", "bool", "float8", "bytea", "uuid", "int[]", "numeric"]


def test_as_many_columns_as_there_can_be(world: World, awkward: Writer) -> None:
    """PostgreSQL takes 1,664 expressions in a SELECT, and DuckDB a depth of 1,000."""
    columns = ", ".join(f"c{number} {KINDS[number % len(KINDS)]}" for number in range(1597))
    world.schema.run(f"CREATE TABLE $wide (id int, {columns}, t timestamptz DEFAULT '2024-01-01')")
    world.schema.run("INSERT INTO $wide (id, c0, c1) SELECT n, n, 'x' FROM generate_series(1, 20) AS n")
    _same(world, awkward, f"{world.schema.name}.wide", types='{"OutOfRange": "Null"}')
    options = {"delta_column": "t", "primary_key": '["id"]', "null_cursor": "Include"}
    world.land("wide", **options)
    world.schema.run("INSERT INTO $wide (id, c1, t) VALUES (21, 'y', NULL), (22, 'z', now())")
    world.land("wide", **options, lookback_seconds="60", detect_deletes="true")
    assert world.column("wide") == list(range(1, 23))
