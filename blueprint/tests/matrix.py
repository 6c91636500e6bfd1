"""The matrix of docs/types.md: what each PostgreSQL type lands as. Every row is a test, and the page is made of it."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Tuple

TYPES = """
    CREATE EXTENSION citext SCHEMA {0}; CREATE EXTENSION hstore SCHEMA {0};
    CREATE EXTENSION ltree SCHEMA {0}; CREATE EXTENSION cube SCHEMA {0};
    CREATE TYPE $mood AS ENUM ('ok', 'it''s "so"');
    CREATE DOMAIN $positive AS integer CHECK (value > 0);
    CREATE DOMAIN $positives AS $positive[];
    CREATE DOMAIN $money2 AS numeric(8, 2);
    CREATE DOMAIN $price AS $money2 CHECK (value >= 0);
    CREATE TYPE $pair AS (a int, b text, c timestamptz);
    CREATE TYPE $spans AS RANGE (subtype = text, multirange_type_name = $spanss);
    CREATE TYPE $odd;
    CREATE FUNCTION $odd_in(cstring) RETURNS $odd AS 'textin' LANGUAGE internal IMMUTABLE STRICT;
    CREATE FUNCTION $odd_out($odd) RETURNS cstring AS 'textout' LANGUAGE internal IMMUTABLE STRICT;
    CREATE TYPE $odd (INPUT = $odd_in, OUTPUT = $odd_out, LIKE = text);
    CREATE FUNCTION $odd_text($odd) RETURNS text AS 'SELECT ''another''::text' LANGUAGE sql;
    CREATE CAST ($odd AS text) WITH FUNCTION $odd_text($odd);
    CREATE TYPE $hidden;
    CREATE FUNCTION $hidden_in(cstring) RETURNS $hidden AS 'textin' LANGUAGE internal IMMUTABLE STRICT;
    CREATE FUNCTION $hidden_out($hidden) RETURNS cstring AS 'byteaout' LANGUAGE internal IMMUTABLE STRICT;
    CREATE TYPE $hidden (INPUT = $hidden_in, OUTPUT = $hidden_out, LIKE = text);
    CREATE CAST ($hidden AS text) WITHOUT FUNCTION
