"""What the files hold is held against the snapshot and against what arrived, before anything is published."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence, Tuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from support import World
from test_errors import failure

from landing.job.tuning import SPLIT_CHECKED, SPLIT_WRITTEN
from landing.read.executors import Extract, Threads
from landing.read.read_back import sample_share
from landing.read.split_task import SplitResult, SplitTask

TABLE = """
    CREATE TABLE $all (id bigint PRIMARY KEY, small smallint, yes boolean, amount numeric(12,2), wide numeric(38,10),
      score double precision, single real, name text, note varchar(90) NOT NULL, payload bytea, day date,
      at timestamp, updated_at timestamptz NOT NULL, ref uuid, attributes jsonb, tags int[], kind text);
    INSERT INTO $all SELECT n, n % 100, n % 2 = 0, n * 1.5, n * 1e20, n / 7.0, n / 7.0, 'name ' || n, 'note ' || n,
      decode(md5(n::text), 'hex'), date '2024-01-01' + n, timestamp '2024-01-01' + n * interval '1.5 s',
      timestamptz '2024-01-01 00:00+00' + n * interval '1.000001 s', md5(n::text)::uuid,
      jsonb_build_object('n', n), ARRAY[n, n + 1], CASE WHEN n % 3 > 0 THEN 'k' || n % 3 END
    FROM generate_series(1, 500) AS n;
    INSERT INTO $all (id, note, updated_at) VALUES (0, '', '2024-01-01')
"""
COLUMNS = [
    "id", "small", "yes", "amount", "wide", "score", "single", "name", "note", "payload", "day", "at", "updated_at",
    "ref", "attributes", "tags",
]  # fmt: skip

LOADS: Dict[str, Dict[str, str]] = {
    "full": {"load_type": "Full", "delta_column": ""},
    "incremental": {},
    "partitioned": {"partition_column": "kind"},
    "several files": {"load_type": "Full", "delta_column": "", "file_count": "3"},
}


@pytest.mark.parametrize("load", LOADS)
def test_what_was_written_well_is_published(world: World, load: str) -> None:
    world.schema.run(TABLE)
    world.land("all", **LOADS[load])
    assert world.column("all") == list(range(501))


def _changed(table: pa.Table, column: str) -> pa.Table:
    """Change one value, and nothing of its length or type."""
    values = table.column(column).to_pylist()
    row = next(n for n, value in enumerate(values) if value)
    value = values[row]
    if isinstance(value, str):
        value = value[:-1] + chr(ord(value[-1]) ^ 3)
    elif isinstance(value, bytes):
        value = value[:-1] + bytes([value[-1] ^ 3])
    elif isinstance(value, list):
        value = [value[0] + 1, *value[1:]]
    elif isinstance(value, bool):
        value = not value
    elif column in ("day", "at", "updated_at"):
        value = value.replace(day=value.day % 28 + 1)
    else:
        value += 1
    values[row] = value
    number = table.column_names.index(column)
    return table.set_column(number, table.field(number), pa.array(values, table.field(number).type))


def _twice_and_once(table: pa.Table, _: str) -> pa.Table:
    """Drop a row and repeat another: the number of rows stays."""
    return pa.concat_tables([table.slice(1), table.slice(5, 1)])


def _swapped(table: pa.Table, column: str) -> pa.Table:
    """Exchange two rows' values: no aggregate of the column changes."""
    number = table.column_names.index(column)
    order = list(range(table.num_rows))
    order[10], order[11] = 11, 10
    return table.set_column(number, table.field(number), pc.take(table.column(number), pa.array(order)))


