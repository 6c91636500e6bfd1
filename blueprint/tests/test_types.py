"""Every value lands as it was, or as the policy says, or the job run names the column that it could not land.

The matrix is landed once and read by pyarrow and by Spark, neither of which wrote it.
"""

from __future__ import annotations

import io
import json
import re
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT
from matrix import MATRIX, TYPES, Row, Values, page
from support import World, database

from landing.databases.postgres.column_types import precision_and_scale
from landing.job.errors import pluralise

_BEGIN, _END = "<!-- matrix -->\n", "<!-- /matrix -->\n"


def test_page_shows_the_matrix(update_golden: bool) -> None:
    path = ROOT / "docs" / "types.md"
    text = path.read_text()
    before, rest = text.split(_BEGIN)
    wanted = before + _BEGIN + "\n" + page() + "\n" + _END + rest.split(_END)[1]
    if update_golden:
        path.write_text(wanted)
    assert path.read_text() == wanted


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("+00", "+00:00") if text.endswith("+00") else text)


def _single(text: str) -> float:
    """Round to the nearest float4, as a reader's float has it."""
    return float(pa.scalar(float(text), pa.float32()).as_py())


# How a reader's value is got from the text that PostgreSQL shows, by the column's type in Parquet.
_PARSE: Dict[str, Callable[[str], Any]] = {
    "BOOLEAN": lambda text: text == "t",
    "INT(16)": int,
    "INT(32)": int,
    "INT(64)": int,
    "FLOAT": _single,
    "DOUBLE": float,
    "DECIMAL(p, s)": Decimal,
    "STRING": str,
    "BINARY": lambda text: bytes.fromhex(text[2:]),
    "DATE": date.fromisoformat,
    "TIMESTAMP(MICROS, local)": _moment,
    "TIMESTAMP(MICROS, UTC)": _moment,
}


def _logical(schema: Any, name: str) -> Tuple[str, bool]:
    """Return a column's type as its file says, in the page's words, and whether it is a list."""
    found = next(c for c in map(schema.column, range(len(schema))) if c.path.split(".")[0] == name)
    said = str(found.logical_type)
    if said == "None":
        shown = {"BYTE_ARRAY": "BINARY"}.get(found.physical_type, found.physical_type)
    elif said.startswith("Int("):
        shown = "INT({})".format(re.findall(r"\d+", said)[0])
    elif said.startswith("Timestamp("):
        assert "timeUnit=microseconds" in said
        shown = "TIMESTAMP(MICROS, {})".format("UTC" if "isAdjustedToUTC=true" in said else "local")
    else:
        shown = "DECIMAL(p, s)" if said.startswith("Decimal(") else said.upper()
    return shown, found.path.endswith(".list.element")


def _create(world: World, columns: List[Tuple[str, Values]]) -> None:
    """Make the table matrix with columns c0, c1, …, their values one below the other, and a row of NULLs."""
    world.schema.run(TYPES.replace("{0}", world.schema.name))
    declared = ", ".join(f"c{n} {kind}" for n, (kind, _) in enumerate(columns))
    rows = []
    for number in range(max(len(values) for _, values in columns) + 1):
        values = [_literal(values[number]) if number < len(values) else "NULL" for _, values in columns]
        rows.append(f"INSERT INTO matrix VALUES ({number}, {', '.join(values)})")
    world.schema.run(f"CREATE TABLE $matrix (id int PRIMARY KEY, {declared})")
    world.schema.writer.run(f"SET timezone = 'UTC'; SET search_path = {world.schema.name}; " + ";".join(rows))


def _literal(value: str) -> str:
    return "E'{}'".format(value.replace("\\", "\\\\").replace("'", "''"))


def _shown(world: World, column: str, is_list: bool = False) -> List[Any]:
    """Return a column as the texts that PostgreSQL shows, of an array each element's."""
    shown = f"format('%s', {column})"
    if is_list:
        shown = (
            f"(SELECT json_agg(CASE WHEN num_nulls(e) = 0 THEN format('%s', e) END)::text FROM unnest({column}) AS e)"
        )
    rows = world.schema.query(f"SELECT num_nulls({column}) AS missing, {shown} AS shown FROM $matrix ORDER BY id")
    return [None if missing else json.loads(text or "[]") if is_list else text for missing, text in rows]


def _parsed(shown: Any, parse: Callable[[str], Any]) -> Any:
    if isinstance(shown, list):
        return [_parsed(element, parse) for element in shown]
    return None if shown is None else parse(shown)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, (float, Decimal)):
        return repr(one) == repr(other)  # tells -0 from 0 and 1.0 from 1.00, and takes NaN for NaN
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other


def _columns() -> Iterator[Tuple[Row, str, Values]]:
    for row in MATRIX:
        for declared, values in row.columns.items():
            yield row, declared, values


def _landed(world: World) -> pa.Table:
    return world.read("matrix").sort_by("id")


