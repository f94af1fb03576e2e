"""A learning bridge over Ethernets (bridge(4)).

Its members keep their addresses, and the stack goes on using them: what the stack sends through one member, the bridge
sends through the one behind which the receiver is. A `Vether` as a member gives the bridge an end of its own.

There is no spanning tree. Instead a member that closes a loop is found by what a loop does: frames of our own come back
on it, addresses move to it again and again, or the same frame for all comes hundreds of times. It is left out for a
while, which the log tells. Frames to be forwarded stand in a queue, so that a loop does not deepen the stack before.
"""

from __future__ import annotations

import logging
import zlib
from collections import deque

from rumpnet.core.iface import Iface, Listener
from rumpnet.core.nd import IFT_BRIDGE
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.core.wire import ethernet
from rumpnet.ifaces.ether import MTU, Ethernet
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import BridgeAddr, BridgeMember

log = logging.getLogger(__name__)

CACHE_MAX = 100
"""Addresses that are learned, unless it is said otherwise."""
CACHE_LIMIT = 1 << 20
TIMEOUT_NS = 1200 * 10**9
QUEUE_MAX = 512
FLAPS_MAX = 32
"""So many signs of a loop within `WINDOW_NS` block a member for `BLOCK_NS`."""
REPEATS_MAX = 256
"""So many times within `WINDOW_NS` the same frame is flooded."""
_FLOODS_MAX = 4096
WINDOW_NS = 10**9
BLOCK_NS = 10 * 10**9
_FLAGS = const.IFBIF_LEARNING | const.IFBIF_DISCOVER


class Member:
    """What the bridge knows of one of its members."""

    __slots__ = ("blocked_ns", "flags", "iface", "signs", "since_ns")

    def __init__(self, iface: Ethernet) -> None:
        self.iface = iface
        self.flags = _FLAGS
        self.blocked_ns = 0
        self.signs = 0
        self.since_ns = 0


class Entry:
    """Behind which member an address is."""

    __slots__ = ("expires_ns", "member", "static")

    def __init__(self, member: Member, expires_ns: int, *, static: bool = False) -> None:
        self.member = member
        self.expires_ns = expires_ns
        self.static = static


