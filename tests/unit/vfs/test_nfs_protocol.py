"""NFS messages without a server: what answers may not do, connections that break at every byte."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpvfs.core.vnode import Changes
from rumpvfs.fs.nfs import nfs3, rpc
from rumpvfs.fs.nfs.client import Patience, RpcClient
from rumpvfs.fs.nfs.mount import options, place, size
from rumpvfs.fs.nfs.xdr import Packer, Unpacker
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, RecvfromResult, SockaddrIn, SockaddrIn6

SERVER = SockaddrIn(bytes([192, 0, 2, 1]), 2049)
NULL = rpc.Procedure(nfs3.NFS, 3, 0)
USER = Credentials(1000, 1001, 1000, 100, 101, 100, [5, 6])


def test_a_call_as_the_rfc_has_it() -> None:
    message = rpc.call(7, NULL, USER, "rump", b"args")
    assert message == (
        struct.pack(">IIIIII", 7, 0, 2, 100003, 3, 0)
        + struct.pack(">II", 1, 32)
        + struct.pack(">II4sIIIII", 0, 4, b"rump", 1001, 101, 2, 5, 6)
        + struct.pack(">II", 0, 0)
        + b"args"
    )


def test_numbers_strings_and_padding() -> None:
    data = Packer().uint(1, 0xFFFFFFFF).hyper(1 << 40).opaque(b"abcde").fixed(b"xy").data()
    assert len(data) % 4 == 0
    body = Unpacker(data)
    assert (body.uint(), body.uint(), body.hyper()) == (1, 0xFFFFFFFF, 1 << 40)
    assert (bytes(body.opaque(5)), bytes(body.fixed(2))) == (b"abcde", b"xy")
    with pytest.raises(KernelError, match="cut short"):
        body.uint()


def test_what_is_changed_and_what_is_not() -> None:
    changes = nfs3.sattr(Packer(), Changes(mode=0o644, size=5, mtime_ns=1_500_000_000)).data()
    assert changes == struct.pack(">IIIIIQIIII", 1, 0o644, 0, 0, 1, 5, 0, 2, 1, 500_000_000)


@given(st.binary(max_size=400))
def test_any_answer_is_an_answer_or_an_error(data: bytes) -> None:
    parsers: list[Callable[[Unpacker], Any]] = [
        rpc.accept, nfs3.fattr, nfs3.post_op, nfs3.wcc, nfs3.post_op_handle, nfs3.fsinfo,
        lambda body: nfs3.entries(body, plus=True), lambda body: nfs3.entries(body, plus=False),
    ]  # fmt: skip
    for parse in parsers:
        with contextlib.suppress(KernelError):
            parse(Unpacker(data))


@pytest.mark.parametrize("name", [b"", b"a/b", b"a\0b"])
def test_impossible_names(name: bytes) -> None:
    body = Packer().uint(1).hyper(5).opaque(name).hyper(1).uint(0, 1).data()
    with pytest.raises(KernelError, match="impossible name"):
        nfs3.entries(Unpacker(body), plus=False)


def test_errors_by_number() -> None:
    for status, errno in ((2, "ENOENT"), (70, "ESTALE"), (10004, "EOPNOTSUPP"), (66, "ENOTEMPTY"), (12345, "EIO")):
        with pytest.raises(KernelError) as caught:
            nfs3.check(status)
        assert caught.value.name == errno
    nfs3.check(0)


def test_options() -> None:
    found = options({"soft": "True", "timeo": "5", "noac": "", "rsize": "4096", "vers": "3", "nolock": ""})
    assert (found.soft, found.timeo, found.acregmax, found.acdirmin, found.rsize) == (True, 5, 0, 0, 4096)
    assert options({"hard": "", "nointr": "", "noresvport": ""}).soft is False
    for bad in ({"vers": "4"}, {"rsize": "x"}, {"port": "70000"}, {"what": "1"}, {"proto": "udp"}):
        with pytest.raises(KernelError) as caught:
            options(bad)
        assert caught.value.name == "EINVAL"
    asked = ((0, 65536, 131072), (4096, 65536, 131072), (1 << 20, 8192, 32768), (0, 0, 0))
    assert [size(*sizes) for sizes in asked] == [65536, 4096, 32768, 1024]


def test_places() -> None:
    address, path = place(b"192.0.2.1:/a:/b")
    assert (address(2049), path) == (SERVER, b"/a:/b")
    address, path = place(b"192.0.2.1:/srv/x")
    assert (address(2049), path) == (SERVER, b"/srv/x")
    address, path = place(b"[2001:db8::1]:/")
    assert isinstance(address(1), SockaddrIn6)
    assert path == b"/"
    for bad in (b"", b"/x", b"server:/x", b"192.0.2.1", b"1.2.3:/x", b"[::1:/x"):
        with pytest.raises(KernelError):
            place(bad)


class Net:
    """Stands for net and kern: connections to a server that answers as it is told."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers
        self.now = 0
        self.sent: list[bytes] = []
        self.arriving = b""
        self.connections = 0
        self.closed = 0

    def call(self, faction: str, name: str, *args: Any) -> Any:
        return getattr(self, name, lambda *_: None)(*args)

    def socket(self, *_: Any) -> int:
        self.connections += 1
        self.arriving = b""
        return self.connections

    def close(self, handle: int) -> None:
        self.closed += 1

    def nanosleep(self, time: Any) -> None:
        self.now += time.tv_sec * 10**9 + time.tv_nsec

    def sendto(self, handle: int, data: bytes, flags: int, to: Any) -> int:
        self.sent.append(data)
        answer = self.answers.pop(0)
        if callable(answer):
            self.arriving += answer(int.from_bytes(data[4:8], "big"))
        elif answer is not None:
            raise KernelError(answer)
        return len(data)

    def recvfrom(self, handle: int, length: int, flags: int) -> RecvfromResult:
        if not self.arriving:
            self.now += 2 * 10**9
            raise KernelError(Errno.EAGAIN)
        data, self.arriving = self.arriving[:3], self.arriving[3:]  # in small pieces
        return RecvfromResult(data)


