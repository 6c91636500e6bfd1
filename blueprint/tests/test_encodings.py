"""Databases in other encodings than UTF-8: names and values are what they are, and so are hashes."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any, Dict, List

import pyarrow.parquet as pq
import pytest
from support import World

ENCODINGS = {"LATIN1": "größe", "EUC_JP": "表", "KOI8R": "имя", "WIN1252": "€ œ"}


def _landed(world: World, prefix: str) -> List[Dict[str, Any]]:
    """Return the rows of all batches, as there are no deletes."""
    listed = world.aws.s3.list_objects_v2(Bucket=world.bucket, Prefix=prefix)["Contents"]
    keys = [item["Key"] for item in listed if "/batch=" in item["Key"]]
    return [row for key in keys for row in pq.read_table(io.BytesIO(world.get(key))).to_pylist()]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_names_values_and_hashes(world: World, encoding: str) -> None:
    name, database = ENCODINGS[encoding], world.schema.name
    world.schema.run(f"CREATE DATABASE {database} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    try:
        writer = world.postgres.connect(dbname=f"{database} client_encoding=UTF8")
        writer.run(f'CREATE TABLE "{name}" (id int PRIMARY KEY, "{name}" text, n text[], secret text, t timestamptz)')
        values = f"'{name}', '{{{name}}}', '{name}'"
        writer.run(f"INSERT INTO \"{name}\" VALUES (1, {values}, '2024-01-01')")
        content = world.postgres.secret(dbname=database, salt=name)
        world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(content))
        options = {"source_table": f"public.{name}", "delta_column": "t", "primary_key": '["id"]'}
        options["columns"] = '{"secret": {"Rule": "Hash"}}'
        world.land(name, **options)
        writer.run(f'INSERT INTO "{name}" VALUES (2, {values}, now())')
        world.land(name, **options, detect_deletes="true", lookback_seconds="60")
        writer.close()
    finally:
        world.schema.run(f"DROP DATABASE {database} WITH (FORCE)")
    landed = _landed(world, database + "/")
    assert sorted(row["id"] for row in landed) == [1, 2]
    for found in landed:
        assert (found[name], found["n"]) == (name, [name])
        assert found["secret"] == hashlib.sha256((name + name).encode()).hexdigest()
