"""Encrypted disks (cgd(4)): cgd0d, ... and the raw rcgd0d, ..., each over another disk.

The disk below holds the same sectors enciphered, nothing else: no header, and no way to tell whether the key is the
right one. That is for what is on it to say (the verification methods of cgdconfig(8)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rumpdev.core.pseudodisk import PseudoDriver, Unit
from rumpdev.core.storage import SECTOR, Storage
from rumpdev.core.taking import Taken
from rumpdev.drivers.cgd_cipher import BLOCK, IV_METHODS, SectorCipher, make_cipher
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.kauth import Action, authorize
from rumpuser.module import Manifest, Module
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import CgdIoctl, CgdUser, IoctlArgs, IoctlResult

if TYPE_CHECKING:
    from rumpdev.component import DevComponent

SECTORS = (512, 1024, 2048, 4096)
"""What can be enciphered at once."""


class Enciphered(Storage):
    """The plain side of a disk."""

    def __init__(self, below: Storage, cipher: SectorCipher) -> None:
        self.below = below
        self.cipher = cipher
        self.align = cipher.sector
        self.size = below.size - below.size % cipher.sector
        self.readonly = below.readonly

    def read(self, offset: int, length: int) -> Buffer:
        return self.cipher.decrypt(offset // self.align, self.below.read(offset, length))

    def write(self, offset: int, data: Buffer) -> None:
        self.below.write(offset, self.cipher.encrypt(offset // self.align, data))

    def flush(self) -> None:
        self.below.flush()


class CgdUnit(Unit):
    """One cgd."""

    taken: Taken | None = None
    arguments: CgdIoctl | None = None

    def clear(self, ctx: Context) -> Any:
        return self.ioctl(ctx, const.CGDIOCCLR, CgdIoctl())

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> Any:
        """CGDIOCSET, CGDIOCCLR (superuser), CGDIOCGET. ENOTTY, EINVAL for other arguments than theirs."""
        if com == const.CGDIOCGET:
            return IoctlResult(0, self._user())
        if com == const.CGDIOCCLR:
            authorize(ctx, Action.SYSTEM_DEVMAPPER)
            return self._clear()
        if com != const.CGDIOCSET:
            return super().ioctl(ctx, com, data)
        authorize(ctx, Action.SYSTEM_DEVMAPPER)
        if not isinstance(data, CgdIoctl):
            raise KernelError(Errno.EINVAL, "a CgdIoctl is needed")
        return self._set(ctx, data)

    def _user(self) -> CgdUser:
        """Without the key."""
        a = self.arguments
        if a is None or self.taken is None:
            return CgdUser(self.number)
        dev = self.taken.answer.rdev or self.taken.answer.dev
        mode = IV_METHODS[a.ci_ivmethod]
        return CgdUser(self.number, dev, a.ci_alg, BLOCK, mode, a.ci_keylen, a.ci_disk, a.ci_secsize)

    async def _set(self, ctx: Context, data: CgdIoctl) -> IoctlResult:
        """EBUSY, EINVAL (cipher, key, sizes), errors of namei, ENOTBLK, EPERM, ENXIO, EOPNOTSUPP."""
        self.check_free()
        data = data._replace(ci_secsize=data.ci_secsize or SECTOR, ci_keylen=data.ci_keylen or len(data.ci_key) * 8)
        if data.ci_secsize not in SECTORS or data.ci_blocksize not in (0, BLOCK * 8):
            raise KernelError(Errno.EINVAL, f"sectors of {data.ci_secsize} bytes, blocks of {data.ci_blocksize} bits")
        cipher = make_cipher(data.ci_alg, data.ci_ivmethod, data.ci_key, data.ci_keylen, data.ci_secsize)
        self.begin_change()
        taking = self.driver.taking
        try:
            taken = await taking.take(ctx, data.ci_disk)
            storage = Enciphered(taken.storage, cipher)
            if not storage.size:
                await taking.give(taken)
                raise KernelError(Errno.EINVAL, f"{taken.storage.size} bytes are less than a sector")
            self.taken = taken
            self.arguments = data._replace(ci_key=b"", ci_size=storage.size)
            self.set(storage)
        finally:
            self.end_change()
        return IoctlResult(0, self.arguments)

    async def _clear(self) -> IoctlResult:
        """ENXIO, EBUSY while others have it open."""
        self.configured()
        self.check_idle()
        self.begin_change()
        try:
            taken, self.taken, self.arguments = self.taken, None, None
            self.set(None)
            assert taken is not None
            await self.driver.taking.give(taken)
        finally:
            self.end_change()
        return IoctlResult()

    def stop(self) -> None:
        if self.taken is not None:
            self.taken.storage.close()


class CgdDriver(PseudoDriver):
    """Majors 19 (block) and 96 (character)."""

    name = "cgd"
    bmajor = const.MAJOR_CGD_BLK
    cmajor = const.MAJOR_CGD_CHR
    unit_class = CgdUnit


class CgdModule(Module):
    """The driver as a module."""

    manifest = Manifest("cgd", "driver", "dev")

    def init(self, component: DevComponent, props: dict[str, str]) -> None:
        component.attach(CgdDriver(component.host, component.taking))

    def fini(self, component: DevComponent) -> None:
        """EBUSY while a unit is configured or open."""
        component.detach_disks("cgd")


MODULE = CgdModule()
