"""The database engines that can be read."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from landing.databases.dialect import Dialect

DEFAULT_ENGINE = "postgres"
"""The engine of a secret that names none."""

ENGINES = {
    "postgres": "landing.databases.postgres",
    "postgresql": "landing.databases.postgres",
    "aurora-postgresql": "landing.databases.postgres",
}
"""What a secret may call its engine, and the package whose DIALECT speaks with it."""


def dialect(engine: str) -> Dialect:
    """Return the dialect of an engine. Raises KeyError for a name that is none of ENGINES."""
    return cast("Dialect", import_module(ENGINES[engine]).DIALECT)
