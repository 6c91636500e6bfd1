"""What an error of DuckDB or of libpq means, in words for a person, without the query and without secrets."""

from __future__ import annotations

import re

from landing.job.errors import SCRUBBER, LandingError, one_line
from landing.job.secret import Secret


class LoginRefusedError(LandingError):
    """The server does not accept the login: it was rotated, or is wrong."""


class ConnectionLostError(LandingError):
    """An established connection was closed by the server or the network."""


def reason(error: BaseException) -> str:
    """Return the server's own words in an error of DuckDB, without the query and without secrets."""
    message = SCRUBBER.scrub(str(error))
    found = re.search(r"\b(?:ERROR|FATAL|PANIC): +(.*)", message)
    if found:
        return one_line(found.group(1)).rstrip(".")
    return one_line(message.split("\n")[0]).rstrip(".")


def failed(secret: Secret, error: BaseException) -> LandingError:
    """Return what an error within a session means: a connection that could not be made, or a refused query."""
    if "Unable to connect to Postgres" in str(error):
        return unreachable(secret, error)
    return refused(error)


def refused(error: BaseException) -> LandingError:
    """Return what a failed query means."""
    said = reason(error)
    if "invalid snapshot identifier" in said or "could not import the requested snapshot" in said:
        return LandingError(
            "the snapshot ended while it was being read: {}".format(said),
            "The coordinator's connection was cut; nothing was published, so run the job again",
        )
    if "row-level security" in said:
        return LandingError(
            "row-level security would hide rows: {}".format(said), "Give the login BYPASSRLS or another login"
        )
    if re.search(r"server closed the connection|terminating connection|no connection to the server", str(error)):
        cut = re.search(r"(?:FATAL: +|: )([^:\n]*(?:connection)[^:\n]*)\n?", SCRUBBER.scrub(str(error)))
        return ConnectionLostError(
            "the connection to the database was cut: {}".format(cut.group(1) if cut else "it is closed"),
            "Nothing was published by this attempt; run the job again",
        )
    if "permission denied" in said:
        return LandingError(
            said, "Grant the right to read it to the login of the secret or, below a view, to the owner of the view"
        )
    if "has not been populated" in said:
        return LandingError(said, "REFRESH MATERIALIZED VIEW, and run the job again")
    return LandingError(
        "PostgreSQL refused a query: {}".format(said), "If it does not pass by itself, see the job's log"
    )


def unreachable(secret: Secret, error: BaseException) -> LandingError:
    """Return what a failed connection means. The wording is libpq's or, after FATAL, the server's."""
    said = re.sub(r'^IO Error: Unable to connect to Postgres at ".*?": ', "", reason(error)).split("failed: ")[-1]
    server = "{}:{}".format(secret.host, secret.port)
    if re.search(r"certificate verify failed|EVP lib", said):
        return LandingError(
            "the certificate of the database at {} is signed by none of sslrootcert ({})".format(server, said),
            "Correct host and sslrootcert in the secret; the job will not talk to a server it cannot trust",
        )
    if re.search(r"SSL|certificate", said) and "no pg_hba.conf entry" not in said:
        return LandingError(
            "the database at {} failed the TLS check of sslmode {}: {}".format(
                server, dict(secret.options).get("sslmode", "prefer"), said
            ),
            "Correct host, sslmode and sslrootcert in the secret",
        )
    if re.search(r'authentication failed|no pg_hba.conf entry|no password supplied|role ".*" does not exist', said):
        return LoginRefusedError(
            "the database at {} refused the login {!r}: {}".format(server, secret.username, said),
            "Correct username and password in the secret, or let the server accept the login",
        )
    if re.search(r'database ".*" does not exist', said):
        return LandingError(
            "the server {} has no database {!r}".format(server, secret.dbname), "Correct dbname in the secret"
        )
    return LandingError(
        "the database at {} cannot be reached: {}".format(server, said),
        "Check host and port in the secret, and that the job's network connection leads to the database",
    )
