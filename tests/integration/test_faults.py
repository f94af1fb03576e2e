"""Components that are killed, or hang, while they are used: what comes back, what is repeated, what is told."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.live import LiveKernel, eventually, live_kernel
from tests.tools import need

MIB = 1 << 20


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--health", "2", "--steady", "0.5") as live:
        yield live
        assert "Traceback" not in live.log


@pytest.fixture
def k(kernel: LiveKernel) -> Iterator[Any]:
    with rump.connect(kernel.url) as client:
        yield client


def component(k: Any, name: str) -> Any:
    return next(c for c in k.status()["components"] if c["name"] == name)


def end(k: Any, name: str, number: int = signal.SIGKILL) -> None:
    """Sends a signal to a component."""
    os.kill(component(k, name)["pid"], number)


@contextmanager
def mounted(k: Any, folder: Path, path: str) -> Iterator[Path]:
    need("mkfs.ext4")
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(32 * MIB)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    key = f"/dev/{path.strip('/')}"
    k.pub.etfs_register(key, str(image), type="blk")
    k.sys.mkdir(path, 0o755)
    k.sys.mount("ext2fs", path, device=key)
    yield image
    k.sys.unmount(path, rump.MNT_FORCE)
    k.pub.etfs_remove(key)
    checked = subprocess.run(["e2fsck", "-fn", str(image)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_vfs_comes_back_with_mounts_files_and_directories(k: Any, tmp_path: Path, number: int) -> None:
    with mounted(k, tmp_path, f"/vfs{number}") as _:
        top = f"/vfs{number}"
        k.sys.mkdir(f"{top}/below", 0o755)
        fd = k.sys.open(f"{top}/below/file", os.O_CREAT | os.O_RDWR, 0o644)
        assert k.sys.write(fd, b"0123456789") == 10
        k.sys.fsync(fd)
        k.sys.lseek(fd, 3, os.SEEK_SET)
        other = k.sys.dup(fd)
        appending = k.sys.open(f"{top}/below/file", os.O_WRONLY | os.O_APPEND)
        gone = k.sys.open("/tmp/in-memory", os.O_CREAT | os.O_RDWR, 0o644)
        k.sys.chdir(f"{top}/below")
        child = k.fork()
        before, ends = k.sys.stat("file"), component(k, "vfs")["restarts"]
        end(k, "vfs", number)
        if number == signal.SIGTERM:  # until it ends it answers
            eventually(lambda: component(k, "vfs")["restarts"] > ends, 20, "another vfs is started")
        assert k.sys.read(fd, 4) == b"3456"
        assert k.sys.read(other, 4) == b"789"
        assert k.sys.getcwd() == f"{top}/below".encode()
        after = k.sys.stat("file")
        assert (after.st_ino, after.st_dev, after.st_size) == (before.st_ino, before.st_dev, 10)
        assert k.sys.write(appending, b"ab") == 2
        assert child.sys.pread(other, 20, 8) == b"89ab"
        with pytest.raises(OSError, match="ended"):
            k.sys.read(gone, 1)
        k.sys.chdir("/")
        for each in (fd, other, appending, gone):
            k.sys.close(each)
        child.close()
        assert component(k, "vfs")["restarts"]


def test_what_is_opened_next_takes_no_place_of_what_came_back(k: Any, tmp_path: Path) -> None:
    with mounted(k, tmp_path, "/places"):
        old = [k.sys.open(f"/places/{n}", os.O_CREAT | os.O_RDWR, 0o644) for n in range(4)]
        for n, fd in enumerate(old):
            k.sys.write(fd, b"%d" % n)
            k.sys.fsync(fd)
        k.sys.fcntl(old[0], rump.F_SETFL, rump.O_APPEND)
        end(k, "vfs")
        new = [k.sys.open(f"/places/new{n}", os.O_CREAT | os.O_RDWR, 0o644) for n in range(8)]
        assert [k.sys.pread(fd, 9, 0) for fd in old] == [b"0", b"1", b"2", b"3"]
        assert [k.sys.fstat(fd).st_size for fd in new] == [0] * 8
        k.sys.write(old[0], b"+")
        assert k.sys.pread(old[0], 9, 0) == b"0+"
        for fd in (*old, *new):
            k.sys.close(fd)


def test_what_was_not_made_safe_is_told_by_fsync_until_something_is_written(k: Any, tmp_path: Path) -> None:
    with mounted(k, tmp_path, "/unsafe"):
        fd = k.sys.open("/unsafe/file", os.O_CREAT | os.O_RDWR, 0o644)
        k.sys.fsync(fd)
        k.sys.write(fd, b"perhaps")
        end(k, "vfs")
        k.sys.pwrite(fd, b"perhaps", 0)  # by one who has not been told
        for ended in (False, False, True):  # the first answer may have been lost with whoever ended
            if ended:
                end(k, "vfs")
            with pytest.raises(OSError, match="may be lost"):
                k.sys.fsync(fd)
        k.sys.pwrite(fd, b"surely", 0)
        k.sys.fsync(fd)
        end(k, "vfs")
        k.sys.fsync(fd)
        assert k.sys.pread(fd, 6, 0) == b"surely"
        k.sys.close(fd)


def test_kern_comes_back_with_processes_and_settings(k: Any) -> None:
    child = k.fork()
    child.sys.setsid()
    child.sys.setgroups([5, 6])
    child.sys.setuid(1000)
    limit = k.sys.getrlimit(rump.RLIMIT_NOFILE)
    k.sysctl("kern.hostname", "phoenix")
    reader, writer = k.sys.pipe()
    before = k.sys.clock_gettime(rump.CLOCK_MONOTONIC)
    k.sysctl("proc.curproc.stopfork", 1)
    child.sysctl("proc.curproc.stopexec", 1)
    child.sysctl("proc.curproc.rlimit.cputime.soft", 77)
    end(k, "kern")
    assert [k.sysctl(f"proc.curproc.{name}") for name in ("stopfork", "stopexec")] == [1, 0]
    assert [child.sysctl(f"proc.curproc.{name}") for name in ("stopfork", "stopexec")] == [0, 1]
    assert child.sys.getrlimit(rump.RLIMIT_CPU).rlim_cur == 77
    assert child.sys.getsid(0) == child.sys.getpid()
    assert child.sys.getuid() == 1000
    assert child.sys.getgroups().gidset == [5, 6]
    assert k.sys.getrlimit(rump.RLIMIT_NOFILE) == limit
    assert k.sysctl("kern.hostname") == "phoenix"
    assert k.sys.clock_gettime(rump.CLOCK_MONOTONIC) > before
    with pytest.raises(OSError, match="ended"):
        k.sys.read(reader, 1)
    grandchild = child.fork()
    assert grandchild.sys.getpid() > child.sys.getpid()
    for client in (grandchild, child):
        client.close()
    for fd in (reader, writer):
        k.sys.close(fd)


def test_calls_that_wait_are_repeated_or_told_apart(kernel: LiveKernel, k: Any) -> None:
    """A poll goes on at the successor; a read of a pipe may have taken something: nobody knows."""
    k.sys.mkfifo("/tmp/fifo", 0o600)
    told: list[str] = []

    def read() -> None:
        with rump.connect(kernel.url) as other:
            reader, _ = other.sys.pipe()
            ready.set()
            try:
                other.sys.read(reader, 1)
            except OSError as error:
                told.append(str(error))

    ready = threading.Event()
    thread = threading.Thread(target=read)
    thread.start()
    assert ready.wait(20)
    eventually(lambda: k.statistics()["in_flight"] == 1, 20, "the read waits")
    end(k, "kern")
    thread.join(20)
    assert not thread.is_alive()
    assert "may or may not have been done" in told[0]
    assert k.sys.getpgrp() > 0


def test_one_that_ends_again_and_again_is_given_up_and_started_by_hand() -> None:
    with live_kernel("--health", "2", "--steady", "60", "--give-up", "2") as live, rump.connect(live.url) as k:
        for count in range(3):
            eventually(lambda: component(k, "dev")["restarts"] == count, 10, "dev is started")  # noqa: B023
            eventually(lambda: component(k, "dev")["state"] == "serving", 10, "dev serves")
            end(k, "dev")
        eventually(lambda: component(k, "dev")["state"] == "failed", 10, "dev is given up")
        assert "3 times" in component(k, "dev")["why"]
        with pytest.raises(OSError, match="dev"):
            k.sys.read(k.sys.open("/dev/zero", os.O_RDONLY), 1)
        k.pub.component_restart("dev")
        assert component(k, "dev")["state"] == "serving"
        assert k.sys.read(k.sys.open("/dev/zero", os.O_RDONLY), 1) == b"\0"


def test_a_restart_by_hand(k: Any, tmp_path: Path) -> None:
    with mounted(k, tmp_path, "/byhand"):
        fd = k.sys.open("/byhand/file", os.O_CREAT | os.O_RDWR, 0o644)
        k.sys.write(fd, b"kept")
        pid = component(k, "vfs")["pid"]
        k.pub.component_restart("vfs")
        assert component(k, "vfs")["pid"] != pid
        assert k.sys.pread(fd, 10, 0) == b"kept"
        k.sys.close(fd)
    with pytest.raises(OSError, match="nosuch"):
        k.pub.component_restart("nosuch")
    child = k.fork()
    child.sys.setuid(7)
    with pytest.raises(PermissionError):
        child.pub.component_restart("vfs")
    child.close()


def test_net_comes_back_with_interfaces_and_sockets(k: Any) -> None:
    k.pub.netconfig_ifcreate("vether0")
    k.pub.netconfig_ipv4_ifaddr_cidr("vether0", "10.9.8.7", 24)
    k.pub.netconfig_ifup("vether0")
    listener = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    listener.setsockopt(rump.SOL_SOCKET, rump.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 4000))
    listener.listen(5)
    datagrams = k.socket(rump.AF_INET, rump.SOCK_DGRAM)
    datagrams.bind(("10.9.8.7", 4001))
    local = k.socket(rump.AF_UNIX, rump.SOCK_DGRAM)
    local.bind("/tmp/socket")
    client = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    client.connect(("127.0.0.1", 4000))
    end(k, "net")
    with pytest.raises(ConnectionResetError):
        client.send(b"into the void")
    other = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    other.connect(("127.0.0.1", 4000))
    accepted, _ = listener.accept()
    other.sendall(b"here")
    assert accepted.recv(10) == b"here"
    sender = k.socket(rump.AF_INET, rump.SOCK_DGRAM)
    sender.sendto(b"datagram", ("10.9.8.7", 4001))
    assert datagrams.recv(100) == b"datagram"
    unix = k.socket(rump.AF_UNIX, rump.SOCK_DGRAM)
    unix.sendto(b"by name", "/tmp/socket")
    assert local.recv(100) == b"by name"
    for each in (listener, datagrams, local, client, other, accepted, sender, unix):
        each.close()
    k.pub.netconfig_ifdestroy("vether0")


def test_net_comes_back_as_it_was_configured_by_requests(k: Any) -> None:
    s = k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0)
    routing = k.sys.socket(rump.AF_ROUTE, rump.SOCK_RAW, 0)
    address = rump.SockaddrIn(bytes([10, 60, 0, 1]))
    destination = rump.SockaddrIn(bytes([10, 61, 0, 0]))
    route = rump.Rtmsg(rump.RTM_ADD, dst=destination, prefixlen=16, rtm_flags=rump.RTF_REJECT, rtm_seq=5)
    k.sys.ioctl(s, rump.SIOCIFCREATE, rump.Ifreq("vether3"))
    k.sys.ioctl(s, rump.SIOCAIFADDR, rump.Ifaliasreq("vether3", address, 16))
    k.sys.ioctl(s, rump.SIOCSIFMTU, rump.Ifreq("vether3", ifr_value=1280))
    assert k.sys.ioctl(s, rump.SIOCGIFMTU, rump.Ifreq("vether3")).data.ifr_value == 1280
    k.pub.route_send(routing, route)
    end(k, "net")
    assert k.sys.ioctl(s, rump.SIOCGIFMTU, rump.Ifreq("vether3")).data.ifr_value == 1280
    assert k.sys.ioctl(s, rump.SIOCGIFALIAS, rump.Ifaliasreq("vether3", address)).data.ifra_prefixlen == 16
    found = k.pub.route_send(routing, route._replace(rtm_type=rump.RTM_GET))
    assert (found.dst, found.prefixlen) == (destination, 16)
    k.pub.route_send(routing, route._replace(rtm_type=rump.RTM_DELETE))
    k.sys.ioctl(s, rump.SIOCIFDESTROY, rump.Ifreq("vether3"))
    for fd in (s, routing):
        k.sys.close(fd)


def test_an_interface_that_was_made_again_comes_back_as_it_is(k: Any) -> None:
    for interface in ("vether4", "bridge4"):
        k.pub.netconfig_ifcreate(interface)
    k.pub.netconfig_ipv4_ifaddr_cidr("vether4", "10.62.0.1", 24)
    k.pub.netconfig_bradd("bridge4", "vether4")
    k.pub.netconfig_ifdestroy("vether4")
    k.pub.netconfig_ifcreate("vether4")
    k.pub.netconfig_ipv4_ifaddr_cidr("vether4", "10.62.0.2", 24)
    k.pub.netconfig_ifaddrdel("vether4", "10.62.0.2")
    k.pub.netconfig_ipv4_ifaddr_cidr("vether4", "10.62.0.2", 24)
    end(k, "net")
    (shown,) = k.pub.netconfig_ifaddrs("vether4")
    assert [a.addr.sin_addr for a in shown.addresses if isinstance(a.addr, rump.SockaddrIn)] == [bytes([10, 62, 0, 2])]
    k.pub.netconfig_bradd("bridge4", "vether4")
    for interface in ("bridge4", "vether4"):
        k.pub.netconfig_ifdestroy(interface)


def test_kqueues_go_on(k: Any) -> None:
    with contextlib.closing(k.kqueue()) as queue:
        server = k.socket(rump.AF_INET, rump.SOCK_DGRAM)
        server.bind(("127.0.0.1", 4100))
        queue.control([rump.Kevent(server.fileno(), rump.EVFILT_READ, rump.EV_ADD)], 0, 0)
        end(k, "net")
        client = k.socket(rump.AF_INET, rump.SOCK_DGRAM)
        client.sendto(b"x", ("127.0.0.1", 4100))
        assert [event.ident for event in queue.control([], 1, 10)] == [server.fileno()]
        for each in (server, client):
            each.close()
