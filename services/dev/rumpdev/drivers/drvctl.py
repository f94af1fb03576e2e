"""drvctl (drvctl(4)): which devices there are, and taking them away.

Devices are mainbus0, which stands for the machine and has nothing on it, and the pseudo disks that are configured: all
hang from the root. What is changed is the superuser's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rumpdev.core.device import Device, DeviceSwitch, Driver
from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpuser.module import Manifest, Module
from rumpuser.pending import value_of
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DevCommand, DevDetachArgs, DevListArgs, DevPmArgs, DevRescanArgs, IoctlArgs, IoctlResult

if TYPE_CHECKING:
    from rumpdev.component import DevComponent

MAINBUS = "mainbus"
ROOT = f"{MAINBUS}0"
PROPERTIES = "get-properties"


class Drvctl(Device):
    """/dev/drvctl, opened."""

    def __init__(self, switch: DeviceSwitch) -> None:
        self._switch = switch

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> Any:
        """ENXIO for a device that is not there, EPERM, EINVAL; ENODEV and EOPNOTSUPP for what none can; ENOTTY."""
        match com, data:
            case const.DRVLISTDEV, DevListArgs():
                return IoctlResult(0, data._replace(childname=self._children(data.devname)))
            case const.DRVCTLCOMMAND, DevCommand():
                return IoctlResult(0, self._command(data))
            case const.DRVDETACHDEV, DevDetachArgs():
                return self._detach(ctx, data.devname)
            case const.DRVRESCANBUS, DevRescanArgs():
                authorize(ctx, Action.DEVICE_DRVCTL)
                self._find(data.busname)
                raise KernelError(Errno.ENODEV, f"{data.busname} is no bus that could be searched")
            case ((const.DRVSUSPENDDEV | const.DRVRESUMEDEV), DevPmArgs()):
                authorize(ctx, Action.DEVICE_DRVCTL)
                self._find(data.devname)
                raise KernelError(Errno.EOPNOTSUPP, f"{data.devname} has no power management")
            case const.DRVGETEVENT, _:
                raise KernelError(Errno.EOPNOTSUPP, "there are no events of devices")
        if com in _COMMANDS:
            raise KernelError(Errno.EINVAL, "the argument is of another command")
        return super().ioctl(ctx, com, data)

    def _children(self, name: str) -> list[str]:
        if name:
            self._find(name)
            return []
        return [ROOT, *(disk for driver in self._switch.drivers.values() for disk in driver.disks())]

    def _command(self, data: DevCommand) -> DevCommand:
        if data.command != PROPERTIES:
            raise KernelError(Errno.EINVAL, f"no command {data.command!r}, only {PROPERTIES}")
        driver = self._find(data.device_name)
        name = driver.name if driver is not None else MAINBUS
        unit = data.device_name.removeprefix(name)
        return data._replace(properties={"device-driver": name, "device-unit": unit})

    async def _detach(self, ctx: Context, name: str) -> IoctlResult:
        """EBUSY while it is in use; EOPNOTSUPP for mainbus0."""
        authorize(ctx, Action.DEVICE_DRVCTL)
        driver = self._find(name)
        if driver is None:
            raise KernelError(Errno.EOPNOTSUPP, f"{name} stays where it is")
        await value_of(driver.detach_unit(ctx, name))
        return IoctlResult()

    def _find(self, name: str) -> Driver | None:
        """The driver of a device, None for mainbus0. ENXIO."""
        if name == ROOT:
            return None
        for driver in self._switch.drivers.values():
            if name in driver.disks():
                return driver
        raise KernelError(Errno.ENXIO, f"there is no device {name!r}")


_COMMANDS = (
    const.DRVLISTDEV,
    const.DRVCTLCOMMAND,
    const.DRVDETACHDEV,
    const.DRVRESCANBUS,
    const.DRVSUSPENDDEV,
    const.DRVRESUMEDEV,
)


class DrvctlDriver(Driver):
    """Major 167."""

    name = "drvctl"
    cmajor = const.MAJOR_DRVCTL

    def __init__(self, switch: DeviceSwitch) -> None:
        self._switch = switch

    def units(self) -> list[str]:
        return ["drvctl"]

    def open(self, minor: int, flags: int, *, block: bool) -> Device:
        """ENXIO."""
        if minor:
            raise KernelError(Errno.ENXIO, f"there is no drvctl {minor}")
        return Drvctl(self._switch)


class DrvctlModule(Module):
    """The driver as a module."""

    manifest = Manifest("drvctl", "driver", "dev")

    def init(self, component: DevComponent, props: dict[str, str]) -> None:
        component.attach(DrvctlDriver(component.switch))

    def fini(self, component: Any) -> None:
        """EBUSY while it is open."""
        component.detach("drvctl")


MODULE = DrvctlModule()
