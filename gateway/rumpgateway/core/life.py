"""How processes begin and end: attach, fork, exec, exit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rumpgateway.core.console import CONSOLE
from rumpgateway.core.descriptors import DescriptorTable
from rumpgateway.core.process import Process
from rumpuser import kauth
from rumpuser.component import KERNEL, ROOT_CRED
from rumpuser.kauth import Action
from rumpuser.pending import Pending, value_of
from rumpuser.policy import Identity
from rumpwire import calls
from rumpwire.const import RFCFDG, RFFDG, RFSHARE
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import ProcessInfo

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway

INIT = 1
"""Adopts orphans."""


async def attach(gateway: Gateway, comm: str, identity: Identity | None = None) -> Process:
    """A guest process, child of init, with descriptors 0, 1 and 2 on the console. EPROCLIM, EAGAIN."""
    op: calls.Op = calls.PROC_CREATE
    args: tuple[Any, ...] = (comm,)
    if identity is not None:
        limits = identity.limits
        op, args = calls.PROC_ADMIT, (comm, identity.cred, limits.processes, limits.descriptors)
    info = await value_of(gateway.bus.peer("kern").call(KERNEL, op, args))
    p = Process(info, CONSOLE.descriptors())
    if identity is not None:
        p.memory = identity.limits.memory
    if identity is not None and identity.limits.descriptors:
        p.fds.limit = min(p.fds.limit, identity.limits.descriptors)
    return _adopt(gateway, p)


def check_flags(flags: int) -> None:
    """EINVAL for flags that are not there, and for more than one of copied, cleared and shared."""
    if flags & ~(RFFDG | RFCFDG | RFSHARE) or flags.bit_count() > 1:
        raise KernelError(Errno.EINVAL, f"fork flags {flags:#x}: one of RFFDG, RFCFDG and RFSHARE, or none", "gateway")


async def fork(gateway: Gateway, parent: Process, flags: int) -> Process:
    """A child with the parent's directories, mask, limits, identity; descriptors as the flags say. EINVAL, EAGAIN."""
    check_flags(flags)
    info = await value_of(gateway.bus.peer("kern").call(parent.context, calls.PROC_FORK, ()))
    child = Process(info, _descriptors(parent, flags))
    child.umask, child.limits, child.memory = parent.umask, parent.limits, parent.memory
    if flags & RFSHARE:
        child.kqueues = parent.kqueues
    try:
        for which in ("cwd", "root"):
            handle = getattr(parent, which)
            if handle:
                await value_of(gateway.bus.peer("vfs").call(parent.context, calls.DIR_DUP, (handle,)))
            setattr(child, which, handle)
    except KernelError:
        await leave(gateway, child, 0)
        raise
    gateway.ktrace.inherit(parent, child)
    return _adopt(gateway, child)


def _descriptors(parent: Process, flags: int) -> DescriptorTable:
    if flags & RFCFDG:
        return CONSOLE.descriptors()
    return parent.fds.share() if flags & RFSHARE else parent.fds.copy()


def _adopt(gateway: Gateway, p: Process) -> Process:
    gateway.processes[p.pid] = p
    p.record(gateway.host.records)
    return p


def init(gateway: Gateway) -> Process:
    """init, as whose threads those run that belong to no process (placement local)."""
    found = gateway.processes.get(INIT)
    return found or _adopt(gateway, Process(ProcessInfo(INIT, 0, "init", ROOT_CRED), CONSOLE.descriptors()))


def add_lwp(gateway: Gateway, p: Process) -> None:
    """A further thread that was made in a process.

    EBUSY when it is in exec or ends; EAGAIN when its user has as many as RLIMIT_NTHR lets it, for which the first of
    each process does not count.
    """
    if p.exited or p.in_exec:
        raise KernelError(Errno.EBUSY, f"process {p.pid} {'ends' if p.exited else 'is in exec'}", "gateway")
    if p.lwps and not kauth.permitted(p.cred, Action.PROCESS_RLIMIT_BYPASS):
        count = sum(max(0, q.lwps - 1) for q in gateway.processes.values() if q.cred.uid == p.cred.uid)
        if count >= p.nthr:
            text = f"uid {p.cred.uid} has {count} of {p.nthr} further threads (RLIMIT_NTHR)"
            raise KernelError(Errno.EAGAIN, text, "gateway")
    p.lwps += 1


async def execute(gateway: Gateway, p: Process, comm: str) -> None:
    """The process has a new program; no other call of it is under way any more. EBUSY when it is in exec already."""
    if p.in_exec:
        raise KernelError(Errno.EBUSY, f"process {p.pid} is in exec", "gateway")
    p.in_exec = True
    try:
        while p.waiting:
            p.interrupt("exec")
            if p.waiting:
                p.drained = Pending()
                await p.drained
        await gateway.aio.execed(p)
        await _close_on_exec(gateway, p)
        info = await value_of(gateway.bus.peer("kern").call(p.context, calls.PROC_EXEC, (comm,)))
        p.comm = info.comm
    finally:
        p.in_exec = False


async def _close_on_exec(gateway: Gateway, p: Process) -> None:
    if p.fds.users > 1:  # whom it was shared with keeps it as it is
        p.fds.users -= 1
        p.fds, p.kqueues = p.fds.copy(), []
        p.record(gateway.host.records)
    for fd in sorted(p.fds.cloexec):
        there = p.fds.get(fd)
        try:
            await value_of(gateway.closed(p, fd, there, p.fds.remove(fd)))
        except KernelError:
            continue  # nobody is there to be told


async def leave(gateway: Gateway, p: Process, status: int) -> None:
    """Frees a process and all it holds. Errors of closing are nobody's any more."""
    if p.exited:
        return
    p.exited = True
    if p.trace is not None:
        await gateway.ktrace.leave(p)
    gateway.processes.pop(p.pid, None)
    for other in gateway.processes.values():
        if other.ppid == p.pid:
            other.ppid = INIT
    p.interrupt("exit")
    gateway.aio.exited(p)
    gateway.cookies.parent_left(p.pid)
    handles: dict[str, list[Step]] = {"vfs": [Step(calls.LOCK_RELEASE, (0,))]} if p.locks else {}
    p.fds.users -= 1
    for fd, description in list(p.fds.items()) if not p.fds.users else ():
        if p.fds.remove(fd) is not None:
            if description.asynchronous:
                await gateway.asynchronous.forget(description)
            handles.setdefault(description.owner, []).append(Step(calls.CLOSE, (description.handle,)))
    for handle in (p.cwd, p.root):
        if handle:
            handles.setdefault("vfs", []).append(Step(calls.DIR_RELEASE, (handle,)))
    handles.setdefault("kern", []).append(Step(calls.PROC_EXIT, (p.pid, status)))
    for owner, steps in handles.items():
        try:
            await value_of(gateway.peer(owner).run(p.context, steps, True))
        except KernelError:
            continue  # the owner is gone, and what it held with it
    gateway.host.records.delete("process", p.pid)
    if gateway.rights:
        await gateway.rights.collect()


__all__ = ["add_lwp", "attach", "check_flags", "execute", "fork", "init", "leave"]
