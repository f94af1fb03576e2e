"""Hostile packets: whatever comes in, nothing is raised, every packet is counted, and the stack serves on."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from rumpnet.core.iface import IPV4
from rumpnet.core.packet import Packet
from rumpnet.core.reassembly import DATAGRAMS_MAX
from rumpnet.core.wire import Malformed, icmp, ipv4, udp
from rumpnet.core.wire.checksum import checksum
from tests.unit.net.kit import LOCALHOST, Kit, lo

OTHERS = [LOCALHOST, bytes(4), b"\xff" * 4, bytes([10, 0, 0, 1]), bytes([127, 0, 0, 2]), b"\xe0\0\0\1"]
addresses = st.sampled_from(OTHERS) | st.binary(min_size=4, max_size=4)
byte = st.integers(0, 255)


@st.composite
def headed(draw: st.DrawFn) -> bytes:
    """Anything behind a header that is right, so that it gets through to the next layer."""
    payload = draw(messages | st.binary(max_size=120))
    fragment = draw(st.just(0) | st.integers(0, 0xFFFF))
    options = draw(st.sampled_from([b"", b"", bytes(4), b"\xff" * 40]))
    protocol = draw(st.sampled_from([1, 17, 17, 6, 0, 255]))
    dst = draw(st.just(LOCALHOST) | addresses)
    src, ttl, tos, ident = draw(addresses), draw(byte), draw(byte), draw(st.integers(0, 3))
    header = ipv4.Ipv4(src, dst, protocol, ttl, tos, ident, fragment, options)
    return header.emit(len(payload)) + payload


@st.composite
def summed(draw: st.DrawFn) -> bytes:
    """An ICMP message with a checksum that is right and anything else wrong."""
    body = bytearray(draw(st.binary(min_size=8, max_size=80)))
    body[0] = draw(st.sampled_from([0, 3, 4, 5, 8, 11, 12, 13]))
    body[2:4] = bytes(2)
    body[2:4] = checksum(body).to_bytes(2, "big")
    return bytes(body)


datagrams = st.builds(
    lambda src, dst, length, body: udp.HEADER.pack(src, dst, length, 0) + body,
    st.integers(0, 0xFFFF), st.sampled_from([0, 7, 8, 53]), st.integers(0, 60), st.binary(max_size=50),
)  # fmt: skip
quoting = st.builds(
    lambda kind, code, quoted: icmp.Icmp(kind, code, 0, quoted).emit(),
    st.sampled_from([3, 11, 12]), st.integers(0, 5),
    st.builds(lambda d: ipv4.Ipv4(LOCALHOST, LOCALHOST, 17).emit(len(d)) + d, datagrams) | st.binary(max_size=60),
)  # fmt: skip
messages = st.deferred(lambda: summed() | datagrams | quoting)
packets = st.binary(max_size=100) | headed()


@given(st.binary(max_size=100))
def test_parsers_raise_malformed_alone(data: bytes) -> None:
    for parser in (ipv4.Packet, udp.Packet, icmp.Packet):
        with contextlib.suppress(Malformed):
            parser(data).parse()


@settings(max_examples=300, deadline=None)
@given(st.lists(packets, max_size=12), st.booleans())
def test_the_stack_survives(received: list[bytes], forwarding: bool) -> None:
    n = Kit()
    ip = n.inet.ip
    ip.forwarding.value = int(forwarding)
    server, client, connected = n.udp(7), n.udp(), n.udp(8)
    n("connect", connected, lo(9))
    n("socket", 2, 3, 1)
    lo0 = ip.interfaces.by_name["lo0"]
    for packet in received:
        before = ip.stats["total packets received"]
        ip.queue.put(lo0, Packet(packet), IPV4)
        assert ip.stats["total packets received"] > before
    assert len(ip.queue) == 0
    assert len(ip.reassembly) <= DATAGRAMS_MAX
    n.host.advance(40)
    assert len(ip.reassembly) == 0
    n("close", server)
    server = n.udp(7)
    n("sendto", client, b"still here", None, lo(7))
    assert n("recvfrom", server, 100, None).data == b"still here"
