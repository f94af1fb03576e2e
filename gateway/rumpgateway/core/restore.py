"""What a gateway that was killed leaves to its successor: its processes and all they hold.

Each change is recorded as it is made (`Process.record`, `DescriptorTable.record`, `Rights`). The objects themselves are
at their owners, which have gone on; an open object is known by its owner and its handle. Kqueues are the gateway's own
and are lost: a descriptor of one is EBADF to kevent, and EIO to the others.
"""

from __future__ import annotations

from typing import Any

from rumpgateway.core.descriptors import Description
from rumpgateway.core.gateway import LOST, Gateway
from rumpgateway.core.process import Process
from rumpuser.plain import whole
from rumpwire.values import Credentials, ProcessInfo


def restore(gateway: Gateway) -> None:
    """Processes, descriptors, directories, descriptors in messages, limits, out of the records of the predecessor."""
    records = gateway.host.records
    found = _Descriptions(gateway.name)
    for pid, value, _ in records.items("process"):
        gateway.processes[pid] = _process(pid, *value)
    for (pid, fd), (owner, handle, pgid, cloexec), _ in sorted(records.items("fd")):
        if pid in gateway.processes:
            fds = gateway.processes[pid].fds
            fds.restore(fd, found.get(owner, handle, pgid), cloexec=cloexec)
    for token, (owner, handle, pgid), _ in records.items("flying"):
        gateway.rights.restore(token, found.get(owner, handle, pgid))
    gateway.aio.restore()
    for p in gateway.processes.values():
        p.record(records)


def _process(pid: int, ppid: int, comm: str, cred: Any, cwd: int, root: int, umask: int, limits: Any) -> Process:
    known = whole(cred)
    assert isinstance(known, Credentials)
    p = Process(ProcessInfo(pid=pid, ppid=ppid, comm=comm, cred=known))
    *soft, memory = limits
    p.cwd, p.root, p.umask, p.limits, p.memory = cwd, root, umask, tuple(soft), memory
    p.locks = True  # it may have some: closing asks, which costs a little
    return p


class _Descriptions:
    """Open objects by owner and handle: descriptors that shared one do so again."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._made: dict[tuple[str, int], Description] = {}

    def get(self, owner: str, handle: int, pgid: int) -> Description:
        if owner == self._gateway and handle:
            owner = LOST
        made = self._made.get((owner, handle))
        if made is None:
            made = self._made[owner, handle] = Description(owner, handle)
            made.pgid = pgid
        return made
