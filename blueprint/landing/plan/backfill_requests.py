"""Backfills that the landfall command asked for: one S3 object each, removed when a batch has answered it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import List, Optional, Sequence

from landing.job.errors import LandingError
from landing.publish.bucket import Objects
from landing.publish.commit_log import Commits
from landing.publish.commit_record import Backfill

VERSION = 1


@dataclass(frozen=True)
class Request:
    """A range of the cursor that is to be read again."""

    key: str
    id: str
    after: int  # the number of the last record when it was asked
    low: str
    high: str
    asked: str

    def answered(self, refused: str = "") -> Backfill:
        """Return how a record answers it."""
        return Backfill(self.id, self.low, self.high, refused)


class Requests:
    """The requests for one table."""

    def __init__(self, objects: Objects, prefix: str, commits: Commits) -> None:
        """Prefix is the table's, ending in a slash."""
        self._objects = objects
        self._prefix = prefix + "_landfall/requests/"
        self._commits = commits

    def pending(self, numbers: Sequence[int]) -> List[Request]:
        """Return what no batch has answered yet, oldest first, and remove what one has. Raises LandingError."""
        pending = []
        for key in self._objects.sizes(self._prefix):
            request = self._read(key)
            if request is None:
                continue
            later = (self._commits.read(seq) for seq in numbers if seq > request.after)
            if any(request.id == answer.request for commit in later for answer in commit.backfills):
                self.done([request])
            else:
                pending.append(request)
        return sorted(pending, key=lambda request: (request.asked, request.id))

    def done(self, requests: Sequence[Request]) -> None:
        """Remove requests that a batch has answered."""
        if requests:
            self._objects.delete([request.key for request in requests])

    def _read(self, key: str) -> Optional[Request]:
        content = self._objects.get(key)
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
