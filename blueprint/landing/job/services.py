"""The clients and settings that a landing works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from landing.databases.dialect import Database
from landing.job.events import Events
from landing.job.secret import Secret
from landing.job.tuning import Tuning
from landing.publish.bucket import Bucket
from landing.read.executors import Executor


@dataclass(frozen=True)
class Services:
    """Where a table is read, written and registered."""

    secret: Secret
    database: Database
    bucket: Bucket
    glue: Any  # client of boto3
    region: Optional[str]
    executor: Executor
    events: Events
    tuning: Tuning
