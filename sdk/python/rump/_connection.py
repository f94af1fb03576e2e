"""What stands between the calls and a kernel: one object per process of the kernel."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypedDict

from rump._signals import Signals
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import ModuleStat

CHUNK = 1 << 20
"""Longer reads and writes are done in pieces of this size: small beside the 16 MiB a message may have, large beside its cost."""


class ComponentStatus(TypedDict):
    name: str
    pid: int
    url: str
    state: str
    restarts: int
    modules: list[str]
    why: str
    recovery_ms: int


class Status(TypedDict):
    """Components of a kernel, as ``rump status --json`` prints them."""

    url: str
    components: list[ComponentStatus]


class ProcessStatus(TypedDict):
    """A process of a kernel, as ``rump ps --json`` prints it."""

    pid: int
    ppid: int
    comm: str
    uid: int
    nfd: int
    nlwps: int


class CallStatistics(TypedDict):
    """What the calls of one kind have cost. ``buckets``: how many by themselves took less than each bound."""

    call: str
    count: int
    nanoseconds: int
    buckets: list[int]
    errors: dict[str, int]


class Usage(TypedDict):
    name: str
    resident_bytes: int
    cpu_nanoseconds: int


class Held(TypedDict):
    """What an identity of the policy holds of a kind: sockets, pipes, aio, replies."""

    subject: str
    kind: str
    bytes: int


class Statistics(TypedDict):
    """How a kernel does, as ``rump status --calls --json`` prints it. ``bounds`` are in nanoseconds."""

    uptime_ms: int
    sessions: int
    processes: int
    descriptors: int
    in_flight: int
    slow: int
    calls: list[CallStatistics]
    bounds: list[int]
    usage: list[Usage]
    components: list[ComponentStatus]
    held: list[Held]


class Wheel(NamedTuple):
    """A module to upload. The signature is ed25519, over the SHA-256 of the wheel."""

    filename: str
    wheel: bytes
    sha256: bytes = b""
    public_key: bytes = b""
    signature: bytes = b""


class Prepared(NamedTuple):
    """A child that waits for its client: whoever has the cookie, once. ``wait``: seconds that it does."""

    cookie: bytes
    pid: int
    wait: float

    def __repr__(self) -> str:
        return f"Prepared(pid={self.pid}, wait={self.wait})"  # the cookie is a secret


class Connection(Protocol):
    """A process of a kernel. Everything here raises KernelError and may be used by any number of threads."""

    @property
    def pid(self) -> int: ...

    @property
    def same_host(self) -> bool:
        """Whether names of host files mean the same on both sides."""

    def call(self, op: Op, args: tuple[Any, ...]) -> Any:
        """The value of a call."""

    def run(self, steps: Sequence[Step], keep_going: bool) -> list[Any]:
        """Outcomes of a batch, values or errors; fewer than steps when it stopped."""

    def post(self, steps: Sequence[Step], keep_going: bool) -> Callable[[], list[Any]]:
        """Sends a batch; the function waits for its outcomes. Where nothing is sent, that does the batch."""

    @property
    def signals(self) -> Signals:
        """What becomes of signals."""

    def watch_signals(self) -> None:
        """Has signals come also while no call is under way."""

    def fork(self, flags: int) -> Connection: ...

    def prefork(self, flags: int, wait_ms: int) -> Prepared:
        """A child that waits to be claimed."""

    def fork_cancel(self, cookie: bytes) -> None: ...

    def execute(self, comm: str) -> None: ...

    def status(self) -> Status: ...

    def processes(self) -> list[ProcessStatus]: ...

    def statistics(self) -> Statistics: ...

    def upload_module(self, wheel: Wheel) -> ModuleStat: ...

    def close(self) -> None: ...


class AsyncConnection(Protocol):
    """The same for asyncio."""

    @property
    def signals(self) -> Signals: ...

    @property
    def pid(self) -> int: ...

    @property
    def same_host(self) -> bool: ...

    async def call(self, op: Op, args: tuple[Any, ...]) -> Any: ...

    async def run(self, steps: Sequence[Step], keep_going: bool) -> list[Any]: ...

    async def fork(self, flags: int) -> AsyncConnection: ...

    async def execute(self, comm: str) -> None: ...

    async def status(self) -> Status: ...

    async def processes(self) -> list[ProcessStatus]: ...

    async def statistics(self) -> Statistics: ...

    async def upload_module(self, wheel: Wheel) -> ModuleStat: ...

    async def close(self) -> None: ...


def default_comm() -> str:
    """Name of the program, as processes of the kernel are named."""
    return os.path.basename(sys.argv[0] or "") or "python"


def cookie_of(fork: Prepared | bytes | None) -> bytes:
    """The cookie of a prepared child. ESRCH for an empty one."""
    cookie = fork.cookie if isinstance(fork, Prepared) else fork
    if cookie == b"":
        raise KernelError(Errno.ESRCH, "an empty cookie")
    return cookie or b""
