"""Schema evolution: what happens to the landed table when columns of the source change.

A change is in place if every reader can read old and new files together: a new column is NULL in older files, and a
type may become one that is stored in the same way. Spark refuses to read a file of 32 bits as a column of 64, so any
other change begins a new version: the table is landed whole again, as the base of the batches that follow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Tuple

from landing.databases.model import DELETED, INGESTION, Column
from landing.job.arguments import FREEZE
from landing.job.errors import LandingError
from landing.plan.watermark import Progress
from landing.publish.commit_record import RecordedColumn, recorded

_OWN = (INGESTION.name, DELETED.name)

_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


@dataclass(frozen=True)
class Changes:
    """How columns differ from those of the last batch, in words."""

    in_place: Tuple[str, ...] = ()
    breaking: Tuple[str, ...] = ()

    @property
    def all(self) -> str:
        """All changes in one clause, empty for none."""
        return ", ".join((*self.in_place, *self.breaking))


def evolve(
    progress: Progress, columns: Sequence[Column], schema_evolution: str, log_event: Callable[..., None]
) -> Progress:
    """Compare the columns with those of the last batch, and return the progress from which the next one continues.

    Where old and new files do not go together, that is the beginning of a new version. Raises LandingError for a change
    that SchemaEvolution does not allow.
    """
    now = recorded(columns)
    if schema_evolution == FREEZE and progress.newest is not None:
        _refuse(changes(progress.newest.columns, now, _OWN))
    if progress.last is None:
        return progress
    found = changes(progress.last.columns, now, _OWN)
    if found.breaking:
        log_event("new schema version", changes=found.all, base=progress.seq + 1)
        return progress.anew()
    if found.in_place:
        log_event("columns changed", changes=found.all)
    return progress


def changes(before: Sequence[RecordedColumn], now: Sequence[RecordedColumn], own: Sequence[str]) -> Changes:
    """Return how the columns differ. own are the columns that landing itself adds, which are left out."""
    old = {column["name"]: column for column in before if column["name"] not in own}
    new = {column["name"]: column for column in now if column["name"] not in own}
    in_place = ["{} is new ({})".format(name, new[name]["sourceType"]) for name in new if name not in old]
    breaking = ["{} is gone".format(name) for name in old if name not in new]
    for name in old:
        if name in new and _landed_as(old[name], new[name]) != _landed_as(new[name], old[name]):
            change = "{} was {}, is {}".format(name, _type_name(old[name], new[name]), _type_name(new[name], old[name]))
            (in_place if _stored_alike(old[name], new[name]) else breaking).append(change)
    return Changes(tuple(in_place), tuple(breaking))


def _landed_as(one: RecordedColumn, other: RecordedColumn) -> Tuple[str, ...]:
    """Return the types of a column that both records hold."""
    keys = ["type"] + [key for key in ("wire", "rule") if key in one or key in other]
    if "wire" not in one or "wire" not in other:
        keys = [key for key in keys if key != "wire"]
    return tuple(one.get(key, "") for key in keys)


def _type_name(one: RecordedColumn, other: RecordedColumn) -> str:
    """Return the name of a column's type by which the two differ."""
    if one["sourceType"] != other["sourceType"]:
        return one["sourceType"]
    return one.get("rule") or one["type"]


def _stored_alike(old: RecordedColumn, new: RecordedColumn) -> bool:
    """Report whether every reader reads files of the old type as the new one."""
    if old.get("rule") != new.get("rule"):
        return False
    if (old["type"], new["type"]) == ("smallint", "int"):
        return True
    was, now = _DECIMAL.fullmatch(old["type"]), _DECIMAL.fullmatch(new["type"])
    if not was or not now or was.group(2) != now.group(2):
        return False
    precisions = int(was.group(1)), int(now.group(1))
    return precisions[0] <= precisions[1] and len({_width(precision) for precision in precisions}) == 1


def _width(precision: int) -> int:
    """Return how many bytes Parquet takes for a decimal."""
    return 4 if precision <= 9 else 8 if precision <= 18 else 16


def _refuse(found: Changes) -> None:
    """Raise LandingError when there is any change."""
    if found.all:
        raise LandingError(
            "its columns changed: {}".format(found.all),
            "Set SchemaEvolution to Evolve to land them so, or change the table back; nothing was published",
        )


def in_order(before: Optional[Sequence[RecordedColumn]], now: Sequence[RecordedColumn]) -> Tuple[RecordedColumn, ...]:
    """Return the columns in the order they had, new ones last: some readers go by the number of a column."""
    new = {column["name"]: column for column in now}
    kept: List[RecordedColumn] = [new.pop(column["name"], column) for column in before or ()]
    return (*kept, *new.values())
