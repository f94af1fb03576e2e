"""Control data of messages: descriptors, credentials, times; calls for many messages; low-water marks."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from typing import Any

import pytest

import rump
from rump import Cmsg, Msghdr
from tests.conformance.test_descriptors import code, write_file
from tests.conformance.test_poll import later, state

STREAM, DGRAM, SEQPACKET = rump.SOCK_STREAM, rump.SOCK_DGRAM, rump.SOCK_SEQPACKET
IN = select.POLLIN
ROOM = 1024


def pair(k: Any, kind: int = STREAM) -> tuple[int, int]:
    one, two = k.sys.socketpair(rump.AF_UNIX, kind, 0)
    return one, two


def rights(*fds: int, data: bytes = b"x") -> Msghdr:
    return Msghdr(None, data, [Cmsg(rump.SOL_SOCKET, rump.SCM_RIGHTS, rights=list(fds))])


def received(k: Any, s: int, room: int = ROOM, flags: int = 0) -> list[int]:
    message = k.sys.recvmsg(s, 100, room, flags)
    return [fd for cmsg in message.control for fd in cmsg.rights]


def closed(k: Any, reader: int) -> bool:
    """Whether nobody holds the other end of a pipe any more."""
    return bool(state(k, reader, IN) & select.POLLHUP)


@pytest.mark.parametrize("kind", [STREAM, DGRAM, SEQPACKET])
def test_descriptors_go_along(k: Any, connect: Any, folder: str, kind: int) -> None:
    other = connect()
    server = other.socket(rump.AF_UNIX, kind)
    server.bind(f"{folder}/s")
    client = k.socket(rump.AF_UNIX, kind)
    if kind == DGRAM:
        connection = server
    else:
        server.listen(1)
    client.connect(f"{folder}/s")
    if kind != DGRAM:
        connection, _ = server.accept()
    write_file(k, f"{folder}/f", b"abcdef")
    file = k.sys.open(f"{folder}/f", os.O_RDONLY)
    r, w = k.sys.pipe()
    assert client.sendmsg([b"hello"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("2i", file, w))]) == 5
    assert k.sys.read(file, 2) == b"ab", "the offset is shared"
    for fd in (file, w):
        k.sys.close(fd)
    assert not closed(k, r), "the message holds it"
    data, ancillary, flags, _ = connection.recvmsg(100, socket.CMSG_SPACE(8))
    assert (data, flags) == (b"hello", 0)
    ((level, which, raw),) = ancillary
    assert (level, which) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
    there_file, there_w = struct.unpack("2i", raw)
    assert other.sys.read(there_file, 10) == b"cdef"
    other.sys.write(there_w, b"by another")
    assert k.sys.read(r, 20) == b"by another"
    other.sys.close(there_w)
    assert closed(k, r)


DROPS = {
    "close": lambda k, s: k.sys.close(s),
    "read": lambda k, s: k.sys.read(s, 10),
    "recvfrom": lambda k, s: k.sys.recvfrom(s, 10),
    "shutdown": lambda k, s: k.sys.shutdown(s, socket.SHUT_RD),
    "no room": lambda k, s: received(k, s, 0),
    "exit": lambda k, s: k.close(),
}


@pytest.mark.parametrize("how", DROPS)
def test_what_is_not_received_is_closed(k: Any, how: str) -> None:
    r, w = k.sys.pipe()
    process = k.fork()
    k.sys.close(w)
    one, two = pair(process)
    process.sys.sendmsg(one, rights(w))
    process.sys.close(w)
    assert not closed(k, r)
    DROPS[how](process, two)
    poll_until(k, r)
    if how != "exit":
        process.close()


def poll_until(k: Any, r: int) -> None:
    """net tells the gateway what was dropped after it has answered."""
    assert k.sys.poll([(r, 0)], 5000).fds[0].revents & select.POLLHUP


def test_room_for_some(k: Any) -> None:
    one, two = pair(k)
    pipes = [k.sys.pipe() for _ in range(3)]
    k.sys.sendmsg(one, rights(*(w for _, w in pipes)))
    for _, w in pipes:
        k.sys.close(w)
    message = k.sys.recvmsg(two, 100, socket.CMSG_LEN(8))
    assert message.msg_flags & socket.MSG_CTRUNC
    assert len(message.control[0].rights) == 2
    poll_until(k, pipes[2][0])
    assert not closed(k, pipes[1][0])


def test_no_number_left(connect: Any, folder: str) -> None:
    k = connect()
    one, two = pair(k)
    r, w = k.sys.pipe()
    k.sys.sendmsg(one, rights(w, w))
    fds = []
    while True:
        try:
            fds.append(k.sys.dup(r))
        except OSError:
            break
    k.sys.close(fds.pop())
    message = k.sys.recvmsg(two, 100, ROOM)
    assert message.msg_flags & socket.MSG_CTRUNC
    assert len(message.control[0].rights) == 1


def test_peek_and_bounds_of_a_stream(k: Any) -> None:
    one, two = pair(k)
    r, w = k.sys.pipe()
    k.sys.write(one, b"before ")
    k.sys.sendmsg(one, rights(w, data=b"with"))
    k.sys.write(one, b" after")
    k.sys.sendmsg(one, rights(r, data=b"again"))
    message = k.sys.recvmsg(two, 100, ROOM)
    assert (message.data, message.control) == (b"before ", [])
    assert received(k, two, flags=socket.MSG_PEEK) == []
    message = k.sys.recvmsg(two, 100, ROOM)
    assert message.data == b"with after"
    assert len(message.control[0].rights) == 1
    message = k.sys.recvmsg(two, 100, ROOM, socket.MSG_WAITALL | socket.MSG_DONTWAIT)
    assert (message.data, len(message.control)) == (b"again", 1)


def test_close_on_exec(k: Any) -> None:
    one, two = pair(k)
    for flags, expected in ((0, 0), (rump.MSG_CMSG_CLOEXEC, rump.FD_CLOEXEC)):
        k.sys.sendmsg(one, rights(one))
        (fd,) = received(k, two, flags=flags)
        assert k.sys.fcntl(fd, rump.F_GETFD).value == expected


def test_what_cannot_be_sent(k: Any) -> None:
    one, _ = pair(k)
    assert code(k.sys.sendmsg, one, rights(999)) == "EBADF"
    assert code(k.sys.sendmsg, one, rights(k.sys.kqueue())) == "EOPNOTSUPP"
    assert code(k.sys.sendmsg, one, rights(*[one] * 254)) == "EINVAL"
    assert code(k.sys.sendmsg, one, rights(one, data=b"")) == "EINVAL"
    assert code(k.sys.sendmsg, one, Msghdr(None, b"x", [Cmsg(0, 7, b"?")])) == "EINVAL"
    udp = k.sys.socket(rump.AF_INET, DGRAM, 0)
    name = rump.SockaddrIn(bytes([127, 0, 0, 1]), 9)
    r, w = k.sys.pipe()
    refused = rights(w)._replace(msg_name=name)
    with pytest.raises(OSError, match=r"."):
        k.sys.sendmsg(udp, refused)
    k.sys.close(w)
    assert closed(k, r), "what was not sent does not hold it"


def test_circles_are_found(k: Any) -> None:
    r, w = k.sys.pipe()
    one, two = pair(k)
    k.sys.sendmsg(one, rights(two, w))
    k.sys.sendmsg(two, rights(one))
    k.sys.close(w)
    k.sys.close(one)
    assert not closed(k, r)
    k.sys.close(two)
    poll_until(k, r)
    a, b = pair(k)
    c, d = pair(k)
    k.sys.sendmsg(a, rights(c))  # to be had from b, and d's messages with it
    r, w = k.sys.pipe()
    k.sys.sendmsg(d, rights(w))
    for fd in (w, c, d):
        k.sys.close(fd)
    assert not closed(k, r)
    (c,) = received(k, b)
    (w,) = received(k, c)
    k.sys.write(w, b"still there")
    assert k.sys.read(r, 100) == b"still there"


def test_a_circle_in_a_process_that_ends(k: Any) -> None:
    r, w = k.sys.pipe()
    child = k.fork()
    k.sys.close(w)
    one, two = pair(child)
    child.sys.sendmsg(one, rights(one, two, w))
    child.sys.sendmsg(two, rights(one, two, w))
    child.close()
    poll_until(k, r)


def test_chains_have_no_depth(k: Any) -> None:
    """Each socket waits in the next: closing the last one closes all."""
    r, w = k.sys.pipe()
    held = w
    for _ in range(200):
        one, two = pair(k)
        k.sys.sendmsg(one, rights(held))
        k.sys.close(held)
        k.sys.close(one)
        held = two
    assert not closed(k, r)
    k.sys.close(held)
    poll_until(k, r)


# -- credentials and times


@pytest.mark.parametrize("kind", [STREAM, DGRAM, SEQPACKET])
def test_credentials(k: Any, kind: int) -> None:
    one, two = pair(k, kind)
    user = k.fork()
    user.sys.setgroups([100, 200])
    user.sys.setgid(100)
    user.sys.setuid(1000)
    k.sys.setsockopt(two, rump.SOL_LOCAL, rump.LOCAL_CREDS, 1)
    user.sys.write(one, b"a")
    user.sys.write(one, b"b")
    message = k.sys.recvmsg(two, 1, ROOM)
    (cmsg,) = message.control
    assert (cmsg.cmsg_level, cmsg.cmsg_type) == (rump.SOL_SOCKET, rump.SCM_CREDS)
    assert cmsg.value == rump.Sockcred(user.pid, 1000, 1000, 100, 100, [100, 200])
    again = k.sys.recvmsg(two, 1, ROOM)
    assert len(again.control) == (1 if kind == DGRAM else 0), "a stream tells them once"
    user.close()


def test_who_is_at_the_other_end(k: Any, connect: Any, folder: str) -> None:
    one, _ = pair(k)
    me = k.sys.getsockopt(one, rump.SOL_LOCAL, rump.LOCAL_PEEREID)
    assert me == rump.Unpcbid(k.pid, 0, 0)
    server = k.socket(rump.AF_UNIX, STREAM)
    server.bind(f"{folder}/s")
    server.listen(1)
    k.sys.chmod(f"{folder}/s", 0o777)
    user = connect()
    user.sys.setgid(100)
    user.sys.setuid(1000)
    client = user.socket(rump.AF_UNIX, STREAM)
    assert code(user.sys.getsockopt, client.fileno(), rump.SOL_LOCAL, rump.LOCAL_PEEREID) == "EINVAL"
    client.connect(f"{folder}/s")
    connection, _ = server.accept()
    assert k.sys.getsockopt(connection.fileno(), rump.SOL_LOCAL, rump.LOCAL_PEEREID) == rump.Unpcbid(
        user.pid, 1000, 100
    )
    assert user.sys.getsockopt(client.fileno(), rump.SOL_LOCAL, rump.LOCAL_PEEREID) == rump.Unpcbid(k.pid, 0, 0)


def test_connecting_until_accepted(k: Any, connect: Any, folder: str) -> None:
    server = k.socket(rump.AF_UNIX, STREAM)
    server.bind(f"{folder}/s")
    server.listen(1)
    other = connect()
    client = other.socket(rump.AF_UNIX, STREAM)
    other.sys.setsockopt(client.fileno(), rump.SOL_LOCAL, rump.LOCAL_CONNWAIT, 1)
    begin = time.monotonic()
    thread = later(server.accept)
    client.connect(f"{folder}/s")
    assert time.monotonic() - begin >= 0.05
    thread.join()


@pytest.mark.parametrize("family", [rump.AF_UNIX, rump.AF_INET])
def test_time_of_arrival(k: Any, folder: str, family: int) -> None:
    server = k.socket(family, DGRAM)
    server.bind(f"{folder}/s" if family == rump.AF_UNIX else ("127.0.0.1", 0))
    server.setsockopt(rump.SOL_SOCKET, rump.SO_TIMESTAMP, 1)
    client = k.socket(family, DGRAM)
    before = time.time()
    client.sendto(b"x", server.getsockname())
    after = time.time()
    _, ancillary, _, _ = server.recvmsg(10, ROOM)
    ((level, which, raw),) = ancillary
    assert (level, which) == (rump.SOL_SOCKET, rump.SCM_TIMESTAMP)
    seconds, micros = struct.unpack("ll", raw)
    assert before - 0.001 <= seconds + micros / 1e6 <= after


# -- many messages at once


def test_many_messages(k: Any) -> None:
    one, two = pair(k, DGRAM)
    _, w = k.sys.pipe()
    assert k.sys.sendmmsg(one, [Msghdr(None, b"a"), rights(w, data=b"b"), Msghdr(None, b"")]) == 3
    found = k.sys.recvmmsg(two, 3, 100, 0, None)
    assert [m.data for m in found] == [b"a", b"b", b""]
    assert len(found[1].control[0].rights) == 1
    k.sys.sendmmsg(one, [Msghdr(None, bytes([i])) for i in range(5)])
    assert len(k.sys.recvmmsg(two, 10, 100, rump.MSG_WAITFORONE, None)) == 5
    thread = later(lambda: k.sys.write(one, b"late"))
    assert [m.data for m in k.sys.recvmmsg(two, 10, 100, rump.MSG_WAITFORONE, None)] == [b"late"]
    thread.join()
    k.sys.write(one, b"x")
    assert len(k.sys.recvmmsg(two, 10, 100, 0, 0.0)) == 1, "the time is looked at after each message"
    assert code(k.sys.recvmmsg, two, 10, 100, socket.MSG_DONTWAIT, None) == "EAGAIN"
    assert k.sys.recvmmsg(two, 0, 100, 0, None) == []
    big = Msghdr(None, bytes(1 << 20))
    assert k.sys.sendmmsg(one, [Msghdr(None, b"fits"), big]) == 1
    assert code(k.sys.sendmmsg, one, [big]) == "EMSGSIZE"


# -- low-water marks


def test_low_water_marks(k: Any) -> None:
    one, two = pair(k)
    k.sys.setsockopt(two, rump.SOL_SOCKET, rump.SO_RCVLOWAT, 4)
    assert k.sys.getsockopt(two, rump.SOL_SOCKET, rump.SO_RCVLOWAT).integer == 4
    k.sys.write(one, b"abc")
    assert state(k, two, IN) == 0
    thread = later(lambda: k.sys.write(one, b"de"))
    assert k.sys.read(two, 100) == b"abcde"
    thread.join()
    k.sys.write(one, b"ab")
    assert k.sys.read(two, 2) == b"ab", "less is asked for"
    k.sys.write(one, b"ab")
    k.sys.shutdown(one, socket.SHUT_WR)
    assert state(k, two, IN) & IN
    assert k.sys.read(two, 100) == b"ab"
    assert code(k.sys.setsockopt, two, rump.SOL_SOCKET, rump.SO_RCVLOWAT, 0) == "EINVAL"
    one, two = pair(k)
    k.sys.setsockopt(one, rump.SOL_SOCKET, rump.SO_SNDLOWAT, 60000)
    assert state(k, one, select.POLLOUT) == select.POLLOUT
    k.sys.write(one, bytes(10000))
    assert state(k, one, select.POLLOUT) == 0


def test_datagrams_that_were_dropped(k: Any, folder: str) -> None:
    server = k.socket(rump.AF_UNIX, DGRAM)
    server.bind(f"{folder}/s")
    client = k.socket(rump.AF_UNIX, DGRAM)
    client.connect(f"{folder}/s")
    server.setsockopt(rump.SOL_SOCKET, rump.SO_RCVBUF, 1000)
    client.send(bytes(900))
    for _ in range(3):
        assert code(client.send, bytes(900)) == "ENOBUFS"
    assert server.getsockopt(rump.SOL_SOCKET, rump.SO_OVERFLOWED) == 3
    assert code(k.sys.setsockopt, server.fileno(), rump.SOL_SOCKET, rump.SO_ACCEPTFILTER, b"dataready") == "ENOPROTOOPT"


def test_whom_to_signal(k: Any) -> None:
    one, _ = pair(k)
    r, _ = k.sys.pipe()
    for fd in (one, r):
        assert k.sys.fcntl(fd, rump.F_GETOWN).value == 0
        k.sys.fcntl(fd, rump.F_SETOWN, k.pid)
        assert k.sys.fcntl(fd, rump.F_GETOWN).value == k.pid
        assert k.sys.ioctl(fd, rump.FIOGETOWN).data.integer == k.pid
        k.sys.ioctl(fd, rump.FIOSETOWN, -5)
        assert k.sys.fcntl(fd, rump.F_GETOWN).value == -5
        assert code(k.sys.fcntl, fd, rump.F_SETOWN, 29999) == "ESRCH"
