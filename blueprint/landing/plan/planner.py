"""Chooses what an incremental batch lands: the rows of its window, and those below it that are not landed as they are.

Rows below the window are named one by one, so that the batch reads exactly them; they are there for one of these
reasons: they were committed after their number's turn (a sequence as cursor), they lie within LookbackSeconds, they
have no cursor, somebody asked for a backfill or moved the watermark back.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Callable, Optional, Sequence, Tuple

from landing.databases.dialect import Source
from landing.databases.model import Part, Sight, Window
from landing.job.arguments import FAIL, INCLUDE, Arguments
from landing.job.errors import LandingError, counted
from landing.plan.backfill_requests import Request
from landing.plan.cursor_values import latest, order
from landing.plan.key_diff import Survey, parquet
from landing.plan.lake_diff import Landed
from landing.plan.late_rows import Below
from landing.plan.row_ids import Region, chunks
from landing.plan.watermark import Progress, check_cursor_kept
from landing.publish.bucket import Objects
from landing.publish.commit_record import Backfill, Commit, Known

Tell = Callable[..., None]


@dataclass(frozen=True)
class Choice:
    """What a batch is to land and to remember."""

    window: Window
    parts: Tuple[Part, ...]
    gone: int = 0  # keys to publish tombstones of, in the session's table gone
    known: Optional[Known] = None  # its key is the path of the local file, which is still to be uploaded
    sight: Optional[Sight] = None
    backfills: Tuple[Backfill, ...] = ()
    needed: bool = True  # whether there is anything to publish


@dataclass
class Chooser:
    """One choice in the making. live are the batches that count; folder is for local files."""

    source: Source
    arguments: Arguments
    progress: Progress
    live: Callable[[], Sequence[Commit]]
    objects: Objects
    folder: str
    tell: Tell

    def choose(self, requests: Sequence[Request]) -> Choice:
        """Return the choice. Raises LandingError."""
        source, last = self.source, self.progress.last
        self._cursor = source.cursor(self.arguments.delta_columns)
        check_cursor_kept(last, self._cursor.columns, self._cursor.type)
        self._settled = self.progress.settled
        self._rows = source.rows(self.arguments.primary_key)
        self._landed = Landed(source.session, self._rows, self.objects, self.folder)
        self._below = Below(
            source,
            self._cursor,
            self._rows,
            self.progress,
            self.arguments.lookback_seconds,
            self._landed,
            self.live,
            self.tell,
        )
        self._warn()
        low = self._low()
        window, sight, rows = self._numbers(low) if self._cursor.is_number else self._moments(low)
        fresh = self._fresh(low, window.high)
        if self._moved_to is not None:
            self._below.differing(self._moved_to, self._settled)
        backfills = [self._backfill(request, window) for request in requests]
        gone, known = self._survey(window, fresh) if self.arguments.keyed else (0, None)
        parts = [Part(fresh, rows)]
        parts += [Part(self._rows.named(names), len(names)) for names in chunks(list(self._below.names))]
        parts = [part for part in parts if part.rows]
        stale = bool(sight and last and last.sight and source.stale(last.sight, sight))
        needed = bool(parts or gone or backfills or stale or self.progress.moved_to)
        return Choice(window, tuple(parts), gone, known, sight, tuple(backfills), needed)

    def _warn(self) -> None:
        cursor = self._cursor
        for note in () if cursor.is_number else self.source.notes:
            self.tell("cautious window", reason=note)
        if not self.source.indexed(cursor):
            self.tell("warning", reason="no index begins with {}: each window reads the whole table".format(cursor))
        if cursor.is_number and not self._rows.places:
            raise LandingError(
                "the delta column {} is a number, and rows of a view or foreign table do not say which transaction "
                "wrote them, so numbers that are committed late would be lost".format(cursor),
                "Name the table itself in SourceTable or a column of moments in DeltaColumnName, or set LoadType Full",
            )
        if cursor.is_number and self.arguments.lookback_seconds:
            self.tell("warning", reason="LookbackSeconds means nothing for {}, which is a number".format(cursor))

    def _low(self) -> Optional[str]:
        """Return where the window begins."""
        moved = self.progress.moved_to
        self._moved_to = self._normalised(moved, "the watermark was set to") if moved else None
        return latest(self._cursor.type, self._settled, self._moved_to)

    def _window(self, low: Optional[str], high: str) -> Window:
        """Return the window, which never ends before it begins."""
        return Window(self._cursor.columns, self._cursor.type, low, latest(self._cursor.type, low, high) or high)

    def _moments(self, low: Optional[str]) -> Tuple[Window, Optional[Sight], int]:
        """Return the window, what the snapshot sees and how many rows are fresh, with one look at the table."""
        window = self._window(low, self.source.high(self._cursor))
        sight, sample = self._below.sample(window)
        conditions = (self._fresh(low, window.high), self._forbidden, self.source.ahead(self._cursor))
        rows, lost, ahead, late = self.source.look(conditions, sample)
        self._refuse(lost)
        self._warn_ahead(ahead)
        self._below.warn(late)
        return window, sight, rows

    def _warn_ahead(self, rows: int) -> None:
        if rows:
            zone = "" if self._cursor.type == "timestamptz" else " by the server's time zone, as the column has none"
            self.tell(
                "warning",
                reason="{} {} in the future{}, and will land when it is past".format(
                    counted(rows, "row has", "rows have"), self._cursor, zone
                ),
            )

    def _numbers(self, low: Optional[str]) -> Tuple[Window, Optional[Sight], int]:
        """Return the same. One more look at the table finds the rows that are late, if there are any."""
        before, scan = self._below.scan(self._fresh(low, None), self._forbidden)
        self._refuse(scan.lost)
        window = self._window(low, scan.high)
        return window, self._below.late(window, before, scan), scan.fresh

    def _normalised(self, given: str, what: str) -> str:
        """Return what a person wrote as the exact text of a bound. Raises LandingError."""
        try:
            return self.source.normalised(self._cursor, given)
        except LandingError:
            raise LandingError(
                "{} {!r}, which is not a value of {} ({})".format(what, given, self._cursor, self._cursor.type),
                "Repeat the landfall command with a {}".format(self._cursor.type),
            ) from None

    def _fresh(self, low: Optional[str], high: Optional[str]) -> str:
        """Return the condition for the rows that no batch before could have landed. high None: all there are."""
        nulls = self.arguments.null_cursor != FAIL and self._settled is None
        return self._or_nulls(self.source.condition(self._cursor, low, high), nulls)

    def _or_nulls(self, condition: str, nulls: bool) -> str:
        return "({} OR {})".format(condition, self._cursor.unreachable) if nulls else "({})".format(condition)

    @property
    def _forbidden(self) -> str:
        """The condition for rows that must not be there."""
        return self._cursor.unreachable if self.arguments.null_cursor == FAIL else "false"

    def _refuse(self, lost: int) -> None:
        """Raise LandingError when there are rows with a forbidden cursor."""
        if lost:
            raise LandingError(
                "{} no {} (NULL or infinite), so no window would ever land {}".format(
                    counted(lost, "row has", "rows have"), self._cursor, "it" if lost == 1 else "them"
                ),
                "Fill the column in, name another in DeltaColumnName, set NullCursor to Include or FullOnly, "
                "or set LoadType Full",
            )

    def _backfill(self, request: Request, window: Window) -> Backfill:
        """Find the rows that a request is about, as far as the window does not hold them."""
        self.tell("backfill", request=request.id, low=request.low, high=request.high)
        try:
            low = self._normalised(request.low, "a backfill begins at")
            high = self._normalised(request.high, "a backfill ends at")
        except LandingError as error:
            return request.answered(refused=error.what)
        if window.low is not None:
            self._below.differing(low, min(high, window.low, key=lambda bound: order(window.type, bound)))
        return request.answered()

    def _survey(self, window: Window, fresh: str) -> Tuple[int, Optional[Known]]:
        """Find rows near the watermark that are not landed, and keys that are gone; write what the next batch needs."""
        arguments, last = self.arguments, self.progress.last
        nulls = arguments.null_cursor == INCLUDE
        before = last.known if last and last.primary_key == arguments.primary_key else None
        if before and arguments.detect_deletes and not before.complete:
            before = None  # all keys are read from the files, which know no digests
        if nulls and last and not (before and before.nulls):
            self._below.compare(self._cursor.unreachable)
        reach, upcoming = self._reaches(window, before)
        near = "false" if self._settled is None else self.source.condition(self._cursor, reach, self._settled)
        region = Region(
            fresh,
            self._or_nulls(near, nulls and bool(before and before.nulls)),
            self._or_nulls(self.source.condition(self._cursor, upcoming, window.high), nulls),
        )
        survey = Survey(self.source.session, self._rows, self._rows.survey(region, arguments.detect_deletes))
        complete = arguments.detect_deletes
        survey.know(self._known(before, complete))
        self._below.names.update(survey.unlanded())
        gone = self._gone(survey) if complete and last else 0
        path = os.path.join(self.folder, "known.parquet")
        rows = survey.keep(path, sorted(self._below.names), complete)
        return gone, Known(path, rows, upcoming, complete, nulls)

    def _reaches(self, window: Window, before: Optional[Known]) -> Tuple[str, str]:
        """Return from where on this batch looks at landed rows, and from where on the next one does."""
        kind, earlier = self._cursor.type, self._below.earlier
        if self._settled is None:
            return window.high, earlier(window.high)
        wanted, known_from = earlier(self._settled), (before.low if before else None) or self._settled
        if order(kind, wanted) < order(kind, known_from):
            # LookbackSeconds is new, or longer than it was.
            self._below.differing(wanted, known_from)
        return max(wanted, known_from, key=lambda bound: order(kind, bound)), earlier(window.high)

    def _known(self, before: Optional[Known], complete: bool) -> Optional[str]:
        """Return what is landed, as a relation of DuckDB."""
        if before is not None:
            path = os.path.join(self.folder, "known-before.parquet")
            self.objects.download(before.key, path)
            return parquet(path)
        if complete and self.progress.last is not None:
            self.tell("reading keys", reason="no batch before kept the landed keys")
            self._landed.fetch(self.live())
            return self._landed.keys()
        return None

    def _gone(self, survey: Survey) -> int:
        gone, landed = survey.gone()
        limit = self.arguments.delete_limit_percent
        if gone * 100 > landed * limit:
            raise LandingError(
                "{} of {} gone from the source, more than {} percent".format(
                    gone, counted(landed, "landed key is", "landed keys are"), limit
                ),
                "Nothing was published. If the rows were meant to be deleted, raise DeleteLimitPercent for one run",
            )
        return gone
