"""Placement ``local``: a whole kernel inside the caller's process, called directly.

The kernel has one lock, as a rump kernel with one virtual CPU: a thread holds it while it is in the kernel and lets go
of it while its call waits.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections.abc import Callable, Sequence
from types import CoroutineType
from typing import Any

from rumpgateway import components
from rumpgateway.core import life
from rumpgateway.core.cookies import Child
from rumpgateway.core.gateway import Gateway
from rumpgateway.core.process import Process
from rumpgateway.lwproc import Lwps
from rumpuser.component import Component, Parameters, Peer
from rumpuser.guard import Guarded
from rumpuser.pending import Sleeper, run_blocking, value_of
from rumpuser.polling import Turn
from rumpuser.systemhost import LocalHost
from rumpuser.transport.inprocess import blocking
from rumpwire import calls
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import ModuleStat, Siginfo

log = logging.getLogger("rump.local")


class LocalKernel:
    """A kernel in this process, and its `Bus`."""

    def __init__(self, factions: Sequence[str] = ("vfs", "net", "dev"), parameters: Parameters | None = None) -> None:
        self._turn = Turn()
        self._host = LocalHost(self._turn)
        self._parameters = parameters or Parameters(factions=tuple(factions))
        self._components: dict[str, Component] = {}
        self._peers: dict[str, Peer] = {}
        self.gateway = Gateway(self._host, self, self._parameters, log.info)
        self.gateway.start_faction = self._start_faction
        self.gateway.halt = self._halt
        self.gateway.panic = _panic
        self.halted = False
        self.lwps = Lwps(self)
        self._outside: queue.SimpleQueue[Callable[[], None] | None] | None = None
        with self._turn:
            for name in ("kern", *factions):
                self._make(name)
            for component in self._components.values():
                self._finish(component.start())

    # -- Bus

    def peer(self, name: str) -> Peer:
        if name == "gateway":
            return self.gateway
        try:
            return self._peers[name]
        except KeyError:
            raise KernelError(Errno.ENOSYS, f"the {name} faction is not running in this kernel", "gateway") from None

    def blocking(self, name: str) -> Peer:
        return blocking(self.peer(name))

    # -- life

    def attach(self, comm: str = "rumplocal", cookie: bytes = b"") -> LocalSession:
        with self._turn:
            if cookie:
                return LocalSession(self, self.gateway.cookies.claim(cookie))
            return LocalSession(self, self._finish(self.gateway.attach(comm)))

    @property
    def turn(self) -> Turn:
        """The lock of the kernel."""
        return self._turn

    def init(self) -> LocalSession:
        """init, for threads that belong to no process."""
        with self._turn:
            return LocalSession(self, life.init(self.gateway))

    def session(self, pid: int) -> LocalSession:
        """A further session of a process that is there; signals stay with the one it has. ESRCH."""
        with self._turn:
            process = self.gateway.processes.get(pid)
            if process is None:
                raise KernelError(Errno.ESRCH, f"there is no process {pid}", "gateway")
            return LocalSession(self, process, listen=False)

    def close(self) -> None:
        """Halts the kernel: ends all processes, syncs and unmounts. A second call does nothing.

        What a component could not bring to its end (EIO, ...) is raised when all have ended.
        """
        with contextlib.ExitStack() as last:
            last.callback(self._host.close)
            if self._outside is not None:
                self._outside.put(None)
            with self._turn:
                for process in list(self.gateway.processes.values()):
                    self._finish(self.gateway.exit(process))
                with contextlib.ExitStack() as stopping:  # in the opposite order of what is pushed
                    stopping.callback(self._forget)
                    for name in reversed(components.stop_order(self._components)):
                        stopping.callback(self._stop, self._components[name])

    def later(self, work: Callable[[], None]) -> None:
        """Does something in a thread that is not in the kernel: handlers of signals may call it."""
        if self._outside is None:
            self._outside = queue.SimpleQueue()
            threading.Thread(target=self._serve, args=(self._outside,), name="rump-signals", daemon=True).start()
        self._outside.put(work)

    def _serve(self, outside: queue.SimpleQueue[Callable[[], None] | None]) -> None:
        while (work := outside.get()) is not None:
            try:
                work()
            except Exception:
                log.exception("a handler of a signal failed")

    def _stop(self, component: Component) -> None:
        try:
            self._finish(component.stop())
        finally:
            component.loader.close()

    def _forget(self) -> None:
        self._components.clear()
        self._peers.clear()

    def _make(self, name: str) -> Component:
        component = components.make(name, self._host, self, self._parameters)
        self._components[name] = component
        self._peers[name] = Guarded(component)
        return component

    def _start_faction(self, name: str) -> Any:
        if name in self._components:
            return None
        return self._make(name).start()

    def _halt(self, opt: int) -> None:
        self.halted = True
        for component in self._components.values():
            component.halting(opt)

    def _finish(self, result: Any) -> Any:
        return run_blocking(result, self._turn)

    def enter(self, p: Process, result: Any, timeout: float | None = None, interrupts: int = -1) -> Any:
        """Drives what a call gave to its end. Views of kernel memory are copied before the kernel goes on.

        ETIMEDOUT when it still waits after ``timeout`` seconds. ``interrupts`` is how often the process had been
        interrupted before the call, which ends it if it waits: others may have been in the kernel (`Host.linger`).
        """
        value = result
        if type(result) is CoroutineType:
            sleeper = Sleeper(self._turn)
            p.wait_begins(sleeper)
            if interrupts not in (-1, p.interrupts):
                sleeper.cancel()
            try:
                value = self._in_time(sleeper, result, timeout)
            finally:
                p.wait_ends(sleeper)
        return bytes(value) if type(value) in (memoryview, bytearray) else value

    def _in_time(self, sleeper: Sleeper, result: Any, timeout: float | None) -> Any:
        if timeout is None:
            return run_blocking(result, self._turn, sleeper)
        late = KernelError(Errno.ETIMEDOUT, f"not done within {timeout:g} s", "gateway")
        deadline = self._host.monotonic_ns() + int(timeout * 1e9)
        disarm = self._host.call_at(deadline, lambda: sleeper.cancel(late))
        try:
            return run_blocking(result, self._turn, sleeper)
        finally:
            disarm()


class LocalSession:
    """A process of a kernel in this process. Any number of threads may call."""

    def __init__(self, kernel: LocalKernel, process: Process, *, listen: bool = True) -> None:
        self._kernel = kernel
        self._process = process
        self._turn = kernel._turn
        self.pid = process.pid
        self.on_signal: Callable[[Siginfo], None] = lambda info: None
        """Takes the signals of the process, by NetBSD's numbers."""
        if listen:
            process.listen(self._raise)

    @property
    def process(self) -> Process:
        return self._process

    def call(self, op: Op, args: tuple[Any, ...], timeout: float | None = None) -> Any:
        """The value of a call. Raises KernelError."""
        with self._turn.lock:
            if self._process.exited or self._process.in_exec or self._kernel.halted:
                self._check()
            p, interrupts = self._process, self._process.interrupts
            return self._kernel.enter(p, self._kernel.gateway.call(p, op, args), timeout, interrupts)

    def run(self, steps: Sequence[Step], keep_going: bool, timeout: float | None = None) -> list[Any]:
        """The outcomes of a batch, shorter than it when a call failed and the rest was left out."""
        with self._turn:
            self._check()
            outcomes = self._kernel.enter(
                self._process, self._kernel.gateway.run(self._process, steps, keep_going), timeout
            )
            return [bytes(o) if type(o) in (memoryview, bytearray) else o for o in outcomes]

    def fork(self, flags: int) -> LocalSession:
        with self._turn:
            self._check()
            return LocalSession(self._kernel, self._kernel._finish(self._kernel.gateway.fork(self._process, flags)))

    def prefork(self, flags: int, wait_ms: int) -> Child:
        with self._turn:
            self._check()
            child: Child = self._kernel._finish(self._kernel.gateway.cookies.prefork(self._process, flags, wait_ms))
            return child

    def fork_cancel(self, cookie: bytes) -> None:
        with self._turn:
            self._kernel._finish(self._kernel.gateway.cookies.cancel(cookie))

    def execute(self, comm: str) -> None:
        with self._turn:
            self._check()
            self._kernel._finish(self._kernel.gateway.execute(self._process, comm))

    def _raise(self, info: Siginfo) -> None:
        """Raises it when the kernel has been left: a handler may call it again."""
        self._kernel.later(lambda: self.on_signal(info))

    def status(self) -> dict[str, Any]:
        """The shape of ``rump status --json``."""
        with self._turn:
            names = ["gateway", *self._kernel._components]
            return {"url": "", "components": [self._status_of(name) for name in names]}

    def _status_of(self, name: str) -> dict[str, Any]:
        component = self._kernel._components.get(name, self._kernel.gateway)
        modules = [m.name for m in component.loader.active()]
        here = {"name": name, "pid": os.getpid(), "url": "", "state": "serving", "restarts": 0, "modules": modules}
        return here | {"why": "", "recovery_ms": 0}

    def processes(self) -> list[dict[str, Any]]:
        """The shape of ``rump ps --json``."""
        with self._turn:
            return [
                {"pid": p.pid, "ppid": p.ppid, "comm": p.comm, "uid": p.cred.uid, "nfd": len(p.fds), "nlwps": p.nlwps}
                for p in sorted(self._kernel.gateway.processes.values(), key=lambda p: p.pid)
            ]

    def upload_module(
        self, filename: str, wheel: bytes, sha256: bytes, public_key: bytes, signature: bytes
    ) -> ModuleStat:
        args = (filename, sha256, public_key, signature, wheel)
        with self._turn:
            self._check()
            kern = self._kernel.peer("kern")
            stat: ModuleStat = self._kernel._finish(kern.call(self._process.context, calls.MODULE_UPLOAD, args))
            return stat

    def close(self) -> None:
        """Ends the process."""
        with self._turn:
            self._kernel._finish(value_of(self._kernel.gateway.exit(self._process)))

    def _check(self) -> None:
        if self._process.in_exec:
            raise KernelError(Errno.EBUSY, f"process {self.pid} is in exec", "gateway")
        if self._process.exited:
            raise KernelError(Errno.ESRCH, f"process {self.pid} has ended", "gateway")
        if self._kernel.halted:
            raise KernelError(Errno.ENOTCONN, "the kernel has been halted", "gateway")


def _panic(text: str) -> None:
    """Ends this process, and the kernel in it, as a panic does: nothing is synced, and SIGABRT says so."""
    log.critical("panic: %s", text)
    os.abort()
