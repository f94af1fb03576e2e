"""What a process holds: its descriptors, directories and creation mask. Who it is, kern knows; that is cached here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from rumpgateway.core.descriptors import DescriptorTable
from rumpuser.component import Context
from rumpuser.pending import Pending
from rumpuser.plain import flat
from rumpuser.records import Records
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, ProcessInfo, Siginfo

if TYPE_CHECKING:
    from rumpgateway.core.aio import Requests
    from rumpgateway.core.kqueue import KqueueDescription
    from rumpgateway.core.ktrace import Trace


class Cancellable(Protocol):
    """A call that waits."""

    def cancel(self, error: KernelError | None = None) -> None: ...


class Process:
    """A process as the system call layer knows it. ``context`` is what components are told of it."""

    __slots__ = (
        "_cred",
        "_cwd",
        "_fsize",
        "_memory",
        "_records",
        "_root",
        "_sbsize",
        "_umask",
        "aio",
        "comm",
        "context",
        "drained",
        "exited",
        "fds",
        "held",
        "held_back",
        "in_exec",
        "interrupts",
        "kqueues",
        "locks",
        "lwps",
        "masks",
        "nthr",
        "pid",
        "ppid",
        "raised",
        "trace",
        "waiting",
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
        self.aio: Requests | None = None
        """Its asynchronous I/O, once it has begun some."""
        self.waiting: dict[Cancellable, None] = {}
        """Its calls that wait."""
        self.drained: Pending[None] | None = None
        """Finished when the last of them is."""
        self.in_exec = False
        self.interrupts = 0
        """How often its calls have been interrupted."""
        self.masks: dict[Pending[None], int] = {}
        """Signal masks of calls that wait, and what to finish when a signal comes through one."""
        self.held_back: list[tuple[Siginfo, int]] = []
        """Signals that a mask keeps out, and what becomes of them."""
        self.raised: Callable[[Siginfo], None] | None = None
        """Takes signals to the client."""
        self.held: dict[int, Siginfo] = {}
        """Signals for a client that has no stream yet."""
        self.lwps = 0
        """Threads that were made in it (rump_lwproc(3))."""
        self.nthr = const.RLIM_INFINITY
        self._fsize = self._sbsize = const.RLIM_INFINITY
        self._memory = 0
        self.trace: Trace | None = None
        """Set while its calls are traced (ktrace(2))."""
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
        if self.fds.users == 1:  # a shared table is written down as that of the first
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

    @property
    def limits(self) -> tuple[int, int, int, int]:
        """RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_NTHR and RLIMIT_SBSIZE as they are now."""
        return self.fds.limit, self._fsize, self.nthr, self._sbsize

    @limits.setter
    def limits(self, value: tuple[int, int, int, int]) -> None:
        self.fds.limit, self._fsize, self.nthr, self._sbsize = value
        self._renew()

    @property
    def memory(self) -> int:
        """Bytes that its identity may hold in all; 0 is no limit."""
        return self._memory

    @memory.setter
    def memory(self, value: int) -> None:
        self._memory = value
        self._renew()

    @property
    def nlwps(self) -> int:
        """Its threads, as proc_list tells them: those that were made, or its calls that wait."""
        return max(1, self.lwps, len(self.waiting))

    @property
    def watches_closing(self) -> bool:
        """Whether something of it ends with a descriptor."""
        return bool(self.kqueues) or self.aio is not None

    # -- calls that wait

    def wait_begins(self, call: Cancellable) -> None:
        self.waiting[call] = None

    def wait_ends(self, call: Cancellable) -> None:
        self.waiting.pop(call, None)
        if not self.waiting and self.drained is not None:
            drained, self.drained = self.drained, None
            drained.resolve(None)

    def interrupt(self, what: str) -> None:
        """Ends all calls that wait, where they can be ended: EINTR."""
        self.interrupts += 1
        for call in list(self.waiting):
            call.cancel(KernelError(Errno.EINTR, f"interrupted by {what}"))

    # -- signals

    def take_signal(self, info: Siginfo) -> None:
        if self.raised is None:  # no client yet, or for a moment
            self.held.setdefault(info.si_signo, info)
        else:
            self.raised(info)

    def listen(self, raised: Callable[[Siginfo], None] | None) -> None:
        """Who carries signals to the client from now on; it gets those first that were kept."""
        self.raised = raised
        if raised is not None:
            held, self.held = self.held, {}
            for signo in sorted(held):
                raised(held[signo])

    def _renew(self) -> None:
        where = self._cwd, self._root, self._umask
        self.context = Context(self.pid, self._cred, *where, self._fsize, self._sbsize, self._memory)
        if self._records is not None:
            value = (self.ppid, self.comm, flat(self._cred), *where, (*self.limits, self._memory))
            self._records.put("process", self.pid, value)
