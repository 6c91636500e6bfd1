"""The login of the source database, from Secrets Manager."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import quote, quote_plus

from botocore.exceptions import ClientError

from landing.databases.engines import DEFAULT_ENGINE, ENGINES, dialect
from landing.job.errors import SCRUBBER, LandingError


@dataclass(frozen=True)
class Origin:
    """Where the secret is read again."""

    client: Any
    name: str

    def read(self, stage: str) -> Optional[str]:
        """Return the text of a version, None when there is none."""
        try:
            answer = self.client.get_secret_value(SecretId=self.name, VersionStage=stage)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                return None
            raise
        return str(answer.get("SecretString") or "")


@dataclass(frozen=True)
class Secret:
    """The address of the database and the login."""

    host: str
    port: int
    dbname: str
    username: str
    password: str = field(repr=False)
    options: Tuple[Tuple[str, str], ...] = field(default=(), repr=False)  # of the engine alone
    salt: str = field(default="", repr=False)  # what the rule Hash puts before a value
    engine: str = DEFAULT_ENGINE  # one of ENGINES
    origin: Optional[Origin] = field(default=None, repr=False, compare=False)

    def renewed(self) -> Optional[Secret]:
        """Read the secret once more and return it if it has changed, else None.

        A rotation changes the password in the database first, and makes the new version the current one afterwards: in
        between, the pending version holds what the database takes.
        """
        if self.origin is None:
            return None
        for stage in ("AWSCURRENT", "AWSPENDING"):
            text = self.origin.read(stage)
            fresh = decode(self.origin.name, text, self.origin) if text is not None else self
            if fresh != self:
                return fresh
        return None


def read(client: Any, name: str) -> Secret:
    """Return the secret of this name or ARN; from here on the process scrubs its password from every text.

    Raises LandingError; no part of the secret's text is in it.
    """
    origin = Origin(client, name)
    text = origin.read("AWSCURRENT")
    if text is None:
        raise LandingError("the secret {!r} does not exist".format(name), "Create it or correct SecretName")
    return decode(name, text, origin)


def decode(name: str, text: str, origin: Optional[Origin] = None) -> Secret:
    """Return the login that a secret's text holds. Raises LandingError with all that is wrong."""
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise _wrong(name, ["is not a JSON object"])
    for hidden in (values.get("password"), values.get("salt")):
        if isinstance(hidden, str):
            SCRUBBER.add({hidden, quote(hidden), quote_plus(hidden), json.dumps(hidden)[1:-1]})
    problems = [
        "has no {}".format(key)
        for key in ("host", "dbname", "username", "password")
        if not isinstance(values.get(key), str) or not values[key]
    ]
    engine = str(values.get("engine", DEFAULT_ENGINE))
    port, options = 0, ()  # type: Tuple[int, Tuple[Tuple[str, str], ...]]
    if engine in ENGINES:
        spoken = dialect(engine)
        port, options = _port(values, spoken.default_port, problems), spoken.login_options(values, problems)
    else:
        problems.append("has an engine that is none of {}".format(", ".join(ENGINES)))
    if not isinstance(values.get("salt", ""), str):
        problems.append("has a salt that is not a text")
    if problems:
        raise _wrong(name, problems)
    return Secret(
        values["host"],
        port,
        values["dbname"],
        values["username"],
        values["password"],
        options,
        values.get("salt", ""),
        engine,
        origin,
    )


def _port(values: Dict[str, Any], default: int, problems: List[str]) -> int:
    given = str(values.get("port") or default)
    if given.isascii() and given.isdigit() and 1 <= int(given) <= 65535:
        return int(given)
    problems.append("has a port that is not a number from 1 to 65535")
    return 0


def _wrong(name: str, problems: List[str]) -> LandingError:
    return LandingError(
        "the secret {!r} {}".format(name, ", ".join(problems)),
        "It must be a JSON object with host, port, dbname, username, password and engine {}".format(DEFAULT_ENGINE),
    )
