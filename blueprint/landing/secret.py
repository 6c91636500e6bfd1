"""The login of the source database, from Secrets Manager."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, List
from urllib.parse import quote, quote_plus

from botocore.exceptions import ClientError

from landing.errors import SCRUBBER, LandingError

_ENGINES = ("postgres", "postgresql", "aurora-postgresql")


@dataclass(frozen=True)
class Secret:
    """Where the database is and how to log in."""

    host: str
    port: int
    dbname: str
    username: str
    password: str = field(repr=False)


def read(client: Any, name: str) -> Secret:
    """Return the secret of this name or ARN; from here on the process scrubs its password from every text.

    Raises LandingError; no part of the secret's text is in it.
    """
    try:
        answer = client.get_secret_value(SecretId=name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
            raise LandingError(
                "the secret {!r} does not exist".format(name), "Create it or correct SecretName"
            ) from None
        raise
    return decode(name, answer.get("SecretString") or "")


def decode(name: str, text: str) -> Secret:
    """Return the login that a secret's text holds. Raises LandingError with all that is wrong."""
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise _wrong(name, ["is not a JSON object"])
    password = values.get("password")
    if isinstance(password, str):
        SCRUBBER.add({password, quote(password), quote_plus(password), json.dumps(password)[1:-1]})
    problems = [
        "has no {}".format(key)
        for key in ("host", "dbname", "username", "password")
        if not isinstance(values.get(key), str) or not values[key]
    ]
    if values.get("engine", "postgres") not in _ENGINES:
        problems.append("is for another engine than postgres")
    port = _port(values, problems)
    if problems:
        raise _wrong(name, problems)
    return Secret(values["host"], port, values["dbname"], values["username"], values["password"])


def _port(values: Dict[str, Any], problems: List[str]) -> int:
    given = str(values.get("port") or 5432)
    if given.isascii() and given.isdigit() and 1 <= int(given) <= 65535:
        return int(given)
    problems.append("has a port that is not a number from 1 to 65535")
    return 0


def _wrong(name: str, problems: List[str]) -> LandingError:
    return LandingError(
        "the secret {!r} {}".format(name, ", ".join(problems)),
        "It must be a JSON object with host, port, dbname, username, password and engine postgres",
    )
