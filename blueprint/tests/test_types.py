"""Every value lands as it was, or the job run says which column it could not land."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import pyarrow as pa
import pytest
from support import World

import land_table
from landing.postgres import session
from landing.postgres.quoting import identifier
from landing.postgres.types import precision_and_scale
from landing.secret import decode

Parse = Callable[[str], Any]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("+00", "+00:00") if text.endswith("+00") else text)


class Case(NamedTuple):
    """A column, its values as PostgreSQL takes them, and how a reader's value is got from PostgreSQL's text."""

    declared: str
    values: List[str]
    arrow: pa.DataType
    hive: str
    parse: Parse = str


_UTC = pa.timestamp("us", tz="UTC")
CASES: Dict[str, Case] = {
    "bool": Case("boolean", ["true", "false"], pa.bool_(), "boolean", lambda t: t == "t"),
    "int2": Case("smallint", ["-32768", "32767", "0"], pa.int16(), "smallint", int),
    "int4": Case("integer", ["-2147483648", "2147483647"], pa.int32(), "int", int),
    "int8": Case("bigint", ["-9223372036854775808", "9223372036854775807"], pa.int64(), "bigint", int),
    "float4": Case("real", ["1.1", "NaN", "Infinity", "-Infinity", "-0", "3.4028235e38", "1e-45"], pa.float32(), "float", float),
    "float8": Case("double precision", ["0.1", "NaN", "Infinity", "-0", "1.7976931348623157e308", "5e-324"], pa.float64(), "double", float),
    "n10": Case("numeric(10,2)", ["-99999999.99", "0", "0.01"], pa.decimal128(10, 2), "decimal(10,2)", Decimal),
    "n38": Case("numeric(38,10)", ["9999999999999999999999999999.9999999999", "-0.0000000001"], pa.decimal128(38, 10), "decimal(38,10)", Decimal),
    "n38i": Case("numeric(38,0)", ["-" + "9" * 38], pa.decimal128(38, 0), "decimal(38,0)", Decimal),
    "n38f": Case("numeric(38,38)", ["0." + "0" * 37 + "1"], pa.decimal128(38, 38), "decimal(38,38)", Decimal),
    "bare": Case("numeric", ["123456789012345678901234567890.123456789", "NaN", "Infinity", "1.10", "1e-30"], pa.string(), "string"),
    "n41": Case("numeric(41,0)", ["9" * 41], pa.string(), "string"),
    "nneg": Case("numeric(3,-2)", ["12345"], pa.string(), "string"),
    "nsmall": Case("numeric(3,5)", ["0.00123"], pa.string(), "string"),
    "text": Case("text", ["", " pad ", "it's \"q\" \\ back", "line\nbreak\r\n\ttab", "日本語", "🚀👩‍💻", "NULL", "$$", "\x01", "e\u0301"], pa.string(), "string"),
    "varchar": Case("varchar(20)", ["", "a  "], pa.string(), "string"),
    "char": Case("char(5)", ["ab", "", "é"], pa.string(), "string"),
    "name": Case("name", ["pg_class"], pa.string(), "string"),
    "chr": Case('"char"', ["x"], pa.string(), "string"),
    "bytea": Case("bytea", [r"\x", r"\x00ff5c270a0d22"], pa.binary(), "binary", lambda t: bytes.fromhex(t[2:])),
    "date": Case("date", ["0001-01-01", "9999-12-31", "1582-10-10", "1970-01-01"], pa.date32(), "date", date.fromisoformat),
    "ts": Case("timestamp", ["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999", "2024-03-10 02:30:00"], pa.timestamp("us"), "timestamp", _moment),
    "tz": Case("timestamptz", ["0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00", "2024-11-03 01:30:00.000001-05", "1900-01-01 00:00:00+00"], _UTC, "timestamp", _moment),
    "time": Case("time", ["00:00:00", "23:59:59.999999", "24:00:00"], pa.string(), "string"),
    "timetz": Case("timetz", ["23:59:59.999999+14"], pa.string(), "string"),
    "interval": Case("interval", ["-1 year -2 months -3 days -04:05:06.789", "1 mon", "0"], pa.string(), "string"),
    "uuid": Case("uuid", ["00000000-0000-0000-0000-000000000000", "c73215a5-87a4-46ad-8761-0d3b7e426e66"], pa.string(), "string"),
    "json": Case("json", ['{"b": 1, "a":  [1.0, null]}', "null"], pa.string(), "string"),
    "jsonb": Case("jsonb", ['{"b": 123456789012345678901234567890, "a": "\\u00e9"}', '"x"'], pa.string(), "string"),
    "xml": Case("xml", ["<a>é</a>"], pa.string(), "string"),
    "inet": Case("inet", ["192.168.0.1", "10.0.0.0/8", "::1"], pa.string(), "string"),
    "cidr": Case("cidr", ["10.0.0.0/8"], pa.string(), "string"),
    "mac": Case("macaddr", ["08:00:2b:01:02:03"], pa.string(), "string"),
    "money": Case("money", ["-92233720368547758.08"], pa.string(), "string"),
    "bit": Case("bit(3)", ["101"], pa.string(), "string"),
    "varbit": Case("varbit", ["", "10101"], pa.string(), "string"),
    "range": Case("int4range", ["[1,5)", "empty"], pa.string(), "string"),
    "multi": Case("nummultirange", ["{[1,2),[3,4)}"], pa.string(), "string"),
    "point": Case("point", ["(1.5,2)"], pa.string(), "string"),
    "box": Case("box", ["((0,0),(1,1))"], pa.string(), "string"),
    "tsv": Case("tsvector", ["fat cat"], pa.string(), "string"),
    "oid": Case("oid", ["4294967295"], pa.string(), "string"),
    "enum": Case("$mood", ["it's \"so\"", "ok"], pa.string(), "string"),
    "domain": Case("$positive", ["1"], pa.int32(), "int", int),
    "domain2": Case("$price", ["1.50"], pa.decimal128(8, 2), "decimal(8,2)", Decimal),
    "composite": Case("$pair", ['(1,"a b")', "(,)"], pa.string(), "string"),
}  # fmt: skip

ARRAYS: Dict[str, Case] = {
    "bools": Case("boolean[]", ["{t,NULL,f}", "{}"], pa.bool_(), "boolean", lambda t: t == "t"),
    "ints": Case("integer[]", ["{1,NULL,-2147483648}", "{}"], pa.int32(), "int", int),
    "longs": Case("bigint[]", ["{9223372036854775807}"], pa.int64(), "bigint", int),
    "floats": Case("real[]", ["{1.1,NaN}"], pa.float32(), "float", float),
    "doubles": Case("double precision[]", ["{1.1,Infinity}"], pa.float64(), "double", float),
    "texts": Case("text[]", ['{"a,b","q\\"",NULL,"NULL","","{x}"}'], pa.string(), "string"),
    "chars": Case("char(3)[]", ["{a,NULL}"], pa.string(), "string"),
    "decimals": Case("numeric(10,2)[]", ["{1.10,NULL}"], pa.decimal128(10, 2), "decimal(10,2)", Decimal),
    "bares": Case("numeric[]", ["{1.100,NaN}"], pa.string(), "string"),
    "dates": Case("date[]", ["{2024-01-01,0001-01-01}"], pa.date32(), "date", date.fromisoformat),
    "moments": Case("timestamptz[]", ["{2024-01-01 01:00:00.000001+03}"], _UTC, "timestamp", _moment),
    "locals": Case("timestamp[]", ["{2024-01-01 01:00:00}"], pa.timestamp("us"), "timestamp", _moment),
    "uuids": Case("uuid[]", ["{c73215a5-87a4-46ad-8761-0d3b7e426e66}"], pa.string(), "string"),
    "docs": Case("jsonb[]", ['{"{\\"a\\": \\"b,c\\"}"}'], pa.string(), "string"),
    "moods": Case("$mood[]", ["{ok,NULL}"], pa.string(), "string"),
    "addresses": Case("inet[]", ["{1.2.3.4,10.0.0.0/8}"], pa.string(), "string"),
    "boxes": Case("box[]", ["{(1,1),(0,0);(2,2),(1,1)}"], pa.string(), "string"),
    "blobs": Case("bytea[]", [r'{"\\x00ff"}'], pa.string(), "string"),
    "positives": Case("$positive[]", ["{1,2}"], pa.int32(), "int", int),
    "posdom": Case("$positives", ["{3,4}"], pa.int32(), "int", int),
}  # fmt: skip

TYPES = """
    CREATE TYPE $mood AS ENUM ('ok', 'it''s "so"');
    CREATE DOMAIN $positive AS integer CHECK (value > 0);
    CREATE DOMAIN $positives AS $positive[];
    CREATE DOMAIN $money2 AS numeric(8, 2);
    CREATE DOMAIN $price AS $money2 CHECK (value >= 0);
    CREATE TYPE $pair AS (a int, b text)