def good(value: int) -> Callable[[int], bytes]:
    return lambda xid: rpc.record(Packer().uint(xid, rpc.REPLY, 0, 0, 0, 0, value).data())


def client(net: Net, **patience: Any) -> RpcClient:
    return RpcClient(net.call, lambda: net.now, SERVER, "rump", 41, Patience(timeo_ns=5 * 10**9, **patience))


def test_answers_of_others_are_passed_over() -> None:
    net = Net([lambda xid: good(1)(xid - 5) + good(2)(xid)])
    assert client(net)(NULL, USER, b"").uint() == 2


def test_a_repetition_has_the_same_number() -> None:
    net = Net([lambda xid: b"", good(9)])
    assert client(net)(NULL, USER, b"").uint() == 9
    assert net.sent[0] == net.sent[1]
    assert net.connections == 1


@pytest.mark.parametrize("cut", range(1, 32, 3))
def test_a_connection_that_breaks_inside_of_an_answer(cut: int) -> None:
    net = Net([lambda xid: good(1)(xid)[:cut], good(2)])
    assert client(net)(NULL, USER, b"").uint() == 2
    assert net.sent[0] == net.sent[1]
    assert (net.connections, net.closed) == (2, 1)


def test_a_soft_client_gives_up_and_a_hard_one_does_not() -> None:
    net = Net([Errno.ECONNRESET] * 10 + [good(3)])
    with pytest.raises(KernelError) as caught:
        client(net, soft=True, retrans=2)(NULL, USER, b"")
    assert caught.value.name == "ETIMEDOUT"
    assert len(net.sent) == 3
    assert client(net)(NULL, USER, b"").uint() == 3


@pytest.mark.parametrize(
    ("answer", "errno"),
    [
        (lambda xid: (1 << 31 | 8 << 20).to_bytes(4, "big"), "EBADRPC"),
        (lambda xid: rpc.record(Packer().uint(xid, rpc.CALL, 0).data()), "EBADRPC"),
        (lambda xid: rpc.record(Packer().uint(xid, rpc.REPLY, 0, 0, 0, 1).data()), "EPROGUNAVAIL"),
        (lambda xid: rpc.record(Packer().uint(xid, rpc.REPLY, 0, 0, 0, 99).data()), "EBADRPC"),
        (lambda xid: rpc.record(Packer().uint(xid, rpc.REPLY, 1, 1, 5).data()), "EACCES"),
        (lambda xid: rpc.record(Packer().uint(xid, rpc.REPLY, 1, 0, 2, 2).data()), "ERPCMISMATCH"),
        (lambda xid: rpc.record(b"abc"), "EBADRPC"),
    ],
)
def test_answers_that_are_none(answer: Callable[[int], bytes], errno: str) -> None:
    with pytest.raises(KernelError) as caught:
        client(Net([answer]))(NULL, USER, b"")
    assert caught.value.name == errno
