"""Components are replaced under what they hold of the host and of others: disks on disks, taps, busses, servers."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import itertools
import os
import random
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

import rump
from rumpclients import _npf_conf, demo_module
from tests.conformance.test_aio import block, finish
from tests.conformance.test_disks import MIB, cgd_clear, cgd_set, raid, raid_set
from tests.conformance.test_nfs import Mount
from tests.conformance.test_pty import new
from tests.conformance.test_sockin import use_the_host
from tests.integration.test_replacement import NAMES, begun, pid_of, read_all, replace, waits
from tests.live import LiveKernel, live_kernel
from tests.netns import Netns, cable, netns
from tests.nfs_server import serving

ROUNDS = 2


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKernel]:
    key = tmp_path_factory.mktemp("keys") / "key"
    rump.generate_key(key)
    with live_kernel("--module-key", f"{key}.pub") as live:
        live.key = key  # type: ignore[attr-defined]
        yield live
        assert "Traceback" not in live.log


@pytest.fixture
def k(kernel: LiveKernel) -> Iterator[Any]:
    with rump.connect(kernel.url) as client:
        yield client


@pytest.fixture
def disks(k: Any, tmp_path: Path) -> Iterator[list[str]]:
    """Three host files as disks."""
    keys = [f"/dev/under{number}" for number in range(3)]
    for key in keys:
        path = tmp_path / os.path.basename(key)
        path.write_bytes(bytes(9 * MIB))
        k.pub.etfs_register(key, str(path), type="blk")
    yield keys
    for key in keys:
        k.pub.etfs_remove(key)


@pytest.mark.parametrize("kind", ["cgd", "raid", "cgd on raid"])
def test_disks_on_disks_under_a_mount(k: Any, disks: list[str], kind: str) -> None:
    """dev reads the host's files through vfs, and vfs has a file system on dev."""
    if "raid" in kind:
        raid_set(k, 5, disks, force=True)
        raid(k, rump.RAIDFRAME_REWRITEPARITY)
    if "cgd" in kind:
        cgd_set(k, "/dev/raid0d" if "raid" in kind else disks[0])
    device = "/dev/cgd0d" if "cgd" in kind else "/dev/raid0d"
    k.sys.mkdir("/on", 0o755)
    k.pub.newfs("ext2fs", device)
    k.sys.mount("ext2fs", "/on", device=device)
    fd = k.sys.open("/on/file", os.O_CREAT | os.O_RDWR, 0o644)
    data = b""
    for name in ("dev", "vfs") * ROUNDS:
        piece = os.urandom(200_000)
        assert k.sys.write(fd, piece) == len(piece)
        data += piece
        replace(k, name)
        assert k.sys.pread(fd, len(data), 0) == data
    k.sys.close(fd)
    k.sys.unmount("/on")
    k.sys.mount("ext2fs", "/on", device=device, readonly=True)
    with k.open("/on/file", "rb") as file:
        assert hashlib.sha256(file.read()).digest() == hashlib.sha256(data).digest()
    k.sys.unmount("/on")
    k.sys.rmdir("/on")
    if "cgd" in kind:
        cgd_clear(k)
    if "raid" in kind:
        assert raid(k, rump.RAIDFRAME_CHECK_PARITY).integer == 1
        raid(k, rump.RAIDFRAME_SHUTDOWN)


