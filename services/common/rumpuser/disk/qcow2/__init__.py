"""qcow2 images as devices: reading, writing, backing files, and making new ones.

`header` is the header, `refcounts` counts and finds clusters, `image` is the device, `repair` counts anew. The format
is that of QEMU's docs/interop/qcow2.txt, versions 2 and 3. An image may say anything: tables have limits, offsets are
checked against the file, a chain of backing files has at most 16.

Refused with EOPNOTSUPP: encryption, external data files, extended L2 entries, clusters compressed by zstd (when they
are read), and writing to an image with bitmaps, which would become stale. Snapshots are neither made nor gone back
to; what they share is kept.
"""

from __future__ import annotations

from collections.abc import Callable

from rumpuser.disk.device import BlockDevice
from rumpwire.errno import Errno, KernelError

from . import header as headers
from .header import AUTOCLEAR_AT, CLUSTER_BITS, CORRUPT, DIRTY, MAX_BACKING_NAME, V2_BYTES, V3_BYTES, Header, is_qcow2
from .image import Qcow2
from .repair import repair

MAX_CHAIN = 16

Opener = Callable[[str], BlockDevice]
"""Opens the backing file of an image by the name that is in it, for reading. It decides which names are allowed."""

__all__ = ["MAX_CHAIN", "Opener", "Qcow2", "create", "is_qcow2", "open_image"]


def open_image(device: BlockDevice, opener: Opener | None = None, *, readonly: bool = False) -> Qcow2:
    """The disk in an image. EINVAL for what is no image, EOPNOTSUPP for features that are not here, ELOOP, EIO.

    For writing, the image is made fit: counts are made right when it was not closed, and what would become stale is
    marked so.
    """
    return _open(device, opener, readonly=readonly or device.readonly, depth=0)


def _open(device: BlockDevice, opener: Opener | None, *, readonly: bool, depth: int) -> Qcow2:
    header = headers.read(device)
    if not readonly:
        _may_write(header)
    backing = _backing(header, opener, depth) if header.backing else None
    image = Qcow2(device, header, backing, readonly=readonly)
    if not readonly:
        _prepare(image)
    return image


def _may_write(header: Header) -> None:
    if header.incompatible & CORRUPT:
        raise KernelError(Errno.EIO, "qcow2: the image is marked as corrupt; only reading is possible")
    if header.bitmaps:
        raise headers.unsupported("writing to an image with bitmaps")


def _backing(header: Header, opener: Opener | None, depth: int) -> BlockDevice:
    """An image that does not say the format of its backing file gets no chain behind a qcow2 found there.

    Else who may write a raw disk could turn it into an image that names any file of the host.
    """
    if opener is None:
        raise headers.unsupported(f"a backing file ({header.backing!r}) here")
    if depth >= MAX_CHAIN:
        raise KernelError(Errno.ELOOP, f"qcow2: more than {MAX_CHAIN} backing files")
    below = opener(header.backing)
    kind = header.backing_format or ("qcow2" if is_qcow2(below) else "raw")
    if kind == "raw":
        return below
    if kind != "qcow2":
        raise headers.unsupported(f"a backing file of format {kind!r}")
    return _open(below, opener if header.backing_format else None, readonly=True, depth=depth + 1)


def _prepare(image: Qcow2) -> None:
    if image.header.autoclear:
        image.header.autoclear = 0
        image.device.write(AUTOCLEAR_AT, bytes(8))
    if image.header.incompatible & DIRTY:
        repair(image)


def create(
    device: BlockDevice,
    size: int,
    *,
    cluster_bits: int = 16,
    version: int = 3,
    refcount_bits: int = 16,
    backing: str = "",
    backing_format: str = "",
) -> None:
    """Makes an empty image for a disk of ``size`` bytes on a device that grows. EINVAL, EFBIG, EROFS, ENOSPC, EIO.

    With ``backing`` the disk shows that file until it is written; the name is stored as it is.
    """
    order = refcount_bits.bit_length() - 1
    if cluster_bits not in CLUSTER_BITS or version not in (2, 3) or size < 0 or size % 512:
        raise headers.bad(f"version {version}, {size} bytes in clusters of 2^{cluster_bits}")
    if refcount_bits != 1 << order or not 0 <= order <= 6 or (version == 2 and order != 4):
        raise headers.bad(f"reference counts of {refcount_bits} bits")
    if len(backing.encode(errors="surrogateescape")) > MAX_BACKING_NAME or len(backing_format) > 32:
        raise headers.bad("the name of the backing file is too long")
    cluster = 1 << cluster_bits
    l1_size = -(-size // (cluster * cluster // 8))
    if l1_size * 8 > headers.MAX_L1_BYTES:
        raise KernelError(Errno.EFBIG, f"qcow2: {size} bytes are too many for clusters of {cluster}")
    length = V3_BYTES if version == 3 else V2_BYTES
    header = Header(version, cluster_bits, size, l1_size, 0, cluster, 1, 0, 0, refcount_order=order, length=length)
    header.backing, header.backing_format = backing, backing_format
    _lay_out(device, header)


def _lay_out(device: BlockDevice, header: Header) -> None:
    """Header, table of counts, first block of counts, L1 table; the header last, so that it never names nothing."""
    cluster = header.cluster_size
    clusters = 3 + -(-header.l1_size * 8 // cluster)
    header.l1_offset = 3 * cluster
    if len(headers.emit(header)) > cluster:
        raise headers.bad("the name of the backing file does not fit the first cluster")
    for number in range(clusters):
        device.write(number * cluster, bytes(cluster))
    device.write(cluster, (2 * cluster).to_bytes(8, "big"))
    device.write(0, headers.emit(header))
    image = Qcow2(device, header, None, readonly=False)
    image.refcounts.top = clusters
    for number in range(clusters):
        image.refcounts.set(number, 1)
    device.flush()
