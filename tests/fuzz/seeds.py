"""Sound images that hostile ones are made of: small ones, with a bit of everything in them.

Contents of files are the letters x, y and z, so that all other blocks are known to be metadata. What our own newfs and
drivers make is the same each time.
"""

from __future__ import annotations

import struct
import tempfile
from functools import lru_cache
from pathlib import Path

from rumpvfs.core.vnode import FileSystem, FileSystemType, MountRequest, NewfsRequest, NewNode, Vnode, VType
from rumpvfs.fs import exfatfs, ext2fs, ffs, msdosfs
from rumpvfs.fs.exfatfs import boot, entry, upcase
from rumpvfs.fs.msdosfs import bpb
from tests.crash.disk import RecordingDisk
from tests.ext4_images import Environment, run
from tests.fuzz.exercise import WRITING, Device, attempt, mounted
from tests.fuzz.mutation import Area, Seed, fields, filled, numbers, record

_SLOT = 32
_UUID = "00112233-4455-6677-8899-aabbccddeeff"


def _put(directory: Vnode, name: str, data: bytes = b"") -> Vnode:
    node = directory.create(name.encode(), NewNode(VType.REG, 0o644, 0, 0))
    if data:
        assert node.write(0, data) == len(data)
    return node


def _mkdir(directory: Vnode, name: str) -> Vnode:
    return directory.create(name.encode(), NewNode(VType.DIR, 0o755, 0, 0))


def _fill(fs: FileSystem, *, many: int = 10) -> None:
    root = fs.root()
    for number in range(2):
        folder = _mkdir(root, f"Folder number {number}")
        for file in range(3):
            _put(
                folder, f"file with a long name {file}", b"xyz"[file % 3 : file % 3 + 1] * (number * 2900 + file * 400)
            )
    _mkdir(_mkdir(folder, "below"), "deeper")
    crowd = _mkdir(root, "many")
    for number in range(many):
        _put(crowd, f"n{number}" * (40 if fs.type_name == "ext2fs" else 9), b"z" * number)
    pieces = [_put(root, f"pieces {number}", b"x") for number in range(2)]
    for size in range(1500, 16_000, 1500):
        for node in pieces:
            node.write(size, b"y" * 1500)
    sparse = _put(root, "sparse")
    for at in (20_000, 300_000) if fs.type_name in ("ext2fs", "ffs") else (2000,):
        sparse.write(at, b"z" * 100)
    if fs.type_name in ("ext2fs", "ffs"):
        for target in (b"short", b"l" * 200):
            root.create(b"link " + target[:5], NewNode(VType.LNK, 0o777, 0, 0, 0, target))
        for number in range(4):
            attempt(WRITING, sparse.setxattr, b"user.x%d" % number, b"v" * 60 * number)
            attempt(WRITING, crowd.setxattr, b"user.x%d" % number, b"v" * 10)
        root.link(b"hard", sparse)
        index = _mkdir(root, "index")
        for number in range(12):
            index.link(b"%d" % number + b"i" * 240, sparse)


def _filled(kind: FileSystemType, data: bytearray, *, many: int = 10) -> bytes:
    fs = mounted(kind, data, readonly=False)
    assert fs is not None
    _fill(fs, many=many)
    fs.sync()
    fs.unmount(force=False)
    return bytes(data)


def _new(kind: FileSystemType, size: int, **options: str) -> bytearray:
    data = bytearray(size)
    assert kind.newfs is not None
    kind.newfs(NewfsRequest(Device(data), options), Environment())
    return data


# -- FAT


def msdos() -> list[Seed]:
    return [_msdos(12, 384 << 10), _msdos(16, 2200 << 10), _msdos_32()]


def _msdos(bits: int, size: int) -> Seed:
    return _msdos_seed(f"FAT{bits}", _new(msdosfs.FILE_SYSTEM, size, type=str(bits), cluster="512", root="64"))


