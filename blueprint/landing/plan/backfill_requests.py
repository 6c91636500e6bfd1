"""Backfill requests of the landfall command: one S3 object each, removed when a batch has answered it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import List, Optional, Sequence

from landing.job.errors import LandingError
from landing.publish.bucket import Bucket
from landing.publish.commit_log import CommitLog
from landing.publish.commit_record import Backfill

VERSION = 1


@dataclass(frozen=True)
class Request:
    """A range of the cursor that is to be read again."""

    key: str
    id: str
    after: int  # the number of the last record when the request was made
    low: str
    high: str
    requested_at: str

    def answered(self, refused: str = "") -> Backfill:
        """Return how a commit record answers the request."""
        return Backfill(self.id, self.low, self.high, refused)


class BackfillRequests:
    """The requests for one table."""

    def __init__(self, bucket: Bucket, prefix: str, log: CommitLog) -> None:
        """Read nothing yet. prefix is the table's, ending in a slash."""
        self._bucket = bucket
        self._prefix = prefix + "_landfall/requests/"
        self._log = log

    def pending(self) -> List[Request]:
        """Return what no batch has answered yet, oldest first, and remove what one has. Raises LandingError."""
        pending = []
        for key in self._bucket.sizes(self._prefix):
            request = self._read(key)
            if request is None:
                continue
            later = self._log.since(request.after + 1)
            if any(request.id == answer.request for commit in later for answer in commit.backfills):
                self.remove([request])
            else:
                pending.append(request)
        return sorted(pending, key=lambda request: (request.requested_at, request.id))

    def remove(self, requests: Sequence[Request]) -> None:
        """Remove requests that a batch has answered."""
        if requests:
            self._bucket.delete([request.key for request in requests])

    def _read(self, key: str) -> Optional[Request]:
        content = self._bucket.get(key)
        if content is None:  # cancelled, or answered by another job run
            return None
        try:
            given = json.loads(content)
            if given["version"] != VERSION or given["kind"] != "backfill":
                raise ValueError("version {!r}, kind {!r}".format(given["version"], given["kind"]))
            texts = [str(given[field]) for field in ("id", "from", "to", "requestedAt")]
            return Request(key, texts[0], int(given["after"]), texts[1], texts[2], texts[3])
        except (ValueError, KeyError, TypeError) as error:
            raise LandingError(
                "the request {} cannot be read ({}: {})".format(key, type(error).__name__, error),
                "Delete the object, and ask again with landfall backfill",
            ) from None
