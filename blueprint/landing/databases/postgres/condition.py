"""Conditions in PostgreSQL's SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Condition:
    """A condition on the rows of one relation."""

    sql: str

    def __or__(self, other: Condition) -> Condition:
        return Condition("({} OR {})".format(self.sql, other.sql))


ALL = Condition("true")
NONE = Condition("false")


def sql_of(condition: Optional[Condition], default: Condition) -> str:
    """Return a condition as SQL that can be combined with AND."""
    return "({})".format((condition or default).sql)


def never_null(condition: Optional[Condition]) -> str:
    """Return a condition as a boolean that is false instead of NULL; of no condition, false."""
    return "coalesce({}, false)".format((condition or NONE).sql)
