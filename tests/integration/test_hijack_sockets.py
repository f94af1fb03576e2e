"""Sockets of a hijacked program do what those of Linux do: each check is a program that runs natively, too."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rump
from tests.hijack import LOCALHOST, output, peer, python
from tests.live import LiveKernel, eventually, live_kernel
from tests.tools import need


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "net", "--placement", "server") as kernel:
        yield kernel


def same(kernel: LiveKernel, code: str) -> str:
    """What a program prints, hijacked as well as not."""
    native = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert native.returncode == 0, native.stderr
    hijacked = python(kernel.url, code)
    assert hijacked == native.stdout
    return hijacked


CONGESTION = """
s = socket(AF_INET, SOCK_STREAM)
s.setsockopt(IPPROTO_TCP, TCP_CONGESTION, b"cubic")
print(s.getsockopt(IPPROTO_TCP, TCP_CONGESTION, 16).rstrip(b"\\0"))
"""
ALLOWED = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
"""What programs of users may choose natively."""
OPTIONS = """
import errno, socket
from socket import *
s = socket(AF_INET, SOCK_STREAM)
for level, name in (
    (SOL_SOCKET, SO_REUSEADDR), (SOL_SOCKET, SO_KEEPALIVE), (SOL_SOCKET, SO_OOBINLINE), (IPPROTO_TCP, TCP_NODELAY),
):
    print(s.getsockopt(level, name), end=" ")
    s.setsockopt(level, name, 1)
    print(bool(s.getsockopt(level, name)))
for name, value in ((TCP_KEEPIDLE, 33), (TCP_KEEPINTVL, 7), (TCP_KEEPCNT, 4)):
    s.setsockopt(IPPROTO_TCP, name, value)
    print(s.getsockopt(IPPROTO_TCP, name))
s.setsockopt(SOL_SOCKET, SO_LINGER, b"\\1\\0\\0\\0\\5\\0\\0\\0")
print(s.getsockopt(SOL_SOCKET, SO_LINGER, 8))
s.setsockopt(IPPROTO_IP, IP_TTL, 9)
s.setsockopt(IPPROTO_IP, IP_TOS, 16)
print(s.getsockopt(IPPROTO_IP, IP_TTL), s.getsockopt(IPPROTO_IP, IP_TOS))
print([s.getsockopt(SOL_SOCKET, name) for name in (SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN, SO_ERROR)])
for level, name in ((IPPROTO_TCP, 9999), (IPPROTO_IP, 9999), (SOL_SOCKET, 9999)):
    try:
        s.setsockopt(level, name, 1)
    except OSError as error:
        print(errno.errorcode[error.errno])
s.bind(("127.0.0.1", 0))
s.listen(1)
print(s.getsockopt(SOL_SOCKET, SO_ACCEPTCONN), s.getsockname()[1] > 0)
c = create_connection(s.getsockname())
p, name = s.accept()
print(c.getsockopt(IPPROTO_TCP, TCP_INFO, 1), name == c.getsockname() == p.getpeername())
six = socket(AF_INET6, SOCK_STREAM)
six.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
print(six.getsockopt(IPPROTO_IPV6, IPV6_V6ONLY))
g = socket(AF_INET, SOCK_DGRAM)
g.setsockopt(IPPROTO_IP, IP_MULTICAST_TTL, 3)
g.setsockopt(IPPROTO_IP, IP_MULTICAST_LOOP, 0)
print(g.getsockopt(IPPROTO_IP, IP_MULTICAST_TTL), g.getsockopt(IPPROTO_IP, IP_MULTICAST_LOOP))
"""


def test_options(kernel: LiveKernel) -> None:
    allowed = os.geteuid() == 0 or "cubic" in ALLOWED.read_text().split()
    same(kernel, OPTIONS + (CONGESTION if allowed else ""))


STATES = """
import array, errno, os, select, socket, struct, threading
from socket import *

def name(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]

server = create_server(("127.0.0.1", 0))
where = server.getsockname()

# A listener that does not block, poll, and two accepts for one connection.
server.setblocking(False)
print(name(server.accept))
a = create_connection(where)
print(select.select([server], [], [], 20)[0] == [server])
b, _ = server.accept()
print(name(server.accept), select.select([server], [], [], 0)[0])
print(b.getblocking(), os.get_inheritable(b.fileno()))

# Half-close, each way.
a.sendall(b"request")
a.shutdown(SHUT_WR)
print(b.recv(100), b.recv(100), name(a.send, b"x"))
b.sendall(b"answer")
b.close()
print(a.recv(100), a.recv(100))
a.close()

# States in which calls fail.
s = socket()
print(name(s.getpeername), name(s.shutdown, SHUT_RDWR), name(s.accept))
s.connect(where)
server.setblocking(True)
p, _ = server.accept()
print(name(s.connect, where), name(s.bind, ("127.0.0.1", 0)))
print(name(socket().bind, where), name(socket().bind, ("192.0.2.1", 0)))

