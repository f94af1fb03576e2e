"""The same packets for Linux and for us: both give the same answers.

Where BSD and Linux are known to differ, the case is not here: source routes (BSD tells the sender), the pointer to an
option of a bad length, ICMP requests that are cut off, whether an answer to one neighbour overrides, jumbograms, long
padding.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Callable, Iterator

import pytest

from rumpnet.core.wire import Malformed, ethernet, icmp, icmp6, ipv4, ipv6, udp
from rumpnet.core.wire.checksum import ones_sum
from tests.unit.net.lab import Lab, Machine, Wire
from tests.unit.net.linux import Linux, linux
from tests.unit.net.test_inet import eth
from tests.unit.net.test_inet6 import a6

PROBER = b"\2\0\0\0\0\x09"
SRC, SRC6 = bytes([10, 0, 0, 9]), a6("fd00::9")
DST, DST6 = bytes([10, 0, 0, 1]), a6("fd00::1")
Answer = tuple[int, ...]
"""Protocol, type, code, and of parameter problems the pointer."""


def four(protocol: int, payload: bytes, **changes: object) -> bytes:
    fields: dict[str, object] = {"src": SRC, "dst": DST, "protocol": protocol} | changes
    return ipv4.Ipv4(**fields).emit(len(payload)) + payload  # type: ignore[arg-type]


def echo(**changes: object) -> bytes:
    return four(1, icmp.Icmp(icmp.ECHO, 0, 0x10001, bytes(16)).emit(), **changes)


def patched(packet: bytes, at: int, value: bytes, *, mend: bool = False) -> bytes:
    """With other bytes somewhere; ``mend`` makes the header's checksum right again."""
    changed = packet[:at] + value + packet[at + len(value) :]
    if mend:
        head = changed[:10] + b"\0\0" + changed[12:20]
        changed = head[:10] + (~ones_sum(head) & 0xFFFF).to_bytes(2, "big") + head[12:] + changed[20:]
    return changed


def datagram(port: int = 9, **changes: object) -> bytes:
    return four(17, udp.Udp(1000, port).emit(SRC, DST, b"data") + b"data", **changes)


def six(next_header: int, payload: bytes, src: bytes = SRC6, dst: bytes = DST6, hops: int = 64) -> bytes:
    return ipv6.emit(src, dst, next_header, len(payload), hops) + payload


def message(
    kind: int, payload: bytes = bytes(16), src: bytes = SRC6, dst: bytes = DST6, rest: int = 0, code: int = 0
) -> bytes:
    pseudo = ones_sum(src + dst) + 58 + 8 + len(payload)
    return icmp6.Icmp6(kind, code, rest, payload).emit(pseudo)


ECHO6 = message(icmp6.ECHO)
DATAGRAM6 = udp.Udp(1000, 9).emit(SRC6, DST6, b"data") + b"data"


def behind(kind: int, body: bytes, following: int = 58, rest: bytes = ECHO6) -> bytes:
    """An extension header in front of an echo request."""
    return six(kind, bytes([following]) + body + rest)


def piece(offset: int, more: bool, payload: bytes, following: int = 58, ident: int = 5) -> bytes:
    return six(44, ipv6.FRAGMENT_HEADER.pack(following, 0, offset | more, ident) + payload)


def solicit(payload: bytes, src: bytes = SRC6, dst: bytes = DST6, hops: int = 255) -> bytes:
    return six(58, message(icmp6.NEIGHBOUR_SOLICIT, payload, src, dst), src, dst, hops)


