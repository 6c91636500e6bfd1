"""Somebody who sets watermarks back, asks for backfills and resets the table, as the landfall command does."""

from __future__ import annotations

import contextlib
import json
from random import Random
from typing import Any, Dict

from botocore.exceptions import ClientError
from support import World

_STAMP = "2026-01-01T00:00:00+00:00"


def operate(world: World, random: Random) -> None:
    """Do one random thing. A job run may take the number first: then nothing is done."""
    records = world.commits("events")
    landed = [record for record in records if record.get("window")]
    if not landed:
        return
    choice = random.random()
    low = random.choice(landed)["window"]["low"] or ("0" if landed[0]["window"]["type"].startswith("int") else _STAMP)
    if choice < 0.5:
        _backfill(world, records[-1]["seq"], low, landed[-1]["watermark"])
    elif choice < 0.8:
        _state(world, records[-1], action="set", watermark=low)
    else:
        _state(world, records[-1], action="reset", watermark=None)


def _backfill(world: World, after: int, low: str, high: str) -> None:
    request = {"version": 1, "kind": "backfill", "id": "request-{}".format(after), "after": after}
    _put(world, "requests/{}.json".format(after), {**request, "from": low, "to": high, "requestedAt": _STAMP})


def _state(world: World, last: Dict[str, Any], **what: Any) -> None:
    seq = last["seq"] + 1
    record = {"version": 1, "kind": "state", "seq": seq, "base": last["base"], "files": [], "committedAt": _STAMP}
    _put(world, "commits/{:08d}.json".format(seq), {**record, **what})


def _put(world: World, name: str, content: Dict[str, Any]) -> None:
    key = world.prefix("events") + "_landfall/" + name
    with contextlib.suppress(ClientError):
        world.aws.s3.put_object(Bucket=world.bucket, Key=key, Body=json.dumps(content).encode(), IfNoneMatch="*")
