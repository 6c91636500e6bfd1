"""One table of a PostgreSQL database, seen through one snapshot."""

from __future__ import annotations

from types import TracebackType
from typing import List, Optional, Sequence, Tuple, Type

from landing.databases.model import DEFAULT_PARTITION, Check, Column, Reading, Sizing, Split, Table
from landing.databases.postgres import attributes, relation, session, splits, types
from landing.databases.postgres import extremes as proofs
from landing.databases.postgres import safe_watermark as bound
from landing.databases.postgres.incremental import Loads
from landing.databases.postgres.quoting import identifier
from landing.databases.postgres.quoting import relation as relation_name
from landing.job.errors import LandingError, some
from landing.job.policy import DROP, EXACT, Policies
from landing.job.secret import Secret
from landing.job.table_name import TableName

_MAX_PARTITION_BYTES = 250  # three times that and the rest of the key stay below S3's 1,024

_WHOLE_NUMBERS = ("SMALLINT", "INTEGER", "BIGINT")

_GUESSED_WIDTH = 24  # bytes of a column of a view

_SAMPLED_BYTES = 64 * 1024  # of a row as it is stored: its texts are read into memory at once

_CTID_RANGES = 140000  # PostgreSQL 14 reads a range of ctid without reading the rest


class PostgresTable(Loads):
    """The coordinator's view. A context manager: leaving it ends the snapshot, for its readers too.

    alone tells that nobody else can see the same rows: some are on another server, which has snapshots of its own.

    The table cannot be truncated or written anew meanwhile (a snapshot does not protect from that: the rows would be
    gone): it is locked before the snapshot is taken or, where that is impossible, looked at before and after.
    """

    def __init__(self, secret: Secret, name: TableName, policies: Policies = EXACT, lag: Optional[int] = None) -> None:
        """Look at the table, then take the snapshot. lag None: there will be no window. Raises LandingError."""
        self._relation_name = relation_name(name)
        duck = session.attach(secret)
        with session.Session(duck) as scout:
            self._server = bound.look_at_server(scout, lag or 0)
            found = relation.find(scout, name)
            if lag is not None:
                self._look_ahead(scout)
        lock = "LOCK TABLE {} IN ACCESS SHARE MODE".format(self._relation_name) if found.lockable else ""
        self._session = session.Session(duck, first=lock)
        try:
            snapshot, started = self._session.query(
                "SELECT pg_catalog.pg_export_snapshot() AS snapshot, "
                "pg_catalog.pg_postmaster_start_time()::pg_catalog.text AS started"
            )[0]
            self.snapshot = str(snapshot)
            if started != self._server.started:
                raise LandingError(
                    "another server answered while the job run began",
                    "Run the job again; if it stays, let host be the address of one server and not of several",
                )
            if not found.lockable:
                self._session.query(
                    "SELECT 1 AS x FROM {} LIMIT 0".format(self._relation_name)
                )  # locks it from here on
            self._relation = relation.find(self._session, name)
            if not found.lockable and self._relation.file != found.file:
                raise LandingError("it was written anew while the job run began", "Run the job again")
            self.table = self._describe(policies)
        except BaseException:
            self.close()
            raise

    def _describe(self, policies: Policies) -> Table:
        oid = self._relation.oid
        known = attributes.types(self._session, oid)
        columns, denied, refused = [], [], []
        for attribute in attributes.attributes(self._session, oid):
            policy = policies.of(attribute.name)
            if policy.rule == DROP:
                continue
            if not attribute.readable:
                denied.append(attribute.name)
            try:
                columns.append(types.column(attribute, known, policy))
            except LandingError as error:
                refused.append(error)
        if denied:
            raise LandingError(
                "the login may not read the columns {}".format(some(denied)),
                "GRANT SELECT on the whole table to it",
            )
        if refused:
            raise LandingError("; ".join(error.what for error in refused), refused[0].todo)
        if not columns:
            raise LandingError("it has no columns to land", "Remove it from the catalog")
        self._stores = relation.stores(self._session, oid)
        self.alone = relation.elsewhere(self._session, self._relation, self._stores)
        if self.alone and self._bound:
            self._bound = bound.behind(self._bound, self._server)
        size = sum(store.bytes for store in self._stores)
        return Table(tuple(columns), size, sum(store.rows for store in self._stores))

    @property
    def session(self) -> session.Session:
        """The session that holds the snapshot."""
        return self._session

    def count(self, condition: str) -> int:
        """Return for how many rows of the snapshot a condition holds."""
        sql = "SELECT pg_catalog.count(*) AS n FROM {} WHERE {}".format(self._relation_name, condition)
        return int(self._session.query(sql)[0][0])

    def splits(self, rows: Optional[int], sizing: Sizing, key: Sequence[str] = ()) -> List[Split]:
        """Return the parts to read. rows is how many there are to read, None for all; key is the primary key.

        What has no blocks is cut by a key that is one whole number: a view whose key the catalog names, a table in
        other storage. Rows on other servers are not cut: the coordinator alone reads them.
        """
        ranges = self._server.version >= _CTID_RANGES and all(store.has_blocks for store in self._stores)
        if ranges and self._stores:
            share = 1.0 if rows is None else rows / max(rows, self.table.rows, 1)
            return splits.by_blocks(self.table.bytes * share, [store.blocks for store in self._stores], sizing)
        column = self.table.column(key[0]) if len(key) == 1 else None
        if column is None or column.wire not in _WHOLE_NUMBERS or self.alone or sizing.readers < 2:
            return splits.whole(sizing)
        low, high, count = self._session.query(
            "SELECT pg_catalog.min({0})::pg_catalog.int8 AS low, pg_catalog.max({0})::pg_catalog.int8 AS high, "
            "pg_catalog.count(*) AS n FROM {1}".format(identifier(column.name), self._relation_name)
        )[0]
        if low is None:
            return splits.whole(sizing)
        width = self.table.bytes / count if self.table.bytes else _GUESSED_WIDTH * len(self.table.columns)
        return splits.by_key(column.name, low, high, (count if rows is None else rows) * width, sizing)

    def reading(self, split: Split, condition: str, partition: Optional[Column], cursor: Sequence[str] = ()) -> Reading:
        """Return the SQL that reads those rows of a split for which a condition holds."""
        values = ["{} AS c{}".format(column.sent or column.read, n) for n, column in enumerate(self.table.columns)]
        checks: Tuple[Check, ...] = sum((column.checks for column in self.table.columns), ())
        if partition is not None:
            value = _folder_value(partition)
            values.append("{} AS p".format(value))
            checks += _folder_checks(partition, value)
        conditions = ["({})".format(condition)] + ([split.condition] if split.condition else [])
        rest = "FROM {} WHERE {}".format(self._relation_name, " AND ".join(conditions))
        # The partition's column is in no file: its text is the name of a folder.
        compared = tuple(
            proof
            for column in self.table.columns
            if column.name in cursor and column != partition
            for proof in proofs.extremes(column.name, column.wire, column.read)
        )
        facts = ["pg_catalog.count(*) AS n"] + ["{} AS v{}".format(p.source, n) for n, p in enumerate(compared)]
        caught = [
            "pg_catalog.count(*) FILTER (WHERE {}) AS n{}".format(check.condition, number)
            for number, check in enumerate(checks)
        ]
        refused = [" AND ({}) IS NOT TRUE".format(check.condition) for check in checks if not check.nulled]
        start, end = self._sample()
        return Reading(
            start="SELECT {}, {}".format(", ".join(values), start),
            end="{} {}{}".format(end, rest, "".join(refused)),
            facts="SELECT {} {}".format(", ".join(facts), rest),
            caught="SELECT {} {}".format(", ".join(caught or ["0 AS n"]), rest),
            checks=checks,
            proofs=compared,
        )

    def _sample(self) -> Tuple[str, str]:
        """Return SQL for x, without the share of the rows that it is for. Very large rows are left out."""
        texts = [column.shown for column in self.table.columns if column.shown]
        if not texts:
            return "CASE WHEN ", " < 0 THEN ARRAY[]::pg_catalog.text[] END AS x"
        names = ", ".join(identifier(column.name) for column in self.table.columns if column.shown)
        return (
            "CASE WHEN pg_catalog.random() < ",
            " AND pg_catalog.pg_column_size(ROW({})) < {} THEN ARRAY[{}] END AS x".format(
                names, _SAMPLED_BYTES, ", ".join(texts)
            ),
        )

    def close(self) -> None:
        """End the snapshot."""
        self._session.close()

    def __enter__(self) -> PostgresTable:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


def _folder_value(column: Column) -> str:
    """Return SQL for the text that names a row's folder."""
    shown = column.read if column.wire == "VARCHAR" else "({})::pg_catalog.text".format(column.read)
    return "coalesce({}, '{}')".format(shown, DEFAULT_PARTITION)


_OTHER_FOLDERS = "name another column in S3PartitionColumnName"


def _folder_checks(column: Column, value: str) -> Tuple[Check, ...]:
    name = identifier(column.name)
    return (
        Check(
            "{0} IS NOT NULL AND {1} IN ('', '{2}')".format(name, value, DEFAULT_PARTITION),
            column.name,
            "an empty text, which a Hive partition cannot hold",
            todo=_OTHER_FOLDERS,
        ),
        Check(
            "pg_catalog.octet_length({}) > {}".format(value, _MAX_PARTITION_BYTES),
            column.name,
            "a text of more than {} bytes, which is too long for a folder".format(_MAX_PARTITION_BYTES),
            todo=_OTHER_FOLDERS,
        ),
    )
