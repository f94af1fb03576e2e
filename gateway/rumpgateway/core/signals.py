"""Signals on their way to clients, and calls that wait under a mask of their own (pselect, pollts, paccept).

kern has decided who gets a signal and how (`rumpkern.core.signals`). Here it meets the calls of the process: one that
waits with a mask which lets the signal through ends with EINTR, and while the mask of some call keeps it out it is held
back. Calls without a mask go on, as those of rumpclient(3) do, unless the signal model is RECORD.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rumpuser.component import KERNEL, Context
from rumpuser.pending import Begun, Pending, any_of, value_of
from rumpwire import calls, const
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Siginfo

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway
    from rumpgateway.core.process import Process

URGENT = Siginfo(si_code=const.POLL_PRI, si_band=const.POLLPRI | const.POLLRDBAND)
"""What comes with SIGURG."""
_SENDING = {"sendto", "sendmsg", "sendmmsg"}
WRITING = {"write", "writev", "pwrite", "pwritev"} | _SENDING
"""Calls whose failure may come with a signal."""
_FLAGS = 2
"""Where the flags are in the arguments of those that send."""


def deliver(gateway: Gateway, ctx: Context, pids: Sequence[int], signo: int, how: int, info: Siginfo | None) -> None:
    """signal_deliver."""
    if how == const.DELIVER_PANICS:
        gateway.panic(f"signal {signo} for process {', '.join(map(str, pids))}, and the signal model is PANIC")
        return
    for pid in pids:
        process = gateway.processes.get(pid)
        if process is not None:
            _receive(process, info or Siginfo(signo, const.SI_NOINFO), how)


def _receive(p: Process, info: Siginfo, how: int) -> None:
    bit = 1 << info.si_signo - 1
    if any(mask & bit for mask in p.masks.values()):
        p.held_back.append((info, how))
        return
    if p.trace is not None:
        p.trace.signal(p, info.si_signo)
    for bell in list(p.masks):
        bell.resolve(None)
    if how == const.DELIVER_INTERRUPTS:
        p.interrupt(f"signal {info.si_signo}")
    else:
        p.take_signal(info)


async def under_mask(p: Process, mask: int | None, call: Callable[[], Any]) -> Any:
    """Does a call with a signal mask of its own; without one as it is. EINTR when a signal comes through the mask."""
    if mask is None:
        return await value_of(call())
    bell: Pending[None] = Pending()
    p.masks[bell] = mask
    begun = Begun(call)
    try:
        await any_of([begun.outcome, bell])
    finally:
        del p.masks[bell]
        begun.cancel()
        _release(p)
    if not begun.outcome.done:
        await any_of([begun.outcome])
    return begun.outcome.result()


def _release(p: Process) -> None:
    held, p.held_back = p.held_back, []
    for info, how in held:
        _receive(p, info, how)


async def failed(
    gateway: Gateway, p: Process, op: Op, args: tuple[Any, ...], owner: str, handle: int, error: KernelError
) -> Any:
    """Raises the error of a call that writes, after the signal that goes with it."""
    await signalled(gateway, p, op, args, owner, handle, error)
    raise error


async def signalled(
    gateway: Gateway, p: Process, op: Op, args: tuple[Any, ...], owner: str, handle: int, error: KernelError
) -> None:
    """The signal that goes with the error of a call that writes: SIGPIPE, SIGXFSZ."""
    signo = 0
    if error.errno == Errno.EFBIG and p.context.fsize != const.RLIM_INFINITY:
        signo = const.SIGXFSZ
    elif error.errno == Errno.EPIPE and not await _silent(gateway, p, op, args, owner, handle):
        signo = const.SIGPIPE
    if signo:
        await post(gateway, p.pid, signo)


async def _silent(gateway: Gateway, p: Process, op: Op, args: tuple[Any, ...], owner: str, handle: int) -> bool:
    """MSG_NOSIGNAL of the call, or O_NOSIGPIPE of the object."""
    if op.name in _SENDING and (args[_FLAGS] or 0) & const.MSG_NOSIGNAL:
        return True
    try:
        asked = (handle, const.F_GETNOSIGPIPE, None, None)
        found = await value_of(gateway.peer(owner).call(p.context, calls.FCNTL, asked))
    except KernelError:
        return False
    return bool(found.value)


async def urgent(gateway: Gateway, ctx: Context, handle: int) -> None:
    """socket_urgent: SIGURG for the owner of a socket (F_SETOWN), if it has one."""
    for process in list(gateway.processes.values()):
        for description in process.fds.descriptions():
            if description.owner == "net" and description.handle == handle:
                if description.pgid:
                    await post(gateway, description.pgid, const.SIGURG, URGENT)
                return


async def post(gateway: Gateway, pid: int, signo: int, info: Siginfo | None = None) -> None:
    """A signal of the kernel itself; nothing when nobody is there any more."""
    try:
        await value_of(gateway.bus.peer("kern").call(KERNEL, calls.SIGNAL_POST, (pid, signo, info)))
    except KernelError:
        return
