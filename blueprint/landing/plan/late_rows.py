"""Finds late rows: rows below a batch's window that are not landed as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, List, Optional, Sequence, Set

from landing.databases.cursor_values import order
from landing.databases.dialect import Cursor, RowQueries, Visibility
from landing.databases.model import RowId
from landing.job.errors import pluralise
from landing.plan.lake_diff import LakeDiff


@dataclass(frozen=True)
class LateRows:
    """Late rows of one snapshot. A row that is found for two reasons has the same id."""

    cursor: Cursor
    rows: RowQueries
    lake: LakeDiff
    previous_high: Optional[str]  # landed rows end here; None: nothing is landed
    log_event: Callable[..., None]
    ids_per_query: int

    def of_numbers(self, visibility: Visibility, may_be_late: bool) -> Set[RowId]:
        """Return the rows that were committed after the batch before although their number comes before its end."""
        if not visibility.comparable:
            if self.previous_high is None:
                return set()
            self.log_event("comparing all", reason="the batch before was read from another server, or too long ago")
            return self.in_range(None, self.previous_high)
        if not may_be_late:
            return set()
        late = visibility.late(self.cursor, self.previous_high)
        found = {row for row, doubtful in late if not doubtful}
        for doubtful in chunks([row for row, doubt in late if doubt], self.ids_per_query):
            found |= self.lake.not_landed(self.rows.with_ids(doubtful))
        return found

    def in_range(self, low: Optional[str], high: Optional[str]) -> Set[RowId]:
        """Return the rows of a range that are not landed as they are. high None: nothing is landed at all."""
        kind = self.cursor.type
        if high is None or (low is not None and order(kind, low) >= order(kind, high)):
            return set()
        return self.lake.not_landed(self.cursor.between(low, high), low)

    def warn(self, found: int) -> None:
        """Warn about rows below the watermark that were written since the batch before and will not land.

        No guarantee is broken, but the cursor does not only grow.
        """
        if found:
            self.log_event(
                "warning",
                reason="{} since the last batch and will not land: {} does not only grow. Let it be set by now(), or "
                "set LookbackSeconds to how late it may be".format(
                    pluralise(found, "row below the watermark was written", "rows below the watermark were written"),
                    self.cursor,
                ),
            )


def chunks(ids: Sequence[Any], size: int) -> List[List[RowId]]:
    """Return the ids, sorted, in portions that one condition can hold."""
    ordered = sorted(ids)
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]
