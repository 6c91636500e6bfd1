"""What a person reads when a table cannot be landed: one line, what happened and what to do, never a secret."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Dict, List, Tuple

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from support import World

import land_table
from landing.job import arguments, main
from landing.job.errors import SCRUBBER, LandingError, Scrubber, explain
from landing.job.secret import decode

TABLE = "CREATE TABLE $people (id int, \"Name\" text, updated_at timestamptz DEFAULT '2024-01-01')"


def failure(world: World, capsys: pytest.CaptureFixture[str], table: str = "people", **options: str) -> str:
    """Return the line that a landing ends with; check what holds for every one."""
    assert world.run(table, **options) == 1
    out, err = capsys.readouterr()
    (line,) = err.strip().splitlines()
    assert line.startswith("landfall: ")
    assert line.count(". ") >= 1, "what happened, then what to do"
    assert "Traceback" not in out + err
    assert world.postgres.address["password"] not in out + err
    assert not world.keys(table), "nothing is uploaded, still less published"
    return line


SECRETS: Dict[str, Tuple[Any, List[str]]] = {
    "wrong password": ({"password": "s3cr3t-wr0ng"}, ["refused the login 'postgres'", "Correct username and password"]),
    "unknown host": ({"host": "nowhere.invalid"}, ["nowhere.invalid", "cannot be reached", "network"]),
    "closed port": ({"port": 1}, [":1 cannot be reached", "Connection refused"]),
    "unknown database": ({"dbname": "nope"}, ["has no database 'nope'", "Correct dbname"]),
    "no host": ({"host": None}, ["has no host.", "It must be a JSON object"]),
    "nothing": (dict.fromkeys(("host", "dbname", "username", "password")), ["has no host, has no dbname, has no username, has no password"]),
    "port that is no number": ({"port": "54x"}, ["has a port that is not a number"]),
    "odd engine": ({"engine": []}, ["an engine that is none of"]),
    "other engine": ({"engine": "mysql"}, ["an engine that is none of postgres"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_secret(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    changes, said = SECRETS[name]
    content = {k: v for k, v in world.postgres.secret(**changes).items() if v is not None}
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(content))
    line = failure(world, capsys)
    assert all(part in line for part in said), line
    assert "s3cr3t-wr0ng" not in line


@pytest.mark.parametrize("text", ["hunter2", '["hunter2"]', '"hunter2"', ""])
def test_secret_that_is_no_object(text: str) -> None:
    with pytest.raises(LandingError, match="is not a JSON object") as caught:
        decode("landfall/hr", text)
    assert "hunter2" not in str(caught.value)


def test_secret_takes_a_port_as_text_or_none() -> None:
    content = {"host": "h", "dbname": "d", "username": "u", "password": "not-a-real-one"}
    assert decode("x", json.dumps(content)).port == 5432
    assert decode("x", json.dumps({**content, "port": "6432", "engine": "postgres"})).port == 6432
    assert "not-a-real-one" not in repr(decode("x", json.dumps(content)))


def test_missing_secret(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert "the secret 'nope' does not exist" in failure(world, capsys, secret_name="nope")


def test_missing_bucket(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(TABLE)
    line = failure(world, capsys, destination_bucket="no-such-bucket-here")
    assert "destination bucket" in line
    assert "does not exist" in line


TABLES: Dict[str, Tuple[str, Dict[str, str], List[str]]] = {
    "missing table": ("persons", {}, ["no such table"]),
    "misspelt table": ("poeple", {}, ["did you mean", ".people?"]),
    "other case": ("People", {}, ["did you mean", ".people?"]),
    "no table": ("people_id_seq", {}, ["not a table"]),
    "missing delta column": ("people", {"delta_column": "changed"}, ["no delta column 'changed'", "LoadType Full"]),
    "misspelt delta column": ("people", {"delta_column": "update_at"}, ["did you mean updated_at?"]),
    "delta column without order": ("people", {"delta_column": "Name"}, ["type text", "LoadType Full"]),
    "missing partition column": ("people", {"partition_column": "name"}, ["no partition column 'name'", "did you mean Name?"]),
    "partition column of lists": ("people", {"partition_column": "tags"}, ["tags is text[], whose values are no names"]),
    "partition column of bytes": ("people", {"partition_column": "photo"}, ["photo is bytea, whose values are no names"]),
    "partition column of floats": ("people", {"partition_column": "score"}, ["score is real, whose values are no names"]),
    "all missing columns": (
        "people",
        {"delta_column": "a", "partition_column": "b", "primary_key": '["id", "c"]'},
        ["delta column 'a'", "partition column 'b'", "primary key column 'c'"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_table(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    table, options, said = TABLES[name]
    world.schema.run(TABLE + "; CREATE SEQUENCE $people_id_seq")
    world.schema.run("ALTER TABLE $people ADD tags text[], ADD photo bytea, ADD score real")
    line = failure(world, capsys, table, **options)
    assert line.startswith(f"landfall: {world.schema.name}.{table}: ")
    assert all(part in line for part in said), line


def test_missing_schema(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(TABLE)
    line = failure(world, capsys, source_table=f"{world.schema.name}x.people")
    assert f"did you mean {world.schema.name}.people?" in line


COLUMNS = {
    "column of ours": ('"Ingestion_Timestamp" date', "column Ingestion_Timestamp of its own"),
    "columns that differ in case": ('a int, "A" int', "columns a and A differ in case only"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_that_readers_could_not_tell_apart(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    declared, said = COLUMNS[name]
    world.schema.run(f"CREATE TABLE $people ({declared})")
    assert said in failure(world, capsys, load_type="Full", delta_column="")


def test_materialized_view_without_data(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run(TABLE + "; CREATE MATERIALIZED VIEW $kept AS SELECT * FROM $people WITH NO DATA")
    line = failure(world, capsys, "kept", load_type="Full", delta_column="")
    assert "has not been populated. REFRESH MATERIALIZED VIEW" in line


def test_view_whose_owner_may_not_read(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The rights that count are those of the view's owner."""
    world.schema.run(TABLE + "; CREATE VIEW $seen AS SELECT * FROM $people; CREATE ROLE {0}".format(world.schema.name))
    try:
        world.schema.run("ALTER VIEW $seen OWNER TO {0}".format(world.schema.name))
        line = failure(world, capsys, "seen", load_type="Full", delta_column="")
        assert "permission denied" in line
        assert "owner of the view" in line
    finally:
        world.schema.run("DROP OWNED BY {0}; DROP ROLE {0}".format(world.schema.name))


