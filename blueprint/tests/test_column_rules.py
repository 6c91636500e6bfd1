"""The rules of Columns: what is not to leave the database does not."""

from __future__ import annotations

import hashlib
import json
from typing import Dict

import pyarrow.compute as pc
import pytest
from support import World

PEOPLE = """
CREATE TABLE $people (id text, name text, age int, born date, pad char(4), photo bytea, tags text[], updated_at timestamptz NOT NULL);
INSERT INTO $people VALUES
  ('a', 'Zoë "Z" 😀', 41, '1984-02-29', 'x', '\\x00ff', '{a,NULL}', '2024-01-01'), ('b', NULL, NULL, NULL, NULL, NULL, NULL, '2024-01-01')
"""
SEEN = {"name": 'Zoë "Z" 😀', "age": "41", "born": "1984-02-29", "pad": "x   ", "photo": "\\x00ff", "tags": "{a,NULL}"}
"""The text of each value, as psql shows it."""


def columns(**rules: Dict[str, str]) -> str:
    """Return the argument."""
    return json.dumps(rules)


def sha256(text: str) -> str:
    """Return what the documentation promises."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("salt", ["", "pépper 'n \\ salt"])
def test_hash(world: World, salt: str) -> None:
    """SHA-256 of the salt and the text, whatever the type; NULL stays NULL."""
    if salt:
        content = world.postgres.secret(salt=salt)
        world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(content))
    world.schema.run(PEOPLE)
    world.land("people", columns=columns(**{name: {"Rule": "Hash"} for name in SEEN}))
    rows = world.read("people").to_pylist()
    (first,) = [row for row in rows if row["id"] == "a"]
    (second,) = [row for row in rows if row["id"] == "b"]
    assert {name: first[name] for name in SEEN} == {name: sha256(salt + text) for name, text in SEEN.items()}
    assert [second[name] for name in SEEN] == [None] * len(SEEN)


def test_a_salt_that_is_missing_is_an_error(world: World) -> None:
    """A query outside a session of the job must not hash without the salt."""
    with pytest.raises(Exception, match=r"landfall\.salt"):
        world.schema.query("SELECT pg_catalog.current_setting('landfall.salt') AS x")


def test_mask_and_drop(world: World) -> None:
    world.schema.run(PEOPLE)
    rules = columns(
        name={"Rule": "Mask"},
        age={"Rule": "Mask", "MaskWith": "it's 'x'"},
        born={"Rule": "Drop"},
        photo={"Rule": "Mask", "MaskWith": ""},
    )
    world.land("people", columns=rules)
    got = world.read("people")
    assert "born" not in got.column_names
    rows = {row["id"]: row for row in got.to_pylist()}
    assert [rows["a"][name] for name in ("name", "age", "photo")] == ["***", "it's 'x'", ""]
    assert [rows["b"][name] for name in ("name", "age", "photo")] == [None, None, None]
    for key in world.keys("people"):
        if key.endswith(".parquet"):
            content = world.get(world.prefix("people") + key)
            assert "Zoë".encode() not in content
            assert b"1984-02-29" not in content


def test_a_hashed_key_tells_rows_apart(world: World) -> None:
    """A row that is landed twice has one hash, rows that differ have two."""
    world.schema.run(PEOPLE)
    options = {"columns": columns(id={"Rule": "Hash"}), "primary_key": '["id"]'}
    world.land("people", **options)
    world.schema.run("UPDATE $people SET age = age + 1, updated_at = now() WHERE id = 'a'")
    world.land("people", **options)
    got = world.read("people")
    hashes = got["id"].to_pylist()
    assert sorted(set(hashes)) == sorted({sha256("a"), sha256("b")})
    assert pc.max(got.filter(pc.equal(got["id"], sha256("a")))["age"]).as_py() == 42


def test_a_hashed_key_de_duplicates(world: World) -> None:
    """With LookbackSeconds every load reads rows again that have landed; by their hashed key they are told apart."""
    world.schema.run(PEOPLE)
    options = {"columns": columns(id={"Rule": "Hash"}), "primary_key": '["id"]', "lookback_seconds": "31536000"}
    world.land("people", **options)
    world.schema.run("INSERT INTO $people (id, updated_at) VALUES ('c', now())")
    world.land("people", **options)
    assert sorted(world.read("people")["id"].to_pylist()) == sorted(sha256(name) for name in ("a", "b", "c"))
