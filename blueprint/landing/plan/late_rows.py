"""Finds the rows below a batch's window that are not landed as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Optional, Sequence, Set, Tuple

from landing.databases.dialect import Cursor, Rows, Source
from landing.databases.model import Scan, Sight, Window
from landing.job.errors import LandingError, counted
from landing.plan.cursor_values import order
from landing.plan.lake_diff import Landed
from landing.plan.row_ids import Row, chunks
from landing.plan.watermark import Progress
from landing.publish.commit_record import Commit


@dataclass
class Below:
    """The rows that were found so far. A row that is found for two reasons is there once."""

    source: Source
    cursor: Cursor
    rows: Rows
    progress: Progress
    lookback: int  # seconds
    files: Landed
    live: Callable[[], Sequence[Commit]]  # the batches that count
    tell: Callable[..., None]
    names: Set[Row] = field(default_factory=set)

    @property
    def settled(self) -> Optional[str]:
        """Where landed rows end; None when there are none."""
        return self.progress.settled

    def scan(self, fresh: str, lost: str) -> Tuple[Optional[Sight], Scan]:
        """Return the sight of the batch before, if it can be compared, and what one look at the table finds."""
        now = self.source.sight()
        before = self.progress.last.sight if self.progress.last else None
        if before is not None and self.source.behind(before, now):
            raise LandingError(
                "the replica is behind the snapshot that was landed last",
                "Run the job again when it has caught up, or read from one server only",
            )
        if not self.source.comparable(before, now):
            before = None
        return before, self.source.scan(self.cursor, fresh, lost, before, now)

    def late(self, window: Window, before: Optional[Sight], scan: Scan) -> Sight:
        """Find rows that were committed after the batch before although their number comes before its end."""
        if before is not None and scan.late:
            late = self.source.late(self.rows, self.cursor, self.settled, before, scan.sight)
            self.names.update(name for name, doubt in late if not doubt)
            for doubtful in chunks([name for name, doubt in late if doubt]):
                self.compare(self.rows.named(doubtful))
        elif before is None and self.progress.last is not None:
            self.tell("comparing all", reason="the batch before was read from another server, or too long ago")
            self.differing(None, self.settled)
        return self.source.remembered(before, scan.sight, window.high)

    def sample(self, window: Window) -> Tuple[Optional[Sight], str]:
        """Return the query for how many rows were written since the batch before with a moment earlier than its end.

        They will not land. No promise is broken, but the cursor is not what it is taken for. Only the last rows below
        the watermark are looked at: with an index that costs next to nothing. Without one the query is empty.
        """
        if not self.rows.places or not self.source.indexed(self.cursor):
            return None, ""
        now = self.source.sight()
        last = self.progress.last
        before = last.sight if last else None
        if before is None or not self.source.comparable(before, now):
            return now, ""
        reach = self.earlier(self.settled or window.high)
        return now, self.source.written_below(self.cursor, reach, before, now)

    def warn(self, found: int) -> None:
        """Warn about the rows that the sample's query found."""
        if found:
            self.tell(
                "warning",
                reason="{} since the last batch and will not land: {} does not only grow. Let it be set by now(), or "
                "set LookbackSeconds to how late it may be".format(
                    counted(found, "row below the watermark was written", "rows below the watermark were written"),
                    self.cursor,
                ),
            )

    def earlier(self, bound: str) -> str:
        """Return the moment that lies LookbackSeconds before a bound."""
        seconds = 0 if self.cursor.is_number else self.lookback
        return self.source.earlier(self.cursor.type, bound, seconds)

    def differing(self, low: Optional[str], high: Optional[str]) -> None:
        """Find the rows of a range that are not landed as they are. high None: nothing is landed at all."""
        kind = self.cursor.type
        if high is None or (low is not None and order(kind, low) >= order(kind, high)):
            return
        self.compare(self.source.condition(self.cursor, low, high), low)

    def compare(self, condition: str, low: Optional[str] = None) -> None:
        """Find the rows for which a condition holds that are not landed as they are. Their cursors are from low on.

        Batches whose windows end at low or before hold no such row, and older versions at best.
        """
        kind = self.cursor.type
        self.files.fetch(
            commit
            for commit in self.live()
            if low is None or not commit.window or order(kind, commit.window.high) > order(kind, low)
        )
        self.names.update(self.files.missing(self.rows.contents(condition)))
