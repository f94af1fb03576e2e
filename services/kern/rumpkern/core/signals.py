"""Signals: who may send which to whom, and what becomes of them (kill(2), and the signal models of rump(3)).

There are no handlers in the kernel and nothing is stopped or continued by it: programs are clients. So a signal is
carried to the client of its process, who raises it there (RAISE, the model unless another is asked for), or the other
models hold:

- PANIC: any but SIGPIPE and SIGSYS ends the kernel;
- IGNORE: nothing happens;
- RECORD: it is kept (`Signals.sigpending`), and interrupts the calls of the process that wait: EINTR.

The gateway carries them out (``signal_deliver``): it knows the clients, and which call waits under which mask.
"""

from __future__ import annotations

from collections.abc import Callable

from rumpkern.core.proc import Process, ProcessTable
from rumpuser.component import KERNEL, Bus, Context
from rumpuser.kauth import Action
from rumpuser.pending import start
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError

NSIG = const.SIGRTMAX + 1
MODELS = ("raise", "panic", "ignore", "record")
_HARMLESS = (const.SIGPIPE, const.SIGSYS)
"""What does not make a kernel panic."""

Listener = Callable[[Process, int], None]


class Signals:
    """The signals of a kernel. ``model`` is one of `MODELS`."""

    def __init__(self, bus: Bus, processes: ProcessTable, model: str) -> None:
        self._bus = bus
        self._processes = processes
        self.when_sent: list[Listener] = []
        self._model = "raise"
        self.model = model or "raise"

    @property
    def model(self) -> str:
        return self._model

    @model.setter
    def model(self, name: str) -> None:
        """EINVAL for none of `MODELS`."""
        if name not in MODELS:
            raise KernelError(Errno.EINVAL, f"signal model {name!r}: there are {', '.join(MODELS)}")
        self._model = name

    def choose(self, name: str) -> None:
        self.model = name

    # -- sending

    def post(self, pid: int, signo: int) -> None:
        """A signal of the kernel itself: to a process, or to a group by its negative number. ESRCH, EINVAL."""
        check(signo)
        self._send(self._group(-pid) if pid < 0 else [self._processes.get(pid)], signo)

    def signal_post(self, ctx: Context, pid: int, signo: int) -> None:
        """`post` for the other components."""
        self.post(pid, signo)

    def kill(self, ctx: Context, pid: int, signo: int) -> None:
        """EINVAL; ESRCH for none there; EPERM when none of those there may be signalled."""
        if signo:
            check(signo)
        found = self._named(ctx, pid)
        allowed = [process for process in found if self._may(ctx, process, signo)]
        if not allowed:
            raise KernelError(Errno.EPERM, f"process {ctx.pid} may not signal {pid}: another user's")
        if signo:
            self._send(allowed, signo)

    def sigpending(self, ctx: Context, take: bool) -> int:
        """The signals recorded for the caller, a bit ``1 << signo - 1`` each."""
        process = self._processes.of(ctx)
        found = process.pending
        if take:
            process.pending = 0
        return found

    def _named(self, ctx: Context, pid: int) -> list[Process]:
        if pid > 0:
            return [self._processes.get(pid)]
        if pid == -1:
            found = [p for p in self._processes if p.parent is not None and p.pid != ctx.pid]
            if not found:
                raise KernelError(Errno.ESRCH, "there is no other process")
            return found
        return self._group(-pid or self._processes.of(ctx).pgid)

    def _group(self, pgid: int) -> list[Process]:
        """ESRCH."""
        found = [p for p in self._processes if p.pgid == pgid]
        if not found:
            raise KernelError(Errno.ESRCH, f"there is no process group {pgid}")
        return found

    def _may(self, ctx: Context, process: Process, signo: int) -> bool:
        if ctx.pid == process.pid or self._processes.permitted(ctx, Action.PROCESS_SIGNAL):
            return True
        if signo == const.SIGCONT and process.session is self._processes.of(ctx).session:
            return True
        mine, its = self._processes.cred(ctx), process.cred
        shared = {mine.uid, mine.euid} & {its.uid, its.euid}
        if mine.limited:
            shared.discard(0)  # uid 0 alone gives no power to who is limited
        return bool(shared)

    # -- what becomes of it

    def _send(self, processes: list[Process], signo: int) -> None:
        for process in processes:
            for told in self.when_sent:
                told(process, signo)
        if self._model == "panic" and signo not in _HARMLESS:
            self._deliver(processes, signo, const.DELIVER_PANICS)
        elif self._model == "record":
            for process in processes:
                process.pending |= 1 << signo - 1
            self._deliver(processes, signo, const.DELIVER_INTERRUPTS)
        elif self._model == "raise":
            self._deliver(processes, signo, const.DELIVER_RAISED)

    def _deliver(self, processes: list[Process], signo: int, how: int) -> None:
        args = ([process.pid for process in processes], signo, how)
        try:
            start(self._bus.peer("gateway").call(KERNEL, calls.SIGNAL_DELIVER, args))
        except KernelError:
            return  # without a gateway there are no clients

    # -- terminals

    def exited(self, process: Process, status: int) -> None:
        """A session whose leader exits loses its terminal; dev knows who is in the foreground of it."""
        if process.session_leader:
            try:
                start(self._bus.peer("dev").call(KERNEL, calls.SESSION_END, (process.pid,)))
            except KernelError:
                return  # no dev, no terminals


def check(signo: int) -> None:
    """EINVAL."""
    if not 0 < signo < NSIG:
        raise KernelError(Errno.EINVAL, f"there is no signal {signo}")
