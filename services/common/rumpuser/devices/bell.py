"""What wakes a member of a bus that sleeps: a named pipe beside the bus for each slot; a file cannot be waited for.

A byte in the pipe is a ring; a full pipe has been rung. Whoever joins removes the pipes of those who died.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from typing import Any

from rumpuser.descriptor import Descriptor, refilled

_READ = 4096
_OPEN = os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW


def bell_path(bus: bytes, slot: int) -> bytes:
    """``/tmp/bus`` has ``/tmp/.bus.bell-0`` and so on."""
    folder, name = os.path.split(bus)
    return os.path.join(folder, b".%s.bell-%d" % (name, slot))


class Bell:
    """The bell of this member, to be waited for. Raises OSError."""

    def __init__(self, path: bytes, mode: int) -> None:
        self.path = path
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.mkfifo(path, 0o600)
        try:
            self.fd = os.open(path, os.O_RDWR | _OPEN)  # as a writer too: there is no end of file
            os.fchmod(self.fd, mode)
        except BaseException:
            os.unlink(path)
            raise

    def __reduce__(self) -> Any:
        return refilled(self, (self.path, Descriptor(self.fd)))

    def _fill(self, state: tuple[bytes, int]) -> None:
        self.path, self.fd = state

    def ring(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self.fd, b"\1")

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.fd, _READ)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self.path)
        os.close(self.fd)


class Bells:
    """One's own bell and those of the others, which are opened when they are rung first."""

    def __init__(self, bus: bytes, slot: int, mode: int) -> None:
        self.own = Bell(bell_path(bus, slot), mode)
        self._bus = bus
        self._slot = slot
        self._others: dict[int, int] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_others": {}}

    def sweep(self, slots: Iterable[int]) -> None:
        """Removes bells that nobody answers to."""
        for slot in slots:
            with contextlib.suppress(OSError):
                os.unlink(bell_path(self._bus, slot))

    def ring(self, slot: int) -> None:
        """Wakes the member. Nothing happens when it is gone; a bell of somebody new in its slot is found."""
        fd = self._others.get(slot)
        if fd is not None:
            try:
                os.write(fd, b"\1")
                return
            except BlockingIOError:
                return
            except OSError:
                os.close(self._others.pop(slot))
        with contextlib.suppress(OSError):
            fd = os.open(bell_path(self._bus, slot), os.O_WRONLY | _OPEN)
            if not stat.S_ISFIFO(os.fstat(fd).st_mode):
                os.close(fd)
                return
            self._others[slot] = fd
            os.write(fd, b"\1")

    def close(self) -> None:
        self.own.close()
        for fd in self._others.values():
            os.close(fd)
        self._others.clear()
