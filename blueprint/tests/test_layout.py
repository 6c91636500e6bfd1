"""The layout of a workflow, against golden files; refresh them with UPDATE_GOLDEN=1."""

from __future__ import annotations

import ast
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

import layout

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
    "null tags": ({"Tags": "null"}, ["Tags must not be null"]),
    "schedule without a pattern": ({"JobScheduleType": "Cron", "ScheduleCronPattern": " "}, ["ScheduleCronPattern"]),
    "unknown schedule": ({"JobScheduleType": "Daily"}, ["JobScheduleType 'Daily'"]),
    "types that are no object": ({"Types": "[]"}, ["Types must be a JSON object"]),
    "columns that are not JSON": ({"Columns": "{"}, ["Columns is not JSON"]),
    "unknown engine": ({"Engine": "Ray"}, ["Engine 'Ray' is neither Spark nor PythonShell"]),
    "key that is no list": ({"PrimaryKey": '"id"'}, ["PrimaryKey must be a JSON list"]),
    "all at once": (
        {"Tags": "{", "PrimaryKey": "{", "JobScheduleType": "Cron", "ScheduleCronPattern": ""},
        ["Tags", "PrimaryKey", "ScheduleCronPattern"],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters_raise(name: str) -> None:
    changes, said = WRONG[name]
    with pytest.raises(ValueError, match=said[0]) as caught:
        layout.generate_layout(parameters(**changes), {})
    assert all(part in str(caught.value) for part in said)


def test_all_declared_parameters_are_used() -> None:
    source = (HERE.parent / "layout.py").read_text()
    assert [name for name in SPEC if f'params["{name}"]' not in source] == []


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


def test_defaults_are_the_same_everywhere() -> None:
    """The catalog's schema, blueprint.cfg and the job each have them: a blueprint may be run by hand."""
    from landing.job import arguments

    keys = json.loads((HERE.parents[1] / "internal/catalog/catalog.schema.json").read_text())["$defs"]["keys"]
    schema = {name: key["default"] for name, key in keys["properties"].items() if "default" in key}
    declared = {name: spec["defaultValue"] for name, spec in SPEC.items() if "defaultValue" in spec}
    assert {name: value for name, value in schema.items() if name != "Enabled"}.items() <= declared.items()
    allowed = {
        name: key["enum"]
        for name, key in keys["properties"].items()
        if "allowedValues" in SPEC.get(name, {}) and "enum" in key
    }
    for name, values in allowed.items():
        assert sorted(SPEC[name]["allowedValues"]) == sorted(values)

    needed = ["--secret_name", "s", "--source_table", "a.b", "--destination_bucket", "c", "--load_type", "Full"]
    alone = arguments.parse(needed)
    job = layout.generate_layout(parameters(**LAYOUTS["minimal"]), {}).to_json("a")["Jobs"][0]
    sent = {name: value for name, value in job["DefaultArguments"].items() if name not in needed}
    given = arguments.parse([*needed, *(word for item in sent.items() for word in item)])
    assert given == replace(alone, delta_columns=("updated_at",))


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
