"""A large ext4 image, made by mkfs.ext4 and filled by the Linux kernel, read equal to what Linux shows."""

from __future__ import annotations

import hashlib
import os
import random
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.live import LiveKernel, start_kernel
from tests.tools import need

DIRECTORIES, FILES = 200, 20_000
BIG = 512 << 20
SMALL = 1 << 15

Shown = dict[str, tuple[Any, ...]]
"""By path: mode, owner, links, size, mtime, ctime; and a link's target or a file's digest."""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Shown]]:
    """The image, unmounted, and what Linux showed of it."""
    for tool in ("mkfs.ext4", "mount", "losetup"):
        need(tool)
    if os.geteuid() != 0:
        pytest.skip("mounting an image needs root")
    folder = tmp_path_factory.mktemp("big")
    path, mounted = folder / "big.img", folder / "mnt"
    mounted.mkdir()
    subprocess.run(["mkfs.ext4", "-q", str(path), "1200M"], check=True)
    if subprocess.run(["mount", "-o", "loop", str(path), str(mounted)], check=False, capture_output=True).returncode:
        pytest.skip("this machine mounts no loop devices")
    try:
        _fill(mounted)
        subprocess.run(["sync", "-f", str(mounted)], check=True)
        shown = dict(_host_walk(mounted))
    finally:
        subprocess.run(["umount", str(mounted)], check=True)
    yield path, shown
    path.unlink()


def _fill(root: Path) -> None:
    rng = random.Random(20000)
    for d in range(DIRECTORIES):
        folder = root / f"dir{d:03}"
        folder.mkdir()
        for f in range(FILES // DIRECTORIES):
            (folder / f"file-{f:03}-{'x' * (f % 40)}").write_bytes(
                rng.randbytes(rng.choice((0, 10, 60, 700, 5000, 17000)))
            )
    with (root / "big").open("wb") as big:
        for _ in range(BIG >> 20):
            big.write(rng.randbytes(1 << 20))
    odd = root / "odd"
    odd.mkdir(mode=0o1777)
    (odd / "short").symlink_to("../big")
    (odd / "long").symlink_to("/" + "long" * 60)
    os.mkfifo(odd / "fifo", 0o600)
    os.mknod(odd / "chr", stat.S_IFCHR | 0o640, os.makedev(5, 300))
    os.mknod(odd / "blk", stat.S_IFBLK | 0o660, os.makedev(259, 70000))
    os.link(root / "big", odd / "hard")
    with (odd / "sparse").open("wb") as sparse:
        sparse.seek(1 << 32)
        sparse.write(b"end")
    (odd / "ünï©ode").write_text("name in UTF-8")
    Path(os.fsdecode(os.fsencode(odd) + b"/\xff\xfe raw")).write_text("name in no encoding")
    os.chown(odd / "ünï©ode", 123456, 7890123)
    os.utime(odd / "ünï©ode", ns=(1, 4_000_000_000_123_456_789))
    os.utime(odd / "short", ns=(5, -5_000_000_001), follow_symlinks=False)


def _host_walk(root: Path) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for folder, directories, files in os.walk(os.fsencode(root)):
        for name in [b".", *files, *(d for d in directories)]:
            path = os.path.join(folder, name)
            if name != b"." and os.path.isdir(path) and not os.path.islink(path):
                continue
            info = os.lstat(path)
            extra: Any = None
            if stat.S_ISLNK(info.st_mode):
                extra = os.readlink(path)
            elif stat.S_ISREG(info.st_mode):
                extra = _digest(open(path, "rb"), info.st_size)  # noqa: SIM115
            elif info.st_rdev:
                extra = (os.major(info.st_rdev), os.minor(info.st_rdev))
            key = os.path.relpath(os.path.normpath(path), os.fsencode(root)).decode("utf-8", "surrogateescape")
            yield key, _row(info, extra)


def _row(info: Any, extra: Any) -> tuple[Any, ...]:
    return (
        info.st_mode,
        info.st_uid,
        info.st_gid,
        info.st_nlink,
        info.st_size,
        info.st_mtime_ns,
        info.st_ctime_ns,
        extra,
    )


def _digest(file: Any, size: int) -> str:
    """Digest of a file; of a huge sparse one, of its ends."""
    digest = hashlib.sha256()
    with file:
        if size > BIG:
            digest.update(file.read(1 << 16))
            file.seek(size - 3)
        while data := file.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def _kernel_walk(k: Any, root: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    todo = [os.fsencode(root)]
    while todo:
        folder = todo.pop()
        fd = k.sys.open(folder, os.O_RDONLY)
        names = []
        while entries := k.sys.getdents(fd, 1 << 16):
            names += [e.d_name for e in entries if e.d_name != b".."]
        with k.batch() as b:
            infos = [b.fstatat(fd, name, rump.AT_SYMLINK_NOFOLLOW) for name in names]
        small = _small_files(k, fd, {name: future.result() for name, future in zip(names, infos, strict=True)})
        for name, future in zip(names, infos, strict=True):
            info, path = future.result(), folder + b"/" + name
            if name != b"." and stat.S_ISDIR(info.st_mode):
                todo.append(path)
                continue
            extra: Any = None
            if stat.S_ISLNK(info.st_mode):
                extra = k.sys.readlink(path, 1024)
            elif stat.S_ISREG(info.st_mode):
                extra = small.get(name) or _digest(k.open(path, "rb"), info.st_size)
            elif info.st_rdev:
                extra = (rump.major(info.st_rdev), rump.minor(info.st_rdev))
            key = os.path.relpath(os.path.normpath(path), os.fsencode(root)).decode("utf-8", "surrogateescape")
            yield key, _row(info, extra)
        k.sys.close(fd)


def _small_files(k: Any, folder: int, infos: dict[bytes, Any]) -> dict[bytes, str]:
    """Digests of the small files of a directory, many in a message. Each tenth is left to be read by itself."""
    names = [name for name, info in infos.items() if stat.S_ISREG(info.st_mode) and info.st_size <= SMALL]
    del names[::10]
    found = {}
    for begin in range(0, len(names), 32):
        part = names[begin : begin + 32]
        with k.batch() as b:
            data = []
            for name in part:
                file = b.openat(folder, name, os.O_RDONLY)
                data.append(b.pread(file, SMALL + 1, 0))
                b.close(file)
        found |= {name: hashlib.sha256(one.result()).hexdigest() for name, one in zip(part, data, strict=True)}
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("where", ["local", "split"])
def test_everything_is_as_linux_shows_it(image: tuple[Path, Shown], tmp_path: Path, where: str) -> None:
    path, shown = image
    live: LiveKernel | None = None
    if where == "local":
        kernel = k = rump.Kernel(factions=("vfs",))
    else:
        live = start_kernel(tmp_path, "--factions", "vfs")
        k = rump.connect(live.url)
    try:
        k.pub.module_init("ext2fs")
        k.pub.etfs_register("/dev/image", str(path), type="blk")
        k.sys.mkdir("/mnt", 0o755)
        k.sys.mount("ext2fs", "/mnt", device="/dev/image", readonly=True)
        found = dict(_kernel_walk(k, "/mnt"))
    finally:
        k.close()
        if live is not None:
            live.stop()
            assert live.process.stdout is not None
            live.process.stdout.close()
    if where == "local":
        kernel.close()
    assert len(found) >= FILES + DIRECTORIES
    assert sorted(found) == sorted(shown)
    wrong = {name: (row, shown[name]) for name, row in found.items() if row != shown[name]}
    assert not wrong, list(wrong.items())[:5]