def test_table_without_columns(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.schema.run("CREATE TABLE $people ()")
    assert "has no columns to land" in failure(world, capsys, load_type="Full", delta_column="")


PRIVILEGES = {
    "no right to the schema": ("", "may not read it"),
    "no right to the table": ("GRANT USAGE ON SCHEMA {0} TO {0}", "may not read it"),
    "no right to a column": (
        "GRANT USAGE ON SCHEMA {0} TO {0}; GRANT SELECT (id) ON {0}.people TO {0}",
        "columns Name",
    ),
    "no right to many columns": (
        "ALTER TABLE {0}.people ADD a int, ADD b int, ADD c int, ADD d int, ADD e int, ADD f int; "
        "GRANT USAGE ON SCHEMA {0} TO {0}; GRANT SELECT (id) ON {0}.people TO {0}",
        " more. GRANT",
    ),
    "row-level security": (
        "GRANT USAGE ON SCHEMA {0} TO {0}; GRANT SELECT ON {0}.people TO {0}; "
        "ALTER TABLE {0}.people ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON {0}.people USING (id < 5)",
        "row-level security",
    ),
}


@pytest.mark.parametrize("name", PRIVILEGES)
def test_privileges(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    grants, said = PRIVILEGES[name]
    role = world.schema.name
    world.schema.run(TABLE + f"; CREATE ROLE {role} LOGIN PASSWORD 'pw-of-role'; " + grants.format(role))
    try:
        content = world.postgres.secret(username=role, password="pw-of-role")
        world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(content))
        line = failure(world, capsys, load_type="Full", delta_column="")
        assert said in line
        assert "Grant" in line or "GRANT" in line or "BYPASSRLS" in line
        assert "pw-of-role" not in line
    finally:
        world.schema.run(f"DROP OWNED BY {role}; DROP ROLE {role}")


ARGUMENTS = {
    "table without a schema": ({"source_table": "people"}, ["'people' is not schema.table", "no dot"]),
    "other format": ({"file_format": "csv"}, ["--file_format 'csv' is not parquet"]),
    "file count": ({"file_count": "-1"}, ["--file_count '-1'"]),
    "load type": ({"load_type": "full"}, ["--load_type 'full'"]),
    "no delta column": ({"delta_column": ""}, ["Incremental needs --delta_column"]),
    "primary key": ({"primary_key": "id"}, ["--primary_key 'id' is not a JSON list"]),
    "engine": ({"engine": "Fast"}, ["--engine 'Fast' is not Spark or PythonShell"]),
    "file size": ({"file_mb": "0"}, ["--file_mb '0' is not a number from 1 to 4096"]),
    "connections": ({"max_connections": "65"}, ["--max_connections '65'"]),
    "policy of rows without a cursor": ({"null_cursor": "Ignore"}, ["--null_cursor 'Ignore' is not Fail or Include"]),
    "deltas that are no list": ({"delta_column": "[a"}, ["--delta_column '[a' is not a JSON list"]),
    "delta named twice": ({"delta_column": '["a", "a"]'}, ["names a column twice"]),
    "no key to tell rows apart": (
        {"null_cursor": "Include", "lookback_seconds": "1", "detect_deletes": "true"},
        ["Include needs --primary_key", "--lookback_seconds needs", "--detect_deletes needs"],
    ),
    "policy": ({"types": '{"OutOfRange": "Maybe"}'}, ["Types.OutOfRange 'Maybe' is unknown"]),
    "rules on columns that landing needs": (
        {
            "primary_key": '["a"]',
            "delta_column": "b",
            "partition_column": "c",
            "columns": '{"a": {"Rule": "Mask"}, "b": {"Rule": "Hash"}, "c": {"Rule": "Drop"}}',
        },
        ["Mask for 'a' of --primary_key", "a rule for 'b' of --delta_column", "a rule for --partition_column 'c'"],
    ),
    "no secret": ({"secret_name": ""}, ["--secret_name"]),
    "all at once": ({"source_table": "a.b.c", "file_format": "csv", "file_count": "x"}, ["two parts", "csv", "'x'"]),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    changes, said = ARGUMENTS[name]
    line = failure(world, capsys, **changes)
    assert "the job's arguments are wrong: " in line
    assert all(part in line for part in said), line


def test_glues_own_arguments_are_ignored() -> None:
    words = ["--JOB_NAME", "x", "--enable-metrics", "true", "--secret_name", "s", "--source_table", '"a.b".C']
    words += ["--destination_bucket", "b", "--load_type", "Full", "--JOB_RUN_ID", "jr_1", "--WORKFLOW_NAME", "w"]
    given = arguments.parse(words)
    assert (given.table.schema, given.table.table, given.job_run_id) == ("a.b", "C", "jr_1")


def test_access_denied_says_which_operation() -> None:
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied."}}, "PutObject")
    assert (
        explain(error)
        .as_log_line("hr.a")
        .startswith("landfall: hr.a: PutObject was refused: AccessDenied: Access Denied. Allow")
    )


def test_unreachable_aws() -> None:
    error = EndpointConnectionError(endpoint_url="https://s3.eu-west-1.amazonaws.com/")
    assert "AWS could not be reached" in explain(error).as_log_line("hr.a")


def test_unknown_errors_are_one_line_without_secrets(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    password = world.postgres.address["password"]

    def fail(*_: Any) -> None:
        SCRUBBER.add({password})
        raise RuntimeError(f"odd\nthing with {password}")

    monkeypatch.setattr(main, "land", fail)
    assert "unexpected RuntimeError: odd thing with ***" in failure(world, capsys)


def test_scrubber_replaces_the_longest_first() -> None:
    scrubber = Scrubber()
    scrubber.add(["abc", "abcdef", ""])
    assert scrubber.scrub("abcdef abc") == "*** ***"


def test_script_ends_with_its_line(world: World) -> None:
    words = world.arguments("people", secret_name="nope")
    done = subprocess.run([sys.executable, land_table.__file__, *words[1:]], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        f"landfall: {world.schema.name}.people: the secret 'nope' does not exist. Create it or correct SecretName\n"
    )
