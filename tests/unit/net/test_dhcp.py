"""DHCP: client and server against one another on a hand-turned clock, with losses; hostile messages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpnet.core.dhcp.client import Client, Lease, State
from rumpnet.core.dhcp.server import Pool, Server
from rumpnet.core.wire import Malformed, dhcp
from rumpnet.core.wire.dhcp import Dhcp
from rumpuser.host import ManualHost

MAC = bytes.fromhex("b2a000000001")
SERVER = bytes((10, 0, 0, 1))


def number(addr: str) -> int:
    return int.from_bytes(bytes(map(int, addr.split("."))), "big")


class Link:
    """A server and clients on one wire, which drops what it is told to. Messages take a millisecond."""

    def __init__(self, pool: Pool | None = None, drop: list[bool] | None = None) -> None:
        self.host = ManualHost(7)
        self.pool = pool or Pool(SERVER, number("10.0.0.100"), number("10.0.0.103"), 0xFFFFFF00, 3600, SERVER)
        self.server = Server(self.host, self.pool, self._to_client)
        self.clients: dict[bytes, Client] = {}
        self.leases: dict[bytes, list[Lease | None]] = {}
        self.sent: list[tuple[int, bytes]] = []
        self.up = True
        self._drop = drop or []

    def client(self, mac: bytes = MAC) -> Client:
        leases: list[Lease | None] = []
        client = self.clients[mac] = Client(self.host, mac, self._to_server, leases.append, b"host")
        self.leases[mac] = leases
        return client

    def _lost(self) -> bool:
        return not self.up or bool(self._drop and self._drop.pop(0))

    def _to_server(self, data: bytes, to: bytes) -> None:
        self.sent.append((Dhcp.parse(data).type, to))
        if not self._lost():
            self.host.call_at(self.host.monotonic_ns() + 10**6, lambda: self.server.receive(data))

    def _to_client(self, data: bytes, to: bytes, chaddr: bytes) -> None:
        if not self._lost():
            for client in self.clients.values():
                self.host.call_at(self.host.monotonic_ns() + 10**6, lambda c=client: c.receive(data))  # type: ignore[misc]


def test_a_lease_is_got_kept_and_given_back() -> None:
    link = Link()
    client = link.client()
    client.start()
    link.host.advance(1)
    lease = client.lease
    assert lease is not None
    assert (lease.addr, lease.prefixlen, lease.server) == (bytes((10, 0, 0, 100)), 24, SERVER)
    assert lease.routes == [(dhcp.NO_ADDR, 0, SERVER)]
    assert [kind for kind, _ in link.sent] == [dhcp.DISCOVER, dhcp.REQUEST_LEASE]
    link.host.advance(10 * 3600)
    assert client.state == State.BOUND
    assert {to for kind, to in link.sent[2:]} == {SERVER}, "renewals go to the server alone"
    assert 15 <= len(link.sent) - 2 <= 25
    client.release()
    link.host.advance(1)
    assert not link.server.leases()
    assert link.leases[MAC][-1] is None


def test_without_a_server_it_asks_ever_more_rarely() -> None:
    link = Link()
    link.up = False
    link.client().start()
    link.host.advance(600)
    assert 10 <= len(link.sent) <= 16


def test_a_silent_server_is_rebound_and_at_last_given_up() -> None:
    link = Link()
    client = link.client()
    client.start()
    link.host.advance(1)
    link.up = False
    link.host.advance(3100)
    assert client.state == State.RENEWING
    link.host.advance(300)
    assert client.state == State.REBINDING
    assert link.sent[-1][1] == b"\xff" * 4
    assert client.lease is not None
    link.host.advance(300)
    assert client.lease is None
    assert link.leases[MAC][-1] is None
    link.up = True
    link.host.advance(100)
    assert client.lease is not None


def test_the_pool_is_finite_and_forgets() -> None:
    link = Link()
    macs = [bytes((2, 0, 0, 0, 0, n)) for n in range(6)]
    for mac in macs:
        link.client(mac).start()
    link.host.advance(5)
    got = [c.lease.addr for c in link.clients.values() if c.lease]
    assert len(got) == len(set(got)) == 4
    for client in list(link.clients.values())[:2]:
        client.release()
    link.host.advance(200)
    assert all(c.lease for c in list(link.clients.values())[2:])


def test_a_client_gets_its_address_again() -> None:
    link = Link()
    first, second = link.client(), link.client(bytes(6))
    for client in (first, second):
        client.start()
        link.host.advance(1)
    assert second.lease is not None
    before = second.lease.addr
    second.stop()
    second.start()
    link.host.advance(1)
    assert second.lease is not None
    assert second.lease.addr == before


def test_another_network_answers_no() -> None:
    link = Link()
    client = link.client()
    client.start()
    link.host.advance(1)
    link.server = Server(link.host, Pool(SERVER, number("10.9.0.1"), number("10.9.0.9"), 0xFFFF0000), link._to_client)
    client.renew()
    link.host.advance(5)
    assert client.refusals == 1
    assert client.lease is not None
    assert client.lease.addr[:2] == bytes((10, 9))


def test_a_declined_address_is_left_alone() -> None:
    link = Link()
    client = link.client()
    client.start()
    link.host.advance(1)
    assert client.lease is not None
    before = client.lease.addr
    client.decline()
    link.host.advance(12)
    assert client.lease is not None
    assert client.lease.addr != before


def test_fixed_addresses() -> None:
    fixed = bytes((10, 0, 0, 7))
    link = Link(Pool(SERVER, number("10.0.0.100"), number("10.0.0.101"), 0xFFFFFF00, fixed={MAC: fixed}))
    client = link.client()
    client.start()
    link.host.advance(1)
    assert client.lease is not None
    assert client.lease.addr == fixed


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), max_size=40))
def test_whatever_is_lost_there_is_a_lease_in_the_end(drop: list[bool]) -> None:
    link = Link(drop=drop)
    client = link.client()
    client.start()
    link.host.advance(70 * (len(drop) + 2))
    assert client.lease is not None
    assert [b.addr for b in link.server.leases()] == [client.lease.addr]


def test_routes_without_classes() -> None:
    value = bytes((0, 10, 0, 0, 1, 24, 192, 0, 2, 10, 0, 0, 2))
    assert dhcp.classless_routes(value) == [(bytes(4), 0, SERVER), (bytes((192, 0, 2, 0)), 24, bytes((10, 0, 0, 2)))]
    with pytest.raises(Malformed):
        dhcp.classless_routes(value[:-1])


@given(st.binary(max_size=600))
def test_bad_messages_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        Dhcp.parse(data)


@settings(max_examples=200)
@given(st.data())
def test_hostile_messages_do_nothing_worse_than_nothing(data: st.DataObject) -> None:
    link = Link()
    client = link.client()
    client.start()
    options = {
        dhcp.TYPE: bytes((data.draw(st.integers(1, 8)),)), dhcp.SERVER_ID: SERVER,
        dhcp.MASK: data.draw(st.binary(max_size=5)), dhcp.CLASSLESS_ROUTES: data.draw(st.binary(max_size=9)),
    }  # fmt: skip
    good = Dhcp(dhcp.REPLY, client._xid, MAC, options, yiaddr=SERVER).emit()
    raw = bytearray(good)
    for _ in range(data.draw(st.integers(0, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    for receive in (client.receive, link.server.receive):
        receive(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    link.host.advance(400)
    assert len(link.server.leases()) <= 4


OPTION = st.integers(1, 254).filter(lambda n: n not in (dhcp.OVERLOAD, dhcp.TYPE))


@given(st.dictionaries(OPTION, st.binary(max_size=600), max_size=5))
def test_options_come_back(options: dict[int, bytes]) -> None:
    message = Dhcp(dhcp.REQUEST, 5, MAC, {dhcp.TYPE: b"\1", **options})
    assert Dhcp.parse(message.emit()) == message
