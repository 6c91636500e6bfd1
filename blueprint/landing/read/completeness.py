"""Checks that a batch is complete before it is published."""

from __future__ import annotations

from typing import List, Sequence

from landing.job.errors import LandingError, pluralise
from landing.publish.bucket import Bucket
from landing.publish.commit_record import DataFile
from landing.read.split_task import SplitResult

_TODO = "Nothing was published; run the job again and report it if it stays"


def check_row_counts(results: Sequence[SplitResult], rows: int) -> List[DataFile]:
    """Return the files of all splits. Raises LandingError when a split failed or their rows are not all rows.

    rows was counted by the coordinator, in the snapshot that the splits were read in, without any split's condition.
    """
    failed = next((result for result in results if result.what), None)
    if failed is not None:
        raise LandingError(failed.what, failed.todo)
    read = sum(result.rows for result in results)
    if read != rows:
        raise LandingError("the snapshot has {} but its splits have {}".format(pluralise(rows, "row"), read), _TODO)
    return sorted((file for result in results for file in result.files), key=lambda file: file.key)


def check_uploaded(bucket: Bucket, folder: str, files: Sequence[DataFile]) -> None:
    """Check that the batch's folder holds these files and nothing else. Raises LandingError.

    A task that ran twice may have left a file that its second run did not write: a reader of the folder would read
    its rows twice, so it is removed.
    """
    uploaded = bucket.sizes(folder)
    expected = {file.key: file.bytes for file in files}
    for key, size in expected.items():
        if uploaded.get(key) != size:
            found = pluralise(uploaded.get(key, 0), "byte")
            raise LandingError("{} has {} in S3 instead of {}".format(key, found, size), _TODO)
    bucket.delete([key for key in uploaded if key not in expected])
