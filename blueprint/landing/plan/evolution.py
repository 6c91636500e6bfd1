"""What becomes of a table whose columns change: they change with it in place, a new version begins, or the run fails.

In place is what every reader reads: a new column is NULL in older files, and a type may become one that is stored in
the same way. Spark refuses to read a file of 32 bits as a column of 64, so all else begins a new version: the table is
landed whole again, as the base of those that follow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from landing.job.errors import LandingError

Described = Dict[str, str]
"""A column as a commit record lists it."""

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


def changes(before: Sequence[Described], now: Sequence[Described], own: Sequence[str]) -> Changes:
    """Return how the columns differ. own are the columns that landing itself adds, which do not count."""
    old = {column["name"]: column for column in before if column["name"] not in own}
    new = {column["name"]: column for column in now if column["name"] not in own}
    in_place = ["{} is new ({})".format(name, new[name]["sourceType"]) for name in new if name not in old]
    breaking = ["{} is gone".format(name) for name in old if name not in new]
    for name in old:
        if name in new and _landed_as(old[name], new[name]) != _landed_as(new[name], old[name]):
            said = "{} was {}, is {}".format(name, _shown(old[name], new[name]), _shown(new[name], old[name]))
            (in_place if _stored_alike(old[name], new[name]) else breaking).append(said)
    return Changes(tuple(in_place), tuple(breaking))


def _landed_as(one: Described, other: Described) -> Tuple[str, ...]:
    """Return what a column lands as, as far as both records say it."""
    keys = ["type"] + [key for key in ("wire", "rule") if key in one or key in other]
    if "wire" not in one or "wire" not in other:
        keys = [key for key in keys if key != "wire"]
    return tuple(one.get(key, "") for key in keys)


def _shown(one: Described, other: Described) -> str:
    """Return the type of a column, by whichever of its names tells the two apart."""
    if one["sourceType"] != other["sourceType"]:
        return one["sourceType"]
    return one.get("rule") or one["type"]


def _stored_alike(old: Described, new: Described) -> bool:
    """Tell whether files of the old type are read as the new one by every reader."""
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


def frozen(found: Changes) -> None:
    """Raise LandingError when there is any change."""
    if found.all:
        raise LandingError(
            "its columns changed: {}".format(found.all),
            "Set SchemaEvolution to Evolve to land them so, or change the table back; nothing was published",
        )


def in_order(before: Optional[Sequence[Described]], now: Sequence[Described]) -> Tuple[Described, ...]:
    """Return the columns in the order they had, new ones last: some readers go by the number of a column."""
    new = {column["name"]: column for column in now}
    kept: List[Described] = [new.pop(column["name"], column) for column in before or ()]
    return (*kept, *new.values())