def _msdos_32() -> Seed:
    """Fewer clusters than FAT32 should have, else each image were 33 MiB."""
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(1 << 20)
        run("mkfs.fat", "-F", "32", "-s", "1", "-i", "12345678", "--invariant", file.name)
        return _msdos_seed("FAT32", bytearray(Path(file.name).read_bytes()))


def _msdos_seed(name: str, made: bytearray) -> Seed:
    clean = _filled(msdosfs.FILE_SYSTEM, made)
    geometry = bpb.parse(clean[:512], len(clean))
    fats = [geometry.fat_offset, geometry.fat_offset + geometry.fat_size]
    chains = [at + n for at in fats for n in range(0, 600, 2)]
    blocks = filled(clean, 512, geometry.data_offset - geometry.root_size)
    slots = [at for block in blocks for at in range(block, block + 512, _SLOT) if clean[at]]
    long = [at for at in slots if clean[at + 11] == 0x0F]
    short = [at for at in slots if clean[at + 11] != 0x0F]
    return Seed(
        name,
        clean,
        [
            Area(chains, [(0, 2), (0, 1), (0, 4)], 2),
            record("8s3sBBBHHHHHHI", short),
            Area(short, [(0, 1), (11, 1), (20, 2), (26, 2), (28, 4)], _SLOT),
            record("B10sBBB12sHI", long),
        ],
        [record("3s8sHBHBHHBHHHIIIHHIHH12sBBB4s11s8s", [0]), numbers([512], 512)],
    )


def exfat() -> list[Seed]:
    # Sums that most images leave as they were, and that are most of what one costs.
    for module, name in ((boot, "checksum"), (upcase, "checksum"), (upcase, "parse")):
        setattr(module, name, lru_cache(16)(getattr(module, name)))
    clean = _filled(exfatfs.FILE_SYSTEM, _new(exfatfs.FILE_SYSTEM, 1 << 20, cluster="512"))
    geometry = boot.parse(clean[:512], len(clean)).geometry
    table = [geometry.data_offset + 512, geometry.offset(geometry.root_cluster)]
    blocks = filled(clean, 512, table[1])
    slots = [at for block in blocks for at in range(block, block + 512, _SLOT) if clean[at]]
    kinds = {kind: [at for at in slots if clean[at] == kind] for kind in {clean[at] for at in slots}}

    def seal(data: bytearray) -> None:
        if data[:512] != clean[:512]:
            seal_boot(data)
        _seal_sets(data, slots)

    def seal_with_table(data: bytearray) -> None:
        data[table[0] : table[1]] = clean[table[0] : table[1]]
        seal(data)

    areas = [
        numbers([geometry.fat_offset + at for at in range(0, 1200, 4)], 4),
        record("BBHHHIIIBBBBB7s", kinds[entry.FILE]),
        Area(kinds[entry.FILE], [(0, 1), (1, 1), (2, 2)], _SLOT),
        record("BBBBHHQIIQ", kinds[entry.STREAM]),
        Area(kinds[entry.STREAM], [(1, 1), (3, 1), (8, 8), (20, 4), (24, 8)], _SLOT),
        record("BB30s", kinds[entry.NAME]),
        Area(slots, [(0, 1)], _SLOT),
    ]
    roots = [at for kind in (entry.BITMAP, entry.UPCASE, entry.LABEL) for at in kinds.get(kind, ())]
    vital = [record("64xQQIIIIIIHHBBBBB", [0]), record("BB18sIQ", roots)]
    bitmap = numbers([geometry.data_offset + at for at in range(0, 256, 8)], 8)
    folds = numbers([table[0] + at for at in range(0, 5000, 2)], 2, 2)
    return [
        Seed("exFAT", clean, [*areas, bitmap], vital, seal_with_table),
        Seed("exFAT upcase", clean, [folds, *areas], vital, seal),
    ]


