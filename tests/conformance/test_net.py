"""net: addresses, requests about interfaces, routes and IPv6 sockets, over all placements."""

from __future__ import annotations

from typing import Any

import rump
from tests.conformance.test_descriptors import code

LOCAL6 = bytes(15) + b"\1"


def test_addresses(k: Any) -> None:
    k.pub.netconfig_ifcreate("lo5")
    try:
        k.pub.netconfig_ipv4_ifaddr_cidr("lo5", "10.55.0.1", 24)
        k.pub.netconfig_ipv6_ifaddr("lo5", "fd55::1", 64)
        (lo5,) = k.pub.netconfig_ifaddrs("lo5")
        shown = {(type(a.addr), a.prefixlen) for a in lo5.addresses}
        assert shown >= {(rump.SockaddrIn, 24), (rump.SockaddrIn6, 64)}
        k.pub.netconfig_ifaddrdel("lo5", "fd55::1")
        assert code(k.pub.netconfig_ifaddrdel, "lo5", "fd55::1") == "EADDRNOTAVAIL"
        assert code(k.pub.netconfig_ifsetlinkstr, "lo5", "bus") == "ENOTTY"
    finally:
        k.pub.netconfig_ifdestroy("lo5")


def test_requests_about_interfaces(k: Any) -> None:
    s = k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0)
    lo0 = rump.Ifreq("lo0")
    assert k.sys.ioctl(s, rump.SIOCGIFMTU, lo0).data.ifr_value == 33624
    assert k.sys.ioctl(s, rump.SIOCGIFFLAGS, lo0).data.ifr_value & rump.IFF_LOOPBACK
    assert "lo" in k.sys.ioctl(s, rump.SIOCIFGCLONERS).data.cloners
    k.sys.ioctl(s, rump.SIOCAIFADDR, rump.Ifaliasreq("lo0", rump.SockaddrIn(bytes([10, 56, 0, 1])), 16))
    found = k.sys.ioctl(s, rump.SIOCGIFALIAS, rump.Ifaliasreq("lo0", rump.SockaddrIn(bytes([10, 56, 0, 1])))).data
    assert found.ifra_prefixlen == 16
    k.sys.ioctl(s, rump.SIOCDIFADDR, rump.Ifreq("lo0", rump.SockaddrIn(bytes([10, 56, 0, 1]))))
    assert code(k.sys.ioctl, s, rump.SIOCGIFMTU, rump.Ifreq("nope0")) == "ENXIO"
    k.sys.close(s)


def test_routes(k: Any) -> None:
    s = k.sys.socket(rump.AF_ROUTE, rump.SOCK_RAW, 0)
    dst = rump.SockaddrIn(bytes([99, 7, 0, 0]))
    message = rump.Rtmsg(rump.RTM_ADD, dst=dst, prefixlen=16, rtm_flags=rump.RTF_REJECT, rtm_seq=5)
    added = k.pub.route_send(s, message)
    assert added.rtm_flags & rump.RTF_DONE
    assert k.pub.route_recv(s, 0) == added
    udp = k.socket(rump.AF_INET, rump.SOCK_DGRAM)
    assert code(udp.sendto, b"x", ("99.7.1.2", 5)) == "ENETUNREACH"
    routes = k.pub.route_dump(rump.AF_INET, rump.NET_RT_DUMP, 0)
    assert any(m.dst == dst and m.prefixlen == 16 for m in routes)
    k.pub.route_send(s, message._replace(rtm_type=rump.RTM_DELETE))
    assert code(k.pub.route_send, s, message._replace(rtm_type=rump.RTM_DELETE)) == "ESRCH"
    assert code(k.sys.read, s, 100) == "EOPNOTSUPP"
    k.sys.close(s)
    udp.close()


def test_datagrams_over_ipv6(k: Any) -> None:
    server = k.socket(rump.AF_INET6, rump.SOCK_DGRAM)
    server.bind(("::1", 0))
    port = server.getsockname()[1]
    client = k.socket(rump.AF_INET6, rump.SOCK_DGRAM)
    client.connect(("::1", port))
    client.send(b"question")
    data, sender = server.recvfrom(100)
    assert (data, sender[0]) == (b"question", "::1")
    server.sendto(b"answer", sender)
    assert client.recv(100) == b"answer"
    assert any(p.protocol == "udp6" and p.local.sin6_port == port for p in k.pub.net_pcblist())
    assert any(c.protocol == "udp" and c.value for c in k.pub.net_counters())
    server.close()
    client.close()
    other = k.socket(rump.AF_INET6, rump.SOCK_DGRAM)
    other.connect(("::1", port))
    other.send(b"x")
    assert code(other.send, b"x") == "ECONNREFUSED"
    other.close()


def test_sysctl_of_ipv6(k: Any) -> None:
    assert k.sysctl("net.inet6.ip6.hlim") == 64
    assert k.sysctl("net.inet6.ip6.forwarding", 1) == 0
    assert k.sysctl("net.inet6.ip6.forwarding", 0) == 1