def test_a_file_that_is_written_while_its_disk_is_replaced(kernel: LiveKernel, k: Any, disks: list[str]) -> None:
    """The driver in vfs is in the middle of a call of dev."""
    cgd_set(k, disks[0])
    k.sys.mkdir("/busy", 0o755)
    k.pub.newfs("ext2fs", "/dev/cgd0d")
    k.sys.mount("ext2fs", "/busy", device="/dev/cgd0d")
    fd = k.sys.open("/busy/file", os.O_CREAT | os.O_RDWR, 0o644)
    over, versions = threading.Event(), [0]

    def write() -> None:
        while not over.is_set():
            versions[0] += 1
            k.sys.pwrite(fd, b"%08d" % versions[0] * 8192, 0)
            k.sys.fsync(fd)

    writing = begun(write)
    with rump.connect(kernel.url) as other:
        for name in ("dev", "dev", "vfs", "dev"):
            before = versions[0]
            replace(other, name)
            while versions[0] < before + 2:
                assert not over.wait(0.01)
    over.set()
    writing()
    assert k.sys.pread(fd, 1 << 16, 0) == b"%08d" % versions[0] * 8192
    k.sys.close(fd)
    k.sys.unmount("/busy")
    k.sys.rmdir("/busy")
    cgd_clear(k)


def test_terminals(kernel: LiveKernel, k: Any) -> None:
    pair = new(k)
    k.sys.ioctl(pair.cfd, rump.TIOCSWINSZ, rump.Winsize(25, 80))
    k.sys.write(pair.cfd, b"half a ")
    with rump.connect(kernel.url) as other:
        reader = begun(lambda: k.sys.read(pair.sfd, 100))
        waits(kernel, 1)
        for name in ("dev", "vfs") * ROUNDS:
            replace(other, name)
    k.sys.write(pair.cfd, b"line\n")
    assert reader() == b"half a line\n"
    assert k.sys.read(pair.cfd, 100) == b"half a line\r\n"
    assert k.sys.ioctl(pair.sfd, rump.TIOCGWINSZ).data == rump.Winsize(25, 80, 0, 0)
    k.sys.close(pair.cfd)
    assert k.sys.read(pair.sfd, 10) == b""
    k.sys.close(pair.sfd)


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_requests_of_aio_that_wait(kernel: LiveKernel, k: Any, kind: str) -> None:
    r, w = k.sys.pipe() if kind == "pipe" else k.sys.socketpair(rump.AF_LOCAL, rump.SOCK_STREAM, 0)
    requests = [block(r, nbytes=5) for _ in range(3)]
    for request in requests:
        k.sys.aio_read(request)
    suspended = begun(lambda: k.sys.aio_suspend([requests[0].aiocbp], None))
    with rump.connect(kernel.url) as other:
        for _ in range(ROUNDS):
            replace(other, "kern" if kind == "pipe" else "net")
    assert k.sys.aio_error(requests[0].aiocbp) == errno.EINPROGRESS
    for text in (b"first", b"then ", b"last."):
        k.sys.write(w, text)
    suspended()
    assert [finish(k, request) for request in requests] == [(0, 5, b"first"), (0, 5, b"then "), (0, 5, b"last.")]
    for fd in (r, w):
        k.sys.close(fd)


def test_requests_of_aio_on_files(k: Any) -> None:
    fd = k.sys.open("/tmp/by-aio", os.O_CREAT | os.O_RDWR, 0o644)
    requests = [k.aio.write(fd, bytes([n]) * 10_000, n * 10_000) for n in range(50)]
    replace(k, "vfs")
    requests += [k.aio.write(fd, bytes([n]) * 10_000, n * 10_000) for n in range(50, 100)]
    assert k.aio.fsync(fd).result(60) == 0
    assert [request.result(60) for request in requests] == [10_000] * 100
    assert k.sys.pread(fd, 1_000_000, 0) == b"".join(bytes([n]) * 10_000 for n in range(100))
    k.sys.close(fd)


def test_modules_that_were_uploaded(kernel: LiveKernel, k: Any, tmp_path: Path) -> None:
    wheel = tmp_path / demo_module.WHEEL_NAME
    wheel.write_bytes(demo_module.wheel())
    k.modules.upload(wheel, key=kernel.key)  # type: ignore[attr-defined]
    k.sys.mkdir("/hello", 0o755)
    k.sys.mount("hellofs", "/hello", readonly=True)
    fd = k.sys.open("/hello/greeting", os.O_RDONLY)
    for count in range(1, 4):
        assert k.sys.pread(fd, 100, 0) == b"hello, world\n"
        replace(k, "vfs", fresh=count == 2)
        replace(k, "kern")
        assert k.open("/hello/counter").read() == f"{count}\n"
    k.sys.close(fd)
    k.sys.unmount("/hello")
    k.pub.module_fini("hellofs")
    k.modules.upload(wheel, key=kernel.key)  # type: ignore[attr-defined]
    k.pub.module_fini("hellofs")
    k.sys.rmdir("/hello")


