"""The job: from its arguments to the one line it may end with."""

from __future__ import annotations

import logging
import traceback
from typing import Optional, Sequence

import boto3
from botocore.config import Config

from landing.databases.engines import dialect
from landing.job import arguments, secret
from landing.job.errors import SCRUBBER, explain
from landing.job.events import Events
from landing.job.services import Services
from landing.job.tuning import Tuning
from landing.land import land
from landing.publish.bucket import Bucket
from landing.read import executors

_LOG = logging.getLogger("landfall")
_RETRIES = Config(retries={"mode": "standard", "max_attempts": 5})


def run(
    words: Sequence[str], tuning: Optional[Tuning] = None, executor: Optional[executors.Executor] = None
) -> Optional[str]:
    """Land the table that the words name. Return None, or the one line that says why it could not be done.

    executor reads the splits instead of the one that --engine names.
    """
    try:
        _run(words, tuning or Tuning(), executor)
    except Exception as error:
        _LOG.debug("%s", SCRUBBER.scrub("".join(traceback.format_exception(type(error), error, error.__traceback__))))
        return explain(error).as_log_line(arguments.table_argument(words))
    return None


def _run(words: Sequence[str], tuning: Tuning, executor: Optional[executors.Executor]) -> None:
    given = arguments.parse(words)
    aws = boto3.session.Session()
    events = Events(str(given.table))
    executor = executor or executors.choose(given.engine, given.max_connections)
    try:
        login = secret.read(aws.client("secretsmanager", config=_RETRIES), given.secret_name)
        database = dialect(login.engine).connect(login)
        bucket = Bucket(aws.client("s3", config=_RETRIES), given.bucket)
        glue = aws.client("glue", config=_RETRIES)
        land(given, Services(login, database, bucket, glue, aws.region_name, executor, events, tuning))
    finally:
        executor.close()
