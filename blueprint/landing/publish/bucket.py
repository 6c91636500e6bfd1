"""The raw bucket: the few operations that the landing needs."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional

from botocore.exceptions import ClientError, ParamValidationError

_DELETE_BATCH = 1000  # the most that DeleteObjects takes


class Bucket:
    """One bucket. Refused calls raise botocore's ClientError."""

    def __init__(self, client: Any, bucket: str) -> None:
        """Use an S3 client of boto3."""
        self.client = client
        self.bucket = bucket

    def sizes(self, prefix: str) -> Dict[str, int]:
        """Return the objects below a prefix, in the order of their keys, with their bytes."""
        return {
            str(item["Key"]): int(item["Size"])
            for page in self._pages(Prefix=prefix)
            for item in page.get("Contents", [])
        }

    def folders(self, prefix: str) -> List[str]:
        """Return the names between the prefix and the next slash, without repeats, in order."""
        return [
            str(item["Prefix"])[len(prefix) : -1]
            for page in self._pages(Prefix=prefix, Delimiter="/")
            for item in page.get("CommonPrefixes", [])
        ]

    def _pages(self, **request: str) -> Iterator[Dict[str, Any]]:
        yield from self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, **request)

    def get(self, key: str) -> Optional[bytes]:
        """Return an object's content, or None when there is no such object."""
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                return None
            raise
        content: bytes = answer["Body"].read()
        return content

    def upload(self, path: str, key: str) -> None:
        """Copy a local file to a key; large ones in parts."""
        self.client.upload_file(path, self.bucket, key)

    def download(self, key: str, path: str) -> None:
        """Copy an object to a local file; large ones in parts."""
        self.client.download_file(self.bucket, key, path)

    def put_new(self, key: str, content: bytes) -> bool:
        """Write an object unless there is one of this key; report whether it was written.

        False may also mean that this very content was written and the answer got lost: read the object to find out.
        """
        request = {"Bucket": self.bucket, "Key": key, "Body": content, "ContentType": "application/json"}
        try:
            try:
                self.client.put_object(IfNoneMatch="*", **request)
            except ParamValidationError:
                # A boto3 from before 2024-08 does not know the parameter; S3 knows the header.
                self._put_with_header(request)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status in (409, 412):  # another writer is writing it, or has written it
                return False
            raise
        return True

    def _put_with_header(self, request: Dict[str, Any]) -> None:
        def add_header(params: Dict[str, Any], **_: Any) -> None:
            params["headers"]["If-None-Match"] = "*"

        events = self.client.meta.events
        events.register("before-call.s3.PutObject", add_header, unique_id="landfall-if-none-match")
        try:
            self.client.put_object(**request)
        finally:
            events.unregister("before-call.s3.PutObject", unique_id="landfall-if-none-match")

    def delete_prefix(self, prefix: str) -> None:
        """Delete all objects below a prefix."""
        self.delete(list(self.sizes(prefix)))

    def delete(self, keys: List[str]) -> None:
        """Delete objects; those that do not exist are ignored."""
        for start in range(0, len(keys), _DELETE_BATCH):
            batch = [{"Key": key} for key in keys[start : start + _DELETE_BATCH]]
            answer = self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": batch, "Quiet": True})
            refused: List[Dict[str, Any]] = answer.get("Errors", [])
            if refused:
                raise ClientError({"Error": refused[0]}, "DeleteObjects")  # type: ignore[typeddict-item]
