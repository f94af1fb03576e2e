"""Hostile frames by number: a batch of them attacks a site of its own, which is then looked over.

The frames of a number are always the same ones, and so is what the site does, since both follow from the number of the
batch: after a stop go on with ``--first``.
"""

from __future__ import annotations

import gc
import random
import resource
import time
import traceback
from collections.abc import Iterator

from rumpnet.core.packet import Packet
from rumpnet.core.tcp.tcb import Connection
from rumpuser.devices.port import Offload
from tests.fuzz import net_mutation as mutation
from tests.fuzz.bounds import TooSlow, bounded_time
from tests.fuzz.net_site import Guarded, Seen, Site
from tests.unit.net.lab import Port

BATCH = 2000
SECONDS = 120.0
"""Of the processor, for a batch."""
_PROGRESS = 10.0


class Attack:
    """The frames of a batch, and where each arrives."""

    def __init__(self, batch: int) -> None:
        self.rng = random.Random(f"frames {batch}")
        self.site = Site(batch)
        self.kinds = list(_by_kind(self.site.corpus).values())
        self.last = b""
        """What was received last, for whoever looks for the cause."""

    def run(self, count: int = BATCH) -> None:
        """AssertionError and whatever escapes are findings."""
        site, rng = self.site, self.rng
        for number in range(count):
            if number % 200 == 0:
                site.check()
                victims = site.victims()
            if rng.random() < 0.01:
                site.serve()
                site.lab.host.advance(rng.choice((0.001, 0.01, 0.3, 5.0, 40.0)))
                victims = site.victims()
            port, frame = self._frame(victims)
            for part in mutation.pieces(rng, frame) if rng.random() < 0.05 else (frame,):
                self.last = bytes(part)
                port.receive(self._packet(self.last))
        site.check()
        site.recover()
        site.check()
        for guarded in site.guarded:
            assert guarded.carries(rng), f"{guarded.ends} carries no more"

    def _frame(self, victims: list[Connection]) -> tuple[Port, bytearray]:
        rng, site = self.rng, self.site
        if rng.random() < 0.05:
            frame = mutation.blind(rng, self._ends(rng.choice(site.guarded)))
            if rng.random() < 0.3:
                mutation.quote(rng, frame)
            port = site.ports[rng.randrange(2)]
        elif rng.random() < 0.02 and (answer := site.answer()):
            port, frame = site.ports[1], bytearray(12) + b"\x08\0" + answer
            if rng.random() < 0.5:
                mutation.noise(rng, memoryview(frame)[42:])
        else:
            port, seen = rng.choice(rng.choice(self.kinds))
            frame = bytearray(seen)
            if rng.random() < 0.5:
                mutation.aimed(rng, frame, victims)
            for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
                if len(frame) > mutation.LINK:
                    rng.choice(mutation.MUTATIONS)(rng, frame)
            if rng.random() < 0.1:
                port = rng.choice(site.ports)
        if rng.random() < 0.9:
            self._mend(frame)
        if rng.random() < 0.95 and len(frame) >= mutation.LINK:
            self._address(frame, port)
        return port, frame

    def _ends(self, guarded: Guarded) -> tuple[bytes, int, bytes, int]:
        """As segments of either side have them."""
        src, sport, dst, dport = guarded.ends
        return (dst, dport, src, sport) if self.rng.random() < 0.3 else guarded.ends

    def _mend(self, frame: bytearray) -> None:
        p = mutation.place(frame)
        if p.protocol == 17 and len(frame) > p.upper + 250 and frame[p.upper + 2 : p.upper + 4] == b"\0\x44":
            frame[p.upper + 12 : p.upper + 16] = self.site.exchange().to_bytes(4, "big")
        mutation.mended(frame, lengths=self.rng.random() < 0.9)

    def _address(self, frame: bytearray, port: Port) -> None:
        """To whom the interface listens."""
        if not frame[0] & 1 or self.rng.random() < 0.3:
            frame[:6] = port.lladdr
        if self.rng.random() < 0.7:
            frame[6:12] = b"\2\0\0\0\0" + self.rng.randbytes(1)

    def _packet(self, frame: bytes) -> Packet:
        """Now and then with what a peer in memory leaves to be done, whether it fits or not."""
        packet, rng = Packet(frame), self.rng
        if rng.random() < 0.05:
            offload = Offload(
                rng.choice((0, 32, 1448, 65535)), rng.randrange(120), rng.choice((0, 6, 16)), rng.random() < 0.5
            )
            if offload.fits(packet.length):
                packet.gso_size, packet.csum_start, packet.csum_offset, packet.csum_valid = offload
        return packet


