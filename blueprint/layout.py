"""Layout generator of the blueprint landfall: one table becomes one workflow with one job.

A pure function of its parameters: it calls no service and reads no file. Glue does not say which Python runs it, so
the syntax is that of Python 3.6 and nothing is imported beyond the standard library and what Glue supplies.
"""

import json
import re
from typing import Any, Dict, List, Optional

from awsglue.blueprint.job import Job
from awsglue.blueprint.workflow import Entities, Workflow

# Parameters that shape the workflow and its job. All others are arguments of the job.
_USED_HERE = frozenset(
    [
        "WorkflowName",
        "GlueExecutionRole",
        "NetworkConnectionName",
        "JobScheduleType",
        "ScheduleCronPattern",
        "MaxCapacity",
        "NumberOfWorkers",
        "WorkerType",
        "TimeoutMinutes",
        "MaxRetries",
        "Tags",
        "Owner",
        "ScriptLocation",
        "ExtraPyFiles",
        "PythonModules",
    ]
)

# Arguments that are not called like their parameter.
_ARGUMENTS = {
    "DestinationBucketName": "destination_bucket",
    "DestinationFileFormat": "file_format",
    "DestinationFileCount": "file_count",
    "DestinationFileSizeMB": "file_mb",
    "DeltaColumnName": "delta_column",
    "S3PartitionColumnName": "partition_column",
}

# What AWS takes in tag values besides letters, digits and spaces.
_NOT_IN_TAGS = re.compile(r"[^\w\s.:/=+\-@]")


def generate_layout(user_params: Dict[str, Any], system_params: Dict[str, Any]) -> Workflow:
    """Return the workflow that lands one table.

    user_params holds the parameters of blueprint.cfg; system_params (region, accountId) is not needed. Raises
    ValueError, naming every parameter from which no workflow can be made. What concerns the landing is checked by the
    catalog before, and by the job.
    """
    problems = []  # type: List[str]
    tags = _tags(user_params, problems)
    schedule = _schedule(user_params, problems)
    if user_params["Engine"] not in ("Spark", "PythonShell"):
        problems.append("Engine {!r} is neither Spark nor PythonShell".format(user_params["Engine"]))
    if problems:
        raise ValueError("; ".join(problems))
    ownership = _ownership(user_params)
    tags.update((name, _NOT_IN_TAGS.sub("_", value)) for name, value in ownership.items())
    return Workflow(
        Name=user_params["WorkflowName"],
        Description="Lands {} in s3://{}".format(user_params["SourceTable"], user_params["DestinationBucketName"]),
        DefaultRunProperties=ownership,
        Tags=tags,
        OnSchedule=schedule,
        Entities=Entities(Jobs=[_job(user_params, tags)], Crawlers=[]),
    )


def _job(params: Dict[str, Any], tags: Dict[str, str]) -> Job:
    # The library drops falsy values, so MaxRetries=0 is not sent: it is Glue's default too.
    optional = {}
    if params["NetworkConnectionName"]:
        optional["Connections"] = {"Connections": [params["NetworkConnectionName"]]}
    return Job(
        Name=params["WorkflowName"] + "_land",
        # The library reads the lower-case argument and sends it as Description.
        description="Lands {}".format(params["SourceTable"]),
        Role=params["GlueExecutionRole"],
        DefaultArguments=_arguments(params),
        ExecutionProperty={"MaxConcurrentRuns": 1},
        Timeout=params["TimeoutMinutes"],
        MaxRetries=params["MaxRetries"],
        Tags=tags,
        **dict(_machine(params), **optional),
    )


def _machine(params: Dict[str, Any]) -> Dict[str, Any]:
    """Return what runs the script: Spark workers or a Python shell."""
    if params["Engine"] == "PythonShell":
        # The library takes no whole number here.
        return {"Command": _command(params, "pythonshell", "3.9"), "MaxCapacity": float(params["MaxCapacity"])}
    return {
        "Command": _command(params, "glueetl", "3"),
        "GlueVersion": "5.1",
        "WorkerType": params["WorkerType"],
        "NumberOfWorkers": params["NumberOfWorkers"],
    }


def _command(params: Dict[str, Any], name: str, python: str) -> Dict[str, str]:
    return {"Name": name, "ScriptLocation": params["ScriptLocation"], "PythonVersion": python}


def _arguments(params: Dict[str, Any]) -> Dict[str, str]:
    """Return the job's arguments: every parameter that the layout does not use up, and Glue's own."""
    arguments = {_argument(name): _text(value) for name, value in params.items() if name not in _USED_HERE}
    arguments.update(
        {
            "--extra-py-files": params["ExtraPyFiles"],
            "--package": params["ExtraPyFiles"],
            "--additional-python-modules": params["PythonModules"],
            # The wheels come from S3: a job in a closed network reaches no package index.
            "--python-modules-installer-option": "--no-index --no-deps",
            "--enable-metrics": "true",
            "--enable-continuous-cloudwatch-log": "true",
            "--job-language": "python",
        }
    )
    return {name: value for name, value in arguments.items() if value}


def _argument(parameter: str) -> str:
    """Return the job's argument for a parameter: --lag_seconds for LagSeconds."""
    return "--" + _ARGUMENTS.get(parameter, re.sub("(?<!^)([A-Z])", r"_\1", parameter).lower())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _ownership(params: Dict[str, Any]) -> Dict[str, str]:
    properties = {"landfall:owner": params["Owner"], "landfall:table": params["SourceTable"]}
    return {name: value for name, value in properties.items() if value}


def _schedule(params: Dict[str, Any], problems: List[str]) -> Optional[str]:
    """Return the trigger's schedule, or None for a workflow that is started by hand."""
    kind = params["JobScheduleType"]
    if kind == "OnDemand":
        return None
    if kind != "Cron":
        problems.append("JobScheduleType {!r} is neither OnDemand nor Cron".format(kind))
        return None
    pattern = params["ScheduleCronPattern"].strip()
    if not pattern:
        problems.append("JobScheduleType is Cron but ScheduleCronPattern is empty")
    return "cron({})".format(pattern)


def _tags(params: Dict[str, Any], problems: List[str]) -> Dict[str, str]:
    """Return the user's tags."""
    try:
        tags = json.loads(params["Tags"] or "{}")
    except ValueError as error:
        problems.append("Tags is not JSON: {}".format(error))
        return {}
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        problems.append("Tags must be a JSON object of strings")
        return {}
    reserved = sorted(name for name in tags if name.startswith("landfall:"))
    if reserved:
        problems.append("Tags must not hold {}: landfall sets them".format(", ".join(reserved)))
    return tags
