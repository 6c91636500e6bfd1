"""Sessions with the source: they read only, end, prove who they talk to, and survive a rotation of the login."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support import World

from landing.databases.duckdb_sql import text
from landing.databases.postgres import DIALECT, PostgresDatabase, failures
from landing.job import secret
from landing.job.errors import LandingError

TABLE = "CREATE TABLE $people (id int PRIMARY KEY, updated_at timestamptz DEFAULT '2024-01-01')"


def put(world: World, **changes: Any) -> Dict[str, Any]:
    """Change the secret; return its content."""
    content = world.postgres.secret(**changes)
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(content))
    return content


def line(world: World, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that a landing ends with; it holds no certificate and no password."""
    assert world.run("people") == 1
    (text,) = capsys.readouterr().err.strip().splitlines()
    assert "CERTIFICATE" not in text
    return str(text)


def _connected(world: World) -> PostgresDatabase:
    """Return this process's connections for the world's secret, which is read again when it was rotated."""
    return DIALECT.connect(secret.read(world.aws.secrets, world.secret))


SETTINGS = {
    "transaction_read_only": "on",
    "transaction_isolation": "repeatable read",
    "application_name": "landfall (read only)",
    "statement_timeout": "7d",
    "lock_timeout": "5min",
    "client_connection_check_interval": "10s",
    "row_security": "off",
}


def test_settings(world: World) -> None:
    with _connected(world).session() as reader:
        for name, value in SETTINGS.items():
            assert reader.query("SELECT pg_catalog.current_setting('{}') AS x".format(name)) == [(value,)], name


def test_timeouts_of_the_database_do_not_count(world: World) -> None:
    """A read takes as long as it takes. transaction_timeout is PostgreSQL 17's; before, there is no such setting."""
    timeouts = {"idle_in_transaction_session_timeout": "0", "client_connection_check_interval": "10s"}
    if world.schema.query("SELECT 1 AS x FROM pg_catalog.pg_settings WHERE name = 'transaction_timeout'"):
        timeouts["transaction_timeout"] = "0"
    connections = _connected(world)
    name_of_database = world.postgres.address["database"]
    for name in timeouts:
        world.schema.run("ALTER DATABASE {} SET {} = '1s'".format(name_of_database, name))
    connections.close()
    try:
        with connections.session() as reader:
            for name, value in timeouts.items():
                assert reader.query("SELECT pg_catalog.current_setting('{}') AS x".format(name)) == [(value,)], name
    finally:
        for name in timeouts:
            world.schema.run("ALTER DATABASE {} RESET {}".format(name_of_database, name))


def test_the_server_refuses_writes(world: World) -> None:
    world.schema.run(TABLE)
    with _connected(world).session() as reader:
        sql = "INSERT INTO {}.people VALUES (1)".format(world.schema.name)
        with pytest.raises(LandingError, match="read-only transaction"):
            reader.run("CALL postgres_execute('src', {})".format(text(sql)))
    assert world.schema.query("SELECT count(*) AS n FROM $people") == [(0,)]


