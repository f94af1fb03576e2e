"""What the programs for networks share: addresses as people write them, flags by name, requests about interfaces."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rump
from rumpclients._command import CommandError

IF_FLAGS = {
    rump.IFF_UP: "UP", rump.IFF_BROADCAST: "BROADCAST", rump.IFF_DEBUG: "DEBUG", rump.IFF_LOOPBACK: "LOOPBACK",
    rump.IFF_POINTOPOINT: "POINTOPOINT", rump.IFF_RUNNING: "RUNNING", rump.IFF_NOARP: "NOARP",
    rump.IFF_PROMISC: "PROMISC", rump.IFF_ALLMULTI: "ALLMULTI", rump.IFF_OACTIVE: "OACTIVE",
    rump.IFF_SIMPLEX: "SIMPLEX", rump.IFF_LINK0: "LINK0", rump.IFF_LINK1: "LINK1", rump.IFF_LINK2: "LINK2",
    rump.IFF_MULTICAST: "MULTICAST",
}  # fmt: skip
ADDRESS_FLAGS = {
    rump.IN6_IFF_ANYCAST: "ANYCAST", rump.IN6_IFF_TENTATIVE: "TENTATIVE", rump.IN6_IFF_DUPLICATED: "DUPLICATED",
    rump.IN6_IFF_DETACHED: "DETACHED", rump.IN6_IFF_DEPRECATED: "DEPRECATED", rump.IN6_IFF_NODAD: "NODAD",
    rump.IN6_IFF_AUTOCONF: "AUTOCONF", rump.IN6_IFF_TEMPORARY: "TEMPORARY",
}  # fmt: skip
ROUTE_FLAGS = {
    rump.RTF_UP: "U", rump.RTF_GATEWAY: "G", rump.RTF_HOST: "H", rump.RTF_REJECT: "R", rump.RTF_DYNAMIC: "D",
    rump.RTF_MODIFIED: "M", rump.RTF_CONNECTED: "C", rump.RTF_LLDATA: "L", rump.RTF_STATIC: "S",
    rump.RTF_PROTO1: "1", rump.RTF_PROTO2: "2", rump.RTF_BLACKHOLE: "B", rump.RTF_ANNOUNCE: "p", rump.RTF_LOCAL: "l",
    rump.RTF_BROADCAST: "b",
}  # fmt: skip


def flag_names(flags: int, names: dict[int, str] = IF_FLAGS) -> list[str]:
    return [name for bit, name in names.items() if flags & bit]


@contextmanager
def requests(k: rump.Client) -> Iterator[Requests]:
    """A socket for requests about interfaces."""
    fd = k.sys.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
    try:
        yield Requests(k, fd)
    finally:
        k.sys.close(fd)


class Requests:
    """``ask(SIOC..., argument)`` gives the argument as it comes back."""

    def __init__(self, k: rump.Client, fd: int) -> None:
        self._k = k
        self._fd = fd

    def ask(self, com: int, data: Any = None) -> Any:
        return self._k.sys.ioctl(self._fd, com, data).data

    def number(self, com: int, ifname: str) -> int:
        return int(self.ask(com, rump.Ifreq(ifname)).ifr_value)


def lladdr(raw: bytes) -> str:
    return raw.hex(":")


def parse_lladdr(text: str) -> bytes:
    """CommandError."""
    parts = text.replace("-", ":").split(":")
    try:
        raw = bytes(int(part, 16) for part in parts)
    except ValueError as error:
        raise CommandError(f"{text}: not a link-level address") from error
    if len(raw) != 6:
        raise CommandError(f"{text}: a link-level address has six bytes")
    return raw


def address(name: Any, *, zone: bool = True) -> str:
    """An address of the contract as people write it; link-level ones too."""
    if isinstance(name, rump.SockaddrIn):
        return socket.inet_ntop(socket.AF_INET, name.sin_addr or bytes(4))
    if isinstance(name, rump.SockaddrIn6):
        text = socket.inet_ntop(socket.AF_INET6, name.sin6_addr or bytes(16))
        return f"{text}%{name.sin6_scope_id}" if zone and name.sin6_scope_id else text
    if isinstance(name, rump.SockaddrDl):
        return lladdr(name.sdl_addr) if name.sdl_addr else f"link#{name.sdl_index}"
    return ""


def endpoint(name: Any) -> str:
    """An address and a port as netstat(1) writes them: ``10.0.0.1.80``, ``*.80``."""
    port = name.sin_port if isinstance(name, rump.SockaddrIn) else getattr(name, "sin6_port", 0)
    raw = name.sin_addr if isinstance(name, rump.SockaddrIn) else getattr(name, "sin6_addr", b"")
    return f"{address(name) if any(raw) else '*'}.{port or '*'}"


def parse_address(text: str, family: int = 0, *, index: Any = None) -> Any:
    """An address by number or, over the host's resolver, by name. ``index`` turns the zone of IPv6 into a number.
    CommandError."""
    bare, _, zone = text.partition("%")
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        try:
            found = ipaddress.ip_address(str(socket.getaddrinfo(bare, None, family)[0][4][0]))
        except OSError as error:
            raise CommandError(f"{text}: {error.strerror}") from error
    if found.version == 4:
        return rump.SockaddrIn(found.packed)
    scope = 0
    if zone:
        scope = int(zone) if zone.isdecimal() else index(zone) if index else 0
    return rump.SockaddrIn6(found.packed, 0, 0, scope)


def prefix_of_mask(text: str) -> int:
    """The length of a prefix from a mask, dotted or hexadecimal. CommandError."""
    try:
        number = int(text, 16) if text.startswith("0x") else int(ipaddress.ip_address(text))
    except ValueError as error:
        raise CommandError(f"{text}: not a network mask") from error
    bits = 128 if ":" in text else 32
    prefixlen = number.bit_count()
    if number != (1 << bits) - (1 << bits - prefixlen):
        raise CommandError(f"{text}: a network mask with holes")
    return prefixlen
