"""How far a table is landed, as its commit records say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

from landing.job.arguments import INCREMENTAL
from landing.job.errors import LandingError
from landing.publish.commit_log import Commits
from landing.publish.commit_record import RESET, SET, STATE, Commit


@dataclass(frozen=True)
class Progress:
    """What the next batch goes on from.

    settled is how far rows are landed already: the next window begins there. start is from where on the rows that are
    landed already must be compared with the source: it is less than settled when the watermark was set back.
    """

    seq: int = 0  # of the last record
    base: Optional[int] = None  # of the batches that count; None: the next one is the first
    last: Optional[Commit] = None  # the last batch that counts
    newest: Optional[Commit] = None  # the last batch, whether it counts for the next one or not
    moved_to: Optional[str] = None  # where the landfall command set the watermark since the last batch

    @property
    def settled(self) -> Optional[str]:
        """The end of the last window."""
        return self.last.window.high if self.last and self.last.window else None


def progress(commits: Commits, numbers: Sequence[int], load_type: str) -> Progress:
    """Return how far the table is landed for a load of this type."""
    if not numbers:
        return Progress()
    moved_to, begins_anew, newest = None, load_type != INCREMENTAL, None
    for seq in reversed(numbers):
        commit = commits.read(seq)
        if commit.kind != STATE:
            newest = commit
            break
        # Of several state records the last one counts, and what was set after a reset is set on an empty table.
        begins_anew = begins_anew or commit.action == RESET
        if commit.action == SET and moved_to is None and not begins_anew:
            moved_to = commit.moved_to
    if newest is None or newest.load_type != INCREMENTAL:
        begins_anew = True
    last = None if begins_anew else newest
    return Progress(numbers[-1], newest.base if last and newest else None, last, newest, moved_to)


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
