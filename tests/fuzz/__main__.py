"""``python -m tests.fuzz ext2fs --images 100000``: hostile images of a format, each read and, where possible, written;
``python -m tests.fuzz frames --frames 1000000``: hostile frames into a network stack; ``floods``: a tenth in each;
``python -m tests.fuzz rpc --calls 1000000``: random requests to all methods of kernels, 20,000 to each.

The image of a number is always the same one: after a stop go on with ``--first``, and ``--first N --images 1`` is image
N once more. A finding is printed, and the image with the fewest changes that still shows it is put into ``--findings``;
its place after the defect is mended is tests/fuzz/corpus. Frames are made likewise, in batches.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from tests.fuzz import net_campaign, net_floods, rpc
from tests.fuzz.bounds import TooSlow, bounded_memory, bounded_time
from tests.fuzz.mutation import Seed
from tests.fuzz.targets import TARGETS, image, use

_PROGRESS = 10.0


RPC = "rpc"
RPC_CALLS = 20_000
"""To each kernel."""
NET: dict[str, Callable[[], net_campaign.Campaign | net_floods.Campaign]] = {
    "frames": net_campaign.Campaign,
    "floods": net_floods.Campaign,
}


class Campaign:
    """The images of one format from a number on."""

    def __init__(self, target: str, findings: Path) -> None:
        self.target = target
        self.folder = findings
        self.tried = self.mounted = self.found = 0
        self.taken = False
        self.trace = ""
        self.slowest = (0.0, 0)
        self._known: set[str] = set()
        self._begun = self._told = time.monotonic()

    def run(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            self._try(number)
            if time.monotonic() - self._told > _PROGRESS:
                self._told = time.monotonic()
                print(self, flush=True)

    def _try(self, number: int) -> None:
        seed, data = image(self.target, number)
        begun = time.process_time()
        what = self._fault(seed, number, bytearray(data))
        self.tried += 1
        self.mounted += self.taken
        self.slowest = max(self.slowest, (time.process_time() - begun, number))
        if what:
            self.found += 1
            self._tell(number, seed, data, what)

    def _fault(self, seed: Seed, number: int, data: bytearray) -> str:
        """Where and how it went wrong, empty when it did not."""
        try:
            with bounded_time():
                self.taken = use(self.target, seed.name, number, data)
        except (Exception, TooSlow) as error:  # noqa: BLE001 - any accident is a finding
            frames = traceback.extract_tb(error.__traceback__)
            # What is too slow is stopped somewhere.
            place = f"{frames[-1].filename}:{frames[-1].lineno}" if isinstance(error, Exception) else ""
            self.trace = traceback.format_exc()
            return f"{type(error).__name__} {place}"
        return ""

    def _tell(self, number: int, seed: Seed, data: bytearray, what: str) -> None:
        """Each kind once."""
        if what in self._known:
            return
        self._known.add(what)
        print(f"{self.target}: image {number} of {seed.name}: {what}\n{self.trace}", flush=True)
        if not what.startswith("TooSlow"):
            data = self._least(seed, number, data, what)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{self.target}.{seed.name.replace(' ', '_')}.{number}.gz"
        path.write_bytes(gzip.compress(data, mtime=0))
        print(f"repeat: python -m tests.fuzz {self.target} --first {number} --images 1   image: {path}", flush=True)

    def _least(self, seed: Seed, number: int, data: bytearray, what: str) -> bytearray:
        """Without the changes that it takes no part in."""
        if len(data) != len(seed.clean):
            return data
        for size in (65536, 4096, 512, 32, 4):
            for at in range(0, len(data), size):
                if data[at : at + size] != seed.clean[at : at + size]:
                    other = bytearray(data)
                    other[at : at + size] = seed.clean[at : at + size]
                    if self._fault(seed, number, bytearray(other)) == what:
                        data = other
        changed = [at for at in range(0, len(data), 4) if data[at : at + 4] != seed.clean[at : at + 4]]
        words = ", ".join(f"{at:#x}: {data[at : at + 4].hex()}" for at in changed[:20])
        print(f"{len(changed)} words that had to be changed: {words}")
        return data

    def __str__(self) -> str:
        rate = self.tried / max(time.monotonic() - self._begun, 0.001)
        return (
            f"{self.target}: {self.tried} images tried, {self.mounted / max(self.tried, 1):.0%} taken, {rate:.0f}/s, "
            f"slowest {self.slowest[0] * 1e3:.0f} ms (image {self.slowest[1]}), {self.found} findings"
        )


def rpc_campaigns(first: int, calls: int) -> int:
    """The number of findings."""
    found = 0
    for seed in range(first, first + max(1, calls // RPC_CALLS)):
        try:
            print(rpc.campaign("server" if seed % 2 else "split", seed, RPC_CALLS), flush=True)
        except rpc.FindingError as error:
            found += 1
            print(f"rpc: {error}\nrepeat: python -m tests.fuzz rpc --first {seed} --calls {RPC_CALLS}", flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = [*TARGETS, *NET, RPC]
    parser.add_argument("targets", nargs="*", metavar="FORMAT", help=f"{', '.join(known)}; all without one")
    parser.add_argument("--images", type=int, default=100_000, help="of each format (%(default)s)")
    parser.add_argument("--frames", type=int, default=1_000_000, help="of hostile frames (%(default)s)")
    parser.add_argument("--calls", type=int, default=1_000_000, help="of random requests (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first image or frame (%(default)s)")
    parser.add_argument("--findings", type=Path, default=Path("build/fuzz"), help="where they are put (%(default)s)")
    arguments = parser.parse_args()
    for target in arguments.targets:
        if target not in known:
            parser.error(f"no format {target}: there are {', '.join(known)}")
    found = 0
    for target in arguments.targets or known:
        if target == RPC:
            found += rpc_campaigns(arguments.first, arguments.calls)
            continue
        campaign = NET[target]() if target in NET else Campaign(target, arguments.findings)
        try:
            with bounded_memory() if target != "floods" else nullcontext():
                campaign.run(arguments.first, arguments.frames if target in NET else arguments.images)
        except KeyboardInterrupt:
            print(f"{campaign}\ngo on with --first {arguments.first + campaign.tried}", flush=True)
            return 130
        print(campaign, flush=True)
        found += campaign.found
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
