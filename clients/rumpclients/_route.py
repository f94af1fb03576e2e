"""The routing table as rump.route and rump.netstat show it, and routing messages as text."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rump
from rumpclients._net import ROUTE_FLAGS, address, flag_names

FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
TITLES = {"inet": "Internet:", "inet6": "Internet6:"}
ROUTE_TYPES = {
    rump.RTM_ADD: "RTM_ADD", rump.RTM_DELETE: "RTM_DELETE", rump.RTM_CHANGE: "RTM_CHANGE", rump.RTM_GET: "RTM_GET",
    rump.RTM_MISS: "RTM_MISS", rump.RTM_REDIRECT: "RTM_REDIRECT", rump.RTM_NEWADDR: "RTM_NEWADDR",
    rump.RTM_DELADDR: "RTM_DELADDR", rump.RTM_CHGADDR: "RTM_CHGADDR", rump.RTM_IFINFO: "RTM_IFINFO",
    rump.RTM_IFANNOUNCE: "RTM_IFANNOUNCE", rump.RTM_LLINFO_UPD: "RTM_LLINFO_UPD",
}  # fmt: skip


@contextmanager
def routing_socket(k: rump.Client) -> Iterator[int]:
    """A descriptor for ``k.pub.route_send`` and ``route_recv``."""
    fd = k.sys.socket(rump.AF_ROUTE, socket.SOCK_RAW, 0)
    try:
        yield fd
    finally:
        k.sys.close(fd)


def flags(route: rump.Rtmsg) -> str:
    return "".join(flag_names(route.rtm_flags, ROUTE_FLAGS))


def destination(route: rump.Rtmsg) -> str:
    """``default``, a network, or a host."""
    if route.rtm_flags & rump.RTF_HOST:
        return address(route.dst)
    return f"{address(route.dst)}/{route.prefixlen}" if route.prefixlen else "default"


def gateway(route: rump.Rtmsg) -> str:
    if route.gateway is None:
        return f"link#{route.rtm_index}" if route.rtm_index else ""
    return address(route.gateway)


def row(route: rump.Rtmsg) -> dict[str, Any]:
    return {
        "destination": destination(route), "gateway": gateway(route), "flags": flags(route), "use": route.rtm_use,
        "mtu": route.rmx_mtu or "-", "expire": route.rmx_expire, "interface": route.ifname,
    }  # fmt: skip


def table(k: rump.Client, family: str, *, with_neighbours: bool) -> list[dict[str, Any]]:
    """Rows of one family."""
    found = k.pub.route_dump(FAMILIES[family], rump.NET_RT_DUMP, 0)
    if with_neighbours:
        found = [*found, *k.pub.route_dump(FAMILIES[family], rump.NET_RT_FLAGS, rump.RTF_LLDATA)]
    return [row(route) for route in found]


def show(k: rump.Client, families: list[str], *, with_neighbours: bool = False) -> None:
    print("Routing tables")
    for family in families:
        rows = table(k, family, with_neighbours=with_neighbours)
        if not rows:
            continue
        width = max(18, *(len(r["destination"]) for r in rows)) if rows else 18
        gates = max(18, *(len(r["gateway"]) for r in rows)) if rows else 18
        print(f"\n{TITLES[family]}")
        print(f"{'Destination':<{width}} {'Gateway':<{gates}} {'Flags':<6} {'Use':>8} {'Mtu':>6}  Interface")
        for r in rows:
            expire = f" {r['expire']}s" if r["expire"] else ""
            print(
                f"{r['destination']:<{width}} {r['gateway']:<{gates}} {r['flags']:<6} {r['use']:>8} {r['mtu']!s:>6}"
                f"  {r['interface']}{expire}"
            )


def message(msg: rump.Rtmsg) -> str:
    """One line about a message."""
    name = ROUTE_TYPES.get(msg.rtm_type, f"type {msg.rtm_type}")
    if msg.rtm_type in (rump.RTM_NEWADDR, rump.RTM_DELADDR, rump.RTM_CHGADDR):
        found = msg.address
        what = f"{address(found.addr)}/{found.prefixlen}" if found else ""
    elif msg.rtm_type == rump.RTM_IFANNOUNCE:
        what = "arrival" if not msg.what else "departure"
    elif msg.rtm_type == rump.RTM_IFINFO:
        up = bool(msg.interface and msg.interface.flags & rump.IFF_UP)
        state = msg.data.link_state if msg.data else rump.LINK_STATE_UNKNOWN
        what = f"{'up' if up else 'down'}, link {'down' if state == rump.LINK_STATE_DOWN else 'up'}"
    else:
        via = gateway(msg)
        what = f"{destination(msg)}{f' via {via}' if via else ''} flags {flags(msg)}"
    error = f" errno {msg.rtm_errno}" if msg.rtm_errno else ""
    return f"{name}: {msg.ifname + ': ' if msg.ifname else ''}{what} pid {msg.rtm_pid}{error}"
