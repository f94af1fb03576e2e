"""nfs against nfs-ganesha, through sockin, in all placements; the files that the server exports are the yardstick."""

from __future__ import annotations

import os
import random
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code
from tests.conformance.test_poll import later
from tests.conformance.test_sockin import on_the_host, use_the_host
from tests.live import start_kernel
from tests.nfs_server import MOUNT_PORT, NFS_PORT, Server, serving
from tests.tools import need


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture(scope="module", params=["local", "server", "split"])
def kernel(request: pytest.FixtureRequest, server: Server) -> Iterator[Any]:
    """A function that gives a client of a kernel that reaches the server."""
    with on_the_host(request.param) as connect:
        yield connect


@pytest.fixture
def k(kernel: Any) -> Iterator[Any]:
    with kernel() as client:
        yield client


class Mount:
    """The exported directory of a test, mounted; ``host`` is what the server sees."""

    count = 0

    def __init__(self, k: Any, server: Server, **options: Any) -> None:
        Mount.count += 1
        self.k = k
        self.path = f"/mnt{Mount.count}"
        self.host = server.export
        k.sys.mkdir(self.path, 0o755)
        k.sys.mount("nfs", self.path, device=server.source, **(server.options | options))

    def end(self) -> None:
        self.k.sys.unmount(self.path, rump.MNT_FORCE)
        self.k.sys.rmdir(self.path)


def empty(server: Server) -> None:
    for name in os.listdir(server.export):
        os.system(f"rm -rf {server.export / name}")


@pytest.fixture
def m(k: Any, server: Server) -> Iterator[Mount]:
    empty(server)
    mount = Mount(k, server)
    yield mount
    mount.end()


def test_files_are_those_of_the_server(k: Any, m: Mount) -> None:
    big = random.Random(1).randbytes(5_000_000)
    with k.open(f"{m.path}/big", "wb") as f:
        f.write(big)
    assert (m.host / "big").read_bytes() == big
    with k.open(f"{m.path}/big", "rb") as f:
        assert f.read() == big
        f.seek(4_000_001)
        assert f.read(100) == big[4_000_001:4_000_101]
    (m.host / "theirs").write_bytes(b"by the server")
    with k.open(f"{m.path}/theirs") as f:
        assert f.read() == "by the server"
    st, host = k.sys.stat(f"{m.path}/big"), (m.host / "big").stat()
    assert (st.st_size, st.st_ino, st.st_nlink, st.st_mtime_ns) == (
        host.st_size, host.st_ino, host.st_nlink, host.st_mtime_ns,
    )  # fmt: skip


def test_names(k: Any, m: Mount) -> None:
    p = m.path
    k.sys.mkdir(f"{p}/d", 0o750)
    assert stat.S_IMODE((m.host / "d").stat().st_mode) == 0o750
    k.sys.symlink("d/f", f"{p}/link")
    assert os.readlink(m.host / "link") == "d/f"
    k.sys.close(k.sys.open(f"{p}/link", os.O_WRONLY | os.O_CREAT, 0o600))
    assert (m.host / "d/f").exists()
    assert k.sys.readlink(f"{p}/link") == b"d/f"
    k.sys.link(f"{p}/d/f", f"{p}/second")
    assert k.sys.stat(f"{p}/second").st_nlink == 2
    k.sys.mkfifo(f"{p}/fifo", 0o600)
    assert stat.S_ISFIFO((m.host / "fifo").stat().st_mode)
    k.sys.rename(f"{p}/second", f"{p}/d/third")
    assert sorted(os.listdir(m.host / "d")) == ["f", "third"]
    assert code(k.sys.rmdir, f"{p}/d") == "ENOTEMPTY"
    assert code(k.sys.open, f"{p}/none", os.O_RDONLY) == "ENOENT"
    assert code(k.sys.mkdir, f"{p}/d", 0o755) == "EEXIST"
    assert code(k.sys.open, f"{p}/d/f/x", os.O_RDONLY) == "ENOTDIR"
    assert code(k.sys.open, f"{p}/{'x' * 256}", os.O_CREAT | os.O_WRONLY, 0o644) == "ENAMETOOLONG"
    assert code(k.sys.rename, f"{p}/d", f"{p}/d/e") == "EINVAL"
    k.sys.unlink(f"{p}/d/f")
    k.sys.unlink(f"{p}/d/third")
    k.sys.rmdir(f"{p}/d")
    assert sorted(os.listdir(m.host)) == ["fifo", "link"]
    k.sys.chdir(p)
    assert k.sys.getcwd() == p.encode()
    k.sys.chdir("/")


