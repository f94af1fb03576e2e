"""The file system as vfs sees it."""

from __future__ import annotations

from rumpuser.host import Buffer
from rumpvfs.core.vnode import BlockDevice, Environment, FileSystem, MountRequest, VType
from rumpvfs.fs.msdosfs import times
from rumpvfs.fs.msdosfs.common import FatFileSystem
from rumpvfs.fs.msdosfs.directory import Tables
from rumpvfs.fs.msdosfs.numbers import ROOT
from rumpwire import const
from rumpwire.errno import Errno, KernelError

from . import boot, entry, options, upcase
from .bitmap import Bitmap
from .dirnode import DirectoryNode, Record
from .entry import SLOT
from .node import FileNode, Node
from .volume import Volume

_UTF8_MAX = 3


class ExfatFileSystem(FatFileSystem):
    """One mounted exFAT."""

    type_name = "exfat"
    name_max = entry.NAME_MAX * _UTF8_MAX
    volume: Volume
    _root: DirectoryNode

    def __init__(self, volume: Volume, chosen: options.Options, env: Environment, *, readonly: bool) -> None:
        """EIO without a sound bitmap or up-case table."""
        super().__init__(volume, chosen, env, readonly=readonly)
        self.tables = Tables()
        self._today = (-1, b"")
        self._root = self._make_root()
        self.upcase = self._read_system()
        if not readonly:
            volume.open_for_writing()

    def _make_root(self) -> DirectoryNode:
        raw = bytearray(2 * SLOT)
        raw[entry.ATTRIBUTES] = entry.DIRECTORY
        raw[entry.FLAGS] = entry.ALLOCATED
        raw[entry.FIRST : entry.FIRST + 4] = self.volume.geometry.root_cluster.to_bytes(4, "little")
        root = DirectoryNode(self, ROOT, VType.DIR, None, None, raw)
        root._checked()
        return root

    def _read_system(self) -> upcase.UpCase:
        """The bitmap and the up-case table, which the root names."""
        found: dict[int, bytes] = {}
        raw = self._root.read_slots(0, self._root.size // SLOT)
        for at in range(0, len(raw), SLOT):
            kind = raw[at]
            if kind == entry.END:
                break
            if kind in (entry.BITMAP, entry.UPCASE) and kind not in found:
                found[kind] = raw[at : at + SLOT]
        if len(found) != 2:
            raise KernelError(Errno.EIO, "no bitmap or no up-case table in the root", "exfat")
        self._read_bitmap(found[entry.BITMAP])
        return self._read_upcase(found[entry.UPCASE])

    def _read_bitmap(self, raw: bytes) -> None:
        volume = self.volume
        needed = (volume.geometry.clusters + 7) // 8
        length = int.from_bytes(raw[24:32], "little")
        chain = volume.chain(int.from_bytes(raw[20:24], "little"))
        if length < needed or not chain.reach(-(-needed // volume.geometry.cluster)):
            raise KernelError(Errno.EIO, f"a bitmap of {length} bytes for {volume.geometry.clusters} clusters", "exfat")
        volume.bitmap = Bitmap(volume, chain)
        volume.system += [self._root.chain(), chain]

    def _read_upcase(self, raw: bytes) -> upcase.UpCase:
        length = int.from_bytes(raw[24:32], "little")
        if not 0 < length <= upcase.BYTES_MAX:
            raise KernelError(Errno.EIO, f"an up-case table of {length} bytes", "exfat")
        chain = self.volume.chain(int.from_bytes(raw[20:24], "little"))
        table: Buffer = self.volume.view(chain, 0, length)
        self.volume.system.append(chain)
        return upcase.parse(bytes(table), int.from_bytes(raw[4:8], "little"))

    def entry_of(self, up: DirectoryNode, record: Record) -> bytes:
        return up.read_slots(record.slot, record.count)

    def make(self, vtype: VType, number: int, up: DirectoryNode, record: Record, raw: bytes | bytearray) -> Node:
        kind = DirectoryNode if vtype is VType.DIR else FileNode
        return kind(self, number, vtype, up, record, raw)

    def today(self) -> bytes:
        """The date, as entries have it."""
        day = self.env.now_ns() // times.SECOND // times.DAY
        if day != self._today[0]:
            date = times.to_dos(day * times.DAY * times.SECOND, 0)[0]
            self._today = (day, date.to_bytes(2, "little"))
        return self._today[1]

    def pathconf(self, name: int) -> int | None:
        return {const.PC_LINK_MAX: 1, const.PC_NAME_MAX: self.name_max}.get(name)


def probe(device: BlockDevice) -> bool:
    """Whether the boot sector is that of an exFAT."""
    return device.size >= boot.SIZE and boot.has_name(device.view(0, boot.SIZE))


def mount(request: MountRequest, env: Environment) -> FileSystem:
    """EINVAL for another image and for options that are wrong, EROFS, EIO, EOPNOTSUPP."""
    device = request.device
    if device is None or device.size < boot.SIZE:
        raise KernelError(Errno.EINVAL, "no exFAT without a disk", "exfat")
    chosen = options.parse(request)
    return ExfatFileSystem(
        Volume(device, _boot(device, env, readonly=request.readonly), env), chosen, env, readonly=request.readonly
    )


def _boot(device: BlockDevice, env: Environment, *, readonly: bool) -> boot.Boot:
    """The main boot region, or for reading, where that is spoilt, its copy. EINVAL, EOPNOTSUPP."""
    try:
        return _region(device, 0)
    except KernelError:
        if not readonly:
            raise
        for shift in range(9, 13):
            try:
                found = _region(device, boot.SECTORS << shift)
            except KernelError:
                continue
            if found.geometry.sector == 1 << shift:
                env.log(f"exfat: {device.name}: the boot region is spoilt, its copy is used")
                return found
        raise


def _region(device: BlockDevice, offset: int) -> boot.Boot:
    if offset + boot.SIZE > device.size:
        raise KernelError(Errno.EINVAL, "the device is too small for exFAT", "exfat")
    found = boot.parse(device.view(offset, boot.SIZE), device.size)
    sector = found.geometry.sector
    if not boot.is_sound(device.view(offset, boot.SECTORS * sector), sector):
        raise KernelError(Errno.EINVAL, "the boot region has another checksum", "exfat")
    return found
