"""File handles: the same file without a path, and handles that lead nowhere."""

from __future__ import annotations

import pytest

from rumpvfs.core.handles import LAYOUT
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from tests.unit.vfs.kit import Kit, MemoryFiles, fails, user


@pytest.fixture
def k() -> Kit:
    kit = Kit(MemoryFiles(host=b"data"))
    kit.mkdir(b"/mnt", 0o755)
    kit.mount("tmpfs", b"/mnt", 0, None)
    kit.put(b"/mnt/f", b"contents")
    return kit


def test_a_file_by_handle(k: Kit) -> None:
    handle = k.getfh(b"/mnt/f")
    fd = k.fhopen(handle, const.O_RDWR)
    assert bytes(k.read(fd, 100)) == b"contents"
    assert k.fhstat(handle) == k.stat(b"/mnt/f")
    assert k.fhstatvfs1(handle, 0) == k.statvfs1(b"/mnt", 0)
    k.rename(b"/mnt/f", b"/mnt/g")
    assert k.fhstat(handle).st_ino == k.stat(b"/mnt/g").st_ino
    k.unlink(b"/mnt/g")
    for _ in range(2):
        with fails(Errno.ESTALE):
            k.fhopen(handle, const.O_RDONLY)
        if fd in k.vfs.files:
            k.close(fd)


def test_directories_and_mounts(k: Kit) -> None:
    handle = k.getfh(b"/mnt")
    fd = k.fhopen(handle, const.O_RDONLY)
    assert [e.d_name for e in k.getdents(fd, 4096)] == [b".", b"..", b"f"]
    k.close(fd)
    with fails(Errno.EISDIR):
        k.fhopen(handle, const.O_RDWR)
    k.unmount(b"/mnt", 0)
    with fails(Errno.ESTALE):
        k.fhstat(handle)


def test_refusals(k: Kit) -> None:
    handle = k.getfh(b"/mnt/f")
    with fails(Errno.EINVAL):
        k.fhopen(handle, const.O_CREAT | const.O_RDWR)
    with fails(Errno.EINVAL):
        k.fhopen(handle, 3)
    for bad in (b"", handle[:-1], handle + b"x"):
        with fails(Errno.EINVAL):
            k.fhstat(bad)
    dev, fileno, generation = LAYOUT.unpack(handle)
    for parts in ((dev + 99, fileno, generation), (dev, fileno + 9, generation), (dev, fileno, 7), (0, 0, 0)):
        with fails(Errno.ESTALE):
            k.fhstat(LAYOUT.pack(*parts))
    k.etfs_register(b"/host", b"host", const.RUMP_ETFS_REG)
    with fails(Errno.EOPNOTSUPP):
        k.getfh(b"/host")
    with k.as_(user(100)):
        for call in (lambda: k.getfh(b"/mnt/f"), lambda: k.fhopen(handle, 0), lambda: k.fhstat(handle)):
            with fails(Errno.EPERM):
                call()


def test_garbage_does_no_harm(k: Kit) -> None:
    dev = LAYOUT.unpack(k.getfh(b"/mnt"))[0]
    for at in range(300):
        handle = LAYOUT.pack(dev, *LAYOUT.unpack(k.host.entropy(24))[1:]) if at % 2 else k.host.entropy(24)
        with pytest.raises(KernelError):
            k.fhopen(handle, const.O_RDONLY)