def test_attributes(k: Any, m: Mount) -> None:
    path, host = f"{m.path}/f", m.host / "f"
    k.sys.close(k.sys.open(path, os.O_WRONLY | os.O_CREAT, 0o644))
    k.sys.chmod(path, 0o640)
    k.sys.chown(path, 1234, 5678)
    k.sys.utimes(path, 1_000_000_000.5, 1_100_000_000.25)
    st = host.stat()
    assert (stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid) == (0o640, 1234, 5678)
    assert (st.st_atime_ns, st.st_mtime_ns) == (1_000_000_000_500_000_000, 1_100_000_000_250_000_000)
    k.sys.truncate(path, 70_000)
    assert host.stat().st_size == 70_000
    k.sys.truncate(path, 3)
    assert host.read_bytes() == b"\0\0\0"
    vfs = k.sys.statvfs1(m.path)
    assert (vfs.f_fstypename, vfs.f_flag & rump.MNT_LOCAL) == ("nfs", 0)
    assert 0 < vfs.f_bavail <= vfs.f_blocks


def test_many_names(k: Any, m: Mount) -> None:
    names = [f"file-{number:05}-{'x' * (number % 100)}" for number in range(400)]
    for name in names:
        (m.host / name).touch()
    assert sorted(k.listdir(m.path)) == sorted(names)
    fd = k.sys.open(m.path, os.O_RDONLY)
    first = k.sys.getdents(fd, 2000)
    k.sys.lseek(fd, first[9].d_off, os.SEEK_SET)
    assert k.sys.getdents(fd, 2000)[0].d_name == first[10].d_name, "a place in a directory can be found again"
    k.sys.close(fd)


def test_who_asks(k: Any, m: Mount) -> None:
    user = k.fork()
    user.sys.setgroups([77, 78])
    user.sys.setgid(500)
    user.sys.setuid(500)
    m.host.chmod(0o777)
    user.sys.close(user.sys.open(f"{m.path}/mine", os.O_WRONLY | os.O_CREAT, 0o600))
    st = (m.host / "mine").stat()
    assert (st.st_uid, st.st_gid) == (500, 500)
    (m.host / "group").write_text("for 78")
    os.chown(m.host / "group", 0, 78)
    (m.host / "group").chmod(0o640)
    assert user.open(f"{m.path}/group").read() == "for 78"
    (m.host / "secret").touch(0o600)
    assert code(user.sys.open, f"{m.path}/secret", os.O_RDONLY) == "EACCES"
    user.close()


def test_a_removed_file_that_is_open(k: Any, m: Mount) -> None:
    fd = k.sys.open(f"{m.path}/f", os.O_RDWR | os.O_CREAT, 0o644)
    k.sys.write(fd, b"still here")
    k.sys.unlink(f"{m.path}/f")
    (silly,) = os.listdir(m.host)
    assert silly.startswith(".nfs")
    assert k.sys.pread(fd, 100, 0) == b"still here"
    k.sys.close(fd)
    assert os.listdir(m.host) == []


def test_closing_and_opening_is_when_others_see_it(kernel: Any, k: Any, m: Mount, server: Server) -> None:
    second = Mount(k, server)
    try:
        with k.open(f"{m.path}/f", "w") as f:
            f.write("one")
        with k.open(f"{second.path}/f") as f:
            assert f.read() == "one"
        with k.open(f"{m.path}/f", "w") as f:
            f.write("two, and longer")
        with k.open(f"{second.path}/f") as f:
            assert f.read() == "two, and longer"
    finally:
        second.end()


def test_attributes_are_kept_for_a_while(k: Any, m: Mount, server: Server) -> None:
    fresh = Mount(k, server, noac=True)
    try:
        (m.host / "f").write_bytes(b"x")
        assert k.sys.stat(f"{m.path}/f").st_size == k.sys.stat(f"{fresh.path}/f").st_size == 1
        (m.host / "f").write_bytes(b"longer")
        assert k.sys.stat(f"{m.path}/f").st_size == 1
        assert k.sys.stat(f"{fresh.path}/f").st_size == 6
    finally:
        fresh.end()


