"""Plans an incremental batch: the rows of its window, and late rows below it that are not landed as they are.

Late rows are read by their ids, so that the batch reads exactly them. A row is late for one of these reasons: it was
committed with a number below the last window's end, it lies within LookbackSeconds, it has no cursor, somebody asked
for a backfill or set the watermark back.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Sequence, Set, Tuple

from landing.databases.cursor_values import NUMBERS, latest, order
from landing.databases.dialect import Cursor, Source
from landing.databases.duckdb_sql import Keys, text
from landing.databases.model import Condition, RowFilters, RowId, RowSet, Window
from landing.job.arguments import FAIL, INCLUDE, Arguments
from landing.job.errors import LandingError, pluralise
from landing.job.tuning import Tuning
from landing.plan.backfill_requests import Request
from landing.plan.batch_plan import BatchPlan, LocalKeyIndex
from landing.plan.key_diff import KeyDiff
from landing.plan.lake_diff import LakeDiff
from landing.plan.late_rows import LateRows, chunks
from landing.plan.watermark import Progress, check_cursor_kept
from landing.publish.bucket import Bucket
from landing.publish.commit_log import CommitLog
from landing.publish.commit_record import Backfill, KeyIndex


@dataclass(frozen=True)
class _Scanned:
    """What the one query finds that every incremental load makes."""

    window: Window
    rows: int  # in the window
    late: Set[RowId]
    visibility: Optional[Dict[str, Any]]  # for the commit record
    renewal_due: bool


@dataclass(frozen=True)
class _Keys:
    """What the comparison of keys finds."""

    not_landed: Set[RowId]
    deleted: Optional[Keys]
    index: LocalKeyIndex


class BatchPlanner:
    """Plans the next batch of a table."""

    def __init__(
        self,
        source: Source,
        arguments: Arguments,
        progress: Progress,
        log: CommitLog,
        bucket: Bucket,
        folder: str,
        tuning: Tuning,
        log_event: Callable[..., None],
    ) -> None:
        """Ask for the cursor. folder is for local files. Raises LandingError when the cursor is another than before."""
        self._source = source
        self._arguments = arguments
        self._progress = progress
        self._bucket = bucket
        self._folder = folder
        self._log_event = log_event
        self._ids_per_query = tuning.ids_per_query
        self._cursor: Cursor = source.cursors.cursor(arguments.delta_columns)
        check_cursor_kept(progress.last, self._cursor.columns, self._cursor.type)
        self._rows = source.rows(arguments.primary_key)
        self._lake = LakeDiff(source.reads.session, self._rows, bucket, folder, lambda: log.since(progress.base))
        self._late = LateRows(
            self._cursor, self._rows, self._lake, progress.previous_high, log_event, tuning.ids_per_query
        )

    def plan(self, requests: Sequence[Request]) -> BatchPlan:
        """Return the plan. Raises LandingError."""
        previous_high, override = self._progress.previous_high, self._progress.watermark_override
        indexed = self._warn_without_index()
        if override:
            override = self._normalise(override, "the watermark was set to")
        low = latest(self._cursor.type, previous_high, override)
        scanned = self._scan_numbers(low) if self._is_number else self._scan_clock(low, indexed)
        late, window = set(scanned.late), scanned.window
        if override:
            late |= self._late.in_range(override, previous_high)
        backfills = []
        for request in requests:
            backfill, found = self._backfill(request, window)
            backfills.append(backfill)
            late |= found
        in_window = self._in_window(low, window.high)
        keys = self._compare_keys(window, in_window, late) if self._arguments.needs_key_diff else None
        if keys:
            late |= keys.not_landed
        row_sets = [RowSet(in_window, scanned.rows)] if scanned.rows else []
        row_sets += [RowSet(self._rows.with_ids(ids), len(ids)) for ids in chunks(list(late), self._ids_per_query)]
        deleted = keys.deleted if keys and keys.deleted and keys.deleted.rows else None
        return BatchPlan(
            tuple(row_sets),
            window,
            deleted,
            keys.index if keys else None,
            scanned.visibility,
            tuple(backfills),
            needed=bool(row_sets or deleted or backfills or scanned.renewal_due or self._progress.watermark_override),
        )

    @property
    def _is_number(self) -> bool:
        """Report whether the cursor is drawn from a sequence, rather than from a clock."""
        return self._cursor.type in NUMBERS

    def _warn_without_index(self) -> bool:
        indexed = self._source.cursors.indexed(self._cursor)
        for note in () if self._is_number else self._source.clock.notes:
            self._log_event("cautious window", reason=note)
        if not indexed:
            reason = "no index begins with {}: each window reads the whole table".format(self._cursor)
            self._log_event("warning", reason=reason)
        return indexed

    def _window(self, low: Optional[str], high: str) -> Window:
        """Return the window, which never ends before it begins."""
        return Window(self._cursor.columns, self._cursor.type, low, latest(self._cursor.type, low, high) or high)

    def _last_visibility(self) -> Optional[Dict[str, Any]]:
        return self._progress.last.visibility if self._progress.last else None

    def _scan_clock(self, low: Optional[str], indexed: bool) -> _Scanned:
        """Scan for a cursor that is a timestamp or a date.

        Of the rows below the watermark only the last are looked at: with an index that costs next to nothing. Without
        one, none are.
        """
        clock, cursor = self._source.clock, self._cursor
        window = self._window(low, clock.high(cursor))
        visibility = self._source.visibility(self._last_visibility()) if indexed else None
        comparable = visibility is not None and visibility.comparable
        below = self._earlier(self._progress.previous_high or window.high) if comparable else None
        scan = clock.scan(cursor, self._in_window(low, window.high), self._forbidden, visibility, below)
        self._refuse(scan.forbidden)
        self._warn_future(scan.future)
        self._late.warn(scan.late)
        state = visibility.state(None) if visibility else None
        return _Scanned(window, scan.in_window, set(), state, bool(visibility and visibility.renewal_due))

    def _scan_numbers(self, low: Optional[str]) -> _Scanned:
        """Scan for a cursor that is a number. If rows are late, another query finds them."""
        if self._arguments.lookback_seconds:
            reason = "LookbackSeconds means nothing for {}, which is a number".format(self._cursor)
            self._log_event("warning", reason=reason)
        visibility = self._source.visibility(self._last_visibility())
        if visibility is None:
            raise LandingError(
                "the delta column {} is a number, and rows of a view or foreign table do not say which transaction "
                "wrote them, so numbers that are committed late would be lost".format(self._cursor),
                "Name the table itself in SourceTable or a timestamp column in DeltaColumnName, or set LoadType Full",
            )
        scan = visibility.scan(self._cursor, self._in_window(low, None), self._forbidden)
        self._refuse(scan.forbidden)
        window = self._window(low, scan.high)
        late = self._late.of_numbers(visibility, scan.late)
        return _Scanned(window, scan.in_window, late, visibility.state(window.high), visibility.renewal_due)

    def _warn_future(self, rows: int) -> None:
        if rows:
            zone = "" if self._cursor.type == "timestamptz" else " by the server's time zone, as the column has none"
            self._log_event(
                "warning",
                reason="{} {} in the future{}, and will land when it is past".format(
                    pluralise(rows, "row has", "rows have"), self._cursor, zone
                ),
            )

    def _normalise(self, given: str, what: str) -> str:
        """Return what a person wrote as the exact text of a value. Raises LandingError."""
        try:
            return self._source.cursors.normalise(self._cursor, given)
        except LandingError:
            raise LandingError(
                "{} {!r}, which is not a value of {} ({})".format(what, given, self._cursor, self._cursor.type),
                "Repeat the landfall command with a {}".format(self._cursor.type),
            ) from None

    def _in_window(self, low: Optional[str], high: Optional[str]) -> Condition:
        """Return the rows that no batch before could have landed. high None: no upper bound."""
        condition: Condition = self._cursor.between(low, high)
        nulls = self._arguments.null_cursor != FAIL and self._progress.previous_high is None
        return condition | self._cursor.missing if nulls else condition

    @property
    def _forbidden(self) -> Optional[Condition]:
        """The rows that must not exist."""
        return self._cursor.missing if self._arguments.null_cursor == FAIL else None

    def _refuse(self, rows: int) -> None:
        """Raise LandingError when there are rows with a forbidden cursor."""
        if rows:
            raise LandingError(
                "{} no {} (NULL or infinite), so no window would ever land {}".format(
                    pluralise(rows, "row has", "rows have"), self._cursor, "it" if rows == 1 else "them"
                ),
                "Fill the column in, name another in DeltaColumnName, set NullCursor to Include or FullOnly, "
                "or set LoadType Full",
            )

    def _backfill(self, request: Request, window: Window) -> Tuple[Backfill, Set[RowId]]:
        """Return the answer to a request, and its rows as far as the window does not contain them."""
        self._log_event("backfill", request=request.id, low=request.low, high=request.high)
        try:
            low = self._normalise(request.low, "a backfill begins at")
            high = self._normalise(request.high, "a backfill ends at")
        except LandingError as error:
            return request.answered(refused=error.what), set()
        if window.low is None:
            return request.answered(), set()
        end = min(high, window.low, key=lambda value: order(window.type, value))
        return request.answered(), self._late.in_range(low, end)

    def _earlier(self, value: str) -> str:
        """Return the value that lies LookbackSeconds before another."""
        return self._source.cursors.earlier(self._cursor, value, self._arguments.lookback_seconds)

    def _compare_keys(self, window: Window, in_window: Condition, late: Set[RowId]) -> _Keys:
        """Compare the keys of the source with the landed ones, and write the key index for the next batch."""
        arguments, last = self._arguments, self._progress.last
        nulls, covers_table = arguments.null_cursor == INCLUDE, arguments.detect_deletes
        before = last.key_index if last and last.primary_key == arguments.primary_key else None
        if before and covers_table and not before.covers_table:
            before = None  # all keys are read from the files, which know no digests
        not_landed: Set[RowId] = set()
        if nulls and last and not (before and before.has_null_cursors):
            not_landed |= self._lake.not_landed(self._cursor.missing)
        lookback, next_lookback, found = self._lookbacks(window, before)
        not_landed |= found
        in_next_lookback: Condition = self._cursor.between(next_lookback, window.high)
        if nulls:
            in_next_lookback = in_next_lookback | self._cursor.missing
        filters = RowFilters(in_window, lookback, in_next_lookback)
        landed = self._landed_keys(before, covers_table)
        diff = KeyDiff(self._source.reads.session, self._rows, filters, covers_table, landed)
        not_landed |= diff.not_landed()
        deleted = self._deleted(diff) if covers_table and last else None
        path = os.path.join(self._folder, "key-index.parquet")
        rows = diff.write_index(path, late | not_landed, covers_table)
        return _Keys(not_landed, deleted, LocalKeyIndex(path, rows, next_lookback, covers_table, nulls))

    def _lookbacks(self, window: Window, before: Optional[KeyIndex]) -> Tuple[Optional[Condition], str, Set[RowId]]:
        """Return the landed rows that this batch looks at again, from where on the next one does, and rows not landed.

        The latter are rows of a lookback that is longer than the key index of the batch before.
        """
        previous_high, kind = self._progress.previous_high, self._cursor.type
        next_lookback = self._earlier(window.high)
        if previous_high is None:
            return None, next_lookback, set()
        wanted, indexed_from = self._earlier(previous_high), (before.from_cursor if before else None) or previous_high
        not_landed: Set[RowId] = set()
        if order(kind, wanted) < order(kind, indexed_from):
            # LookbackSeconds is new, or longer than it was.
            not_landed = self._late.in_range(wanted, indexed_from)
        begin = max(wanted, indexed_from, key=lambda value: order(kind, value))
        lookback: Condition = self._cursor.between(begin, previous_high)
        if self._arguments.null_cursor == INCLUDE and before and before.has_null_cursors:
            lookback = lookback | self._cursor.missing
        return lookback, next_lookback, not_landed

    def _landed_keys(self, before: Optional[KeyIndex], covers_table: bool) -> Optional[str]:
        """Return the landed keys as a relation of DuckDB, None when none are known."""
        if before is not None:
            path = os.path.join(self._folder, "key-index-before.parquet")
            self._bucket.download(before.key, path)
            return "read_parquet({})".format(text(path))
        if covers_table and self._progress.last is not None:
            self._log_event("reading keys", reason="no batch before kept the landed keys")
            return self._lake.landed_keys()
        return None

    def _deleted(self, diff: KeyDiff) -> Keys:
        """Return the deleted keys. Raises LandingError when there are more than DeleteLimitPercent allows."""
        deleted, landed = diff.deleted()
        limit = self._arguments.delete_limit_percent
        if deleted.rows * 100 > landed * limit:
            raise LandingError(
                "{} of {} gone from the source, more than {} percent".format(
                    deleted.rows, pluralise(landed, "landed key is", "landed keys are"), limit
                ),
                "Nothing was published. If the rows were meant to be deleted, raise DeleteLimitPercent for one job run",
            )
        return deleted