def seal_boot(data: bytearray) -> None:
    """With a right checksum the fields themselves are looked at."""
    if len(data) >= 12 * 512:
        data[11 * 512 : 12 * 512] = boot.checksum(bytes(data[: 11 * 512])).to_bytes(4, "little") * 128


def _seal_sets(data: bytearray, places: list[int]) -> None:
    """Whatever looks like a set gets a right checksum."""
    for at in places:
        if (
            at + 2 * _SLOT < len(data)
            and data[at] == entry.FILE
            and data[at + _SLOT] == entry.STREAM
            and data[at + 1] < 19
        ):
            end = at + (data[at + 1] + 1) * _SLOT
            data[at:end] = entry.sealed(data[at:end])


# -- ext2, ext4


def ext() -> list[Seed]:
    return [
        _ext("ext2", 512, "-t", "ext2", "-b", "1024", "-I", "128"),
        _ext("ext4", 512, "-t", "ext4", "-b", "1024", "-O", "^metadata_csum,^has_journal"),
        _ext("inline", 512, "-t", "ext4", "-b", "1024", "-O", "^metadata_csum,^has_journal,inline_data,64bit"),
        _ext("checksums", 512, "-t", "ext4", "-b", "1024", "-O", "^has_journal"),
        _ext("groups", 768, "-t", "ext4", "-b", "1024", "-g", "256", "-O", "^metadata_csum,^has_journal,^flex_bg"),
        _journal("journal", "^metadata_csum"),
        _journal("journal 64", "^metadata_csum,64bit"),
    ]


def _mke2fs(kilobytes: int, *options: str) -> bytearray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image"
        run("mke2fs", "-q", "-F", "-N", "72", "-U", _UUID, "-E", f"hash_seed={_UUID}", *options, path, str(kilobytes))
        return bytearray(path.read_bytes())


def _ext(name: str, kilobytes: int, *options: str) -> Seed:
    return _ext_seed(name, _filled(ext2fs.FILE_SYSTEM, _mke2fs(kilobytes, *options)), [])


def _journal(name: str, features: str) -> Seed:
    """Cut off in the middle: the log is full of what has to be replayed."""
    options = ("-t", "ext4", "-b", "1024", "-J", "size=1", "-O", features)
    disk = RecordingDisk(_filled(ext2fs.FILE_SYSTEM, _mke2fs(2300, *options)))
    fs = ext2fs.FILE_SYSTEM.mount(MountRequest(disk, readonly=False), Environment())
    root = fs.root()
    for number in range(12):
        _put(root, f"later {number}", b"x" * 500).fsync(data_only=False)
        if number % 3 == 0:
            root.unlink(name_ := f"later {number}".encode(), root.lookup(name_))
    clean = bytes(disk.contents)
    log = [at for at in range(0, len(clean), 1024) if clean[at : at + 4] == b"\xc0\x3b\x39\x98"]
    assert len(log) > 12
    areas = [record("III", log, "big"), numbers(log, 256, 4, "big"), Area(log, fields("12xIHHIHHIHH"), 48, "big")]
    vital = [record("IIIIIIIIIIII16sIIIIIIB", log[:1], "big")]
    seed = _ext_seed(name, clean, vital)
    return seed._replace(areas=[*areas, *areas, *seed.areas])


