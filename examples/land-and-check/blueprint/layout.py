"""A custom blueprint: a workflow that lands a table and then checks the landed batch.

The first job is Landfall's. The second job starts when the first has succeeded. It fails if the batch has fewer rows
than MinimumRows, or if a file does not have the size in the commit record.
"""

from awsglue.blueprint.job import Job
from awsglue.blueprint.workflow import Entities, Workflow


def generate_layout(user_params, system_params):
    """Return the workflow of one table. user_params contains the parameters that blueprint.cfg declares."""
    if user_params["MinimumRows"] < 0:
        raise ValueError("MinimumRows is {}; want 0 or more".format(user_params["MinimumRows"]))
    # Landfall uses these to recognise its workflows and to count failed job runs by table.
    ownership = {"landfall:owner": user_params["Owner"], "landfall:table": user_params["SourceTable"]}
    ownership = {name: value for name, value in ownership.items() if value}
    land = _land(user_params, ownership)
    check = _check(user_params, ownership, land)
    schedule = None
    if user_params["JobScheduleType"] == "Cron":
        schedule = "cron({})".format(user_params["ScheduleCronPattern"])
    return Workflow(
        Name=user_params["WorkflowName"],
        Description="Lands {} and checks it".format(user_params["SourceTable"]),
        DefaultRunProperties=ownership,
        Tags=ownership,
        OnSchedule=schedule,
        Entities=Entities(Jobs=[land, check], Crawlers=[]),
    )


def _land(params, tags):
    arguments = {
        "--secret_name": params["SecretName"],
        "--source_table": params["SourceTable"],
        "--destination_bucket": params["DestinationBucketName"],
        "--load_type": params["LoadType"],
        "--delta_column": params["DeltaColumnName"],
        "--primary_key": params["PrimaryKey"],
        "--extra-py-files": params["ExtraPyFiles"],
        "--additional-python-modules": params["PythonModules"],
        "--python-modules-installer-option": "--no-index --no-deps",
    }
    return Job(
        Name=params["WorkflowName"] + "_land",
        Role=params["GlueExecutionRole"],
        Command={"Name": "glueetl", "ScriptLocation": params["ScriptLocation"], "PythonVersion": "3"},
        DefaultArguments=arguments,
        ExecutionProperty={"MaxConcurrentRuns": 1},
        GlueVersion="5.1",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        Tags=tags,
        **_connection(params),
    )


def _check(params, tags, land):
    # The script is in the folder of Landfall's own script, which the job role can read.
    folder = params["ScriptLocation"].rpartition("/")[0]
    return Job(
        Name=params["WorkflowName"] + "_check",
        Role=params["GlueExecutionRole"],
        Command={"Name": "pythonshell", "ScriptLocation": folder + "/check_batch.py", "PythonVersion": "3.9"},
        DefaultArguments={
            "--secret_name": params["SecretName"],
            "--source_table": params["SourceTable"],
            "--destination_bucket": params["DestinationBucketName"],
            # The API accepts only strings, and the library does not convert values.
            "--minimum_rows": str(params["MinimumRows"]),
        },
        ExecutionProperty={"MaxConcurrentRuns": 1},
        MaxCapacity=0.0625,
        Timeout=15,
        Tags=tags,
        DependsOn={land: "SUCCEEDED"},
        **_connection(params),
    )


def _connection(params):
    if not params["NetworkConnectionName"]:
        return {}
    return {"Connections": {"Connections": [params["NetworkConnectionName"]]}}
