"""Many clients of many threads, and a killer beside them: ``python -m tests.soak.clients --clients 32 --seconds 60``.

Each client is a process of the host, and each of its threads checks what it gets. The killer ends one after another, in
whatever they are just doing, and others take their places. At the end all are killed, and nothing of them may be left.
"""

from __future__ import annotations

import argparse
import faulthandler
import itertools
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import rump
from tests.live import live_kernel

THREADS = 8
ANSWER_S = 60.0
"""What takes longer than this hangs."""
LIVES_S = 8.0
"""How long a client lives, more or less."""
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__])


# -- what a client does


def pipes(k: Any, number: int) -> None:
    r, w = k.sys.pipe()
    k.sys.write(w, b"%d" % number)
    check(k.sys.read(r, 20), b"%d" % number)
    k.sys.close(w)
    check(k.sys.read(r, 20), b"")
    k.sys.close(r)


def waits(k: Any, number: int) -> None:
    """One thread waits for what another gives."""
    r, w = k.sys.pipe()
    given = threading.Thread(target=lambda: k.sys.write(w, b"%d" % number))
    given.start()
    check(k.sys.read(r, 20), b"%d" % number)
    given.join()
    for fd in (r, w):
        k.sys.close(fd)


def files(k: Any, number: int) -> None:
    path = f"/tmp/stress-{k.pid}-{number}"
    fd = k.sys.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    k.sys.write(fd, b"%d" % number)
    check(k.sys.pread(fd, 20, 0), b"%d" % number)
    k.sys.close(fd)
    k.sys.unlink(path)


def sockets(k: Any, number: int) -> None:
    a, b = k.sys.socketpair(rump.AF_UNIX, rump.SOCK_DGRAM, 0)
    k.sys.sendto(a, b"%d" % number)
    check(k.sys.recvfrom(b, 20).data, b"%d" % number)
    for fd in (a, b):
        k.sys.close(fd)


def children(k: Any, number: int) -> None:
    with k.fork() as child:
        check(child.sys.getppid(), k.pid)


DOES: tuple[Callable[[Any, int], None], ...] = (pipes, waits, files, sockets, pipes, waits, files, children)


def check(found: object, wanted: object) -> None:
    if found != wanted:
        raise AssertionError(f"{found!r}, not {wanted!r}")


def client(url: str, threads: int, tells: Connection) -> None:
    """Until it is killed; or until something is wrong, which it tells."""
    faulthandler.register(signal.SIGUSR1)
    k = rump.connect(url)
    numbers = itertools.count()

    def work(does: Callable[[Any, int], None]) -> None:
        try:
            for number in numbers:
                does(k, number)
                if number == threads:
                    tells.send("")  # it is in the middle of it
        except BaseException as error:  # noqa: BLE001  it is told
            tells.send(f"{does.__name__}: {error!r}")

    for does in itertools.islice(itertools.cycle(DOES), threads):
        threading.Thread(target=work, args=(does,), daemon=True).start()
    threading.Event().wait()


# -- those who look on


@dataclass
class Report:
    """What a run found. ``longest_s``: how long one that was let alone waited for an answer at most."""

    killed: int = 0
    calls: int = 0
    longest_s: float = 0.0
    freed_s: float = 0.0
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        text = f"{self.killed} clients killed; one that was let alone made {self.calls} calls, "
        text += f"the longest of {self.longest_s * 1e3:.0f} ms; the last were freed after {self.freed_s:.1f} s"
        return "\n".join([text, *self.findings])


class Victim:
    """A client that will be killed."""

    def __init__(self, url: str, threads: int) -> None:
        self.told, tells = _forks.Pipe(duplex=False)
        self.process = _forks.Process(target=client, args=(url, threads, tells), daemon=True)
        self.process.start()
        tells.close()

    def kill(self) -> list[str]:
        """What it has told."""
        self.process.kill()
        self.process.join()
        found = []
        while self.told.poll():
            try:
                found.append(self.told.recv())
            except EOFError:
                break
        self.told.close()
        return [text for text in found if text]

    def works(self) -> bool:
        """Whether it has begun."""
        return self.told.poll(ANSWER_S)


def stress(url: str, clients: int, threads: int, seconds: float, seed: int = 1) -> Report:
    """The kernel at the URL has no other clients."""
    report, chance = Report(), random.Random(seed)
    with rump.connect(url) as k:
        over = threading.Event()
        looker = threading.Thread(target=_look_on, args=(url, over, report))
        looker.start()
        victims = [Victim(url, threads) for _ in range(clients)]
        end = time.monotonic() + seconds
        while time.monotonic() < end and not report.findings:
            time.sleep(chance.uniform(0, 2 * LIVES_S / clients))
            at = chance.randrange(clients)
            report.findings += victims[at].kill()
            report.killed += 1
            victims[at] = Victim(url, threads)
        for victim in victims:
            if not victim.works():
                report.findings.append(f"client {victim.process.pid} does nothing")
                os.kill(victim.process.pid or 0, signal.SIGUSR1)
            report.findings += victim.kill()
        over.set()
        looker.join(ANSWER_S)
        if looker.is_alive():
            report.findings.append("one that was let alone gets no answer")
        _freed(k, report)
    return report


def _look_on(url: str, over: threading.Event, report: Report) -> None:
    """Is let alone, and goes on."""
    with rump.connect(url) as k:
        k.timeout = ANSWER_S
        while not over.is_set():
            begun = time.monotonic()
            try:
                files(k, report.calls)
            except OSError as error:
                report.findings.append(f"one that was let alone: {error}")
                return
            report.longest_s = max(report.longest_s, time.monotonic() - begun)
            report.calls += 1


def _freed(k: Any, report: Report) -> None:
    begun = time.monotonic()
    while (left := {p["pid"] for p in k.processes()} - {1, k.pid}) or k.statistics()["in_flight"]:
        if time.monotonic() > begun + ANSWER_S:
            report.findings.append(f"processes {sorted(left)} are left; calls in flight: {k.statistics()['in_flight']}")
            return
        time.sleep(0.05)
    report.freed_s = time.monotonic() - begun


def main(argv: Sequence[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m tests.soak.clients", description=__doc__)
    p.add_argument("--clients", type=int, default=32)
    p.add_argument("--threads", type=int, default=THREADS)
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--placement", default="split", choices=("split", "server"))
    options = p.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="rump-stress-"), live_kernel("--placement", options.placement) as live:
        report = stress(live.url, options.clients, options.threads, options.seconds, options.seed)
        if "Traceback" in live.log:
            report.findings.append(live.log[live.log.index("Traceback") - 200 :][:2000])
    print(report)
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
