"""What a process holds: its descriptors, directories and creation mask. Who it is, kern knows; that is cached here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpgateway.core.descriptors import DescriptorTable
from rumpuser.component import Context
from rumpuser.plain import flat
from rumpuser.records import Records
from rumpwire.values import Credentials, ProcessInfo

if TYPE_CHECKING:
    from rumpgateway.core.kqueue import KqueueDescription


class Process:
    """A process as the system call layer knows it. ``context`` is what components are told of it."""

    __slots__ = (
        "_cred",
        "_cwd",
        "_records",
        "_root",
        "_umask",
        "comm",
        "context",
        "exited",
        "fds",
        "kqueues",
        "locks",
        "pid",
        "ppid",
    )

    def __init__(self, info: ProcessInfo, fds: DescriptorTable | None = None) -> None:
        assert info.cred is not None
        self.pid = info.pid
        self.ppid = info.ppid
        self.comm = info.comm
        self.fds = fds or DescriptorTable()
        self.exited = False
        self.locks = False
        """Whether it has ever locked a range of a file: any close may then have to take locks away."""
        self.kqueues: list[KqueueDescription] = []
        self._cred = info.cred
        self._cwd = 0
        self._root = 0
        self._umask = 0o022
        self._records: Records | None = None
        self._renew()

    def record(self, records: Records) -> None:
        """From here on a successor of the gateway will know this process, and what it holds."""
        self._records = records
        self._renew()
        self.fds.record(self.pid, records)

    @property
    def cred(self) -> Credentials:
        return self._cred

    @cred.setter
    def cred(self, value: Credentials) -> None:
        self._cred = value
        self._renew()

    @property
    def umask(self) -> int:
        return self._umask

    @umask.setter
    def umask(self, value: int) -> None:
        self._umask = value
        self._renew()

    @property
    def cwd(self) -> int:
        """Handle of the working directory at vfs, 0 for the root of the name space."""
        return self._cwd

    @cwd.setter
    def cwd(self, value: int) -> None:
        self._cwd = value
        self._renew()

    @property
    def root(self) -> int:
        return self._root

    @root.setter
    def root(self, value: int) -> None:
        self._root = value
        self._renew()

    def _renew(self) -> None:
        self.context = Context(self.pid, self._cred, self._cwd, self._root, self._umask)
        if self._records is not None:
            value = (self.ppid, self.comm, flat(self._cred), self._cwd, self._root, self._umask)
            self._records.put("process", self.pid, value)
