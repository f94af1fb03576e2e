"""kern's own sysctl nodes: kern, hw, vm, proc and security (sysctl(7))."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rumpkern.core.aio import VERSION, AioLimits
from rumpkern.core.clock import SECOND, Clocks
from rumpkern.core.ksem import Semaphores
from rumpkern.core.modules import ModuleSettings
from rumpkern.core.pipe import MAX_PIPES, Pipes
from rumpkern.core.session import SessionCalls
from rumpkern.core.signals import Signals
from rumpkern.core.sysctl import CURPROC, Node, Tree, Writer
from rumpuser.component import Context, Parameters
from rumpuser.host import Host
from rumpuser.pending import start
from rumpwire import const
from rumpwire.values import (
    NetCounter,
    SysctlCounters,
    SysctlValue,
    SysctlValueBoolean,
    SysctlValueInteger,
    SysctlValueQuad,
    SysctlValueRaw,
    SysctlValueText,
)

OSTYPE = "Rump"
MODEL = "rumpcore (virtual)"
PAGE_SIZE = 4096
ALIGNBYTES = 15
RAW_PARTITION = 3
HZ = 100
PHYSMEM = 512 << 20
"""Memory that is told of when RUMP_MEMLIMIT sets none."""
TIME_ERROR = 5
MAXPHASE_US = 500_000
"""What a clock that nobody disciplines may be wrong (sys/timex.h)."""
INT_MAX = (1 << 31) - 1
RW = const.CTLFLAG_READWRITE

LIMIT_NAMES = (
    "cputime", "filesize", "datasize", "stacksize", "coredumpsize", "memoryuse", "memorylocked", "maxproc",
    "descriptors", "sbsize", "vmemoryuse", "maxlwp",
)  # fmt: skip
"""Names of proc.*.rlimit in the order of RLIMIT_*."""


@dataclass(slots=True)
class Identity:
    """What the kernel says of itself and its host. Names may be changed, the rest is as it is."""

    hostname: str
    release: Callable[[], str]
    machine: str
    machine_arch: str
    big_endian: bool = False
    domainname: str = ""
    hostid: int = 0

    def revision(self) -> int:
        """The release as one number, MMmmpp00."""
        parts = [int(part) if part.isdecimal() else 0 for part in [*self.release().split("."), "0", "0"][:3]]
        return min(parts[0] * 1_000_000 + parts[1] * 10_000 + parts[2] * 100, INT_MAX)

    def version(self) -> str:
        return f"{OSTYPE} {self.release()} (RUMP) on {self.machine}\n"


Numbers = tuple[int, ...]
Write = Callable[[Any], Any]


class Nodes:
    """Fills a tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def text(
        self, path: str, numbers: Numbers, description: str, read: Callable[[], str], write: Write | None = None
    ) -> None:
        self._plain(const.CTLTYPE_STRING, SysctlValueText, path, numbers, description, read, write)

    def integer(
        self, path: str, numbers: Numbers, description: str, read: Callable[[], int], write: Write | None = None
    ) -> None:
        self._plain(const.CTLTYPE_INT, SysctlValueInteger, path, numbers, description, read, write)

    def boolean(
        self, path: str, numbers: Numbers, description: str, read: Callable[[], bool], write: Write | None = None
    ) -> None:
        self._plain(const.CTLTYPE_BOOL, SysctlValueBoolean, path, numbers, description, read, write)

    def quad(self, path: str, numbers: Numbers, description: str, read: Callable[[], int]) -> None:
        self._plain(const.CTLTYPE_QUAD, SysctlValueQuad, path, numbers, description, read, None)

    def raw(self, path: str, numbers: Numbers, description: str, read: Callable[[], bytes]) -> None:
        node = self._plain(const.CTLTYPE_STRUCT, SysctlValueRaw, path, numbers, description, read, None)
        node.size = len(read())

    def structure(self, path: str, numbers: Numbers, description: str, read: Callable[[], SysctlValue]) -> None:
        self._add(path, numbers, const.CTLTYPE_STRUCT, description, lambda ctx: read(), None)

    def own(
        self,
        path: str,
        numbers: Numbers,
        description: str,
        read: Callable[[Context], int],
        write: Callable[[Context, int], None],
    ) -> None:
        """An integer that each process has for itself, below proc.curproc."""

        def put(ctx: Context, value: SysctlValue) -> None:
            assert isinstance(value, SysctlValueInteger)
            write(ctx, value.integer)

        node = self._add(path, numbers, const.CTLTYPE_INT, description, lambda ctx: SysctlValueInteger(read(ctx)), put)
        node.flags |= const.CTLFLAG_ANYWRITE

    def _plain(
        self,
        kind: int,
        wrap: Callable[[Any], SysctlValue],
        path: str,
        numbers: Numbers,
        description: str,
        read: Callable[[], Any],
        write: Write | None,
    ) -> Node:
        """A node whose value is the same for all callers."""
        setter = None if write is None else lambda ctx, value: write(value[0])
        return self._add(path, numbers, kind, description, lambda ctx: wrap(read()), setter)

    def limit(self, sessions: SessionCalls, which: int, *, soft: bool) -> None:
        """proc.curproc.rlimit.NAME.soft or .hard; everybody may set their own, by the rules of setrlimit(2)."""

        def get(ctx: Context) -> SysctlValue:
            limit = sessions.getrlimit(ctx, which)
            return SysctlValueQuad(limit.rlim_cur if soft else limit.rlim_max)

        def put(ctx: Context, value: SysctlValue) -> Any:
            assert isinstance(value, SysctlValueQuad)
            changed = {"rlim_cur" if soft else "rlim_max": value.quad}
            return start(sessions.setrlimit(ctx, which, sessions.getrlimit(ctx, which)._replace(**changed)))

        path = f"proc.curproc.rlimit.{LIMIT_NAMES[which]}.{'soft' if soft else 'hard'}"
        node = self._add(path, (10, CURPROC, 2, which + 1, 1 if soft else 2), const.CTLTYPE_QUAD, "", get, put)
        node.flags |= const.CTLFLAG_ANYWRITE

    def _add(
        self,
        path: str,
        numbers: Numbers,
        kind: int,
        description: str,
        read: Callable[[Context], SysctlValue],
        write: Writer | None,
    ) -> Node:
        flags = const.CTLFLAG_PERMANENT | (RW if write else const.CTLFLAG_READONLY)
        return self.tree.add(Node(path, 0, kind, flags, description, read=read, write=write), numbers)


