"""The device faction as a component: the device switch and the drivers in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rumpdev.core.device import DeviceSwitch, Driver
from rumpdev.core.handles import Handles
from rumpdev.core.pseudodisk import PseudoDriver
from rumpdev.core.restoring import restore
from rumpdev.core.taking import Taking
from rumpdev.drivers import cgd, drvctl, md, pty, raid, rnd, vnd
from rumpdev.drivers.mem import MemDriver
from rumpdev.syscalls import syscalls
from rumpuser.component import Bus, Component, Context, Parameters
from rumpuser.host import Host
from rumpuser.kqueue import Watching
from rumpuser.module import Found
from rumpuser.quota import limited
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Driver as DriverRow
from rumpwire.values import SysctlCounters, SysctlExport, SysctlValue, SysctlValueText

NODES = [
    SysctlExport("hw.disknames", const.CTLTYPE_STRING, const.CTLFLAG_READONLY, "List of disk drives", [6, 8]),
    SysctlExport("hw.iostats", const.CTLTYPE_STRUCT, const.CTLFLAG_READONLY, "What disks have carried", [6, 9]),
    SysctlExport("hw.iostatnames", const.CTLTYPE_STRING, const.CTLFLAG_READONLY, "Disks that count it", [6, 15]),
]


class DevComponent(Component):
    """dev. The modules rnd, drvctl, pty, md, vnd, cgd and raid are in it from the start; all can be unloaded."""

    name = "dev"

    def __init__(self, host: Host, bus: Bus, parameters: Parameters) -> None:
        super().__init__()
        self.host = host
        self.bus = bus
        self.parameters = parameters
        self.switch = DeviceSwitch()
        self.handles = Handles(self.switch, int.from_bytes(host.entropy(4), "little") >> 2)
        self.handles.records = host.records
        self.watching = Watching(host, self.handles.device)
        self.taking = Taking(bus, host.files, self.switch)
        self.switch.attach(MemDriver())
        self.table.update(syscalls(self))
        limited(self, bus, "kqueues", "knote_change")
        for module in (rnd.MODULE, drvctl.MODULE, pty.MODULE, md.MODULE, vnd.MODULE, cgd.MODULE, raid.MODULE):
            module.init(self, {})
            self.loader.found[module.manifest.name] = Found(module, "builtin", active=True)

    def attach(self, driver: Driver) -> None:
        """For modules: a driver that device nodes lead to from now on. EEXIST."""
        self.switch.attach(driver)

    def detach(self, name: str) -> None:
        """For modules. ENOENT, EBUSY while one of the driver's devices is open."""
        driver = self.switch.drivers.get(name)
        if driver is None:
            raise KernelError(Errno.ENOENT, f"there is no driver {name}")
        if self.handles.opened(name):
            raise KernelError(Errno.EBUSY, f"devices of {name} are open")
        self.switch.detach(driver)

    def detach_disks(self, name: str) -> None:
        """The same for pseudo disks. EBUSY while one is configured."""
        driver = self.switch.drivers.get(name)
        if isinstance(driver, PseudoDriver) and driver.units():
            raise KernelError(Errno.EBUSY, f"there are disks: {', '.join(driver.units())}")
        self.detach(name)

    def dev_list(self, ctx: Context) -> list[DriverRow]:
        return [DriverRow(d.name, d.bmajor, d.cmajor, d.units()) for d in self.switch.drivers.values()]

    def sysctl_export(self, ctx: Context) -> list[SysctlExport]:
        return NODES

    def sysctl_value(self, ctx: Context, path: str, newv: SysctlValue | None) -> SysctlValue:
        """ENOENT, EPERM."""
        if path not in [node.path for node in NODES]:
            raise KernelError(Errno.ENOENT, f"no sysctl node {path}")
        if newv is not None:
            raise KernelError(Errno.EPERM, f"{path} is read-only")
        drivers = self.switch.drivers.values()
        counted = {disk: transfers for driver in drivers for disk, transfers in driver.transfers().items()}
        if path == "hw.iostats":
            return SysctlCounters([row for disk, transfers in counted.items() for row in transfers.rows(disk)])
        names = counted if path == "hw.iostatnames" else [disk for driver in drivers for disk in driver.disks()]
        return SysctlValueText(" ".join(names))

    async def start(self) -> None:
        """vfs may still hold what a dev that died had taken."""
        await self.taking.begin()
        if self.host.records.inherited:
            await restore(self)

    def keep(self, handles: Sequence[int], directories: Sequence[int]) -> Any:
        """All that is open stays: vfs has it open as well, for device nodes and under mounts."""
        return [handle for handle in handles if self.handles.has(handle)], []

    def stop(self) -> None:
        """Closes what is open, and ends the disks in order. Memory disks go with the process."""
        self.handles.close_all()
        for driver in self.switch.drivers.values():
            if isinstance(driver, PseudoDriver):
                driver.stop()
