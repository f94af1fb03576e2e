"""WireGuard between two devices, with a clock that is turned by hand."""

from __future__ import annotations

import itertools
import random
import struct

import pytest

from rumpnet.core.wg import crypto
from rumpnet.core.wg.device import LOAD, AllowedIps, Device, Endpoint
from rumpnet.core.wg.peer import KEEPALIVE, Peer
from rumpnet.core.wg.session import REJECT_AFTER, SECOND, WINDOW
from rumpnet.core.wire import Malformed, wg
from rumpuser.host import ManualHost
from rumpwire.errno import KernelError

DELAY = 0.01
A, B = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
INNER_A, INNER_B = bytes([192, 168, 7, 1]), bytes([192, 168, 7, 2])
ANY = (bytes(4), 0)


def packet(src: bytes, dst: bytes, body: bytes = b"through") -> bytes:
    """As much of IPv4 as a tunnel looks at."""
    return struct.pack("!BBHIHH", 0x45, 0, 20 + len(body), 0, 64 << 8, 0) + src + dst + body


class End:
    def __init__(self, pair: Pair, addr: bytes, key: bytes) -> None:
        self.pair = pair
        self.endpoint: Endpoint = addr, 51820
        self.got: list[bytes] = []
        self.device = Device(pair.host, self.send, lambda data: self.got.append(bytes(data)))
        self.device.set_private_key(key)

    def send(self, data: bytes, endpoint: Endpoint) -> None:
        self.pair.carry(self, data, endpoint)


class Pair:
    """Two ends, and a path that loses what ``lose`` says."""

    def __init__(self, psk: bytes = b"", psk_b: bytes | None = None) -> None:
        self.host = ManualHost(seed=3)
        self.a, self.b = End(self, A, b"\1" * 32), End(self, B, b"\2" * 32)
        self.log: list[tuple[float, bytes, bytes]] = []
        self.lose = lambda data: False
        a, b = self.a.device, self.b.device
        a.add_peer("b", b.public, psk, self.b.endpoint, [(INNER_B, 32)])
        b.add_peer("a", a.public, psk if psk_b is None else psk_b, None, [(INNER_A, 32)])

    def carry(self, sender: End, data: bytes, endpoint: Endpoint) -> None:
        self.log.append((self.host.now_ns / 1e9, sender.endpoint[0], data))
        if not self.lose(data):
            receiver = self.b if sender is self.a else self.a
            if endpoint == receiver.endpoint:
                src = sender.endpoint
                self.host.call_at(
                    self.host.now_ns + int(DELAY * 1e9), lambda: receiver.device.input(memoryview(data), src)
                )

    def there(self, body: bytes = b"through") -> None:
        self.a.device.output(packet(INNER_A, INNER_B, body))

    def back(self, body: bytes = b"through") -> None:
        self.b.device.output(packet(INNER_B, INNER_A, body))

    def kinds(self) -> list[int]:
        return [data[0] for _, _, data in self.log]


def peer(end: End) -> Peer:
    return next(iter(end.device.peers.values()))


@pytest.mark.parametrize("psk", [b"", b"\7" * 32])
def test_a_packet_there_and_one_back(psk: bytes) -> None:
    pair = Pair(psk)
    with pytest.raises(KernelError, match="where"):
        pair.back()
    pair.there(b"one")
    pair.there(b"two")
    pair.host.advance(1)
    assert pair.b.got == [packet(INNER_A, INNER_B, body) for body in (b"one", b"two")], "without padding"
    pair.back()
    pair.host.advance(1)
    assert pair.a.got == [packet(INNER_B, INNER_A)]
    assert pair.kinds()[:4] == [wg.INITIATION, wg.RESPONSE, wg.DATA, wg.DATA]
    assert all(len(data) % 16 == 0 for _, _, data in pair.log if data[0] == wg.DATA)
    assert b"through" not in b"".join(data for _, _, data in pair.log)


def test_another_preshared_key_is_no_session() -> None:
    pair = Pair(b"\7" * 32, b"\x08" * 32)
    pair.there()
    pair.host.advance(200)
    assert not pair.b.got
    assert pair.kinds().count(wg.DATA) == 0


def test_a_handshake_is_tried_again_and_given_up() -> None:
    pair = Pair()
    pair.lose = lambda data: True
    pair.there()
    pair.host.advance(300)
    times = [at for at, _, data in pair.log if data[0] == wg.INITIATION]
    assert 17 <= len(times) <= 19
    assert all(5 <= later - at < 5.5 for at, later in itertools.pairwise(times))
    pair.lose = lambda data: False
    pair.there(b"again")
    pair.host.advance(1)
    assert pair.b.got == [packet(INNER_A, INNER_B, b"again")], "the old one was forgotten"


