"""rump.wgconfig: tunnels of WireGuard (wgconfig(8))."""

from __future__ import annotations

import argparse
import base64
import binascii
import ipaddress
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import rump
from rumpclients._command import CommandError, Parser, UsageError, connect, run
from rumpclients._net import Requests, address, requests

PROG = "rump.wgconfig"
KEY_LEN = 32
WORDS = """\
show [all], show peer NAME [--show-preshared-key], show private-key, set private-key FILE, set listen-port PORT,
add peer NAME PUBLIC-KEY [--preshared-key=FILE] [--endpoint=IP:PORT] [--allowed-ips=IP/LENGTH,...]
[--persistent-keepalive=SECONDS], delete peer NAME"""


def parser() -> Parser:
    p = Parser(PROG, "Shows or changes a tunnel of WireGuard of the kernel that RUMP_SERVER names.")
    p.add_argument("interface")
    p.add_argument("words", nargs="*", metavar="word", help=WORDS)
    p.add_argument("--show-preshared-key", action="store_true")
    p.add_argument("--preshared-key", metavar="FILE")
    p.add_argument("--endpoint", metavar="IP:PORT")
    p.add_argument("--allowed-ips", metavar="IP/LENGTH,...")
    p.add_argument("--persistent-keepalive", metavar="SECONDS", type=_seconds, default=0)
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    return run(PROG, lambda: _main(p.parse_intermixed_args(argv)))


def _main(options: argparse.Namespace) -> None:
    name = options.interface
    req = _request(name, options)
    with connect(PROG) as k, requests(k) as asks:
        if req is None:
            _show(asks.ask(rump.SIOCGDRVSPEC, rump.WgReq(name, rump.WG_IOCTL_GET)), options)
        else:
            _set(asks, req)


def _set(asks: Requests, req: rump.WgReq) -> None:
    asks.ask(rump.SIOCSDRVSPEC, req)


def _request(name: str, options: argparse.Namespace) -> rump.WgReq | None:
    """What is to be changed; None to show."""
    match options.words:
        case [] | ["show"] | ["show", "all"] | ["show", "peer", _] | ["show", "private-key"]:
            return None
        case ["set", "private-key", file]:
            return rump.WgReq(name, rump.WG_IOCTL_SET_PRIVATE_KEY, private_key=key_in(file))
        case ["set", "listen-port", port] if port.isdecimal():
            return rump.WgReq(name, rump.WG_IOCTL_SET_LISTEN_PORT, listen_port=int(port[:10]))
        case ["add", "peer", peer, key]:
            psk = key_in(options.preshared_key) if options.preshared_key else b""
            where = _endpoint(options.endpoint) if options.endpoint else None
            allowed = [_network(text) for text in (options.allowed_ips or "").split(",") if text]
            row = rump.WgPeer(
                peer, parse_key(key), psk, where, allowed, persistent_keepalive=options.persistent_keepalive
            )
            return rump.WgReq(name, rump.WG_IOCTL_ADD_PEER, peers=[row])
        case ["delete", "peer", peer]:
            return rump.WgReq(name, rump.WG_IOCTL_DELETE_PEER, peers=[rump.WgPeer(peer)])
    raise UsageError(f"{' '.join(options.words)}: there are {WORDS}")


# -- keys, addresses


def parse_key(text: str) -> bytes:
    """CommandError."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_LEN:
        raise CommandError(f"{text.strip()[:60]}: not a key of {KEY_LEN} bytes in base64")
    return key


def key_in(file: str) -> bytes:
    return parse_key(Path(file).read_text(encoding="ascii", errors="replace"))


def shown(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _endpoint(text: str) -> rump.SockaddrIn | rump.SockaddrIn6:
    host, _, port = text.rpartition(":")
    try:
        addr = ipaddress.ip_address(host.strip("[]"))
        number = int(port)
    except ValueError as error:
        raise CommandError(f"{text}: not an address and a port (192.0.2.1:51820, [2001:db8::1]:51820)") from error
    if addr.version == 4:
        return rump.SockaddrIn(addr.packed, number)
    return rump.SockaddrIn6(addr.packed, number)


def _seconds(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: not a number of seconds")
    return min(int(text[:10]), 0xFFFFFFFF)


def _network(text: str) -> rump.WgAllowedIp:
    try:
        network = ipaddress.ip_interface(text)
    except ValueError as error:
        raise CommandError(f"{text}: not an address with the length of its prefix") from error
    return rump.WgAllowedIp(network.packed, network.network.prefixlen)


# -- showing


def _show(found: rump.WgReq, options: argparse.Namespace) -> None:
    match options.words:
        case ["show", "private-key"]:
            print(f"private-key: {shown(found.private_key) if found.private_key else '(none)'}")
        case ["show", "peer", name]:
            peer = next((peer for peer in found.peers if peer.name == name), None)
            if peer is None:
                raise CommandError(f"{found.ifd_name} has no peer {name}")
            _show_peer(peer, "", secret=options.show_preshared_key)
        case _:
            print(f"interface: {found.ifd_name}")
            print(f"\tprivate-key: {'(hidden)' if found.private_key else '(none)'}")
            print(f"\tlisten-port: {found.listen_port or '(none)'}")
            for peer in found.peers:
                _show_peer(peer, "\t", secret=False)


def _where(name: object) -> str:
    if isinstance(name, rump.SockaddrIn):
        return f"{address(name)}:{name.sin_port}"
    return f"[{address(name)}]:{name.sin6_port}" if isinstance(name, rump.SockaddrIn6) else "(none)"


def _show_peer(peer: rump.WgPeer, indent: str, *, secret: bool) -> None:
    psk = (shown(peer.preshared_key) if secret else "(hidden)") if peer.preshared_key else "(none)"
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(peer.last_handshake_sec)) if peer.last_handshake_sec else ""
    persistent = f"{peer.persistent_keepalive} s" if peer.persistent_keepalive else "(none)"
    networks = ",".join(f"{ipaddress.ip_address(n.addr)}/{n.prefixlen}" for n in peer.allowed_ips)
    print(f"{indent}peer: {peer.name}")
    for name, value in (
        ("public-key", shown(peer.public_key)), ("endpoint", _where(peer.endpoint)),
        ("preshared-key", psk), ("allowed-ips", networks or "(none)"), ("persistent-keepalive", persistent),
        ("latest-handshake", when or "(none)"),
        ("transfer", f"{peer.rx_bytes} received, {peer.tx_bytes} sent"),
    ):  # fmt: skip
        print(f"{indent}\t{name}: {value}")


if __name__ == "__main__":
    sys.exit(main())