LINK = icmp6.link_option(icmp6.SOURCE_LINK, PROBER)
GROUP6 = a6("ff02::1:ff00:1")
CASES: dict[str, list[bytes]] = {
    # IPv4
    "echo": [echo()],
    "echo, bad sum of ICMP": [patched(echo(), 22, b"\0\0")],
    "echo, bad sum of IP": [patched(echo(), 10, b"\0\0")],
    "echo, version 5": [patched(echo(), 0, b"\x55", mend=True)],
    "echo, header too short": [patched(echo(), 0, b"\x44", mend=True)],
    "echo, longer than it is": [patched(echo(), 2, b"\x01\0", mend=True)],
    "echo, shorter than its header": [patched(echo(), 2, b"\0\x10", mend=True)],
    "echo with padding behind": [echo() + bytes(9)],
    "echo, ttl 0": [echo(ttl=0)],
    "echo from a broadcast": [echo(src=b"\xff" * 4)],
    "echo from a group": [echo(src=bytes([224, 0, 0, 5]))],
    "echo from 127.0.0.1": [echo(src=bytes([127, 0, 0, 1]))],
    "echo to 127.0.0.1": [echo(dst=bytes([127, 0, 0, 1]))],
    "echo to another": [echo(dst=bytes([10, 0, 0, 77]))],
    "echo to the broadcast": [echo(dst=bytes([10, 0, 0, 255]))],
    "echo with recorded route": [echo(options=bytes([7, 7, 4, 0, 0, 0, 0, 0]))],
    "echo with recorded route, full": [echo(options=bytes([7, 7, 8, 0, 0, 0, 0, 0]))],
    "echo with timestamps": [echo(options=bytes([68, 8, 5, 0, 0, 0, 0, 0]))],
    "echo, option without length": [echo(options=bytes([1, 1, 1, 7]))],
    "echo, no room for address and timestamp": [echo(options=bytes([68, 8, 5, 1, 0, 0, 0, 0]))],
    "echo, pointer too small": [echo(options=bytes([7, 7, 3, 0, 0, 0, 0, 0]))],
    "echo in two pieces": [
        four(1, echo()[20:][:16], fragment=0x2000, ident=9), four(1, echo()[20:][16:], fragment=2, ident=9),
    ],
    "echo in pieces that overlap": [
        four(1, echo()[20:][:16], fragment=0x2000, ident=10), four(1, echo()[20:][8:], fragment=1, ident=10),
    ],
    "second piece alone": [four(99, bytes(16), fragment=2, ident=11)],
    "ping of death": [four(1, bytes(16), fragment=0x1FFF, ident=12)],
    "timestamp request": [four(1, icmp.Icmp(icmp.TIMESTAMP_REQUEST, 0, 1, bytes(12)).emit())],
    "mask request": [four(1, icmp.Icmp(icmp.MASK_REQUEST, 0, 1, bytes(4)).emit())],
    "unknown type of ICMP": [four(1, icmp.Icmp(77, 0, 1, bytes(16)).emit())],
    "error about nothing": [four(1, icmp.Icmp(icmp.UNREACHABLE, 3, 0, echo(src=DST, dst=SRC)[:28]).emit())],
    "ICMP cut off": [four(1, b"\x08\0\xf7")],
    "datagram to nobody": [datagram()],
    "datagram to nobody, to all": [datagram(dst=bytes([10, 0, 0, 255]))],
    "datagram, bad sum": [patched(datagram(), 26, b"\1\1")],
    "datagram, no sum": [patched(datagram(), 26, b"\0\0")],
    "datagram, length too long": [patched(datagram(), 24, b"\0\x20")],
    "datagram, length too short": [patched(datagram(), 24, b"\0\x04")],
    "protocol 99": [four(99, bytes(16))],
    "protocol 99 to a group": [four(99, bytes(16), dst=bytes([224, 0, 0, 1]))],
    # IPv6
    "echo6": [six(58, ECHO6)],
    "echo6, bad sum": [six(58, patched(ECHO6, 2, b"\0\0"))],
    "echo6, longer than it is": [patched(six(58, ECHO6), 4, b"\1\0")],
    "echo6 with padding behind": [six(58, ECHO6) + bytes(9)],
    "echo6, version 4": [patched(six(58, ECHO6), 0, b"\x40")],
    "echo6, hops 0": [six(58, ECHO6, hops=0)],
    "echo6 from a group": [six(58, message(128, src=a6("ff02::5")), src=a6("ff02::5"))],
    "echo6 from ::1": [six(58, message(128, src=a6("::1")), src=a6("::1"))],
    "echo6 to ::1": [six(58, message(128, dst=a6("::1")), dst=a6("::1"))],
    "echo6 from nobody": [six(58, message(128, src=bytes(16)), src=bytes(16))],
    "echo6 to another": [six(58, message(128, dst=a6("fd00::77")), dst=a6("fd00::77"))],
    "echo6 to all nodes": [six(58, message(128, dst=a6("ff02::1")), dst=a6("ff02::1"))],
    "echo6 to a group of nobody": [six(58, message(128, dst=a6("ff02::77")), dst=a6("ff02::77"))],
    "unknown informational": [six(58, message(200))],
    "unknown error": [six(58, message(100))],
    "ICMPv6 cut off": [six(58, ECHO6[:3])],
    "destination options": [behind(60, b"\0\1\4\0\0\0\0")],
    "hop-by-hop options": [behind(0, b"\0\1\4\0\0\0\0")],
    "router alert": [behind(0, b"\0\5\2\0\0\1\0")],
    **{
        f"option {kind:#x} in header {header}": [behind(header, bytes([0, kind, 4, 0, 0, 0, 0]))]
        for kind in (0x1F, 0x5F, 0x9F, 0xDF)
        for header in (0, 60)
    },
    "option that is cut off": [behind(60, b"\0\x1f\x09\0\0\0\0")],
    "destination options that are cut off": [six(60, bytes([58, 9, 1, 4]) + bytes(12))],
    "routing header of type 0": [behind(43, b"\2\0\1" + bytes(20))],
    "routing header of type 0, done": [behind(43, b"\2\0\0" + bytes(20))],
    "routing header of type 99": [behind(43, b"\0\x63\1" + bytes(4))],
    "routing header of type 99, done": [behind(43, b"\0\x63\0" + bytes(4))],
    "hop-by-hop behind destination options": [
        behind(60, b"\0\1\4\0\0\0\0", 0, bytes([58, 0, 1, 4, 0, 0, 0, 0]) + ECHO6),
    ],
    "hop-by-hop behind an atomic fragment": [piece(0, False, bytes([58, 0, 1, 4, 0, 0, 0, 0]) + ECHO6, 0)],
    "unknown option behind an atomic fragment": [piece(0, False, bytes([58, 0, 0x9F, 4, 0, 0, 0, 0]) + ECHO6, 60)],
    "no next header": [six(59, b"")],
    "no next header, and bytes": [six(59, bytes(20))],
    "protocol 99 of IPv6": [six(99, bytes(16))],
    "protocol 99 behind options": [behind(60, b"\0\1\4\0\0\0\0", 99, bytes(16))],
    "atomic fragment": [piece(0, False, ECHO6)],
    "echo6 in two pieces": [piece(0, True, ECHO6[:16], ident=6), piece(16, False, ECHO6[16:], ident=6)],
    "echo6 in two pieces, backwards": [piece(16, False, ECHO6[16:], ident=7), piece(0, True, ECHO6[:16], ident=7)],
    "echo6 in pieces that overlap": [piece(0, True, ECHO6[:16], ident=8), piece(8, False, ECHO6[8:], ident=8)],
    "a piece of no multiple of 8": [piece(0, True, ECHO6[:13], ident=9)],
    "a piece that reaches too far": [piece(0xFFF8, False, bytes(16), ident=10)],
    "headers beyond the first piece": [piece(0, True, bytes([58, 4]) + bytes(6), 60, 11)],
    "UDP header beyond the first piece": [piece(0, True, b"", 17, 12)],
    "datagram6 to nobody": [six(17, DATAGRAM6)],
    "datagram6, bad sum": [six(17, patched(DATAGRAM6, 6, b"\1\1"))],
    "datagram6, no sum": [six(17, patched(DATAGRAM6, 6, b"\0\0"))],
    "datagram6, length too long": [six(17, patched(DATAGRAM6, 4, b"\0\x20"))],
    # neighbour discovery
    "solicitation": [solicit(DST6 + LINK)],
    "solicitation without link address": [solicit(DST6)],
    "solicitation to the group": [solicit(DST6 + LINK, dst=GROUP6)],
    "solicitation from elsewhere": [solicit(DST6 + LINK, hops=64)],
    "solicitation with an empty option": [solicit(DST6 + b"\1\0" + bytes(6))],
    "solicitation with an unknown option": [solicit(DST6 + b"\x63\1" + bytes(6) + LINK)],
    "solicitation for a group": [solicit(a6("ff02::1") + LINK)],
    "solicitation for another": [solicit(a6("fd00::77") + LINK)],
    "solicitation that is cut off": [solicit(DST6[:8])],
    "search for duplicates": [solicit(DST6, bytes(16), GROUP6)],
    "search for duplicates, with link address": [solicit(DST6 + LINK, bytes(16), GROUP6)],
    "search for duplicates, to one": [solicit(DST6, bytes(16), DST6)],
}  # fmt: skip


