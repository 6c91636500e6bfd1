"""One process of the torture: a PostgreSQL and an S3 of its own, and the runs that are given to it."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
from pathlib import Path
from typing import List

import boto3
import boto3.session
from moto.server import ThreadedMotoServer
from support import Aws, Postgres, Schema, World

from torture import run as runs
from torture.scenarios import SCENARIOS
from torture.score import Score

_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "torture",
    "AWS_SECRET_ACCESS_KEY": "torture",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_world: List[World] = []


def hasten() -> None:
    """Make the job quick to start, in this process and in those it kills."""
    # Reading the services' models takes longer than landing; one session reads them once.
    shared = boto3.session.Session()
    for service in ("s3", "glue", "secretsmanager"):
        shared.client(service)
    boto3.session.Session = lambda **_: shared  # type: ignore[assignment, misc]


def start(root: str) -> None:
    """Start the servers. They end with this process, or with the group of processes that begins here."""
    os.setsid()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    os.environ.update(_SETTINGS, AWS_ENDPOINT_URL="http://{}:{}".format(*server.get_host_and_port()))
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    sys.path[:0] = [root + "/blueprint", root + "/blueprint/tests"]
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])
    # Job runs that are killed are forked from a process that has loaded everything and started nothing.
    multiprocessing.get_context("forkserver").set_forkserver_preload(["torture.preload"])
    hasten()
    session = boto3.session.Session()
    aws = Aws(session.client("s3"), session.client("glue"), session.client("secretsmanager"))
    postgres = Postgres.start(Path(root))
    _world.append(World(aws, postgres, Schema(postgres, "unused"), "", ""))


def run(scenario: int, seed: int, job: str) -> Score:
    """Make one run of a scenario with a seed."""
    aws, postgres = _world[0].aws, _world[0].postgres
    schema = Schema(postgres, runs.named(), _world[0].schema.writer.share())
    location = {"LocationConstraint": _SETTINGS["AWS_DEFAULT_REGION"]}
    aws.s3.create_bucket(Bucket=schema.name, CreateBucketConfiguration=location)
    world = World(aws, postgres, schema, bucket=schema.name, secret=schema.name)
    try:
        return runs.one(world, SCENARIOS[scenario], seed, runs.Landing if job == "landfall" else runs.Naive)
    finally:
        schema.drop()
