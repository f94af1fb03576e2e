"""What was configured is there after the end of a component: any row of calls, and then all that can be read back."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.integration.test_faults import component, end
from tests.live import LiveKernel, eventually, live_kernel
from tests.tools import need

STEPS = 90
FLAGS = (rump.MNT_NOSUID, rump.MNT_NODEV, rump.MNT_NOEXEC, rump.MNT_NOATIME, rump.MNT_SYNCHRONOUS, rump.MNT_RDONLY)
MIB = 1 << 20
MOVING = ("kern.arandom", "kern.boottime", "kern.cp_time", "kern.evcnt", "kern.file", "kern.hardclock_ticks",
          "kern.lwp", "kern.ntptime", "kern.pipe.k", "kern.pipe.n", "kern.proc", "kern.urandom", "vfs.generic.fstypes",
          "vfs.generic.memory", "vm.", "net.")  # fmt: skip
"""Nodes whose value changes by itself, or is of net (tests of its own)."""


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--steady", "0", "--give-up", "1000") as live:
        yield live
        assert "Traceback" not in live.log
        assert all("memory disk" in line for line in live.log.splitlines() if "come back" in line)
        assert "again:" not in live.log, "what could not be mounted or configured again"


@pytest.fixture
def k(kernel: LiveKernel) -> Iterator[Any]:
    with rump.connect(kernel.url) as client:
        yield client


def again(k: Any, name: str) -> None:
    """Kills a component, and waits until another serves."""
    before = component(k, name)["pid"]
    end(k, name)
    eventually(lambda: component(k, name)["pid"] != before and component(k, name)["state"] == "serving", 60, name)


class Configurator:
    """Makes random changes; one that is refused changes nothing."""

    def __init__(self, k: Any, folder: Path, seed: int) -> None:
        self.k = k
        self.random = random.Random(seed)
        self.folder = folder
        self.top = f"/seed{seed}"
        self.keys: list[str] = []
        self.mounts: list[str] = []
        self.units = [seed % 8 * 2, seed % 8 * 2 + 1]
        self.done = 0
        self.nodes = [
            name
            for name, node, value in self.k.sysctl_nodes("")
            if node.flags & (rump.CTLFLAG_READWRITE | rump.CTLFLAG_ANYWRITE)
            and isinstance(value, int | str)
            and not name.startswith(("net.", "proc.", "kern.module", "kern.sigmodel"))
        ]
        k.sys.mkdir(self.top, 0o755)
        (folder / "tree" / "below").mkdir(parents=True)
        for number in range(2):
            with (folder / f"image{number}").open("wb") as file:
                file.truncate(4 * MIB)
            subprocess.run(["mkfs.ext4", "-q", str(folder / f"image{number}")], check=True)
        self.changes: list[Callable[[], None]] = [
            self.register, self.register, self.register_tree, self.remove, self.memory, self.disk, self.image,
            self.disk, self.sysctl, self.sysctl, self.sysctl, self.unmount, self.update, self.layer, self.limits,
        ]  # fmt: skip
        self.changes += [lambda kind=kind: self.mount(kind) for kind in ("kernfs", "procfs", "fdesc")]  # type: ignore[misc]
        self.changes += [lambda: self.mount("tmpfs", size_max=5 * MIB), lambda: self.mount("ptyfs", gid=7, mode="600")]

    def run(self) -> None:
        for _ in range(STEPS):
            with contextlib.suppress(OSError):
                self.random.choice(self.changes)()
                self.done += 1

    def flags(self) -> int:
        return sum(self.random.sample(FLAGS, self.random.randrange(3)))

    def place(self) -> str:
        path = f"{self.top}/mnt{self.random.randrange(6)}"
        with contextlib.suppress(FileExistsError):
            self.k.sys.mkdir(path, 0o755)
        return path

    # -- host files

    def register(self) -> None:
        key = f"{self.random.choice('/')}{'/' * self.random.randrange(2)}dev{self.top}-{self.random.randrange(4)}"
        kind = self.random.choice(("blk", "blk", "chr", "reg"))
        self.k.pub.etfs_register(key, str(self.folder / f"image{self.random.randrange(2)}"), type=kind)
        self.keys.append(key)

    def register_tree(self) -> None:
        key = f"{self.top}-tree{self.random.randrange(2)}"
        kind = self.random.choice(("dir", "dir_subdirs"))
        self.k.pub.etfs_register(key, str(self.folder / "tree"), type=kind)
        self.keys.append(key)

    def remove(self) -> None:
        if self.keys:
            key = self.random.choice(self.keys)
            self.k.pub.etfs_remove(f"/{key}")
            self.keys.remove(key)

    # -- mounts

    def mount(self, kind: str, **options: Any) -> None:
        place = self.place()
        self.k.sys.mount(kind, place, self.flags(), **options)
        self.mounts.append(place)

    def image(self) -> None:
        if self.keys:
            self.mount("ext2fs", device=self.random.choice(self.keys))

    def layer(self) -> None:
        if self.mounts:
            kind, options = self.random.choice((("nullfs", {}), ("umapfs", {"uids": "555:100", "gids": "666:200"})))
            self.mount(kind, device=self.random.choice(self.mounts), **options)

    def unmount(self) -> None:
        if self.mounts:
            place = self.random.choice(self.mounts)
            self.k.sys.unmount(place, 0)
            self.mounts.remove(place)

    def update(self) -> None:
        if self.mounts:
            place = self.random.choice(self.mounts)
            kind = next(m.f_fstypename for m in self.k.sys.getvfsstat() if m.f_mntonname == place.encode())
            self.k.sys.mount(os.fsdecode(kind), place, rump.MNT_UPDATE | self.flags())

    # -- disks of dev

    def memory(self) -> None:
        unit = self.random.choice(self.units)
        if self.random.random() < 0.7:
            self.k.pub.md_create(unit, self.random.randrange(1, 9) * 512)
        else:
            self.k.pub.md_destroy(unit)

    def disk(self) -> None:
        """Through any of the nodes of a vnd; or drvctl takes it away."""
        unit, raw = self.random.choice(self.units), self.random.random() < 0.5
        if self.random.random() < 0.2:
            with self.open_device(rump.makedev(rump.MAJOR_DRVCTL, 0), raw=True) as fd:
                self.k.sys.ioctl(fd, rump.DRVDETACHDEV, rump.DevDetachArgs(f"vnd{unit}"))
            return
        minor = unit * 16 + self.random.choice((0, 3))
        with self.open_device(rump.makedev(rump.MAJOR_VND_CHR if raw else rump.MAJOR_VND_BLK, minor), raw=raw) as fd:
            name = self.random.choice([*self.keys, "/none"]).encode()
            com = self.random.choice((rump.VNDIOCSET, rump.VNDIOCSET, rump.VNDIOCCLR))
            self.k.sys.ioctl(fd, com, rump.VndIoctl(name, vnd_flags=self.random.choice((0, rump.VNDIOF_READONLY))))

    @contextlib.contextmanager
    def open_device(self, rdev: int, *, raw: bool) -> Iterator[int]:
        self.k.sys.mknod("/tmp/node", 0o020600 if raw else 0o060600, rdev)
        try:
            fd = self.k.sys.open("/tmp/node", os.O_RDONLY)
            try:
                yield fd
            finally:
                self.k.sys.close(fd)
        finally:
            self.k.sys.unlink("/tmp/node")

    # -- settings

    def sysctl(self) -> None:
        name = self.random.choice(self.nodes)
        value = self.k.sysctl(name)
        if isinstance(value, bool):
            self.k.sysctl(name, not value)
        elif isinstance(value, int):
            self.k.sysctl(name, self.random.choice((value + 1, value * 2, value * 3 // 4, value - 1)))
        else:
            self.k.sysctl(name, value[:20] + "x")

    def limits(self) -> None:
        soft = self.random.randrange(50, 200)
        self.k.sys.setrlimit(self.random.choice((rump.RLIMIT_NOFILE, rump.RLIMIT_FSIZE)), (soft, soft * 100))

    # -- what there is

    def seen(self) -> dict[Any, Any]:
        found: dict[Any, Any] = {
            name: value for name, value in self.k.sysctl_tree("").items() if not name.startswith(MOVING)
        }
        for mount in self.k.sys.getvfsstat():
            path = os.fsdecode(mount.f_mntonname)
            found["mount", path] = (mount.f_fstypename, mount.f_mntfromname, hex(mount.f_flag), mount.f_fsid)
            found["arguments", path] = self._of(
                self.k.sys.mount, os.fsdecode(mount.f_fstypename), path, rump.MNT_GETARGS
            )
        for key in self.keys:
            found["file", key] = self._of(self.k.sys.stat, key)
        found["disks"] = [(driver.name, driver.units) for driver in self.k.pub.dev_list()]
        found["vnd"] = [self._vnd(unit) for unit in self.units]
        found["limits"] = [self.k.sys.getrlimit(number) for number in (rump.RLIMIT_NOFILE, rump.RLIMIT_FSIZE)]
        return found

    def _vnd(self, unit: int) -> Any:
        with self.open_device(rump.makedev(rump.MAJOR_VND_CHR, unit * 16 + 3), raw=True) as fd:
            return self.k.sys.ioctl(fd, rump.VNDIOCGET, rump.VndUser()).data

    def _of(self, call: Callable[..., Any], *args: Any) -> Any:
        try:
            found = call(*args)
        except OSError as error:
            return error.errno
        return found._replace(st_atime_ns=0) if hasattr(found, "st_atime_ns") else found


@pytest.mark.parametrize("seed", [4])
def test_any_configuration(k: Any, tmp_path: Path, seed: int) -> None:
    need("mkfs.ext4")
    configurator = Configurator(k, tmp_path, seed)
    configurator.run()
    assert configurator.done > STEPS / 4
    before = configurator.seen()
    for name in ("vfs", "dev", "kern"):
        again(k, name)
        after = configurator.seen()
        assert {n: (before.get(n), after.get(n)) for n in {*before, *after} if before.get(n) != after.get(n)} == {}, (
            name
        )


def test_settings_that_depend_on_one_another(k: Any) -> None:
    """In the order of their last changes the first would be refused."""
    values = {"kern.aio_max": 300, "kern.aio_listio_max": 200}
    for name, value in (("kern.aio_listio_max", 100), *values.items()):
        k.sysctl(name, value)
    again(k, "kern")
    assert {name: k.sysctl(name) for name in values} == values


def test_a_memory_disk_is_empty_and_says_so(k: Any) -> None:
    k.pub.md_create(30, 4096)
    k.sys.mknod("/tmp/md30", 0o060600, rump.makedev(rump.MAJOR_MD_BLK, 30 * 16 + 3))
    fd = k.sys.open("/tmp/md30", os.O_RDWR)
    k.sys.pwrite(fd, b"x" * 512, 0)
    again(k, "dev")
    with pytest.raises(OSError, match="ended"):
        k.sys.pread(fd, 512, 0)
    k.sys.close(fd)
    fd = k.sys.open("/tmp/md30", os.O_RDWR)
    assert k.sys.pread(fd, 8192, 0) == bytes(4096)
    k.sys.close(fd)
    k.pub.md_destroy(30)
