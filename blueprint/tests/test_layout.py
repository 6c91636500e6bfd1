"""The layout of a workflow, against golden files; refresh them with UPDATE_GOLDEN=1."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

import layout
from landing.job import catalog_keys

HERE = Path(__file__).parent
SPEC: Dict[str, Dict[str, Any]] = json.loads((HERE.parent / "blueprint.cfg").read_text())["parameterSpec"]

GIVEN = {
    "WorkflowName": "hr_hr_employees",
    "GlueExecutionRole": "arn:aws:iam::123456789012:role/landing-job",
    "SecretName": "landfall/hr",
    "SourceTable": "hr.employees",
    "DestinationBucketName": "raw",
    "ScriptLocation": "s3://artifacts/jobs/land_table.py",
    "ExtraPyFiles": "s3://artifacts/jobs/landing.zip",
    "PythonModules": "s3://artifacts/wheels/duckdb.whl,s3://artifacts/wheels/extension.whl",
}

LAYOUTS: Dict[str, Dict[str, Any]] = {
    "minimal": {},
    "everything": {
        "NetworkConnectionName": "people-db-vpc",
        "DestinationFileCount": "4",
        "DestinationFileSizeMB": 64,
        "NullCursor": "Include",
        "LookbackSeconds": 3600,
        "LagSeconds": 0,
        "DetectDeletes": True,
        "DeleteLimitPercent": 5,
        "SchemaEvolution": "Freeze",
        "CompareRows": "All",
        "Types": '{"OutOfRange": "Null"}',
        "Columns": '{"salary": {"Rule": "Drop"}}',
        "MaxConnections": 8,
        "DeltaColumnName": "changed_at",
        "S3PartitionColumnName": "employment_type",
        "JobScheduleType": "Cron",
        "ScheduleCronPattern": "0/30 6-20 ? * MON-FRI *",
        "NumberOfWorkers": 5,
        "PrimaryKey": '["employee_id"]',
        "WorkerType": "G.2X",
        "TimeoutMinutes": 60,
        "MaxRetries": 2,
        "Tags": '{"team": "people"}',
        "Owner": "s3://artifacts/catalogs/hr.json",
    },
    "python-shell": {"Engine": "PythonShell", "MaxCapacity": 1, "DeltaColumnName": '["updated_at", "created_at"]'},
    # The planner sends no pattern for what is started by hand.
    "full-on-demand": {
        "SourceTable": '"h.r"."Reg""ions"',
        "LoadType": "Full",
        "ScheduleCronPattern": "",
        "DeltaColumnName": "",
        "Owner": "s3://artifacts/catalogs/hr.json",
    },
}


def parameters(**changes: Any) -> Dict[str, Any]:
    """Return what Glue hands to the generator: the declared parameters, defaults filled in."""
    defaults = {name: spec["defaultValue"] for name, spec in SPEC.items() if "defaultValue" in spec}
    return {**defaults, **GIVEN, **changes}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(name: str) -> None:
    got = layout.generate_layout(parameters(**LAYOUTS[name]), {"region": "eu-west-1", "accountId": "123456789012"})
    text = json.dumps(got.to_json("5f3a9c1b"), indent=2, sort_keys=True) + "\n"
    golden = HERE / "testdata" / f"layout-{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_same_parameters_same_layout() -> None:
    once = layout.generate_layout(parameters(), {}).to_json("a")
    assert layout.generate_layout(parameters(), {}).to_json("a") == once


WRONG: Dict[str, Tuple[Dict[str, Any], List[str]]] = {
    "tags that are not JSON": ({"Tags": "{"}, ["Tags is not JSON"]),
    "tags that are no object": ({"Tags": "[]"}, ["Tags must be a JSON object of strings"]),
    "tags that are no strings": ({"Tags": '{"a": 1}'}, ["Tags must be a JSON object of strings"]),
    "tags of Landfall": ({"Tags": '{"landfall:owner": "me"}'}, ["landfall:owner"]),
    "null tags": ({"Tags": "null"}, ["Tags must be a JSON object of strings"]),
    "schedule without a pattern": ({"JobScheduleType": "Cron", "ScheduleCronPattern": " "}, ["ScheduleCronPattern"]),
    "unknown schedule": ({"JobScheduleType": "Daily"}, ["JobScheduleType 'Daily'"]),
    "unknown engine": ({"Engine": "Ray"}, ["Engine 'Ray' is neither Spark nor PythonShell"]),
    "all at once": (
        {"Tags": "{", "JobScheduleType": "Cron", "ScheduleCronPattern": ""},
        ["Tags", "ScheduleCronPattern"],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters_raise(name: str) -> None:
    changes, said = WRONG[name]
    with pytest.raises(ValueError, match=said[0]) as caught:
        layout.generate_layout(parameters(**changes), {})
    assert all(part in str(caught.value) for part in said)


def another(spec: Dict[str, Any]) -> Any:
    """Return a value of a parameter that is not its default."""
    for value in spec.get("allowedValues", []):
        if value != spec["defaultValue"]:
            return value
    return {"String": '{"a": "b"}', "Integer": 7, "Double": 1.0, "Boolean": True}[spec["type"]]


def test_every_parameter_has_an_effect() -> None:
    """A parameter that changes nothing would be promised in the console and forgotten."""
    needed: Dict[str, Dict[str, Any]] = {
        "MaxCapacity": {"Engine": "PythonShell"},
        "ScheduleCronPattern": {"JobScheduleType": "Cron"},
    }
    for name, spec in SPEC.items():
        before = parameters(**needed.get(name, {}))
        after = {**before, name: another(spec)}
        assert layout.generate_layout(after, {}).to_json("a") != layout.generate_layout(before, {}).to_json("a"), (
            f"{name} changes nothing"
        )


def test_arguments_are_those_declared() -> None:
    """Each parameter that concerns the job reaches it, under the name that the catalog's keys declare."""
    values = parameters(**{name: another(SPEC[name]) for name in catalog_keys.KEYS.values()})
    job = layout.generate_layout(values, {}).to_json("a")["Jobs"][0]
    sent = {name[2:]: value for name, value in job["DefaultArguments"].items() if "-" not in name[2:]}
    assert sent.pop("package") == values["ExtraPyFiles"]
    assert sent == {argument: text(values[key]) for argument, key in catalog_keys.KEYS.items()}


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_every_argument_is_one_the_job_reads() -> None:
    from landing.job import arguments

    job = layout.generate_layout(parameters(**LAYOUTS["everything"]), {}).to_json("a")["Jobs"][0]
    words = [word for item in job["DefaultArguments"].items() for word in item]
    assert all(isinstance(word, str) for word in words)
    read = arguments.parse(words)
    assert (read.file_count, read.partition_column, read.primary_key) == (4, "employment_type", ("employee_id",))
    assert (read.secret_name, str(read.table), read.delta_columns) == ("landfall/hr", "hr.employees", ("changed_at",))
    assert (read.null_cursor, read.lookback_seconds, read.lag_seconds) == ("Include", 3600, 0)
    assert (read.detect_deletes, read.delete_limit_percent, read.schema_evolution) == (True, 5, "Freeze")
    assert read.compare_rows == "All"
    assert (read.file_mb, read.max_connections, read.engine) == (64, 8, "Spark")
    assert (read.policies.of("x").out_of_range, read.policies.of("salary").rule) == ("Null", "Drop")


