"""The sample database, whole and then by increments, compared with its source value by value."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest
from conftest import ROOT
from support import World

from landing.databases.postgres.quoting import identifier, literal

TABLES = [
    "regions",
    "countries",
    "locations",
    "departments",
    "jobs",
    "employees",
    "job_history",
    "dependents",
    "everything",
]


@pytest.fixture
def sample(world: World) -> World:
    """The schema hr in the tests' database; schema.sql begins from nothing."""
    for name in ("schema", "data"):
        world.schema.writer.run((ROOT / f"examples/hr/{name}.sql").read_text())
    world.schema.name = "hr"
    return world


def _land(sample: World, table: str) -> None:
    options = {"partition_column": "employment_type"} if table == "employees" else {}
    options |= {"load_type": "Full"} if table == "regions" else {}
    sample.land(table, **options)


def _compare(sample: World, table: str, landed: List[Dict[str, Any]], condition: str = "true") -> None:
    """Have PostgreSQL compare: each landed value goes back to it as text and must be the row's own."""
    sample.schema.run("SET timezone = 'UTC'")
    types = dict(
        sample.schema.query(
            "SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute "
            f"WHERE attrelid = 'hr.{table}'::regclass AND attnum > 0"
        )
    )
    document = json.dumps([{name: _text(row[name]) for name in types} for row in landed])
    values = ", ".join(
        f"(row->>{literal(name)})::{type_name} AS {identifier(name)}" for name, type_name in types.items()
    )
    there = f"SELECT {values} FROM jsonb_array_elements({literal(document)}::jsonb) AS row"
    source = f"SELECT * FROM hr.{identifier(table)} WHERE {condition}"
    differing = sample.schema.query(
        f"WITH there AS MATERIALIZED ({there}) SELECT count(*) AS n FROM "
        f"(({source} EXCEPT ALL TABLE there) UNION ALL (TABLE there EXCEPT ALL {source})) AS differing"
    )
    assert differing == [(0,)], table


def _text(value: Any) -> Any:
    """Return a landed value as text that PostgreSQL takes for it."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, list):
        return "{{{}}}".format(
            ",".join("NULL" if item is None else json.dumps(str(item), ensure_ascii=False) for item in value)
        )
    if isinstance(value, float):
        return repr(value)
    return value if value is None or isinstance(value, bool) else str(value)


def test_sample_database(sample: World) -> None:
    for table in TABLES:
        _land(sample, table)
        _compare(sample, table, sample.read(table).to_pylist())
        sample.assert_consistent(table)
    sample.schema.writer.run((ROOT / "examples/hr/changes.sql").read_text())
    landed = {}
    for table in TABLES:
        _land(sample, table)
        commits = sample.commits(table)
        if len(commits) == 1:
            landed[table] = 0
            continue
        landed[table] = commits[1]["rows"]
        rows = [row for file in commits[1]["files"] for row in sample.read_file(file).to_pylist()]
        condition = "true" if table == "regions" else f"updated_at >= '{commits[0]['watermark']}'"
        _compare(sample, table, rows, condition)
    assert landed == {
        "regions": 6, "countries": 0, "locations": 0, "departments": 3, "jobs": 0,
        "employees": 30, "job_history": 10, "dependents": 0, "everything": 4,
    }  # fmt: skip
