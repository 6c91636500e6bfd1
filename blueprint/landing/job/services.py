"""What a landing works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from landing.job.events import Events
from landing.job.secret import Secret
from landing.publish.bucket import Objects
from landing.read.executors import Engine


@dataclass(frozen=True)
class Services:
    """Where a table is read, written and registered."""

    secret: Secret
    objects: Objects
    glue: Any  # client of boto3
    region: Optional[str]
    engine: Engine
    events: Events
