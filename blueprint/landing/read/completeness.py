"""What must hold before a batch is published."""

from __future__ import annotations

from typing import List, Sequence

from landing.job.errors import LandingError, counted
from landing.publish.bucket import Objects
from landing.publish.commit_record import DataFile
from landing.read.split_task import Outcome

_TODO = "Nothing was published; run the job again and report it if it stays"


def read_whole(outcomes: Sequence[Outcome], rows: int) -> List[DataFile]:
    """Return the files of all splits. Raises LandingError when a split failed or their rows are not all rows.

    rows was counted by the coordinator, in the snapshot that the splits were read in, without any split's condition.
    """
    failed = next((outcome for outcome in outcomes if outcome.what), None)
    if failed is not None:
        raise LandingError(failed.what, failed.todo)
    read = sum(outcome.rows for outcome in outcomes)
    if read != rows:
        raise LandingError("the snapshot has {} but its splits have {}".format(counted(rows, "row"), read), _TODO)
    return sorted((file for outcome in outcomes for file in outcome.files), key=lambda file: file.key)


def arrived_whole(objects: Objects, folder: str, files: Sequence[DataFile]) -> None:
    """Check that the batch's folder holds these files and nothing else. Raises LandingError.

    A task that ran twice may have left a file that its second run did not write: a reader of the folder would read
    its rows twice, so it is removed.
    """
    there = objects.sizes(folder)
    wanted = {file.key: file.bytes for file in files}
    for key, size in wanted.items():
        if there.get(key) != size:
            found = counted(there.get(key, 0), "byte")
            raise LandingError("{} has {} in S3 instead of {}".format(key, found, size), _TODO)
    objects.delete([key for key in there if key not in wanted])
