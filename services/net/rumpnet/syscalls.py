"""Which handler serves which call. A call that is not here is answered with ENOSYS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.bpf.device import BpfDevices
from rumpnet.core.calls import Calls
from rumpnet.core.dhcp.service import Dhcp
from rumpnet.core.dns.forwarder import Forwarder
from rumpnet.core.netconfig import Netconfig
from rumpnet.core.netstat import Netstat
from rumpnet.ifaces.control import Control
from rumpnet.ifaces.packetdev import NetDevices
from rumpuser.autoload import on_demand
from rumpuser.component import Entry, Support

if TYPE_CHECKING:
    from rumpnet.component import NetComponent
    from rumpnet.core.rtsock import RouteDomain

FILTER_CALLS = (
    "npf_load", "npf_config_get", "npf_switch", "npf_flush", "npf_connections", "npf_stats", "npf_table",
    "npf_rule_add", "npf_rule_remove",
)  # fmt: skip


def syscalls(component: NetComponent, routes: RouteDomain) -> dict[str, Entry]:
    net = component.net
    calls, config, dhcp, dns, status = Calls(net), Netconfig(net), Dhcp(net), Forwarder(net), Netstat(net)
    control, bpf = Control(net), BpfDevices(net)
    net.ioctl = control.ioctl
    partial = Support.PARTIAL
    return {
        "socket": Entry(on_demand(net.bus, calls.socket)),
        "socketpair": Entry(on_demand(net.bus, calls.socketpair)),
        "bind": Entry(calls.bind),
        "connect": Entry(calls.connect),
        "listen": Entry(calls.listen),
        "accept": Entry(calls.accept),
        "paccept": Entry(calls.paccept),
        "getsockname": Entry(calls.getsockname),
        "getpeername": Entry(calls.getpeername),
        "shutdown": Entry(calls.shutdown),
        "read": Entry(calls.read),
        "readv": Entry(calls.readv),
        "recvfrom": Entry(calls.recvfrom),
        "recvmsg": Entry(calls.recvmsg),
        "recvmmsg": Entry(calls.recvmmsg),
        "write": Entry(calls.write),
        "writev": Entry(calls.writev),
        "sendto": Entry(calls.sendto),
        "sendmsg": Entry(calls.sendmsg),
        "sendmmsg": Entry(calls.sendmmsg),
        "getsockopt": Entry(calls.getsockopt, partial, "no IPSEC, no source filters of groups"),
        "setsockopt": Entry(calls.setsockopt, partial, "no IPSEC, no source filters of groups"),
        "fstat": Entry(calls.fstat),
        "fcntl": Entry(calls.fcntl),
        "ioctl": Entry(
            calls.ioctl, partial, "FIONREAD, FIONBIO, FIOASYNC, SIOCATMARK; SIOC* of interfaces: see net/inet.md"
        ),
        "close": Entry(calls.close),
        "netconfig_ifcreate": Entry(on_demand(net.bus, config.netconfig_ifcreate)),
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
        "route_send": Entry(routes.route_send),
        "route_recv": Entry(routes.route_recv),
        "route_dump": Entry(routes.route_dump),
        "net_pcblist": Entry(status.net_pcblist),
        "net_counters": Entry(status.net_counters),
        "nd_list": Entry(status.nd_list),
        "netconfig_dhcp_ipv4_oneshot": Entry(dhcp.netconfig_dhcp_ipv4_oneshot),
        "dhcp_start": Entry(dhcp.dhcp_start),
        "dhcp_renew": Entry(dhcp.dhcp_renew),
        "dhcp_stop": Entry(dhcp.dhcp_stop),
        "dhcp_leases": Entry(dhcp.dhcp_leases),
        "dhcpd_start": Entry(dhcp.dhcpd_start),
        "dhcpd_stop": Entry(dhcp.dhcpd_stop),
        "dhcpd_bindings": Entry(dhcp.dhcpd_bindings),
        "dns_forward": Entry(dns.dns_forward),
        "netconfig_bradd": Entry(control.netconfig_bradd),
        "netconfig_brdel": Entry(control.netconfig_brdel),
        "netconfig_ifimpair": Entry(control.netconfig_ifimpair),
        "netconfig_ifimpairstat": Entry(control.netconfig_ifimpairstat),
        "netconfig_ifcapture": Entry(control.netconfig_ifcapture),
        "bpf_open": Entry(bpf.bpf_open),
        "dev_open": Entry(NetDevices(net, bpf).dev_open),
        **net.watching.table(),
        "rights_held": Entry(net.rights.rights_held),
        "connect_wait": Entry(calls.connect_wait),
        **{name: Entry(component.filter_call(name)) for name in FILTER_CALLS},
        "sysctl_export": Entry(net.sysctl_export),
        "sysctl_value": Entry(net.sysctl_value),
    }
