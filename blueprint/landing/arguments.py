"""The job's arguments."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any, Dict, List, NoReturn, Optional, Sequence, Tuple

from landing import policy, table_name
from landing.errors import LandingError
from landing.policy import EXACT, Policies
from landing.table_name import TableName

FULL = "Full"
INCREMENTAL = "Incremental"
LAG_SECONDS = 600
SPARK = "Spark"
THREADS = "Threads"

FAIL = "Fail"
INCLUDE = "Include"
FULL_ONLY = "FullOnly"


@dataclass(frozen=True)
class Arguments:
    """What one job run is to do. Empty columns mean none; file_count 0 lets the job decide.

    The cursor of an incremental load is the first of the delta columns that is not NULL.
    """

    secret_name: str
    table: TableName
    bucket: str
    load_type: str
    delta_columns: Tuple[str, ...]
    partition_column: str
    primary_key: Tuple[str, ...]
    file_count: int
    engine: str
    job_run_id: str
    policies: Policies = EXACT
    null_cursor: str = FAIL  # what becomes of rows without a cursor: Fail, Include or FullOnly
    lookback_seconds: int = 0  # how far below the watermark rows may still appear
    lag_seconds: int = LAG_SECONDS  # how far behind the clock a window ends where open transactions cannot be seen
    detect_deletes: bool = False
    delete_limit_percent: int = 20  # of the landed keys; when more are gone, the run fails

    @property
    def keyed(self) -> bool:
        """Tell whether rows are told apart by their primary key."""
        return bool(self.lookback_seconds) or self.detect_deletes or self.null_cursor == INCLUDE


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving."""
        raise _wrong([message])


def parse(words: Sequence[str]) -> Arguments:
    """Return the arguments among the words; Glue's own are ignored. Raises LandingError with all that is wrong."""
    parser = _Parser(prog="land_table.py", add_help=False, allow_abbrev=False)
    for name in ("--secret_name", "--source_table", "--destination_bucket"):
        parser.add_argument(name, required=True)
    parser.add_argument("--file_format", default="parquet")
    parser.add_argument("--file_count", default="")
    parser.add_argument("--load_type", default=INCREMENTAL)
    parser.add_argument("--delta_column", default="")
    parser.add_argument("--partition_column", default="")
    parser.add_argument("--primary_key", default="[]")
    parser.add_argument("--null_cursor", default=FAIL)
    parser.add_argument("--lookback_seconds", default="0")
    parser.add_argument("--lag_seconds", default=str(LAG_SECONDS))
    parser.add_argument("--detect_deletes", default="false")
    parser.add_argument("--delete_limit_percent", default="20")
    parser.add_argument("--engine", default=SPARK)
    parser.add_argument("--types", default="{}")
    parser.add_argument("--columns", default="{}")
    parser.add_argument("--JOB_RUN_ID", dest="job_run_id", default="")
    given, _ = parser.parse_known_args(list(words))
    problems: List[str] = []
    table = _table(given.source_table, problems)
    if given.file_format != "parquet":
        problems.append("--file_format {!r} is not supported (parquet is)".format(given.file_format))
    if given.load_type not in (FULL, INCREMENTAL):
        problems.append("--load_type {!r} is neither Full nor Incremental".format(given.load_type))
    delta_columns = _delta_columns(given.delta_column, problems)
    if given.load_type == INCREMENTAL and not given.delta_column:
        problems.append("--load_type Incremental needs --delta_column")
    if given.engine not in (SPARK, THREADS):
        problems.append("--engine {!r} is neither Spark nor Threads".format(given.engine))
    file_count, primary_key = _file_count(given.file_count, problems), _primary_key(given.primary_key, problems)
    types, columns = _object("--types", given.types, problems), _object("--columns", given.columns, problems)
    policies = policy.decode(types, columns, problems)
    if given.null_cursor not in (FAIL, INCLUDE, FULL_ONLY):
        problems.append("--null_cursor {!r} is neither Fail, Include nor FullOnly".format(given.null_cursor))
    numbers = {
        name: _number("--" + name, getattr(given, name), most, problems)
        for name, most in (("lookback_seconds", _DECADE), ("lag_seconds", _DECADE), ("delete_limit_percent", 100))
    }
    detect_deletes = _flag("--detect_deletes", given.detect_deletes, problems)
    problems += _unkeyed(given, primary_key, numbers["lookback_seconds"], detect_deletes)
    if problems or table is None:
        raise _wrong(problems)
    return Arguments(
        secret_name=given.secret_name,
        table=table,
        bucket=given.destination_bucket,
        load_type=given.load_type,
        delta_columns=delta_columns,
        partition_column=given.partition_column,
        primary_key=primary_key,
        file_count=file_count,
        engine=given.engine,
        job_run_id=given.job_run_id,
        policies=policies,
        null_cursor=given.null_cursor,
        detect_deletes=detect_deletes,
        **numbers,
    )


