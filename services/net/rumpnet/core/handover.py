"""Sockets that go over to a successor as they are: bound, connected, listening, with all that is under way.

The successor has the interfaces and addresses already; TCP connections go on where they were, since sequence numbers,
timestamps and deadlines are those of the host's monotonic clock, which both processes share.
"""

from __future__ import annotations

from typing import Any

from rumpnet.core.inetdomain import InetDomain
from rumpnet.core.net import Net
from rumpnet.core.rawip import AnyRawSocket
from rumpnet.core.socket import Socket
from rumpnet.core.tcp.layer import TcpLayer
from rumpnet.core.tcp.socket import TcpSocket
from rumpnet.core.tcp.tcb import NOBODY, Connection
from rumpnet.core.tcp.timewait import TimeWait
from rumpnet.core.tcp.wheel import NEVER, SECOND
from rumpnet.core.udp import UdpSocket
from rumpuser import handover
from rumpwire import const

TAKEN = (const.AF_INET, const.AF_INET6, const.AF_LOCAL)
"""Domains whose sockets go over; those of others are made anew by their programs."""


def anchors(net: Net) -> dict[str, object]:
    """What both stacks have, by names."""
    found: dict[str, object] = {"net": net, "host": net.host, "nobody": NOBODY, "rights": net.rights}
    for family, domain in net.domains.items():
        found[f"domain {family}"] = domain
        for name in ("ip", "ip6", "udp", "tcp", "raw", "icmp", "icmp6"):
            if name in vars(domain):
                found[f"{name} {family}"] = vars(domain)[name]
    for iface in net.interfaces.by_name.values():
        found[f"interface {iface.name}"] = iface
    return found


def give(net: Net) -> bytes:
    """All sockets of a stack, which is to do nothing more. EOPNOTSUPP."""
    sockets = [so for so in net.sockets.values() if so.domain in TAKEN]
    tcp = _tcp(net)
    ends: list[Any] = []
    if tcp is not None:
        ends = [end for end in (*tcp.connections.values(), *tcp.syncache.entries.values()) if not _own(end)]
        for end in ends:
            if isinstance(end, Connection):
                end.route = None
    secrets = (tcp._secret, tcp.fastopen.cookies) if tcp is not None else None
    return handover.dump((net._boot, net._handle, sockets, ends, secrets), anchors(net))


def take(net: Net, data: bytes) -> list[Socket]:
    """Goes on with them; those that could be taken. EFTYPE."""
    boot, last, sockets, ends, secrets = handover.load(data, anchors(net))
    net._boot, net._handle = boot, last
    tcp = _tcp(net)
    if tcp is not None:
        tcp._secret, tcp.fastopen.cookies = secrets
        for end in ends:
            _enter(tcp, end)
    for so in sockets:
        net.sockets[so.handle] = so
        _settle(net, so)
    if tcp is not None:
        tcp.flush()
    return list(sockets)


def _own(end: Any) -> bool:
    """Whether a connection is the kernel's own, with a service that begins anew at the successor."""
    return bool(getattr(getattr(end, "user", None) or getattr(end, "listener", None), "own", False))


def _tcp(net: Net) -> Any:
    domain = net.domains.get(const.AF_INET)
    return domain.tcp if isinstance(domain, InetDomain) else None


def _enter(tcp: TcpLayer, end: Any) -> None:
    """A connection, or what is left of one, or will be one."""
    now = tcp.host.monotonic_ns()
    end.slot_at = NEVER
    if isinstance(end, Connection):
        offset = end.tsoffset
        tcp.enter(end)
        end.tsoffset = offset
        due = min(end.rexmt_at, end.probe_at, end.delack_at, end.wait_at)
        if due != NEVER:
            tcp.wheel.put(end, max(due, now))
    elif isinstance(end, TimeWait):
        tcp.connections[end.key] = end
        tcp.waiting(end)
        tcp._waits += 1
        tcp.wheel.put(end, max(end.deadline, now))
    else:
        tcp.syncache.entries[end.key] = end
        tcp.wheel.put(end, now + SECOND)


def _settle(net: Net, so: Socket) -> None:
    """Gives a socket its ports and groups again."""
    if isinstance(so, TcpSocket):
        if so.lport and so.c is None and not so.used:
            so.tcp.ends.enter(so, so.laddr, so.lport)
    elif isinstance(so, UdpSocket):
        if so.lport:
            laddr, faddr, fport = so.laddr, so.faddr, so.fport
            so.udp.pcbs.enter(so, laddr, so.lport)
            if fport:
                so.udp.pcbs.connect(so, laddr, faddr, fport)
    elif isinstance(so, AnyRawSocket):
        so.raw.sockets.append(so)
    memberships = getattr(so, "memberships", None)
    if memberships is not None:
        joined, memberships.joined = memberships.joined, []
        for iface, group in joined:
            net.layers[len(group)].join(iface, group)
            memberships.joined.append((iface, group))
