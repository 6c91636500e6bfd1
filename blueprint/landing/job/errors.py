"""Errors that a person reads: what happened to which table, and what to do about it."""

from __future__ import annotations

import re
from typing import Iterable, List, Sequence

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError


class LandingError(Exception):
    """An error with a known cause. what says what happened, todo what to do; neither ends in a full stop."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what, todo)
        self.what = what
        self.todo = todo

    def as_log_line(self, table: str) -> str:
        """Return the one line that a job run ends with."""
        return one_line("landfall: {}: {}. {}".format(table, self.what, self.todo))


class Scrubber:
    """Replaces secrets in texts, wherever they appear: the last resort."""

    def __init__(self) -> None:
        self._secrets: List[str] = []

    def add(self, secrets: Iterable[str]) -> None:
        """Remember secrets. Longer ones are replaced first, so that no part of one stays."""
        self._secrets = sorted({*self._secrets, *filter(None, secrets)}, key=len, reverse=True)

    def scrub(self, text: str) -> str:
        """Return the text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


SCRUBBER = Scrubber()
"""The process's own: everything written to a log or an error goes through it."""


def one_line(text: str) -> str:
    """Return the text without line breaks and control characters."""
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", text).strip()


def pluralise(number: int, one: str, many: str = "") -> str:
    """Return a number with what it counts: "1 row", "2 rows". many is the plural if it is not one with an s."""
    return "{} {}".format(number, one if number == 1 else many or one + "s")


_LONGEST = 400
_LISTED = 5
_DENIED = {"AccessDenied", "AccessDeniedException", "403", "Forbidden", "KMSAccessDeniedException"}


def abbreviated(names: Sequence[str]) -> str:
    """Return a list of names, of many the first and how many more there are: a table may have 1,600 columns."""
    if len(names) <= _LISTED + 1:
        return ", ".join(names)
    return "{} and {} more".format(", ".join(names[:_LISTED]), len(names) - _LISTED)


def explain(error: BaseException) -> LandingError:
    """Return the error that a person should read about any exception."""
    if isinstance(error, LandingError):
        return LandingError(SCRUBBER.scrub(error.what), SCRUBBER.scrub(error.todo))
    if isinstance(error, S3UploadFailedError) and isinstance(error.__context__, ClientError):
        error = error.__context__
    if isinstance(error, ClientError):
        return _explain_refusal(error)
    if isinstance(error, BotoCoreError):
        return LandingError(
            "AWS could not be reached: " + one_line(SCRUBBER.scrub(str(error))),
            "Check the job's network (a route or endpoint to S3, Secrets Manager and Glue) and its credentials",
        )
    said = one_line(SCRUBBER.scrub(str(error)))
    if len(said) > _LONGEST:  # Spark's errors hold a stack trace of Java
        said = said[:_LONGEST] + " ..."
    return LandingError(
        "unexpected {}: {}".format(type(error).__name__, said),
        "See the job's log; nothing unfinished is visible to readers, and the job may simply be run again",
    )


def _explain_refusal(error: ClientError) -> LandingError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = one_line(SCRUBBER.scrub(str(error.response.get("Error", {}).get("Message", ""))))
    what = "{} was refused: {}: {}".format(error.operation_name, code, message.rstrip("."))
    if code == "NoSuchBucket":
        bucket = error.response.get("Error", {}).get("BucketName")  # S3 names it, its emulators may not
        return LandingError(
            "the destination bucket {}does not exist".format("{!r} ".format(bucket) if bucket else ""),
            "Create it or correct DestinationBucketName",
        )
    if code in _DENIED:
        return LandingError(what, "Allow it in the job's role (and in the policy of the bucket, key or secret)")
    return LandingError(what, "If it does not pass by itself, see the job's log")