class Authority:
    """A certificate authority."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key, x509.BasicConstraints(ca=True, path_length=None))

    @property
    def pem(self) -> str:
        """The authority's own certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, *names: x509.GeneralName) -> Tuple[bytes, bytes]:
        """Return a server's certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")]), key, x509.SubjectAlternativeName(names)
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return certificate.public_bytes(serialization.Encoding.PEM), private

    def _sign(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).add_extension(extension, critical=False)
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
        return builder.not_valid_after(now + datetime.timedelta(hours=1)).sign(self.key, hashes.SHA256())


@pytest.fixture
def authority(world: World) -> Iterator[Authority]:
    """The authority of the server's certificate, which is for 127.0.0.1 and not for localhost."""
    made = Authority("landfall test")
    certificate, key = made.issue(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    run = world.schema.writer.run
    ((folder,),) = world.schema.query("SELECT pg_catalog.current_setting('data_directory') AS d")
    owner = os.stat(folder)
    for name, content in (("server.crt", certificate), ("server.key", key)):
        path = Path(folder) / name
        path.write_bytes(content)
        path.chmod(0o600)
        os.chown(path, owner.st_uid, owner.st_gid)
    run("ALTER SYSTEM SET ssl = on")
    run("SELECT pg_catalog.pg_reload_conf()")
    yield made
    run("ALTER SYSTEM RESET ssl")
    run("SELECT pg_catalog.pg_reload_conf()")


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_tls(world: World, authority: Authority, mode: str) -> None:
    world.schema.run(TABLE)
    put(world, sslmode=mode, sslrootcert=authority.pem)
    world.land("people")
    with _connected(world).session() as reader:
        sql = "SELECT ssl AS encrypted FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()"
        assert reader.query(sql) == [(True,)]


def test_a_bundle_of_authorities(world: World, authority: Authority) -> None:
    world.schema.run(TABLE)
    put(world, sslmode="verify-full", sslrootcert=Authority("another").pem + authority.pem)
    world.land("people")


def test_verify_ca_does_not_look_at_the_name(world: World, authority: Authority) -> None:
    world.schema.run(TABLE)
    put(world, host="localhost", sslmode="verify-ca", sslrootcert=authority.pem)
    world.land("people")


def test_wrong_authority(world: World, authority: Authority, capsys: pytest.CaptureFixture[str]) -> None:
    """Another one, or one of the same name that has another key."""
    for mode in ("verify-ca", "verify-full"):
        for name in ("another", "landfall test"):
            put(world, sslmode=mode, sslrootcert=Authority(name).pem)
            text = line(world, capsys)
            assert "the certificate of the database at 127.0.0.1:" in text
            assert "is signed by none of sslrootcert" in text
            assert "Correct host and sslrootcert in the secret" in text


def test_wrong_name(world: World, authority: Authority, capsys: pytest.CaptureFixture[str]) -> None:
    put(world, host="localhost", sslmode="verify-full", sslrootcert=authority.pem)
    text = line(world, capsys)
    assert "failed the TLS check" in text
    assert "does not match host name" in text


def test_no_tls(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    put(world, sslmode="require")
    assert "server does not support SSL" in line(world, capsys)


BAD: Dict[str, Tuple[Dict[str, Any], str]] = {
    "unknown mode": ({"sslmode": "verify"}, "has an sslmode that is none of disable"),
    "mode that is no text": ({"sslmode": ["require"]}, "has an sslmode that is none of"),
    "no authority": ({"sslmode": "verify-full"}, "has sslmode verify-full and no sslrootcert"),
    "a path": ({"sslmode": "verify-ca", "sslrootcert": "/rds.pem"}, "holds no certificates in PEM"),
    "salt": ({"salt": 7}, "has a salt that is not a text"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_secret(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    changes, said = BAD[name]
    put(world, **changes)
    assert said in line(world, capsys)


@pytest.fixture
def role(world: World) -> Iterator[str]:
    """A login of its own, whose password is changed."""
    name = world.schema.name
    world.schema.run(
        TABLE + "; CREATE ROLE {0} LOGIN PASSWORD 's3cr3t-1'; GRANT USAGE ON SCHEMA {0} TO {0}".format(name)
    )
    world.schema.run("GRANT SELECT ON $people TO {}".format(name))
    put(world, username=name, password="s3cr3t-1")
    yield name
    world.schema.run("DROP OWNED BY {0}; DROP ROLE {0}".format(name))


def rotate(world: World, role: str, password: str, stages: List[str]) -> None:
    """Change the password as a rotation does, up to the stage that the new version has."""
    content = world.postgres.secret(username=role, password=password)
    world.schema.run("ALTER ROLE {} PASSWORD '{}'".format(role, password))
    world.schema.run(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = '{}'".format(role)
    )
    world.aws.secrets.put_secret_value(SecretId=world.secret, SecretString=json.dumps(content), VersionStages=stages)


@pytest.mark.parametrize("stages", [["AWSCURRENT"], ["AWSPENDING"]])
def test_rotation_before_the_first_connection(world: World, role: str, stages: List[str]) -> None:
    """The secret was read, then rotated; or the rotation is at the step before its last."""
    connections = _connected(world)
    rotate(world, role, "s3cr3t-2", stages)
    with connections.session() as reader:
        assert reader.query("SELECT session_user::pg_catalog.text AS x") == [(role,)]


def test_rotation_between_two_sessions(world: World, role: str) -> None:
    """The process keeps its connections, as executors do from split to split."""
    connections = _connected(world)
    for password in ("s3cr3t-1", "s3cr3t-2", "s3cr3t-3"):
        if password != "s3cr3t-1":
            rotate(world, role, password, ["AWSCURRENT"])
        with connections.session() as reader:
            assert reader.query("SELECT session_user::pg_catalog.text AS x") == [(role,)], password
    connections.close()
    sql = "SELECT count(*) AS n FROM pg_catalog.pg_stat_activity WHERE usename = '{}'".format(role)
    assert world.schema.query(sql) == [(0,)], "no connection of any password stays"


def test_connections_that_were_kept_and_cut(world: World, role: str) -> None:
    """The server was started anew between two splits, say."""
    connections = _connected(world)
    kept = [connections.session() for _ in range(3)]
    rotate(world, role, "s3cr3t-1", ["AWSCURRENT"])
    with pytest.raises(failures.ConnectionLostError, match="the connection to the database was cut"):
        kept[0].query("SELECT 1 AS x")
    for one in kept:
        one.close()
    with connections.session() as reader:
        assert reader.query("SELECT 1 AS x") == [(1,)]


def test_rotation_between_two_landings(world: World, role: str) -> None:
    world.land("people")
    rotate(world, role, "s3cr3t-2", ["AWSCURRENT"])
    world.schema.run("INSERT INTO $people VALUES (1, '2024-02-01')")
    world.land("people")
    assert world.read("people").num_rows == 1


def test_the_secret_is_read_again_once(world: World, role: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A password that is wrong, and stays wrong, ends the job run at once."""
    world.schema.run("ALTER ROLE {} PASSWORD 'other'".format(role))
    asked: List[str] = []
    login = secret.read(world.aws.secrets, world.secret)
    assert login.origin is not None
    watched = secret.Secret(**{**vars(login), "origin": _Watched(login.origin, asked)})
    with pytest.raises(failures.LoginRefusedError, match="refused the login"):
        PostgresDatabase(watched).session()
    assert asked == ["AWSCURRENT", "AWSPENDING"]


class _Watched:
    """An origin that notes what is read."""

    def __init__(self, origin: Any, asked: List[str]) -> None:
        self._origin = origin
        self._asked = asked
        self.name = origin.name

    def read(self, stage: str) -> Any:
        """Return the version's text."""
        self._asked.append(stage)
        return self._origin.read(stage)
