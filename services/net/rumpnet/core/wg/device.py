"""The end of tunnels: a key, peers, and which addresses are behind which (whitepaper, 2 to 5).

It is handed datagrams with where they came from, and packets to send; it hands on datagrams and packets. Nothing that
comes is answered unless its sender knows our public key; under load not unless he is where he says (cookies, 5.3).
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Iterable

from rumpnet.core.wg import crypto
from rumpnet.core.wg.handshake import initiated, respond, responded
from rumpnet.core.wg.peer import Peer
from rumpnet.core.wg.session import SECOND, Session
from rumpnet.core.wire import Malformed, wg
from rumpuser.host import Host
from rumpwire.errno import Errno, KernelError

Endpoint = tuple[bytes, int]
"""Address and port of UDP."""
Network = tuple[bytes, int]
"""Address and length of the prefix."""
PEERS_MAX = 1 << 12
PERSISTENT_MAX = 0xFFFF
COOKIE_LIFE = 120 * SECOND
LOAD = 100
"""Handshakes a second from which on senders have to show that they are where they say."""
INITIATION_EVERY = SECOND // 50
"""Of one peer."""
_TAI = (1 << 62) + 10
_COARSE = 1 << 24
"""Times in handshakes tell no more than this many nanoseconds (whitepaper, 5.4.2)."""


class AllowedIps:
    """The networks behind peers: the longest prefix decides."""

    def __init__(self) -> None:
        self._tables: dict[tuple[int, int], dict[int, Peer]] = {}

    def add(self, network: Network, peer: Peer) -> None:
        """In the place of whoever had just this network."""
        addr, length = network
        bits = len(addr) * 8
        key = len(addr), length
        if key not in self._tables:
            self._tables[key] = {}
            self._tables = dict(sorted(self._tables.items(), key=lambda item: -item[0][1]))
        self._tables[key][int.from_bytes(addr, "big") >> bits - length] = peer

    def find(self, addr: bytes | memoryview) -> Peer | None:
        number, width = int.from_bytes(addr, "big"), len(addr)
        for (length, prefix), table in self._tables.items():
            if length == width and (found := table.get(number >> width * 8 - prefix)) is not None:
                return found
        return None

    def of(self, peer: Peer) -> list[Network]:
        return [
            ((network << width * 8 - prefix).to_bytes(width, "big"), prefix)
            for (width, prefix), table in self._tables.items()
            for network, owner in table.items()
            if owner is peer
        ]

    def remove(self, peer: Peer) -> None:
        for table in self._tables.values():
            for network in [network for network, owner in table.items() if owner is peer]:
                del table[network]


class Device:
    """``send`` takes datagrams for endpoints, ``deliver`` packets that came out of the tunnel."""

    def __init__(
        self, host: Host, send: Callable[[bytes, Endpoint], None], deliver: Callable[[memoryview], None]
    ) -> None:
        self.host = host
        self.send = send
        self.private = self.public = b""
        self.up = False
        self.peers: dict[str, Peer] = {}
        self.allowed = AllowedIps()
        self.stats: Counter[str] = Counter()
        self._deliver = deliver
        self._by_key: dict[bytes, Peer] = {}
        self._numbers: dict[int, tuple[Peer, Session | None]] = {}
        self._secret, self._secret_ns = host.entropy(32), host.monotonic_ns()
        self._second = self._handshakes = 0
        self._last_time = 0

    # -- configuration

    def set_private_key(self, private: bytes) -> None:
        """Sessions with the old one are forgotten. EINVAL."""
        if len(private) != crypto.KEY_LEN:
            raise KernelError(Errno.EINVAL, f"a private key has {crypto.KEY_LEN} bytes, not {len(private)}")
        self.private, self.public = private, crypto.public_key(private)
        for peer in self.peers.values():
            peer.forget()
            peer.resume()

    def add_peer(
        self, name: str, public: bytes, psk: bytes, endpoint: Endpoint | None, allowed: Iterable[Network],
        persistent: int = 0,
    ) -> None:  # fmt: skip
        """``persistent``: seconds of silence after which the peer is told that we are there.

        EINVAL, EEXIST for a name or a key that there is, ENOSPC.
        """
        if len(public) != crypto.KEY_LEN or len(psk) not in (0, crypto.KEY_LEN) or not name:
            raise KernelError(Errno.EINVAL, f"a peer has a name, and keys of {crypto.KEY_LEN} bytes")
        networks = list(allowed)
        if any(len(addr) not in (4, 16) or not 0 <= length <= len(addr) * 8 for addr, length in networks):
            raise KernelError(Errno.EINVAL, "an allowed network is no address with a length of its prefix")
        if not 0 <= persistent <= PERSISTENT_MAX:
            raise KernelError(Errno.EINVAL, f"a persistent keepalive of 0 to {PERSISTENT_MAX} seconds")
        if name in self.peers or public in self._by_key:
            raise KernelError(Errno.EEXIST, f"there is a peer {name!r}, or one with its key")
        if len(self.peers) >= PEERS_MAX:
            raise KernelError(Errno.ENOSPC, f"there are {PEERS_MAX} peers")
        peer = Peer(self, name, public, psk or bytes(crypto.KEY_LEN), endpoint)
        self.peers[name] = self._by_key[public] = peer
        for network in networks:
            self.allowed.add(network, peer)
        peer.persistent_ns = persistent * SECOND
        peer.resume()

    def delete_peer(self, name: str) -> None:
        """ENOENT."""
        peer = self.peers.pop(name, None)
        if peer is None:
            raise KernelError(Errno.ENOENT, f"there is no peer {name!r}")
        peer.forget()
        del self._by_key[peer.public]
        self.allowed.remove(peer)

    def open(self) -> None:
        """Datagrams can be sent from now on."""
        self.up = True
        for peer in self.peers.values():
            peer.resume()

    def close(self) -> None:
        self.up = False
        for peer in self.peers.values():
            peer.forget()

    # -- what peers need

    def enter(self, peer: Peer, session: Session | None) -> int:
        """A number by which the other side calls a handshake or a session."""
        while (number := int.from_bytes(self.host.entropy(4), "big")) in self._numbers or not number:
            pass
        self._numbers[number] = peer, session
        return number

    def forget(self, number: int) -> None:
        self._numbers.pop(number, None)

    def time(self) -> bytes:
        """TAI64N, which only grows."""
        self._last_time = max(self.host.realtime_ns(), self._last_time + _COARSE)
        seconds, ns = divmod(self._last_time, SECOND)
        return (_TAI + seconds).to_bytes(8, "big") + (ns & -_COARSE).to_bytes(4, "big")

    def with_macs(self, peer: Peer, message: bytes, now: int) -> bytes:
        covered = message[: -2 * wg.MAC_LEN]
        peer.last_mac1 = crypto.mac(crypto.digest(b"mac1----", peer.public), covered)
        mac2 = bytes(wg.MAC_LEN)
        if peer.cookie is not None and now - peer.cookie[1] < COOKIE_LIFE:
            mac2 = crypto.mac(peer.cookie[0], covered + peer.last_mac1)
        return wg.with_macs(message, peer.last_mac1, mac2)

    # -- out

    def output(self, packet: bytes) -> None:
        """A packet into the tunnel. EHOSTUNREACH for an address of no peer, EDESTADDRREQ for a peer who is nowhere."""
        dst = packet[16:20] if packet[0] >> 4 == 4 else packet[24:40]
        peer = self.allowed.find(dst)
        if peer is None or not self.private:
            raise KernelError(Errno.EHOSTUNREACH, "no peer has this address, or there is no private key")
        if peer.endpoint is None:
            raise KernelError(Errno.EDESTADDRREQ, f"nobody knows where peer {peer.name} is")
        peer.send(packet)

    # -- in

    def input(self, data: memoryview, src: Endpoint) -> None:
        """A datagram. Whatever is in it, nothing is raised."""
        try:
            message = wg.parse(data)
            if isinstance(message, wg.Data):
                self._data(message, src, len(data))
            elif isinstance(message, wg.Cookie):
                self._cookie(message)
            elif self.private and self._checked(message, data, src):
                self._handshake(message, src)
        except Malformed as error:
            self.stats[f"dropped: {error.args[0] if error.args else error}"[:80]] += 1

    def _checked(self, message: wg.Initiation | wg.Response, data: memoryview, src: Endpoint) -> bool:
        """Whether its sender knows our key, and under load, is where he says. Malformed."""
        covered = bytes(data[: -2 * wg.MAC_LEN])
        if not hmac.compare_digest(crypto.mac(crypto.digest(b"mac1----", self.public), covered), message.mac1):
            raise Malformed("a handshake without our key")
        if not self._loaded():
            return True
        cookie = self._cookie_for(src)
        if hmac.compare_digest(crypto.mac(cookie, covered + message.mac1), message.mac2):
            return True
        nonce, key = self.host.entropy(24), crypto.digest(b"cookie--", self.public)
        reply = wg.Cookie(message.sender, nonce, crypto.xseal(key, nonce, cookie, message.mac1))
        self.stats["cookies sent"] += 1
        self.send(reply.emit(), src)
        return False

    def _loaded(self) -> bool:
        second = self.host.monotonic_ns() // SECOND
        if second != self._second:
            self._second, self._handshakes = second, 0
        self._handshakes += 1
        return self._handshakes > LOAD

    def _cookie_for(self, src: Endpoint) -> bytes:
        now = self.host.monotonic_ns()
        if now - self._secret_ns >= COOKIE_LIFE:
            self._secret, self._secret_ns = self.host.entropy(32), now
        return crypto.mac(self._secret, src[0] + src[1].to_bytes(2, "big"))

    def _cookie(self, message: wg.Cookie) -> None:
        peer, _ = self._numbers.get(message.receiver, (None, None))
        if peer is None:
            raise Malformed("a cookie for no handshake")
        key = crypto.digest(b"cookie--", peer.public)
        cookie = crypto.xunseal(key, message.nonce, message.cookie, peer.last_mac1)
        peer.cookie = cookie, self.host.monotonic_ns()

    def _handshake(self, message: wg.Initiation | wg.Response, src: Endpoint) -> None:
        if isinstance(message, wg.Initiation):
            self._initiation(message, src)
        else:
            self._response(message, src)

    def _initiation(self, message: wg.Initiation, src: Endpoint) -> None:
        now = self.host.monotonic_ns()
        begun, time = initiated(self.private, message)
        peer = self._by_key.get(begun.peer)
        if peer is None:
            raise Malformed("a handshake of nobody whom we know")
        if time <= peer.last_time or now - peer.initiated_ns < INITIATION_EVERY:
            raise Malformed("a handshake that was there before, or too many")
        peer.last_time, peer.initiated_ns, peer.endpoint = time, now, src
        number = self.enter(peer, None)
        response, keys = respond(begun, self.host.entropy(32), peer.psk, number, message.sender)
        session = Session(keys, number, message.sender, now, initiator=False)
        self._numbers[number] = peer, session
        peer.offered(session, now)
        peer.transmit(self.with_macs(peer, response.emit(), now))

    def _response(self, message: wg.Response, src: Endpoint) -> None:
        now = self.host.monotonic_ns()
        peer, session = self._numbers.get(message.receiver, (None, None))
        if peer is None or session is not None or peer.begun is None or peer.number != message.receiver:
            raise Malformed("a response to no handshake")
        keys = responded(peer.begun, self.private, peer.psk, message)
        session = Session(keys, message.receiver, message.sender, now, initiator=True)
        self._numbers[message.receiver] = peer, session
        peer.endpoint = src
        peer.established(session, now)

    def _data(self, message: wg.Data, src: Endpoint, length: int) -> None:
        peer, session = self._numbers.get(message.receiver, (None, None))
        if peer is None or session is None or not session.good(self.host.monotonic_ns()):
            raise Malformed("data of no session")
        packet = session.open(message)
        peer.received(session, packet, src, length)
        if packet:
            self._deliver(self._inner(packet, peer))

    def _inner(self, packet: bytes, peer: Peer) -> memoryview:
        """Without padding, if it comes from where the peer may send from. Malformed."""
        version = packet[0] >> 4
        if version == 4 and len(packet) >= 20:
            total, src = int.from_bytes(packet[2:4], "big"), packet[12:16]
        elif version == 6 and len(packet) >= 40:
            total, src = 40 + int.from_bytes(packet[4:6], "big"), packet[8:24]
        else:
            raise Malformed("what is inside is no packet of IP")
        if not 20 <= total <= len(packet):
            raise Malformed("what is inside is cut short")
        if self.allowed.find(src) is not peer:
            raise Malformed("an address that is not the peer's")
        return memoryview(packet)[:total]
