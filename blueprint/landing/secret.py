"""The source's address and credentials, from Secrets Manager."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from landing.errors import LandingError


@dataclass(frozen=True)
class Credentials:
    """How to reach one database. The password never shows in a repr."""

    host: str
    port: int
    dbname: str
    username: str
    password: str = field(repr=False)


def read(client: Any, name: str) -> Credentials:
    """Reads the secret in the form that RDS gives it.

    client is boto3's Secrets Manager client. Raises LandingError, which names
    the secret and what is wrong with it and holds nothing of its content.
    """
    hint = "The secret must be a JSON object with host, port, dbname, username and password"
    try:
        text = client.get_secret_value(SecretId=name)["SecretString"]
    except ClientError as e:
        code = e.response["Error"]["Code"]
        if code == "ResourceNotFoundException":
            raise LandingError(f"there is no secret {name}", "Create it, or correct SecretName in the catalog") from None
        if code == "AccessDeniedException":
            raise LandingError(f"the job's role may not read the secret {name}", "Allow it secretsmanager:GetSecretValue") from None
        raise LandingError(f"the secret {name} cannot be read: {code}") from None
    except BotoCoreError as e:
        raise LandingError(f"Secrets Manager cannot be reached for {name}: {type(e).__name__}", "Check the job's network") from None
    except KeyError:
        raise LandingError(f"the secret {name} is binary", hint) from None
    try:
        held = json.loads(text)
    except ValueError:
        raise LandingError(f"the secret {name} is not JSON", hint) from None
    if not isinstance(held, dict):
        raise LandingError(f"the secret {name} is not a JSON object", hint)
    missing = [key for key in ("host", "dbname", "username", "password") if not held.get(key)]
    if missing:
        raise LandingError(f"the secret {name} has no {', '.join(missing)}", hint)
    engine = str(held.get("engine", "postgres"))
    if "postgres" not in engine:
        raise LandingError(f"the secret {name} is of the engine {engine}", "Only PostgreSQL can be landed")
    try:
        port = int(held.get("port") or 5432)
    except (TypeError, ValueError):
        raise LandingError(f"the port in the secret {name} is not a number", hint) from None
    return Credentials(str(held["host"]), port, str(held["dbname"]), str(held["username"]), str(held["password"]))
