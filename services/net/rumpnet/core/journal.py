"""What net writes down of the calls that configure it, and what each of them is about.

A call takes the place of the one before it that was about the same: the flags of an interface, one of its addresses,
one entry of a table. What takes away something that a call of the journal has made ends that one and is not written
down itself; it is only when it took something that was there by itself (an address of lo0, a connected route), or that
came with a load of npf. So whatever the order in which calls can be done again, none brings back what is gone.
"""

from __future__ import annotations

from typing import Any

from rumpnet.core.ifioctl import TABLE
from rumpnet.core.netconfig import ipv4_address, ipv6_address
from rumpwire import const
from rumpwire.values import BridgeReq, Ifaliasreq, Ifreq, Rtmsg, Sockaddr, SockaddrIn, SockaddrIn6, WgReq

CONFIGURING = frozenset({
    "netconfig_ifcreate", "netconfig_ifdestroy", "netconfig_ifup", "netconfig_ifdown", "netconfig_ifsetlinkstr",
    "netconfig_bradd", "netconfig_brdel", "netconfig_ipv4_ifaddr", "netconfig_ipv4_ifaddr_cidr",
    "netconfig_ipv6_ifaddr", "netconfig_auto_ipv6", "netconfig_ifaddrdel",
    "netconfig_ifimpair", "netconfig_ifcapture", "netconfig_dhcp_ipv4_oneshot", "npf_load", "npf_switch", "npf_flush",
    "npf_table", "npf_rule_add", "npf_rule_remove", "dhcp_start", "dhcp_stop", "dhcpd_start", "dhcpd_stop",
    "dns_forward",
})  # fmt: skip
"""Calls that change what is configured, and change nothing when they are done again in this order."""
ON_SOCKET = frozenset({"ioctl", "route_send"})
"""Calls that may change it too, by a socket that does not matter: the successor does them on one of its own."""
REQUESTS = frozenset(com for com, (_, _, changes) in TABLE.items() if changes) | {
    const.SIOCSDRVSPEC, const.SIOCSETVLAN, const.SIOCSLIFPHYADDR, const.SIOCDIFPHYADDR, const.SIOCSLAGG,
}  # fmt: skip
"""Those of ioctl that do."""
DESTROYING = frozenset({"netconfig_ifdestroy", const.SIOCIFDESTROY})
TAKING = DESTROYING | {
    "netconfig_brdel", "netconfig_ifaddrdel", "npf_rule_remove", "dhcp_stop", "dhcpd_stop", const.SIOCDIFADDR,
    const.SIOCDIFADDR_IN6, const.SIOCDLIFADDR, const.SIOCDELMULTI, const.SIOCDIFPHYADDR, const.RTM_DELETE,
    (BridgeReq, const.BRDGDEL), (WgReq, const.WG_IOCTL_DELETE_PEER),
}  # fmt: skip
"""What takes something away: calls, requests of ioctl, types of messages about routes, commands of a kind."""
LOADING = frozenset({"npf_load", "npf_flush"})
RULES = LOADING | {"npf_table", "npf_rule_add", "npf_rule_remove"}
"""What a load of npf replaces: were it done again after the load, it would change what that has loaded."""
ONE_EACH = {
    "netconfig_ifcreate": "interface", "netconfig_ifdestroy": "interface", "netconfig_ifsetlinkstr": "linkstr",
    "netconfig_ifimpair": "impairment", "netconfig_ifcapture": "capture", "dhcp_start": "lease", "dhcp_stop": "lease",
    "dhcpd_start": "leasing", "dhcpd_stop": "leasing", const.SIOCIFCREATE: "interface",
    const.SIOCIFDESTROY: "interface", const.SIOCSLINKSTR: "linkstr", const.SIOCSIFMTU: "mtu",
    const.SIOCSIFFLAGS: "flags", const.SIOCSIFMETRIC: "metric", const.SIOCSETVLAN: "vlan", const.SIOCSLAGG: "lagg",
    const.SIOCSLIFPHYADDR: "tunnel", const.SIOCDIFPHYADDR: "tunnel",
}  # fmt: skip
"""Calls and requests that are about a thing of which an interface has one."""
ADDRESSES = {
    const.SIOCAIFADDR: "address", const.SIOCAIFADDR_IN6: "address", const.SIOCDIFADDR: "address",
    const.SIOCDIFADDR_IN6: "address", const.SIOCALIFADDR: "lladdr", const.SIOCDLIFADDR: "lladdr",
    const.SIOCADDMULTI: "group", const.SIOCDELMULTI: "group",
}  # fmt: skip
"""Requests about one of the addresses of an interface."""


