"""Names of the folders that files of a batch lie in: Hive partitions, percent-encoded."""

from __future__ import annotations

from typing import Dict, Optional
from urllib.parse import quote

from landing.databases.model import DEFAULT_PARTITION

Partition = Dict[str, Optional[str]]
"""A column and the text of its value, None for NULL."""


def partition_folder(partition: Optional[Partition]) -> str:
    """Return the folder of a partition, ending in a slash; empty for a table without partitions."""
    return "".join(
        "{}={}/".format(quote(column, safe=""), quote(folder_value(value), safe=""))
        for column, value in (partition or {}).items()
    )


def folder_value(value: Optional[str]) -> str:
    """Return the text that stands for a partition's value in names of folders and in the Glue Data Catalog."""
    return DEFAULT_PARTITION if value is None else value
