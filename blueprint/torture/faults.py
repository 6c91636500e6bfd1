"""What goes wrong around a job run. Each fault is put in before the job run and taken out after it."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import threading
import time
from random import Random
from types import SimpleNamespace
from typing import Any, Callable, Iterator, List, Optional, Tuple
from unittest import mock

import botocore.endpoint
import botocore.httpsession
import urllib3
from botocore.awsrequest import AWSResponse, HTTPHeaders

from landing import batch
from landing.publish import bucket as objects
from landing.publish import commit_log as commits
from landing.publish import glue_catalog as register
from landing.read import completeness as verify
from landing.read import executors as engine
from landing.read import extract


def die() -> None:
    """End this process as the out-of-memory killer does."""
    os.kill(os.getpid(), signal.SIGKILL)


Hook = Callable[[], None]


@contextlib.contextmanager
def hooked(owner: Any, name: str, before: Optional[Hook] = None, after: Optional[Hook] = None) -> Iterator[None]:
    """Have a hook run before or after every call of a function."""
    real = getattr(owner, name)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        if before:
            before()
        result = real(*arguments, **named)
        if after:
            after()
        return result

    with mock.patch.object(owner, name, wrapped):
        yield


_STEPS = {
    "before the read": (engine.Threads, "run", "before"),
    "after the write": (verify, "arrived_whole", "after"),
    "before the commit": (commits.Commits, "publish", "before"),
    "after the commit": (commits.Commits, "publish", "after"),
    "before the Glue Data Catalog": (register.Registrar, "register", "before"),
    "within the Glue Data Catalog": (register.Registrar, "_partitions", "after"),
}


@contextlib.contextmanager
def killed(step: str, random: Random) -> Iterator[None]:
    """Kill this process at a step."""
    if step == "any moment":
        threading.Timer(random.uniform(0.0, 0.35), die).start()
        yield
    elif step == "mid-write":
        left = [random.randint(1, 3)]

        def count() -> None:
            left[0] -= 1
            if left[0] == 0:
                die()

        with random.choice([hooked(objects.Objects, "upload", before=count), hooked(extract, "_copy", after=count)]):
            yield
    else:
        owner, name, when = _STEPS[step]
        with hooked(owner, name, **{when: die}):
            yield


@contextlib.contextmanager
def refusing_s3(random: Random, share: float = 0.3) -> Iterator[None]:
    """Have S3 answer a share of the requests with 500 or 503, half of them after it did what was asked."""
    send = botocore.httpsession.URLLib3Session.send
    lock = threading.Lock()

    def sometimes(session: Any, request: Any) -> Any:
        with lock:
            refused, acted, status = random.random() < share, random.random() < 0.5, random.choice([500, 503])
        if not refused or "x-amz-target" in {name.lower() for name in request.headers}:
            return send(session, request)
        if acted:
            send(session, request)
        code = {500: "InternalError", 503: "SlowDown"}[status]
        body = "<Error><Code>{}</Code><Message>torture</Message></Error>".format(code).encode()
        raw = urllib3.HTTPResponse(io.BytesIO(body), {}, status, preload_content=False)
        return AWSResponse(request.url, status, HTTPHeaders(), raw)

    hasty = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 200))
    with mock.patch.object(botocore.httpsession.URLLib3Session, "send", sometimes):
        with mock.patch.object(botocore.endpoint, "time", hasty):
            yield


@contextlib.contextmanager
def split_cut(terminate: Callable[[int], None], random: Random) -> Iterator[None]:
    """Cut the connection of one split as it begins to copy, while the others go on."""
    real, left = extract._copy, [random.randint(1, 3)]

    def cut(reader: Any, *rest: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            terminate(reader.query("SELECT pg_catalog.pg_backend_pid() AS pid")[0][0])
        return real(reader, *rest)

    with mock.patch.object(extract, "_copy", cut):
        yield


@contextlib.contextmanager
def snapshot_lost(terminate: Callable[[int], None]) -> Iterator[None]:
    """Cut the coordinator's connection before the splits begin."""
    real = batch.Batch._tasks

    def lost(landing: Any, source: Any, *rest: Any) -> Any:
        tasks = real(landing, source, *rest)
        terminate(source._session.query("SELECT pg_catalog.pg_backend_pid() AS pid")[0][0])
        return tasks

    with mock.patch.object(batch.Batch, "_tasks", lost):
        yield


class Proxy:
    """Stands between the job and the database, and drops one connection after some bytes once it is told to."""

    def __init__(self, target: Tuple[str, int]) -> None:
        """Listen on a free port."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._drop: Optional[int] = None
        self._open: List[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def drop_after(self, count: Optional[int]) -> None:
        """Drop the connection that is read from when so many more bytes have come from the database; None: do not."""
        self._drop = count

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._open += [client, server]
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while True:
                data = source.recv(4096)
                if not data:
                    break
                if counted and self._drop is not None:
                    self._drop -= len(data)
                    if self._drop <= 0:
                        self._drop = None
                        break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        """Drop everything."""
        self._listener.close()
        for end in self._open:
            end.close()