def test_a_connection_that_breaks(k: Any, m: Mount, server: Server) -> None:
    with k.open(f"{m.path}/f", "wb") as f:
        for number in range(20):
            f.write(bytes([number]) * 10_000)
            f.flush()
            if number % 5 == 0:
                server.wire.cut()
    assert (m.host / "f").read_bytes() == b"".join(bytes([number]) * 10_000 for number in range(20))


def test_an_answer_that_is_lost(k: Any, m: Mount, server: Server) -> None:
    mount = Mount(k, server, timeo=5)
    try:
        server.wire.swallow = 1
        before = server.wire.connections
        k.sys.mkdir(f"{mount.path}/once", 0o755)
        assert server.wire.swallow == 0
        assert server.wire.connections == before, "asked again, with the number of before, where it was asked first"
        assert (m.host / "once").is_dir()
    finally:
        mount.end()


def test_a_server_that_is_away(k: Any, m: Mount, server: Server) -> None:
    soft = Mount(k, server, soft=True, timeo=3, retrans=2)
    try:
        server.wire.refuse = True
        server.wire.cut()
        assert code(k.sys.stat, f"{soft.path}/none") == "ETIMEDOUT"
        other = time.monotonic()
        k.sys.stat("/tmp")
        assert time.monotonic() - other < 1, "everything else goes on"
        thread = threading.Timer(0.5, lambda: setattr(server.wire, "refuse", False))
        thread.start()
        assert code(k.sys.stat, f"{m.path}/none") == "ENOENT", "a hard mount waits"
        thread.join()
    finally:
        server.wire.refuse = False
        soft.end()


def test_a_server_that_crashes_before_the_commit(k: Any, m: Mount, server: Server) -> None:
    data = random.Random(2).randbytes(300_000)
    fd = k.sys.open(f"{m.path}/f", os.O_RDWR | os.O_CREAT, 0o644)
    k.sys.write(fd, data)
    server.kill()
    with (m.host / "f").open("r+b") as lost:
        lost.truncate(0)  # what was not committed went with the crash
    thread = later(server.start)
    k.sys.fsync(fd)
    thread.join()
    assert (m.host / "f").read_bytes() == data
    k.sys.close(fd)


def test_a_file_that_is_gone_after_a_crash(k: Any, m: Mount, server: Server) -> None:
    fd = k.sys.open(f"{m.path}/f", os.O_RDWR | os.O_CREAT, 0o644)
    k.sys.write(fd, b"abc")
    k.sys.fsync(fd)
    server.kill()
    (m.host / "f").unlink()
    (m.host / "other").write_bytes(b"another file")
    server.start()
    assert code(k.sys.pwrite, fd, b"x", 0) == "ESTALE"
    assert code(k.sys.fstat, fd) == "ESTALE"
    k.sys.close(fd)


def test_mounts_that_are_refused(k: Any, server: Server) -> None:
    k.sys.mkdir("/mnt", 0o755)

    def mount(source: str, **options: Any) -> str:
        return code(k.sys.mount, "nfs", "/mnt", device=source, **(server.options | options))

    try:
        assert mount(f"{server.source}/none") in ("ENOENT", "EACCES")
        assert mount("somewhere:/x") == "EINVAL"
        assert mount("127.0.0.1") == "EINVAL"
        assert mount(server.source, rsize="much") == "EINVAL"
        assert mount(server.source, vers=4) == "EINVAL"
        assert mount(server.source, colour="blue") == "EINVAL"
        assert mount(server.source, mountport=9, timeo=1, retrans=1) in ("ETIMEDOUT", "ECONNREFUSED")
    finally:
        k.sys.rmdir("/mnt")


