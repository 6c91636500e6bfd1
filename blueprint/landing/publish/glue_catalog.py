"""Brings the Glue Data Catalog in sync with the commit log. It is idempotent, and catches up after a failure."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from botocore.exceptions import ClientError

from landing.job.arguments import FULL
from landing.job.errors import LandingError
from landing.job.table_name import TableName
from landing.job.tuning import PARTITIONS_REGISTERED, REGISTERED, Observer, ignore
from landing.publish.commit_log import CommitLog
from landing.publish.commit_record import Commit
from landing.publish.folders import folder_value

_OWNER = "landfall:table"
_SEQ = "landfall:seq"
_BATCH = 100  # the most that BatchCreatePartition and BatchUpdatePartition take
_DELETE_BATCH = 25  # the most that BatchDeletePartition takes

Values = Tuple[str, ...]


class GlueTable:
    """One table in the Glue Data Catalog."""

    def __init__(
        self,
        client: Any,
        bucket: str,
        dbname: str,
        name: TableName,
        partition_column: str,
        observe: Observer = ignore,
    ) -> None:
        """Use a Glue client of boto3."""
        self._glue = client
        self._location = "s3://{}/{}/{}/".format(bucket, dbname, name)
        self._bucket = bucket
        self._identity = "{}/{}".format(dbname, name)
        self._database = dbname.lower()
        self._name = "{}_{}".format(name.schema, name.table).lower()
        self._partition_column = partition_column
        self._observe = observe

    def register(self, log: CommitLog) -> int:
        """Make the table show its live batches, and return how many partitions had to be added.

        The table carries the number up to which its partitions are complete, and is updated after them.
        """
        numbers = log.batch_numbers()
        if not numbers:
            return 0
        last = log.read(numbers[-1])
        table = self._table(last)
        if _seq(table) > last.seq:
            return 0  # a later job run has registered more
        keys = self._partition_keys(last)
        if [key["Name"] for key in table.get("PartitionKeys", [])] != [key["Name"] for key in keys]:
            # The load type changed: partitions of the other shape are deleted, and the table begins anew.
            self._delete(list(self._existing()))
            table = self._update(table, self._input(last, keys, 0))
        # Partitions carry columns of their own, and readers refuse those that differ from the table's.
        columns = self._storage(last, "")["Columns"]
        complete = _seq(table) if _holds(table["StorageDescriptor"]["Columns"], columns) else -1
        added = self._partitions(log, numbers, last, complete) if keys else 0
        self._observe(PARTITIONS_REGISTERED)
        self._update(table, self._input(last, keys, last.seq))
        self._observe(REGISTERED)
        return added

    def _update(self, table: Dict[str, Any], desired: Dict[str, Any]) -> Dict[str, Any]:
        """Update the table where it differs, keeping parameters that others set. Return the updated table."""
        if _holds(table, desired):
            return table
        parameters = {**table.get("Parameters", {}), **desired["Parameters"]}
        self._glue.update_table(DatabaseName=self._database, TableInput={**desired, "Parameters": parameters})
        return desired

    def _table(self, last: Commit) -> Dict[str, Any]:
        """Return the table, created if necessary. Raises LandingError for a table of another owner."""
        for _ in range(3):
            try:
                table: Dict[str, Any] = self._glue.get_table(DatabaseName=self._database, Name=self._name)["Table"]
            except ClientError as error:
                if _code(error) != "EntityNotFoundException":
                    raise
                self._create(last)
                continue
            owner = table.get("Parameters", {}).get(_OWNER)
            if owner != self._identity:
                raise LandingError(
                    "the Glue Data Catalog has a table {}.{} that {}".format(
                        self._database, self._name, "holds " + owner if owner else "Landfall did not make"
                    ),
                    "Remove or rename it and run the job again; the batch is committed and will be registered then",
                )
            return table
        raise LandingError("the Glue Data Catalog does not keep the table", "Run the job again")

    def _create(self, last: Commit) -> None:
        table = self._input(last, self._partition_keys(last), 0)
        _ignoring_existing(self._glue.create_database, DatabaseInput={"Name": self._database})
        _ignoring_existing(self._glue.create_table, DatabaseName=self._database, TableInput=table)

    def _input(self, last: Commit, keys: List[Dict[str, str]], seq: int) -> Dict[str, Any]:
        location = self._location
        if last.load_type == FULL:
            location += "batch={}/".format(last.batch)
        return {
            "Name": self._name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {
                "EXTERNAL": "TRUE",
                "classification": "parquet",
                "compressionType": "zstd",
                _OWNER: self._identity,
                _SEQ: str(seq),
                "landfall:batch": last.batch,
                "landfall:loadType": last.load_type,
            },
            "PartitionKeys": keys,
            "StorageDescriptor": self._storage(last, location),
        }

    def _storage(self, commit: Commit, location: str) -> Dict[str, Any]:
        return {
            "Columns": [
                {"Name": column["name"].lower(), "Type": column["type"], "Comment": column["sourceType"][:255]}
                for column in commit.columns
                if column["name"] != self._partition_column
            ],
            "Location": location,
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                "Parameters": {"serialization.format": "1"},
            },
            "Compressed": True,
        }

    def _partition_keys(self, last: Commit) -> List[Dict[str, str]]:
        keys = []
        if last.load_type != FULL:
            names = {column["name"].lower() for column in last.columns}
            keys.append({"Name": "landfall_batch" if "batch" in names else "batch", "Type": "string"})
        if self._partition_column:
            keys.append({"Name": self._partition_column.lower(), "Type": "string"})
        return keys

    def _partitions(self, log: CommitLog, numbers: Sequence[int], last: Commit, complete: int) -> int:
        """Add missing partitions, move those elsewhere, then delete replaced ones; return how many were added.

        Batches up to complete are not checked; with -1 all partitions are updated.
        """
        registered = self._existing()
        live = {seq for seq in numbers if seq >= last.base}
        # Batches up to the table's number are complete, unless somebody removed them.
        unchanged = {_seq_of(values) for values in registered if last.load_type != FULL} & {
            s for s in live if s <= complete
        }
        desired = dict(part for seq in sorted(live - unchanged) for part in self._of_batch(log.read(seq), last))
        missing = [part for values, part in desired.items() if values not in registered]
        for chunk in _chunks(missing, _BATCH):
            self._call("batch_create_partition", PartitionInputList=chunk)
        moved = [
            {"PartitionValueList": list(values), "PartitionInput": part}
            for values, part in desired.items()
            if values in registered and (complete < 0 or registered[values] != part["StorageDescriptor"]["Location"])
        ]
        for chunk in _chunks(moved, _BATCH):
            self._call("batch_update_partition", Entries=chunk)
        self._delete([values for values in registered if values not in desired and _seq_of(values) not in unchanged])
        return len(missing)

    def _delete(self, obsolete: List[Values]) -> None:
        for chunk in _chunks(obsolete, _DELETE_BATCH):
            self._call("batch_delete_partition", PartitionsToDelete=[{"Values": list(values)} for values in chunk])

    def _call(self, operation: str, **request: Any) -> None:
        """Call a batch operation. That a partition exists already, or no longer exists, is no error."""
        answer = getattr(self._glue, operation)(DatabaseName=self._database, TableName=self._name, **request)
        for refused in answer.get("Errors") or []:
            detail = refused.get("ErrorDetail", {})
            if detail.get("ErrorCode") not in ("AlreadyExistsException", "EntityNotFoundException"):
                raise LandingError(
                    "{} was refused: {}".format(operation, detail.get("ErrorMessage", "")),
                    "The batch is committed; run the job again to register it",
                )

    def _existing(self) -> Dict[Values, str]:
        """Return the location of each partition that is registered."""
        pages = self._glue.get_paginator("get_partitions").paginate(
            DatabaseName=self._database, TableName=self._name, ExcludeColumnSchema=True
        )
        return {
            tuple(partition["Values"]): partition["StorageDescriptor"]["Location"]
            for page in pages
            for partition in page["Partitions"]
        }

    def _of_batch(self, commit: Commit, last: Commit) -> Iterator[Tuple[Values, Dict[str, Any]]]:
        """Yield the partitions of one batch with their values, and with the columns of the last batch."""
        first: Values = () if commit.load_type == FULL else (commit.batch,)
        for file in commit.files:
            values = first
            if file.partition is not None:
                (value,) = file.partition.values()
                values += (folder_value(value),)
            location = "s3://{}/{}/".format(self._bucket, file.key.rpartition("/")[0])
            yield values, {"Values": list(values), "StorageDescriptor": self._storage(last, location)}


def _seq(table: Dict[str, Any]) -> int:
    return int(table.get("Parameters", {}).get(_SEQ, "0"))


def _seq_of(values: Values) -> int:
    """Return the number of the batch that a partition shows, 0 when its first value is none."""
    number = values[0].partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() else 0


def _chunks(items: Sequence[Any], size: int) -> Iterator[List[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _holds(observed: Any, desired: Any) -> bool:
    """Report whether the observed value has everything that is desired; Glue adds fields of its own."""
    if isinstance(desired, dict):
        return isinstance(observed, dict) and all(_holds(observed.get(key), value) for key, value in desired.items())
    if isinstance(desired, list):
        return isinstance(observed, list) and len(observed) == len(desired) and all(map(_holds, observed, desired))
    return bool(observed == desired)


def _code(error: ClientError) -> Optional[str]:
    return error.response.get("Error", {}).get("Code")


def _ignoring_existing(call: Any, **request: Any) -> None:
    """Call. That another job run did so first is no error."""
    try:
        call(**request)
    except ClientError as error:
        if _code(error) != "AlreadyExistsException":
            raise
