"""The packet filter, packet by packet: rules, connections, translation, hostile packets."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpclients import _npf_conf, _npf_show
from rumpnet.core.npf import conn, nat
from rumpnet.core.npf.filter import Npf
from rumpnet.core.npf.flow import Flow
from rumpnet.core.npf.procedure import Seen
from rumpnet.core.packet import Packet
from rumpuser.host import ManualHost
from rumpwire.errno import Errno, KernelError
from rumpwire.values import NpfAddress, NpfConfig, NpfGroup, NpfMap, NpfRule
from tests.unit.net.npf_packets import ACK, FIN, RST, SYN, icmp, intact, internet, ip, tcp, udp, whole

ADDRESSES = {"ext0": ["198.51.100.1", "2001:db8::1"], "int0": ["10.0.0.1"]}
ROUTER = """
$ext = ext0
map $ext dynamic 10.0.0.0/24 -> inet4($ext)
map $ext dynamic proto tcp 10.0.0.2 port 22 <- inet4($ext) port 9022
group "out" on $ext {
  pass stateful out final all
  pass stateful in final proto tcp to inet4($ext) port 9022
  pass in final proto icmp icmp-type echo to inet4($ext)
  block return in all
}
group default { pass all }
"""
SERVER, CLIENT, EXT = "203.0.113.9", "10.0.0.2", "198.51.100.1"


class Bench:
    """A filter, and what it answered."""

    def __init__(self, text: str) -> None:
        self.host = ManualHost(1)
        self.answers: list[tuple[str, bytes, int]] = []
        self.logged: list[tuple[str, Seen]] = []
        self.npf = Npf(self.host, self._addresses, self._answer, self._log)
        self.npf.load(_npf_conf.parse(text))

    def _addresses(self, ifname: str, version: int) -> list[bytes]:
        width = {4: (4,), 6: (16,)}.get(version, (4, 16))
        return [ip(a) for a in ADDRESSES.get(ifname, []) if len(ip(a)) in width]

    def _answer(self, kind: str, flow: Flow, packet: Packet) -> None:
        self.answers.append((kind, flow.src, flow.sport))

    def _log(self, ifname: str, flow: Flow, seen: Seen) -> None:
        self.logged.append((ifname, seen))

    def out(self, data: bytes, ifname: str = "ext0") -> bytes | None:
        return self._through(data, ifname, out=True)

    def into(self, data: bytes, ifname: str = "ext0") -> bytes | None:
        return self._through(data, ifname, out=False)

    def _through(self, data: bytes, ifname: str, *, out: bool) -> bytes | None:
        packet = Packet(data[:20], data[20:28], data[28:])
        if not self.npf.inspect(packet, ifname, out=out):
            return None
        found = whole(packet)
        assert len(found) == len(data)
        assert intact(found), found.hex()
        return found


@pytest.fixture
def router() -> Bench:
    return Bench(ROUTER)


def test_what_no_rule_decides_passes() -> None:
    bench = Bench("")
    assert bench.into(udp(SERVER, 1, EXT, 2)) == udp(SERVER, 1, EXT, 2)


def test_the_last_match_wins_and_final_ends() -> None:
    rules = ["pass all", "block proto udp to any port 53", "pass final to any port 54", "block to any port 54"]
    bench = Bench("\n".join(['group "g" {', *rules, "}"]))
    assert bench.into(udp(SERVER, 1, EXT, 52))
    assert bench.into(udp(SERVER, 1, EXT, 53)) is None
    assert bench.into(udp(SERVER, 1, EXT, 54))


def test_groups_stand_for_interfaces_and_the_default_is_last() -> None:
    bench = Bench('group "a" on ext0 {\n block in proto udp\n}\ngroup default {\n block on int0 all\n}')
    assert bench.into(udp(SERVER, 1, EXT, 2)) is None
    assert bench.out(udp(EXT, 1, SERVER, 2))
    assert bench.into(udp(SERVER, 1, EXT, 2), "int0") is None
    assert bench.into(tcp(SERVER, 1, EXT, 2, SYN))


def test_masquerading(router: Bench) -> None:
    sent = router.out(tcp(CLIENT, 4000, SERVER, 80, SYN, seq=100))
    assert sent is not None
    assert sent[12:16] == ip(EXT)
    port = struct.unpack_from("!H", sent, 20)[0]
    back = router.into(tcp(SERVER, 80, EXT, port, SYN | ACK, seq=500, ack=101))
    assert back is not None
    assert back[16:20] == ip(CLIENT)
    assert struct.unpack_from("!H", back, 22) == (4000,)
    other = router.out(tcp("10.0.0.3", 4000, SERVER, 80, SYN, seq=1))
    assert other is not None
    assert struct.unpack_from("!H", other, 20)[0] != port
    assert router.into(tcp(SERVER, 80, EXT, port + 1, SYN | ACK, seq=1, ack=2)) is None


def test_port_forwarding(router: Bench) -> None:
    there = router.into(tcp(SERVER, 7000, EXT, 9022, SYN, seq=1))
    assert there is not None
    assert there[16:20] == ip(CLIENT)
    assert struct.unpack_from("!H", there, 22) == (22,)
    back = router.out(tcp(CLIENT, 22, SERVER, 7000, SYN | ACK, seq=9, ack=2))
    assert back is not None
    assert back[12:16] == ip(EXT)
    assert struct.unpack_from("!H", back, 20) == (9022,)


def test_echo_is_translated_by_its_identifier(router: Bench) -> None:
    sent = router.out(icmp(CLIENT, SERVER, 8, 0, 0x12340001))
    assert sent is not None
    ident = struct.unpack_from("!H", sent, 24)[0]
    back = router.into(icmp(SERVER, EXT, 0, 0, ident << 16 | 1))
    assert back is not None
    assert back[16:20] == ip(CLIENT)
    assert struct.unpack_from("!H", back, 24) == (0x1234,)


def test_an_error_is_translated_with_what_it_quotes(router: Bench) -> None:
    sent = router.out(udp(CLIENT, 4000, SERVER, 53, b"query"))
    assert sent is not None
    back = router.into(icmp("192.0.2.200", EXT, 3, 4, 1400, sent))
    assert back is not None
    assert back[16:20] == ip(CLIENT)
    assert back[24:28] == struct.pack("!I", 1400)
    assert back[28:] == udp(CLIENT, 4000, SERVER, 53, b"query")
    assert router.into(icmp("192.0.2.200", EXT, 3, 4, 1400, udp(EXT, 9, SERVER, 53))) is None


def test_an_error_about_an_answer_leaves_with_our_address(router: Bench) -> None:
    sent = router.out(udp(CLIENT, 4000, SERVER, 53, b"query"))
    assert sent is not None
    port = struct.unpack_from("!H", sent, 20)[0]
    answer = router.into(udp(SERVER, 53, EXT, port, b"answer"))
    assert answer is not None
    gone = router.out(icmp(CLIENT, SERVER, 3, 3, 0, answer))
    assert gone is not None
    assert gone[12:16] == ip(EXT)
    assert gone[28:] == udp(SERVER, 53, EXT, port, b"answer")


def test_blocked_packets_are_answered(router: Bench) -> None:
    assert router.into(tcp(SERVER, 7, EXT, 80, SYN)) is None
    assert router.into(udp(SERVER, 8, EXT, 80)) is None
    assert [(kind, port) for kind, _, port in router.answers] == [("rst", 7), ("icmp", 8)]


def test_a_connection_is_followed_to_its_end(router: Bench) -> None:
    router.out(tcp(EXT, 1000, SERVER, 80, SYN, seq=0))
    seen = []
    for outwards, packet in (
        (False, tcp(SERVER, 80, EXT, 1000, SYN | ACK, seq=50, ack=1)),
        (True, tcp(EXT, 1000, SERVER, 80, ACK, seq=1, ack=51)),
        (True, tcp(EXT, 1000, SERVER, 80, ACK, seq=1, ack=51, data=b"GET")),
        (False, tcp(SERVER, 80, EXT, 1000, FIN | ACK, seq=51, ack=4)),
        (True, tcp(EXT, 1000, SERVER, 80, ACK, seq=4, ack=52)),
        (True, tcp(EXT, 1000, SERVER, 80, FIN | ACK, seq=4, ack=52)),
        (False, tcp(SERVER, 80, EXT, 1000, ACK, seq=52, ack=5)),
    ):
        assert (router.out if outwards else router.into)(packet), packet.hex()
        seen.append(router.npf.listing()[0].state)
    assert seen == ["SYN_RECEIVED", "ESTABLISHED", "ESTABLISHED", "FIN_RECEIVED", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT"]
    router.host.advance(241)
    assert not router.npf.listing()


def test_segments_outside_of_the_window_are_dropped(router: Bench) -> None:
    router.out(tcp(EXT, 1000, SERVER, 80, SYN, seq=0, window=1000))
    router.into(tcp(SERVER, 80, EXT, 1000, SYN | ACK, seq=50, ack=1, window=1000))
    router.out(tcp(EXT, 1000, SERVER, 80, ACK, seq=1, ack=51, window=1000))
    assert router.into(tcp(SERVER, 80, EXT, 1000, RST, seq=200_000)) is None
    assert router.into(tcp(SERVER, 80, EXT, 1000, ACK, seq=51, ack=5000)) is None
    assert router.into(tcp(SERVER, 80, EXT, 1000, ACK, seq=51 + 900, ack=1, data=b"x" * 200)) is None
    assert router.into(tcp(SERVER, 80, EXT, 1000, ACK, seq=51, ack=1, data=b"x" * 1000))
    assert router.into(tcp(SERVER, 80, EXT, 1000, RST, seq=1051))
    assert router.npf.listing()[0].state == "CLOSED"


def test_a_stateful_rule_begins_with_a_syn(router: Bench) -> None:
    assert router.out(tcp(EXT, 1000, SERVER, 80, ACK, seq=1, ack=1))
    assert not router.npf.listing()


def test_ports_come_back(router: Bench) -> None:
    for number in range(3):
        sent = router.out(udp(CLIENT, 4000, SERVER, 53, bytes([number])))
        assert sent is not None
        assert struct.unpack_from("!H", sent, 20) == (4000,)
        router.host.advance(306)
        assert not router.npf.listing()


def test_tables_change_while_it_is_active() -> None:
    bench = Bench("table <bad> type lpm { 192.0.2.0/24 }\ngroup default {\n block from <bad>\n}")
    assert bench.into(udp("192.0.2.7", 1, EXT, 2)) is None
    assert bench.into(udp(SERVER, 1, EXT, 2))
    bench.npf.table("bad", "add", NpfAddress(ip(SERVER), 32))
    assert bench.into(udp(SERVER, 1, EXT, 2)) is None
    bench.npf.table("bad", "remove", NpfAddress(ip(SERVER), 32))
    assert bench.into(udp(SERVER, 1, EXT, 2))
    with pytest.raises(KernelError) as error:
        bench.npf.table("bad", "test", NpfAddress(ip(SERVER), 32))
    assert error.value.errno == Errno.ENOENT


def test_rules_are_added_to_dynamic_groups() -> None:
    bench = Bench('group "g" on ext0 {\n ruleset "dyn"\n pass all\n}')
    assert bench.into(udp(SERVER, 1, EXT, 2))
    ident = bench.npf.add_rule("dyn", _npf_conf.parse_rule("block in final proto udp to any port 2"))
    assert bench.into(udp(SERVER, 1, EXT, 2)) is None
    bench.npf.remove_rule("dyn", ident)
    assert bench.into(udp(SERVER, 1, EXT, 2))
    with pytest.raises(KernelError) as error:
        bench.npf.add_rule("g", NpfRule(permit=True))
    assert error.value.errno == Errno.ESRCH


def test_normalize_and_log() -> None:
    bench = Bench(
        'procedure "p" {\n log: npflog0\n normalize: "min-ttl" 64, "max-mss" 1400, "no-df", "random-id"\n}\n'
        'group default {\n pass all apply "p"\n}'
    )
    option = b"\x01\x02\x04\x05\xb4\x00\x00\x00"
    syn = tcp(CLIENT, 1, SERVER, 2, SYN, options=option)
    data = internet(CLIENT, SERVER, 6, syn[20:], ttl=3, flags=0x4000)
    found = bench.into(data)
    assert found is not None
    assert found[8] == 64
    assert not found[6] & 0x40
    assert found[43:45] == struct.pack("!H", 1400)
    assert [(name, seen[1:]) for name, seen in bench.logged] == [("npflog0", ("ext0", False, True, 1))]


def test_what_is_logged() -> None:
    """Which rule, in which direction and with which end; later packets of a connection name the rule that began it."""
    bench = Bench(
        'procedure "p" { log: npflog0 }\ngroup default {\n pass all\n block in proto udp to any port 9 apply "p"\n'
        ' pass stateful out final proto tcp apply "p"\n}'
    )
    assert bench.into(udp(SERVER, 1, EXT, 9)) is None
    assert bench.into(udp(SERVER, 1, EXT, 8))
    assert bench.out(tcp(CLIENT, 1, SERVER, 2, SYN), "int0")
    assert bench.into(tcp(SERVER, 2, CLIENT, 1, SYN | ACK, seq=0, ack=1), "int0")
    assert [seen[1:] for _, seen in bench.logged] == [
        ("ext0", False, False, 2), ("int0", True, True, 3), ("int0", False, True, 3),
    ]  # fmt: skip


def test_static_maps_exchange_networks() -> None:
    bench = Bench(
        "map ext0 static 10.0.0.0/24 <-> 198.51.100.0/24\nmap ext0 static algo npt66 fd00:1::/48 <-> 2001:db8:7::/48"
    )
    sent = bench.out(udp("10.0.0.77", 5, SERVER, 53))
    assert sent == udp("198.51.100.77", 5, SERVER, 53)
    assert bench.into(udp(SERVER, 53, "198.51.100.77", 5)) == udp(SERVER, 53, "10.0.0.77", 5)
    six = udp("fd00:1:0:4::55", 5, "2001:db8:ff::1", 53)
    out = bench.out(six)
    assert out is not None
    assert out[8:14] == ip("2001:db8:7::")[:6]
    assert out[46:48] == six[46:48], "npt66 leaves transport checksums alone"
    back = bench.into(internet("2001:db8:ff::1", "fd00::", 17, out[40:])[:24] + out[8:24] + out[40:])
    assert back is not None
    assert back[24:40] == ip("fd00:1:0:4::55")


@pytest.mark.parametrize(
    "text", ["map ext0 dynamic 10.0.0.0/24 -> inet4(ext0)\n", "map ext0 static 10.0.0.0/24 <-> 198.51.100.0/24\n"]
)
def test_a_checksum_that_is_to_be_filled_in_covers_the_new_addresses(text: str) -> None:
    bench = Bench(text)
    data = bytearray(udp(CLIENT, 4000, SERVER, 53, b"late"))
    pseudo = ip(CLIENT) + ip(SERVER) + struct.pack("!II", 17, 12)
    data[26:28] = (sum(struct.unpack("!8H", pseudo)) % 0xFFFF).to_bytes(2, "big")
    packet = Packet(bytes(data))
    packet.csum_start, packet.csum_offset = 20, 6
    assert bench.npf.inspect(packet, "ext0", out=True)
    found = whole(packet)
    expected = found[12:16] + ip(SERVER) + struct.pack("!II", 17, 12)
    assert int.from_bytes(found[26:28], "big") % 0xFFFF == sum(struct.unpack("!8H", expected)) % 0xFFFF


def test_udp_without_a_checksum_stays_without(router: Bench) -> None:
    sent = router.out(udp(CLIENT, 4000, SERVER, 53, summed=False))
    assert sent is not None
    assert sent[26:28] == b"\0\0"


def test_a_new_configuration_keeps_connections(router: Bench) -> None:
    router.out(tcp(EXT, 1000, SERVER, 80, SYN, seq=0))
    router.npf.load(_npf_conf.parse("group default {\n block all\n}"))
    assert router.into(tcp(SERVER, 80, EXT, 1000, SYN | ACK, seq=50, ack=1))
    assert router.into(udp(SERVER, 53, EXT, 1000)) is None
    router.npf.switch(False)
    assert not router.npf.listing()


def test_the_table_of_connections_is_bounded(router: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conn, "CONNECTIONS_MAX", 50)
    passed = [router.out(tcp(EXT, port, SERVER, 80, SYN)) for port in range(1, 101)]
    assert sum(p is not None for p in passed) == 50
    router.host.advance(66)
    assert router.out(tcp(EXT, 7, SERVER, 80, SYN))


@pytest.mark.parametrize(
    ("config", "errno"),
    [
        (NpfConfig(groups=[NpfGroup(rules=[NpfRule(direction="up")])]), Errno.EINVAL),
        (NpfConfig(groups=[NpfGroup(rules=[NpfRule(permit=True, answer="rst")])]), Errno.EINVAL),
        (NpfConfig(groups=[NpfGroup(rules=[NpfRule(procedure="none")])]), Errno.ESRCH),
        (NpfConfig(groups=[NpfGroup(), NpfGroup("g")]), Errno.EINVAL),
        (NpfConfig(maps=[NpfMap(direction="out")]), Errno.EINVAL),
        (NpfConfig(params={"state.tcp.timeout.new": "-1"}), Errno.EINVAL),
        (_npf_conf.parse("group default {\n block from <none>\n}"), Errno.ESRCH),
    ],
)
def test_wrong_configurations_change_nothing(router: Bench, config: NpfConfig, errno: int) -> None:
    before = router.npf.config()
    with pytest.raises(KernelError) as error:
        router.npf.load(config)
    assert error.value.errno == errno
    assert router.npf.config() == before


def test_what_is_shown_can_be_read_again(router: Bench) -> None:
    text = "\n".join(_npf_show.config(router.npf.config()))
    again = Bench(text)
    assert again.npf.config() == router.npf.config()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_hostile_packets_are_dropped_or_passed_but_nothing_else(data: st.DataObject) -> None:
    router = Bench(ROUTER)
    good = [
        tcp(CLIENT, 4000, SERVER, 80, SYN, seq=100, options=b"\x03\x03\x07\x00"), udp(CLIENT, 4000, SERVER, 53),
        icmp(SERVER, EXT, 3, 4, 1400, udp(EXT, 4000, SERVER, 53)), icmp("2001:db8::9", "2001:db8::1", 128, 0, 5),
        icmp("2001:db8::9", "2001:db8::1", 1, 0, 0, udp("2001:db8::1", 1, "2001:db8::9", 2)),
    ]  # fmt: skip
    for _ in range(5):
        raw = bytearray(data.draw(st.sampled_from(good)))
        for _ in range(data.draw(st.integers(0, 4))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        packet = Packet(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
        length = packet.length
        if router.npf.inspect(packet, "ext0", out=data.draw(st.booleans())):
            assert len(whole(packet)) == length


def test_a_flood_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conn, "CONNECTIONS_MAX", 1000)
    router = Bench(ROUTER)
    for port in range(1000):
        router.out(tcp(CLIENT, port + 1, SERVER, 80, SYN))
    tracemalloc.start()
    try:
        for port in range(1000, 6000):
            router.out(tcp(CLIENT, port + 1, SERVER, 80, SYN))
        assert tracemalloc.get_traced_memory()[0] < 200_000
    finally:
        tracemalloc.stop()


def test_ports_that_are_all_taken_are_not_looked_through_for_each_packet() -> None:
    host = ManualHost()
    ports = nat.Ports(host)
    addr = bytes(4)
    assert all(ports.take(17, addr, port) == port for port in range(nat.PORT_MIN, nat.PORT_MAX + 1))
    assert not ports.take(17, addr, 2000)
    before = host._random.getstate()
    assert not ports.take(17, addr, 2000)
    assert host._random.getstate() == before, "nothing was looked for"
    ports.release(17, addr, 3000)
    assert ports.take(17, addr, 2000) == 3000
    assert ports.take(6, addr, 2000) == 2000