def _glue_types(world: World) -> Dict[str, str]:
    return {c["Name"]: c["Type"] for c in world.glue_table("matrix")["StorageDescriptor"]["Columns"]}


def test_matrix(world: World, spark: Any, tmp_path: Any) -> None:
    columns = list(_columns())
    _create(world, [(declared, values) for _, declared, values in columns])
    world.full("matrix")
    landed, glue = _landed(world), _glue_types(world)
    (file,) = world.commits("matrix")[0]["files"]
    content = world.get(file["key"])
    schema = pq.ParquetFile(io.BytesIO(content)).schema
    (tmp_path / "matrix.parquet").write_bytes(content)
    declared_to_readers = ", ".join(f"{name} {kind}" for name, kind in glue.items())
    by_spark = pa.Table.from_batches(
        spark.read.schema(declared_to_readers).parquet(str(tmp_path)).sort("id")._collect_as_arrow()
    )
    for number, (row, declared, values) in enumerate(columns):
        name = f"c{number}"
        kind, is_list = _logical(schema, name)
        if row.parquet.startswith("LIST"):
            assert is_list, declared
            assert glue[name].startswith("array<"), declared
            assert ("STRING" in row.parquet) == (kind == "STRING"), declared
            assert row.glue in ("array<…>", glue[name]), declared
        else:
            assert (kind, is_list) == (row.parquet, False), declared
            assert re.sub(r"\d+,\d+", "p,s", glue[name]) == row.glue, declared
        shown = _shown(world, name, is_list)
        assert len([value for value in shown if value is not None]) == len(values), declared
        want = _parsed(shown, _PARSE[kind])
        got = landed.column(name).to_pylist()
        assert _same(got, want), f"{declared}: {got} is not {want}"
        # By way of the Glue Data Catalog, Spark takes local time for UTC.
        again = by_spark.column(name).cast(landed.schema.field(name).type).to_pylist()
        assert _same(again, want), f"{declared} by Spark: {again} is not {want}"


def test_spark_reads_the_types_by_itself(world: World, spark: Any, tmp_path: Any) -> None:
    """Without the Glue Data Catalog, and without a setting: local time stays local, dates before 1582 are read."""
    world.schema.run("CREATE TABLE $matrix AS SELECT 1 AS id, date '0001-01-01' AS d, timestamp '0001-01-01' AS t")
    world.full("matrix")
    (file,) = world.commits("matrix")[0]["files"]
    (tmp_path / "a.parquet").write_bytes(world.get(file["key"]))
    read = spark.read.parquet(str(tmp_path)).select("d", "t")
    assert read.dtypes == [("d", "date"), ("t", "timestamp_ntz")]
    assert [tuple(row) for row in read.collect()] == [(date(1, 1, 1), datetime(1, 1, 1))]


ODD = [(declared, values, said) for row in MATRIX for declared, (values, said) in row.odd.items()]


@pytest.mark.parametrize(("declared", "values", "said"), ODD, ids=[f"{n}-{odd[0]}" for n, odd in enumerate(ODD)])
def test_what_is_out_of_range_stops_the_run(
    world: World, capsys: pytest.CaptureFixture[str], declared: str, values: Values, said: str
) -> None:
    _create(world, [(declared, values)])
    assert world.run("matrix", load_type="Full", delta_column="") == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith(
        f"landfall: {world.schema.name}.matrix: {pluralise(len(values), 'row of c0 holds', 'rows of c0 hold')} "
    )
    assert said in line
    assert not world.keys("matrix")


def test_out_of_range_as_text(world: World) -> None:
    _create(world, [(declared, values) for declared, values, _ in ODD])
    world.full("matrix", types='{"OutOfRange": "Text"}')
    landed, glue = _landed(world), _glue_types(world)
    for number, (declared, values, _) in enumerate(ODD):
        assert glue[f"c{number}"] == "string", declared
        got = landed.column(f"c{number}").to_pylist()
        assert got == _shown(world, f"c{number}"), declared
        assert len(set(got) - {None}) == len(values), declared