def fill(
    nodes: Nodes,
    identity: Identity,
    parameters: Parameters,
    host: Host,
    clocks: Clocks,
    pipes: Pipes,
    semaphores: Semaphores,
    aio: AioLimits,
    sessions: SessionCalls,
    signals: Signals,
    modules: ModuleSettings,
) -> None:
    """All nodes of kern."""
    _kern(nodes, identity)
    nodes.text("kern.sigmodel", (), "Signal model: raise, panic, ignore, record", lambda: signals.model, signals.choose)
    _time(nodes, clocks)
    _random(nodes, host)
    _pipe(nodes, pipes)
    nodes.integer("kern.posix.semmax", (), "Maximal number of semaphores", lambda: semaphores.most, semaphores.set_most)
    nodes.integer("kern.posix.semcnt", (), "Current number of semaphores", lambda: semaphores.count)
    _aio(nodes, aio)
    _module(nodes, modules)
    _hw(nodes, identity, parameters)
    for which in range(len(LIMIT_NAMES)):
        nodes.limit(sessions, which, soft=True)
        nodes.limit(sessions, which, soft=False)
    nodes.text("security.models.suser.name", (), "Name of the security model", lambda: "Traditional superuser (suser)")


def _kern(n: Nodes, identity: Identity) -> None:
    def name(which: str) -> tuple[Callable[[], str], Callable[[str], None]]:
        return lambda: getattr(identity, which), lambda value: setattr(identity, which, value)

    n.text("kern.ostype", (1, 1), "Operating system type", lambda: OSTYPE)
    n.text("kern.osrelease", (1, 2), "Operating system release", identity.release)
    n.integer("kern.osrevision", (1, 3), "Release as a number", identity.revision)
    n.text("kern.version", (1, 4), "Kernel version", identity.version)
    n.text("kern.hostname", (1, 10), "System hostname", *name("hostname"))
    n.integer("kern.hostid", (1, 11), "System host ID number", lambda: identity.hostid, _setter(identity, "hostid"))
    n.integer("kern.posix1version", (1, 17), "Version of ISO/IEC 9945 (POSIX) attempted", lambda: 200112)
    n.integer("kern.ngroups", (1, 18), "Maximum number of supplemental groups", lambda: const.NGROUPS_MAX)
    n.integer("kern.job_control", (1, 19), "Whether job control is available", lambda: 0)
    n.integer("kern.saved_ids", (1, 20), "Whether saved set-group/user ID is available", lambda: 1)
    n.text("kern.domainname", (1, 22), "YP domain name", *name("domainname"))
    n.integer("kern.rawpartition", (1, 24), "Raw partition of a disk", lambda: RAW_PARTITION)
    n.integer("kern.iov_max", (1, 38), "Maximum number of iovec structures per call", lambda: const.IOV_MAX)


