"""Run one command and measure it and all its descendants."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Taken:
    """Seconds of wall clock and of CPU, and the most bytes of memory that were resident at once."""

    wall: float
    cpu: float
    memory: int


def measure(words: List[str], environment: Mapping[str, str], log: Path, timeout: float) -> Taken:
    """Run to the end. Raises CalledProcessError or TimeoutExpired; what the command said is in the log."""
    cpu: Dict[int, float] = {}
    memory = 0
    with log.open("w") as out:
        started = time.monotonic()
        process = subprocess.Popen(words, env=dict(environment), stdout=out, stderr=out, start_new_session=True)
        try:
            while process.poll() is None:
                resident = 0
                for pid, ticks, pages in _session(process.pid):
                    cpu[pid] = max(cpu.get(pid, 0), ticks / _TICK)
                    resident += pages * _PAGE
                memory = max(memory, resident)
                if time.monotonic() - started > timeout:
                    raise subprocess.TimeoutExpired(words, timeout)
                time.sleep(0.02)
            wall = time.monotonic() - started
        finally:  # whatever ends this, nothing that was started goes on
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return Taken(wall, sum(cpu.values()), memory)


def _session(leader: int) -> List["tuple[int, int, int]"]:
    """Return pid, ticks of CPU and resident pages of every process of a session."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == leader:
                    found.append((int(folder.name), int(fields[11]) + int(fields[12]), int(fields[21])))
    return found
