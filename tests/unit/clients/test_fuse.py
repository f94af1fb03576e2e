"""rump_fuse: programs of the host on file systems of a kernel."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import rump
from rumpclients.fuse import protocol
from rumpclients.fuse.nodes import Nodes
from rumpclients.fuse.protocol import ROOT
from tests.live import LiveKernel, eventually, live_kernel
from tests.tools import need

ADMIN = 21
"""CAP_SYS_ADMIN."""


def may_mount() -> str:
    """Why not; empty when it can be done. A machine without /dev/fuse is none that these tests are for, CI or not."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse: {error.strerror}"
    if os.geteuid() != 0:
        return "" if shutil.which("fusermount3") else "not root, and no fusermount3"
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:") and not int(line.split()[1], 16) >> ADMIN & 1:
            return "root without the right to mount"
    return ""


fuse = pytest.mark.skipif(bool(may_mount()), reason=may_mount() or "-")
root = pytest.mark.skipif(os.geteuid() != 0, reason="for root")


class Mounted:
    def __init__(self, process: subprocess.Popen[bytes], path: Path) -> None:
        self.process = process
        self.path = path


@contextmanager
def mounted(source: str, path: Path, *options: str, says: str = "") -> Iterator[Path]:
    """A mount of ``rump_fuse``, that ends in order: status 0, and nothing to say but lines with ``says`` in them."""
    path.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "rumpclients.fuse.main", "-f", *options, source, str(path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        eventually(lambda: os.path.ismount(path) or process.poll() is not None, 20, "mounted")
        assert process.poll() is None, process.communicate()[1]
        yield path
    finally:
        if os.path.ismount(path):
            subprocess.run([*(["umount"] if os.geteuid() == 0 else ["fusermount3", "-u"]), path], check=True)
        _, said = process.communicate(timeout=60)  # mount namespaces that tests make beside us hold it for a while
    lines = [line for line in said.decode().splitlines() if not says or says not in line]
    assert (process.returncode, lines) == (0, [])


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "vfs", "--placement", "server") as kernel:
        with rump.connect(kernel.url) as k:
            k.sys.mkdir("/mnt", 0o755)
            k.sys.mount("tmpfs", "/mnt")
        yield kernel


