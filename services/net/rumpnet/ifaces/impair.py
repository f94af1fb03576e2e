"""A link that is worse than it is: delay, loss, disorder and little bandwidth, on purpose and from a seed.

It stands between an Ethernet and its wire, for what is sent; what is received is impaired at its sender. Segments that
would cross whole are cut first, so that one of them is lost and not all. A frame goes this way:

    loss -> copies -> damage -> queue (``limit``) and ``rate`` -> ``delay`` and ``jitter``, unless it overtakes others

Frames keep their order, also with jitter, but for those that overtake. Times are of the host's clock, so that all is
repeated with a virtual one.
"""

from __future__ import annotations

from collections.abc import Callable

from rumpnet.core.offload import segments
from rumpnet.core.packet import Packet
from rumpnet.core.rng import PPM, Rng
from rumpnet.core.wire.ethernet import HEADER_LEN
from rumpuser.host import Host
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Impairment, ImpairmentStat

LIMIT = 1000
"""Frames on their way when no limit is given (netem's)."""
_DELAY_MAX = 3600 * 10**9


class Impair:
    """One link's. ``transmit`` is what puts a frame on the wire."""

    def __init__(self, host: Host, settings: Impairment, transmit: Callable[[Packet], None]) -> None:
        self.settings = check(settings)
        self.passed = self.lost = self.dropped = self.duplicated = self.corrupted = self.reordered = 0
        self._host = host
        self._transmit = transmit
        self._rng = Rng(settings.seed)
        self._bad = False
        self._waiting = 0
        self._free_ns = 0
        """When the line has sent all that stands before it."""
        self._last_ns = 0
        """When the frame before arrives, which the next does not overtake."""
        self._ended = False

    def __call__(self, frame: Packet) -> None:
        for cut in segments(frame, link=HEADER_LEN):
            self._one(cut)

    def stat(self) -> ImpairmentStat:
        return ImpairmentStat(
            self.settings, self.passed, self.lost, self.dropped, self.duplicated, self.corrupted, self.reordered
        )

    def end(self) -> None:
        """What is on its way never arrives."""
        self._ended = True

    def _one(self, frame: Packet) -> None:
        if self._loses():
            self.lost += 1
            return
        self._queue(frame)
        if self._rng.chance(self.settings.duplicate_ppm):
            self.duplicated += 1
            self._queue(frame.copy())

    def _loses(self) -> bool:
        """Gilbert's model: all frames of a bad time are lost, and bad times last ``burst`` frames on average."""
        loss, burst = self.settings.loss_ppm, max(1, self.settings.burst)
        if not loss or loss >= PPM:
            return loss > 0
        if burst == 1:
            return self._rng.chance(loss)
        stays = PPM - PPM // burst
        enters = loss * PPM // burst // (PPM - loss)
        self._bad = self._rng.chance(stays if self._bad else enters)
        return self._bad

    def _queue(self, frame: Packet) -> None:
        settings = self.settings
        if self._rng.chance(settings.corrupt_ppm):
            frame = self._damage(frame)
        if self._waiting >= (settings.limit or LIMIT):
            self.dropped += 1
            return
        now = self._host.monotonic_ns()
        due = now
        if settings.rate_bps:
            due = max(now, self._free_ns) + frame.length * 8 * 10**9 // settings.rate_bps
            self._free_ns = due
        if self._rng.chance(settings.reorder_ppm):
            self.reordered += 1
        elif settings.delay_ns:
            jitter = settings.jitter_ns
            due += settings.delay_ns + (self._rng.below(2 * jitter + 1) - jitter if jitter else 0)
            due = self._last_ns = max(due, self._last_ns)
        self._send(frame, due, now)

    def _damage(self, frame: Packet) -> Packet:
        """One bit is another, and nobody vouches for checksums any more."""
        self.corrupted += 1
        data = bytearray(frame.view())
        at = self._rng.below(len(data) * 8)
        data[at >> 3] ^= 1 << (at & 7)
        return Packet(data)

    def _send(self, frame: Packet, due: int, now: int) -> None:
        if due <= now:
            self.passed += 1
            self._transmit(frame)
            return
        self._waiting += 1
        frame.view()  # nobody changes it while it waits
        self._host.call_at(due, lambda: self._arrives(frame))

    def _arrives(self, frame: Packet) -> None:
        self._waiting -= 1
        if not self._ended:
            self.passed += 1
            self._transmit(frame)


def check(settings: Impairment) -> Impairment:
    """EINVAL."""
    chances = (settings.loss_ppm, settings.duplicate_ppm, settings.corrupt_ppm, settings.reorder_ppm)
    if any(not 0 <= ppm <= PPM for ppm in chances):
        raise KernelError(Errno.EINVAL, f"chances are parts of {PPM}")
    if not 0 <= settings.jitter_ns <= settings.delay_ns <= _DELAY_MAX:
        raise KernelError(Errno.EINVAL, "jitter is at most the delay, which is at most an hour")
    if not (0 <= settings.burst <= PPM and 0 <= settings.limit <= PPM):
        raise KernelError(Errno.EINVAL, f"bursts and queues are of {PPM} frames at most")
    return settings
