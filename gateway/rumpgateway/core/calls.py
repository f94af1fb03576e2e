"""The calls that the gateway answers from what it owns: descriptors, directories, and cached identities."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from rumpgateway.core.descriptors import Description
from rumpuser.component import Context, Entry
from rumpuser.kauth import Action, authorize
from rumpuser.pending import EndedError, value_of
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    FcntlResult,
    GetgidResult,
    GetgroupsResult,
    GetpidResult,
    GetuidResult,
    IoctlArgsInteger,
    IoctlResult,
    KinfoFile,
    Ptmget,
)

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway
    from rumpgateway.core.process import Process

SIGNALLING = ("kern", "net")
"""Whose objects can have an owner for SIGIO: pipes and sockets."""
_GET_OWNER = {const.FIOGETOWN, const.SIOCGPGRP}
_SET_OWNER = {const.FIOSETOWN, const.SIOCSPGRP}


# -- identities


def getpid(gateway: Gateway, p: Process) -> GetpidResult:
    return GetpidResult(p.pid, p.ppid)


def getppid(gateway: Gateway, p: Process) -> int:
    return p.ppid


def getuid(gateway: Gateway, p: Process) -> GetuidResult:
    return GetuidResult(p.cred.uid, p.cred.euid)


def geteuid(gateway: Gateway, p: Process) -> int:
    return p.cred.euid


def getgid(gateway: Gateway, p: Process) -> GetgidResult:
    return GetgidResult(p.cred.gid, p.cred.egid)


def getegid(gateway: Gateway, p: Process) -> int:
    return p.cred.egid


def getgroups(gateway: Gateway, p: Process, gidsetsize: int) -> GetgroupsResult:
    groups = p.cred.groups
    if gidsetsize == 0:
        return GetgroupsResult(len(groups), [])
    if gidsetsize < len(groups):
        raise KernelError(Errno.EINVAL, f"{len(groups)} groups do not fit into {gidsetsize}")
    return GetgroupsResult(len(groups), list(groups))


# -- descriptors


def dup(gateway: Gateway, p: Process, fd: int) -> int:
    return p.fds.install(p.fds.get(fd))


def dup2(gateway: Gateway, p: Process, from_fd: int, to_fd: int) -> Any:
    return _dup_to(gateway, p, from_fd, to_fd, cloexec=False)


def dup3(gateway: Gateway, p: Process, from_fd: int, to_fd: int, flags: int) -> Any:
    if from_fd == to_fd:
        raise KernelError(Errno.EINVAL, "dup3 of a descriptor onto itself")
    if flags & ~const.O_CLOEXEC:
        raise KernelError(Errno.EINVAL, f"dup3 flags {flags:#x}: O_CLOEXEC is the only one")
    return _dup_to(gateway, p, from_fd, to_fd, cloexec=bool(flags & const.O_CLOEXEC))


def _dup_to(gateway: Gateway, p: Process, from_fd: int, to_fd: int, *, cloexec: bool) -> Any:
    description = p.fds.get(from_fd)
    if from_fd == to_fd:
        return to_fd
    there = p.fds.find(to_fd)
    gone = p.fds.replace(to_fd, description, cloexec=cloexec)
    return to_fd if there is None else _after_close(gateway, p, there, gone, to_fd)


async def _after_close(gateway: Gateway, p: Process, there: Description, gone: Description | None, fd: int) -> int:
    """The number, once what stood there before is closed; as close(2) in dup2 its error is lost."""
    with contextlib.suppress(KernelError):
        await value_of(gateway.closed(p, fd, there, gone))
    return fd


def close(gateway: Gateway, p: Process, fd: int) -> Any:
    there = p.fds.get(fd)
    return gateway.closed(p, fd, there, p.fds.remove(fd))


def fcntl(gateway: Gateway, p: Process, fd: int, cmd: int, arg: int | None, lock: Any) -> Any:
    if cmd == const.F_MAXFD:
        return FcntlResult(max((number for number, _ in p.fds.items()), default=-1))
    if cmd == const.F_CLOSEM:
        return _close_from(gateway, p, fd)
    description = p.fds.get(fd)
    if cmd in (const.F_DUPFD, const.F_DUPFD_CLOEXEC):
        lowest = arg or 0
        if not 0 <= lowest < p.fds.limit:
            raise KernelError(Errno.EINVAL, f"no descriptor from {lowest} on")
        return FcntlResult(p.fds.install(description, lowest=lowest, cloexec=cmd == const.F_DUPFD_CLOEXEC))
    if cmd == const.F_GETFD:
        return FcntlResult(const.FD_CLOEXEC if fd in p.fds.cloexec else 0)
    if cmd == const.F_SETFD:
        _set_cloexec(p, fd, bool((arg or 0) & const.FD_CLOEXEC))
        return FcntlResult()
    if cmd in (const.F_GETOWN, const.F_SETOWN) and description.owner in SIGNALLING:
        return FcntlResult(_owner(gateway, p, description, arg or 0 if cmd == const.F_SETOWN else None))
    if cmd in (const.F_GETOWN, const.F_SETOWN) and description.owner == "vfs":
        return _owner_of_file(gateway, p, fd, arg or 0 if cmd == const.F_SETOWN else None)
    if cmd in (const.F_SETLK, const.F_SETLKW):
        p.locks = True
    if cmd == const.F_SETFL and bool((arg or 0) & const.O_ASYNC) != bool(description.asynchronous):
        return _asynchronous(
            gateway, p, description, calls.FCNTL, (fd, cmd, arg, lock), on=bool((arg or 0) & const.O_ASYNC)
        )
    return gateway.route(p, calls.FCNTL, (fd, cmd, arg, lock))


async def _close_from(gateway: Gateway, p: Process, fd: int) -> FcntlResult:
    """Closes what is open from ``fd`` on, the highest first. EBADF for a negative one."""
    if fd < 0:
        raise KernelError(Errno.EBADF, f"there is no descriptor {fd}")
    for number in sorted((n for n, _ in p.fds.items() if n >= fd), reverse=True):
        await value_of(close(gateway, p, number))
    return FcntlResult()


def ioctl(gateway: Gateway, p: Process, fd: int, com: int, data: Any) -> Any:
    if com in (const.FIOCLEX, const.FIONCLEX):
        p.fds.get(fd)
        _set_cloexec(p, fd, com == const.FIOCLEX)
        return IoctlResult()
    if com == const.TIOCPTMGET:
        return _new_terminal(gateway, p, fd, com)
    description = p.fds.get(fd)
    if com in _GET_OWNER | _SET_OWNER and description.owner in SIGNALLING:
        if com in _GET_OWNER:
            return IoctlResult(0, IoctlArgsInteger(_owner(gateway, p, description, None)))
        if not isinstance(data, IoctlArgsInteger):
            raise KernelError(Errno.EINVAL, "the owner is a number")
        _owner(gateway, p, description, data.integer)
        return IoctlResult()
    if com == const.FIOASYNC and isinstance(data, IoctlArgsInteger):
        return _asynchronous(gateway, p, description, calls.IOCTL, (fd, com, data), on=bool(data.integer))
    return gateway.route(p, calls.IOCTL, (fd, com, data))


async def _asynchronous(
    gateway: Gateway, p: Process, description: Description, op: calls.Op, args: tuple[Any, ...], *, on: bool
) -> Any:
    """A call by which an object begins to send SIGIO, or ends it."""
    value = await value_of(gateway.route(p, op, args))
    await gateway.asynchronous.switch(description, on=on)
    return value


async def _new_terminal(gateway: Gateway, p: Process, fd: int, com: int) -> IoctlResult:
    """The one ioctl that makes descriptors, two of them. EMFILE."""
    p.fds.room(2)
    result: IoctlResult = await value_of(gateway.route(p, calls.IOCTL, (fd, com, None)))
    pair, owner = result.data, p.fds.get(fd).owner
    assert isinstance(pair, Ptmget)
    cfd, sfd = (p.fds.install(Description(owner, handle)) for handle in (pair.cfd, pair.sfd))
    return result._replace(data=pair._replace(cfd=cfd, sfd=sfd))


def _owner(gateway: Gateway, p: Process, description: Description, new: int | None) -> int:
    """Who gets SIGIO, once the object is asynchronous: told, or set. ESRCH."""
    if new is None:
        return description.pgid
    if new > 0 and new not in gateway.processes:
        raise KernelError(Errno.ESRCH, f"there is no process {new}")
    description.pgid = new
    for each in gateway.processes.values():
        for fd, found in each.fds.items():
            if found is description:
                each.fds.write_down(fd)
    return 0


async def _owner_of_file(gateway: Gateway, p: Process, fd: int, new: int | None) -> FcntlResult:
    """Of a fifo as of a pipe; of a terminal its foreground. ENOTTY for other files, which never send SIGIO."""
    kind = (await value_of(gateway.route(p, calls.FSTAT, (fd,)))).st_mode & const.S_IFMT
    if kind == const.S_IFIFO:
        return FcntlResult(_owner(gateway, p, p.fds.get(fd), new))
    if kind != const.S_IFCHR:
        raise KernelError(Errno.ENOTTY, "fifos, pipes, sockets and terminals have owners, files do not", gateway.name)
    if new is None:
        found: IoctlResult = await value_of(gateway.route(p, calls.IOCTL, (fd, const.TIOCGPGRP, None)))
        return FcntlResult(-found.data.integer if isinstance(found.data, IoctlArgsInteger) else 0)
    group = -new if new < 0 else await value_of(gateway.peer("kern").call(p.context, calls.GETPGID, (new,)))
    await value_of(gateway.route(p, calls.IOCTL, (fd, const.TIOCSPGRP, IoctlArgsInteger(group))))
    return FcntlResult()


def _set_cloexec(p: Process, fd: int, on: bool) -> None:
    p.fds.set_cloexec(fd, on)


# -- descriptors by name (fdesc)


async def duplicate(gateway: Gateway, p: Process, number: int, flags: int, *, cloexec: bool) -> int:
    """What open gives for the name of a descriptor: the same description once more.

    EBADF; EACCES when it is to be opened for more than it is open for; EMFILE.
    """
    description = p.fds.get(number)
    have = await value_of(gateway.peer(description.owner).call(p.context, calls.FCNTL, _getfl(description)))
    if not _allows(have.value & const.O_ACCMODE, flags & const.O_ACCMODE):
        raise KernelError(Errno.EACCES, f"descriptor {number} is not open for that")
    return p.fds.install(p.fds.get(number), cloexec=cloexec)


async def open_elsewhere(gateway: Gateway, p: Process, rdev: int, flags: int, *, cloexec: bool) -> int:
    """A device of the network. ENXIO without net, and what net says; EMFILE."""
    try:
        peer = gateway.peer("net")
    except KernelError as error:
        raise KernelError(Errno.ENXIO, "the network is not running", gateway.name) from error
    handle = await value_of(peer.call(p.context, calls.DEV_OPEN, (False, rdev, flags)))
    return p.fds.install(Description("net", handle), cloexec=cloexec)


def _getfl(description: Description) -> tuple[int, int, int, None]:
    return description.handle, const.F_GETFL, 0, None


def _allows(have: int, wanted: int) -> bool:
    return have in (const.O_RDWR, wanted)


def fd_list(gateway: Gateway, ctx: Context, pid: int) -> list[int]:
    """The descriptors of a process. ESRCH."""
    return [fd for fd, _ in _process(gateway, pid).fds.items()]


def file_list(gateway: Gateway, p: Process) -> list[KinfoFile]:
    return fd_table(gateway, p.context)


def fd_table(gateway: Gateway, ctx: Context) -> list[KinfoFile]:
    """By process and number."""
    return [
        KinfoFile(each.pid, each.comm, each.cred.euid, fd, description.owner, description.handle)
        for _, each in sorted(gateway.processes.items())
        for fd, description in each.fds.items()
    ]


def fd_stat(gateway: Gateway, ctx: Context, pid: int, fd: int) -> Any:
    """What fstat gives for a descriptor of a process. ESRCH, EBADF, and what its owner says."""
    p = _process(gateway, pid)
    description = p.fds.get(fd)
    return gateway.peer(description.owner).call(p.context, calls.FSTAT, (description.handle,))


def _process(gateway: Gateway, pid: int) -> Process:
    p = gateway.processes.get(pid)
    if p is None:
        raise KernelError(Errno.ESRCH, f"there is no process {pid}")
    return p


# -- directories


def umask(gateway: Gateway, p: Process, newmask: int) -> int:
    old, p.umask = p.umask, newmask & 0o777
    return old


async def chdir(gateway: Gateway, p: Process, path: bytes) -> None:
    if not path:
        raise KernelError(Errno.ENOENT, "empty path")
    await _change(gateway, p, "cwd", const.AT_FDCWD, path)


async def fchdir(gateway: Gateway, p: Process, fd: int) -> None:
    await _change(gateway, p, "cwd", _directory(p, fd), b"")


async def chroot(gateway: Gateway, p: Process, path: bytes) -> None:
    authorize(p, Action.SYSTEM_CHROOT)
    if not path:
        raise KernelError(Errno.ENOENT, "empty path")
    await _change(gateway, p, "root", const.AT_FDCWD, path)


async def fchroot(gateway: Gateway, p: Process, fd: int) -> None:
    authorize(p, Action.SYSTEM_FCHROOT)
    await _change(gateway, p, "root", _directory(p, fd), b"")


def _directory(p: Process, fd: int) -> int:
    description = p.fds.get(fd)
    if description.owner != "vfs":
        raise KernelError(Errno.ENOTDIR, f"descriptor {fd} is no directory")
    return description.handle


async def _change(gateway: Gateway, p: Process, which: str, handle: int, path: bytes) -> None:
    """Makes a directory the working or the root directory. As in NetBSD chroot moves a working directory outside."""
    vfs = gateway.bus.peer("vfs")
    new = await value_of(vfs.call(p.context, calls.DIR_HOLD, (handle, path)))
    old = getattr(p, which)
    setattr(p, which, new)
    if which == "root":
        await value_of(vfs.call(p.context, calls.DIR_DUP, (new,)))
        stale, p.cwd = p.cwd, new
        await gateway.release_directory(p, stale)
    await gateway.release_directory(p, old)


# -- kern's calls that change what is cached here


async def change_identity(gateway: Gateway, p: Process, op: calls.Op, args: tuple[Any, ...]) -> Any:
    kern = gateway.bus.peer("kern")
    value = await value_of(kern.call(p.context, op, args))
    p.cred = await value_of(kern.call(p.context, calls.CRED_GET, ()))
    return value


async def reboot(gateway: Gateway, p: Process, opt: int, bootstr: str) -> None:
    await value_of(gateway.bus.peer("kern").call(p.context, calls.REBOOT, (opt, bootstr)))
    gateway.halt(opt)


async def component_restart(gateway: Gateway, p: Process, name: str, crash: bool, fresh: bool) -> None:
    """That the gateway itself was replaced is told by its successor."""
    authorize(p.context, Action.SYSTEM_REBOOT)
    try:
        await gateway.restart(name, crash, fresh)
    except EndedError:
        if name != gateway.name or not gateway.resting:
            raise


async def ksem_close(gateway: Gateway, p: Process, id: int) -> None:
    """EBADF, EINVAL for one without a name."""
    await value_of(gateway.route(p, calls.KSEM_CLOSE, (id,)))
    await value_of(close(gateway, p, id))


async def ksem_destroy(gateway: Gateway, p: Process, id: int) -> None:
    """EBADF, EINVAL for one with a name, EBUSY."""
    await value_of(gateway.route(p, calls.KSEM_DESTROY, (id,)))
    await value_of(close(gateway, p, id))


IDENTITY_CALLS = ("setuid", "seteuid", "setreuid", "setgid", "setegid", "setregid", "setgroups")

GATEWAY_CALLS: dict[str, Entry] = {
    "file_list": Entry(file_list),
    "getpid": Entry(getpid),
    "getppid": Entry(getppid),
    "getuid": Entry(getuid),
    "geteuid": Entry(geteuid),
    "getgid": Entry(getgid),
    "getegid": Entry(getegid),
    "getgroups": Entry(getgroups),
    "dup": Entry(dup),
    "dup2": Entry(dup2),
    "dup3": Entry(dup3),
    "close": Entry(close),
    "fcntl": Entry(fcntl),
    "ioctl": Entry(ioctl),
    "umask": Entry(umask),
    "chdir": Entry(chdir),
    "fchdir": Entry(fchdir),
    "chroot": Entry(chroot),
    "fchroot": Entry(fchroot),
    "reboot": Entry(reboot),
    "component_restart": Entry(component_restart),
    "ksem_close": Entry(ksem_close),
    "ksem_destroy": Entry(ksem_destroy),
}
