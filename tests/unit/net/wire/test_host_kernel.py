"""Packets of ours, taken by the host's kernel, which checks every checksum; and its packets, read by us."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from rumpnet.core.wire import icmp, ipv4, udp

LO = bytes([127, 0, 0, 1])
TIMEOUT_S = 10.0


def raw(protocol: int) -> Iterator[socket.socket]:
    try:
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    except PermissionError:
        pytest.skip("raw sockets of the host are root's")
    with s:
        s.settimeout(TIMEOUT_S)
        yield s


@pytest.fixture
def raw_ip() -> Iterator[socket.socket]:
    yield from raw(socket.IPPROTO_RAW)


@pytest.fixture
def raw_icmp() -> Iterator[socket.socket]:
    yield from raw(socket.IPPROTO_ICMP)


@pytest.mark.parametrize("payload", [b"", b"odd", bytes(range(256)) * 5])
def test_the_host_takes_our_datagrams_and_refuses_wrong_ones(raw_ip: socket.socket, payload: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(TIMEOUT_S)
        header = udp.Udp(4242, receiver.getsockname()[1]).emit(LO, LO, payload)
        wrong = header[:6] + bytes([header[6] ^ 1, header[7]])
        for part in (wrong, header):
            whole = ipv4.Ipv4(LO, LO, udp.PROTOCOL, ident=77).emit(len(part) + len(payload)) + part + payload
            raw_ip.sendto(whole, ("127.0.0.1", 0))
        assert receiver.recvfrom(2000) == (payload, ("127.0.0.1", 4242))
        receiver.setblocking(False)
        with pytest.raises(BlockingIOError):
            receiver.recv(1)


def test_the_host_answers_our_echo_requests_and_we_read_its_answers(raw_icmp: socket.socket) -> None:
    message = icmp.Icmp(icmp.ECHO, 0, 0x52554D50, b"payload")
    raw_icmp.sendto(message.emit(), ("127.0.0.1", 0))
    while True:
        packet = ipv4.Packet(raw_icmp.recv(2000))
        header = packet.parse()
        assert header.emit(len(packet.payload)) == packet.header
        answer = icmp.Packet(packet.payload).parse()
        if (answer.type, answer.rest) == (icmp.ECHO_REPLY, message.rest):
            break
    assert answer.payload == b"payload"
