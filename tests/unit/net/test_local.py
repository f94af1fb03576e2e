"""Local sockets: connections, datagrams, flow control, ends; and a stream beside one of the host's kernel."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpuser.pending import Pending
from rumpwire import const
from rumpwire.errno import Errno, KernelError, from_host
from rumpwire.values import Cmsg, IoctlArgsInteger, Msghdr, SockaddrUn, Timespec
from tests.unit.net.kit import Kit, fails, lo, un, waits

STREAM, DGRAM, SEQPACKET = const.SOCK_STREAM, const.SOCK_DGRAM, const.SOCK_SEQPACKET
MIB = 1 << 20


@pytest.fixture
def n() -> Kit:
    return Kit()


def connected(n: Kit, kind: int = STREAM) -> tuple[int, int]:
    """Client and accepted server socket."""
    listener = n.local(kind, b"/listener")
    n("listen", listener, 5)
    client = n.local(kind)
    n("connect", client, un(b"/listener"))
    return client, n("accept", listener).s


def until(n: Kit, errno: str, *call: Any) -> int:
    """How often a call can be done before it fails."""
    for count in range(100_000):
        try:
            n(*call)
        except KernelError as error:
            if error.name == errno:
                return count
            raise
    raise AssertionError(f"{call} never fails")


# -- streams


def test_bytes_without_bounds(n: Kit) -> None:
    one, two = n.pair()
    assert n("write", one, b"abc") == 3
    assert n("writev", one, [b"de", b"", b"f"]) == 3
    assert bytes(n("read", two, 4)) == b"abcd"
    assert n("recvfrom", two, 100, None) == (b"ef", None)
    assert n("write", one, b"") == 0
    assert n("read", two, 0) == b""
    assert fails(n, "lseek", one, 0, 0) == "ENOSYS"


def test_the_end_comes_after_what_is_left(n: Kit) -> None:
    one, two = n.pair()
    n("write", one, b"rest")
    n("close", one)
    assert bytes(n("read", two, 100)) == b"rest"
    assert n("read", two, 100) == b""
    assert fails(n, "write", two, b"x") == "EPIPE"
    assert fails(n, "read", one, 1) == "EBADF"


def test_readers_wait(n: Kit) -> None:
    one, two = n.pair()
    read = waits(n("read", two, 10))
    n("write", one, b"now")
    assert bytes(read.outcome.result()) == b"now"
    end = waits(n("read", two, 10))
    n("close", one)
    assert end.outcome.result() == b""


def test_writers_wait_for_room_and_data_stay_in_order(n: Kit) -> None:
    one, two = n.pair()
    data = bytes(range(256)) * (MIB // 256)
    first = waits(n("write", one, data))
    second = waits(n("write", one, b"second"))
    got = bytearray()
    while len(got) < len(data) + 6:
        part = bytes(n("read", two, 100_000))
        assert len(part) <= 65536
        got += part
    assert got == data + b"second"
    assert (first.outcome.result(), second.outcome.result()) == (MIB, 6)


def test_without_waiting_a_part_is_written_or_eagain(n: Kit) -> None:
    one, two = n.pair()
    n.nonblocking(one)
    count = n("write", one, bytes(MIB))
    assert 0 < count < MIB
    assert fails(n, "write", one, b"x") == "EAGAIN"
    n("read", two, 10)
    assert n("write", one, bytes(MIB)) == 10


def test_a_writer_that_waits_ends_with_its_peer(n: Kit) -> None:
    one, two = n.pair()
    write = waits(n("write", one, bytes(MIB)))
    n("close", two)
    with pytest.raises(KernelError) as caught:
        write.outcome.result()
    assert caught.value.errno == Errno.EPIPE


def test_an_interrupted_writer_says_how_much_went(n: Kit) -> None:
    one, two = n.pair()
    write = waits(n("write", one, bytes(MIB)))
    write.cancel()
    assert write.outcome.result() == 65536
    assert len(n("read", two, MIB)) == 65536
    assert n("write", one, b"on") == 2
    read = waits(n("read", one, 5))
    read.cancel()
    with pytest.raises(KernelError) as caught:
        read.outcome.result()
    assert caught.value.errno == Errno.EINTR


def test_many_small_writes_take_bounded_memory(n: Kit) -> None:
    one, _ = n.pair()
    n.nonblocking(one)
    assert 30_000 < until(n, "EAGAIN", "write", one, b"x") <= 65536


def test_closing_ends_calls_that_wait(n: Kit) -> None:
    one, _ = n.pair()
    read = waits(n("read", one, 5))
    n("close", one)
    with pytest.raises(KernelError) as caught:
        read.outcome.result()
    assert caught.value.errno == Errno.EBADF
    listener = n.local(path=b"/x")
    n("listen", listener, 1)
    accept = waits(n("accept", listener))
    n("close", listener)
    with pytest.raises(KernelError) as caught:
        accept.outcome.result()
    assert caught.value.errno == Errno.EBADF


def test_peek_waitall_and_dontwait(n: Kit) -> None:
    one, two = n.pair()
    n("write", one, b"abc")
    assert n("recvfrom", two, 2, const.MSG_PEEK).data == b"ab"
    whole = waits(n("recvfrom", two, 5, const.MSG_WAITALL))
    n("write", one, b"def")
    assert whole.outcome.result().data == b"abcde"
    assert n("recvfrom", two, 5, None).data == b"f"
    assert fails(n, "recvfrom", two, 5, const.MSG_DONTWAIT) == "EAGAIN"
    assert fails(n, "recvfrom", two, 5, const.MSG_OOB) == "EOPNOTSUPP"
    rest = waits(n("recvfrom", two, 5, const.MSG_WAITALL))
    n("write", one, b"g")
    n("close", one)
    assert rest.outcome.result().data == b"g"


def test_timeouts(n: Kit) -> None:
    one, _ = n.pair()
    n("setsockopt", one, const.SOL_SOCKET, const.SO_RCVTIMEO, Timespec(2, 0))
    n("setsockopt", one, const.SOL_SOCKET, const.SO_SNDTIMEO, Timespec(1, 500_000_000))
    read = waits(n("read", one, 5))
    n.host.advance(1.9)
    waits(read)
    n.host.advance(0.2)
    with pytest.raises(KernelError) as caught:
        read.outcome.result()
    assert caught.value.errno == Errno.EAGAIN
    write = waits(n("write", one, bytes(MIB)))
    n.host.advance(2)
    assert write.outcome.result() == 65536


def test_shutdown(n: Kit) -> None:
    one, two = n.pair()
    n("write", one, b"last")
    n("shutdown", one, const.SHUT_WR)
    assert fails(n, "write", one, b"x") == "EPIPE"
    assert bytes(n("read", two, 10)) == b"last"
    assert n("read", two, 10) == b""
    assert n("write", two, b"back") == 4
    assert bytes(n("read", one, 10)) == b"back"
    n("shutdown", one, const.SHUT_RD)
    assert n("read", one, 1) == b""
    assert fails(n, "write", two, b"x") == "EPIPE"
    assert fails(n, "shutdown", one, 3) == "EINVAL"
    assert fails(n, "shutdown", n.local(), const.SHUT_RD) == "ENOTCONN"


# -- connections


def test_accept_waits_and_names(n: Kit) -> None:
    listener = n.local(path=b"/listener")
    n("listen", listener, 5)
    accept = waits(n("accept", listener))
    client = n.local(path=b"/client")
    n("connect", client, un(b"/listener"))
    server, name = accept.outcome.result()
    assert name == un(b"/client")
    assert n("getpeername", server) == un(b"/client")
    assert n("getsockname", server) == n("getpeername", client) == un(b"/listener")
    assert n("getsockname", client) == un(b"/client")
    n("write", client, b"hello")
    assert bytes(n("read", server, 10)) == b"hello"


def test_accept_after_the_client_has_gone(n: Kit) -> None:
    listener = n.local(path=b"/listener")
    n("listen", listener, 5)
    client = n.local(path=b"/client")
    n("connect", client, un(b"/listener"))
    n("write", client, b"bye")
    n("close", client)
    server, name = n("accept", listener)
    assert name == un(b"/client")
    assert bytes(n("read", server, 10)) == b"bye"
    assert n("read", server, 10) == b""
    assert fails(n, "getpeername", server) == "ENOTCONN"


def test_the_backlog_is_bounded(n: Kit) -> None:
    listener = n.local(path=b"/listener")
    n("listen", listener, 2)
    for _ in range(4):
        n("connect", n.local(), un(b"/listener"))
    assert fails(n, "connect", n.local(), un(b"/listener")) == "ECONNREFUSED"
    n("accept", listener)
    n("connect", n.local(), un(b"/listener"))
    n("listen", listener, 1 << 30)
    refused = 0
    for _ in range(300):
        try:
            n("connect", n.local(), un(b"/listener"))
        except KernelError:
            refused += 1
    assert refused > 100


def test_those_who_were_not_accepted_are_reset(n: Kit) -> None:
    listener = n.local(path=b"/listener")
    n("listen", listener, 5)
    client = n.local()
    n("connect", client, un(b"/listener"))
    n("close", listener)
    assert fails(n, "read", client, 1) == "ECONNRESET"
    assert n("read", client, 1) == b""
    assert fails(n, "connect", n.local(), un(b"/listener")) == "ECONNREFUSED"


def test_accept_and_the_nonblocking_flag(n: Kit) -> None:
    listener = n.local(path=b"/listener")
    n("listen", listener, 5)
    n.nonblocking(listener)
    assert fails(n, "accept", listener) == "EAGAIN"
    for _ in range(3):
        n("connect", n.local(), un(b"/listener"))

    def flags(s: int) -> int:
        return int(n("fcntl", s, const.F_GETFL, None, None).value)

    assert flags(n("accept", listener).s) == const.O_RDWR | const.O_NONBLOCK
    assert flags(n("paccept", listener, None, 0).s) == const.O_RDWR
    assert flags(n("paccept", listener, None, const.SOCK_NONBLOCK).s) == const.O_RDWR | const.O_NONBLOCK
    assert fails(n, "paccept", listener, 1, 0) == "EAGAIN"
    assert fails(n, "paccept", listener, None, 1) == "EINVAL"


def test_refusals(n: Kit) -> None:
    s = n.local()
    assert fails(n, "listen", s, 1) == "EINVAL"
    assert fails(n, "accept", s) == "EINVAL"
    assert fails(n, "read", s, 1) == "ENOTCONN"
    assert fails(n, "write", s, b"x") == "ENOTCONN"
    assert fails(n, "getpeername", s) == "ENOTCONN"
    assert n("getsockname", s) == SockaddrUn()
    assert fails(n, "connect", s, un(b"/none")) == "ENOENT"
    assert fails(n, "connect", s, None) == "EAFNOSUPPORT"
    n.local(path=b"/quiet")
    assert fails(n, "connect", s, un(b"/quiet")) == "ECONNREFUSED"
    n.local(DGRAM, b"/dgram")
    assert fails(n, "connect", s, un(b"/dgram")) == "EPROTOTYPE"
    n("bind", s, un(b"/s"))
    assert fails(n, "bind", s, un(b"/again")) == "EINVAL"
    assert fails(n, "bind", n.local(), un(b"/s")) == "EADDRINUSE"
    n("listen", s, 1)
    assert fails(n, "connect", s, un(b"/quiet")) == "EOPNOTSUPP"
    client, _ = connected(n)
    assert fails(n, "connect", client, un(b"/listener")) == "EISCONN"
    assert fails(n, "listen", client, 1) == "EINVAL"
    assert fails(n, "sendto", client, b"x", None, un(b"/listener")) == "EISCONN"
    assert fails(n, "listen", n.local(DGRAM, b"/d2"), 1) == "EOPNOTSUPP"
    assert fails(n, "accept", n.local(DGRAM)) == "EOPNOTSUPP"


@pytest.mark.parametrize("name", [un(b""), un(b"x" * 254), un(b"a\0b")])
def test_names_that_are_none(n: Kit, name: SockaddrUn) -> None:
    assert fails(n, "bind", n.local(), name) == "EINVAL"


def test_names_of_other_families(n: Kit) -> None:
    assert fails(n, "bind", n.local(), lo(5)) == "EAFNOSUPPORT"
    n.local(path=b"x" * 253)


def test_kinds(n: Kit) -> None:
    for domain, kind, protocol, errno in [
        (const.AF_LOCAL, const.SOCK_RAW, 0, "EPROTOTYPE"),
        (const.AF_LOCAL, STREAM, 6, "EPROTONOSUPPORT"),
        (const.AF_LOCAL, STREAM | 0x100, 0, "EINVAL"),
        (99, STREAM, 0, "EAFNOSUPPORT"),
        (const.AF_ROUTE, const.SOCK_DGRAM, 0, "EPROTOTYPE"),
    ]:
        assert fails(n, "socket", domain, kind, protocol) == errno
        assert fails(n, "socketpair", domain, kind, protocol) == errno
    assert fails(n, "socketpair", const.AF_INET, DGRAM, 0) == "EOPNOTSUPP"
    flags = const.SOCK_NONBLOCK | const.SOCK_CLOEXEC
    assert fails(n, "read", n("socketpair", const.AF_LOCAL, STREAM | flags, 0).s1, 1) == "EAGAIN"


def test_without_vfs_there_are_no_names(n: Kit) -> None:
    n.vfs = False
    assert fails(n, "bind", n.local(), un(b"/x")) == "ENOSYS"
    assert fails(n, "connect", n.local(), un(b"/x")) == "ENOSYS"
    one, two = n.pair()
    n("write", one, b"still")
    assert bytes(n("read", two, 9)) == b"still"


def test_a_vfs_that_takes_its_time(n: Kit) -> None:
    listener = n.local(path=b"/listener")
    n("listen", listener, 5)
    n.names.slow = Pending()
    connect, bind = n("connect", n.local(), un(b"/listener")), n("bind", s := n.local(), un(b"/slow"))
    gone = n("connect", t := n.local(), un(b"/listener"))
    waits(connect)
    waits(bind)
    assert fails(n, "bind", s, un(b"/other")) == "EINVAL"
    n("close", s)
    n("close", t)
    n.names.slow.resolve(None)
    assert connect.outcome.result() is None
    for call in (bind, gone):
        with pytest.raises(KernelError) as caught:
            call.outcome.result()
        assert caught.value.errno == Errno.EBADF


def test_ids_of_another_boot_are_nobody(n: Kit) -> None:
    n.local(path=b"/x")
    n.names.ids[b"/x"] ^= 1 << 40
    assert fails(n, "connect", n.local(), un(b"/x")) == "ECONNREFUSED"


# -- records and datagrams


def test_records_keep_their_bounds(n: Kit) -> None:
    client, server = connected(n, SEQPACKET)
    for record in (b"one", b"", b"three"):
        n("write", client, record)
    assert bytes(n("read", server, 10)) == b"one"
    assert n("read", server, 10) == b""
    message = n("recvmsg", server, 2, 0, 0)
    assert (message.data, message.msg_flags) == (b"th", const.MSG_TRUNC)
    assert fails(n, "write", client, bytes(65537)) == "EMSGSIZE"
    n("write", client, bytes(40_000))
    second = waits(n("write", client, bytes(40_000)))
    assert fails(n, "sendto", client, bytes(40_000), const.MSG_DONTWAIT, None) == "EAGAIN"
    assert len(n("read", server, MIB)) == 40_000
    assert second.outcome.result() == 40_000
    assert len(n("read", server, MIB)) == 40_000


def test_datagrams(n: Kit) -> None:
    server, client = n.local(DGRAM, b"/server"), n.local(DGRAM, b"/client")
    nameless = n.local(DGRAM)
    assert n("sendto", client, b"one", None, un(b"/server")) == 3
    n("sendto", nameless, b"", None, un(b"/server"))
    n("sendto", client, b"long", None, un(b"/server"))
    assert n("recvfrom", server, 10, None) == (b"one", un(b"/client"))
    assert n("recvfrom", server, 10, None) == (b"", un(b""))
    assert n("recvmsg", server, 2, 0, const.MSG_PEEK) == Msghdr(un(b"/client"), b"lo", [], const.MSG_TRUNC)
    assert n("recvfrom", server, 10, None).data == b"long"
    assert fails(n, "sendto", client, b"x", None, None) == "EDESTADDRREQ"
    assert fails(n, "sendto", client, bytes(9217), None, un(b"/server")) == "EMSGSIZE"
    assert fails(n, "sendto", client, b"x", None, un(b"/none")) == "ENOENT"
    waits(n("read", server, 1))


def test_a_full_receiver_is_enobufs(n: Kit) -> None:
    server, client = n.local(DGRAM, b"/server"), n.local(DGRAM)
    n("connect", client, un(b"/server"))
    assert until(n, "ENOBUFS", "write", client, b"") == 2 * 65536 // 256 + 1
    n("read", server, 1)
    n("write", client, b"")


def test_connected_datagrams(n: Kit) -> None:
    server, client = n.local(DGRAM, b"/server"), n.local(DGRAM)
    n("connect", client, un(b"/server"))
    assert n("getpeername", client) == un(b"/server")
    n("write", client, b"x")
    assert fails(n, "sendto", client, b"x", None, un(b"/server")) == "EISCONN"
    n("connect", client, None)
    assert fails(n, "write", client, b"x") == "EDESTADDRREQ"
    n("connect", client, un(b"/server"))
    n("close", server)
    assert fails(n, "write", client, b"x") == "ECONNRESET"
    assert fails(n, "write", client, b"x") == "EDESTADDRREQ"
    one, two = n.pair(DGRAM)
    n("write", one, b"a")
    n("write", one, b"b")
    assert n("recvfrom", two, 5, None).data == b"a"
    n("close", two)
    assert fails(n, "read", one, 1) == "ECONNRESET"


# -- the rest


def test_messages(n: Kit) -> None:
    one, two = n.pair()
    assert n("sendmsg", one, Msghdr(None, b"data"), 0) == 4
    assert n("recvmsg", two, 10, 0, 0) == Msghdr(None, b"data", [], 0)
    other = Msghdr(None, b"x", [Cmsg(const.SOL_SOCKET, const.SCM_CREDS, b"made up")], 0)
    assert fails(n, "sendmsg", one, other, 0) == "EINVAL"
    assert fails(n, "sendmsg", n.udp(), other, 0) == "ENOPROTOOPT"


def test_ioctl_fcntl_fstat(n: Kit) -> None:
    one, two = n.pair()
    n("write", one, b"abc")
    assert n("ioctl", two, const.FIONREAD, None).data == IoctlArgsInteger(3)
    n("ioctl", one, const.FIONBIO, IoctlArgsInteger(1))
    assert fails(n, "read", one, 1) == "EAGAIN"
    n("ioctl", one, const.FIONBIO, IoctlArgsInteger(0))
    waits(n("read", one, 1))
    assert fails(n, "ioctl", one, 0x1234, None) == "ENOTTY"
    assert fails(n, "fcntl", one, const.F_GETLK, None, None) == "EINVAL"
    assert n("fstat", one).st_mode & const.S_IFMT == const.S_IFSOCK
    n("fcntl", one, const.F_SETNOSIGPIPE, 1, None)
    assert n("fcntl", one, const.F_GETNOSIGPIPE, None, None).value == 1


def test_what_was_sent_cannot_be_changed_any_more(n: Kit) -> None:
    one, two = n.pair()
    data = bytearray(b"a" * 5000)
    n("write", one, data)
    data[0] = 0
    assert bytes(n("read", two, 1)) == b"a"


class Twins:
    """A socket pair here and one of the host's kernel; both must answer alike."""

    def __init__(self, kind: int) -> None:
        self.n = Kit()
        self.ours = self.n.pair(kind)
        host_kind = socket.SOCK_STREAM if kind == STREAM else socket.SOCK_SEQPACKET
        self.theirs = socket.socketpair(socket.AF_UNIX, host_kind)
        for end in (0, 1):
            self.n.nonblocking(self.ours[end])
            self.theirs[end].setblocking(False)

    def do(self, action: tuple[str, int, int]) -> None:
        name, end, size = action
        ours: Any
        theirs: Any
        try:
            ours = self._ours(name, self.ours[end], size)
        except KernelError as error:
            ours = error.name
        try:
            theirs = self._theirs(name, self.theirs[end], size)
        except OSError as error:
            theirs = from_host(error.errno or 0).name
        assert ours == theirs, action

    def _ours(self, name: str, s: int, size: int) -> Any:
        if name == "send":
            return self.n("write", s, bytes(range(size)))
        if name == "shutdown":
            return self.n("shutdown", s, const.SHUT_WR)
        return bytes(self.n("recvfrom", s, size, const.MSG_PEEK if name == "peek" else None).data)

    def _theirs(self, name: str, s: socket.socket, size: int) -> Any:
        if name == "send":
            return s.send(bytes(range(size)), socket.MSG_NOSIGNAL)
        if name == "shutdown":
            return s.shutdown(socket.SHUT_WR)
        return s.recv(size, socket.MSG_PEEK if name == "peek" else 0)

    def close(self) -> None:
        for s in self.theirs:
            s.close()


@pytest.mark.parametrize("kind", [STREAM, SEQPACKET], ids=["stream", "seqpacket"])
@settings(max_examples=60, deadline=None)
@given(
    actions=st.lists(
        st.tuples(st.sampled_from(["send", "send", "recv", "peek", "shutdown"]), st.integers(0, 1), st.integers(1, 60)),
        max_size=30,
    )
)
def test_beside_the_host(kind: int, actions: list[tuple[str, int, int]]) -> None:
    twins = Twins(kind)
    try:
        for action in actions:
            twins.do(action)
    finally:
        twins.close()
