"""The Glue Data Catalog, brought in step with the commits."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from landing.store import Store

_FORMAT = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", "Parameters": {"serialization.format": "1"}},
}

# The table's parameter that says up to which commit its partitions are complete.
_MARK = "landfall:commit"


class Register:
    """One table of the Glue Data Catalog. Every step may be cut off and repeated."""

    def __init__(self, glue: Any, store: Store, database: str, table: str) -> None:
        self._glue, self._store = glue, store
        self.database, self.table = database.lower(), table.lower()

    def sync(self, numbers: list[int], full: bool, partition_column: str) -> int:
        """Makes queries see the committed batches; returns how many commits were new to it.

        numbers are the commits, ascending. A full load's table points at the
        last batch; else every batch is a partition. What an earlier run did not
        come to is made up for: the mark is moved last.
        """
        if not numbers:
            return 0
        last = self._store.read(numbers[-1])
        held = self._held()
        done = int(held.get("Parameters", {}).get(_MARK, "0")) if held else 0
        missing = [n for n in numbers if n > done]
        if held and not missing:
            return 0
        keys = ([] if full else ["batch"]) + ([partition_column] if partition_column else [])
        location = self._store.batch_prefix(str(last["batch"])) if full else self._store.prefix
        table = {
            "Name": self.table,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet", "EXTERNAL": "TRUE", _MARK: "0"},
            "PartitionKeys": [{"Name": k.lower(), "Type": "string"} for k in keys],
            "StorageDescriptor": {**_FORMAT, "Columns": self._columns(last, partition_column), "Location": self._store.location(location)},
        }
        if not held:
            self._tolerate(self._glue.create_database, DatabaseInput={"Name": self.database, "Description": "Landed by Landfall"})
            self._tolerate(self._glue.create_table, DatabaseName=self.database, TableInput=table)
        if full and keys:
            self._replace(last, partition_column)
        elif keys:
            for number in missing:
                self._add(self._partitions(self._store.read(number), partition_column, full=False))
        table["Parameters"][_MARK] = str(numbers[-1])  # type: ignore[index]
        self._glue.update_table(DatabaseName=self.database, TableInput=table)
        return len(missing)

    def _held(self) -> dict[str, Any] | None:
        try:
            table: dict[str, Any] = self._glue.get_table(DatabaseName=self.database, Name=self.table)["Table"]
        except ClientError as e:
            if e.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            return None
        return table

    @staticmethod
    def _columns(record: dict[str, Any], partition_column: str) -> list[dict[str, str]]:
        return [{"Name": c["name"].lower(), "Type": c["type"], "Comment": c["sourceType"][:255]} for c in record["columns"] if c["name"] != partition_column]

    def _partitions(self, record: dict[str, Any], partition_column: str, full: bool) -> list[dict[str, Any]]:
        batch = str(record["batch"])
        places = {"": self._store.batch_prefix(batch)}
        if partition_column:
            places = {f["partition"]: f["key"].rsplit("/", 1)[0] + "/" for f in record["files"]}
        columns = self._columns(record, partition_column)
        return [
            {
                "Values": ([] if full else [batch]) + ([value] if partition_column else []),
                "StorageDescriptor": {**_FORMAT, "Columns": columns, "Location": self._store.location(place)},
            }
            for value, place in sorted(places.items())
        ]

    def _add(self, partitions: list[dict[str, Any]]) -> None:
        for chunk in _chunks(partitions, 100):
            answer = self._glue.batch_create_partition(DatabaseName=self.database, TableName=self.table, PartitionInputList=chunk)
            self._check(answer, "AlreadyExistsException")

    def _replace(self, record: dict[str, Any], partition_column: str) -> None:
        """Points every partition of a full load at the new batch, and removes those that it does not have."""
        pages = self._glue.get_paginator("get_partitions").paginate(DatabaseName=self.database, TableName=self.table)
        held = {p["Values"][0] for page in pages for p in page["Partitions"]}
        wanted = {p["Values"][0]: p for p in self._partitions(record, partition_column, full=True)}
        self._add([p for value, p in wanted.items() if value not in held])
        for chunk in _chunks([{"PartitionValueList": [v], "PartitionInput": p} for v, p in wanted.items() if v in held], 100):
            self._check(self._glue.batch_update_partition(DatabaseName=self.database, TableName=self.table, Entries=chunk), "")
        for chunk in _chunks([{"Values": [v]} for v in sorted(held - set(wanted))], 25):
            answer = self._glue.batch_delete_partition(DatabaseName=self.database, TableName=self.table, PartitionsToDelete=chunk)
            self._check(answer, "EntityNotFoundException")

    @staticmethod
    def _check(answer: dict[str, Any], tolerated: str) -> None:
        for error in answer.get("Errors", []):
            detail = error.get("ErrorDetail", {})
            if detail.get("ErrorCode") != tolerated:
                raise RuntimeError(f"Glue Data Catalog: {detail.get('ErrorCode')}: {detail.get('ErrorMessage')}")

    @staticmethod
    def _tolerate(call: Any, **arguments: Any) -> None:
        """Calls, and takes it that a run at the same time was faster."""
        try:
            call(**arguments)
        except ClientError as e:
            if e.response["Error"]["Code"] != "AlreadyExistsException":
                raise


def _chunks(items: list[Any], size: int) -> list[list[Any]]:
    return [items[i : i + size] for i in range(0, len(items), size)]
