"""Another database engine is a package and a line in engines.py: nothing else knows PostgreSQL by name."""

from __future__ import annotations

import ast
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List

import duckdb
import pytest
import toy_dialect
from conftest import ROOT
from support import World

from landing.databases.dialect import Dialect
from landing.databases.engines import ENGINES, dialect
from landing.databases.postgres import DIALECT
from landing.job.secret import decode

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


@dataclass
class ToyWorld:
    """A world whose secret is of another engine, and a session that writes to its file."""

    world: World
    store: duckdb.DuckDBPyConnection

    def rows(self) -> List[List[int]]:
        """Return the ids of each batch, in order."""
        files = [[self.world.read_file(file) for file in commit["files"]] for commit in self.world.commits("orders")]
        return [sorted(id_ for table in tables for id_ in table.column("id").to_pylist()) for tables in files]


@pytest.fixture
def toy(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ToyWorld]:
    """A table in a database of the toy's."""
    package = toy_dialect.module()
    monkeypatch.setitem(sys.modules, "toy", package)
    monkeypatch.setitem(ENGINES, "toy", "toy")
    login = {"host": "h", "dbname": "toys", "username": "u", "password": "pw", "path": str(tmp_path / "toys.duckdb")}
    secret = json.dumps({**login, "engine": "toy"})
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=secret)
    database = package.DIALECT.connect(decode("", secret))
    store = database.duck.cursor()
    store.execute("CREATE TABLE store.orders (id BIGINT, name VARCHAR, updated_at TIMESTAMP)")
    monkeypatch.setattr(World, "prefix", lambda self, table: f"toys/{self.schema.name}.{table}/")
    yield ToyWorld(world, store)
    database.close()


def test_postgres_is_a_dialect() -> None:
    """The type checker compares every method with the protocols."""
    spoken: Dialect = DIALECT
    assert spoken.default_port == 5432


def test_a_toy_lands_by_a_clock(toy: ToyWorld) -> None:
    """With a lookback for late rows, whose keys are compared, and full loads."""
    options = {"primary_key": '["id"]', "lookback_seconds": "3600", "detect_deletes": "true"}
    toy.store.execute("INSERT INTO store.orders SELECT n, 'é' || n, '2024-01-01' FROM range(1, 10) AS t (n)")
    toy.world.land("orders", **options)
    toy.world.land("orders", **options)
    assert len(toy.world.commits("orders")) == 1
    toy.store.execute("INSERT INTO store.orders SELECT 10, NULL, (now() AT TIME ZONE 'UTC') - INTERVAL 1 MINUTE")
    toy.world.land("orders", **options)
    assert toy.rows() == [list(range(1, 10)), [10]]
    toy.world.full("orders", file_count="3")
    assert toy.world.column("orders") == list(range(1, 11))
    assert len(toy.world.commits("orders")[-1]["files"]) == 3


def test_a_toy_lands_late_numbers(toy: ToyWorld) -> None:
    """Its visibility is not PostgreSQL's, and comes back from the commit record as it was."""
    toy.store.execute("INSERT INTO store.orders SELECT n, 'x', NULL FROM range(5, 10) AS t (n)")
    toy.world.land("orders", delta_column="id")
    toy.store.execute("INSERT INTO store.orders VALUES (2, 'late', NULL), (10, 'new', NULL)")
    toy.world.land("orders", delta_column="id")
    toy.world.land("orders", delta_column="id")
    assert toy.rows() == [[5, 6, 7, 8, 9], [2, 10]]
    assert [commit["sight"] for commit in toy.world.commits("orders")] == [{"rows seen": 5}, {"rows seen": 7}]


def test_a_toy_says_what_is_wrong(toy: ToyWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert toy.world.run("nothing", delta_column="id") == 1
    assert "the file has no such table. Correct SourceTable" in capsys.readouterr().err


def test_every_engine_has_all_members_of_the_protocol() -> None:
    """The package of an engine is found by its name, so that no type checker sees what it lacks."""
    members = {name for name in vars(Dialect) if not name.startswith("_")}
    assert members == {"default_port", "login_options", "connect"}
    for engine in ENGINES:
        assert [name for name in members if not hasattr(dialect(engine), name)] == []
