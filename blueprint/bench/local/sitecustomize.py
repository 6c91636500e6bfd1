"""Stands in for AWS while the job is measured: objects are files of a folder, as for the other readers.

Python imports this by itself in every process whose path has this folder, Spark's workers too.
"""

import json
import os
import shutil
from typing import Any, Dict, Iterator, List

FOLDER = os.environ.get("BENCH_FOLDER", "")


class _Store:
    """The calls of S3, Secrets Manager and the Glue Data Catalog that a landing makes."""

    exceptions = None

    def get_secret_value(self, **_: Any) -> Dict[str, str]:
        return {"SecretString": os.environ["BENCH_SECRET"]}

    def get_paginator(self, name: str) -> Any:
        store = self

        class Pages:
            def paginate(self, **request: Any) -> Iterator[Dict[str, Any]]:
                if name == "list_objects_v2":
                    yield store.list_objects_v2(**request)
                else:
                    yield {"Partitions": []}

        return Pages()

    def list_objects_v2(self, Prefix: str, Delimiter: str = "", **_: Any) -> Dict[str, Any]:
        found: List[str] = []
        for folder, _folders, names in os.walk(FOLDER):
            found += [os.path.relpath(os.path.join(folder, name), FOLDER) for name in names]
        keys = sorted(key for key in found if key.startswith(Prefix))
        if Delimiter:
            heads = {key[len(Prefix) :].split("/")[0] for key in keys if "/" in key[len(Prefix) :]}
            return {"CommonPrefixes": [{"Prefix": Prefix + head + "/"} for head in sorted(heads)]}
        return {"Contents": [{"Key": key, "Size": os.path.getsize(os.path.join(FOLDER, key))} for key in keys]}

    def upload_file(self, path: str, _: str, key: str) -> None:
        os.makedirs(os.path.dirname(os.path.join(FOLDER, key)), exist_ok=True)
        shutil.copyfile(path, os.path.join(FOLDER, key))

    def put_object(self, Key: str, Body: bytes, **_: Any) -> None:
        os.makedirs(os.path.dirname(os.path.join(FOLDER, Key)), exist_ok=True)
        with open(os.path.join(FOLDER, Key), "wb") as file:
            file.write(Body)

    def get_object(self, Key: str, **_: Any) -> Dict[str, Any]:
        return {"Body": open(os.path.join(FOLDER, Key), "rb")}

    def delete_objects(self, **_: Any) -> Dict[str, Any]:
        return {}

    def get_table(self, **_: Any) -> Dict[str, Any]:
        from botocore.exceptions import ClientError

        path = os.path.join(FOLDER, "table.json")
        if not os.path.exists(path):
            raise ClientError({"Error": {"Code": "EntityNotFoundException"}}, "GetTable")
        with open(path) as file:
            return json.load(file)  # type: ignore[no-any-return]

    def update_table(self, TableInput: Dict[str, Any], **_: Any) -> None:
        with open(os.path.join(FOLDER, "table.json"), "w") as file:
            json.dump({"Table": TableInput}, file)

    create_table = update_table

    def __getattr__(self, _: str) -> Any:
        return lambda **_: {}


def _client(*_: Any, **__: Any) -> _Store:
    return _Store()


if FOLDER:
    import boto3.session

    boto3.session.Session.client = _client  # type: ignore[method-assign,assignment]
