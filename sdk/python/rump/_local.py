"""Kernels inside this process."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rump._client import Client
from rump._connection import Prepared, ProcessStatus, Statistics, Status, Wheel, cookie_of, default_comm
from rump._errors import error_of
from rump._signals import Signals
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import ModuleStat

if TYPE_CHECKING:
    from rump.lwproc import Lwproc
    from rumpgateway.local import LocalKernel, LocalSession
    from rumpuser.component import Parameters


class LocalConnection:
    """A process of a kernel in this process."""

    same_host = True

    def __init__(self, session: LocalSession) -> None:
        self._session = session
        self.timeout: float | None = None
        self.signals = session.on_signal = Signals()

    @property
    def pid(self) -> int:
        return self._session.pid

    def call(self, op: Op, args: tuple[Any, ...]) -> Any:
        return _own(self._session.call(op, args, self.timeout))

    def run(self, steps: Sequence[Step], keep_going: bool) -> list[Any]:
        return [_own(outcome) for outcome in self._session.run(steps, keep_going, self.timeout)]

    def post(self, steps: Sequence[Step], keep_going: bool) -> Callable[[], list[Any]]:
        return lambda: self.run(steps, keep_going)

    def fork(self, flags: int) -> LocalConnection:
        return LocalConnection(self._session.fork(flags))

    def watch_signals(self) -> None:
        """Signals come at once here."""

    def prefork(self, flags: int, wait_ms: int) -> Prepared:
        child = self._session.prefork(flags, wait_ms)
        return Prepared(child.cookie, child.process.pid, child.wait_ms / 1000)

    def fork_cancel(self, cookie: bytes) -> None:
        self._session.fork_cancel(cookie)

    def execute(self, comm: str) -> None:
        self._session.execute(comm)

    def status(self) -> Status:
        status: Any = self._session.status()
        return {"url": status["url"], "components": status["components"]}

    def processes(self) -> list[ProcessStatus]:
        processes: Any = self._session.processes()
        return list(processes)

    def statistics(self) -> Statistics:
        raise KernelError(Errno.EOPNOTSUPP, "a kernel in this process keeps no statistics")

    def upload_module(self, wheel: Wheel) -> ModuleStat:
        return self._session.upload_module(*wheel)

    def close(self) -> None:
        self._session.close()


def _own(value: Any) -> Any:
    """A value that holds no views of the kernel's memory."""
    if type(value) is memoryview:
        return bytes(value)
    if isinstance(value, tuple) and memoryview in map(type, value):
        return type(value)._make(map(_own, value))  # type: ignore[attr-defined]
    return value


class Kernel(Client):
    """A kernel of its own inside this process, and a process of it.

    Further parameters are those of rump(3): ``hostname``, ``memlimit``, ``nvnodes``, ``module_keys``, ...; what is not
    given comes from the environment (RUMP_NCPU, ...).
    """

    def __init__(
        self, factions: Sequence[str] = ("vfs", "net", "dev"), ncpu: int | None = None, **parameters: Any
    ) -> None:
        try:
            self._kernel = _boot(tuple(factions), {"ncpu": ncpu, **parameters})
            super().__init__(LocalConnection(self._kernel.attach(default_comm())))
        except KernelError as error:
            raise error_of(error) from None

    def attach(self, comm: str = "", *, fork: Prepared | bytes | None = None) -> Client:
        """A further process: a child of init, or the one that `Client.prefork` prepared. EAGAIN, ESRCH."""
        try:
            return Client(LocalConnection(self._kernel.attach(comm or default_comm(), cookie_of(fork))))
        except KernelError as error:
            raise error_of(error) from None

    @functools.cached_property
    def lwproc(self) -> Lwproc:
        """The same kernel, with each thread of this program in a process of its choice (rump_lwproc(3))."""
        from rump.lwproc import Lwproc

        return Lwproc(self._kernel)

    def close(self) -> None:
        """Halts the kernel: syncs and unmounts. A second call does nothing."""
        try:
            self._kernel.close()
        except KernelError as error:
            raise error_of(error) from None


def _boot(factions: tuple[str, ...], given: dict[str, Any]) -> LocalKernel:
    from rumpgateway.local import LocalKernel  # clients of remote kernels need no services

    return LocalKernel(factions, _parameters(factions, {name: v for name, v in given.items() if v is not None}))


def _parameters(factions: tuple[str, ...], given: dict[str, Any]) -> Parameters:
    from rumpuser.config import parameters

    keys = given.pop("module_keys", None)
    hidden = {f"RUMP_{name.upper()}" for name in (*given, "factions")}  # what is given here counts more
    out = parameters({name: value for name, value in os.environ.items() if name not in hidden}, given)
    out.factions = factions
    if keys is not None:
        out.module_keys = tuple(keys)
    return out
