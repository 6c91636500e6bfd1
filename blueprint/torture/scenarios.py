"""What is tried: how rows are written, how the table is landed, and what goes wrong meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Callable, Dict, Optional, Tuple

Value = Callable[[Random], str]


def _now(_: Random) -> str:
    return "now()"


def _skewed(random: Random) -> str:
    """Return a moment of a machine whose clock is up to two seconds off."""
    return "now() + interval '{} ms'".format(random.randint(-2000, 150))


def _sometimes_null(random: Random) -> str:
    return random.choice(["now()", "now()", "NULL"])


def _days(random: Random) -> str:
    """Return a day that is over, entered up to three days late."""
    return "(now() AT TIME ZONE 'America/New_York')::date - {}".format(random.randint(1, 3))


def _skewed_or_null(random: Random) -> str:
    return random.choice([_skewed(random), "NULL"])


def _drawn_or_null(random: Random) -> str:
    return random.choice([_drawn(random), _drawn(random), "NULL"])


def _drawn(_: Random) -> str:
    return "nextval('$drawn')"


@dataclass(frozen=True)
class Scenario:
    """One kind of trouble. kills are steps at which job runs are killed, errors what fails around them."""

    name: str
    type: str = "timestamptz"  # of the cursor
    value: Value = _now  # SQL that a writer sets it to in a new row
    touch: Optional[Value] = None  # in a changed row, if that is another
    options: Dict[str, str] = field(default_factory=dict)  # of the job
    kills: Tuple[str, ...] = ()
    errors: Tuple[str, ...] = ()
    hold: bool = True  # whether transactions stay open across job runs
    updates: bool = True
    deletes: bool = False
    busy: bool = False  # whether another session writes all the time
    operated: bool = False  # whether somebody backfills, resets and sets watermarks back between job runs
    ahead: float = 0.0  # seconds by which a cursor may be ahead of the clock: so much later, everything can be landed


KILLS = (
    "before the read",
    "mid-write",
    "after the write",
    "before the commit",
    "after the commit",
    "before the Glue Data Catalog",
    "within the Glue Data Catalog",
    "any moment",
)
_FULL = {"load_type": "Full", "delta_column": ""}
_COALESCE = {"delta_column": '["updated_at", "created_at"]'}
_KEY = {"primary_key": '["id"]'}
_SPLITS = {"file_count": "3"}
_DELETES = {"detect_deletes": "true", "delete_limit_percent": "100", "primary_key": '["id"]'}

SCENARIOS = (
    Scenario("ties at the boundary", "timestamptz(0)", busy=True, ahead=1.6),
    Scenario("transactions stay open, commits out of order", options=_SPLITS),
    Scenario("the same, with a writer at all times", options=_SPLITS, busy=True),
    Scenario("timestamp without time zone", "timestamp(2)"),
    Scenario("sequence as cursor", "bigint", value=_drawn, busy=True),
    Scenario("sequence as cursor, savepoints", "integer", value=_drawn, options=_SPLITS),
    Scenario("coalesce of two columns", options=_COALESCE, value=_sometimes_null, touch=_now),
    Scenario("NULL cursors", value=_sometimes_null, options={"null_cursor": "Include", "primary_key": '["id"]'}),
    Scenario(
        "skewed clocks",
        value=_skewed,
        options={"lookback_seconds": "60", "primary_key": '["id"]'},
        busy=True,
        ahead=0.3,
    ),
    Scenario("days entered late", "date", value=_days, options={"lookback_seconds": "432000", "primary_key": '["id"]'}),
    Scenario(
        "deletes",
        options=_DELETES,
        deletes=True,
    ),
    Scenario("full loads", options={**_FULL, **_SPLITS}, deletes=True, busy=True),
    *(Scenario("killed " + step, options=_SPLITS, kills=(step,)) for step in KILLS),
    Scenario("full load killed anywhere", options={**_FULL, **_SPLITS}, kills=KILLS, deletes=True),
    Scenario("partitions, killed anywhere", options={"partition_column": "kind", **_SPLITS}, kills=KILLS),
    Scenario("a split's connection is cut", options=_SPLITS, errors=("split cut",)),
    Scenario("the coordinator's snapshot is lost", options=_SPLITS, errors=("snapshot lost",)),
    Scenario("the connection drops mid-stream", options=_SPLITS, errors=("stream dropped",), busy=True),
    Scenario("S3 answers 500 and 503", options=_SPLITS, errors=("S3",)),
    Scenario("two job runs race", options=_SPLITS, errors=("race",), busy=True),
    Scenario("backfills, resets, watermarks set back", options=_KEY, kills=KILLS, operated=True),
    Scenario("the same with a sequence, without a key", "bigint", value=_drawn, errors=("race",), operated=True),
    Scenario(
        "sequence, lookback, NULL cursors and deletes, killed",
        "bigint",
        value=_drawn_or_null,
        options={**_DELETES, "null_cursor": "Include"},
        kills=KILLS,
        deletes=True,
        busy=True,
    ),
    Scenario(
        "skewed clocks, NULL cursors and deletes, killed",
        value=_skewed_or_null,
        options={**_DELETES, "null_cursor": "Include", "lookback_seconds": "60"},
        kills=KILLS,
        deletes=True,
        operated=True,
        ahead=0.3,
    ),
    Scenario("everything at once", options=_SPLITS, kills=KILLS, errors=("S3", "race", "split cut"), busy=True),
)