def answers(frames: list[bytes], sender: bytes) -> list[Answer]:
    """What a kernel sent in answer to probes, as far as both kernels have to agree on it."""
    found = []
    for frame in frames:
        if frame[6:12] != sender:
            continue
        kind, payload = struct.unpack_from("!H", frame, 12)[0], frame[14:]
        try:
            row = _four(payload) if kind == 0x0800 else _six(payload) if kind == 0x86DD else None
        except Malformed:
            row = (-1,)
        if row is not None:
            found.append(row)
    return found


def _four(payload: bytes) -> Answer | None:
    packet = ipv4.Packet(payload)
    if packet.protocol != 1 or packet.dst != SRC:
        return None
    about = icmp.Packet(packet.payload)
    pointer = about.rest >> 24 if about.type == icmp.PARAMETER_PROBLEM else 0
    return 1, about.type, about.code, pointer


def _six(payload: bytes) -> Answer | None:
    packet = ipv6.Packet(payload)
    packet.walk()
    if packet.protocol != 58 or packet.dst not in (SRC6, a6("ff02::1")):
        return None
    kind, code, _, rest = icmp6.HEADER.unpack_from(packet.payload)
    if kind in (icmp6.NEIGHBOUR_SOLICIT, icmp6.LISTENER_REPORT2):
        return None
    if kind == icmp6.NEIGHBOUR_ADVERT:
        return 58, kind, code, rest & (icmp6.ROUTER | icmp6.SOLICITED)
    return 58, kind, code, rest if kind == icmp6.PARAMETER_PROBLEM else 0