def test_a_session_is_renewed_while_it_is_used() -> None:
    pair = Pair()
    for number in range(400):
        pair.there(str(number).encode())
        pair.host.advance(1)
        pair.back()
        pair.host.advance(0.1)
    assert len(pair.b.got) == len(pair.a.got) == 400
    handshakes = pair.kinds().count(wg.INITIATION)
    assert 3 <= handshakes <= 5
    for end in (pair.a, pair.b):
        assert len(end.device._numbers) <= 3, "old sessions are forgotten"


def test_who_only_receives_shows_that_he_is_there() -> None:
    pair = Pair()
    pair.there()
    pair.host.advance(KEEPALIVE / 1e9 + 1)
    _, src, data = pair.log[-1]
    assert (src, len(data)) == (B, wg.DATA_HEADER.size + wg.TAG_LEN)
    count = len(pair.log)
    pair.host.advance(100)
    assert len(pair.log) == count, "and there it ends"


def test_a_peer_who_has_lost_his_sessions_is_noticed() -> None:
    pair = Pair()
    pair.there()
    pair.host.advance(1)
    peer(pair.b).forget()
    pair.there(b"lost")
    pair.host.advance(20)
    pair.there(b"found")
    pair.host.advance(1)
    assert pair.b.got[-1] == packet(INNER_A, INNER_B, b"found")


def test_keys_are_forgotten_in_the_end() -> None:
    pair = Pair()
    pair.there()
    pair.host.advance(3 * REJECT_AFTER / 1e9 + 30)
    for end in (pair.a, pair.b):
        assert (peer(end).current, peer(end).previous, end.device._numbers) == (None, None, {})


def test_a_peer_who_moves() -> None:
    pair = Pair()
    pair.there()
    pair.host.advance(1)
    pair.a.endpoint = bytes([10, 9, 9, 9]), 1234
    pair.there(b"from elsewhere")
    pair.host.advance(1)
    pair.back()
    pair.host.advance(1)
    assert len(pair.a.got) == 1
    assert peer(pair.b).endpoint == pair.a.endpoint


def test_addresses_that_are_not_the_peer_s() -> None:
    pair = Pair()
    pair.there()
    pair.host.advance(1)
    peer(pair.a).send(packet(bytes([192, 168, 7, 9]), INNER_B))
    pair.host.advance(1)
    assert len(pair.b.got) == 1
    assert pair.b.device.stats["dropped: an address that is not the peer's"] == 1
    with pytest.raises(KernelError, match="no peer"):
        pair.a.device.output(packet(INNER_A, bytes([1, 1, 1, 1])))


def test_what_comes_twice_or_late_counts_once() -> None:
    pair = Pair()
    pair.there()
    pair.host.advance(1)
    messages: list[bytes] = []
    pair.lose = lambda data: messages.append(data) is None and data[0] == wg.DATA
    for number in range(100):
        pair.there(str(number).encode())
    order = messages * 3
    random.Random(1).shuffle(order)
    for data in order:
        pair.b.device.input(memoryview(data), pair.a.endpoint)
    assert sorted(pair.b.got[1:]) == sorted(packet(INNER_A, INNER_B, str(n).encode()) for n in range(100))
    session = peer(pair.a).current
    assert session is not None
    session.sent += WINDOW + 10
    late = messages[-1]
    pair.lose = lambda data: False
    pair.there(b"far ahead")
    pair.host.advance(1)
    pair.b.device.input(memoryview(late), pair.a.endpoint)
    assert len(pair.b.got) == 102


def test_an_initiation_that_is_played_again() -> None:
    pair = Pair()
    pair.there()
    pair.host.advance(1)
    first = pair.log[0][2]
    answers = pair.kinds().count(wg.RESPONSE)
    pair.b.device.input(memoryview(first), (bytes([6, 6, 6, 6]), 6))
    assert pair.kinds().count(wg.RESPONSE) == answers
    assert peer(pair.b).endpoint == pair.a.endpoint


def test_cookies_under_load() -> None:
    pair = Pair()
    pair.there()
    initiation = pair.log[0][2]
    pair.lose = lambda data: data[0] != wg.COOKIE
    for _ in range(LOAD + 1):
        pair.b.device.input(memoryview(initiation), pair.a.endpoint)
    assert pair.kinds()[-1] == wg.COOKIE
    pair.host.advance(0.5)
    assert peer(pair.a).cookie is not None
    pair.lose = lambda data: False
    pair.host.advance(5)
    assert pair.log[-1][2]
    again = next(data for at, _, data in pair.log if data[0] == wg.INITIATION and at > 1)
    assert any(wg.parse(again).mac2)  # type: ignore[union-attr]
    assert len(pair.b.got) == 1
    pair.b.device._second, pair.b.device._handshakes = pair.host.now_ns // SECOND, LOAD
    before = pair.kinds().count(wg.COOKIE)
    pair.b.device.input(memoryview(again), (bytes([6, 6, 6, 6]), 6))
    assert pair.kinds().count(wg.COOKIE) == before + 1, "the cookie is for one address"


