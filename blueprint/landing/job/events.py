"""The job run's log on standard output: one compact JSON object per line, without values of rows."""

from __future__ import annotations

import json
import sys
import time
from typing import IO, Any, Optional

from landing.job.errors import SCRUBBER


class Events:
    """Writes events of one table. Each has its name, the table and the seconds since the job began."""

    def __init__(self, table: str, out: Optional[IO[str]] = None) -> None:
        """Write to out, standard output by default."""
        self._table = table
        self._out = out
        self._started = time.monotonic()

    def write(self, event: str, **facts: Any) -> None:
        """Write one event."""
        seconds = round(time.monotonic() - self._started, 3)
        line = {"event": event, "table": self._table, **facts, "seconds": seconds}
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        print(SCRUBBER.scrub(text), file=self._out or sys.stdout, flush=True)
