"""The job: from its arguments to the one line it may end with."""

from __future__ import annotations

import logging
import traceback
from typing import Optional, Sequence

import boto3
from botocore.config import Config

from landing.job import arguments, secret
from landing.job.errors import SCRUBBER, explain
from landing.job.events import Events
from landing.job.services import Services
from landing.land import land
from landing.publish.bucket import Objects
from landing.read import executors as engine
from landing.read import extract

_LOG = logging.getLogger("landfall")
_RETRIES = Config(retries={"mode": "standard", "max_attempts": 5})


def run(words: Sequence[str]) -> Optional[str]:
    """Land the table that the words name. Return None, or the one line that says why it could not be done."""
    try:
        _run(words)
    except Exception as error:
        _LOG.debug("%s", SCRUBBER.scrub("".join(traceback.format_exception(type(error), error, error.__traceback__))))
        return explain(error).line(arguments.table_argument(words))
    return None


def _run(words: Sequence[str]) -> None:
    given = arguments.parse(words)
    aws = boto3.session.Session()
    events = Events(str(given.table))
    chosen = engine.choose(given.engine, given.max_connections)
    try:
        login = secret.read(aws.client("secretsmanager", config=_RETRIES), given.secret_name)
        objects = Objects(aws.client("s3", config=_RETRIES), given.bucket)
        extract.use(given.secret_name, login, objects)
        glue = aws.client("glue", config=_RETRIES)
        land(given, Services(login, objects, glue, aws.region_name, chosen, events))
    finally:
        chosen.close()
