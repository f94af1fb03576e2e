"""Faults on purpose (RUMP_BLKFAIL of rump(3)): so many out of 10,000 accesses to a disk fail with EIO.

With a seed (RUMP_BLKFAIL_SEED) the same accesses fail in each run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rumpuser.host import Buffer
from rumpvfs.core.disk import Disk, Passed
from rumpwire.errno import Errno, KernelError

OF = 10_000
_MASK = (1 << 64) - 1


class Faults:
    """Decides which accesses fail."""

    def __init__(self, rate: int, seed: int) -> None:
        self.rate = rate
        self.seed = seed
        self._state = seed & _MASK

    @classmethod
    def from_parameters(cls, extra: Mapping[str, str], entropy: Callable[[int], bytes]) -> Faults | None:
        """None when nothing is to fail. EINVAL for what are no numbers, ERANGE for a rate above 10,000."""
        if not extra.get("blkfail"):
            return None
        rate = _number("RUMP_BLKFAIL", extra["blkfail"])
        if not 0 <= rate <= OF:
            raise KernelError(Errno.ERANGE, f"RUMP_BLKFAIL: {rate} is not in 0..{OF}")
        given = extra.get("blkfail_seed", "")
        seed = _number("RUMP_BLKFAIL_SEED", given) if given else int.from_bytes(entropy(4), "little")
        return cls(rate, seed) if rate else None

    def strike(self, what: str) -> None:
        """EIO when it is this access's turn. The sequence is splitmix64's."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        if (z ^ (z >> 31)) % OF < self.rate:
            raise KernelError(Errno.EIO, f"{what}: a fault on purpose (RUMP_BLKFAIL)", "vfs")


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise KernelError(Errno.EINVAL, f"{name}: not a number: {text!r}") from None


class FaultyDisk(Passed):
    """A disk that fails now and then."""

    def __init__(self, disk: Disk, faults: Faults) -> None:
        self._disk = disk
        self._faults = faults
        self.name = disk.name
        self.size = disk.size
        self.readonly = disk.readonly
        self.slow, self.gates = disk.slow, disk.gates

    def view(self, offset: int, length: int) -> memoryview:
        self._faults.strike(self.name)
        return self._disk.view(offset, length)

    def write(self, offset: int, data: Buffer) -> None:
        self._faults.strike(self.name)
        self._disk.write(offset, data)

    def flush(self) -> None:
        self._faults.strike(self.name)
        self._disk.flush()

    def changed_behind(self) -> None:
        self._disk.changed_behind()

    def close(self) -> None:
        self._disk.close()
