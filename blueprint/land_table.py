"""The script of every Glue job that Landfall makes: lands one table. The work is in the package landing."""

import os
import sys
import tempfile
from typing import Sequence


def _find_package(words: Sequence[str]) -> None:
    """Put the package on the path where Glue did not: a Python shell may take wheels alone for --extra-py-files."""
    try:
        import landing  # noqa: F401
    except ImportError:
        import boto3

        location = words[list(words).index("--package") + 1]
        bucket, key = location[len("s3://") :].split("/", 1)
        path = os.path.join(tempfile.mkdtemp(), os.path.basename(key))
        boto3.client("s3").download_file(bucket, key, path)
        sys.path.insert(0, path)


def run(words: Sequence[str]) -> "str | None":
    """Land the table that the words name. Return None, or the one line that says why it could not be done."""
    _find_package(words)
    from landing.job.main import run

    return run(words)


def main(argv: Sequence[str]) -> int:
    """Land the table and return the exit code; a failure's one line is the last on standard error."""
    line = run(argv[1:])
    if line is not None:
        print(line, file=sys.stderr, flush=True)
    return 0 if line is None else 1


if __name__ == "__main__":
    failure = run(sys.argv[1:])
    if failure is not None:
        # Python prints the text last; Glue shows it as the job run's error message.
        raise SystemExit(failure)