def _time(n: Nodes, clocks: Clocks) -> None:
    tick = 1_000_000 // HZ
    rates = struct.pack("=5i", tick, tick // 250, HZ, HZ, HZ)  # struct clockinfo: tick, tickadj, hz, profhz, stathz
    n.raw("kern.clockrate", (1, 12), "Kernel clock rates", lambda: rates)
    boot = struct.Struct("=qq")  # struct timespec
    n.raw("kern.boottime", (1, 83), "System boot time", lambda: boot.pack(*divmod(clocks.boottime, SECOND)))
    ticks = "Number of hardclock ticks"
    n.integer("kern.hardclock_ticks", (), ticks, lambda: clocks.now(const.CLOCK_MONOTONIC) * HZ // SECOND & INT_MAX)
    n.text("kern.timecounter.hardware", (), "Timecounter in use", lambda: "rumptc")
    n.text("kern.timecounter.choice", (), "Timecounters present", lambda: f"rumptc(q=0, f={SECOND} Hz)")
    n.integer(
        "kern.timecounter.timestepwarnings", (), "Log time steps", lambda: int(clocks.warn), _setter(clocks, "warn")
    )
    n.structure("kern.ntptime", (1, 60), "Kernel clock values for NTP", lambda: _ntptime(clocks))


def _ntptime(clocks: Clocks) -> SysctlCounters:
    """struct ntptimeval, and what adjtime(2) has still to bring in. Nobody disciplines the clock: TIME_ERROR."""
    seconds, fraction = divmod(clocks.now(const.CLOCK_REALTIME), SECOND)
    rows = {
        "time.tv_sec": seconds, "time.tv_nsec": fraction, "maxerror": MAXPHASE_US, "esterror": MAXPHASE_US, "tai": 0,
        "time_state": TIME_ERROR, "adjust": abs(clocks.slewing),
    }  # fmt: skip
    return SysctlCounters([NetCounter("ntp", name, value) for name, value in rows.items()])


def _random(n: Nodes, host: Host) -> None:
    def number() -> int:
        return int.from_bytes(host.entropy(4), "little", signed=True)

    n.integer("kern.urandom", (1, 61), "Random integer value", number)
    n.integer("kern.arandom", (1, 81), "Random integer value", number)


def _pipe(n: Nodes, pipes: Pipes) -> None:
    def maxbig(value: int) -> None:
        pipes.maxbig = max(0, min(value, MAX_PIPES))

    n.integer("kern.pipe.maxbigpipes", (1, 56, 3), "Maximum number of big pipes", lambda: pipes.maxbig, maxbig)
    n.integer("kern.pipe.nbigpipes", (1, 56, 4), "Number of big pipes", lambda: pipes.big)
    n.integer("kern.pipe.kvasize", (1, 56, 5), "Memory that pipe buffers may fill", lambda: pipes.memory)


def _aio(n: Nodes, aio: AioLimits) -> None:
    n.integer("kern.posix_aio", (), "Version of POSIX asynchronous I/O attempted", lambda: VERSION)
    listio = "Maximum number of requests in a list, and of a process"
    n.integer("kern.aio_listio_max", (), listio, lambda: aio.listio_max, aio.set_listio_max)
    n.integer("kern.aio_max", (), "Maximum number of asynchronous I/O requests", lambda: aio.most, aio.set_most)


def _module(n: Nodes, s: ModuleSettings) -> None:
    path = "kern.module."
    n.boolean(f"{path}autoload", (), "Enable automatic load of modules", lambda: s.autoload, _setter(s, "autoload"))
    n.boolean(f"{path}verbose", (), "Enable verbose output", lambda: s.verbose, _setter(s, "verbose"))
    n.text(f"{path}path", (), "Default module load path", lambda: s.path, _setter(s, "path"))
    n.integer(f"{path}autotime", (), "Auto-unload delay", lambda: s.autotime, _setter(s, "autotime"))


def _hw(n: Nodes, identity: Identity, parameters: Parameters) -> None:
    memory = parameters.memlimit or PHYSMEM
    order = 4321 if identity.big_endian else 1234
    n.text("hw.machine", (6, 1), "Machine class", lambda: identity.machine)
    n.text("hw.model", (6, 2), "Machine model", lambda: MODEL)
    n.integer("hw.ncpu", (6, 3), "Number of CPUs configured", lambda: parameters.ncpu)
    n.integer("hw.byteorder", (6, 4), "System byte order", lambda: order)
    n.integer("hw.physmem", (6, 5), "Bytes of physical memory", lambda: min(memory, INT_MAX))
    n.integer("hw.pagesize", (6, 7), "Software page size", lambda: PAGE_SIZE)
    n.text("hw.machine_arch", (6, 10), "Machine CPU class", lambda: identity.machine_arch)
    n.integer("hw.alignbytes", (6, 11), "Alignment constraint for all possible data types", lambda: ALIGNBYTES)
    n.quad("hw.physmem64", (6, 13), "Bytes of physical memory", lambda: memory)
    n.integer("hw.ncpuonline", (6, 16), "Number of CPUs online", lambda: parameters.ncpu)
    n.quad("vm.memlimit", (), "Memory limit in bytes, 0 for none", lambda: parameters.memlimit or 0)


def _setter(target: object, name: str) -> Callable[[object], None]:
    return lambda value: setattr(target, name, value)
