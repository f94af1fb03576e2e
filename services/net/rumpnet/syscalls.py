"""Which handler serves which call. A call that is not here is answered with ENOSYS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.calls import Calls
from rumpnet.core.dhcp.service import Dhcp
from rumpnet.core.dns.forwarder import Forwarder
from rumpnet.core.netconfig import Netconfig
from rumpuser.component import Entry, Support

if TYPE_CHECKING:
    from rumpnet.component import NetComponent

FILTER_CALLS = (
    "npf_load", "npf_config_get", "npf_switch", "npf_flush", "npf_connections", "npf_stats", "npf_table",
    "npf_rule_add", "npf_rule_remove",
)  # fmt: skip


def syscalls(component: NetComponent) -> dict[str, Entry]:
    net = component.net
    calls, config, dhcp, dns = Calls(net), Netconfig(net), Dhcp(net), Forwarder(net)
    partial = Support.PARTIAL
    return {
        "socket": Entry(calls.socket, partial, "no TCP"),
        "socketpair": Entry(calls.socketpair),
        "bind": Entry(calls.bind),
        "connect": Entry(calls.connect),
        "listen": Entry(calls.listen),
        "accept": Entry(calls.accept),
        "paccept": Entry(calls.paccept, partial, "no signal mask"),
        "getsockname": Entry(calls.getsockname),
        "getpeername": Entry(calls.getpeername),
        "shutdown": Entry(calls.shutdown),
        "read": Entry(calls.read),
        "readv": Entry(calls.readv),
        "recvfrom": Entry(calls.recvfrom, partial, "no MSG_OOB"),
        "recvmsg": Entry(calls.recvmsg, partial, "no control data, no MSG_OOB"),
        "write": Entry(calls.write),
        "writev": Entry(calls.writev),
        "sendto": Entry(calls.sendto, partial, "no MSG_OOB"),
        "sendmsg": Entry(calls.sendmsg, partial, "no control data, no MSG_OOB"),
        "getsockopt": Entry(calls.getsockopt, partial, "no IPSEC, no source filters of groups"),
        "setsockopt": Entry(calls.setsockopt, partial, "no IPSEC, no source filters of groups"),
        "fstat": Entry(calls.fstat),
        "fcntl": Entry(calls.fcntl, partial, "F_GETFL, F_SETFL, F_GETNOSIGPIPE, F_SETNOSIGPIPE"),
        "ioctl": Entry(calls.ioctl, partial, "FIONREAD, FIONBIO, FIOASYNC; SIOC* of interfaces: see network.md"),
        "close": Entry(calls.close),
        "netconfig_ifcreate": Entry(config.netconfig_ifcreate),
        "netconfig_ifdestroy": Entry(config.netconfig_ifdestroy),
        "netconfig_ifup": Entry(config.netconfig_ifup),
        "netconfig_ifdown": Entry(config.netconfig_ifdown),
        "netconfig_ipv4_ifaddr": Entry(config.netconfig_ipv4_ifaddr),
        "netconfig_ipv4_ifaddr_cidr": Entry(config.netconfig_ipv4_ifaddr_cidr),
        "netconfig_ifsetlinkstr": Entry(config.netconfig_ifsetlinkstr),
        "netconfig_ipv6_ifaddr": Entry(config.netconfig_ipv6_ifaddr),
        "netconfig_ipv4_gw": Entry(config.netconfig_ipv4_gw),
        "netconfig_ipv6_gw": Entry(config.netconfig_ipv6_gw),
        "netconfig_auto_ipv6": Entry(config.netconfig_auto_ipv6),
        "netconfig_ifaddrdel": Entry(config.netconfig_ifaddrdel),
        "netconfig_ifaddrs": Entry(config.netconfig_ifaddrs),
        "netconfig_dhcp_ipv4_oneshot": Entry(dhcp.netconfig_dhcp_ipv4_oneshot),
        "dhcp_start": Entry(dhcp.dhcp_start),
        "dhcp_renew": Entry(dhcp.dhcp_renew),
        "dhcp_stop": Entry(dhcp.dhcp_stop),
        "dhcp_leases": Entry(dhcp.dhcp_leases),
        "dhcpd_start": Entry(dhcp.dhcpd_start),
        "dhcpd_stop": Entry(dhcp.dhcpd_stop),
        "dhcpd_bindings": Entry(dhcp.dhcpd_bindings),
        "dns_forward": Entry(dns.dns_forward),
        **net.watching.table(),
        **{name: Entry(component.filter_call(name)) for name in FILTER_CALLS},
        "sysctl_export": Entry(net.sysctl_export),
        "sysctl_value": Entry(net.sysctl_value),
    }
