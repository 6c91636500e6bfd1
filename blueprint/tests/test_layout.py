"""The layout of a workflow, against golden files; refresh them with UPDATE_GOLDEN=1."""

from __future__ import annotations

import ast
import json
import os
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
    from landing import arguments

    job = layout.generate_layout(parameters(**LAYOUTS["everything"]), {}).to_json("a")["Jobs"][0]
    words = [word for item in job["DefaultArguments"].items() for word in item]
    assert all(isinstance(word, str) for word in words)
    read = arguments.parse(words)
    assert (read.file_count, read.partition_column, read.primary_key) == (4, "employment_type", ("employee_id",))
    assert (read.secret_name, str(read.table), read.delta_columns) == ("landfall/hr", "hr.employees", ("changed_at",))


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
