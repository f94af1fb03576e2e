"""Pseudo-terminals: ptc and pts (pty(4)), ptm (ptm(4)), and the controlling terminal of the caller (tty(4))."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rumpdev.core.device import Device, Driver
from rumpdev.core.tty.control import control
from rumpdev.core.tty.jobs import Jobs
from rumpdev.core.tty.pair import Pair
from rumpuser.component import Context, Entry
from rumpuser.host import Buffer, Host
from rumpuser.module import Manifest, Module
from rumpuser.readiness import Measure, Measured, Selinfo
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgs, IoctlResult, Ptmget

if TYPE_CHECKING:
    from rumpdev.component import DevComponent

UNITS_MAX = 992
"""Pairs at a time (kern.maxptys)."""
PTMX, PTM = 0, 1
_FILTERS = (const.EVFILT_READ, const.EVFILT_WRITE)
Install = Callable[[Device, str, int], int]


class Pairs:
    """All pairs, by number."""

    def __init__(self, host: Host, jobs: Jobs) -> None:
        self._host = host
        self.jobs = jobs
        self._pairs: dict[int, Pair] = {}

    def get(self, unit: int) -> Pair:
        """ENXIO."""
        if unit >= UNITS_MAX:
            raise KernelError(Errno.ENXIO, f"there is no terminal {unit}, {UNITS_MAX} are possible")
        if unit not in self._pairs:
            self._pairs[unit] = Pair(unit, self._host, self.jobs)
        return self._pairs[unit]

    def fresh(self) -> Pair:
        """The first that nobody uses. ENOENT, as the original, when all are in use."""
        for unit in range(UNITS_MAX):
            if unit not in self._pairs:
                return self.get(unit)
        raise KernelError(Errno.ENOENT, f"all {UNITS_MAX} terminals are in use")

    def settle(self, pair: Pair) -> None:
        """After a close: a pair that is hung up or not used gives its number back."""
        if (pair.free or pair.hung_up) and self._pairs.get(pair.unit) is pair:
            del self._pairs[pair.unit]

    def units(self) -> list[int]:
        return sorted(unit for unit, pair in self._pairs.items() if not pair.free)

    def session_end(self, ctx: Context, sid: int) -> None:
        """For kern: a session has lost its leader."""
        for pair in list(self._pairs.values()):
            if sid and pair.session == sid:
                pair.leader_left()

    def of_session(self, session: int, pid: int) -> Pair:
        """The controlling terminal of a session. ENXIO."""
        for pair in self._pairs.values():
            if pair.session == session and pid not in pair.leavers:
                return pair
        raise KernelError(Errno.ENXIO, "the session has no controlling terminal")


class Side(Measured, Device):
    """One side of a pair, opened."""

    def __init__(self, pairs: Pairs, pair: Pair) -> None:
        self.pair = pair
        self._pairs = pairs

    async def flush(self) -> None:
        raise KernelError(Errno.EINVAL, "a terminal is not written out: TIOCDRAIN waits for it")


class Master(Side):
    @property
    def selinfo(self) -> Selinfo:
        return self.pair.master_news

    def measure(self, filter: int) -> Measure | None:
        return self.pair.measure_master(filter) if filter in _FILTERS else None

    def read_for(self, ctx: Context, flags: int, offset: int, length: int) -> Any:
        return self.pair.master_read(flags, length)

    def write_for(self, ctx: Context, flags: int, offset: int, data: Buffer) -> Any:
        return self.pair.master_write(flags, data)

    def available(self) -> int:
        return len(self.pair.ldisc.output)

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> Any:
        """Those of terminals, TIOCPKT, and what vfs makes names of: TIOCPTSNAME, TIOCGRANTPT. ENOTTY."""
        if com in (const.TIOCPTSNAME, const.TIOCGRANTPT):
            return IoctlResult(0, Ptmget(-1, -1, b"", b"", self.pair.unit))
        return control(self.pair, ctx, com, data, master=True)

    def close(self) -> None:
        self.pair.close_master()
        self._pairs.settle(self.pair)


class Slave(Side):
    @property
    def selinfo(self) -> Selinfo:
        return self.pair.slave_news

    def measure(self, filter: int) -> Measure | None:
        return self.pair.measure_slave(filter) if filter in _FILTERS else None

    def read_for(self, ctx: Context, flags: int, offset: int, length: int) -> Any:
        return self.pair.slave_read(ctx, flags, length)

    def write_for(self, ctx: Context, flags: int, offset: int, data: Buffer) -> Any:
        return self.pair.slave_write(ctx, flags, data)

    def available(self) -> int:
        return self.pair.ldisc.available

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> Any:
        return control(self.pair, ctx, com, data, master=False)

    def close(self) -> None:
        self.pair.close_slave()
        self._pairs.settle(self.pair)


class PtcDriver(Driver):
    """Masters by their number."""

    name = "ptc"
    cmajor = const.MAJOR_PTC

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def units(self) -> list[str]:
        return [f"ptc{unit}" for unit in self._pairs.units()]

    def open(self, minor: int, flags: int, *, block: bool) -> Device:
        """ENXIO, EIO when it is open."""
        pair = self._pairs.get(minor)
        pair.open_master()
        return Master(self._pairs, pair)


class PtsDriver(Driver):
    """Slaves by their number."""

    name = "pts"
    cmajor = const.MAJOR_PTS

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def units(self) -> list[str]:
        return [f"pts{unit}" for unit in self._pairs.units()]

    def open_for(self, ctx: Context, minor: int, flags: int, *, block: bool) -> Any:
        """ENXIO, EBUSY; waits for the master unless O_NONBLOCK is given."""
        pair = self._pairs.get(minor)
        return opened(self._pairs, pair, pair.open_slave(ctx, flags))


def opened(pairs: Pairs, pair: Pair, waiting: Any) -> Any:
    return Slave(pairs, pair) if waiting is None else _opened_later(pairs, pair, waiting)


async def _opened_later(pairs: Pairs, pair: Pair, waiting: Any) -> Slave:
    try:
        await waiting
    finally:
        pairs.settle(pair)
    return Slave(pairs, pair)


class CttyDriver(Driver):
    """/dev/tty: whichever terminal controls the caller."""

    name = "ctty"
    cmajor = const.MAJOR_CTTY

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def units(self) -> list[str]:
        return ["tty"]

    async def open_for(self, ctx: Context, minor: int, flags: int, *, block: bool) -> Device:
        """ENXIO without a controlling terminal."""
        pair = self._pairs.of_session(await self._pairs.jobs.session(ctx.pid), ctx.pid)
        pair.open_slave(ctx, flags | const.O_NONBLOCK)
        return Slave(self._pairs, pair)


class Multiplexor(Device):
    """/dev/ptm, opened."""

    def __init__(self, pairs: Pairs, install: Install) -> None:
        self._pairs = pairs
        self._install = install

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> IoctlResult:
        """TIOCPTMGET: a new pair, both sides opened; what stands in the place of descriptors are handles. ENOTTY."""
        if com != const.TIOCPTMGET:
            return super().ioctl(ctx, com, data)  # type: ignore[no-any-return]
        pair = self._pairs.fresh()
        pair.open_master()
        pair.open_slave(ctx, 0)
        cfd = self._install(Master(self._pairs, pair), "ptc", const.makedev(const.MAJOR_PTC, pair.unit))
        sfd = self._install(Slave(self._pairs, pair), "pts", const.makedev(const.MAJOR_PTS, pair.unit))
        return IoctlResult(0, Ptmget(cfd, sfd, b"", b"", pair.unit))


class PtmDriver(Driver):
    """New pairs: opening ptmx makes one and is its master, ptm makes them by ioctl."""

    name = "ptm"
    cmajor = const.MAJOR_PTM

    def __init__(self, pairs: Pairs, install: Install) -> None:
        self._pairs = pairs
        self._install = install

    def units(self) -> list[str]:
        return ["ptmx", "ptm"]

    def open(self, minor: int, flags: int, *, block: bool) -> Device:
        """ENXIO, ENOENT when all pairs are in use."""
        if minor == PTM:
            return Multiplexor(self._pairs, self._install)
        if minor != PTMX:
            raise KernelError(Errno.ENXIO, f"there is no ptm {minor}")
        pair = self._pairs.fresh()
        pair.open_master()
        return Master(self._pairs, pair)


class PtyModule(Module):
    """The four drivers as one module."""

    manifest = Manifest("pty", "driver", "dev")

    def init(self, component: DevComponent, props: dict[str, str]) -> None:
        pairs = Pairs(component.host, Jobs(component.bus))
        component.attach(PtcDriver(pairs))
        component.attach(PtsDriver(pairs))
        component.attach(CttyDriver(pairs))
        component.attach(PtmDriver(pairs, component.handles.install))
        component.add_calls({"session_end": Entry(pairs.session_end)})

    def fini(self, component: Any) -> None:
        """EBUSY while a terminal is open."""
        names = ("ptc", "pts", "ctty", "ptm")
        open_ones = [name for name in names if component.handles.opened(name)]
        if open_ones:
            raise KernelError(Errno.EBUSY, f"open: {', '.join(open_ones)}")
        for name in names:
            component.detach(name)
        component.remove_calls(["session_end"])


MODULE = PtyModule()
