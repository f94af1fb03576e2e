"""Translation of addresses and ports (npf_nat): maps, and the ports that they give out.

Dynamic maps make connections: the first packet chooses, all others follow what was chosen. Static maps exchange
addresses one for one and remember nothing.
"""

from __future__ import annotations

from rumpnet.core.npf.conn import Connection, Key, Translation, key_of
from rumpnet.core.npf.flow import ICMP, ICMP6, TCP, UDP, Flow
from rumpnet.core.npf.rules import AddressesOf, Filter
from rumpnet.core.npf.tables import Network, Tables, network
from rumpuser.host import Host
from rumpwire.errno import Errno, KernelError
from rumpwire.values import NpfAddress, NpfMap

PORT_MIN, PORT_MAX = 1024, 65535
TRIES = 64
"""Random ports that are tried before all are gone through in order."""
WITH_PORTS = frozenset({TCP, UDP, ICMP, ICMP6})
NPT66_PREFIX_MAX = 64


class Ports:
    """Ports in use, by protocol and address."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._used: dict[tuple[int, bytes], set[int]] = {}
        self._exhausted: set[tuple[int, bytes]] = set()
        """Where none was left: in a flood not all are looked through for each packet, until one is given back."""

    def take(self, protocol: int, addr: bytes, wanted: int) -> int:
        """The wanted port if it is free, else a random one that is. 0 when there is none."""
        key = protocol, addr
        used = self._used.setdefault(key, set())
        if wanted and wanted not in used:
            port = wanted
        else:
            port = 0 if key in self._exhausted else self._free(used)
        if port:
            used.add(port)
        else:
            self._exhausted.add(key)
        return port

    def release(self, protocol: int, addr: bytes, port: int) -> None:
        used = self._used.get((protocol, addr), set())
        used.discard(port)
        self._exhausted.discard((protocol, addr))
        if not used:
            self._used.pop((protocol, addr), None)

    def _free(self, used: set[int]) -> int:
        count = PORT_MAX - PORT_MIN + 1
        for _ in range(TRIES):
            port = PORT_MIN + int.from_bytes(self._host.entropy(4), "big") % count
            if port not in used:
                return port
        return next((port for port in range(PORT_MIN, PORT_MAX + 1) if port not in used), 0)


class Map:
    """A map that is active."""

    __slots__ = ("_addresses_of", "_from", "_to", "filter", "value")

    def __init__(self, value: NpfMap, tables: Tables, addresses_of: AddressesOf) -> None:
        """EINVAL, ESRCH."""
        if value.direction not in (("in", "out", "both") if value.static else ("in", "out")):
            raise KernelError(Errno.EINVAL, f"map on {value.ifname}: direction {value.direction[:16]!r}")
        if not value.ifname:
            raise KernelError(Errno.EINVAL, "a map names the interface at which it translates")
        if value.translation is None or value.translation.table:
            raise KernelError(Errno.EINVAL, f"map on {value.ifname}: translate to an address or an interface")
        if value.algorithm not in ("", "netmap", "npt66") or (value.algorithm and not value.static):
            raise KernelError(
                Errno.EINVAL, f"map on {value.ifname}: algorithm {value.algorithm[:16]!r} of a static map"
            )
        self.value = value
        self.filter = Filter(value.filter, tables, addresses_of)
        self._addresses_of = addresses_of
        self._from = self._to = (0, 0, 0)
        if value.static:
            self._from, self._to = self._networks(value)

    @staticmethod
    def _networks(value: NpfMap) -> tuple[Network, Network]:
        """The networks that are exchanged: for "in" alone the translation is the inner one as well. EINVAL."""
        wanted = value.filter and (value.filter.destination if value.direction == "in" else value.filter.source)
        addresses = wanted.addresses if wanted else []
        if len(addresses) != 1 or not addresses[0].addr or value.translation is None or not value.translation.addr:
            raise KernelError(Errno.EINVAL, "a static map exchanges one network for one network")
        one, other = network(addresses[0]), network(value.translation)
        if one[0] != other[0] or one[2] != other[2]:
            raise KernelError(Errno.EINVAL, "the networks of a static map are of the same family and size")
        if value.algorithm == "npt66" and (one[0] != 16 or addresses[0].prefixlen > NPT66_PREFIX_MAX):
            raise KernelError(Errno.EINVAL, f"npt66 translates IPv6 prefixes of at most {NPT66_PREFIX_MAX} bits")
        return (other, one) if value.direction == "in" else (one, other)

    def address(self, flow: Flow) -> bytes:
        """The address to translate to now; empty when the interface has none of this family."""
        wanted: NpfAddress | None = self.value.translation
        assert wanted is not None
        if wanted.addr:
            return wanted.addr if len(wanted.addr) == len(flow.src) else b""
        return next((a for a in self._addresses_of(wanted.ifname, flow.version)), b"")

    def exchange(self, flow: Flow, *, out: bool) -> bool:
        """A static map: the source of what leaves, the destination of what comes. False when it is not meant."""
        direction = self.value.direction
        if direction not in ("both", "out" if out else "in"):
            return False
        old = flow.src if out else flow.dst
        one, other = (self._from, self._to) if out else (self._to, self._from)
        if len(old) != one[0] or (int.from_bytes(old, "big") ^ one[1]) & one[2]:
            return False
        new = self._npt66(old, one, other) if self.value.algorithm == "npt66" else _netmap(old, one, other)
        (flow.set_source if out else flow.set_destination)(new, 0)
        return True

    @staticmethod
    def _npt66(old: bytes, one: Network, other: Network) -> bytes:
        """RFC 6296: a word of the rest takes up the difference of the prefixes, so that checksums stay right."""
        new = bytearray(_netmap(old, one, other))
        at = 6 if not one[2] >> 64 & 0xFFFF and new[6:8] != b"\xff\xff" else _first_free_word(new)
        delta = _words(one[1] & one[2]) - _words(other[1] & other[2])
        word = (new[at] << 8 | new[at + 1]) + delta % 0xFFFF
        word = word % 0xFFFF
        new[at : at + 2] = word.to_bytes(2, "big")
        return bytes(new)


def _netmap(old: bytes, one: Network, other: Network) -> bytes:
    number = int.from_bytes(old, "big")
    return (number & ~one[2] | other[1]).to_bytes(len(old), "big")


def _first_free_word(addr: bytearray) -> int:
    """Behind the first 64 bits, a word that is not 0xffff (RFC 6296, 3.5)."""
    return next((at for at in range(8, 16, 2) if addr[at : at + 2] != b"\xff\xff"), 8)


def _words(number: int) -> int:
    return number % 0xFFFF


class Translator:
    """All maps."""

    def __init__(self, host: Host, maps: list[NpfMap], tables: Tables, addresses_of: AddressesOf) -> None:
        """EINVAL, ESRCH."""
        numbered = (value._replace(id=i) for i, value in enumerate(maps, 1))
        self.maps = [Map(value, tables, addresses_of) for value in numbered]
        self._ports = Ports(host)

    def exchange(self, flow: Flow, ifname: str, *, out: bool) -> bool:
        """Applies the first static map that is meant."""
        return any(m.value.static and m.value.ifname == ifname and m.exchange(flow, out=out) for m in self.maps)

    def choose(self, flow: Flow, ifname: str, *, out: bool) -> Translation | None:
        """What a dynamic map wants of the first packet of a connection. ENOSPC when it has no port or address left."""
        direction = "out" if out else "in"
        for m in self.maps:
            if m.value.static or m.value.ifname != ifname or m.value.direction != direction:
                continue
            if m.filter.matches(flow):
                return self._source(m, flow) if out else self._destination(m, flow)
        return None

    def release(self, connection: Connection) -> None:
        translation = connection.translation
        if translation is not None and translation.release:
            self._ports.release(connection.forward.protocol, translation.addr, translation.port)

    def _source(self, m: Map, flow: Flow) -> Translation:
        addr = m.address(flow)
        if not addr:
            raise KernelError(Errno.ENOSPC, f"map {m.value.id} has no address to translate to")
        if flow.protocol not in WITH_PORTS:
            return Translation(True, addr, 0, m.value.id, False)
        fixed = m.value.translation_ports
        port = self._ports.take(flow.protocol, addr, fixed.first if fixed else flow.sport)
        if not port:
            raise KernelError(Errno.ENOSPC, f"map {m.value.id} has no port left")
        return Translation(True, addr, port, m.value.id, True)

    def _destination(self, m: Map, flow: Flow) -> Translation:
        addr = m.address(flow)
        if not addr:
            raise KernelError(Errno.ENOSPC, f"map {m.value.id} has no address to translate to")
        fixed = m.value.translation_ports
        return Translation(False, addr, fixed.first if fixed else 0, m.value.id, False)


def backward_key(flow: Flow, translation: Translation | None) -> Key:
    """The packets that come back when the first one went out like this."""
    key = key_of(flow)
    if translation is None:
        return key.reverse
    if translation.out:
        sport = translation.port or key.sport
        dport = sport if flow.icmp >= 0 else key.dport
        return Key(key.protocol, key.dst, dport, translation.addr, sport)
    return Key(key.protocol, translation.addr, translation.port or key.dport, key.src, key.sport)


def translate(flow: Flow, connection: Connection, *, forward: bool) -> None:
    """Rewrites a packet of a connection: of the first direction as was chosen, of the other one back."""
    chosen = connection.translation
    if chosen is None:
        return
    if forward:
        (flow.set_source if chosen.out else flow.set_destination)(chosen.addr, chosen.port)
    elif chosen.out:
        flow.set_destination(connection.forward.src, connection.forward.sport if chosen.port else 0)
    else:
        flow.set_source(connection.forward.dst, connection.forward.dport if chosen.port else 0)


def translate_quoted(quoted: Flow, connection: Connection, *, forward: bool) -> None:
    """The packet that an ICMP error quotes: it went the other way than the error. ``forward`` is its own way."""
    chosen = connection.translation
    if chosen is None:
        return
    if forward and chosen.out:
        quoted.set_source(connection.forward.src, connection.forward.sport if chosen.port else 0)
    elif forward:
        quoted.set_destination(connection.forward.dst, connection.forward.dport if chosen.port else 0)
    elif chosen.out:
        quoted.set_destination(chosen.addr, chosen.port)
    else:
        quoted.set_source(chosen.addr, chosen.port)
