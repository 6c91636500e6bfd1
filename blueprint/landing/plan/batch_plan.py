"""What a batch is to land and to record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

from landing.databases.duckdb_sql import Keys
from landing.databases.model import RowSet, Window
from landing.job.errors import LandingError
from landing.publish.commit_record import Backfill


@dataclass(frozen=True)
class LocalKeyIndex:
    """A key index that is still a local file. The fields are those of commit_record.KeyIndex."""

    path: str
    rows: int
    from_cursor: str
    covers_table: bool
    has_null_cursors: bool


@dataclass(frozen=True)
class BatchPlan:
    """The rows of a batch, the keys it deletes, and what its commit record says besides."""

    row_sets: Tuple[RowSet, ...]
    window: Optional[Window] = None  # None: a full load
    deleted: Optional[Keys] = None  # to publish tombstones of, in the coordinator's session
    key_index: Optional[LocalKeyIndex] = None
    visibility: Optional[Dict[str, Any]] = None
    backfills: Tuple[Backfill, ...] = ()
    needed: bool = True  # whether there is anything to publish

    @property
    def window_facts(self) -> Dict[str, Any]:
        """The window as events show it."""
        if self.window is None:
            return {}
        return {"column": ", ".join(self.window.columns), "low": self.window.low, "high": self.window.high}

    def raise_refused(self) -> None:
        """Raise LandingError when a backfill could not be landed; the batch itself is landed then."""
        refused = [backfill.refused for backfill in self.backfills if backfill.refused]
        if refused:
            raise LandingError("; ".join(refused), "The rest was landed; ask again, landfall backfill")


FULL_LOAD = BatchPlan((RowSet(None, None),))
"""The plan of every full load: all rows."""
