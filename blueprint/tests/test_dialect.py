"""A second database engine is a package and a line in engines.py: nothing else knows PostgreSQL by name."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, List

import pytest
from conftest import ROOT
from support import World

from landing.databases.dialect import Dialect
from landing.databases.postgres import DIALECT, session
from landing.job.secret import decode
from landing.read import extract

LANDING = ROOT / "blueprint/landing"
NEUTRAL = sorted(file for file in LANDING.rglob("*.py") if "postgres" not in file.parts)


def test_nothing_else_imports_a_dialect() -> None:
    for file in NEUTRAL:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            assert not [name for name in names if name.startswith("landing.databases.postgres")], file.name


@pytest.mark.parametrize("file", NEUTRAL, ids=lambda file: file.name)
def test_nothing_else_writes_the_sources_sql(file: Path) -> None:
    if file.name != "engines.py":
        texts = [node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)]
        assert not [text for text in texts if isinstance(text, str) and ("pg_" in text or "postgres_" in text)]


class Toy:
    """PostgreSQL under another name; it notes what it is asked."""

    def __init__(self) -> None:
        self.asked: List[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(DIALECT, name)


@pytest.fixture
def toy(world: World, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """The only dialect there is."""
    package, made = ModuleType("toy"), Toy()
    package.DIALECT = made  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toy", package)
    monkeypatch.setattr("landing.databases.dialect.ENGINES", {"toy": "toy"})
    monkeypatch.setattr("landing.job.secret.ENGINES", {"toy": "toy"})
    secret = json.dumps(world.postgres.secret(engine="toy"))
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=secret)
    return made


def test_another_dialect(world: World, toy: Toy) -> None:
    """Windows, late numbers, deletes and splits, all by way of the secret's engine."""
    spoken: Dialect = DIALECT
    assert all(callable(getattr(spoken, name)) for name in ("attach", "session", "source"))
    world.schema.run("CREATE TABLE $orders (id bigserial PRIMARY KEY, name text)")
    late = world.schema.writer.begin()
    late.run(f"INSERT INTO {world.schema.name}.orders (name) VALUES ('late')")
    world.schema.run("INSERT INTO $orders (name) SELECT 'x' FROM generate_series(1, 9)")
    options = {"delta_column": "id", "primary_key": '["id"]', "detect_deletes": "true", "file_count": "2"}
    world.land("orders", **options)
    late.commit()
    world.schema.run("DELETE FROM $orders WHERE id = 5")
    world.land("orders", **options)
    assert [(commit["rows"], commit["deleted"]) for commit in world.commits("orders")] == [(9, 0), (1, 1)]
    world.full("orders")
    assert world.column("orders") == [1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert set(toy.asked) == {"attach", "session", "source"}
    extract._connections.clear()
    session.detach(decode("", json.dumps(world.postgres.secret(engine="toy"))))
