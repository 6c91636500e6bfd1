"""What a landing works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from landing.engine import Engine
from landing.events import Events
from landing.objects import Objects
from landing.secret import Secret


@dataclass(frozen=True)
class Services:
    """Where a table is read, written and registered."""

    secret: Secret
    objects: Objects
    glue: Any  # client of boto3
    region: Optional[str]
    engine: Engine
    events: Events