def test_what_cannot_be_handed_over(kernel: LiveKernel, k: Any, tmp_path: Path) -> None:
    """It is told what that is, and all goes on: who waited waits, and when it is gone there is nothing against it."""
    source = resources.files("rumpclients").joinpath("data/hellofs.py").read_text()
    assert "class HelloFs(FileSystem):" in source
    held = source.replace(
        "self.mounted_ns =", "self.library = __import__('threading').Lock()\n        self.mounted_ns ="
    )
    assert held != source
    info = f"{demo_module.NAME}-{demo_module.VERSION}.dist-info"
    wheel = tmp_path / demo_module.WHEEL_NAME
    with zipfile.ZipFile(io.BytesIO(demo_module.wheel())) as whole:
        parts = {name: whole.read(name) for name in whole.namelist() if not name.endswith("RECORD")}
    wheel.write_bytes(demo_module.pack({**parts, "hellofs/__init__.py": held.encode()}, f"{info}/RECORD"))
    k.modules.upload(wheel, key=kernel.key)  # type: ignore[attr-defined]
    k.sys.mkdir("/held", 0o755)
    k.sys.mount("hellofs", "/held", readonly=True)
    k.sys.mkfifo("/tmp/waited-at", 0o600)
    fd = k.sys.open("/tmp/waited-at", os.O_RDWR, 0)
    with rump.connect(kernel.url) as other:
        reader = begun(lambda: k.sys.read(fd, 100))
        waits(kernel, 1)
        before = pid_of(other, "vfs")
        for _ in range(ROUNDS):
            with pytest.raises(OSError, match="lock") as refused:
                other.pub.component_restart("vfs")
            assert refused.value.errno == errno.EOPNOTSUPP
        assert pid_of(other, "vfs") == before
    k.sys.write(fd, b"all along")
    assert reader() == b"all along"
    k.sys.close(fd)
    assert k.open("/held/greeting").read() == "hello, world\n"
    k.sys.unmount("/held")
    replace(k, "vfs")
    k.pub.module_fini("hellofs")
    k.sys.rmdir("/held")


def test_files_of_a_server() -> None:
    """NFS through sockets of the host: the connection goes over. A driver that waits for the server stays."""
    with serving() as server, live_kernel() as live, rump.connect(live.url) as k:
        use_the_host(k)
        mount = Mount(k, server)
        fd = k.sys.open(f"{mount.path}/file", os.O_CREAT | os.O_RDWR, 0o644)
        data = b""
        for name in ("vfs", "net") * ROUNDS:
            piece = os.urandom(100_000)
            k.sys.write(fd, piece)
            data += piece
            replace(k, name)
            assert k.sys.pread(fd, len(data), 0) == data
        k.sys.fsync(fd)
        assert (server.export / "file").read_bytes() == data
        k.sys.close(fd)
        server.wire.refuse = True
        server.wire.cut()
        asked = begun(lambda: k.sys.mkdir(f"{mount.path}/new", 0o755))
        waits(live, 1)
        with rump.connect(live.url) as other:
            before = pid_of(other, "vfs")
            with pytest.raises(OSError, match=r"did not end within .*: mkdir") as refused:
                other.pub.component_restart("vfs")
            assert refused.value.errno == errno.EBUSY
            assert pid_of(other, "vfs") == before
        server.wire.refuse = False
        asked()
        assert (server.export / "new").is_dir()
        replace(k, "vfs")
        mount.end()
        assert "Traceback" not in live.log