class Bridge(Iface, Listener):
    """``bridge0`` and so on. It has no address of its own."""

    kind = "bridge"
    if_type = IFT_BRIDGE

    def __init__(self, net: Net, name: str, index: int) -> None:
        super().__init__(net, name, index, MTU, const.IFF_BROADCAST | const.IFF_SIMPLEX | const.IFF_MULTICAST)
        self.members: dict[str, Member] = {}
        self.entries: dict[bytes, Entry] = {}
        self.cache = CACHE_MAX
        self.timeout_ns = TIMEOUT_NS
        self._queue: deque[tuple[Member, Packet]] = deque()
        self._running = False
        self._floods: dict[int, int] = {}
        self._floods_since_ns = 0
        net.interfaces.listeners.append(self)

    def output(self, packet: Packet, hop: bytes) -> None:
        raise KernelError(Errno.ENETDOWN, f"{self.name} has no address: its members have")

    # -- members

    def add(self, name: str) -> None:
        """ENXIO, EINVAL for what is no Ethernet or has another MTU, EBUSY, EEXIST."""
        iface = self.net.interfaces.get(name)
        if name in self.members:
            raise KernelError(Errno.EEXIST, f"{name} is a member of {self.name} already")
        if not isinstance(iface, Ethernet):
            raise KernelError(Errno.EINVAL, f"{name} is no Ethernet")
        if iface.owner is not None:
            raise KernelError(Errno.EBUSY, f"{name} is a member of {iface.owner.name}")
        if not self.members:
            self.mtu = iface.mtu
        if iface.mtu != self.mtu:
            raise KernelError(Errno.EINVAL, f"{name} has an MTU of {iface.mtu}, the bridge of {self.mtu}")
        member = self.members[name] = Member(iface)
        iface.owner = self
        iface.upper = lambda frame: self._received(member, frame)
        iface.relay = lambda frame: self._sent(member, frame)
        iface.set_promiscuous(True)

    def remove(self, name: str) -> None:
        """ENOENT. What was learned of it goes with it."""
        member = self.member(name)
        del self.members[name]
        self.entries = {addr: e for addr, e in self.entries.items() if e.member is not member}
        member.iface.owner = member.iface.upper = member.iface.relay = None
        member.iface.set_promiscuous(False)

    def member(self, name: str) -> Member:
        """ENOENT."""
        member = self.members.get(name)
        if member is None:
            raise KernelError(Errno.ENOENT, f"{name[:32]} is no member of {self.name}")
        return member

    def iface_gone(self, iface: Iface) -> None:
        if iface.name in self.members and self.members[iface.name].iface is iface:
            self.remove(iface.name)

    def closed(self) -> None:
        for name in list(self.members):
            self.remove(name)
        self.net.interfaces.listeners.remove(self)

    # -- frames

    def _received(self, member: Member, frame: Packet) -> bool:
        """From the wire of a member; the bridge keeps it, and gives the stack its part."""
        if not self.up:
            return False
        if len(self._queue) >= QUEUE_MAX:
            self.iqdrops += 1
            return True
        self._queue.append((member, frame))
        if not self._running:
            self._running = True
            try:
                while self._queue:
                    self._input(*self._queue.popleft())
            finally:
                self._running = False
        return True

    def _input(self, member: Member, frame: Packet) -> None:
        now = self.net.host.monotonic_ns()
        view = frame.view()
        dst, src = bytes(view[:6]), bytes(view[6:12])
        self.ipackets += 1
        self.ibytes += frame.length
        if member.blocked_ns > now:
            self.iqdrops += 1
            return
        if self._own(src) is not None:
            self._sign(member, now, "frames of our own come back on it")
            return
        if member.flags & const.IFBIF_LEARNING and not src[0] & 1:
            self._learn(member, src, now)
        own = self._own(dst)
        if own is not None:
            own.iface.accept(frame)
            return
        if dst[0] & 1:
            if self._repeats(view, now):
                self._block(member, now, "the same frame comes again and again")
                return
            self._flood(member, frame, now)
            member.iface.accept(frame)
            return
        self._forward(member, dst, frame, now)

    def _forward(self, member: Member, dst: bytes, frame: Packet, now: int) -> None:
        entry = self._lookup(dst, now)
        if entry is None:
            if self._repeats(frame.view(), now):
                self._block(member, now, "the same frame comes again and again")
            else:
                self._flood(member, frame, now)
        elif entry.member is not member:
            self._send(member, entry.member, frame, now)

    def _sent(self, member: Member, frame: Packet) -> bool:
        """By the stack, through a member: it goes out where the receiver is."""
        if not self.up:
            return False
        now = self.net.host.monotonic_ns()
        dst = bytes(frame.view()[:6])
        entry = None if dst[0] & 1 else self._lookup(dst, now)
        if entry is not None:
            self._send(None, entry.member, frame, now)
        else:
            self._flood(None, frame, now, sender=member)
        return True

    def _flood(self, source: Member | None, frame: Packet, now: int, *, sender: Member | None = None) -> None:
        """``sender`` is the member whose end of the stack the frame is from: a Vether does not hear itself."""
        for member in list(self.members.values()):
            if member is source or not member.flags & const.IFBIF_DISCOVER:
                continue
            if member is not sender or not member.iface.inward:
                self._send(source, member, frame.copy(), now)

    def _send(self, source: Member | None, member: Member, frame: Packet, now: int) -> None:
        if not member.iface.up or member.blocked_ns > now:
            return
        if source is not None and source.flags & member.flags & const.IFBIF_PROTECTED:
            return
        self.sent(frame.length)
        member.iface.forward(frame)

    def _own(self, lladdr: bytes) -> Member | None:
        return next((m for m in self.members.values() if m.iface.lladdr == lladdr and m.iface.up), None)

    # -- addresses

    def _lookup(self, addr: bytes, now: int) -> Entry | None:
        entry = self.entries.get(addr)
        if entry is not None and not entry.static and entry.expires_ns <= now:
            del self.entries[addr]
            return None
        return entry

    def _learn(self, member: Member, addr: bytes, now: int) -> None:
        entry = self._lookup(addr, now)
        if entry is None:
            if len(self.entries) >= self.cache:
                self._expire(now)
            if len(self.entries) < self.cache:
                self.entries[addr] = Entry(member, now + self.timeout_ns)
        elif not entry.static:
            if entry.member is not member:
                entry.member = member
                self._sign(member, now, f"addresses move to it, the last one {ethernet.text(addr)}")
            entry.expires_ns = now + self.timeout_ns

    def _sign(self, member: Member, now: int, what: str) -> None:
        """Something that a loop does has happened on a member."""
        if now - member.since_ns > WINDOW_NS:
            member.since_ns, member.signs = now, 0
        member.signs += 1
        if member.signs >= FLAPS_MAX:
            self._block(member, now, what)

    def _block(self, member: Member, now: int, why: str) -> None:
        if member.blocked_ns <= now:
            member.blocked_ns = now + BLOCK_NS
            member.signs = 0
            log.warning("%s: %s is left out for %d s: %s", self.name, member.iface.name, BLOCK_NS // 10**9, why)

    def _repeats(self, view: memoryview, now: int) -> bool:
        """Counts a frame that is to be flooded."""
        if now - self._floods_since_ns > WINDOW_NS or len(self._floods) >= _FLOODS_MAX:
            self._floods, self._floods_since_ns = {}, now
        key = zlib.crc32(view)
        count = self._floods[key] = self._floods.get(key, 0) + 1
        return count > REPEATS_MAX

    def _expire(self, now: int) -> None:
        self.entries = {a: e for a, e in self.entries.items() if e.static or e.expires_ns > now}

    def set_cache(self, count: int) -> None:
        """Addresses beyond the limit are forgotten. EINVAL."""
        if not 0 < count <= CACHE_LIMIT:
            raise KernelError(Errno.EINVAL, f"a limit of {count} addresses is not in 1..{CACHE_LIMIT}")
        self.cache = count
        self._expire(self.net.host.monotonic_ns())
        for addr in [a for a, e in self.entries.items() if not e.static]:
            if len(self.entries) <= count:
                break
            del self.entries[addr]

    def set_address(self, addr: bytes, name: str, seconds: int, *, static: bool) -> None:
        """EINVAL, ENOENT, ENOSPC."""
        if len(addr) != ethernet.ADDR_LEN or addr[0] & 1:
            raise KernelError(Errno.EINVAL, "an Ethernet address has 6 bytes and is not a group's")
        member = self.member(name)
        if addr not in self.entries and len(self.entries) >= self.cache and not static:
            raise KernelError(Errno.ENOSPC, f"{self.name} knows {self.cache} addresses")
        until = seconds * 10**9 if seconds else self.timeout_ns
        self.entries[addr] = Entry(member, self.net.host.monotonic_ns() + until, static=static)

    def delete_address(self, addr: bytes) -> None:
        """ENOENT."""
        if self.entries.pop(addr, None) is None:
            raise KernelError(Errno.ENOENT, f"{self.name} does not know {ethernet.text(addr)}")

    def flush(self, *, everything: bool) -> None:
        """Forgets what was learned, or all. Members that were left out are tried again."""
        self.entries = {} if everything else {a: e for a, e in self.entries.items() if e.static}
        for member in self.members.values():
            member.blocked_ns = member.signs = 0

    # -- what it tells

    def member_rows(self) -> list[BridgeMember]:
        now = self.net.host.monotonic_ns()
        return [
            BridgeMember(name, m.flags, max(0, -((now - m.blocked_ns) // 10**9)) if m.blocked_ns else 0)
            for name, m in self.members.items()
        ]

    def address_rows(self) -> list[BridgeAddr]:
        now = self.net.host.monotonic_ns()
        self._expire(now)
        return [
            BridgeAddr(
                addr, e.member.iface.name, const.IFBAF_STATIC if e.static else const.IFBAF_DYNAMIC,
                0 if e.static else (e.expires_ns - now) // 10**9,
            )
            for addr, e in self.entries.items()
        ]  # fmt: skip