# A reset by either side: what is unread at a close, and SO_LINGER.
p.sendall(b"never read")
select.select([s], [], [], 20)
s.close()
print(name(p.recv, 10))
s = create_connection(where)
p, _ = server.accept()
p.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
p.close()
print(name(s.recv, 10), name(s.recv, 10) or "end")

# Connecting without waiting: refused, done, and another try.
s = socket()
s.setblocking(False)
print(s.connect_ex(("127.0.0.1", 9)) in (errno.EINPROGRESS, errno.ECONNREFUSED))
select.select([], [s], [], 20)
s.getsockopt(SOL_SOCKET, SO_ERROR)
s = socket()
s.setblocking(False)
print(errno.errorcode[s.connect_ex(where)])
e = select.epoll()
e.register(s, select.EPOLLOUT | select.EPOLLET)
print(e.poll(20) == [(s.fileno(), select.EPOLLOUT)], s.getsockopt(SOL_SOCKET, SO_ERROR), s.getpeername() == where)
p, _ = server.accept()

# Duplicates, and descriptors in messages between processes.
d = os.dup2(s.fileno(), 90)
s.close()
os.write(d, b"by its duplicate")
print(p.recv(100))
x, y = socketpair(AF_UNIX)
if os.fork() == 0:
    _, control, _, _ = y.recvmsg(1, CMSG_SPACE(4))
    fd = array.array("i", control[0][2])[0]
    os.write(fd, b"handed over")
    print(socket(fileno=fd).getpeername() == p.getsockname(), flush=True)
    os._exit(0)
x.sendmsg([b"."], [(SOL_SOCKET, SCM_RIGHTS, array.array("i", [d]))])
os.wait()
print(p.recv(100))
os.close(d)
x.close(); y.close()
print(p.recv(100))

# Timeouts, and what is larger than any buffer both ways at once.
s = create_connection(where)
p, _ = server.accept()
s.settimeout(0.2)
print(name(s.recv, 1) if False else type(threading).__name__)
try:
    s.recv(1)
except TimeoutError:
    print("timeout")
s.settimeout(None)
def echo():
    while data := p.recv(65536): p.sendall(data)
    p.shutdown(SHUT_WR)
threading.Thread(target=echo).start()
def send():
    for n in range(64): s.sendall(bytes([n]) * 50_000)
    s.shutdown(SHUT_WR)
threading.Thread(target=send).start()
got = b"".join(iter(lambda: s.recv(100_000), b""))
print(got == b"".join(bytes([n]) * 50_000 for n in range(64)))
"""


def test_states(kernel: LiveKernel) -> None:
    same(kernel, STATES)


def test_the_peer_in_the_kernel_sees_it(kernel: LiveKernel) -> None:
    """A program that is killed closes its connections, and one that closes with data unread resets them."""
    seen: list[object] = []

    def handler(s: rump.Socket) -> None:
        s.sendall(b"x" * 1000)
        try:
            seen.append(s.recv(10))
        except OSError as error:
            seen.append(error)

    with peer(kernel.url, handler) as port:
        code = (
            "import os, select, socket, sys\n"
            f"s = socket.create_connection(('{LOCALHOST}', {port}))\n"
            "select.select([s], [], [], 20)\n"
            "if sys.argv[1] == 'all': s.recv(1000, socket.MSG_WAITALL)\n"
            "os.kill(os.getpid(), 9)\n"
        )
        for word in ("all", "nothing"):
            with pytest.raises(AssertionError, match="137"):
                python(kernel.url, code, word)
        eventually(lambda: len(seen) == 2, 20, "both connections end")
    assert seen[0] == b""
    assert isinstance(seen[1], ConnectionResetError)


def test_io_uring_is_not_there(kernel: LiveKernel) -> None:
    code = "import ctypes; libc = ctypes.CDLL(None, use_errno=True); print(libc.syscall(425, 1, 0), ctypes.get_errno())"
    assert python(kernel.url, code) == "-1 38\n"


def test_interfaces_are_the_kernels(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k:
        k.pub.netconfig_ifcreate("vether0")
        k.pub.netconfig_ipv4_ifaddr_cidr("vether0", "10.5.0.1", 24)
    words = output(kernel.url, need("ip"), "-o", "-4", "address").split()
    assert [word for word in words if "/" in word] == ["127.0.0.1/8", "10.5.0.1/24"]
    assert words[1] == "lo0"
    code = (
        "import fcntl, socket, struct\n"
        "s = socket.socket()\n"
        "found = fcntl.ioctl(s, 0x8915, b'vether0'.ljust(40, b'\\0'))\n"
        "print(socket.inet_ntoa(found[20:24]), socket.if_nameindex()[0])\n"
    )
    assert python(kernel.url, code) == "10.5.0.1 (1, 'lo0')\n"
    assert struct.calcsize("=16s24x") == 40
