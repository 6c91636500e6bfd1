"""Prints, as a JSON list, the AWS operations that the Python files under a folder name."""

import ast
import json
import pathlib
import sys

import botocore.session
from botocore import xform_name

session = botocore.session.get_session()
known = {}
for service in ("glue", "s3", "secretsmanager"):
    for operation in session.get_service_model(service).operation_names:
        known.setdefault(xform_name(operation), []).append(service + ":" + operation)
# boto3's own transfer, which may use the multipart operations.
known["upload_file"] = ["s3:PutObject", "s3:AbortMultipartUpload"]

found = set()
for path in pathlib.Path(sys.argv[1]).rglob("*.py"):
    for node in ast.walk(ast.parse(path.read_text())):
        # A method that is called, or the name of one that is looked up.
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "value", None)
        if isinstance(name, str):
            found.update(known.get(name, []))
print(json.dumps(sorted(found)))
