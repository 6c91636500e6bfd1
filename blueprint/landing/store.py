"""The raw layer in S3: batches, commit records, and what no commit record can publish any more."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Iterator

import boto3
from botocore.exceptions import ClientError, ParamValidationError


@lru_cache(maxsize=None)
def client(service: str) -> Any:
    """boto3's client, one per process: executors make their own."""
    return boto3.client(service)


_COMMIT = re.compile(r"_landfall/commits/(\d{8})\.json$")
_BATCH = re.compile(r"batch=((\d{8})-[^/]+)/")


class Store:
    """One table's place in the raw layer: s3://bucket/<database>/<schema.table>/."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self._s3 = client("s3")

    def batch_prefix(self, batch: str) -> str:
        """The folder of a batch, with a slash at the end."""
        return f"{self.prefix}batch={batch}/"

    def location(self, key: str) -> str:
        """The S3 URI of a key."""
        return f"s3://{self.bucket}/{key}"

    def _keys(self, prefix: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for o in page.get("Contents", []):
                yield o["Key"]

    def commits(self) -> list[int]:
        """The numbers of all commit records, ascending."""
        return sorted(int(m.group(1)) for m in map(_COMMIT.search, self._keys(self.prefix + "_landfall/commits/")) if m)

    def _commit_key(self, number: int) -> str:
        return f"{self.prefix}_landfall/commits/{number:08d}.json"

    def read(self, number: int) -> dict[str, Any]:
        """The commit record of that number."""
        body = self._s3.get_object(Bucket=self.bucket, Key=self._commit_key(number))["Body"].read()
        record: dict[str, Any] = json.loads(body)
        return record

    def commit(self, record: dict[str, Any]) -> bool:
        """Publishes the batch, unless its number is taken by another. Returns whether it is published.

        This one put makes the files count and moves the watermark. When the
        answer to a put that succeeded was lost, the repeated put is refused:
        then the record that is there is our own.
        """
        number = int(record["seq"])
        body = json.dumps(record, indent=1).encode()
        try:
            put_if_absent(self._s3, self.bucket, self._commit_key(number), body)
        except ClientError as e:
            if e.response["Error"]["Code"] not in ("PreconditionFailed", "412", "ConditionalRequestConflict", "409"):
                raise
            return self._holds(number, str(record["batch"]))
        return True

    def _holds(self, number: int, batch: str) -> bool:
        try:
            return bool(self.read(number)["batch"] == batch)
        except ClientError as e:
            if e.response["Error"]["Code"] == "NoSuchKey":
                return False
            raise

    def sweep(self, keep: set[str], committed: int) -> int:
        """Deletes the files of batches that are not in keep and whose number is not above committed; returns how many.

        A batch of a taken number can never be published, however young it is.
        """
        doomed = []
        for key in self._keys(self.prefix + "batch="):
            match = _BATCH.search(key[len(self.prefix) :])
            if match and int(match.group(2)) <= committed and match.group(1) not in keep:
                doomed.append(key)
        for i in range(0, len(doomed), 1000):
            self._s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": k} for k in doomed[i : i + 1000]], "Quiet": True})
        return len(doomed)


def put_if_absent(s3: Any, bucket: str, key: str, body: bytes) -> None:
    """Puts an object unless there is one. Raises ClientError PreconditionFailed when there is.

    A boto3 that does not know the parameter yet gets the header all the same.
    """
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*")
    except ParamValidationError:

        def add_header(params: dict[str, Any], **_: Any) -> None:
            params["headers"]["If-None-Match"] = "*"

        s3.meta.events.register("before-call.s3.PutObject", add_header, unique_id="landfall-if-none-match")
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
        finally:
            s3.meta.events.unregister("before-call.s3.PutObject", unique_id="landfall-if-none-match")
