"""TCP Fast Open (RFC 7413): data in the first segment, for peers who have shown before that they own their address.

As a server, a SYN with the cookie that we gave to its address opens a connection at once, whose data can be read before
the handshake is done; without one, a SYN that asks is given one. As a client we remember cookies by server, and ask for
one when there is none. A server or path that lets such SYNs disappear is not tried so again for a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpnet.core.tcp.wheel import SECOND

if TYPE_CHECKING:
    from rumpnet.core.tcp.layer import TcpLayer
    from rumpnet.core.tcp.tcb import Connection
    from rumpnet.core.wire.tcp import Segment

COOKIES_MAX = 1024
COOKIE_LEN = 8
AVOID = 3600 * SECOND


class FastOpen:
    """Cookies given and taken."""

    def __init__(self, layer: TcpLayer) -> None:
        self.layer = layer
        self.cookies: dict[bytes, tuple[bytes, int]] = {}
        """By server: its cookie and the most that fits into its SYN."""
        self._avoid: dict[bytes, int] = {}

    # -- as a server

    def cookie_for(self, faddr: bytes) -> bytes:
        return self.layer.mac(b"cookie", faddr)[:COOKIE_LEN]

    # -- as a client

    def prepare(self, c: Connection, now: int) -> None:
        """Before the SYN of an active open: the cookie, or none to ask for one; how much data go with it."""
        if not self.layer.sysctl.fastopen_client.value or now < self._avoid.get(c.faddr, 0):
            return
        cookie, mss = self.cookies.get(c.faddr, (b"", 0))
        c.syn_cookie = cookie
        c.syn_data = min(len(c.snd), mss - 40) if cookie and mss > 40 else 0

    def answered(self, c: Connection, seg: Segment) -> None:
        """The SYN was acknowledged."""
        if c.syn_cookie is None:
            return
        if seg.cookie:
            _remember(self.cookies, c.faddr, (seg.cookie, c.peer_mss))
        elif c.syn_data and c.snd_una <= c.iss + 1 and c.retransmits:
            self.failed(c)

    def failed(self, c: Connection) -> None:
        """The SYN got no answer."""
        self.cookies.pop(c.faddr, None)
        now = self.layer.host.monotonic_ns()
        if len(self._avoid) >= COOKIES_MAX:
            self._avoid = {addr: until for addr, until in self._avoid.items() if until > now}
        if len(self._avoid) < COOKIES_MAX:
            self._avoid[c.faddr] = now + AVOID


def _remember(table: dict[bytes, tuple[bytes, int]], addr: bytes, value: tuple[bytes, int]) -> None:
    table.pop(addr, None)
    if len(table) >= COOKIES_MAX:
        del table[next(iter(table))]
    table[addr] = value
