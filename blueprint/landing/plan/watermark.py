"""How far a table is landed, according to its commit log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional, Tuple

from landing.job.arguments import INCREMENTAL
from landing.job.errors import LandingError
from landing.publish.commit_log import CommitLog
from landing.publish.commit_record import RESET, SET, STATE, Commit


@dataclass(frozen=True)
class Progress:
    """The state from which the next batch continues.

    Rows below previous_high are landed, and the next window begins there. When the watermark was set back, rows from
    watermark_override on are compared with the source again.
    """

    seq: int = 0  # of the last record
    base: Optional[int] = None  # of the batches that readers see; None: the next batch is the first
    last: Optional[Commit] = None  # the last batch that readers see
    newest: Optional[Commit] = None  # the last batch, also when the next one begins anew
    watermark_override: Optional[str] = None  # where the landfall command set the watermark since the last batch

    @property
    def previous_high(self) -> Optional[str]:
        """The end of the last window; None when there is none."""
        return self.last.window.high if self.last and self.last.window else None

    def anew(self) -> Progress:
        """Return the progress of a table that is landed whole again, as a new base."""
        return replace(self, base=None, last=None, watermark_override=None)


def read_progress(log: CommitLog, load_type: str) -> Progress:
    """Return how far the table is landed for a load of this type."""
    if not log.numbers:
        return Progress()
    override, begins_anew, newest = None, load_type != INCREMENTAL, None
    for seq in reversed(log.numbers):
        commit = log.read(seq)
        if commit.kind != STATE:
            newest = commit
            break
        # Of several state records the last one counts, and what was set after a reset is set on an empty table.
        begins_anew = begins_anew or commit.action == RESET
        if commit.action == SET and override is None and not begins_anew:
            override = commit.set_watermark
    if newest is None or newest.load_type != INCREMENTAL:
        begins_anew = True
    last = None if begins_anew else newest
    return Progress(log.numbers[-1], newest.base if last and newest else None, last, newest, override)


def check_cursor_kept(last: Optional[Commit], columns: Tuple[str, ...], kind: str) -> None:
    """Raise LandingError when the last batch had another cursor."""
    if last is None or last.window is None or (last.window.columns, last.window.type) == (columns, kind):
        return
    raise LandingError(
        "it was landed up to {} of {} ({}), not of {} ({})".format(
            last.window.high, ", ".join(last.window.columns), last.window.type, ", ".join(columns), kind
        ),
        "Keep the delta column, or begin anew: landfall state reset, or once LoadType Full and then Incremental",
    )