"""


def _create(world: World, cases: Dict[str, Case]) -> None:
    world.schema.run(TYPES)
    columns = ", ".join(f'"{name}" {case.declared}' for name, case in cases.items())
    world.schema.run(f"CREATE TABLE $matrix (id int PRIMARY KEY, {columns})")
    for number in range(max(len(case.values) for case in cases.values()) + 1):
        values = []
        for case in cases.values():
            value = case.values[number] if number < len(case.values) else None
            values.append("NULL" if value is None else "E'{}'".format(value.replace("\\", "\\\\").replace("'", "''")))
        world.schema.run(f"SET timezone = 'UTC'; INSERT INTO $matrix VALUES ({number}, {', '.join(values)})")


def _hive_types(world: World) -> Dict[str, str]:
    return {c["Name"]: c["Type"] for c in world.glue_table("matrix")["StorageDescriptor"]["Columns"]}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return repr(one) == repr(other)  # tells -0 from 0 and takes NaN for NaN
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other


def test_scalars_land_as_postgresql_shows_them(world: World) -> None:
    _create(world, CASES)
    world.full("matrix")
    landed, hive = world.read("matrix"), _hive_types(world)
    order = sorted(range(landed.num_rows), key=lambda n: landed.column("id")[n].as_py())
    for name, case in CASES.items():
        shown = world.schema.query(
            f"SELECT CASE WHEN num_nulls({identifier(name)}) = 0 THEN format('%s', {identifier(name)}) END AS shown "
            "FROM $matrix ORDER BY id"
        )
        want = [None if text is None else case.parse(_single(text, case)) for (text,) in shown]
        got = [landed.column(name)[n].as_py() for n in order]
        assert landed.schema.field(name).type == case.arrow, name
        assert hive[name.lower()] == case.hive, name
        assert all(map(_same, got, want)), f"{name}: {got} is not {want}"


def _single(text: str, case: Case) -> str:
    """Round a float4's text to the nearest float4, as a reader's float has it."""
    if case.arrow == pa.float32():
        return repr(pa.scalar(float(text), pa.float32()).as_py())
    return text


def test_arrays_land_as_lists(world: World) -> None:
    _create(world, ARRAYS)
    world.full("matrix")
    landed, hive = world.read("matrix"), _hive_types(world)
    order = sorted(range(landed.num_rows), key=lambda n: landed.column("id")[n].as_py())
    for name, case in ARRAYS.items():
        rows = world.schema.query(
            f"""SELECT (SELECT json_agg(CASE WHEN e IS NOT NULL THEN format('%s', e) END)::text FROM unnest("{name}") AS e)
            AS elements, "{name}" IS NULL AS missing FROM $matrix ORDER BY id"""
        )  # fmt: skip
        want: List[Optional[List[Any]]] = [
            None
            if missing
            else [None if e is None else case.parse(_single(e, case)) for e in json.loads(elements or "[]")]
            for elements, missing in rows
        ]
        got = [landed.column(name)[n].as_py() for n in order]
        assert landed.schema.field(name).type.value_type == case.arrow, name
        assert hive[name.lower()] == f"array<{case.hive}>", name
        assert all(map(_same, got, want)), f"{name}: {got} is not {want}"


REFUSED: Dict[str, Any] = {
    "NaN in a decimal": ("numeric(10,2)", "'NaN'", "NaN"),
    "NaN in a decimal of a domain": ("$price2", "'NaN'", "NaN"),
    "NaN in an array": ("numeric(10,2)[]", "'{1,NaN}'", "NaN"),
    "infinite date": ("date", "'infinity'", "infinite"),
    "date before year 1": ("date", "'0001-12-31 BC'", "before year 1"),
    "date after year 9999": ("date", "'10000-01-01'", "after year 9999"),
    "infinite timestamp": ("timestamp", "'-infinity'", "infinite"),
    "far timestamp": ("timestamp", "'294270-01-01'", "after year 9999"),
    "infinite timestamptz": ("timestamptz", "'infinity'", "infinite"),
    "timestamptz before year 1": ("timestamptz", "'0001-12-31 BC'", "before year 1"),
    "infinity in an array": ("timestamptz[]", "'{2024-01-01,infinity}'", "infinite"),
    "array of two dimensions": ("int[]", "'{{1,2},{3,4}}'", "dimensions"),
    "array that begins at 0": ("int[]", "'[0:1]={1,2}'", "does not begin at 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_land_exactly_stops_the_run(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    declared, value, said = REFUSED[name]
    world.schema.run("CREATE DOMAIN $price2 AS numeric(8, 2)")
    world.schema.run(f'CREATE TABLE $matrix (id int, "Odd" {declared})')
    world.schema.run(f"INSERT INTO $matrix VALUES (1, {value}), (2, NULL), (3, {value})")
    assert land_table.main(world.arguments("matrix", load_type="Full", delta_column="")) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert "2 rows of Odd hold" in line
    assert said in line
    assert not world.keys("matrix")


def test_array_declared_with_dimensions_lands_as_text(world: World) -> None:
    world.schema.run("CREATE TABLE $matrix (id int, grid int[][]); INSERT INTO $matrix VALUES (1, '{{1,2},{3,4}}')")
    world.full("matrix")
    assert world.read("matrix").column("grid").to_pylist() == ["{{1,2},{3,4}}"]


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_databases_of_other_encodings(world: World, capsys: pytest.CaptureFixture[str], encoding: str) -> None:
    name = world.schema.name
    world.schema.run(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    secret = world.postgres.secret(dbname=name)
    other = world.postgres.connect(dbname=name)
    other.run(f"CREATE TABLE letters AS SELECT convert_from('\\xe9'::bytea, '{encoding}') AS letter")
    other.close()
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(secret))
    ended = land_table.main(world.arguments("x", source_table="public.letters", load_type="Full"))
    session.detach(decode("", json.dumps(secret)))
    world.schema.run(f"DROP DATABASE {name} WITH (FORCE)")
    if encoding == "SQL_ASCII":  # holds bytes of any encoding
        assert ended == 1
        assert "invalid byte sequence" in capsys.readouterr().err
        return
    record = json.loads(world.get(f"{name}/public.letters/_landfall/commits/00000001.json"))
    assert world.read_file(record["files"][0]).column("letter").to_pylist() == ["é"]


def test_every_precision_and_scale_is_told_apart() -> None:
    for precision in range(1, 39):
        for scale in range(-5, precision + 5):
            modifier = ((precision << 16) | (scale & 0x7FF)) + 4  # make_numeric_typmod
            assert precision_and_scale(modifier) == (precision, scale)
    assert precision_and_scale(-1) is None


def test_ingestion_timestamp_is_the_same_for_a_batch(world: World) -> None:
    before = datetime.now(timezone.utc)
    world.schema.run("CREATE TABLE $matrix AS SELECT n AS id FROM generate_series(1, 100) AS n")
    world.full("matrix", file_count="3")
    (moment,) = set(world.read("matrix").column("ingestion_timestamp").to_pylist())
    assert before <= moment <= datetime.now(timezone.utc)
    assert world.read("matrix").schema.field("ingestion_timestamp").type == _UTC
