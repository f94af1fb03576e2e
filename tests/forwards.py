"""rump.forward as a process, for tests."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

WAIT_S = 20


class Forwarding:
    """The process, and the rows that it printed when it was ready."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.rows = self._printed()

    def port(self, number: int = 0) -> int:
        """Where a row listens."""
        return int(self.rows[number]["listen"].rpartition(":")[2])

    def totals(self) -> list[dict[str, Any]]:
        self.process.send_signal(signal.SIGUSR1)
        return self._printed()

    def _printed(self) -> list[dict[str, Any]]:
        assert self.process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1] != "]\n":
            ready, _, _ = select.select([self.process.stdout], [], [], WAIT_S) if not lines else (True, 0, 0)
            line = self.process.stdout.readline() if ready else ""
            assert line, f"rump.forward printed nothing: {self.process.poll()}"
            lines.append(line)
        rows: list[dict[str, Any]] = json.loads("".join(lines))
        return rows


@contextmanager
def forwarding(url: str, *arguments: str, errors: IO[str] | None = None) -> Iterator[Forwarding]:
    """``errors`` gets its standard error. It has to end well by SIGTERM, if it has not ended before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rumpclients.forward", "--json", *arguments],
        env={**os.environ, "RUMP_SERVER": url},
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Forwarding(process)
        if process.poll() is None:
            process.terminate()
            assert process.wait(WAIT_S) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
