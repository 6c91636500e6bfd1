"""Foreign tables: rows of another database, which has transactions and snapshots of its own."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator

import pytest
from support import World, Writer, eventually

from landing.job.tuning import SPLIT_OPENED

_HERE = """
    CREATE EXTENSION IF NOT EXISTS postgres_fdw SCHEMA {0};
    CREATE SERVER {0} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{host}', port '{port}', dbname '{0}');
    CREATE USER MAPPING FOR CURRENT_USER SERVER {0} OPTIONS (user '{username}', password '{password}');
    CREATE FOREIGN TABLE {0}.orders (id int, name text, n numeric(10, 2), updated_at timestamptz)
      SERVER {0} OPTIONS (schema_name 'public', table_name 'orders')
"""


@pytest.fixture
def other(world: World) -> Iterator[Writer]:
    """Another database, whose table is there as a foreign one."""
    name, secret = world.schema.name, world.postgres.secret()
    world.schema.run(f"CREATE DATABASE {name}")
    writer = world.postgres.connect(dbname=name)
    writer.run("CREATE TABLE orders (id int PRIMARY KEY, name text, n numeric(10, 2), updated_at timestamptz)")
    writer.run("INSERT INTO orders SELECT n, repeat('é', n), n / 7.0, '2024-01-01' FROM generate_series(1, 2000) AS n")
    for statement in _HERE.format(name, **secret).split(";"):
        world.schema.run(statement)
    yield writer
    writer.close()
    world.schema.run(f"DROP SERVER {name} CASCADE")
    world.schema.run(f"DROP DATABASE {name} WITH (FORCE)")


KINDS: Dict[str, str] = {
    "foreign table": "SELECT 1",
    "partitioned table": """
        CREATE TABLE $kind (id int, name text, n numeric(10, 2), updated_at timestamptz) PARTITION BY RANGE (id);
        ALTER TABLE $kind ATTACH PARTITION $orders FOR VALUES FROM (1) TO (5000);
        CREATE TABLE $kind2 PARTITION OF $kind DEFAULT""",
    "view": "CREATE VIEW $below AS SELECT * FROM $orders; CREATE VIEW $kind AS SELECT * FROM $below",
}


@pytest.mark.parametrize("load", ["Full", "Incremental"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_lands_while_others_write(world: World, other: Writer, kind: str, load: str) -> None:
    """One session reads all of it: in another's snapshot there the rows would be others."""
    world.tune(min_split_bytes=8192)
    world.schema.run(KINDS[kind])

    def write(**_: Any) -> None:
        other.run("DELETE FROM orders WHERE id % 7 = 0; UPDATE orders SET name = 'x'")

    name = "orders" if kind == "foreign table" else "kind"
    with world.at(SPLIT_OPENED, write):
        world.land(name, load_type=load, file_count="2", primary_key='["id"]')
    assert world.column(name) == list(range(1, 2001))
    assert set(world.column(name, "name")) == {"é" * n for n in range(1, 2001)}
    world.assert_consistent(name)


@pytest.mark.parametrize("kind", KINDS)
def test_transactions_of_the_other_server_are_waited_for(
    world: World, other: Writer, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    world.schema.run(KINDS[kind])
    name = "orders" if kind == "foreign table" else "kind"
    late = other.begin()
    late.run("INSERT INTO orders VALUES (5001, 'late', 1, now())")
    other.run("INSERT INTO orders VALUES (5002, 'new', 1, clock_timestamp())")
    world.land(name, primary_key='["id"]')
    late.commit()
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any("another server" in event.get("reason", "") for event in said)
    assert world.column(name)[-1] == 2000, "the window ends before what may still be in progress there"

    def landed() -> bool:
        world.land(name, lag_seconds="1", primary_key='["id"]')
        return world.column(name)[-2:] == [5001, 5002]

    eventually(landed, "the lag is over after a second")