NEEDED = ["--secret_name", "s", "--source_table", "a.b", "--destination_bucket", "c", "--load_type", "Full"]


def test_defaults_of_the_job_are_those_declared() -> None:
    """A job may be started by hand, with less than the layout gives it."""
    from landing.job import arguments

    needed = {name[2:] for name in NEEDED[::2]}
    given = {name: default for name, (default, _) in catalog_keys.CHOICES.items()}
    given.update({name: str(default) for name, (default, _, _) in catalog_keys.NUMBERS.items()})
    given.update({name: str(default).lower() for name, default in catalog_keys.FLAGS.items()})
    given.update(catalog_keys.TEXTS)
    words = [word for name, value in given.items() if name not in needed for word in ("--" + name, value)]
    alone = arguments.parse(NEEDED)
    assert arguments.parse([*NEEDED, *words]) == alone


def test_the_job_takes_what_the_catalog_takes() -> None:
    from landing.job import arguments
    from landing.job.errors import LandingError

    def parse(name: str, value: object) -> None:
        arguments.parse([*NEEDED, "--primary_key", '["id"]', "--" + name, str(value)])

    def refused(name: str, value: object) -> None:
        with pytest.raises(LandingError, match="--" + name):
            parse(name, value)

    for name, (_, allowed) in catalog_keys.CHOICES.items():
        for value in allowed:
            parse(name, value) if name != "load_type" else None
        refused(name, "other")
    for name, (_, least, most) in catalog_keys.NUMBERS.items():
        parse(name, least)
        parse(name, most)
        refused(name, least - 1)
        refused(name, most + 1)
    for name in catalog_keys.FLAGS:
        parse(name, "true")
        parse(name, "false")
        refused(name, "yes")


def test_python_shell() -> None:
    job = layout.generate_layout(parameters(**LAYOUTS["python-shell"]), {}).to_json("a")["Jobs"][0]
    assert (job["Command"]["Name"], job["Command"]["PythonVersion"], job["MaxCapacity"]) == ("pythonshell", "3.9", 1.0)
    assert not {"GlueVersion", "WorkerType", "NumberOfWorkers"} & set(job)


def test_layout_is_python_3_6() -> None:
    source = (HERE.parent / "layout.py").read_text()
    tree = ast.parse(source, feature_version=(3, 6))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert imported == {"json", "re", "typing", "awsglue.blueprint.job", "awsglue.blueprint.workflow"}


@pytest.mark.parametrize("path", sorted([*HERE.parent.glob("landing/**/*.py"), HERE.parent / "land_table.py"]))
def test_job_is_python_3_9(path: Path) -> None:
    ast.parse(path.read_text(), filename=str(path), feature_version=(3, 9))
