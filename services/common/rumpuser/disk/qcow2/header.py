"""The header of a qcow2 image (QEMU's docs/interop/qcow2.txt). All numbers are big-endian."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpuser.disk.device import BlockDevice
from rumpwire.errno import Errno, KernelError

MAGIC = b"QFI\xfb"
V2_BYTES, V3_BYTES = 72, 104
DIRTY, CORRUPT, EXTERNAL_DATA, COMPRESSION, EXTENDED_L2 = (1 << bit for bit in range(5))
LAZY_REFCOUNTS = 1
CLUSTER_BITS = range(9, 22)
MAX_L1_BYTES = 32 << 20
MAX_REFCOUNT_TABLE_BYTES = 8 << 20
MAX_SNAPSHOTS = 65536
MAX_BACKING_NAME = 1023
MAX_EXTENSIONS = 64
INCOMPATIBLE_AT, AUTOCLEAR_AT, REFCOUNT_TABLE_AT = 72, 88, 48

_V2 = struct.Struct(">4sIQIIQIIQQIIQ")
_V3 = struct.Struct(">QQQII")
_BACKING_FORMAT, _BITMAPS = 0xE2792ACA, 0x23852875
_REFUSED = {
    EXTERNAL_DATA: "an external data file",
    EXTENDED_L2: "extended L2 entries",
}


def bad(text: str) -> KernelError:
    return KernelError(Errno.EINVAL, f"qcow2: {text}")


def unsupported(text: str) -> KernelError:
    return KernelError(Errno.EOPNOTSUPP, f"qcow2: {text}")


@dataclass(slots=True)
class Header:
    """What the header says. ``zstd`` is how compressed clusters are compressed, else by deflate."""

    version: int
    cluster_bits: int
    size: int
    l1_size: int
    l1_offset: int
    refcount_table_offset: int
    refcount_table_clusters: int
    snapshots: int
    snapshots_offset: int
    incompatible: int = 0
    compatible: int = 0
    autoclear: int = 0
    refcount_order: int = 4
    length: int = V2_BYTES
    zstd: bool = False
    backing: str = ""
    backing_format: str = ""
    bitmaps: bool = False

    @property
    def cluster_size(self) -> int:
        return 1 << self.cluster_bits


def is_qcow2(device: BlockDevice) -> bool:
    return device.size >= V2_BYTES and bytes(device.view(0, 4)) == MAGIC


def read(device: BlockDevice) -> Header:
    """EINVAL for what is no qcow2 or makes no sense, EOPNOTSUPP for features that are not here."""
    if not is_qcow2(device):
        raise bad("no such image")
    fields = _V2.unpack(device.view(0, V2_BYTES))
    version, backing_at, backing_length, bits, size, crypt, l1_size, l1, table, clusters = fields[1:11]
    snapshots, snapshots_at = fields[11:]
    if version not in (2, 3):
        raise unsupported(f"version {version}")
    if crypt:
        raise unsupported("encryption")
    found = Header(version, bits, size, l1_size, l1, table, clusters, snapshots, snapshots_at)
    if bits not in CLUSTER_BITS:
        raise bad(f"clusters of 2^{bits} bytes")
    if version == 3:
        _read_v3(device, found)
    _check(found)
    _read_extensions(device, found, backing_at)
    if backing_at:
        found.backing = _backing_name(device, backing_at, backing_length)
    return found


def _read_v3(device: BlockDevice, found: Header) -> None:
    if device.size < V3_BYTES + 1:
        raise bad("the header is cut off")
    raw = device.view(V2_BYTES, V3_BYTES - V2_BYTES)
    found.incompatible, found.compatible, found.autoclear, found.refcount_order, found.length = _V3.unpack(raw)
    for bit, what in _REFUSED.items():
        if found.incompatible & bit:
            raise unsupported(what)
    if found.incompatible & ~(DIRTY | CORRUPT | COMPRESSION):
        raise unsupported(f"incompatible features {found.incompatible:#x}")
    if found.refcount_order > 6:
        raise bad(f"reference counts of 2^{found.refcount_order} bits")
    if not V3_BYTES <= found.length <= found.cluster_size or found.length % 8:
        raise bad(f"a header of {found.length} bytes")
    if found.incompatible & COMPRESSION:
        kind = device.view(V3_BYTES, 1)[0] if found.length > V3_BYTES else 0
        if kind > 1:
            raise unsupported(f"compression of type {kind}")
        found.zstd = kind == 1


def _check(found: Header) -> None:
    mask = found.cluster_size - 1
    covered = found.l1_size << (2 * found.cluster_bits - 3)
    if found.l1_size * 8 > MAX_L1_BYTES or found.l1_offset & mask or covered < found.size:
        raise bad(f"an L1 table of {found.l1_size} entries at {found.l1_offset} for {found.size} bytes")
    table = found.refcount_table_clusters << found.cluster_bits
    if not 0 < table <= MAX_REFCOUNT_TABLE_BYTES or found.refcount_table_offset & mask:
        raise bad(f"a table of reference counts of {table} bytes at {found.refcount_table_offset}")
    if found.snapshots > MAX_SNAPSHOTS or found.snapshots_offset & mask:
        raise bad(f"{found.snapshots} snapshots at {found.snapshots_offset}")


def _read_extensions(device: BlockDevice, found: Header, backing_at: int) -> None:
    """They end with the first cluster, or where the name of the backing file begins."""
    at, end = found.length, min(backing_at or found.cluster_size, found.cluster_size, device.size)
    for _ in range(MAX_EXTENSIONS):
        if at + 8 > end:
            return
        kind, length = struct.unpack(">II", device.view(at, 8))
        if not kind:
            return
        if at + 8 + length > end:
            raise bad("a header extension is longer than the header")
        if kind == _BACKING_FORMAT:
            found.backing_format = bytes(device.view(at + 8, length)).decode(errors="replace")
        found.bitmaps |= kind == _BITMAPS
        at += 8 + length + (-length) % 8
    raise bad("too many header extensions")


def _backing_name(device: BlockDevice, at: int, length: int) -> str:
    if not 0 < length <= MAX_BACKING_NAME or at + length > device.size:
        raise bad(f"the name of the backing file has {length} bytes")
    return bytes(device.view(at, length)).decode(errors="surrogateescape")


def emit(found: Header) -> bytes:
    """A header with its extensions and the name of the backing file."""
    name = found.backing.encode(errors="surrogateescape")
    extensions = b""
    if found.backing_format:
        kind = found.backing_format.encode()
        extensions += struct.pack(">II", _BACKING_FORMAT, len(kind)) + kind + bytes(-len(kind) % 8)
    extensions += bytes(8)
    at = found.length + len(extensions) if name else 0
    raw = _V2.pack(
        MAGIC,
        found.version,
        at,
        len(name),
        found.cluster_bits,
        found.size,
        0,
        found.l1_size,
        found.l1_offset,
        found.refcount_table_offset,
        found.refcount_table_clusters,
        found.snapshots,
        found.snapshots_offset,
    )
    if found.version == 3:
        fields = found.incompatible, found.compatible, found.autoclear, found.refcount_order, found.length
        raw += _V3.pack(*fields)
    return raw + extensions + name