_DECADE = 10 * 366 * 86400


def _unkeyed(given: argparse.Namespace, key: Tuple[str, ...], lookback: int, deletes: bool) -> List[str]:
    """Return what is asked for that needs a primary key, when there is none."""
    if key or given.load_type != INCREMENTAL:
        return []
    asked = {
        "--null_cursor Include": given.null_cursor == INCLUDE,
        "--lookback_seconds": bool(lookback),
        "--detect_deletes": deletes,
    }
    return ["{} needs --primary_key".format(name) for name, wanted in asked.items() if wanted]


def table_argument(words: Sequence[str]) -> str:
    """Return the value of --source_table whatever else is wrong, for messages."""
    for name, value in zip(words, words[1:]):
        if name == "--source_table":
            return value
    return "(no table)"


def _wrong(problems: Sequence[str]) -> LandingError:
    return LandingError(
        "the job's arguments are wrong: " + "; ".join(problems), "Correct the catalog's entry and deploy it again"
    )


def _table(text: str, problems: List[str]) -> Optional[TableName]:
    try:
        return table_name.parse(text)
    except ValueError as error:
        problems.append("--source_table {!r} is not schema.table: {}".format(text, error))
        return None


def _file_count(text: str, problems: List[str]) -> int:
    if text == "":
        return 0
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 10000:
        return int(text)
    problems.append("--file_count {!r} is not a number from 1 to 10000".format(text))
    return 0


def _number(name: str, text: str, most: int, problems: List[str]) -> int:
    if text.isascii() and text.isdigit() and int(text) <= most:
        return int(text)
    problems.append("{} {!r} is not a number from 0 to {}".format(name, text, most))
    return 0


def _flag(name: str, text: str, problems: List[str]) -> bool:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    problems.append("{} {!r} is neither true nor false".format(name, text))
    return False


def _delta_columns(text: str, problems: List[str]) -> Tuple[str, ...]:
    """Return the columns: a JSON list of names, or one name as it is."""
    try:
        columns = json.loads(text)
    except ValueError:
        columns = None
    if not isinstance(columns, list):
        return (text,) if text else ()
    good = all(isinstance(column, str) and column for column in columns)
    if not columns or not good or len(set(map(str, columns))) < len(columns):
        problems.append("--delta_column {!r} is not a list of different column names".format(text))
        return ()
    return tuple(columns)


def _primary_key(text: str, problems: List[str]) -> Tuple[str, ...]:
    try:
        columns = json.loads(text)
    except ValueError:
        columns = None
    if isinstance(columns, list) and all(isinstance(column, str) and column for column in columns):
        return tuple(columns)
    problems.append("--primary_key {!r} is not a JSON list of column names".format(text))
    return ()


def _object(name: str, text: str, problems: List[str]) -> Dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    problems.append("{} {!r} is not a JSON object".format(name, text))
    return {}