def _by_kind(corpus: list[Seen]) -> dict[tuple[object, ...], list[Seen]]:
    """So that what is rare on wires is as frequent as segments of TCP."""
    kinds: dict[tuple[object, ...], list[Seen]] = {}
    for seen in corpus:
        p = mutation.place(seen[1])
        detail = seen[1][p.upper : p.upper + (1 if p.protocol in (1, 58) else 0)]
        if p.protocol == 17:
            detail = bytes(min(seen[1][p.upper : p.upper + 2], seen[1][p.upper + 2 : p.upper + 4]))
        kinds.setdefault((p.kind, p.protocol, p.whole, detail), []).append(seen)
    tcp = [seen for kind, several in kinds.items() if kind[1] == 6 for seen in several]
    return {**kinds, **{("more segments", n): tcp for n in range(len(kinds) // 3)}}


class Campaign:
    """The batches from a number on."""

    def __init__(self) -> None:
        self.tried = self.found = 0
        self.slowest = (0.0, 0)
        self._known: set[str] = set()
        self._begun = self._told = time.monotonic()

    def run(self, first: int, count: int) -> None:
        """Whole batches, the last one maybe shorter."""
        for batch, size in batches(first, count):
            self._try(batch, size)
            if time.monotonic() - self._told > _PROGRESS:
                self._told = time.monotonic()
                print(self, flush=True)

    def _try(self, batch: int, size: int) -> None:
        attack, begun = None, time.process_time()
        try:
            with bounded_time(SECONDS):
                attack = Attack(batch)
                attack.run(size)
        except (Exception, TooSlow) as error:  # noqa: BLE001 - any accident is a finding
            self._tell(batch, size, error, attack.last if attack is not None else b"")
        self.tried += size
        self.slowest = max(self.slowest, (time.process_time() - begun, batch))
        if attack is not None:
            attack.site.stop()
        del attack
        gc.collect()

    def _tell(self, batch: int, size: int, error: BaseException, last: bytes) -> None:
        """Each kind once."""
        self.found += 1
        frames = traceback.extract_tb(error.__traceback__)
        what = f"{type(error).__name__} {frames[-1].filename}:{frames[-1].lineno} {str(error)[:60]}"
        if what in self._known:
            return
        self._known.add(what)
        print(f"frames: batch {batch}: {what}\n{''.join(traceback.format_exception(error))}")
        print(f"last frame: {last.hex()}")
        print(f"repeat: python -m tests.fuzz frames --first {batch * BATCH} --frames {size}", flush=True)

    def __str__(self) -> str:
        rate = self.tried / max(time.monotonic() - self._begun, 0.001)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return (
            f"frames: {self.tried} tried, {rate:.0f}/s, slowest batch {self.slowest[0]:.1f} s ({self.slowest[1]}), "
            f"peak memory {peak:.0f} MiB, {self.found} findings"
        )


def batches(first: int, count: int) -> Iterator[tuple[int, int]]:
    """Numbers of batches and how many frames of each are tried. A batch is begun at its beginning always."""
    end = first + count
    for batch in range(first // BATCH, -(-end // BATCH)):
        yield batch, min(BATCH, end - batch * BATCH)
