"""The job's arguments."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any, Dict, List, NoReturn, Optional, Sequence, Tuple

from landing.job import catalog_keys, policy, table_name
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

_DEFAULTS: Dict[str, str] = {
    **catalog_keys.TEXTS,
    **{name: default for name, (default, _) in catalog_keys.CHOICES.items()},
    **{name: str(default) for name, (default, _, _) in catalog_keys.NUMBERS.items()},
    **{name: str(default).lower() for name, default in catalog_keys.FLAGS.items()},
}
"""The defaults of arguments, as text. The others are required."""


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
    for name in catalog_keys.KEYS:
        parser.add_argument("--" + name, default=_DEFAULTS.get(name), required=name not in _DEFAULTS)
    parser.add_argument("--JOB_RUN_ID", dest="job_run_id", default="")
    given, _ = parser.parse_known_args(list(words))
    problems: List[str] = []
    table = _table(given.source_table, problems)
    values: Dict[str, Any] = {name: _choice(name, getattr(given, name), problems) for name in catalog_keys.CHOICES}
    values.update((name, _number(name, getattr(given, name), problems)) for name in catalog_keys.NUMBERS)
    values.update((name, _flag(name, getattr(given, name), problems)) for name in catalog_keys.FLAGS)
    del values["file_format"]  # there is only one
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
        delta_columns=delta_columns,
        partition_column=given.partition_column,
        primary_key=primary_key,
        job_run_id=given.job_run_id,
        policies=policies,
        **values,
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


def _choice(name: str, text: str, problems: List[str]) -> str:
    _, allowed = catalog_keys.CHOICES[name]
    if text not in allowed:
        problems.append("--{} {!r} is not {}".format(name, text, " or ".join(allowed)))
    return text


def _number(name: str, text: str, problems: List[str]) -> int:
    default, least, most = catalog_keys.NUMBERS[name]
    if text == "":
        return default
    if text.isascii() and text.isdigit() and least <= int(text) <= most:
        return int(text)
    problems.append("--{} {!r} is not a number from {} to {}".format(name, text, least, most))
    return default


def _flag(name: str, text: str, problems: List[str]) -> bool:
    if text not in ("false", "true"):
        problems.append("--{} {!r} is not false or true".format(name, text))
    return text == "true"


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
