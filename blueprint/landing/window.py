"""Which rows one batch lands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from landing import postgres
from landing.errors import LandingError


@dataclass(frozen=True)
class Window:
    """A half-open load window [low, high) of a cursor column, bounds as exact text. An empty low: from the beginning."""

    column: str
    kind: str
    low: str
    high: str

    @property
    def condition(self) -> str:
        """The window in the source's SQL."""
        return postgres.window_condition(self.column, self.kind, self.low, self.high)

    @property
    def empty(self) -> bool:
        """Whether no row can lie in it."""
        if self.kind in ("smallint", "integer", "bigint"):
            return bool(self.low) and int(self.low) >= int(self.high)
        return bool(self.low) and self.low >= self.high

    def record(self) -> dict[str, str]:
        """The window as a commit record holds it."""
        return {"column": self.column, "type": self.kind, "low": self.low, "high": self.high}


def next_window(session: postgres.Queries, table: postgres.Table, column: str, bound: postgres.Bound, last: dict[str, Any] | None) -> Window:
    """The window after the last commit record's watermark, in the snapshot of the session.

    Raises LandingError when the column cannot be a cursor or is not the one
    that the table has been landed by.
    """
    try:
        kind = postgres.cursor_type(table.column(column))
    except LandingError as e:
        raise LandingError(f"{e}", "Set DeltaColumnName, or LoadType Full for a table without such a column") from None
    low = ""
    if last is not None:
        before = last.get("window") or {}
        if before.get("column") != column or before.get("type") != kind:
            raise LandingError(
                f"the table has been landed by {before.get('column') or 'LoadType Full'} {before.get('type') or ''}".rstrip() + f", not by {column} {kind}",
                "Keep DeltaColumnName, or land to another bucket",
            )
        low = str(last["watermark"])
    high = {"timestamp with time zone": bound.timestamptz, "timestamp without time zone": bound.timestamp, "date": bound.date}.get(kind, "")
    if not high:
        # A sequence: one past the greatest in the snapshot.
        greatest = session.query(f"SELECT max({postgres.quoted(column)})::text FROM {table.sql}")[0][0]
        high = str(int(greatest) + 1) if greatest is not None else (low or "0")
    return Window(column, kind, low, high)
