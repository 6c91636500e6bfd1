"""The commit's one put, and the Glue Data Catalog under other writers."""

from __future__ import annotations

from typing import Any, Dict, List

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from support import World

from landing.job.errors import LandingError
from landing.publish.bucket import Bucket
from landing.publish.commit_log import CommitLog
from landing.publish.commit_record import Commit

TABLE = (
    "CREATE TABLE $people AS SELECT n AS id, '2024-01-01'::timestamptz AS updated_at FROM generate_series(1, 3) AS n"
)


@pytest.fixture(params=["parameter", "header"])
def bucket(world: World, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Bucket:
    """The bucket through a boto3 that knows IfNoneMatch, and through one that does not."""
    made = Bucket(world.aws.s3, world.bucket)
    if request.param == "header":
        put = world.aws.s3.put_object

        def old(**given: Any) -> Any:
            if "IfNoneMatch" in given:
                raise ParamValidationError(report="Unknown parameter in input: IfNoneMatch")
            return put(**given)

        monkeypatch.setattr(world.aws.s3, "put_object", old)
    return made


def test_only_the_first_put_succeeds(bucket: Bucket) -> None:
    assert bucket.put_new("a", b"1")
    assert not bucket.put_new("a", b"2")
    assert bucket.get("a") == b"1"
    bucket.client.put_object(Bucket=bucket.bucket, Key="a", Body=b"3")
    assert bucket.get("a") == b"3", "the header is not left behind on other puts"
    assert bucket.get("b") is None


def test_put_that_is_denied_raises(bucket: Bucket) -> None:
    bucket.bucket = "no-such-bucket-here"
    with pytest.raises(ClientError):
        bucket.put_new("a", b"1")


def _commit(batch: str) -> Commit:
    return Commit(1, 1, batch, "Full", None, (), (), (), "2024-01-01T00:00:00+00:00", "")


def test_publish_waits_for_a_put_under_way(world: World) -> None:
    """S3 answers 409 while another conditional put of the key is not decided."""
    answers = [False, False, True]

    class Undecided(Bucket):
        def put_new(self, key: str, content: bytes) -> bool:
            return answers.pop(0)

    log = CommitLog(Undecided(world.aws.s3, world.bucket), "x/", wait=lambda _: None)
    assert log.publish(_commit("00000001-a"))
    answers[:] = [False] * 10
    with pytest.raises(LandingError, match="did not decide"):
        log.publish(_commit("00000001-a"))


def test_publish_tells_its_own_record_from_anothers(world: World) -> None:
    log = CommitLog(Bucket(world.aws.s3, world.bucket), "x/")
    assert log.publish(_commit("00000001-a"))
    assert log.publish(_commit("00000001-a"))
    assert not log.publish(_commit("00000001-b"))
    assert log.read(1).batch == "00000001-a"


RECORDS = {"no JSON": b"{", "other version": b'{"version": 2}', "missing fields": b'{"version": 1}', "nothing": b""}


@pytest.mark.parametrize("name", RECORDS)
def test_record_that_cannot_be_read(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    world.schema.run(TABLE)
    key = world.prefix("people") + "_landfall/commits/00000001.json"
    world.aws.s3.put_object(Bucket=world.bucket, Key=key, Body=RECORDS[name])
    assert world.run("people") == 1
    assert f"the commit record {key} cannot be read" in capsys.readouterr().err


def test_commit_record_is_the_documented_one(world: World) -> None:
    world.schema.run(
        "CREATE TABLE $people (id int, kind text, updated_at timestamptz); INSERT INTO $people VALUES (1, NULL, '2024-01-01')"
    )
    world.land("people", partition_column="kind", primary_key='["id"]', JOB_RUN_ID="jr_1")
    (record,) = world.commits("people")
    (file,) = record["files"]
    batch = record["batch"]
    assert batch.startswith("00000001-")
    folder = f"{world.prefix('people')}batch={batch}/kind=__HIVE_DEFAULT_PARTITION__/"
    assert file == {
        "key": folder + "part-00000.parquet",
        "rows": 1,
        "bytes": file["bytes"],
        "partition": {"kind": None},
        "tombstones": False,
    }
    assert record == {
        "version": 1,
        "kind": "batch",
        "seq": 1,
        "base": 1,
        "batch": batch,
        "loadType": "Incremental",
        "window": {"columns": ["updated_at"], "type": "timestamptz", "low": None, "high": record["watermark"]},
        "watermark": record["watermark"],
        "files": [file],
        "rows": 1,
        "deleted": 0,
        "bytes": file["bytes"],
        "columns": [
            {"name": "id", "sourceType": "integer", "type": "int", "wire": "INTEGER"},
            {"name": "kind", "sourceType": "text", "type": "string", "wire": "VARCHAR"},
            {
                "name": "updated_at",
                "sourceType": "timestamp with time zone",
                "type": "timestamp",
                "wire": "TIMESTAMP WITH TIME ZONE",
            },
            {
                "name": "ingestion_timestamp",
                "sourceType": "timestamp with time zone",
                "type": "timestamp",
                "wire": "TIMESTAMP WITH TIME ZONE",
            },
        ],
        "primaryKey": ["id"],
        "committedAt": record["committedAt"],
        "jobRunId": "jr_1",
        "nulled": {},
        "backfills": [],
        "sight": None,
        "known": None,
    }


def test_table_in_the_glue_data_catalog(world: World) -> None:
    world.schema.run('CREATE TABLE $people (id int, "Kind" text, tags text[], updated_at timestamptz)')
    world.schema.run("INSERT INTO $people VALUES (1, 'a', NULL, '2024-01-01')")
    world.land("people", partition_column="Kind")
    table, (record,) = world.glue_table("people"), world.commits("people")
    storage = table["StorageDescriptor"]
    assert [(c["Name"], c["Type"]) for c in storage["Columns"]] == [
        ("id", "int"), ("tags", "array<string>"), ("updated_at", "timestamp"), ("ingestion_timestamp", "timestamp"),
    ]  # fmt: skip
    assert table["PartitionKeys"] == [{"Name": "batch", "Type": "string"}, {"Name": "kind", "Type": "string"}]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert storage["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
    assert table["Parameters"].items() >= {
        "classification": "parquet", "landfall:batch": record["batch"], "landfall:loadType": "Incremental"
    }.items()  # fmt: skip
    place = f"s3://{world.bucket}/{world.prefix('people')}"
    assert storage["Location"] == place
    assert world.glue_partitions("people") == {(record["batch"], "a"): f"{place}batch={record['batch']}/Kind=a/"}


def test_registration_leaves_what_others_set(world: World) -> None:
    world.schema.run(TABLE)
    world.full("people")
    table = world.glue_table("people")
    wanted = {key: table[key] for key in ("Name", "TableType", "PartitionKeys", "StorageDescriptor")}
    parameters = {**table["Parameters"], "owner": "people team"}
    database = world.postgres.address["database"]
    world.aws.glue.update_table(DatabaseName=database, TableInput={**wanted, "Parameters": parameters})
    world.full("people")
    assert world.glue_table("people")["Parameters"]["owner"] == "people team"
    world.assert_consistent("people")


def test_partitions_that_somebody_removed_come_back(world: World) -> None:
    world.schema.run(TABLE)
    world.land("people")
    world.schema.run("INSERT INTO $people VALUES (4, '2024-02-01'), (5, now())")
    world.land("people")
    (first, second) = sorted(world.glue_partitions("people"))
    database, name = world.postgres.address["database"], f"{world.schema.name}_people"
    world.aws.glue.delete_partition(DatabaseName=database, TableName=name, PartitionValues=list(first))
    world.land("people")
    assert sorted(world.glue_partitions("people")) == [first, second]


@pytest.mark.parametrize("parameters", [{}, {"landfall:table": "other/hr.people"}])
def test_table_of_somebody_else_is_not_touched(
    world: World, capsys: pytest.CaptureFixture[str], parameters: Dict[str, str]
) -> None:
    world.schema.run(TABLE)
    world.full("people")  # makes the database
    database, name = world.postgres.address["database"], f"{world.schema.name}_people"
    theirs = {"Name": name, "Parameters": parameters, "StorageDescriptor": {"Location": "s3://theirs/"}}
    world.aws.glue.update_table(DatabaseName=database, TableInput=theirs)
    assert world.run("people", load_type="Full", delta_column="") == 1
    assert "Remove or rename it" in capsys.readouterr().err
    assert world.glue_table("people")["StorageDescriptor"]["Location"] == "s3://theirs/"
    world.aws.glue.delete_table(DatabaseName=database, Name=name)
    world.full("people")
    world.assert_consistent("people")


def test_two_job_runs_register_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one makes database, table and partitions between this one's look and its calls."""
    world.schema.run(TABLE)
    glue = world.aws.glue
    made: List[str] = []

    def after_the_other(operation: str) -> Any:
        real = getattr(glue, operation)

        def call(**given: Any) -> Any:
            if operation not in made:
                made.append(operation)
                real(**given)
            return real(**given)

        return call

    for operation in ("create_database", "create_table", "batch_create_partition"):
        monkeypatch.setattr(glue, operation, after_the_other(operation))
    clients = {"glue": glue, "s3": world.aws.s3, "secretsmanager": world.aws.secrets}
    monkeypatch.setattr(boto3.session.Session(), "client", lambda service, **_: clients[service])
    world.land("people")
    assert made == ["create_database", "create_table", "batch_create_partition"]
    world.assert_consistent("people")
