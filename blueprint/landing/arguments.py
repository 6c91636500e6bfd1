"""The job's arguments, as the layout sets them and Glue adds to them."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import NoReturn, Sequence

from landing.errors import LandingError


@dataclass(frozen=True)
class Arguments:
    """What one job run is asked to do. An empty string or 0 means: not given."""

    secret_name: str
    source_table: str
    destination_bucket: str
    file_count: int
    load_type: str
    delta_column: str
    partition_column: str
    primary_key: tuple[str, ...]
    job_run_id: str


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LandingError(f"job arguments: {message}", "The workflow was not made by this version of the blueprint; start the state machine")


def parse(argv: Sequence[str]) -> Arguments:
    """Parses the arguments; those of Glue itself are passed over.

    Raises LandingError when one is missing or wrong.
    """
    parser = _Parser(allow_abbrev=False, add_help=False)
    for name in ("secret_name", "source_table", "destination_bucket"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--file_format", default="parquet", choices=["parquet"])
    parser.add_argument("--file_count", default="")
    parser.add_argument("--load_type", default="Incremental", choices=["Incremental", "Full"])
    parser.add_argument("--delta_column", default="updated_at")
    parser.add_argument("--partition_column", default="")
    parser.add_argument("--primary_key", default="[]")
    parser.add_argument("--JOB_RUN_ID", default="local")
    known, _ = parser.parse_known_args(list(argv))
    if known.file_count and not (known.file_count.isdecimal() and int(known.file_count) > 0):
        raise LandingError(f"--file_count {known.file_count} is not a positive number", "Correct DestinationFileCount in the catalog")
    return Arguments(
        secret_name=known.secret_name,
        source_table=known.source_table,
        destination_bucket=known.destination_bucket,
        file_count=int(known.file_count or 0),
        load_type=known.load_type,
        delta_column=known.delta_column,
        partition_column=known.partition_column,
        primary_key=_primary_key(known.primary_key),
        job_run_id=known.JOB_RUN_ID,
    )


def _primary_key(text: str) -> tuple[str, ...]:
    try:
        columns = json.loads(text)
    except ValueError:
        columns = None
    if not isinstance(columns, list) or not all(isinstance(c, str) for c in columns):
        raise LandingError("--primary_key is not a JSON list of column names", "Correct PrimaryKey in the catalog")
    return tuple(columns)