def test_hostile_datagrams() -> None:
    pair = Pair()
    pair.there()
    pair.host.advance(1)
    dice = random.Random(5)
    seeds = [data for _, _, data in pair.log]
    for _ in range(3000):
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.randrange(1, 4)):
            if data:
                data[dice.randrange(len(data))] = dice.randrange(256)
        del data[dice.choice([len(data), dice.randrange(len(data) + 1)]) :]
        pair.b.device.input(memoryview(bytes(data)), (bytes([6, 6, 6, 6]), 6))
        pair.host.advance(0.01)
    assert len(pair.b.got) == 1
    assert len(pair.b.device._numbers) <= 4
    pair.there(b"still")
    pair.host.advance(6)
    assert pair.b.got[-1] == packet(INNER_A, INNER_B, b"still")


def test_allowed_networks() -> None:
    table = AllowedIps()
    wide, narrow = object(), object()
    table.add((bytes([10, 0, 0, 0]), 8), wide)  # type: ignore[arg-type]
    table.add((bytes([10, 1, 2, 3]), 24), narrow)  # type: ignore[arg-type]
    table.add((bytes(16), 0), narrow)  # type: ignore[arg-type]
    assert table.find(bytes([10, 1, 2, 9])) is narrow
    assert table.find(bytes([10, 1, 3, 9])) is wide
    assert table.find(bytes([11, 1, 3, 9])) is None
    assert table.find(b"\x20" + bytes(15)) is narrow
    assert table.of(narrow) == [(bytes([10, 1, 2, 0]), 24), (bytes(16), 0)]  # type: ignore[arg-type]
    table.add((bytes([10, 1, 2, 0]), 24), wide)  # type: ignore[arg-type]
    table.remove(wide)  # type: ignore[arg-type]
    assert table.find(bytes([10, 1, 2, 9])) is None


def test_the_key_of_a_long_nonce() -> None:
    """draft-irtf-cfrg-xchacha-03, 2.2.1 and A.3.1."""
    nonce = bytes.fromhex("000000090000004a0000000031415927")
    expected = "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"
    assert crypto.hchacha(bytes(range(32)), nonce).hex() == expected
    key, nonce = bytes(range(0x80, 0xA0)), bytes(range(0x40, 0x58))
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        b"sunscreen would be it."
    )
    sealed = crypto.xseal(key, nonce, text, bytes.fromhex("50515253c0c1c2c3c4c5c6c7"))
    assert sealed[:16].hex() == "bd6d179d3e83d43b9576579493c0e939"
    assert sealed[-16:].hex() == "c0875924c1c7987947deafd8780acf49"


def test_a_public_key_of_low_order() -> None:
    with pytest.raises(Malformed):
        crypto.exchange(b"\1" * 32, bytes(32))


def persistent(pair: Pair, seconds: int) -> None:
    """The first end is to be found, by the second one, which does not know where it is."""
    device = pair.a.device
    device.delete_peer("b")
    device.add_peer("b", pair.b.device.public, b"", pair.b.endpoint, [(INNER_B, 32)], seconds)
    device.open()


def test_a_persistent_keepalive_lets_the_other_side_begin() -> None:
    pair = Pair()
    persistent(pair, 25)
    pair.host.advance(1)
    pair.back()
    pair.host.advance(1)
    assert pair.a.got == [packet(INNER_B, INNER_A)]
    before = len(pair.log)
    pair.host.advance(1000)
    sent = [at for at, src, _ in pair.log[before:] if src == A]
    assert all(later - at < 26 for at, later in itertools.pairwise(sent)), "through all renewals"
    assert 38 < len(sent) < 80
    pair.a.device.close()
    before = len(pair.log)
    pair.host.advance(1000)
    assert len(pair.log) == before, "down it says nothing"


def test_a_persistent_keepalive_outlives_a_peer_that_is_away() -> None:
    pair = Pair()
    persistent(pair, 25)
    pair.host.advance(1)
    pair.lose = lambda data: True
    pair.host.advance(3000)
    pair.lose = lambda data: False
    pair.host.advance(60)
    pair.back()
    pair.host.advance(1)
    assert pair.a.got == [packet(INNER_B, INNER_A)]


def test_what_comes_counts_for_the_persistent_keepalive() -> None:
    pair = Pair()
    persistent(pair, 25)
    pair.host.advance(1)
    pair.log.clear()
    for _ in range(6):  # not as long as a session
        pair.back()
        pair.host.advance(9)  # before the answer of the other keepalive
        pair.there()
        pair.host.advance(9)
    assert not [data for _, src, data in pair.log if src == A and len(data) == wg.DATA_HEADER.size + wg.TAG_LEN]


def test_keepalives_that_cannot_be() -> None:
    pair = Pair()
    with pytest.raises(KernelError, match="keepalive"):
        pair.a.device.add_peer("c", b"\5" * 32, b"", None, [], 65536)