def _to(packet: bytes, lladdr: bytes) -> bytes:
    """As a frame: to a group's address where the packet is for a group."""
    six_ = packet[0] >> 4 == 6 or packet in CASES["echo6, version 4"]
    dst = packet[24:40] if six_ else packet[16:20]
    if six_ and dst[:1] == b"\xff":
        lladdr = ethernet.group_address(dst)
    elif not six_ and dst in (b"\x0a\0\0\xff", b"\xff" * 4):
        lladdr = ethernet.BROADCAST
    elif not six_ and dst[:1] == b"\xe0":
        lladdr = ethernet.group_address(dst)
    return ethernet.HEADER.pack(lladdr, PROBER, 0x86DD if six_ else 0x0800) + packet


OLDEST = (5, 15)
"""Older kernels do not tell of headers beyond the first fragment."""


@pytest.fixture(scope="module")
def peer() -> Iterator[Linux]:
    release = platform.release()
    if tuple(int(part) for part in release.split(".")[:2]) < OLDEST:
        pytest.skip(f"Linux {release} answers some of this in another way")
    with linux() as (made, ours):
        ours("netconfig_ifdestroy", "eth0")
        made.wire.ports[:] = [made.end]
        for path in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit", "ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            made.run("sh", "-c", f"echo 0 > /proc/sys/net/{path}")
        made.run("ip", "neigh", "replace", "10.0.0.9", "lladdr", PROBER.hex(":"), "dev", "tap0", "nud", "permanent")
        made.run(
            "ip", "-6", "neigh", "replace", "fd00::9", "lladdr", PROBER.hex(":"), "dev", "tap0", "nud", "permanent"
        )
        yield made


@pytest.fixture(scope="module")
def ours() -> tuple[Lab, Machine, Wire]:
    lab, wire = Lab(), Wire()
    machine = lab.machine()
    machine.plug(wire, "10.0.0.1/24", "fd00::1/64")
    machine.inet.icmp.errppslimit.put(1 << 20)
    lab.host.advance(5)
    for addr in (SRC, SRC6):
        eth(machine).neighbours.set(addr, PROBER, permanent=True)
    return lab, machine, wire


def _linux_says(peer: Linux, frames: Callable[[bytes], list[bytes]]) -> list[Answer]:
    mac = _mac(peer)
    peer.wire.frames.clear()
    for frame in frames(mac):
        peer.send(frame)
    seen = -1
    while seen != len(peer.wire.frames):
        seen = len(peer.wire.frames)
        _settle(peer)
    return answers(peer.wire.frames, mac)


def _settle(peer: Linux) -> None:
    turns = iter(range(4))
    peer.pump(lambda: next(turns, None) is None)


_macs: dict[int, bytes] = {}


def _mac(peer: Linux) -> bytes:
    if id(peer) not in _macs:
        words = peer.run("ip", "-o", "link", "show", "tap0").split()
        _macs[id(peer)] = bytes.fromhex(words[words.index("link/ether") + 1].replace(":", ""))
    return _macs[id(peer)]


@pytest.mark.parametrize("name", CASES)
def test_the_same_answers(peer: Linux, ours: tuple[Lab, Machine, Wire], name: str) -> None:
    theirs = _linux_says(peer, lambda mac: [_to(packet, mac) for packet in CASES[name]])
    lab, machine, wire = ours
    wire.frames.clear()
    for packet in CASES[name]:
        wire.inject(_to(packet, eth(machine).lladdr))
    lab.host.advance(0.01)
    assert answers(wire.frames, eth(machine).lladdr) == theirs