"""
"""What the rows need; $ stands for the schema and a dot, {0} for the schema."""

Values = Tuple[str, ...]


class Row(NamedTuple):
    """A row of the matrix. Values are as PostgreSQL takes them; glue and parquet are what every column lands as."""

    postgresql: str
    parquet: str
    glue: str
    columns: Dict[str, Values]  # declared type: values that land
    exact: str = "yes"
    know: str = ""
    odd: Dict[str, Tuple[Values, str]] = {}  # noqa: RUF012 # declared type: values out of range, and what is said


_FAR = "before year 1, after year 9999 or infinite"
_MOMENT = "Before year 1, after year 9999 and ±infinity: `OutOfRange`"

MATRIX: List[Row] = [
    Row("boolean", "BOOLEAN", "boolean", {"boolean": ("true", "false")}),
    Row("smallint", "INT(16)", "smallint", {"smallint": ("-32768", "32767", "0")}),
    Row("integer", "INT(32)", "int", {"integer": ("-2147483648", "2147483647")}),
    Row("bigint", "INT(64)", "bigint", {"bigint": ("-9223372036854775808", "9223372036854775807")}),
    Row("real", "FLOAT", "float", {"real": ("1.1", "NaN", "Infinity", "-Infinity", "-0", "3.4028235e38", "1e-45")}, know="NaN, ±infinity and -0 preserved"),
    Row("double precision", "DOUBLE", "double", {"double precision": ("0.1", "NaN", "Infinity", "-Infinity", "-0", "1.7976931348623157e308", "5e-324")}, know="NaN, ±infinity and -0 preserved"),
    Row(
        "numeric(p, s) up to 38 digits", "DECIMAL(p, s)", "decimal(p,s)",
        {"numeric(4,1)": ("-999.9", "0"), "numeric(9,9)": ("0.123456789",), "numeric(10,2)": ("-99999999.99", "0", "0.01"), "numeric(18,4)": ("-99999999999999.9999",), "numeric(38,10)": ("9999999999999999999999999999.9999999999", "-0.0000000001"), "numeric(38,0)": ("-" + "9" * 38,), "numeric(38,38)": ("0." + "0" * 37 + "1",)},
        know="NaN: `OutOfRange`", odd={"numeric(10,2)": (("NaN",), "NaN"), "numeric(38,0)": (("NaN",), "NaN")},
    ),
    Row(
        "numeric without precision, with more than 38 digits, or with a scale outside 0 to p", "STRING", "string",
        {"numeric": ("123456789012345678901234567890.123456789", "NaN", "Infinity", "-Infinity", "1.10", "1e-30"), "numeric(41,0)": ("9" * 41,), "numeric(1000,500)": ("1e-500",), "numeric(3,-2)": ("12345",), "numeric(3,5)": ("0.00123",)},
        exact="as text", know="every digit preserved; `NumericUnbounded` selects a decimal or an error instead",
    ),
    Row("money", "STRING", "string", {"money": ("-92233720368547758.08", "0.01")}, "as text", "with the sign and separators of the server's `lc_monetary`"),
    Row("text, varchar, name", "STRING", "string", {"text": ("", " pad ", "it's \"q\" \\ back", "line\nbreak\r\n\ttab", "日本語", "🚀👩‍💻", "NULL", "$$", "\x01\x02", "\ufeff\uffff", "\U0010ffff", "e\u0301"), "varchar(20)": ("", "a  "), "varchar": ("x",), "name": ("pg_class",)}, know="PostgreSQL text cannot contain the NUL character"),
    Row("char(n)", "STRING", "string", {"char(5)": ("ab", "", "é"), "char": ("a",)}, know="padding preserved"),
    Row('"char"', "STRING", "string", {'"char"': ("x", "")}),
    Row("citext", "STRING", "string", {"$citext": ("ÀB", "")}, know="upper and lower case preserved"),
    Row("bytea", "BINARY", "binary", {"bytea": (r"\x", r"\x00ff5c270a0d22")}),
    Row("date", "DATE", "date", {"date": ("0001-01-01", "9999-12-31", "1582-10-10", "1970-01-01")}, know=_MOMENT, odd={"date": (("infinity", "-infinity", "0001-12-31 BC", "10000-01-01", "5874897-12-31"), _FAR)}),
    Row(
        "timestamp", "TIMESTAMP(MICROS, local)", "timestamp",
        {"timestamp": ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999", "2024-03-10 02:30:00"), "timestamp(3)": ("2024-01-01 00:00:00.123456",)},
        know="the Glue Data Catalog has no type for local time: Athena shows the value unchanged, Spark reads it through the table as UTC. " + _MOMENT,
        odd={"timestamp": (("infinity", "-infinity", "0001-12-31 23:59:59 BC", "10000-01-01", "294270-01-01"), _FAR)},
    ),
    Row(
        "timestamptz", "TIMESTAMP(MICROS, UTC)", "timestamp",
        {"timestamptz": ("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00", "2024-11-03 01:30:00.000001-05", "1900-01-01 00:00:00+00")},
        know="the instant; PostgreSQL does not store the original time zone. " + _MOMENT,
        odd={"timestamptz": (("infinity", "-infinity", "0001-12-31 BC", "10000-01-01 00:00:00+00", "294270-01-01"), _FAR)},
    ),
    Row("time, timetz", "STRING", "string", {"time": ("00:00:00", "23:59:59.999999", "24:00:00"), "timetz": ("23:59:59.999999+14", "24:00:00-12:30:15")}, "as text", "Spark cannot read TIME, and TIME cannot represent 24:00"),
    Row("interval", "STRING", "string", {"interval": ("-1 year -2 months -3 days -04:05:06.789", "1 mon", "0"), "interval year": ("3 years",)}, "as text", "`1 year 2 mons 3 days 04:05:06.789`"),
    Row("uuid", "STRING", "string", {"uuid": ("00000000-0000-0000-0000-000000000000", "c73215a5-87a4-46ad-8761-0d3b7e426e66")}, "as text", "Spark cannot read UUID"),
    Row("json", "STRING", "string", {"json": ('{"b": 1, "a":  [1.0, null], "a": "\\u0000"}', "null")}, "as text", "whitespace, key order and duplicate keys preserved"),
    Row("jsonb, jsonpath", "STRING", "string", {"jsonb": ('{"b": 123456789012345678901234567890, "a": "\\u00e9"}', '"x"', "null"), "jsonpath": ("$.a[*] ? (@ > 1)",)}, "as text"),
    Row("xml", "STRING", "string", {"xml": ("<a>é</a>", "text & no root".replace("&", "&amp;"), '<?xml version="1.0"?><b/>')}, "as text", "without the XML declaration of version 1.0, as PostgreSQL prints it"),
    Row(
        "arrays of boolean, numbers, dates and timestamps", "LIST of the element's type", "array<…>",
        {"boolean[]": ("{t,NULL,f}", "{}"), "smallint[]": ("{1,-2}",), "integer[]": ("{1,NULL,-2147483648}", "{}"), "bigint[]": ("{9223372036854775807}",), "real[]": ("{1.1,NaN}",), "double precision[]": ("{1.1,Infinity}",), "numeric(10,2)[]": ("{1.10,NULL}",), "date[]": ("{2024-01-01,0001-01-01}",), "timestamptz[]": ("{2024-01-01 01:00:00.000001+03}",), "timestamp[]": ("{2024-01-01 01:00:00}",), "$positive[]": ("{1,2}",), "$positives": ("{3,4}",)},
        know="if an element is out of range: `OutOfRange` for the whole array",
        odd={"numeric(10,2)[]": (("{1,NaN}",), "NaN"), "date[]": (("{infinity}",), _FAR), "timestamptz[]": (("{2024-01-01,infinity}",), _FAR)},
    ),
    Row(
        "arrays of any other type", "LIST of STRING", "array<string>",
        {"text[]": ('{"a,b","q\\"",NULL,"NULL","","{x}"}', "{}"), "char(3)[]": ("{a,NULL}",), "numeric[]": ("{1.100,NaN}",), "uuid[]": ("{c73215a5-87a4-46ad-8761-0d3b7e426e66}",), "jsonb[]": ('{"{\\"a\\": \\"b,c\\"}"}',), "$mood[]": ("{ok,NULL}",), "inet[]": ("{1.2.3.4,10.0.0.0/8}",), "box[]": ("{(1,1),(0,0);(2,2),(1,1)}",), "bytea[]": (r'{"\\x00ff"}',), "$pair[]": ('{"(1,\\"a,b\\",)"}',), "$odd[]": ("{mine}",), "xml[]": ("{<?xml version='1.0'?><b/>}",), "interval[]": ("{1 mon}",), "time[]": ("{24:00}",)},
        "as text",
    ),
    Row(
        "array values with several dimensions, or with a lower bound other than 1", "", "", {}, "no", "`OutOfRange`",
        {"integer[]": (("{{1,2},{3,4}}", "[0:1]={1,2}"), "several dimensions"), "text[]": (("{{a}}",), "several dimensions"), "uuid[]": (("[2:2]={c73215a5-87a4-46ad-8761-0d3b7e426e66}",), "several dimensions")},
    ),
    Row("arrays declared with several dimensions", "STRING", "string", {"integer[][]": ("{{1,2},{3,4}}", "{1}", "[0:0]={7}"), "text[2][2]": ('{{a,"b c"},{NULL,d}}',)}, "as text", "`{{1,2},{3,4}}`"),
    Row("ranges, multiranges", "STRING", "string", {"int4range": ("[1,5)", "empty", "(,)"), "numrange": ("[1.10,2]",), "tstzrange": ("[2024-01-01 00:00:00+02,infinity)",), "daterange": ("(,2024-01-01]",), "nummultirange": ("{[1,2),[3,4)}", "{}"), "$spans": ("[a,b)",), "$spanss": ('{[a,"b c")}',)}, "as text"),
    Row("composite types", "STRING", "string", {"$pair": ('(1,"a b",)', "(,,)", '(2,"q""",2024-01-01 00:00:00+02)')}, "as text", "timestamps inside it are in UTC"),
    Row("enum", "STRING", "string", {"$mood": ("it's \"so\"", "ok")}, "yes"),
    Row("domain over integer", "INT(32)", "int", {"$positive": ("1",)}, know="a domain lands as its base type"),
    Row("domain over a domain over numeric(8,2)", "DECIMAL(p, s)", "decimal(p,s)", {"$price": ("1.50",)}, odd={"$money2": (("NaN",), "NaN")}),
    Row("inet, cidr", "STRING", "string", {"inet": ("192.168.0.1", "10.0.0.0/8", "::1", "fe80::1/64"), "cidr": ("10.0.0.0/8", "::/0")}, "as text", "a single address without `/32`"),
    Row("macaddr, macaddr8", "STRING", "string", {"macaddr": ("08:00:2b:01:02:03",), "macaddr8": ("08:00:2b:01:02:03:04:05",)}, "as text"),
    Row("bit, varbit", "STRING", "string", {"bit(3)": ("101",), "varbit": ("", "10101"), "bit(70)": ("01" * 35,)}, "as text"),
    Row("tsvector, tsquery", "STRING", "string", {"tsvector": ("fat cat", "'it''s':1A"), "tsquery": ("fat & !cat",)}, "as text"),
    Row("point, line, lseg, box, path, polygon, circle", "STRING", "string", {"point": ("(1.5,-0)",), "line": ("{1,2,3}",), "lseg": ("[(0,0),(1,1)]",), "box": ("((0,0),(1,1))",), "path": ("[(0,0),(1,1)]", "((0,0),(1,1))"), "polygon": ("((0,0),(1,1),(1,0))",), "circle": ("<(0.1,0),1e300>",)}, "as text"),
    Row("hstore, ltree, cube", "STRING", "string", {"$hstore": ('a=>1, "b c"=>NULL',), "$ltree": ("Top.Science",), "$cube": ("(1,2),(3,4)",)}, "as text"),
    Row("oid, xid, xid8, cid, tid, pg_lsn, pg_snapshot", "STRING", "string", {"oid": ("4294967295",), "xid": ("4294967295",), "xid8": ("18446744073709551615",), "cid": ("7",), "tid": ("(4294967295,65535)",), "pg_lsn": ("16/B374D848",), "pg_snapshot": ("10:20:10,14",)}, "as text"),
    Row("regclass, regtype, regproc, …", "STRING", "string", {"regclass": ("pg_catalog.pg_class", "4294967295"), "regtype": ("integer",), "regproc": ("pg_catalog.now",), "regrole": ("postgres",)}, "as text", "the name as PostgreSQL prints it for the login's `search_path`"),
    Row("aclitem, refcursor, int2vector, oidvector", "STRING", "string", {"aclitem": ("=r/postgres",), "refcursor": ("c",), "int2vector": ("1 2",), "oidvector": ("1 2",)}, "as text"),
    Row("types of other extensions, user-defined base types", "STRING", "string", {"$odd": ("mine",), "$hidden": ("mine",)}, "as text", "the result of the type's output function; `UnknownTypes: Fail` makes it an error"),
]  # fmt: skip


def page() -> str:
    """Return the matrix as docs/types.md has it."""
    lines = ["| PostgreSQL | Parquet | Glue Data Catalog | Exact | Policy and remarks |", "|---|---|---|---|---|"]
    lines += ["| {} |".format(" | ".join((r.postgresql, r.parquet, r.glue, r.exact, r.know))) for r in MATRIX]
    return "\n".join(line.replace("|  |", "| |").replace("|  |", "| |") for line in lines) + "\n"
