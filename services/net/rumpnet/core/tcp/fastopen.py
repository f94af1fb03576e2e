"""TCP Fast Open (RFC 7413): data in the first segment, for peers who have shown before that they own their address.

As a server, a SYN with the cookie that we gave to its address opens a connection at once, whose data can be read before
the handshake is done; without one, a SYN that asks is given one. As a client we remember cookies by server, and ask for
one when there is none. A server or path that lets such SYNs disappear is not tried so again for a while. One that gives
no cookie is asked once by the option's experimental number, which it had before it was 34, and then by 34 again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rumpnet.core.tcp.wheel import SECOND

if TYPE_CHECKING:
    from rumpnet.core.tcp.layer import TcpLayer
    from rumpnet.core.tcp.tcb import Connection
    from rumpnet.core.wire.tcp import Segment

COOKIES_MAX = 1024
COOKIE_LEN = 8
OPTION_SPACE = 40
"""Left free in a SYN with data, for options that boxes on the way put in (RFC 7413, 4.2.1)."""
ONCE, NEVER_AGAIN = 1, 2
"""Whether to ask a server by the experimental number: next time, or no more since that was no better."""
AVOID = 60 * SECOND
AVOID_DOUBLINGS = 10


class Known(NamedTuple):
    """What a server has said."""

    cookie: bytes = b""
    mss: int = 0
    """The most that fits into its SYN."""
    experimental: bool = False
    """By which number of the option it gave the cookie."""
    ask: int = 0
    """ONCE, NEVER_AGAIN."""


class FastOpen:
    """Cookies given and taken."""

    def __init__(self, layer: TcpLayer) -> None:
        self.layer = layer
        self.cookies: dict[bytes, Known] = {}
        """By server."""
        self._losses: dict[bytes, tuple[int, int]] = {}
        """By server: how many SYNs with data were lost one after the other, and when the last."""

    # -- as a server

    def cookie_for(self, faddr: bytes) -> bytes:
        return self.layer.mac(b"cookie", faddr)[:COOKIE_LEN]

    # -- as a client

    def prepare(self, c: Connection, now: int) -> int:
        """Before the SYN of an active open: the cookie, or none to ask for one. How much data can go with it."""
        if not self.layer.sysctl.fastopen_client.value or self._avoided(c.faddr, now):
            return 0
        cookie, mss, experimental, ask = self.cookies.get(c.faddr, Known())
        if self.layer.sysctl.fastopen_bare.value or c.opt.fastopen_no_cookie:
            return max(min(mss or c.mss, c.mss) - OPTION_SPACE, 0)
        c.syn_cookie, c.syn_experimental = cookie, experimental if cookie else ask == ONCE
        return max(min(mss, c.mss) - OPTION_SPACE, 0) if cookie else 0

    def answered(self, c: Connection, seg: Segment) -> None:
        """The SYN was acknowledged."""
        c.syn_data_taken = c.syn_data > 0 and c.snd_una == c.iss + 1 + c.syn_data
        if c.syn_data_taken:
            self._losses.pop(c.faddr, None)
        if c.syn_cookie is None and not c.syn_data and not c.opt.fastopen_connect:
            return
        known = self.cookies.get(c.faddr, Known())
        if seg.cookie and c.syn_cookie is not None:
            known = Known(seg.cookie, 0, seg.experimental)
        elif c.syn_cookie == b"" and not c.syn_data and not c.retransmits:
            known = known._replace(ask=max(known.ask, NEVER_AGAIN if c.syn_experimental else ONCE))
        if known.cookie or known.ask or c.syn_data:
            _remember(self.cookies, c.faddr, known._replace(mss=c.peer_mss))

    def failed(self, c: Connection) -> None:
        """A SYN with data got no answer. Once may be chance; when it happens again there are none for a while."""
        count, _ = self._losses.pop(c.faddr, (0, 0))
        if len(self._losses) >= COOKIES_MAX:
            del self._losses[next(iter(self._losses))]
        self._losses[c.faddr] = (count + 1, self.layer.host.monotonic_ns())

    def _avoided(self, faddr: bytes, now: int) -> bool:
        count, at = self._losses.get(faddr, (0, 0))
        return count > 1 and now < at + (AVOID << min(count, AVOID_DOUBLINGS))


def _remember(table: dict[bytes, Known], addr: bytes, value: Known) -> None:
    table.pop(addr, None)
    if len(table) >= COOKIES_MAX:
        del table[next(iter(table))]
    table[addr] = value
