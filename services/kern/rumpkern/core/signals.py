"""Signals: who may send which to whom, and what becomes of them (kill(2), and the signal models of rump(3)).

There are no handlers in the kernel and nothing is stopped or continued by it: programs are clients. So a signal is
carried to the client of its process, who raises it there (RAISE, the model unless another is asked for), or the other
models hold:

- PANIC: any but SIGPIPE and SIGSYS ends the kernel;
- IGNORE: nothing happens;
- RECORD: it is kept (`Signals.sigpending`), and interrupts the calls of the process that wait: EINTR.

The gateway carries them out (``signal_deliver``): it knows the clients, and which call waits under which mask. Whoever
sends a signal is answered when the gateway has it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from rumpkern.core.proc import Process, ProcessTable
from rumpuser.component import KERNEL, Bus, Context
from rumpuser.kauth import Action
from rumpuser.pending import Running, any_of, start
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Siginfo

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

    def post(self, pid: int, signo: int, info: Siginfo | None = None) -> Running[Any] | None:
        """A signal of the kernel itself: to a process, or to a group by its negative number. ESRCH, EINVAL."""
        check(signo)
        info = info or Siginfo(si_code=const.SI_NOINFO)
        return self._send(self._group(-pid) if pid < 0 else [self._processes.get(pid)], signo, info)

    def signal_post(self, ctx: Context, pid: int, signo: int, info: Siginfo | None = None) -> Any:
        """`post` for the other components."""
        return _sent(self.post(pid, signo, info))

    def kill(self, ctx: Context, pid: int, signo: int) -> Any:
        """EINVAL; ESRCH for none there; EPERM when none of those there may be signalled."""
        return self._signal(ctx, self._named(ctx, pid), pid, signo, Siginfo(si_code=const.SI_USER))

    def sigqueue(self, ctx: Context, pid: int, signo: int, value: int) -> Any:
        """To one process, with a value. EINVAL, ESRCH, EPERM."""
        info = Siginfo(si_code=const.SI_QUEUE, si_value=value)
        return self._signal(ctx, [self._processes.get(pid)], pid, signo, info)

    def _signal(self, ctx: Context, found: list[Process], pid: int, signo: int, info: Siginfo) -> Any:
        if signo:
            check(signo)
        allowed = [process for process in found if self._may(ctx, process, signo)]
        if not allowed:
            raise KernelError(Errno.EPERM, f"process {ctx.pid} may not signal {pid}: another user's")
        sender = info._replace(si_pid=ctx.pid, si_uid=self._processes.cred(ctx).uid)
        return _sent(self._send(allowed, signo, sender)) if signo else None

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

    def _send(self, processes: list[Process], signo: int, info: Siginfo) -> Running[Any] | None:
        """What to await until the gateway has it, if there is anything to await."""
        for process in processes:
            for told in self.when_sent:
                told(process, signo)
        if self._model == "panic" and signo not in _HARMLESS:
            return self._deliver(processes, signo, const.DELIVER_PANICS, info)
        if self._model == "record":
            for process in processes:
                process.pending |= 1 << signo - 1
            return self._deliver(processes, signo, const.DELIVER_INTERRUPTS, info)
        if self._model == "raise":
            return self._deliver(processes, signo, const.DELIVER_RAISED, info)
        return None

    def _deliver(self, processes: list[Process], signo: int, how: int, info: Siginfo) -> Running[Any] | None:
        args = ([process.pid for process in processes], signo, how, info._replace(si_signo=signo))
        try:
            sending = start(self._bus.peer("gateway").call(KERNEL, calls.SIGNAL_DELIVER, args))
        except KernelError:
            return None  # without a gateway there are no clients
        return sending if isinstance(sending, Running) else None

    # -- terminals

    def exited(self, process: Process, status: int) -> None:
        """A session whose leader exits loses its terminal; dev knows who is in the foreground of it."""
        if process.session_leader:
            try:
                start(self._bus.peer("dev").call(KERNEL, calls.SESSION_END, (process.pid,)))
            except KernelError:
                return  # no dev, no terminals


def _sent(sending: Running[Any] | None) -> Any:
    return None if sending is None or sending.outcome.done else _until(sending)


async def _until(sending: Running[Any]) -> None:
    """Whoever is interrupted meanwhile has sent it all the same."""
    with contextlib.suppress(KernelError):
        await any_of([sending.outcome])


def check(signo: int) -> None:
    """EINVAL."""
    if not 0 < signo < NSIG:
        raise KernelError(Errno.EINVAL, f"there is no signal {signo}")