def test_out_of_range_as_null(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The values in range stay; how many did not is said, and stands in the commit record."""
    _create(world, [(declared, values) for declared, values, _ in ODD])
    good = {"date": "2024-01-01", "timestamp": "2024-01-01", "timestamptz": "2024-01-01"}
    values = ["'{}'".format(good.get(d, "1")) if "[]" not in d else "'{}'" for d, _, _ in ODD]
    world.schema.run(f"INSERT INTO $matrix VALUES (100, {', '.join(values)})")
    world.full("matrix", types='{"OutOfRange": "Null"}')
    landed, glue = _landed(world), _glue_types(world)
    nulled = {f"c{number}": len(values) for number, (_, values, _) in enumerate(ODD)}
    for number, (declared, _, _) in enumerate(ODD):
        got = landed.column(f"c{number}").to_pylist()
        assert got[:-1] == [None] * (len(got) - 1), declared
        assert got[-1] is not None, declared
        assert glue[f"c{number}"] != "string", declared
    assert world.commits("matrix")[0]["nulled"] == nulled
    (event,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"nulled"' in line]
    assert event["columns"] == nulled


UNBOUNDED = """CREATE TABLE $matrix (id int, n numeric, w numeric(41,2), a numeric[], p numeric(5,2));
    INSERT INTO $matrix VALUES (1, {0}, 2.50, '{{3.25,NULL}}', 1.5), (2, NULL, NULL, NULL, NULL)"""


def test_unbounded_numeric_as_decimal(world: World) -> None:
    world.schema.run(UNBOUNDED.format("-1.5"))
    world.full("matrix", types='{"NumericUnbounded": "Decimal(20,4)"}')
    landed = _landed(world)
    glue = _glue_types(world)
    assert [glue[c] for c in "nwap"] == ["decimal(20,4)", "decimal(20,4)", "array<decimal(20,4)>", "decimal(5,2)"]
    assert landed.column("n").to_pylist() == [Decimal("-1.5000"), None]
    assert landed.column("w").to_pylist() == [Decimal("2.5000"), None]
    assert landed.column("a").to_pylist() == [[Decimal("3.2500"), None], None]


@pytest.mark.parametrize("value", ["0.00001", "1e16", "-1e16", "'NaN'", "'Infinity'", "'-Infinity'", "1e-1000"])
@pytest.mark.parametrize("column", ["n", "a"])
def test_what_a_decimal_cannot_hold(world: World, capsys: pytest.CaptureFixture[str], value: str, column: str) -> None:
    world.schema.run(UNBOUNDED.format("1"))
    given = f"{value}::numeric" if column == "n" else f"ARRAY[1, {value}]::numeric[]"
    world.schema.run(f"UPDATE $matrix SET {column} = {given} WHERE id = 1")
    options = {"types": '{"NumericUnbounded": "Decimal(20,4)"}', "load_type": "Full", "delta_column": ""}
    assert world.run("matrix", **options) == 1
    err = capsys.readouterr().err
    assert f"1 row of {column} holds " in err
    assert "Decimal(20,4) cannot hold" in err
    options["columns"] = json.dumps({column: {"OutOfRange": "Null"}})
    world.land("matrix", **options)
    assert _landed(world).column(column).to_pylist() == [None, None]


def test_unbounded_numeric_the_widest_that_fits(world: World) -> None:
    world.schema.run(UNBOUNDED.format("9999999999999999.9999"))
    world.full("matrix", types='{"NumericUnbounded": "Decimal(20,4)"}')
    assert _landed(world).column("n").to_pylist() == [Decimal("9999999999999999.9999"), None]


def test_unbounded_numeric_fail_names_every_column(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(UNBOUNDED.format("1"))
    options = {"types": '{"NumericUnbounded": "Fail"}', "load_type": "Full", "delta_column": ""}
    assert world.run("matrix", **options) == 1
    err = capsys.readouterr().err
    assert all(f"{column}, which no Parquet decimal holds" in err for column in ("n is numeric", "w is numeric(41,2)"))
    assert "a is numeric[]" in err
    own = {"n": {"NumericUnbounded": "Text"}, "w": {"NumericUnbounded": "Decimal(38,2)"}, "a": {"Rule": "Drop"}}
    world.land("matrix", **options, columns=json.dumps(own))
    glue = _glue_types(world)
    assert (glue["n"], glue["w"], "a" in glue) == ("string", "decimal(38,2)", False)


def test_unknown_types_fail(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(TYPES.replace("{0}", world.schema.name))
    world.schema.run("CREATE TABLE $matrix (id int, a $odd, b $odd[], c $mood, d $hstore, e $pair, f inet)")
    options = {"types": '{"UnknownTypes": "Fail"}', "load_type": "Full", "delta_column": ""}
    assert world.run("matrix", **options) == 1
    line = capsys.readouterr().err
    assert "a is of type" in line
    assert "b is of type" in line
    assert line.count("is of type") == 2
    world.land("matrix", **options, columns='{"a": {"UnknownTypes": "Text"}, "b": {"Rule": "Drop"}}')


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_databases_of_other_encodings(world: World, capsys: pytest.CaptureFixture[str], encoding: str) -> None:
    name = world.schema.name
    world.schema.run(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    secret = world.postgres.secret(dbname=name)
    other = world.postgres.connect(dbname=name)
    other.run(f"CREATE TABLE letters AS SELECT convert_from('\\xe9'::bytea, '{encoding}') AS letter")
    other.close()
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(secret))
    ended = world.run("x", source_table="public.letters", load_type="Full")
    database(secret).close()
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
    assert world.read("matrix").schema.field("ingestion_timestamp").type == pa.timestamp("us", tz="UTC")
