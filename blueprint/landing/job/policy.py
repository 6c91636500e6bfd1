"""Policies for the values of a table: the catalog's keys Types and Columns."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

TEXT = "Text"
FAIL = "Fail"
NULL = "Null"

DROP = "Drop"
HASH = "Hash"
MASK = "Mask"

_DECIMAL = re.compile(r"Decimal\((\d{1,2}), ?(\d{1,2})\)")
MAX_PRECISION = 38
"""Digits of the widest decimal that readers of Parquet know."""


@dataclass(frozen=True)
class Policy:
    """How a column lands, and the values that Parquet cannot hold. The default never lands another value."""

    numeric_unbounded: str = TEXT  # numeric without precision, or wider than 38 digits: Text, Fail or Decimal(p,s)
    out_of_range: str = FAIL  # NaN in a decimal, far and infinite moments, odd arrays: Fail, Text or Null
    unknown_types: str = TEXT  # types that Landfall does not know: Text or Fail
    rule: str = ""  # Drop, Hash or Mask
    mask: str = "***"  # what Mask puts in place of a value

    @property
    def decimal(self) -> Optional[Tuple[int, int]]:
        """Return the precision and scale that numeric_unbounded names, if it does."""
        found = _DECIMAL.fullmatch(self.numeric_unbounded)
        return (int(found.group(1)), int(found.group(2))) if found else None


@dataclass(frozen=True)
class Policies:
    """The policies of a table's columns."""

    table: Policy = Policy()
    columns: Tuple[Tuple[str, Policy], ...] = ()

    def of(self, column: str) -> Policy:
        """Return the policy of a column."""
        return dict(self.columns).get(column, self.table)


EXACT = Policies()
"""The policies of a catalog without Types and Columns."""

_TYPE_KEYS = {
    "NumericUnbounded": "numeric_unbounded",
    "OutOfRange": "out_of_range",
    "UnknownTypes": "unknown_types",
}
_COLUMN_KEYS = {**_TYPE_KEYS, "Rule": "rule", "MaskWith": "mask"}
_VALUES = {
    "OutOfRange": (FAIL, TEXT, NULL),
    "UnknownTypes": (TEXT, FAIL),
    "Rule": (DROP, HASH, MASK),
}


def decode(types: Dict[str, Any], columns: Dict[str, Any], problems: List[str]) -> Policies:
    """Return the policies that the decoded JSON of Types and Columns says, adding to problems what is wrong."""
    table = _policy(Policy(), "Types", types, _TYPE_KEYS, problems)
    own = [(name, _policy(table, "Columns." + name, keys, _COLUMN_KEYS, problems)) for name, keys in columns.items()]
    return Policies(table, tuple(own))


def _policy(base: Policy, where: str, given: Any, keys: Mapping[str, str], problems: List[str]) -> Policy:
    if not isinstance(given, dict):
        problems.append("{} is not an object".format(where))
        return base
    changes: Dict[str, str] = {}
    for key, value in given.items():
        if key not in keys or not isinstance(value, str) or not _good(key, value):
            problems.append("{}.{} {!r} is unknown".format(where, key, value))
        else:
            changes[keys[key]] = value
    return replace(base, **changes)


def _good(key: str, value: str) -> bool:
    if key == "NumericUnbounded":
        found = _DECIMAL.fullmatch(value)
        if found:
            precision, scale = int(found.group(1)), int(found.group(2))
            return 1 <= precision <= MAX_PRECISION and scale <= precision
        return value in (TEXT, FAIL)
    return value in _VALUES.get(key, (value,))
