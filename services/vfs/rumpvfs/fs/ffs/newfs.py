"""newfs(8): an empty file system.

Options: ``version`` 1 or 2 (the default), ``bsize`` and ``fsize`` (bytes of a block and a fragment), ``byteorder`` le
or be, ``density`` (bytes for each inode), ``minfree`` (percent), ``label`` (at most 31 bytes), ``quota`` (user, group
or both: quotas of them are kept). Sizes may end in k.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpuser.host import Buffer
from rumpvfs.core.vnode import BlockDevice, Environment, NewfsRequest
from rumpwire import const
from rumpwire.errno import Errno, KernelError

from . import superblock
from .dinode import ROOT, SECOND, Inode
from .dirent import BLOCK, Format
from .group import _HEADS, MAGIC, SPACE, Group
from .quota2 import first_block
from .superblock import CSUM, DIRECT, Fields, Superblock

_ORDERS = {"le": "<", "little": "<", "1234": "<", "be": ">", "big": ">", "4321": ">"}
_OPTIONS = {"version", "bsize", "fsize", "byteorder", "density", "minfree", "label", "quota"}
_QUOTAS: dict[str, tuple[int, ...]] = {"": (), "user": (0,), "group": (1,), "both": (0, 1)}
"""Idtypes."""
_GROUPS_WANTED = 4
_CG_STRUCT = 176
_CLUSTER_BYTES = 65536
_SECTOR = 512
_DEFAULTS = ((20 << 20, 4096, 512), (1000 << 20, 8192, 1024), (128 << 30, 16384, 2048), (1 << 62, 32768, 4096))
"""Up to which size of the device which sizes of blocks and fragments."""


@dataclass(slots=True)
class Plan:
    """The geometry to be."""

    version: int
    order: str
    bsize: int
    fsize: int
    density: int
    minfree: int
    label: bytes
    quotas: tuple[int, ...] = ()
    size: int = 0
    ncg: int = 0
    fpg: int = 0
    ipg: int = 0

    @property
    def frag(self) -> int:
        return self.bsize // self.fsize

    @property
    def place(self) -> int:
        return superblock.UFS1_PLACE if self.version == 1 else superblock.UFS2_PLACE

    @property
    def sblkno(self) -> int:
        return self._blocks(self.place + superblock.SIZE)

    @property
    def cblkno(self) -> int:
        return self.sblkno + self._blocks(superblock.SIZE)

    @property
    def iblkno(self) -> int:
        return self.cblkno + self.frag

    @property
    def dblkno(self) -> int:
        return self.iblkno + self.ipg * superblock.INODE_SIZES[self.version] // self.fsize

    @property
    def inopb(self) -> int:
        return self.bsize // superblock.INODE_SIZES[self.version]

    @property
    def contigsumsize(self) -> int:
        clusters = _CLUSTER_BYTES // self.bsize
        return min(clusters, 16) if clusters > 1 else 0

    @property
    def cssize(self) -> int:
        return -(-self.ncg * CSUM // self.fsize) * self.fsize

    def _blocks(self, length: int) -> int:
        """Frags of as many whole blocks as so many bytes need."""
        return -(-length // self.bsize) * self.frag

    def inodes_for(self, frags: int) -> int:
        wanted = max(1, frags * self.fsize // self.density)
        return min(-(-wanted // self.inopb) * self.inopb, self.bsize * 8 // self.inopb * self.inopb)

    def map_bytes(self, frags: int, inodes: int) -> int:
        """Bytes of a cylinder group."""
        clusters = self.contigsumsize * 4 + -(-frags // self.frag // 8) if self.contigsumsize else 0
        return _CG_STRUCT + 4 + 6 + -(-inodes // 8) + -(-frags // 8) + clusters

    def lay_out(self, device_size: int) -> None:
        """ENOSPC for a device that is too small, EINVAL for one that is too large."""
        self.size = device_size // self.fsize
        most = self.bsize * 8
        while self.map_bytes(most, self.inodes_for(most)) > self.bsize:
            most -= max(self.frag, (most // 64) // self.frag * self.frag)
        wanted = -(-self.size // most)
        for groups in range(max(wanted, _GROUPS_WANTED), wanted, -1):
            if self._divide(groups) and self.fpg >= 2 * self.dblkno:
                break
        else:
            self._divide(max(wanted, 1))
        rest = self.size - (self.ncg - 1) * self.fpg
        if rest < self.dblkno + 2 * self.frag + (-(-self.cssize // self.fsize) if self.ncg == 1 else 0):
            self.ncg -= 1
            self.size = self.ncg * self.fpg
        if self.ncg < 1:
            raise KernelError(Errno.ENOSPC, f"{device_size} bytes are too few for an ffs", "ffs")
        if self.ncg > superblock.GROUPS_MAX or (self.version == 1 and self.size >= 1 << 31):
            raise KernelError(Errno.EINVAL, "too large for these fragments", "ffs")

    def _divide(self, groups: int) -> bool:
        """Into groups of about the same size: whether there are as many then."""
        self.fpg = max(-(-self.size // groups // self.frag) * self.frag, self.frag)
        self.ncg = -(-self.size // self.fpg)
        self.ipg = self.inodes_for(self.fpg)
        return self.ncg == groups


def _number(options: dict[str, str], name: str, default: int) -> int:
    text = options.get(name, "")
    try:
        value = int(text[:-1]) * 1024 if text[-1:] in ("k", "K") else int(text or default)
    except ValueError:
        raise KernelError(Errno.EINVAL, f"{name}={text} is no number", "ffs") from None
    return value


def plan(options: dict[str, str], device_size: int) -> Plan:
    """EINVAL for bad options, ENOSPC."""
    unknown = options.keys() - _OPTIONS
    if unknown:
        raise KernelError(Errno.EINVAL, f"options not known: {', '.join(sorted(unknown))}", "ffs")
    _, bsize, fsize = next(row for row in _DEFAULTS if device_size < row[0])
    if "fsize" in options:
        fsize = _number(options, "fsize", fsize)
        bsize = min(fsize * superblock.FRAGS_MAX, superblock.BLOCK_MAX)
    if "bsize" in options:
        bsize = _number(options, "bsize", bsize)
        fsize = _number(options, "fsize", max(bsize // superblock.FRAGS_MAX, superblock.FRAGMENT_MIN))
    order = _ORDERS.get(options.get("byteorder", "le"))
    made = Plan(
        version=_number(options, "version", 2),
        order=order or "",
        bsize=bsize,
        fsize=fsize,
        density=_number(options, "density", 4 * max(fsize, 1)),
        minfree=_number(options, "minfree", 5),
        label=options.get("label", "").encode(),
    )
    quota = options.get("quota", "")
    if quota not in _QUOTAS:
        raise KernelError(Errno.EINVAL, f"quota={quota}: user, group, and both are possible", "ffs")
    made.quotas = _QUOTAS[quota]
    _check(made)
    made.lay_out(device_size)
    return made


def _check(made: Plan) -> None:
    power = (
        made.bsize > 0 and made.fsize > 0 and not made.bsize & (made.bsize - 1) and not made.fsize & (made.fsize - 1)
    )
    sound = power and superblock.BLOCK_MIN <= made.bsize <= superblock.BLOCK_MAX and made.fsize >= _SECTOR
    if not sound or not made.fsize <= made.bsize <= made.fsize * superblock.FRAGS_MAX:
        raise KernelError(Errno.EINVAL, f"blocks of {made.bsize} and fragments of {made.fsize} bytes", "ffs")
    if made.version not in (1, 2) or not made.order:
        raise KernelError(Errno.EINVAL, "version is 1 or 2, byteorder le or be", "ffs")
    if made.density < _SECTOR or not 0 <= made.minfree < 100 or len(made.label) > 31:
        raise KernelError(Errno.EINVAL, "density, minfree or label", "ffs")


def newfs(request: NewfsRequest, env: Environment) -> int:
    """Makes an ffs: how many bytes of the device it takes. EINVAL, ENOSPC, EROFS, EIO."""
    device = request.device
    if device.readonly:
        raise KernelError(Errno.EROFS, f"{device.name} is read-only", "ffs")
    made = plan(request.options, device.size)
    raw = _superblock(made, env)
    magic = superblock.UFS1_MAGIC if made.version == 1 else superblock.UFS2_MAGIC
    sb = superblock.parse(raw, made.place, made.order, magic, device.size)
    _wipe(device)
    summary = bytearray(sb.cssize)
    files: list[Inode] = []
    for number in range(sb.ncg):
        files += _write_group(device, sb, number, summary, env, len(made.quotas))
    root = _write_root(device, sb, env)
    for idtype, inode in zip(made.quotas, files, strict=True):
        sb.fields.put(f"quotafile{idtype}", inode.number)
        _write_inode(device, sb, inode, env, first_block(sb, idtype, root.blocks, 1))
    device.write(sb.csaddr * sb.fsize, summary)
    totals = [sum(column) for column in zip(*struct.iter_unpack(sb.order + "4i", summary), strict=True)]
    sb.ndir, sb.nbfree, sb.nifree, sb.nffree = totals
    superblock.emit_counts(sb, env.now_ns() // SECOND)
    for number in range(sb.ncg):
        device.write((sb.cgstart(number) + sb.sblkno) * sb.fsize, raw)
    device.write(sb.place, raw)
    device.flush()
    return sb.size * sb.fsize


def _wipe(device: BlockDevice) -> None:
    """No older superblock may be found instead."""
    for place in superblock.SEARCH:
        if place + superblock.SIZE <= device.size:
            device.write(place + superblock.MAGIC_AT, bytes(4))


def _superblock(made: Plan, env: Environment) -> bytearray:
    fields = Fields(bytearray(superblock.SIZE), made.order)
    for name, value in (_geometry(made) | _tuning(made) | _old(made)).items():
        fields.put(name, value)
    fields.put("id0", env.now_ns() // SECOND & 0xFFFFFFFF)
    fields.put("id1", int.from_bytes(env.entropy(4), "little"))
    fields.put("volname", made.label)
    return fields.raw


def _geometry(made: Plan) -> dict[str, int]:
    data = made.size - made.sblkno - made.ncg * (made.dblkno - made.sblkno)
    per = made.bsize // (4 * made.version)
    needed = made.map_bytes(made.fpg, made.ipg)
    return {
        "magic": superblock.UFS1_MAGIC if made.version == 1 else superblock.UFS2_MAGIC,
        "sblkno": made.sblkno,
        "cblkno": made.cblkno,
        "iblkno": made.iblkno,
        "dblkno": made.dblkno,
        "cgmask": -1,
        "ncg": made.ncg,
        "bsize": made.bsize,
        "fsize": made.fsize,
        "frag": made.frag,
        "bmask": -made.bsize,
        "fmask": -made.fsize,
        "bshift": made.bsize.bit_length() - 1,
        "fshift": made.fsize.bit_length() - 1,
        "fragshift": made.frag.bit_length() - 1,
        "fsbtodb": (made.fsize // _SECTOR).bit_length() - 1,
        "sbsize": min(-(-1376 // made.fsize) * made.fsize, superblock.SIZE),
        "nindir": per,
        "inopb": made.inopb,
        "ipg": made.ipg,
        "fpg": made.fpg,
        "size": made.size,
        "dsize": data - made.cssize // made.fsize,
        "csaddr": made.dblkno,
        "cssize": made.cssize,
        "cgsize": min(-(-needed // made.fsize) * made.fsize, made.bsize),
        "sblockloc": made.place,
        "maxfilesize": made.bsize * (DIRECT + per + per**2 + per**3) - 1,
        "qbmask": made.bsize - 1,
        "qfmask": made.fsize - 1,
        "clean": superblock.CLEAN,
        "flags": superblock.FLAG_QUOTAS if made.quotas else 0,
        "quota_magic": superblock.QUOTA_MAGIC if made.quotas else 0,
        "quota_flags": sum(1 << idtype for idtype in made.quotas),
    }


def _tuning(made: Plan) -> dict[str, int]:
    return {
        "minfree": made.minfree,
        "maxcontig": max(1, _CLUSTER_BYTES // made.bsize),
        "maxbpg": made.bsize // (4 * made.version),
        "contigsumsize": made.contigsumsize,
        "avgfilesize": 16384,
        "avgfpdir": 64,
        "maxsymlinklen": 60 * made.version,
    }


def _old(made: Plan) -> dict[str, int]:
    """What UFS1 has besides, for a disk of cylinders that are as large as groups."""
    common = {"old_postblformat": superblock.DYNAMIC_TABLES, "old_nrpos": 1, "old_inodefmt": superblock.INODE_FORMAT_44}
    if made.version == 2:
        return common
    return common | {
        "old_flags": superblock.OLD_FLAG_UPDATED,
        "old_size": made.size,
        "old_dsize": made.size - made.sblkno - made.ncg * (made.dblkno - made.sblkno) - made.cssize // made.fsize,
        "old_csaddr": made.dblkno,
        "old_nspf": made.fsize // _SECTOR,
        "old_spc": made.fpg * (made.fsize // _SECTOR),
        "old_nsect": made.fpg * (made.fsize // _SECTOR),
        "old_npsect": made.fpg * (made.fsize // _SECTOR),
        "old_interleave": 1,
        "old_rps": 60,
        "old_ncyl": made.ncg,
        "old_cpg": 1,
    }


def _write_group(
    device: BlockDevice, sb: Superblock, number: int, summary: bytearray, env: Environment, hidden: int
) -> list[Inode]:
    """The structures of one group: its map and its inodes, those of UFS2 only as far as they are soon used.

    Gives as many inodes with a block each as are to be ``hidden`` in the file system, all of them in the first group.
    """
    files: list[Inode] = []
    now = env.now_ns() // SECOND
    inited = sb.ipg if sb.version == 1 else min(sb.ipg, 2 * sb.inopb)
    group = Group(sb, number, _empty_group(sb, number, inited))
    first, end = sb.metadata_range(number)
    group.give_range(0, first)
    group.give_range(end, sb.group_frags(number))
    if number == 0:
        _take_root(group)
        files = [_take_file(group) for _ in range(hidden)]
    device.write((sb.cgstart(number) + sb.cblkno) * sb.fsize, group.emit(now))
    device.write((sb.cgstart(number) + sb.iblkno) * sb.fsize, bytes(inited * sb.inode_size))
    counts = (group.ndir, group.nbfree, group.nifree, group.nffree)
    struct.pack_into(sb.order + "4i", summary, number * CSUM, *counts)
    return files


def _take_root(group: Group) -> None:
    for _ in range(ROOT):
        group.take_inode(directory=False)
    group.take_inode(directory=True)
    group.extend(_root_place(group.sb), 0, 1)


def _take_file(group: Group) -> Inode:
    """A regular file of one block, as far as the maps know it. ENOSPC."""
    sb = group.sb
    number, place = group.take_inode(directory=False), group.take_block(0)
    if number is None or place is None:
        raise KernelError(Errno.ENOSPC, "no room for quota files", "ffs")
    inode = Inode(sb, number, bytes(sb.inode_size))
    inode.mode, inode.links, inode.size = const.S_IFREG | 0o600, 1, sb.bsize
    inode.pointers[0], inode.blocks = place, sb.bsize // _SECTOR
    return inode


def _empty_group(sb: Superblock, number: int, inited: int) -> bytearray:
    """A group with all inodes and no fragments free."""
    raw = bytearray(sb.bsize)
    used_at = SPACE + (6 if sb.version == 1 else 0)
    free_at = used_at + -(-sb.ipg // 8)
    next_free = free_at + -(-sb.fpg // 8)
    sums_at = clusters_at = clusters = 0
    if sb.contigsumsize:
        sums_at = -(-next_free // 4) * 4 - 4
        clusters_at = sums_at + 4 * (sb.contigsumsize + 1)
        next_free = clusters_at + -(-(sb.fpg // sb.frag) // 8)
        clusters = sb.group_frags(number) // sb.frag
    old = (1, sb.ipg, SPACE, SPACE + 4) if sb.version == 1 else (0, 0, 0, 0)
    inodes = (0, 0) if sb.version == 1 else (sb.ipg, inited)
    _HEADS[sb.order].pack_into(
        raw, 0, 0, MAGIC, 0, number, *old[:2], sb.group_frags(number), 0, 0, sb.ipg, 0, 0, 0, 0, *[0] * 8, *old[2:],
        used_at, free_at, next_free, sums_at, clusters_at, clusters, *inodes,
    )  # fmt: skip
    return raw


def _write_root(device: BlockDevice, sb: Superblock, env: Environment) -> Inode:
    """The root directory, in the first fragment behind the summary (where `_take_root` has taken it)."""
    inode = Inode(sb, ROOT, bytes(sb.inode_size))
    inode.mode = const.S_IFDIR | 0o755
    inode.links = 2
    inode.size = BLOCK
    inode.pointers[0] = _root_place(sb)
    inode.blocks = sb.fsize // _SECTOR
    _write_inode(device, sb, inode, env, Format(sb.order, kinds=True).first(ROOT, ROOT).ljust(sb.fsize, b"\0"))
    return inode


def _write_inode(device: BlockDevice, sb: Superblock, inode: Inode, env: Environment, contents: Buffer) -> None:
    """An inode, and what its only block has."""
    inode.generation = int.from_bytes(env.entropy(4), "little") & 0x7FFFFFFF
    inode.atime_ns = inode.mtime_ns = inode.ctime_ns = inode.birthtime_ns = env.now_ns()
    device.write(inode.pointers[0] * sb.fsize, contents)
    frag, at = sb.inode_place(inode.number)
    device.write(frag * sb.fsize + at, inode.emit(sb))


def _root_place(sb: Superblock) -> int:
    return sb.csaddr + sb.cssize // sb.fsize
