"""The job's arguments."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any, Dict, List, NoReturn, Optional, Sequence, Tuple

from landing.job import policy, table_name
from landing.job.errors import LandingError
from landing.job.policy import EXACT, HASH, Policies
from landing.job.table_name import TableName

FULL = "Full"
INCREMENTAL = "Incremental"
SPARK = "Spark"
PYTHON_SHELL = "PythonShell"
FAIL = "Fail"
INCLUDE = "Include"
FULL_ONLY = "FullOnly"
SAMPLE = "Sample"
ALL = "All"
EVOLVE = "Evolve"
FREEZE = "Freeze"

_CHOICES: Dict[str, Tuple[str, ...]] = {
    "load_type": (INCREMENTAL, FULL),
    "null_cursor": (FAIL, INCLUDE, FULL_ONLY),
    "detect_deletes": ("false", "true"),
    "schema_evolution": (EVOLVE, FREEZE),
    "compare_rows": (SAMPLE, ALL),
    "engine": (SPARK, PYTHON_SHELL),
}
"""What an argument may be; the first is the default."""

_NUMBERS = {
    "file_count": ("0", 0, 10000),
    "file_mb": ("256", 1, 4096),
    "lookback_seconds": ("0", 0, 31536000),
    "lag_seconds": ("600", 0, 86400),
    "delete_limit_percent": ("20", 0, 100),
    "max_connections": ("4", 1, 64),
}
"""The default of an argument, its least and its greatest value."""


@dataclass(frozen=True)
class Arguments:
    """The arguments of one job run. Empty columns mean none; file_count 0 lets the job decide.

    Of delta_columns, the first that is not NULL is a row's cursor; a full load may name none.
    """

    secret_name: str
    table: TableName
    bucket: str
    load_type: str
    delta_columns: Tuple[str, ...]
    null_cursor: str
    lookback_seconds: int
    lag_seconds: int
    partition_column: str
    primary_key: Tuple[str, ...]
    detect_deletes: bool
    delete_limit_percent: int
    schema_evolution: str
    compare_rows: str
    file_count: int
    file_mb: int  # target size of files when file_count is 0
    max_connections: int
    engine: str
    job_run_id: str
    policies: Policies = EXACT

    @property
    def needs_key_diff(self) -> bool:
        """Report whether keys of the source are compared with landed keys."""
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
    parser.add_argument("--delta_column", default="")
    parser.add_argument("--partition_column", default="")
    parser.add_argument("--primary_key", default="[]")
    for name, allowed in _CHOICES.items():
        parser.add_argument("--" + name, default=allowed[0])
    for name, (default, _, _) in _NUMBERS.items():
        parser.add_argument("--" + name, default=default)
    parser.add_argument("--types", default="{}")
    parser.add_argument("--columns", default="{}")
    parser.add_argument("--JOB_RUN_ID", dest="job_run_id", default="")
    given, _ = parser.parse_known_args(list(words))
    problems: List[str] = []
    table = _table(given.source_table, problems)
    if given.file_format != "parquet":
        problems.append("--file_format {!r} is not supported (parquet is)".format(given.file_format))
    for name, allowed in _CHOICES.items():
        if getattr(given, name) not in allowed:
            problems.append("--{} {!r} is not {}".format(name, getattr(given, name), " or ".join(allowed)))
    numbers = {name: _number(name, getattr(given, name), problems) for name in _NUMBERS}
    delta_columns = _delta_columns(given.delta_column, problems)
    primary_key = _columns("--primary_key", given.primary_key, problems)
    types, columns = _object("--types", given.types, problems), _object("--columns", given.columns, problems)
    policies = policy.decode(types, columns, problems)
    if problems or table is None:
        raise _wrong(problems)
    arguments = Arguments(
        secret_name=given.secret_name,
        table=table,
        bucket=given.destination_bucket,
        load_type=given.load_type,
        delta_columns=delta_columns,
        null_cursor=given.null_cursor,
        partition_column=given.partition_column,
        primary_key=primary_key,
        detect_deletes=given.detect_deletes == "true",
        schema_evolution=given.schema_evolution,
        compare_rows=given.compare_rows,
        engine=given.engine,
        job_run_id=given.job_run_id,
        policies=policies,
        **numbers,
    )
    problems = _together(arguments)
    if problems:
        raise _wrong(problems)
    return arguments


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


def _together(given: Arguments) -> List[str]:
    """Return what is wrong with arguments that mean something only with others."""
    problems = []
    incremental = given.load_type == INCREMENTAL
    if incremental and not given.delta_columns:
        problems.append("--load_type Incremental needs --delta_column")
    if incremental and not given.primary_key:
        needs = [
            ("--null_cursor Include", given.null_cursor == INCLUDE),
            ("--lookback_seconds", given.lookback_seconds > 0),
            ("--detect_deletes", given.detect_deletes),
        ]
        problems += ["{} needs --primary_key".format(name) for name, it in needs if it]
    for column, rules in given.policies.columns:
        if rules.rule not in ("", HASH) and column in given.primary_key:
            problems.append("--columns has the rule {} for {!r} of --primary_key".format(rules.rule, column))
        if rules.rule and incremental and column in given.delta_columns:
            problems.append("--columns has a rule for {!r} of --delta_column".format(column))
        if rules.rule and column == given.partition_column:
            problems.append("--columns has a rule for --partition_column {!r}".format(column))
    return problems


def _number(name: str, text: str, problems: List[str]) -> int:
    default, least, most = _NUMBERS[name]
    if text == "":
        text = default
    if text.isascii() and text.isdigit() and least <= int(text) <= most:
        return int(text)
    problems.append("--{} {!r} is not a number from {} to {}".format(name, text, least, most))
    return int(default)


def _delta_columns(text: str, problems: List[str]) -> Tuple[str, ...]:
    """Return one column as it is, or the columns of a JSON list."""
    if text.startswith("["):
        return _columns("--delta_column", text, problems)
    return (text,) if text else ()


def _columns(name: str, text: str, problems: List[str]) -> Tuple[str, ...]:
    try:
        columns = json.loads(text)
    except ValueError:
        columns = None
    if isinstance(columns, list) and all(isinstance(column, str) and column for column in columns):
        if len(set(columns)) == len(columns):
            return tuple(columns)
        problems.append("{} {!r} names a column twice".format(name, text))
    else:
        problems.append("{} {!r} is not a JSON list of column names".format(name, text))
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