@pytest.fixture(scope="module", params=["kernel", "ffs"])
def mount(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of a running kernel, and of one in the process that serves the mount."""
    if why := may_mount():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("fuse")
    if request.param == "kernel":
        source = f"{request.getfixturevalue('kernel').url}:/mnt"
    else:
        source = str(folder / "image")
        rump.newfs(source, "ffs", 64 << 20)
    with mounted(source, folder / "mnt") as path:
        yield path


@pytest.fixture
def folder(mount: Path, request: pytest.FixtureRequest) -> Path:
    path = mount / request.node.originalname
    path.mkdir()
    return path


# -- programs


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("tree")
    (top / "sub" / "deeper").mkdir(parents=True)
    for number in range(40):
        (top / "sub" / f"file{number}").write_bytes(os.urandom(number * 97))
    (top / "sub" / "deeper" / "big").write_bytes(os.urandom(3 << 20))
    (top / "link").symlink_to("sub/file7")
    os.link(top / "sub" / "file9", top / "hard")
    os.mkfifo(top / "fifo")
    (top / "sub" / "file5").chmod(0o4711)
    os.utime(top / "sub", ns=(5, 981_158_400_123_456_789))
    return top


def same(one: Path, two: Path) -> None:
    listing = ["find", ".", "-printf", "%P %M %U %G %n %s %l\n"]
    found = [
        sorted(line for line in subprocess.run(listing, cwd=at, check=True, capture_output=True).stdout.splitlines()
               if b" d" not in line) for at in (one, two)
    ]  # fmt: skip
    assert found[0] == found[1]
    subprocess.run(["diff", "-r", "--no-dereference", "-x", "fifo", one, two], check=True)


def test_cp(folder: Path, tree: Path) -> None:
    subprocess.run(["cp", "-a", tree, folder / "copy"], check=True)
    same(tree, folder / "copy")
    assert (folder / "copy" / "sub").stat().st_mtime_ns == 981_158_400_123_456_789
    subprocess.run(["rm", "-rf", folder / "copy"], check=True)
    assert list(folder.iterdir()) == []


def test_tar(folder: Path, tree: Path, tmp_path: Path) -> None:
    subprocess.run(f"tar cf - -C {tree} . | tar xpf - -C {folder}", shell=True, check=True)
    same(tree, folder)
    subprocess.run(["tar", "cf", tmp_path / "out.tar", "-C", folder, "."], check=True)
    subprocess.run(["tar", "df", tmp_path / "out.tar", "-C", tree], check=True)


def test_rsync(folder: Path, tree: Path) -> None:
    subprocess.run([need("rsync"), "-aHX", f"{tree}/", folder], check=True)
    same(tree, folder)
    again = subprocess.run(["rsync", "-aHXic", f"{tree}/", folder], check=True, capture_output=True)
    assert again.stdout == b""


def test_git(folder: Path, tree: Path) -> None:
    def git(*words: str) -> bytes:
        command = [need("git"), "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "safe.directory=*", *words]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout

    git("init", "-q")
    shutil.copytree(tree / "sub", folder / "sub")
    git("add", "-A")
    git("commit", "-qm", "first")
    (folder / "sub" / "file1").write_text("changed")
    assert git("status", "--short") == b" M sub/file1\n"
    git("stash")
    git("fsck", "--strict")
    assert git("status", "--short") == b""


def test_sqlite(folder: Path) -> None:
    for journal in ("delete", "wal"):
        base = sqlite3.connect(folder / journal)
        base.execute(f"pragma journal_mode={journal}")
        base.execute("create table t(a, b)")
        for number in range(20):
            with base:
                base.execute("insert into t values(?, ?)", (number, "x" * 1000))
        assert base.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert base.execute("select sum(a) from t").fetchall() == [(190,)]
        base.close()


def test_find(folder: Path) -> None:
    (folder / "many").mkdir()
    for number in range(300):
        (folder / "many" / f"{number:050}").touch()
    found = subprocess.run(["find", folder, "-type", "f", "-size", "0"], check=True, capture_output=True).stdout
    assert len(found.splitlines()) == 300
    assert len({entry.inode() for entry in os.scandir(folder / "many")}) == 300
    subprocess.run(["find", folder / "many", "-delete"], check=True)
    assert list(folder.iterdir()) == []


# -- calls


def test_files_that_are_open_and_gone(folder: Path) -> None:
    with (folder / "f").open("w+b") as file:
        file.write(b"abc")
        file.flush()
        (folder / "f").unlink()
        assert (os.fstat(file.fileno()).st_nlink, os.fstat(file.fileno()).st_size) == (0, 3)
        os.fchmod(file.fileno(), 0o600)
        os.ftruncate(file.fileno(), 1)
        file.seek(0)
        assert file.read() == b"a"
        (folder / "f").write_text("another")
        assert os.fstat(file.fileno()).st_size == 1


def test_renaming_directories(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    with (folder / "a" / "b" / "file").open("w") as file:
        (folder / "a").rename(folder / "z")
        file.write("text")
    assert (folder / "z" / "b" / "file").read_text() == "text"
    (folder / "a").mkdir()
    assert os.listdir(folder / "a") == []
    with pytest.raises(OSError, match="not empty"):
        (folder / "a").rename(folder / "z")
    with pytest.raises(OSError, match="Invalid"):
        (folder / "z").rename(folder / "z" / "b" / "z")
    (folder / "z" / "b" / "file").replace(folder / "a" / "file")
    assert os.listdir(folder / "z" / "b") == []


def test_mapped_files(folder: Path) -> None:
    name = folder / "mapped"
    name.write_bytes(bytes(3 * mmap.PAGESIZE))
    with name.open("r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        view[5000:5003] = b"xyz"
        view.flush()
    assert name.read_bytes()[5000:5003] == b"xyz"
    subprocess.run(["cp", "/bin/true", folder / "true"], check=True)
    subprocess.run([folder / "true"], check=True)


def test_direct_io(folder: Path) -> None:
    """Past the host's cache, and of one mind with it."""
    data = os.urandom(1 << 20)
    with mmap.mmap(-1, 1 << 20) as out, mmap.mmap(-1, 1 << 20) as back:
        out.write(data)
        fd = os.open(folder / "x", os.O_RDWR | os.O_CREAT | os.O_DIRECT)
        try:
            assert os.pwritev(fd, [out], 0) == len(data)
            assert os.preadv(fd, [back], 0) == len(data)
            assert back[:] == data
            assert (folder / "x").read_bytes() == data
            with (folder / "x").open("r+b") as file:
                file.write(b"buffered")
            assert os.preadv(fd, [back], 0) == len(data)
            assert back[:] == b"buffered" + data[8:]
        finally:
            os.close(fd)
    (folder / "x").unlink()


def test_attributes(folder: Path) -> None:
    name = folder / "file"
    name.touch()
    os.utime(name, ns=(-5, 7))
    assert (name.stat().st_atime_ns, name.stat().st_mtime_ns) == (-5, 7) or name.stat().st_mtime_ns == 7
    os.truncate(name, 1 << 20)
    assert name.stat().st_size == 1 << 20
    name.chmod(0o400)
    assert stat.filemode(name.stat().st_mode) == "-r--------"
    (folder / "sym").symlink_to("x" * 900)
    assert os.readlink(folder / "sym") == "x" * 900
    fd = os.open(name.parent / "append", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, b"12")
    os.pwrite(fd, b"3", 0)
    os.fsync(fd)
    os.fdatasync(fd)
    os.close(fd)
    assert (name.parent / "append").read_bytes() == b"123"
    space = os.statvfs(folder)
    assert space.f_bavail > 0
    assert space.f_namemax >= 255


def test_odd_names(folder: Path) -> None:
    for name in (b"\xff\xfe", b"a\nb", b" ", "straße".encode(), b"x" * 255):
        path = os.fsencode(folder) + b"/" + name
        os.mkdir(path)
        assert name in os.listdir(os.fsencode(folder))
        os.rename(path, path[:-1] + b"y")
        os.rmdir(path[:-1] + b"y")
    with pytest.raises(OSError, match="too long"):
        (folder / ("x" * 256)).touch()


def test_deep_paths(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    for depth in range(30):
        os.mkdir(f"{depth:02}" + "d" * 60, dir_fd=fd)
        below = os.open(f"{depth:02}" + "d" * 60, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("end", os.O_WRONLY | os.O_CREAT, dir_fd=fd))
    assert os.stat("end", dir_fd=fd).st_size == 0
    assert os.listdir(fd) == ["end"]
    os.close(fd)
    shutil.rmtree(folder)


@root
def test_owners(folder: Path) -> None:
    def nobody(command: str) -> int:
        words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c", command]
        return subprocess.run(words, cwd=folder, stderr=subprocess.DEVNULL, check=False).returncode

    os.chmod(folder.parent, 0o755)
    os.chmod(folder, 0o755)
    assert nobody("touch x") != 0
    os.chmod(folder, 0o1777)
    assert nobody("touch x && mkdir d && ln -s x l && mkfifo f") == 0
    assert [(folder / n).lstat().st_uid for n in ("x", "d", "l", "f")] == [65534] * 4
    assert (folder / "x").stat().st_gid == 65534
    (folder / "mine").touch()
    assert nobody("rm -f mine; chmod 777 mine") != 0
    (folder / "group").mkdir()
    os.chown(folder / "group", 0, 7)
    (folder / "group").chmod(0o2777)
    assert nobody("mkdir group/d && touch group/f") == 0
    assert [(folder / "group" / n).stat().st_gid for n in ("d", "f")] == [7, 7]
    assert (folder / "group" / "d").stat().st_mode & stat.S_ISGID


# -- what one kernel shows


@fuse
def test_others_see_what_is_written(kernel: LiveKernel, tmp_path: Path) -> None:
    with mounted(f"{kernel.url}:/mnt", tmp_path / "mnt", "-o", "attr_timeout=0,entry_timeout=0") as path:
        with rump.connect(kernel.url) as k:
            (path / "shared").write_text("host")
            tree = rump.fs.Tree(k, "/mnt")
            assert tree.read_text("shared") == "host"
            tree.write_text("shared", "kernel!")
            assert (path / "shared").read_text() == "kernel!"
            tree.remove("shared")
            tree.mkdir("shared")
            assert (path / "shared").is_dir()
            tree.rmdir("shared")
        (path / "x").touch()
        if path.stat().st_uid == os.getuid():
            os.setxattr(path / "x", "user.colour", b"red")
            assert os.listxattr(path / "x") == ["user.colour"]
            assert os.getxattr(path / "x", "user.colour") == b"red"
            os.removexattr(path / "x", "user.colour")
            with pytest.raises(OSError, match="No data"):
                os.getxattr(path / "x", "user.colour")
        with (path / "x").open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, 100_000)
            assert os.fstat(file.fileno()).st_size == 100_000
            file.seek(1 << 20)
            file.write(b"end")
            file.flush()
            assert os.lseek(file.fileno(), 200_000, os.SEEK_DATA) >= 1 << 19
        (path / "x").unlink()


@fuse
def test_an_image_that_is_only_read(tree: Path, tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    subprocess.run([need("mkfs.ext4"), "-q", "-d", tree, image, "16M"], check=True, capture_output=True)
    before = image.read_bytes()
    with mounted(str(image), tmp_path / "mnt", "-o", "ro") as path:
        shutil.rmtree(path / "lost+found", ignore_errors=True)
        subprocess.run(["diff", "-r", "-x", "fifo", "-x", "lost+found", tree, path], check=True)
        with pytest.raises(OSError, match="Read-only"):
            (path / "new").touch()
        with pytest.raises(BlockingIOError):
            rump.fs.open_image(image)
    assert image.read_bytes() == before


@fuse
def test_what_is_written_is_on_the_image(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    rump.newfs(image, "msdos", 8 << 20)
    with mounted(str(image), tmp_path / "mnt") as path:
        (path / "Long File Name.txt").write_text("text")
    with rump.fs.open_image(image, readonly=True) as found:
        assert found.read_text("Long File Name.txt") == "text"


# -- the command


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rumpclients.fuse.main", *words], capture_output=True, text=True, check=False, timeout=30
    )


def test_what_cannot_be_mounted(tmp_path: Path) -> None:
    for words, status, why in (
        ([str(tmp_path / "none"), str(tmp_path)], 1, f"{tmp_path}/none: No such file or directory"),
        ([str(tmp_path), str(tmp_path / "none")], 1, f"{tmp_path}/none: not there"),
        (["unix:///none.sock:/", str(tmp_path)], 1, "/none.sock"),
        (["-o", "attr_timeout=soon", "-t", "tmpfs", "x", str(tmp_path)], 2, "not a number"),
    ):
        done = command(*words)
        assert why in done.stderr
        assert done.stderr.startswith("rump_fuse: ")
        assert done.stderr.count("\n") == 1
        assert done.returncode in (1, status)


@fuse
@pytest.mark.parametrize("how", ["unmount", "signal"])
def test_it_detaches_and_ends(how: str, tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    rump.newfs(image, "ffs", 8 << 20)
    (tmp_path / "mnt").mkdir()
    done = command(str(image), str(tmp_path / "mnt"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert os.path.ismount(tmp_path / "mnt")
    (tmp_path / "mnt" / "file").write_text("text")
    pid = _server(str(image))
    if how == "signal":
        os.kill(pid, signal.SIGTERM)
    else:
        subprocess.run(["fusermount3", "-u", tmp_path / "mnt"], check=True)
    eventually(lambda: not os.path.exists(f"/proc/{pid}"), 20, "ended")
    assert not os.path.ismount(tmp_path / "mnt")
    with rump.fs.open_image(image, readonly=True) as found:
        assert found.read_text("file") == "text"


def _server(image: str) -> int:
    """The process that serves an image: the last of its command line."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.fsencode(image) in words:
                return int(name)
    raise AssertionError("no process serves the image")


@fuse
def test_a_mount_that_is_in_use(tmp_path: Path) -> None:
    """The first signal waits until the last file is closed, the second does not."""
    (tmp_path / "mnt").mkdir()
    words = [sys.executable, "-m", "rumpclients.fuse.main", "-f", "-t", "tmpfs", "x", str(tmp_path / "mnt")]
    process = subprocess.Popen(words)
    eventually(lambda: os.path.ismount(tmp_path / "mnt"), 20, "mounted")
    fd = os.open(tmp_path / "mnt" / "file", os.O_WRONLY | os.O_CREAT)
    process.send_signal(signal.SIGTERM)
    eventually(lambda: not os.path.ismount(tmp_path / "mnt"), 20, "unmounted")
    assert process.poll() is None
    assert os.write(fd, b"text") == 4
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    with pytest.raises(OSError) as caught:  # noqa: PT011
        os.fsync(fd)
    assert caught.value.errno in (errno.ENOTCONN, errno.ECONNABORTED)
    with contextlib.suppress(OSError):
        os.close(fd)


# -- nodes and records


def _stat(ino: int, mode: int = stat.S_IFREG) -> rump.Stat:
    return rump.Stat(st_dev=1, st_ino=ino, st_mode=mode | 0o644, st_nlink=1)


def test_nodes() -> None:
    nodes = Nodes(_stat(2, stat.S_IFDIR))
    a = nodes.found(nodes.root, b"a", _stat(3, stat.S_IFDIR))
    f = nodes.found(a, b"f", _stat(4))
    assert nodes.found(a, b"g", _stat(4)) is f
    assert (nodes.path(f), f.lookups, len(nodes)) == (b"/a/f", 2, 3)
    nodes.moved(nodes.root, b"a", nodes.root, b"b")
    assert nodes.path(f) == b"/b/f"
    nodes.lost(a, b"f")
    assert nodes.path(f) == b"/b/g"
    nodes.lost(a, b"g")
    assert nodes.path(f) is None
    nodes.gone(f)
    assert nodes.found(a, b"h", _stat(4)) is not f
    nodes.forget(a.nodeid, 1)
    assert nodes[a.nodeid] is a
    h = nodes.at(a, b"h")
    assert h is not None
    nodes.forget(h.nodeid, 1)
    with pytest.raises(KeyError):
        nodes[a.nodeid]
    nodes.forget(f.nodeid, 2)
    nodes.forget(99, 1)
    nodes.forget(ROOT, 5)
    assert len(nodes) == 1


def test_a_number_that_comes_to_stand_for_another_file() -> None:
    nodes = Nodes(_stat(2, stat.S_IFDIR))
    file = nodes.found(nodes.root, b"x", _stat(3))
    assert nodes.found(nodes.root, b"x", _stat(3, stat.S_IFDIR)) is not file
    assert nodes.path(file) is None


def test_sizes_of_records() -> None:
    """As in linux/fuse.h."""
    sizes = {
        "HEADER": 40, "REPLY": 16, "SETATTR_IN": 88, "READ_IN": 40, "WRITE_IN": 40, "ENTRY_OUT": 40, "INIT_OUT": 64,
        "STATFS_OUT": 80, "OPEN_OUT": 16, "ATTR_OUT": 16, "RELEASE_IN": 24, "FALLOCATE_IN": 32, "LSEEK_IN": 24,
    }  # fmt: skip
    assert {name: getattr(protocol, name).size for name in sizes} == sizes
    times = protocol.Attributes(1, 2, 3, -1, 5, 6, 7, 8, 9, 10, 11, 12).emit()
    assert len(times) == 88
    assert times[24:32] == b"\xff" * 8
    assert len(protocol.dirent(1, 2, 4, b"abc")) == 32
