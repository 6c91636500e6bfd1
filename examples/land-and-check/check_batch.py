"""Checks the last landed batch: it has enough rows, and every file has the size in the commit record.

The result goes to s3://<bucket>/checks/<database>/<table>/<number>.json. This is a Glue Python shell job that needs
only boto3. It does not support table names with dots or quotes in a part: Landfall encodes these in the folder name.
"""

import argparse
import json
import sys

import boto3


def last_commit(s3, bucket, folder):
    """Return the newest commit record in the table's folder, or None. All names have the same number of digits."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder + "_landfall/commits/")
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    if not keys:
        return None
    return json.loads(s3.get_object(Bucket=bucket, Key=max(keys))["Body"].read())


def problems_of(s3, bucket, commit, minimum_rows):
    """Return the problems of a batch, one sentence for each."""
    found = []
    if commit["rows"] < minimum_rows:
        found.append("batch {} has {} rows, fewer than {}".format(commit["seq"], commit["rows"], minimum_rows))
    for file in commit["files"]:
        size = s3.head_object(Bucket=bucket, Key=file["key"])["ContentLength"]
        if size != file["bytes"]:
            found.append("{} has {} bytes, not {}".format(file["key"], size, file["bytes"]))
    return found


def main():
    """Check one table. If the check fails, exit with one line that names the problems."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--secret_name", required=True)
    parser.add_argument("--source_table", required=True)
    parser.add_argument("--destination_bucket", required=True)
    parser.add_argument("--minimum_rows", type=int, required=True)
    given, _ = parser.parse_known_args()  # Glue adds its own arguments

    secret = boto3.client("secretsmanager").get_secret_value(SecretId=given.secret_name)
    database = json.loads(secret["SecretString"])["dbname"]
    table, bucket, s3 = given.source_table, given.destination_bucket, boto3.client("s3")
    commit = last_commit(s3, bucket, "{}/{}/".format(database, table))
    if commit is None:
        sys.exit("{}: nothing has been landed in s3://{}/{}/{}/".format(table, bucket, database, table))
    problems = problems_of(s3, bucket, commit, given.minimum_rows)
    result = {"table": table, "batch": commit["batch"], "rows": commit["rows"], "problems": problems}
    s3.put_object(
        Bucket=bucket,
        Key="checks/{}/{}/{:08d}.json".format(database, table, commit["seq"]),
        Body=json.dumps(result, indent=1).encode(),
    )
    if problems:
        sys.exit("{}: {}".format(table, "; ".join(problems)))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
