import json

from awsglue.blueprint.job import Job
from awsglue.blueprint.workflow import Entities, Workflow


def generate_layout(user_params, system_params):
    job = Job(
        Name="{}_load".format(user_params["WorkflowName"]),
        Role=user_params["Role"],
        Command={"Name": "glueetl", "ScriptLocation": "s3://scripts/load.py", "PythonVersion": "3"},
        DefaultArguments={
            "--region": system_params["region"],
            "--account": system_params["accountId"],
            "--tables": json.dumps(user_params["Tables"]),
        },
        WorkerType=user_params["WorkerType"],
        NumberOfWorkers=user_params["Workers"],
        GlueVersion="5.1",
    )
    return Workflow(
        Name=user_params["WorkflowName"],
        Entities=Entities(Jobs=[job]),
        OnSchedule=user_params["Schedule"],
        DefaultRunProperties={"made-by": "layout"},
        Tags={"team": "data"},
    )
