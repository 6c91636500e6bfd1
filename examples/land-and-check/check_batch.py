"""Checks the batch that was landed last: enough rows, and every file as its commit record says.

The result goes to s3://<bucket>/checks/<database>/<table>/<number>.json. A Glue Python shell job, of boto3 alone.
Names with dots or quotes in a part of them are not covered: see the folder's name in S3 for these.
"""

import argparse
import json
import sys

import boto3


def last_commit(s3, bucket, folder):
    """Return the newest commit record below the table's folder, or None. Their names are numbers of one length."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder + "_landfall/commits/")
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    if not keys:
        return None
    return json.loads(s3.get_object(Bucket=bucket, Key=max(keys))["Body"].read())


def problems_of(s3, bucket, commit, minimum_rows):
    """Return what is wrong with a batch, one sentence each."""
    found = []
    if commit["rows"] < minimum_rows:
        found.append("batch {} has {} rows, fewer than {}".format(commit["seq"], commit["rows"], minimum_rows))
    for file in commit["files"]:
        size = s3.head_object(Bucket=bucket, Key=file["key"])["ContentLength"]
        if size != file["bytes"]:
            found.append("{} has {} bytes, not {}".format(file["key"], size, file["bytes"]))
    return found


def main():
    """Check one table and say in one line why it is not as it should be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--secret_name", required=True)
    parser.add_argument("--source_table", required=True)
    parser.add_argument("--destination_bucket", required=True)
    parser.add_argument("--minimum_rows", type=int, required=True)
    given, _ = parser.parse_known_args()  # Glue adds arguments of its own

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
