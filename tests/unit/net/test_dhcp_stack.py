"""DHCP between stacks on a wire: what the calls set up on interfaces."""

from __future__ import annotations

import pytest

from rumpuser.pending import Running
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DhcpHost, DhcpPool, SockaddrIn
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine, Wire
from tests.unit.net.npf_packets import ip

POOL = DhcpPool(ip("10.0.0.100"), ip("10.0.0.110"), 600, dns=[ip("10.0.0.1")], domain=b"lab")


class Site:
    """A server at 10.0.0.1, and a client without an address."""

    def __init__(self) -> None:
        self.lab = Lab(linklocal=False)
        self.wire = Wire()
        self.server, self.client = self.lab.machine(), self.lab.machine()
        self.server.plug(self.wire, "10.0.0.1/24")
        self.port = self.client.plug(self.wire)

    def addresses(self) -> list[bytes]:
        return [a.addr for a in self.port.addresses if len(a.addr) == 4]


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_lease_becomes_an_address_and_a_route(site: Site) -> None:
    site.server("dhcpd_start", "eth0", POOL)
    site.client("dhcp_start", "eth0", "pc")
    site.lab.host.advance(1)
    assert site.addresses() == [ip("10.0.0.100")]
    (lease,) = site.client("dhcp_leases")
    assert (lease.state, lease.addr, lease.prefixlen, lease.server) == ("bound", ip("10.0.0.100"), 24, ip("10.0.0.1"))
    assert (lease.routers, lease.dns, lease.domain) == ([ip("10.0.0.1")], [ip("10.0.0.1")], b"lab")
    assert 590 <= lease.expires <= 600
    assert site.client.net.routes.lookup(ip("192.0.2.1")).gateway == ip("10.0.0.1")
    (binding,) = site.server("dhcpd_bindings", "eth0")
    assert (binding.addr, binding.lladdr, binding.hostname) == (ip("10.0.0.100"), site.port.lladdr, b"pc")
    site.lab.host.advance(3600)
    assert site.addresses() == [ip("10.0.0.100")], "it is kept"
    site.client("dhcp_stop", "eth0", True)
    assert not site.addresses()
    assert not site.client("dhcp_leases")
    assert not site.server("dhcpd_bindings", "eth0")
    assert site.client.net.routes.find(bytes(4), 0) is None


def test_once_is_not_renewed(site: Site) -> None:
    site.server("dhcpd_start", "eth0", POOL)
    call = site.client("netconfig_dhcp_ipv4_oneshot", "eth0")
    assert not isinstance(call, Running) or call.outcome.done
    assert site.addresses() == [ip("10.0.0.100")]
    assert not site.client("dhcp_leases")
    site.lab.host.advance(700)
    assert not site.server("dhcpd_bindings", "eth0")


def test_once_without_a_server_times_out(site: Site) -> None:
    call = site.client("netconfig_dhcp_ipv4_oneshot", "eth0")
    site.lab.host.advance(61)
    with pytest.raises(KernelError, match="no DHCP server") as error:
        call.outcome.result()
    assert error.value.errno == Errno.ETIMEDOUT
    site.client("dhcp_start", "eth0", "")


def test_a_lost_lease_takes_the_address_with_it(site: Site) -> None:
    site.server("dhcpd_start", "eth0", POOL)
    site.client("dhcp_start", "eth0", "")
    site.lab.host.advance(1)
    site.server("dhcpd_stop", "eth0")
    site.lab.host.advance(601)
    assert not site.addresses()
    site.server("dhcpd_start", "eth0", POOL._replace(hosts=[DhcpHost(site.port.lladdr, ip("10.0.0.7"))]))
    site.lab.host.advance(70)
    assert site.addresses() == [ip("10.0.0.7")]


def test_leased_hosts_reach_one_another(site: Site) -> None:
    other: Machine = site.lab.machine()
    port = other.plug(site.wire)
    site.server("dhcpd_start", "eth0", POOL)
    for machine in (site.client, other):
        machine("dhcp_start", "eth0", "")
    site.lab.host.advance(1)
    a, b = (
        site.client("socket", const.AF_INET, const.SOCK_DGRAM, 0),
        other("socket", const.AF_INET, const.SOCK_DGRAM, 0),
    )
    other("bind", b, SockaddrIn(bytes(4), 99))
    site.client("sendto", a, b"hello", 0, SockaddrIn(port.addresses[0].addr, 99))
    assert other("recvfrom", b, 10, None).from_addr.sin_addr == site.addresses()[0]


def test_errors(site: Site) -> None:
    assert fails(site.client, "dhcp_start", "eth7", "") == "ENXIO"
    assert fails(site.client, "dhcp_start", "lo0", "") == "EINVAL"
    assert fails(site.client, "dhcp_stop", "eth0", False) == "ENOENT"
    assert fails(site.client, "dhcp_renew", "eth0") == "ENOENT"
    assert fails(site.client, "dhcpd_start", "eth0", POOL) == "EADDRNOTAVAIL"
    assert fails(site.server, "dhcpd_start", "eth0", POOL._replace(last=ip("10.0.1.5"))) == "EINVAL"
    assert fails(site.server, "dhcpd_start", "eth0", POOL._replace(dns=[b"x"])) == "EINVAL"
    site.server("dhcpd_start", "eth0", POOL)
    assert fails(site.server, "dhcpd_start", "eth0", POOL) == "EBUSY"
    site.client("dhcp_start", "eth0", "")
    assert fails(site.client, "dhcp_start", "eth0", "") == "EBUSY"
