"""Errors that a user can act on."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError


class LandingError(Exception):
    """What happened, and what to do about it.

    The message becomes the job run's error message, so it holds no secret and
    no value of a row.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what + (". " + hint if hint else ""))


class Scrubber:
    """Replaces known secrets in a text, as the last guard before it is shown."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def hide(self, secret: str) -> None:
        """Hides the secret from now on."""
        if secret:
            self._secrets.append(secret)

    def clean(self, text: str) -> str:
        """Returns the text without any of the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def explain(e: BaseException) -> str:
    """One line for any error: what happened, in the words of who knows it best."""
    if isinstance(e, LandingError):
        return str(e)
    if isinstance(e, ClientError):
        error = e.response.get("Error", {})
        code, operation = error.get("Code", "?"), e.operation_name
        if code == "NoSuchBucket":
            return f"there is no bucket {error.get('BucketName', '')}".rstrip() + ". Correct DestinationBucketName in the catalog"
        if code in ("AccessDenied", "AccessDeniedException", "403"):
            return f"{operation} is not allowed to the job's role. Grant it, or name another GlueExecutionRole"
        return f"{operation}: {code}: {error.get('Message', '')}"
    if isinstance(e, BotoCoreError):
        return f"AWS cannot be reached: {type(e).__name__}. Check the job's network"
    text = " ".join(str(e).split())
    return f"{type(e).__name__}: {text[:300]}"
