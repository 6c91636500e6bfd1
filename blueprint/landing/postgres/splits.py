"""Cuts a table into parts that readers read at the same time."""

from __future__ import annotations

from typing import List

from landing.source import Split

TARGET_BYTES = 64 * 1024 * 1024
"""What one reader should read of a table, everything included."""


def splits(bytes_to_read: float, blocks: int, file_count: int) -> List[Split]:
    """Return the parts. blocks is 0 when the table cannot be cut by blocks; file_count 0 lets this function decide.

    What is small is read by one reader, who writes as many files as are wanted: cutting a few blocks in parts would
    make files of different size, or none. The last part is open-ended: blocks may be added before it is read.
    """
    wanted = file_count or max(1, round(bytes_to_read / TARGET_BYTES))
    if blocks < wanted or bytes_to_read <= TARGET_BYTES:
        return [Split(0, "", file_count or 1)]
    starts = [number * blocks // wanted for number in range(wanted)]
    parts = []
    for number, start in enumerate(starts):
        condition = "ctid >= '({},0)'::pg_catalog.tid".format(start)
        if number + 1 < wanted:
            condition += " AND ctid < '({},0)'::pg_catalog.tid".format(starts[number + 1])
        parts.append(Split(number, condition))
    return parts
