"""Starts kernels: the gateway's process, in the foreground or detached when it is ready."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

from rumpclients._command import CommandError

TAIL = 4096
"""How much of a kernel's log is looked at for why it did not start."""
STOP_S = 20


def runtime_folder() -> str:
    """Where sockets go: under XDG_RUNTIME_DIR, else a folder of the user's own in /tmp."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    return f"{base}/rump" if base and os.path.isdir(base) else f"/tmp/rump-{os.getuid()}"  # noqa: S108  checked below


def default_url() -> str:
    return f"unix://{runtime_folder()}/kernel.sock"


def folder_for(urls: Sequence[str]) -> str:
    """The folder of a kernel that was not given one. Kernels at other URLs have others."""
    folder = runtime_folder()
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise CommandError(f"{folder}: not a folder of this user alone")
    if not urls:
        return folder
    return f"{folder}/{hashlib.sha256(os.path.abspath(urls[0]).encode()).hexdigest()[:16]}"


def command(flags: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "rumpgateway", *flags]


def _open_log(flags: Sequence[str]) -> BinaryIO:
    """``log`` in the kernel's folder."""
    folder = flags[flags.index("--dir") + 1]
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return open(f"{folder}/log", "w+b")


class Started:
    """A kernel's process that says when it is ready."""

    def __init__(self, flags: Sequence[str], environ: Mapping[str, str], *, detach: bool) -> None:
        self._log = _open_log(flags) if detach else None
        self.process = subprocess.Popen(
            command(flags),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=detach,
            env={**os.environ, **environ},
            text=True,
        )

    def wait_ready(self, urls: int) -> list[str]:
        """Where it serves. CommandError, with the end of its log, when it ends instead."""
        assert self.process.stdout is not None
        ready: list[str] = []
        while len(ready) < urls:
            line = self.process.stdout.readline()
            if not line:
                raise CommandError(self._why())
            if line.startswith("ready "):
                ready.append(line.split()[1])
        return ready

    def _why(self) -> str:
        status = self.process.wait()
        if self._log is None:
            return f"the kernel did not start (status {status})"
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - TAIL))
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("rump up: ") if lines else f"the kernel did not start (status {status})"

    def stop(self) -> int:
        """Halts it in order."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def wait(self) -> int:
        """Waits for its end; SIGTERM and SIGINT go to it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.process.terminate())
        return self.process.wait()

    def close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()
        if self._log is not None:
            self._log.close()


def start(
    flags: Sequence[str],
    environ: Mapping[str, str] | None = None,
    *,
    urls: int = 1,
    detach: bool = True,
    prepare: Callable[[str], None] = lambda url: None,
    announce: Callable[[str], None] = lambda url: None,
) -> int:
    """Starts a kernel, prepares it, and returns when it is ready, or when it has ended if it is not detached."""
    started = Started(flags, environ or {}, detach=detach)
    try:
        try:
            ready = started.wait_ready(urls)
            prepare(ready[0])
        except BaseException:
            started.stop()
            raise
        for url in ready:
            announce(url)
        return 0 if detach else started.wait()
    finally:
        started.close()
        if detach:
            started.process.returncode = 0  # it lives on; nobody here waits for it