def _spoil(folder: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the first file of a split."""
    path = sorted(Path(folder).rglob("*.parquet"))[0]
    pq.write_table(change(pq.ParquetFile(path).read()), path, compression="zstd")


CHANGES = [(_changed, column) for column in COLUMNS] + [(_twice_and_once, ""), (_swapped, "name"), (_swapped, "ref")]


@pytest.mark.parametrize("load", ["full", "partitioned"])
@pytest.mark.parametrize(("change", "column"), CHANGES, ids=[f"{c.__name__}{n}" for c, n in CHANGES])
def test_a_changed_file_is_not_published(
    world: World,
    capsys: pytest.CaptureFixture[str],
    load: str,
    change: Callable[[pa.Table, str], pa.Table],
    column: str,
) -> None:
    world.schema.run(TABLE)
    with world.at(SPLIT_WRITTEN, lambda folder: _spoil(folder, lambda table: change(table, column))):
        line = failure(world, capsys, "all", **LOADS[load])
    assert "the files do not hold what " in line
    if change is _changed:
        assert f": {column}" in line
    if change is _swapped:
        assert "what arrived from the database, row by row. " in line


class ReadInstead(Threads):
    """Has the source send something else for a column than the dialect says."""

    def __init__(self, column: str, instead: str) -> None:
        super().__init__(1)
        self._column, self._instead = column, instead

    def run(self, tasks: Sequence[SplitTask], extract_here: Extract) -> List[SplitResult]:
        """Read other queries than the tasks'."""
        return super().run([self._changed(task) for task in tasks], extract_here)

    def _changed(self, task: SplitTask) -> SplitTask:
        number = next(n for n, c in enumerate(task.columns) if c.name == self._column)
        value = task.columns[number].sent or task.columns[number].read
        assert f"{value} AS c{number}" in task.query.start
        start = task.query.start.replace(f"{value} AS c{number}", f"{self._instead.format(value)} AS c{number}")
        return dataclasses.replace(task, query=dataclasses.replace(task.query, start=start))


def test_what_cannot_land_is_found_outside_of_the_sample(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows with NaN and with far moments would arrive as something else; no row has to be in the sample for that."""
    world.tune(sample_rows=0)
    world.schema.run(TABLE)
    world.schema.run("UPDATE $all SET amount = 'NaN' WHERE id = 77; UPDATE $all SET at = '294270-01-01' WHERE id = 78")
    line = failure(world, capsys, "all")
    assert "1 row of amount holds NaN" in line
    assert "1 row of at holds a value before year 1, after year 9999 or infinite" in line


def test_the_extremes_of_the_cursor_are_compared(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.tune(sample_rows=0)
    world.schema.run(TABLE)
    world.executor = ReadInstead("updated_at", "pg_catalog.date_trunc('second', {})")
    assert "the files do not hold what the snapshot does: updated_at (min). " in failure(world, capsys, "all")


def test_the_sample_is_drawn_anew(world: World) -> None:
    """Of many rows some are compared, not always the same."""
    world.tune(sample_rows=50)
    world.schema.run(TABLE)
    drawn: List[List[int]] = []

    def draw(session: Any, task: SplitTask) -> None:
        sql = f"SELECT c0 FROM {session.relation(task.query.rows(sample_share(task, 501)))}"
        drawn.append(sorted(row[0] for row in session.run(sql + " WHERE x IS NOT NULL").fetchall()))

    with world.at(SPLIT_CHECKED, draw):
        world.land("all", **LOADS["full"])
        world.land("all", **LOADS["full"])
    assert all(10 < len(rows) < 120 for rows in drawn)
    assert drawn[0] != drawn[1]


READS: Dict[str, Tuple[str, str]] = {
    # what is read instead of the column, and the column that the error names
    "NULL for a value": ("CASE WHEN id = 7 THEN NULL ELSE {} END", "ref"),
    "another number": ("{} + CASE WHEN id = 7 THEN 1::smallint ELSE 0::smallint END::smallint", "small"),
    "a rounded decimal": ("pg_catalog.round({}, 0)::numeric(12,2)", "amount"),
    "0 for a decimal": ("CASE WHEN id = 7 THEN 0 ELSE {} END::numeric(38,10)", "wide"),
    "a shorter text": ("pg_catalog.rtrim({}, '7')", "name"),
    "a text of the same length": ("pg_catalog.replace({}, '7', '8')", "name"),
    "shorter bytes": ("pg_catalog.substr({}, 2)", "payload"),
    "another day": ("{} + 1", "day"),
    "another second": ("{} + interval '1 second'", "at"),
    "a lost fraction of the cursor": ("pg_catalog.date_trunc('second', {})", "updated_at"),
    "the other truth": ("CASE WHEN id = 7 THEN true ELSE {} END", "yes"),
    "a smaller float": ("{} / 2", "score"),
    "a less exact float": ("{}::real::double precision", "score"),
    "a longer list": ("{} || 1", "tags"),
    "another key in a document": ("{} || '{{\"m\": 1}}'", "attributes"),
}


def test_all_rows_are_compared_when_the_catalog_says_so(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """One row of many is never in an empty sample."""
    world.tune(sample_rows=0)
    world.schema.run(TABLE)
    world.executor = ReadInstead("name", "CASE WHEN id = 250 THEN 'x' ELSE {} END")
    line = failure(world, capsys, "all", compare_rows="All")
    assert "what arrived is not what the database shows: name. " in line
    world.land("all", compare_rows="Sample")
    assert world.column("all") == list(range(501)), "without a sample, it is not noticed"


@pytest.mark.parametrize("name", READS)
def test_what_arrives_otherwise_than_the_snapshot_says(
    world: World, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    world.schema.run(TABLE)
    instead, column = READS[name]
    world.executor = ReadInstead(column, instead)
    line = failure(world, capsys, "all")
    assert f"what arrived is not what the database shows: {column}. " in line
