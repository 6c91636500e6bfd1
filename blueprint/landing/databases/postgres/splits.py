"""Cuts a table into splits that readers read at the same time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Sequence

from landing.databases.model import Sizing
from landing.databases.postgres.quoting import identifier


@dataclass(frozen=True)
class Split:
    """A part of a table that one reader reads. Splits do not overlap and leave nothing out."""

    condition: str = ""  # SQL; empty for all rows
    files: int = 1  # files it is written to


def by_blocks(bytes_to_read: float, blocks: Sequence[int], sizing: Sizing) -> List[Split]:
    """Return ranges of ctid. blocks are those of each table that rows are stored in, one per partition or child.

    A range holds those blocks of every one of them. The last is open-ended: blocks may be added before it is read.
    """
    wanted = number(bytes_to_read, sizing)
    if bytes_to_read <= sizing.min_split_bytes or wanted > max(blocks, default=0):
        return whole(sizing)
    starts = _starts(blocks, wanted)
    if len(starts) < wanted and sizing.files:
        return whole(sizing)
    parts = []
    for index, start in enumerate(starts):
        condition = "ctid >= '({},0)'::pg_catalog.tid".format(start)
        if index + 1 < len(starts):
            condition += " AND ctid < '({},0)'::pg_catalog.tid".format(starts[index + 1])
        parts.append(Split(condition if len(starts) > 1 else ""))
    return parts


def by_key(column: str, low: int, high: int, bytes_to_read: float, sizing: Sizing) -> List[Split]:
    """Return ranges of a whole number, of which low and high are the least and the greatest. Both ends are open."""
    wanted = min(number(bytes_to_read, sizing), high - low + 1)
    if bytes_to_read <= sizing.min_split_bytes or wanted < 2:
        return whole(sizing)
    name = identifier(column)
    edges = [low + index * (high - low + 1) // wanted for index in range(1, wanted)]
    parts = [Split("({0} < {1} OR {0} IS NULL)".format(name, edges[0]))]
    for index, edge in enumerate(edges):
        condition = "{} >= {}".format(name, edge)
        if index + 1 < len(edges):
            condition += " AND {} < {}".format(name, edges[index + 1])
        parts.append(Split(condition))
    return parts


def whole(sizing: Sizing) -> List[Split]:
    """Return the only split of what is small or cannot be cut; its reader writes as many files as are asked for."""
    return [Split(files=sizing.files or 1)]


def number(bytes_to_read: float, sizing: Sizing) -> int:
    """Return how many splits there should be: enough for the files' size, and for every reader to have work."""
    if sizing.files:
        return sizing.files
    for_files = math.ceil(bytes_to_read / (sizing.file_bytes * sizing.table_bytes_per_file_byte))
    if for_files > sizing.readers:
        return math.ceil(for_files / sizing.readers) * sizing.readers
    return max(1, min(sizing.readers, int(bytes_to_read / sizing.min_split_bytes)))


def _starts(blocks: Sequence[int], wanted: int) -> List[int]:
    """Return where ranges begin that hold about the same number of blocks in all."""
    starts = [0]
    for index in range(1, wanted):
        low, high = starts[-1], max(blocks)
        while low < high:  # the least start before which there are enough blocks
            middle = (low + high) // 2
            if sum(min(middle, count) for count in blocks) * wanted >= sum(blocks) * index:
                high = middle
            else:
                low = middle + 1
        if starts[-1] < low < max(blocks):
            starts.append(low)
    return starts
