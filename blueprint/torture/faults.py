"""What goes wrong around a job run. Each fault is put in before the job run and taken out after it."""

from __future__ import annotations

import contextlib
import functools
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

from landing.job.tuning import (
    COMMITTED,
    FILE_UPLOADED,
    PARTITIONS_REGISTERED,
    PLANNED,
    SPLIT_CHECKED,
    SPLIT_COMPARED,
    SPLIT_WRITTEN,
    UPLOADED,
    Observer,
)


def die() -> None:
    """End this process as the out-of-memory killer does."""
    os.kill(os.getpid(), signal.SIGKILL)


_STEPS = {
    "before the read": (PLANNED,),
    "mid-write": (SPLIT_WRITTEN, SPLIT_COMPARED, FILE_UPLOADED),
    "after the write": (UPLOADED,),
    "before the commit": ("before PutObject of a commit record",),
    "after the commit": (COMMITTED,),
    "before the Glue Data Catalog": ("before GetTable",),
    "within the Glue Data Catalog": (PARTITIONS_REGISTERED,),
}
"""After which steps of a job run, or around which calls to AWS, it is killed."""

_ANY_MOMENT = 50  # a job run has about so many steps and calls


class Killer:
    """Kills this process at a step of a job run. It is called with each step, and around each call to AWS."""

    def __init__(self, step: str, random: Random) -> None:
        """Choose when. At "any moment" is at any step or call."""
        self._steps = (random.choice(_STEPS[step]),) if step != "any moment" else None
        most = {"any moment": _ANY_MOMENT, "mid-write": 3}.get(step, 1)
        self._left = random.randint(1, most)
        self._lock = threading.Lock()

    def __call__(self, step: str, **_: Any) -> None:
        """Count a step, and kill the process if it is the one."""
        if self._steps is not None and step not in self._steps:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                die()

    def watch(self, session: Any) -> None:
        """Count the calls of clients that a session of boto3 makes from here on."""
        for moment in ("before", "after"):
            session.events.register(moment + "-call", functools.partial(self._called, moment))

    def _called(self, moment: str, model: Any = None, params: Any = None, **_: Any) -> None:
        conditional = "If-None-Match" in (params or {}).get("headers", {})
        self("{} {}{}".format(moment, model.name, " of a commit record" if conditional else ""))


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


def split_cut(terminate: Callable[[int], None], random: Random) -> Observer:
    """Cut the connection of one split before it is written, while the others go on."""
    left = [random.randint(1, 3)]

    def observe(step: str, session: Any = None, **_: Any) -> None:
        if step == SPLIT_CHECKED:
            left[0] -= 1
            if left[0] == 0:
                terminate(_backend(session))

    return observe


def snapshot_lost(terminate: Callable[[int], None]) -> Observer:
    """Cut the coordinator's connection before the splits begin."""

    def observe(step: str, source: Any = None, **_: Any) -> None:
        if step == PLANNED:
            terminate(_backend(source.reads.session))

    return observe


def _backend(session: Any) -> int:
    return int(session.query("SELECT pg_catalog.pg_backend_pid() AS pid")[0][0])


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
