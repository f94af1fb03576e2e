"""rump_fuse: work of programs on ext4, that e2fsck and digests are content with, and faults under a mount."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from rumpclients.fuse.names import Curiosity
from tests.live import eventually, start_kernel
from tests.tools import need
from tests.unit.clients.test_fuse import fuse, mounted, root, same

MAKEFILE = """\
OBJECTS := $(patsubst %.c,%.o,$(wildcard lib/*.c))
program: main.o lib/lib.a
\tcp main.o $@.tmp && cat lib/lib.a >> $@.tmp && mv $@.tmp $@
lib/lib.a: $(OBJECTS)
\tcat $^ > $@
%.o: %.c config.h
\t(cat config.h $<; echo object) > $@.tmp && mv -f $@.tmp $@
clean:
\trm -f program main.o lib/*.o lib/lib.a
"""


def digests(top: Path) -> dict[str, str]:
    out = {}
    for path in sorted(top.rglob("*")):
        name = str(path.relative_to(top))
        if path.is_symlink():
            out[name] = os.readlink(path)
        elif path.is_file():
            out[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return out


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree to be built, as kernels are: many small files, links, a few big ones."""
    top = tmp_path_factory.mktemp("source") / "linux"
    (top / "lib").mkdir(parents=True)
    (top / "docs" / "deep" / "deeper").mkdir(parents=True)
    (top / "Makefile").write_text(MAKEFILE)
    (top / "config.h").write_text("#define CONFIG 1\n")
    (top / "main.c").write_text("int main(void) { return 0; }\n")
    for number in range(60):
        (top / "lib" / f"part{number}.c").write_text(f"int part{number}(void);\n" * (number % 17 + 1))
    for number in range(30):
        (top / "docs" / "deep" / f"page{number}").write_bytes(os.urandom(number * 211))
    (top / "docs" / "big").write_bytes(os.urandom(2 << 20))
    (top / "docs" / "deep" / "deeper" / "link").symlink_to("../page7")
    os.link(top / "main.c", top / "docs" / "hard")
    return top


@pytest.fixture
def ext4(tmp_path: Path) -> Iterator[Path]:
    """An image that is clean at the end, says e2fsck."""
    image = tmp_path / "disk.img"
    subprocess.run([need("mkfs.ext4"), "-q", image, "64M"], check=True)
    yield image
    done = subprocess.run([need("e2fsck"), "-fn", image], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def run(*words: object, cwd: Path | None = None) -> str:
    """What a program prints. Of a make around the tests the programs know nothing."""
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(list(map(str, words)), cwd=cwd, check=True, capture_output=True, text=True, env=env).stdout


@fuse
@root
def test_programs_on_ext4(ext4: Path, source: Path, tmp_path: Path) -> None:
    for program in ("make", "git", "rsync", "tar"):
        need(program)
    tar = tmp_path / "linux.tar"
    run("tar", "-cf", tar, source.name, cwd=source.parent)
    shutil.copytree(source, tmp_path / "here", symlinks=True)
    run("make", "-s", "-j4", cwd=tmp_path / "here")
    with mounted(str(ext4), tmp_path / "mnt") as mnt:
        run("tar", "-xf", tar, cwd=mnt)
        same(source, mnt / "linux")
        run("make", "-s", "-j4", cwd=mnt / "linux")
        assert digests(mnt / "linux") == digests(tmp_path / "here")
        assert run("make", cwd=mnt / "linux").strip().endswith("is up to date.")
        run("make", "-s", "clean", cwd=mnt / "linux")
        run("cp", "-a", mnt / "linux", mnt / "copy")
        run("rsync", "-aH", "--checksum", f"{source}/", mnt / "rsync")
        for name in ("copy", "rsync"):
            assert digests(mnt / name) == digests(source)
        git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-c", "init.defaultBranch=main"]
        run(*git, "init", "-q", mnt / "copy")
        run(*git, "add", ".", cwd=mnt / "copy")
        run(*git, "commit", "-qm", "first", cwd=mnt / "copy")
        run(*git, "gc", "-q", cwd=mnt / "copy")
        run(*git, "clone", "-q", mnt / "copy", mnt / "clone")
        assert run(*git, "status", "--porcelain", cwd=mnt / "clone") == ""
        assert digests(mnt / "clone" / "lib") == digests(source / "lib")
        run(*git, "fsck", "--strict", cwd=mnt / "clone")
        found = run("find", mnt / "linux", "-name", "part*.c", "-size", "+1").split()
        assert len(found) == len([p for p in (source / "lib").iterdir() if p.stat().st_size > 512])
        assert len(run("ls", "-la", mnt / "linux" / "lib").splitlines()) == 63
        before = digests(mnt)
    with mounted(str(ext4), tmp_path / "mnt", "-o", "ro") as mnt:
        assert digests(mnt) == before


@fuse
@root
def test_sqlite_on_ext4(ext4: Path, tmp_path: Path) -> None:
    """With its journal and with its log, from several processes."""
    sqlite = need("sqlite3")
    with mounted(str(ext4), tmp_path / "mnt") as mnt:
        for mode in ("delete", "wal"):
            base = mnt / f"{mode}.db"
            run(sqlite, base, f"pragma journal_mode={mode}; create table t(a integer primary key, b text)")
            insert = "pragma busy_timeout=20000; " + "".join(f"insert into t(b) values('{n}');" for n in range(20))
            clients = [subprocess.Popen([sqlite, base, insert], stdout=subprocess.DEVNULL) for _ in range(3)]
            assert [client.wait(60) for client in clients] == [0, 0, 0]
            assert run(sqlite, base, "select count(*) from t; pragma integrity_check").split() == ["60", "ok"]


@fuse
@root
def test_the_host_opens_without_asking(ext4: Path, tmp_path: Path) -> None:
    """More files than descriptors are kept; and files that are open when they lose their last name, or are replaced."""
    with mounted(str(ext4), tmp_path / "mnt") as mnt, contextlib.ExitStack() as stack:
        opened = [stack.enter_context((mnt / f"f{n}").open("w+b", buffering=0)) for n in range(300)]
        for number, file in enumerate(opened):
            file.write(b"%d" % number)
        for number, path in enumerate(sorted(mnt.glob("f*"), key=lambda path: int(path.name[1:]))):
            assert path.read_bytes() == b"%d" % number
            if number % 3 == 0:
                path.unlink()
            elif number % 3 == 1:
                (mnt / "new").write_bytes(b"new")
                (mnt / "new").rename(path)
        for number, file in enumerate(opened):
            file.seek(0, os.SEEK_END)
            file.write(b" still")
            assert os.pread(file.fileno(), 100, 0) == b"%d still" % number
            assert os.fstat(file.fileno()).st_nlink == (number % 3 == 2)
        assert (mnt / "f1").read_bytes() == b"new"
        fd = os.open(mnt / "f2", os.O_WRONLY | os.O_TRUNC | os.O_SYNC)
        os.write(fd, b"synchronous")
        os.close(fd)
        assert (mnt / "f2").read_bytes() == b"synchronous"


def test_curiosity() -> None:
    curious = Curiosity()
    assert not curious.wants()
    curious.looked_up()
    curious.looked_up()
    assert [curious.wants() for _ in range(18)] == [True] * 16 + [False] * 2


@fuse
@root
def test_files_that_change_while_they_are_read_in_turn(ext4: Path, tmp_path: Path) -> None:
    """What the server reads ahead of time is never told after the host has changed it."""
    mnt = tmp_path / "mnt"
    contents = {f"f{n:02}": bytes([n]) * (100 + 150 * n) for n in range(40)}
    with mounted(str(ext4), mnt):
        for folder in ("a", "b"):
            (mnt / folder).mkdir()
            for name, data in contents.items():
                (mnt / folder / name).write_bytes(data)
    with mounted(str(ext4), mnt):
        for folder in ("a", "b"):  # the second time they come with their attributes
            names = [entry.name for entry in os.scandir(mnt / folder) if entry.stat().st_size]
        b = mnt / "b"
        for at in range(0, 40, 8):
            first, second, written, cut, longer, removed, moved, last = names[at : at + 8]
            assert (b / first).read_bytes() + (b / second).read_bytes() == contents[first] + contents[second]
            time.sleep(0.02)  # which it may use for those that follow
            with (b / written).open("r+b", buffering=0) as file:
                os.pwrite(file.fileno(), b"new", 50)
            os.truncate(b / cut, 33)
            with (b / longer).open("ab") as file:
                file.write(b"more")
            (b / removed).unlink()
            (b / removed).write_bytes(b"another file")
            (b / moved).rename(b / last)
            assert (b / written).read_bytes() == contents[written][:50] + b"new" + contents[written][53:]
            assert (b / cut).read_bytes() == contents[cut][:33]
            assert (b / longer).read_bytes() == contents[longer] + b"more"
            assert (b / removed).read_bytes() == b"another file"
            assert (b / last).read_bytes() == contents[moved]


@fuse
@root
def test_a_mount_that_lives_on_in_another_namespace(ext4: Path, tmp_path: Path) -> None:
    (tmp_path / "mnt").mkdir()
    words = [sys.executable, "-m", "rumpclients.fuse.main"]
    run(*words, ext4, tmp_path / "mnt")
    other = subprocess.Popen([need("unshare"), "-m", "sleep", "600"])
    try:
        ours = os.readlink("/proc/self/ns/mnt")
        eventually(lambda: os.readlink(f"/proc/{other.pid}/ns/mnt") != ours, 20, "it has a namespace of its own")
        done = subprocess.run([*words, "-u", tmp_path / "mnt"], capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "unmounted here, but not in the mount namespace of process" in done.stderr
    finally:
        other.kill()
        other.wait()

    def free() -> bool:
        try:
            rump.fs.open_image(ext4, readonly=True).close()
        except BlockingIOError:
            return False
        return True

    eventually(free, 20, "the image is let go of")


class Twins:
    """The same done in two folders: what comes of it has to be the same."""

    def __init__(self, one: Path, two: Path, seed: int) -> None:
        self._tops = (one, two)
        self._random = random.Random(seed)
        self._open: list[tuple[int, int]] = []

    def step(self, number: int) -> None:
        name, other = self._random.choices([f"f{n}" for n in range(8)], k=2)
        at, data = self._random.randrange(100_000), self._random.randbytes(self._random.randrange(1, 50_000))
        act = self._random.choice(("open", "open", "unlink", "rename", "link", "truncate", "read", *["file"] * 8))
        told = f"step {number}: {act} {name} {other} {at} {len(data)}"
        if act == "open":
            self._opened(name, self._random.choice((os.O_RDWR, os.O_RDWR | os.O_TRUNC, os.O_RDONLY)), told)
        elif act == "file" and self._open:
            self._file(self._random.choice(self._open), at, data, told)
        else:
            acts = {
                "unlink": lambda top: os.unlink(top / name), "rename": lambda top: os.rename(top / name, top / other),
                "link": lambda top: os.link(top / name, top / other),
                "truncate": lambda top: os.truncate(top / name, at),
            }  # fmt: skip
            self._same(acts.get(act, lambda top: (top / name).read_bytes()), told)
        self._same(lambda top: sorted(set(os.listdir(top)) - {"lost+found"}), told)

    def _same(self, act: Callable[[Path], object], told: str) -> None:
        one, two = (_outcome(act, top) for top in self._tops)
        assert one == two, told

    def _opened(self, name: str, flags: int, told: str) -> None:
        one, two = (os.open(top / name, flags | os.O_CREAT, 0o644) for top in self._tops)
        self._open.append((one, two))
        if len(self._open) > 12:
            for fd in self._open.pop(self._random.randrange(len(self._open))):
                os.close(fd)

    def _file(self, fds: tuple[int, int], at: int, data: bytes, told: str) -> None:
        act = self._random.choice((
            lambda fd: os.pwrite(fd, data, at), lambda fd: os.pread(fd, len(data), at), lambda fd: os.ftruncate(fd, at),
            lambda fd: (os.fstat(fd).st_size, os.fstat(fd).st_nlink), os.fsync,
            lambda fd: (os.lseek(fd, 0, os.SEEK_END), os.write(fd, data)),
        ))  # fmt: skip
        one, two = (_outcome(act, fd) for fd in fds)
        assert one == two, told

    def close(self) -> None:
        for fds in self._open:
            for fd in fds:
                os.close(fd)


def _outcome(act: Callable[[Any], object], what: object) -> object:
    try:
        return act(what)
    except OSError as error:
        return error.errno


@fuse
@root
@pytest.mark.parametrize("seed", range(2))
def test_any_operations_are_as_on_the_hosts_file_system(seed: int, ext4: Path, tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    with mounted(str(ext4), tmp_path / "mnt") as mnt:
        twins = Twins(mnt, tmp_path / "host", seed)
        for number in range(400):
            twins.step(number)
        twins.close()
        assert digests(mnt) == digests(tmp_path / "host")


class Writer(threading.Thread):
    """Writes files and syncs them, and keeps what was promised to be safe."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.safe: dict[str, bytes] = {}
        self.errors: list[OSError] = []
        self.ended = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.ended.is_set():
            number += 1
            data = os.urandom(1000 + number * 37)
            try:
                fd = os.open(self.folder / f"file{number}", os.O_WRONLY | os.O_CREAT)
                try:
                    os.write(fd, data)
                    os.fsync(fd)
                finally:
                    os.close(fd)
            except OSError as error:
                self.errors.append(error)
            else:
                self.safe[f"file{number}"] = data

    def more(self) -> None:
        """Waits until further files are safe."""
        seen = len(self.safe)
        eventually(lambda: len(self.safe) >= seen + 3, 60, f"writing goes on: {self.errors[-3:]}")


@fuse
@root
def test_what_was_synced_is_there_after_the_kernel_was_killed_under_a_mount(ext4: Path, tmp_path: Path) -> None:
    kernel = start_kernel(tmp_path / "kernel", "--factions", "vfs", "--give-up", "1000")
    try:
        with rump.connect(kernel.url) as k:
            k.pub.etfs_register("/dev/disk0", str(ext4), type="blk")
            k.sys.mkdir("/mnt", 0o755)
            k.pub.module_init("ext2fs")
            k.sys.mount("ext2fs", "/mnt", device="/dev/disk0")
        with mounted(f"{kernel.url}:/mnt", tmp_path / "mnt", says="connection to ") as mnt:
            writer = Writer(mnt)
            writer.start()
            try:
                writer.more()
                for name in ("vfs", "gateway", "vfs"):
                    with rump.connect(kernel.url, retry=20) as k:
                        pid = next(c["pid"] for c in k.status()["components"] if c["name"] == name)
                    os.kill(pid, signal.SIGKILL)
                    writer.more()
            finally:
                writer.ended.set()
                writer.join(60)
            assert writer.safe
            for name, data in writer.safe.items():
                assert (mnt / name).read_bytes() == data, name
        with rump.connect(kernel.url) as k:
            k.sys.unmount("/mnt")
    finally:
        assert kernel.stop() == 0
        assert kernel.process.stdout is not None
        kernel.process.stdout.close()
    with rump.fs.open_image(ext4, readonly=True) as image:
        for name, data in writer.safe.items():
            assert image.read_bytes(name) == data, name
