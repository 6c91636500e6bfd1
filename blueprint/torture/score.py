"""Compares what readers see with every version of every row that was ever committed in the source."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

import pyarrow as pa
from support import World

from torture.extras import Extra, as_shown
from torture.scenarios import Scenario

DELETED = "landfall_deleted"
_VALUES = ("id", "version", "kind", "payload", "amount", "created_at", "updated_at")

Row = Tuple[Any, ...]


@dataclass
class Score:
    """Rows in the source and what is wrong with them. said is the last error when the last job run failed."""

    rows: int = 0
    lost: int = 0
    doubled: int = 0
    altered: int = 0
    said: str = ""

    @property
    def wrong(self) -> bool:
        """Report whether anything is."""
        return bool(self.lost or self.doubled or self.altered or self.said)


def of_landing(world: World, scenario: Scenario, extras: Sequence[Extra]) -> Score:
    """Score the batches that the commit records publish."""
    commits = world.commits("events")
    live = [commit for commit in commits if commit["seq"] >= commits[-1]["base"]]
    tables = [(commit["seq"], world.read_file(file)) for commit in live for file in commit["files"]]
    found = of_tables(world, scenario, tables, extras)
    try:
        if commits:
            world.assert_consistent("events")
    except AssertionError:
        found.said = "the Glue Data Catalog shows other files than the commit records"
    return found


def of_tables(
    world: World, scenario: Scenario, tables: Sequence[Tuple[int, pa.Table]], extras: Sequence[Extra]
) -> Score:
    """Score batches by their numbers. The newest version of a row is the one in the last batch that holds it.

    Lost: a row of the source whose newest version in the lake is another one or none; with deletes detected or full
    loads, also a row that the source no longer has. Doubled: a version that is in the lake more than once. Altered: a
    row in the lake that was never committed in the source.
    """
    source, history = _source(world, scenario, "events", extras), set(_source(world, scenario, "history", extras))
    landed: List[Tuple[int, bool, Row]] = []
    for seq, table in tables:
        landed += [(seq, deleted, row) for deleted, row in _rows(table, extras)]
    copies = Counter(row[:2] for _, deleted, row in landed if not deleted)
    newest: Dict[Any, Tuple[Tuple[int, int], bool, Row]] = {}
    for seq, deleted, row in landed:
        order = (seq, row[1] or 0)
        if row[0] not in newest or newest[row[0]][0] < order:
            newest[row[0]] = (order, deleted, row)
    shown = {identity: row for identity, (_, deleted, row) in newest.items() if not deleted}
    present = {row[0] for row in source}
    lost = sum(1 for row in source if shown.get(row[0], (None, None))[1] != row[1])
    if scenario.deletes:
        lost += sum(1 for identity in shown if identity not in present)
    return Score(
        rows=len(history),
        lost=lost,
        doubled=sum(count - 1 for count in copies.values()),
        altered=sum(1 for _, deleted, row in landed if not deleted and row not in history),
    )


def _source(world: World, scenario: Scenario, table: str, extras: Sequence[Extra]) -> List[Row]:
    micros = "(extract(epoch FROM {0}) * 1000000)::int8 AS {0}"
    cursor = "updated_at::int8" if "int" in scenario.type else micros.format("updated_at")
    further = "".join(", {} AS e{}".format(extra.shown, number) for number, extra in enumerate(extras))
    return world.schema.query(
        "SELECT id, version, kind, payload, amount::text AS amount, {}, {}{} FROM ${}".format(
            micros.format("created_at"), cursor, further, table
        )
    )


def _rows(table: pa.Table, extras: Sequence[Extra]) -> List[Tuple[bool, Row]]:
    """Return a file's rows and whether each is a tombstone."""
    columns = []
    for name in _VALUES:
        column = table.column(name) if name in table.column_names else pa.nulls(table.num_rows)
        if pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("us"))
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
        elif pa.types.is_decimal(column.type):
            column = column.cast(pa.string())
        columns.append(column.to_pylist())
    columns += [[as_shown(value) for value in table.column(extra.name).to_pylist()] for extra in extras]
    deleted = [False] * table.num_rows
    if DELETED in table.column_names:
        deleted = [bool(value) for value in table.column(DELETED).to_pylist()]
    return list(zip(deleted, zip(*columns)))