def test_as_a_directory_of_the_host(k: Any, m: Mount, tmp_path: Path) -> None:
    """The same changes through nfs and on a directory here leave the same trees, and fail alike."""
    chance = random.Random(7)
    names = [f"{a}/{b}" if b else a for a in ("a", "b", "c") for b in ("", "x", "y")]

    def ours(call: str, *args: Any) -> str:
        try:
            getattr(k.sys, call)(*args)
        except OSError as error:
            return os.strerror(error.errno or 0)
        return ""

    def theirs(call: Any, *args: Any) -> str:
        try:
            call(*args)
        except OSError as error:
            return os.strerror(error.errno or 0)
        return ""

    for _ in range(150):
        one, two = chance.choice(names), chance.choice(names)
        what = chance.choice(["mkdir", "rmdir", "rename", "link", "unlink", "create", "truncate"])
        p, q, hp, hq = f"{m.path}/{one}", f"{m.path}/{two}", tmp_path / one, tmp_path / two
        if what in ("rename", "link"):
            if what == "link" and hp.is_dir():
                continue
            same = hp.exists() and hq.exists() and hp.samefile(hq)
            pair = (ours(what, p, q), theirs(getattr(os, what), hp, hq)) if not same else ("", "")
        elif what == "create":
            pair = (ours("mknod", p, stat.S_IFREG | 0o644, 0), theirs(hp.touch, 0o644, False))
        elif what == "truncate":
            pair = (ours("truncate", p, 5), theirs(os.truncate, hp, 5))
        elif what == "unlink" and hp.is_dir():
            continue
        else:
            pair = (ours(what, p, *([0o755] if what == "mkdir" else [])), theirs(getattr(os, what), hp))
        assert bool(pair[0]) == bool(pair[1]), (what, one, two, pair)
        found = sorted(str(path.relative_to(m.host)) for path in m.host.rglob("*") if not path.name.startswith(".nfs"))
        assert found == sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))


def test_a_kernel_ends_without_its_server(server: Server, tmp_path: Path) -> None:
    k = rump.Kernel(factions=("net", "vfs"))
    use_the_host(k)
    mount = Mount(k, server, timeo=3, retrans=1)
    fd = k.sys.open(f"{mount.path}/unwritten", os.O_WRONLY | os.O_CREAT, 0o644)
    k.sys.write(fd, b"x" * 1000)
    server.wire.refuse = server.mount_wire.refuse = True
    server.wire.cut()
    begin = time.monotonic()
    try:
        with pytest.raises(TimeoutError):
            k.close()
        assert time.monotonic() - begin < 10
    finally:
        server.wire.refuse = server.mount_wire.refuse = False


# -- over the kernel's own TCP/IP


@pytest.fixture(params=["local", "split"])
def own_stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A kernel that does not know of the host's sockets."""
    if request.param == "local":
        with rump.Kernel(factions=("net", "vfs")) as k:
            yield k
        return
    live = start_kernel(tmp_path, "--placement", "split", "--factions", "vfs,net")
    with rump.connect(live.url) as k:
        yield k
    live.stop()
    assert live.process.stdout is not None
    live.process.stdout.close()


def test_over_the_kernel_s_own_stack(server: Server, own_stack: Any) -> None:
    """An interface on a tap in the server's network, TCP of ours, and nothing of the host's but frames."""
    k = own_stack
    empty(server)
    if not os.path.exists("/dev/net/tun"):
        need("/dev/net/tun")
    device = f"nfs{os.getpid() % 10000}"
    k.pub.netconfig_ifcreate("virt0")
    k.pub.netconfig_ifsetlinkstr("virt0", f"{server.network}:{device}")
    k.pub.netconfig_ifup("virt0")
    server.run("ip", "addr", "add", "10.77.0.1/24", "dev", device)
    server.run("ip", "link", "set", device, "up")
    k.pub.netconfig_ipv4_ifaddr_cidr("virt0", "10.77.0.2", 24)
    k.sys.mkdir("/own", 0o755)
    k.sys.mount("nfs", "/own", device=f"10.77.0.1:{server.export}", port=str(NFS_PORT), mountport=str(MOUNT_PORT))
    big = random.Random(2).randbytes(6_000_000)
    with k.open("/own/big", "wb") as f:
        f.write(big)
    assert (server.export / "big").read_bytes() == big
    (server.export / "theirs").write_bytes(big[::-1])
    with k.open("/own/theirs", "rb") as f:
        assert f.read() == big[::-1]
    k.sys.mkdir("/own/d", 0o755)
    for number in range(50):
        k.sys.close(k.sys.open(f"/own/d/{number}", os.O_WRONLY | os.O_CREAT, 0o644))
    assert len(os.listdir(server.export / "d")) == 50
    assert {str(n) for n in range(50)} <= set(k.listdir("/own/d"))
    k.sys.unmount("/own", 0)
