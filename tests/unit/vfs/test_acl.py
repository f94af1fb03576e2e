"""Access lists: inherited, kept in step with modes, and asked. The Linux kernel does the same on its own ext4."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rumpvfs.core import acl
from rumpvfs.core.acl import ACCESS, DEFAULT, GROUP, GROUP_OBJ, MASK, OTHER, USER, USER_OBJ, Acl, Entry
from rumpvfs.fs.ext2fs import FILE_SYSTEM as EXT2FS
from rumpvfs.fs.nullfs import FILE_SYSTEM as NULLFS
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DiskArgs
from tests.ext4_images import loop_mount, make_image, run
from tests.unit.vfs.kit import Kit, MemoryFiles, fails, user

DISK, MNT = b"/dev/disk", b"/mnt"
PEOPLE = [(1000, 100, [100]), (1001, 100, [100, 200]), (1002, 300, [300]), (1003, 200, [200, 100]), (1004, 400, [400])]
MODES = (0o777, 0o666, 0o640, 0o027, 0o1755)


def lists(seed: int, count: int) -> list[Acl]:
    """Random access lists, also those that say no more than a mode."""
    generator = random.Random(seed)
    found = []
    for _ in range(count):
        named = [Entry(USER, generator.randrange(8), who) for who in (1001, 1002, 1003) if generator.random() < 0.5]
        groups = [Entry(GROUP, generator.randrange(8), who) for who in (100, 200, 300) if generator.random() < 0.5]
        masked = named or groups or generator.random() < 0.5
        plain = [Entry(tag, generator.randrange(8)) for tag in (USER_OBJ, GROUP_OBJ, OTHER)]
        found.append(
            [plain[0], *named, plain[1], *groups, *([Entry(MASK, generator.randrange(8))] if masked else []), plain[2]]
        )
    return found


DEFAULTS = lists(1, 12)
ACCESSES = lists(2, 25)


@pytest.fixture(params=["tmpfs", "ext2fs"])
def k(request: pytest.FixtureRequest) -> Iterator[Kit]:
    kit = Kit(MemoryFiles(image=bytes(4 << 20)))
    kit.mkdir(MNT, 0o755)
    if request.param == "ext2fs":
        kit.component.add_filesystem(EXT2FS)
        kit.etfs_register(DISK, b"image", const.RUMP_ETFS_BLK)
        kit.newfs("ext2fs", DISK, {}, b"")
    kit.mount(request.param, MNT, 0, DiskArgs(DISK) if request.param == "ext2fs" else None)
    yield kit
    kit.component.stop()


def attribute(k: Kit, path: bytes, name: bytes) -> bytes | None:
    try:
        value: bytes = k.getxattr(path, name, 0)
    except KernelError:
        return None
    return value


def host_attribute(path: Path, name: bytes) -> bytes | None:
    try:
        return os.getxattr(path, name)
    except OSError:
        return None


# What happens to each directory with a default list, and what is then seen of the files.


def inherit_on_host(top: Path) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    os.umask(0o027)
    for number, entries in enumerate([None, *DEFAULTS]):
        directory = top / f"d{number}"
        directory.mkdir(mode=0o755)
        if entries is not None:
            os.setxattr(directory, DEFAULT, acl.emit(entries))
        for mode in MODES:
            (directory / f"dir{mode}").mkdir(mode=mode)
            os.close(os.open(directory / f"file{mode}", os.O_CREAT | os.O_WRONLY, mode & 0o777))
            for path in (directory / f"dir{mode}", directory / f"file{mode}"):
                yield path.stat().st_mode & 0o7777, host_attribute(path, ACCESS), host_attribute(path, DEFAULT)
                path.chmod(0o531)
                yield path.stat().st_mode & 0o7777, host_attribute(path, ACCESS), host_attribute(path, DEFAULT)
    os.umask(0o022)


def inherit_here(k: Kit) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    with k.as_(user(0, 0, umask=0o027)):
        for number, entries in enumerate([None, *DEFAULTS]):
            directory = MNT + b"/d%d" % number
            k.mkdir(directory, 0o755)
            if entries is not None:
                k.setxattr(directory, DEFAULT, acl.emit(entries), 0)
            for mode in MODES:
                k.mkdir(directory + b"/dir%d" % mode, mode)
                k.put(directory + b"/file%d" % mode, mode=mode & 0o777)
                for path in (directory + b"/dir%d" % mode, directory + b"/file%d" % mode):
                    yield k.stat(path).st_mode & 0o7777, attribute(k, path, ACCESS), attribute(k, path, DEFAULT)
                    k.chmod(path, 0o531)
                    yield k.stat(path).st_mode & 0o7777, attribute(k, path, ACCESS), attribute(k, path, DEFAULT)


_ASK = """
import json, os, sys
top, people = sys.argv[1], json.loads(sys.argv[2])
found = []
for uid, gid, groups in people:
    read, write = os.pipe()
    if os.fork() == 0:
        os.chdir(top)  # as root: the folders above are nobody else's
        os.setgroups(groups); os.setresgid(gid, gid, gid); os.setresuid(uid, uid, uid)
        names = sorted(os.listdir("."))
        os.write(write, json.dumps([[os.access(n, w) for w in (1, 2, 4, 6, 7)] for n in names]).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        found.append(json.load(pipe))
    os.wait()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def linux(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the kernel of the host does."""
    folder = tmp_path_factory.mktemp("acl")
    image = make_image(folder / "image", "8M", "-t", "ext4")
    with loop_mount(image, folder / "mnt") as mnt:
        inherited = list(inherit_on_host(mnt))
        (mnt / "asked").mkdir()
        for number, entries in enumerate(ACCESSES):
            path = mnt / "asked" / f"{number:02}"
            path.touch()
            os.chown(path, 1000, 100)
            os.setxattr(path, ACCESS, acl.emit(entries))
        modes = [(mnt / "asked" / f"{n:02}").stat().st_mode & 0o7777 for n in range(len(ACCESSES))]
        words = [sys.executable, "-c", _ASK, str(mnt / "asked"), json.dumps(PEOPLE)]
        asked = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return {"inherited": inherited, "asked": asked, "modes": modes}


def test_inherited_as_on_linux(k: Kit, linux: dict[str, Any]) -> None:
    assert list(inherit_here(k)) == linux["inherited"]


def test_asked_as_on_linux(k: Kit, linux: dict[str, Any]) -> None:
    for number, entries in enumerate(ACCESSES):
        path = MNT + b"/%02d" % number
        k.put(path)
        k.chown(path, 1000, 100)
        k.setxattr(path, ACCESS, acl.emit(entries), 0)
        assert k.stat(path).st_mode & 0o7777 == linux["modes"][number]
    for (uid, gid, groups), expected in zip(PEOPLE, linux["asked"], strict=True):
        with k.as_(user(uid, gid, *groups)):
            for number, answers in enumerate(expected):
                found = [may(k, MNT + b"/%02d" % number, want) for want in (1, 2, 4, 6, 7)]
                assert found == answers, (uid, ACCESSES[number])


def may(k: Kit, path: bytes, want: int) -> bool:
    try:
        k.access(path, want)
    except KernelError as error:
        if error.errno != Errno.EACCES:
            raise
        return False
    return True


def test_linux_reads_what_was_written(tmp_path: Path) -> None:
    """setfacl and getfacl, on an image that was written here."""
    kit = Kit(MemoryFiles(image=make_image(tmp_path / "image", "8M", "-t", "ext4").read_bytes()))
    kit.component.add_filesystem(EXT2FS)
    kit.etfs_register(DISK, b"image", const.RUMP_ETFS_BLK)
    kit.mkdir(MNT, 0o755)
    kit.mount("ext2fs", MNT, 0, DiskArgs(DISK))
    kit.mkdir(b"/mnt/dir", 0o755)
    named = [Entry(USER, 6, 1001), Entry(GROUP_OBJ, 5), Entry(GROUP, 4, 200)]
    default = [Entry(USER_OBJ, 7), *named, Entry(MASK, 7), Entry(OTHER, 0)]
    kit.setxattr(b"/mnt/dir", DEFAULT, acl.emit(default), 0)
    kit.put(b"/mnt/dir/file", mode=0o640)
    kit.component.stop()
    image = tmp_path / "written"
    image.write_bytes(kit.files.files[b"image"])
    run("e2fsck", "-fn", image)
    with loop_mount(image, tmp_path / "mnt", "loop,ro") as mnt:
        shown = run("getfacl", "-nc", "--absolute-names", mnt / "dir" / "file").split()
        assert shown == ["user::rw-", "user:1001:rw-", "#effective:r--", "group::r-x", "#effective:r--",
                         "group:200:r--", "mask::r--", "other::---"]  # fmt: skip
        assert "default:user:1001:rw-" in run("getfacl", "-nc", "--absolute-names", mnt / "dir")


def test_who_may_set_them(k: Kit) -> None:
    value = acl.emit([Entry(USER_OBJ, 6), Entry(USER, 4, 1001), Entry(GROUP_OBJ, 0), Entry(MASK, 4), Entry(OTHER, 0)])
    k.chmod(MNT, 0o777)
    with k.as_(user(1000)):
        k.put(b"/mnt/file", b"secret")
        k.setxattr(b"/mnt/file", ACCESS, value, 0)
        with fails(Errno.EACCES):
            k.setxattr(b"/mnt/file", DEFAULT, value, 0)
    assert k.stat(b"/mnt/file").st_mode & 0o777 == 0o640
    with k.as_(user(1001)):
        assert k.get(b"/mnt/file") == b"secret"
        assert k.getxattr(b"/mnt/file", ACCESS, 0) == value
        with fails(Errno.EPERM):
            k.setxattr(b"/mnt/file", ACCESS, value, 0)
        with fails(Errno.EPERM):
            k.removexattr(b"/mnt/file", ACCESS)
    with k.as_(user(1002, 100)), fails(Errno.EACCES):
        k.get(b"/mnt/file")
    with k.as_(user(1000)):
        k.chmod(b"/mnt/file", 0o600)  # the mask goes
    with k.as_(user(1001)), fails(Errno.EACCES):
        k.get(b"/mnt/file")
    k.removexattr(b"/mnt/file", ACCESS)
    assert k.listxattr(b"/mnt/file", 0) == []


def test_minimal_and_empty_lists_are_not_kept(k: Kit) -> None:
    k.put(b"/mnt/file")
    k.setxattr(b"/mnt/file", ACCESS, acl.emit([Entry(USER_OBJ, 7), Entry(GROUP_OBJ, 1), Entry(OTHER, 2)]), 0)
    assert k.stat(b"/mnt/file").st_mode & 0o777 == 0o712
    assert k.listxattr(b"/mnt/file", 0) == []
    k.mkdir(b"/mnt/dir", 0o755)
    k.setxattr(b"/mnt/dir", DEFAULT, acl.emit(DEFAULTS[0]), 0)
    k.setxattr(b"/mnt/dir", DEFAULT, acl.emit([]), 0)
    assert k.listxattr(b"/mnt/dir", 0) == []


@pytest.mark.parametrize(
    "entries",
    [
        [Entry(USER_OBJ, 7)],
        [Entry(USER_OBJ, 7), Entry(OTHER, 7), Entry(GROUP_OBJ, 7)],
        [Entry(USER_OBJ, 7), Entry(USER, 7, 5), Entry(GROUP_OBJ, 7), Entry(OTHER, 7)],
        [
            Entry(USER_OBJ, 7),
            Entry(USER, 7, 5),
            Entry(USER, 6, 5),
            Entry(GROUP_OBJ, 7),
            Entry(MASK, 7),
            Entry(OTHER, 7),
        ],
        [Entry(USER_OBJ, 8), Entry(GROUP_OBJ, 7), Entry(OTHER, 7)],
        [Entry(USER_OBJ, 7), Entry(3, 7), Entry(GROUP_OBJ, 7), Entry(OTHER, 7)],
        [Entry(USER_OBJ, 7), Entry(GROUP_OBJ, 7), Entry(MASK, 1), Entry(MASK, 1), Entry(OTHER, 7)],
    ],
)
def test_what_is_no_list(k: Kit, entries: Acl) -> None:
    k.put(b"/mnt/file")
    for value in (acl.emit(entries), acl.emit(entries)[:-1], b"", b"\1\0\0\0"):
        with fails(Errno.EINVAL):
            k.setxattr(b"/mnt/file", ACCESS, value, 0)


def test_through_layers(k: Kit) -> None:
    k.chmod(MNT, 0o777)
    k.put(b"/mnt/file", b"x")
    value = acl.emit([Entry(USER_OBJ, 6), Entry(USER, 4, 1001), Entry(GROUP_OBJ, 0), Entry(MASK, 4), Entry(OTHER, 0)])
    k.setxattr(b"/mnt/file", ACCESS, value, 0)
    k.component.add_filesystem(NULLFS)
    k.mkdir(b"/null", 0o755)
    k.mount(NULLFS.name, b"/null", 0, DiskArgs(MNT))
    with k.as_(user(1001)):
        assert k.get(b"/null/file") == b"x"
    with k.as_(user(1002)), fails(Errno.EACCES):
        k.get(b"/null/file")
    k.unmount(b"/null", 0)
