"""What interfaces and the devices under them agree on: a port takes frames and hands frames over.

A frame is a list of parts, Ethernet header first, which are never joined before the last copy. What of it is still to
be done, or need not be, is said in the terms of virtio-net (OASIS virtio 1.2, 5.1.6), so that a frame of 64 KiB crosses
a link whole and without a checksum when the other end is one of ours or the host's kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpuser.host import Buffer

FRAME_MAX = 17 * 4096
"""Bytes of the longest frame: an IP packet of 65,535 with room for headers of links before it."""
GSO_MIN = 32
"""A smaller segment size is no TCP's; cutting 64 KiB by it would take the time of thousands of packets."""
GSO_MAX = 0xFFFF - 60 - 60
"""With the longest headers a segment is still a packet of IP."""


class Offload(NamedTuple):
    """What a frame asks of whoever takes it. Offsets count from the first byte of the frame.

    ``gso_size``: 0, or the payload bytes of each segment that the frame stands for. ``csum_offset``: 0, or where behind
    ``csum_start`` a ones' complement sum belongs that starts there; the field holds that of the pseudo header.
    ``csum_valid``: the transport checksum need not be verified.
    """

    gso_size: int = 0
    csum_start: int = 0
    csum_offset: int = 0
    csum_valid: bool = False

    def fits(self, length: int) -> bool:
        """Whether the fields can be true of a frame of this length."""
        if self.gso_size and not (GSO_MIN <= self.gso_size <= GSO_MAX and self.csum_offset):
            return False
        return not self.csum_offset or self.csum_start + self.csum_offset + 2 <= length


PLAIN = Offload()

Receive = Callable[[memoryview, Offload], None]
"""Takes a frame of its own: nobody else changes the memory."""


class FramePort(Protocol):
    """An attached device. Frames come through the `Receive` that it was opened with, from the host's loop."""

    offloads: bool
    """Whether frames may be sent that are not PLAIN."""

    def send(self, parts: Sequence[Buffer], length: int, offload: Offload = PLAIN) -> bool:
        """Sends a frame of ``length`` bytes in all; False when it was dropped: no room, too long, or nobody there."""
        ...

    def set_filter(self, lladdr: bytes | None) -> None:
        """Unicast frames to others than this address may be left out; None: all are wanted."""
        ...

    def close(self) -> None: ...


class Ports(Protocol):
    """The devices of a host. Errors are the host's, by their NetBSD numbers."""

    def open_bus(self, path: bytes, receive: Receive) -> FramePort:
        """A member of the bus in that host file, which is made when missing.

        ENOEXEC when the file is no bus, ENFILE when the bus is full, EBUSY when its lock is held, ENAMETOOLONG.
        """
        ...

    def open_tap(self, name: str, receive: Receive, netns: str = "") -> FramePort:
        """The host's tap device of that name, made when missing, in a network namespace given by its path.

        ENXIO without /dev/net/tun, EPERM, EBUSY when somebody else has it, EINVAL.
        """
        ...


class NoPorts:
    """A host without devices."""

    def open_bus(self, path: bytes, receive: Receive) -> FramePort:
        raise KernelError(Errno.ENXIO, f"no busses here: {path!r}")

    def open_tap(self, name: str, receive: Receive, netns: str = "") -> FramePort:
        raise KernelError(Errno.ENXIO, f"no taps here: {name}")
