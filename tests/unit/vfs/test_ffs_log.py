"""ffs: NetBSD's log (WAPBL) is replayed."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from rumpwire.errno import Errno, KernelError
from tests.ffs_images import (
    VARIANTS,
    Clock,
    Disk,
    contents,
    mkdir,
    mount,
    names,
    newfs,
    put,
    refused,
    remove,
    sound,
)


@pytest.fixture(params=VARIANTS)
def options(request: pytest.FixtureRequest) -> dict[str, str]:
    return VARIANTS[request.param]


# -- NetBSD's log

LOG = 1 << 20
RING = 1024


def with_log(disk: Disk, records: list[bytes], order: str, place: int, *, turn: int = 0) -> Disk:
    """The disk with a log behind it; ``turn`` lets the records begin so far in the ring."""
    ring = bytearray(LOG - RING)
    data = b"".join(records)
    for at in range(0, len(data), 512):
        where = (turn + at) % len(ring)
        ring[where : where + 512] = data[at : at + 512]
    tail, head = RING + turn, RING + (turn + len(data)) % len(ring)
    headers = b"".join(
        struct.pack(
            order + "IiII2iQ4I4q", 0x5741424C, 512, 0, generation, 0, 0, 0, 0, 1, 9, 9, *ends, RING, len(ring)
        ).ljust(512, b"\0")
        for generation, ends in ((8, (head, tail)), (7, (0, 0)))
    )
    whole = Disk(bytes(disk.data) + headers + bytes(ring))
    where = struct.pack(order + "BB2xI3Q", 1, 1, 0, disk.size // 512, LOG // 512, 512)
    whole.data[place + 864 : place + 864 + len(where)] = where
    struct.pack_into(order + "I", whole.data, place + 1312, 0x100)
    return whole


def records(order: str, writes: list[tuple[int, bytes]]) -> list[bytes]:
    """The writes as records of the log, a few in each."""
    found = []
    for first in range(0, len(writes), 20):
        some = writes[first : first + 20]
        data = b"".join(data for _, data in some)
        head = struct.pack(order + "IiiI", 0x5741424F, 512 + len(data), len(some), 0)
        entries = b"".join(struct.pack(order + "qii", at // 512, 0, len(data)) for at, data in some)
        found += [(head + entries).ljust(512, b"\0"), data]
    return found


@pytest.mark.parametrize("turn", [0, LOG - RING - 2048])
def test_a_log_is_replayed(options: dict[str, str], turn: int, tmp_path: Path) -> None:
    order, place = ("<" if options["byteorder"] == "le" else ">"), (8192 if options["version"] == "1" else 65536)
    disk = newfs(4 << 20, bsize="4096", fsize="512", **options)
    fs = mount(disk)
    fs.sync()
    before = Disk(disk.data)
    disk.writes = []
    top = mkdir(fs.root(), b"directory")
    for n in range(20):
        put(top, b"file %d" % n, b"x" * 500 * n)
    nameless = put(fs.root(), b"nameless", b"y" * 50_000)
    nameless.uses = 1
    remove(fs.root(), b"nameless")
    fs.sync()
    # Contents of files are not logged; superblocks are, and would take the place of the log with them.
    writes = [(at, data) for at, data in disk.writes if at != place and data.strip(b"xy\0")]
    for at, data in disk.writes:
        before.data[at : at + len(data)] = data if not data.strip(b"xy\0") else before.data[at : at + len(data)]
    superblock = bytes(disk.data[place : place + 1536])
    before.data[place : place + 1536] = superblock
    stale = [(writes[-1][0], b"stale" * 102 + b"12")]
    revoked = struct.pack(order + "IiiIqii", 0x5741424E, 512, 1, 0, stale[0][0] // 512, 0, 512).ljust(512, b"\0")
    inodes = struct.pack(order + "IiiI2I", 0x5741424D, 512, 1, 0, nameless.fileno, 0o100644).ljust(512, b"\0")
    log = [*records(order, stale), revoked, *records(order, writes), inodes]
    crashed = with_log(before, log, order, place, turn=turn)
    env = Clock()
    looked = mount(Disk(crashed.data), env, readonly=True)
    assert "replaying" in env.lines[0]
    assert len(names(looked.root().lookup(b"directory"))) == 22
    assert contents(looked.root().lookup(b"directory").lookup(b"file 19")) == b"x" * 9500
    refused(Errno.EROFS, looked.remount, readonly=False)
    refused(Errno.EROFS, mount, Disk(crashed.data, readonly=True))
    fs = mount(crashed)
    assert len(names(fs.root().lookup(b"directory"))) == 22
    put(fs.root(), b"more")
    fs.unmount(force=False)
    sound(crashed, tmp_path)
    assert not fs.sb.flags & 0x100  # type: ignore[attr-defined]


def test_broken_logs(options: dict[str, str]) -> None:
    order, place = ("<" if options["byteorder"] == "le" else ">"), (8192 if options["version"] == "1" else 65536)
    disk = newfs(2 << 20, bsize="4096", fsize="512", **options)
    writes = [(at * 512, bytes(disk.data[at * 512 : at * 512 + 1024])) for at in range(300, 330)]
    image = with_log(disk, records(order, writes), order, place).data
    rng = random.Random(order)
    starts = [disk.size, disk.size + 512, disk.size + RING, place + 864]
    for _ in range(80):
        data = bytearray(image)
        for _ in range(rng.choice((1, 2, 5))):
            struct.pack_into(
                order + "I",
                data,
                rng.choice(starts) + rng.randrange(0, 90, 4),
                rng.choice((0, 1, 7, 1 << 31, 0xFFFFFFFF, 512)),
            )
        for readonly in (True, False):
            try:
                fs = mount(Disk(data), readonly=readonly)
                names(fs.root())
            except KernelError as error:
                if error.errno not in (Errno.EIO, Errno.EINVAL, Errno.EROFS):
                    raise
