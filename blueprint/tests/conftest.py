"""A real PostgreSQL, and S3, Secrets Manager and the Glue Data Catalog played by moto, for all tests."""

from __future__ import annotations

import json
import logging
import os
import sys
import uuid
from pathlib import Path
from typing import Any, Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "blueprint"), str(ROOT / "blueprint" / "tests"), str(ROOT / "internal/local/glue/generator")]

from support import Aws, Postgres, Schema, World  # noqa: E402


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """An empty database on a server of its own."""
    server = Postgres.start(ROOT)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    """The services, reached as jobs reach them: by the environment."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": str(ROOT / "blueprint"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        # Reading the services' models takes longer than landing; one session reads them once.
        session = boto3.session.Session()
        patch.setattr(boto3.session, "Session", lambda **_: session)
        yield Aws(session.client("s3"), session.client("glue"), session.client("secretsmanager"))
    server.stop()


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A reader that did not write the files, with nothing set that changes how they are read."""
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(ROOT / "build/java"))
        builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
        session = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


@pytest.fixture
def update_golden() -> bool:
    """Report whether golden files are to be written."""
    return bool(os.environ.get("UPDATE_GOLDEN"))


@pytest.fixture
def schema(postgres: Postgres) -> Iterator[Schema]:
    """A schema of the test's own, with one session that writes."""
    made = Schema(postgres, "s" + uuid.uuid4().hex[:8])
    yield made
    made.drop()


@pytest.fixture
def world(aws: Aws, postgres: Postgres, schema: Schema) -> World:
    """A bucket and a secret of the test's own."""
    name = schema.name
    location = {"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]}
    aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration=location)
    aws.secrets.create_secret(Name=name, SecretString=json.dumps(postgres.secret()))
    return World(aws, postgres, schema, bucket=name, secret=name)
