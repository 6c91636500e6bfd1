"""Checks that a table's columns can be landed as the arguments say."""

from __future__ import annotations

from typing import Dict

from landing.databases.model import DELETED, INGESTION, Table
from landing.job.arguments import INCREMENTAL, Arguments
from landing.job.errors import LandingError
from landing.job.suggest import close, did_you_mean

_NO_FOLDERS = ("BLOB", "FLOAT", "DOUBLE")
"""Types whose values have several texts, so that a folder's name would be ambiguous."""


def check_columns(table: Table, arguments: Arguments) -> None:
    """Raise LandingError with all problems of the columns that the arguments name, and of the table's own."""
    names = [column.name for column in table.columns]
    problems = []
    wanted = [("partition column", arguments.partition_column)]
    wanted += [("primary key column", name) for name in arguments.primary_key]
    if arguments.load_type == INCREMENTAL:
        wanted = [("delta column", name) for name in arguments.delta_columns] + wanted
    for role, name in wanted:
        if name and name not in names:
            problems.append("it has no {} {!r}{}".format(role, name, did_you_mean(close(name, names))))
    partition = table.column(arguments.partition_column)
    if partition is not None and (partition.wire in _NO_FOLDERS or partition.wire.endswith("[]")):
        problems.append(
            "its partition column {} is {}, whose values are no names of folders".format(
                partition.name, partition.source_type
            )
        )
    seen: Dict[str, str] = {}
    for name in names:
        if name.lower() in (INGESTION.name, DELETED.name):
            problems.append("it has a column {} of its own, which landing would add".format(name))
        if name.lower() in seen:
            problems.append(
                "columns {} and {} differ in case only, which readers cannot tell apart".format(
                    seen[name.lower()], name
                )
            )
        seen[name.lower()] = name
    if problems:
        hint = "Correct the catalog's entry"
        if any("delta column" in problem for problem in problems):
            hint += " (a table without a column that says when a row changed needs LoadType Full)"
        raise LandingError("; ".join(problems), hint)
