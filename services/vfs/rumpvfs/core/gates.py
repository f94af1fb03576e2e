"""Mounts that may have to wait (a disk of another process, a file system of the network): one call at a time for each.

Their drivers are the same synchronous code as those of mapped images, so a call that comes to such a mount runs in a
worker (`rumpuser.workers`), and everything else goes on while it waits. Each such mount has a `Gate`. Whoever is about
to use one of its vnodes *enters* it (`Gates.enter`): namei when a path comes to the mount, `Vfs.file` for an open file.
There are three cases.

- The call is not in a worker yet: `Slow` is raised, which the component catches to do the call once more, in a worker.
  Nothing was changed until then: calls find their files before they change them.
- The gate is free, or the call is in it already: it goes on.
- Another call is in it: it waits for its turn, first come, first served. It can be cancelled there.

A call leaves its gates at its end, and while a handler awaits something (a lock of a file, the other end of a fifo).
Gates are waited for in their order; who holds a later one than it needs now starts again with both.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from types import CoroutineType
from typing import Any, Protocol

from rumpuser.component import KERNEL, Bus
from rumpuser.here import here
from rumpuser.host import Host
from rumpuser.pending import Pending
from rumpwire.calls import OPS, Op
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials

RESTARTS_MAX = 1000
"""A call that has to start again more often finds other mounts each time."""

_order = count()


class Slow(KernelError):  # noqa: N818  a call that goes on in a worker has not failed
    """The call is to be done in a worker. Where that cannot be, it fails with EAGAIN."""

    def __init__(self) -> None:
        super().__init__(Errno.EAGAIN, "the file system may have to wait", "vfs")


class _Restart(KernelError):  # noqa: N818  as above
    """The call is to be done again from its beginning, in these gates."""

    def __init__(self, gates: list[Gate]) -> None:
        super().__init__(Errno.EAGAIN, "other mounts are needed first", "vfs")
        self.gates = gates


class Gate:
    """The lock of one mount."""

    def __init__(self) -> None:
        self.order = next(_order)
        self.owner: Visit | None = None
        self.queue: deque[tuple[Visit, Pending[None]]] = deque()


class Visit:
    """A call in a worker: the gates that it is in."""

    def __init__(self) -> None:
        self.gates: list[Gate] = []
        self.waited = False


class Caller(Protocol):
    """Where drivers find for whom the call is."""

    cred: Credentials


class _Nobody:
    cred = Credentials()


class Gates:
    """Runs calls that come to slow mounts."""

    def __init__(self, host: Host, bus: Bus) -> None:
        self._host = host
        self._bus = bus
        self.environment: Caller = _Nobody()
        self.used = False
        """Whether there was a slow mount at all."""

    def new(self) -> Gate:
        self.used = True
        return Gate()

    # -- in a call

    def enter(self, gates: Iterable[Gate] = (), *, interruptible: bool = True) -> None:
        """Before vnodes of a slow mount are used; without gates: before something that may wait. EINTR, `Slow`."""
        visit: Visit | None = here.visit
        if visit is None:
            raise Slow
        for gate in gates:
            if gate.owner is None:
                self._take(visit, gate)
            elif gate.owner is not visit:
                self._come_to(visit, gate, interruptible=interruptible)

    def ask(self, name: str, op: Op, *args: Any) -> Any:
        """What another component answers (`Bus.blocking`). What that one asks of us meanwhile is a call of its own."""
        with self._away():
            return self._bus.blocking(name).call(KERNEL, op, args)

    def aside(self, work: Callable[[], Any]) -> Any:
        """What blocking code of the host gives (`rumpuser.host.Host.aside`)."""
        with self._away():
            return self._host.aside(work)

    def _wait(self, pending: Pending[Any]) -> None:
        with self._away():
            self._host.wait(pending)

    @contextmanager
    def _away(self) -> Iterator[None]:
        """While others are at work: what is kept for the call that is done now is theirs meanwhile."""
        visit, here.visit = here.visit, None
        cred = self.environment.cred
        try:
            yield
        finally:
            here.visit = visit
            self.environment.cred = cred

    def call(self, name: str, call: str, *args: Any) -> Any:
        """The same, by name: for drivers (`rumpvfs.core.vnode.Environment.call`)."""
        return self.ask(name, OPS[call], *args)

    def _come_to(self, visit: Visit, gate: Gate, *, interruptible: bool) -> None:
        if all(held.order < gate.order for held in visit.gates):
            self._await_turn(visit, gate, interruptible=interruptible)
            return
        wanted = [*visit.gates, gate]
        if not visit.waited:
            raise _Restart(wanted)
        self._leave(visit)
        self._take_all(visit, wanted)

    def _take(self, visit: Visit, gate: Gate) -> None:
        gate.owner = visit
        visit.gates.append(gate)

    def _take_all(self, visit: Visit, gates: Iterable[Gate], *, interruptible: bool = True) -> None:
        for gate in sorted(gates, key=lambda gate: gate.order):
            if gate.owner is None:
                self._take(visit, gate)
            else:
                self._await_turn(visit, gate, interruptible=interruptible)

    def _await_turn(self, visit: Visit, gate: Gate, *, interruptible: bool = True) -> None:
        turn: Pending[None] = Pending()
        turn.interruptible = interruptible
        place = (visit, turn)
        gate.queue.append(place)
        try:
            self._wait(turn)
        except BaseException:
            if gate.owner is visit:  # it came at the same moment
                self._pass_on(gate)
            else:
                gate.queue.remove(place)
            raise
        visit.gates.append(gate)

    def _leave(self, visit: Visit) -> None:
        gates, visit.gates = visit.gates, []
        for gate in gates:
            self._pass_on(gate)

    def _pass_on(self, gate: Gate) -> None:
        """The gate belongs to the next in the queue at once, so nobody gets in between."""
        if not gate.queue:
            gate.owner = None
            return
        gate.owner, turn = gate.queue.popleft()
        self._host.call_soon(lambda: turn.resolve(None))

    # -- a call as a whole

    def visit(self, work: Callable[[], Any]) -> Any:
        """In a worker: does a call, whatever gates it comes to. Its value, with nothing left to await."""
        first: Sequence[Gate] = ()
        for _ in range(RESTARTS_MAX):
            here.visit = visit = Visit()
            try:
                self._take_all(visit, first)
                value = work()
                return self._drive(visit, value) if type(value) is CoroutineType else value
            except _Restart as restart:
                first = restart.gates
            finally:
                self._leave(visit)
                here.visit = None
        raise KernelError(Errno.EDEADLK, "mounts change places all the time", "vfs")

    def _drive(self, visit: Visit, handler: Any) -> Any:
        """A handler that awaits: outside of its gates, which it has again when it goes on."""
        error: BaseException | None = None
        while True:
            try:
                pending = handler.send(None) if error is None else handler.throw(error)
            except StopIteration as stop:
                return stop.value
            visit.waited = True
            gates = visit.gates.copy()
            self._leave(visit)
            error = self._outcome(pending)
            self._take_all(visit, gates, interruptible=False)  # it needs them to come to its end

    def _outcome(self, pending: Pending[Any]) -> BaseException | None:
        try:
            self._wait(pending)
        except BaseException as error:  # noqa: BLE001  the handler is told
            return error
        return None