def action(name: str, args: tuple[Any, ...]) -> Any:
    """What a call of the journal does, as in `TAKING`; those of `ON_SOCKET` stand there without their socket."""
    if name == "ioctl":
        com, req = args
        return (type(req), req.ifd_cmd) if com == const.SIOCSDRVSPEC else com
    return args[0].rtm_type if name == "route_send" else name


def interfaces(name: str, args: tuple[Any, ...]) -> tuple[str, ...]:
    """The interfaces that a call of the journal is about."""
    if name == "ioctl":
        req = args[1]
        return (req.ifd_name, req.member) if isinstance(req, BridgeReq) else (req[0],)  # the first field of each
    if name in ("netconfig_bradd", "netconfig_brdel"):
        return args
    if name == "route_send":
        return (args[0].ifname,)
    return args[:1] if name.startswith(("netconfig_if", "netconfig_ipv", "netconfig_auto", "dhcp")) else ()


def subject(name: str, args: tuple[Any, ...], value: Any) -> str:
    """What a call of the journal is about; ``value`` is what it gave."""
    if name == "ioctl":
        return _of_request(*args)
    if name == "route_send":
        return _of_message(args[0])
    if name in ONE_EACH:
        return f"{ONE_EACH[name]} {args[0]}"
    if name.startswith(("netconfig_ipv", "netconfig_ifaddr")):
        addr = ipv6_address(args[1]) if ":" in args[1] else ipv4_address(args[1])
        return f"address {args[0]} {addr.hex()}"
    if name in ("netconfig_bradd", "netconfig_brdel"):
        return f"member {args[0]} {args[1]}"
    if name == "npf_table":
        return f"npf_table {args[0]} {args[2]}"
    if name in ("npf_rule_add", "npf_rule_remove"):
        return f"npf_rule {args[0]} {value if name == 'npf_rule_add' else args[1]}"
    return name if name in ("npf_switch", "dns_forward") or name in LOADING else f"{name}{args!r}"


def _of_request(com: int, req: Any) -> str:
    if com in ONE_EACH:
        return f"{ONE_EACH[com]} {req[0]}"
    if isinstance(req, (Ifreq, Ifaliasreq)) and com in ADDRESSES:
        return f"{ADDRESSES[com]} {req[0]} {_bytes(req[1]).hex()}"
    if isinstance(req, WgReq):
        return _of_tunnel(req)
    if isinstance(req, BridgeReq) and req.ifd_cmd in (const.BRDGADD, const.BRDGDEL):
        return f"member {req.ifd_name} {req.member}"
    if isinstance(req, BridgeReq):
        return f"bridge {req.ifd_name} {req.ifd_cmd} {req.member} {req.addr.hex()}"
    return f"{com} {req!r}"


def _of_tunnel(req: WgReq) -> str:
    if req.ifd_cmd in (const.WG_IOCTL_ADD_PEER, const.WG_IOCTL_DELETE_PEER):
        return f"peer {req.ifd_name} {req.peers[0].name}"
    return f"wg {req.ifd_name} {req.ifd_cmd}"


def _of_message(message: Rtmsg) -> str:
    if message.rtm_flags & const.RTF_LLDATA:
        return f"neighbour {message.ifname} {_bytes(message.dst).hex()}"
    return connected(_bytes(message.dst), message.prefixlen, message.ifname)


def connected(dst: bytes, prefixlen: int, ifname: str) -> str:
    """What calls are about that change a route which is there by itself."""
    return f"route {dst.hex()}/{prefixlen} {ifname}"


def _bytes(name: Sockaddr | None) -> bytes:
    if isinstance(name, SockaddrIn):
        return bytes(name.sin_addr)
    if isinstance(name, SockaddrIn6):
        return bytes(name.sin6_addr)
    return b"" if name is None else bytes(getattr(name, "sdl_addr", b""))