@pytest.fixture
def tap(k: Any) -> Iterator[Netns]:
    """A cable to the kernel of Linux."""
    with netns() as ns:
        cable(k, ns, "10.82.0.1", "10.82.0.2")
        yield ns
        k.pub.netconfig_ifdown("virt0")
        k.pub.netconfig_ifdestroy("virt0")


ECHO = """
import socket
server = socket.create_server(("10.82.0.2", 7))
print("up", flush=True)
connection, _ = server.accept()
while data := connection.recv(65536):
    connection.sendall(data)
"""


def test_a_connection_with_linux(kernel: LiveKernel, k: Any, tap: Netns) -> None:
    echo = subprocess.Popen(tap.command(sys.executable, "-c", ECHO), stdout=subprocess.PIPE)
    assert echo.stdout is not None
    assert echo.stdout.readline() == b"up\n"
    s = k.socket(socket.AF_INET, rump.SOCK_STREAM)
    s.connect(("10.82.0.2", 7))
    data = random.Random(1).randbytes(3 * MIB)
    sent = begun(lambda: s.sendall(data))
    got = b""
    with rump.connect(kernel.url) as other:
        for part in range(1, 5):
            got += read_all(k, s.fileno(), len(data) * part // 5 - len(got))
            replace(other, "net")
    got += read_all(k, s.fileno(), len(data) - len(got))
    sent()
    assert got == data
    s.close()
    assert echo.wait(60) == 0
    echo.stdout.close()


NPF = """map shmif1 dynamic 10.0.0.0/24 -> inet4(shmif1)
group "out" on shmif1 {
  pass stateful out final all
  block in final all
}
group default { pass all }
"""


@contextlib.contextmanager
def host(bus: Path, address: str, gateway: str = "") -> Iterator[Any]:
    """A kernel in this process on a bus."""
    with rump.Kernel(factions=("net",)) as k:
        join(k, "shmif0", bus, address)
        if gateway:
            k.pub.netconfig_ipv4_gw(gateway)
        yield k


def join(k: Any, name: str, bus: Path, address: str) -> None:
    k.pub.netconfig_ifcreate(name)
    k.pub.netconfig_ifsetlinkstr(name, str(bus))
    k.pub.netconfig_ifup(name)
    k.pub.netconfig_ipv4_ifaddr_cidr(name, address, 24)


def test_a_router_with_nat_between_two_kernels(kernel: LiveKernel, k: Any, tmp_path: Path) -> None:
    lan, wan = tmp_path / "lan", tmp_path / "wan"
    with host(lan, "10.0.0.2", "10.0.0.1") as client, host(wan, "192.0.2.9") as server:
        join(k, "shmif0", lan, "10.0.0.1")
        join(k, "shmif1", wan, "192.0.2.1")
        k.sysctl("net.inet.ip.forwarding", 1)
        k.pub.npf_load(_npf_conf.parse(NPF, "npf.conf"))
        k.pub.npf_switch(True)
        listener = server.socket(socket.AF_INET, rump.SOCK_STREAM)
        listener.bind(("", 80))
        listener.listen(5)
        s = client.socket(socket.AF_INET, rump.SOCK_STREAM)
        s.connect(("192.0.2.9", 80))
        connection, (address, port) = listener.accept()
        assert address == "192.0.2.1"
        before = nat(k)
        assert len(before) == 1
        data = random.Random(2).randbytes(MIB)
        sent = begun(lambda: s.sendall(data))
        got = b""
        for part in range(1, 4):
            got += read_all(server, connection.fileno(), len(data) * part // 4 - len(got))
            replace(k, "net")
        got += read_all(server, connection.fileno(), len(data) - len(got))
        sent()
        assert got == data
        connection.sendall(b"back through the same hole")
        assert s.recv(100) == b"back through the same hole"
        assert nat(k) == before
        assert connection.getpeername() == ("192.0.2.1", port)
        for each in (s, connection, listener):
            each.close()
        k.pub.npf_flush()
        for name in ("shmif0", "shmif1"):
            k.pub.netconfig_ifdestroy(name)


def nat(k: Any) -> list[tuple[Any, ...]]:
    """Connections under the router's address."""
    found = k.pub.npf_connections()
    return [(c.protocol, c.source, c.destination, c.translated, c.ifname) for c in found if c.translated is not None]


def test_a_mixed_load_through_replacements_of_all_by_turns(kernel: LiveKernel) -> None:
    """Each knows what it must find; no call fails."""
    over = threading.Event()
    loads = [begun(lambda load=load: load(kernel.url, over)) for load in (files, counters, connections, pipes)]
    with rump.connect(kernel.url) as k:
        for turn, name in enumerate(itertools.chain(*[NAMES] * (ROUNDS + 1))):
            replace(k, name, fresh=turn == 2)
    over.set()
    assert all(load() > 3 for load in loads)


def files(url: str, over: threading.Event) -> int:
    chance, count = random.Random(3), 0
    with rump.connect(url) as k:
        k.sys.mkdir("/tmp/mixed", 0o755)
        k.sys.chdir("/tmp/mixed")
        digests: dict[int, bytes] = {}
        while not over.is_set():
            data = chance.randbytes(chance.randrange(50_000))
            with k.open(f"{count % 10}", "wb") as file:
                file.write(data)
            digests[count % 10] = hashlib.sha256(data).digest()
            which = chance.choice(list(digests))
            with k.open(f"{which}", "rb") as file:
                assert hashlib.sha256(file.read()).digest() == digests[which]
            count += 1
        assert k.listdir(".") == sorted(map(str, digests))
    return count


def counters(url: str, over: threading.Event) -> int:
    """Two processes that share a file as a counter, with a lock, and a semaphore of kern."""
    with rump.connect(url) as k:
        semaphore = k.sys.ksem_init(1)
        fd = k.sys.open("/tmp/counter", os.O_CREAT | os.O_RDWR, 0o644)
        k.sys.pwrite(fd, b"%010d" % 0, 0)
        counts = [0, 0]

        def count(number: int, process: Any) -> None:
            while not over.is_set():
                process.sys.ksem_wait(semaphore)
                process.sys.pwrite(fd, b"%010d" % (int(process.sys.pread(fd, 10, 0)) + 1), 0)
                process.sys.ksem_post(semaphore)
                counts[number] += 1

        with k.fork() as child:
            working = begun(lambda: count(1, child))
            count(0, k)
            working()
            assert int(k.sys.pread(fd, 10, 0)) == sum(counts)
        return sum(counts)


def connections(url: str, over: threading.Event) -> int:
    with rump.connect(url) as k:
        listener = k.socket(socket.AF_INET, rump.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        one, count = k.socket(socket.AF_INET, rump.SOCK_STREAM), 0
        one.connect(listener.getsockname())
        other, _ = listener.accept()
        while not over.is_set():
            with k.socket(socket.AF_INET, rump.SOCK_STREAM) as brief:
                brief.connect(listener.getsockname())
                listener.accept()[0].close()
            data = b"%d " % count * 3000
            one.sendall(data)
            assert read_all(k, other.fileno(), len(data)) == data
            count += 1
    return count


def pipes(url: str, over: threading.Event) -> int:
    """More than a pipe holds, so that both sides wait."""
    with rump.connect(url) as k:
        r, w = k.sys.pipe()
        total = [0]

        def write() -> None:
            digest = hashlib.sha256()
            while not over.is_set():
                data = os.urandom(100_000)
                digest.update(data)
                assert k.sys.write(w, data) == len(data)
                total[0] += len(data)
            k.sys.write(w, digest.digest())
            k.sys.close(w)

        writing, found = begun(write), b""
        while data := k.sys.read(r, 70_000):
            found += data
        writing()
        assert len(found) == total[0] + 32
        assert hashlib.sha256(found[:-32]).digest() == found[-32:]
        return total[0] // 100_000