def _ext_seed(name: str, clean: bytes, vital: list[Area]) -> Seed:
    blocks_count, per_group, inodes_per_group = (struct.unpack_from("<I", clean, 1024 + at)[0] for at in (4, 32, 40))
    inode_size, wide = struct.unpack_from("<H", clean, 1024 + 88)[0], clean[1024 + 96] & 0x80
    size, groups = 64 if wide else 32, -(-(blocks_count - 1) // per_group)
    descriptors = [2048 + size * group for group in range(groups)]
    tables, maps = [], []
    for at in descriptors:
        *bitmaps, table = struct.unpack_from("<III", clean, at)
        tables += range(table * 1024, table * 1024 + inodes_per_group * inode_size, inode_size)
        maps += [block * 1024 + n for block in bitmaps for n in range(0, 96, 4)]
    inodes = [at for at in tables if any(clean[at : at + 128])]
    known = {at // 1024 for at in (*tables, *maps, 1024, 2048)}
    blocks = [at for at in filled(clean, 1024) if at // 1024 not in known]
    records = [at for block in blocks for at in _dirents(clean, block)]
    tree = "HHHHIIHHIIHHI20x" if name != "ext2" else "15I"
    areas = [
        record("HHIIIIIHHIII" + "I" * 15 + "IIIIHHHHHxx", inodes),
        Area(inodes, [(40 + at, width) for at, width in fields(tree)], 128),
        Area(inodes, [(0, 2), (4, 4), (26, 2), (28, 4), (32, 4), (104, 4), (108, 4)], 128),
        record("IHBB8s", records),
        numbers(blocks, 1024),
        numbers([at + n for at in blocks for n in range(0, 64, 4)], 4, 2),
        numbers(maps, 4),
    ]
    if inode_size > 128:
        areas.append(Area(inodes, [(at, 4) for at in range(128, inode_size, 4)], inode_size))
    superblock = "IIIIIIIIIIIII" + "HHHHHHIIIIHHIHHIII16s16s64sIBBH16sIII4IBBHIII"
    return Seed(name, clean, areas, [record(superblock, [1024]), record("IIIHHHHIHHHH", descriptors), *vital])


def _dirents(clean: bytes, block: int) -> list[int]:
    """Where the entries are, when the block is one of a directory."""
    found, at = [], block
    while at < block + 1024:
        length = int.from_bytes(clean[at + 4 : at + 6], "little")
        if length < 8 or length % 4 or at + length > block + 1024:
            return []
        found.append(at)
        at += length
    return found


# -- ffs


def unix() -> list[Seed]:
    return [_ffs(version, order) for version in (1, 2) for order in ("le", "be")]


def _ffs(version: int, order: str) -> Seed:
    made = _new(ffs.FILE_SYSTEM, 640 << 10, bsize="4096", fsize="512", version=str(version), byteorder=order)
    clean = _filled(ffs.FILE_SYSTEM, made)
    endian, mark = ("little", "<") if order == "le" else ("big", ">")
    place, inode_size = (65536, 256) if version == 2 else (8192, 128)
    fs = mounted(ffs.FILE_SYSTEM, bytearray(clean), readonly=True)
    assert fs is not None
    inodes = []
    for number in range(2, fs.sb.ncg * fs.sb.ipg):  # type: ignore[attr-defined]
        frag, at = fs.sb.inode_place(number)  # type: ignore[attr-defined]
        if any(clean[frag * 512 + at : frag * 512 + at + 16]):
            inodes.append(frag * 512 + at)
    magic = struct.pack(mark + "I", 0x090255)
    groups = [at for at in range(0, len(clean), 512) if clean[at + 4 : at + 8] == magic]
    blocks = filled(clean, 512, groups[0])
    form = "HhHHQ6i12i3iIIIII" if version == 1 else "HHIIIQQqqqqiiiiiIIIqq12q3q"
    areas = [
        record(form, inodes, endian),  # type: ignore[arg-type]
        Area(inodes, [(0, 2), (2, 2), (8, 8) if version == 1 else (16, 8)], inode_size, endian),  # type: ignore[arg-type]
        numbers(blocks, 512, 4, endian),  # type: ignore[arg-type]
        numbers([at + n for at in blocks for n in range(0, 128, 2)], 2, 2, endian),  # type: ignore[arg-type]
        record("IIIIHHIIIIIII8I", groups, endian),  # type: ignore[arg-type]
        numbers([at + n for at in groups for n in range(168, 512, 4)], 4, 4, endian),  # type: ignore[arg-type]
    ]
    return Seed(f"UFS{version} {order}", clean, areas, [numbers([place], 1376, 4, endian)])  # type: ignore[arg-type]
