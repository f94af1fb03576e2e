"""Tap devices of Linux (Documentation/networking/tuntap.rst): Ethernet frames to and from the host's kernel.

Each frame has a virtio-net header before it, by which both sides leave checksums and the cutting of TCP segments to
whoever must do it. A device that an administrator made for a user (``ip tuntap add ... user``) needs no privilege.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any

from rumpuser.descriptor import Descriptor, refilled
from rumpuser.devices.port import FRAME_MAX, PLAIN, Offload, Receive
from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError, from_host

_TUNSETIFF = 0x400454CA
_TUNSETOFFLOAD = 0x400454D0
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
_TUN_F_CSUM, _TUN_F_TSO4, _TUN_F_TSO6, _TUN_F_TSO_ECN = 1, 2, 4, 8
_IFNAMSIZ = 16
_CLONE_NEWNET = 0x40000000

_HEADER = struct.Struct("<BBHHHH")  # flags, gso_type, hdr_len, gso_size, csum_start, csum_offset
_NEEDS_CSUM, _DATA_VALID = 1, 2
_GSO_TCPV4, _GSO_UDP_L4, _GSO_TCPV6 = 1, 5, 4
_TCP_CSUM, _TCP_MIN = 16, 20
"""Where TCP has its checksum, which tells it from UDP, and the shortest header that it has."""
_IPV6 = b"\x86\xdd"
_BATCH = 64
"""Frames that are read at a time, so that the timers of the stack have their turn."""
_GONE = (errno.EIO, errno.EBADFD, errno.ENODEV)
"""The host says these when the device is down or has no carrier."""


class Tap:
    """One device; implements `FramePort`."""

    offloads = True

    def __init__(self, name: str, receive: Receive, netns: str = "") -> None:
        if not name or len(name.encode()) >= _IFNAMSIZ:
            raise KernelError(Errno.EINVAL, f"a name of the host's of 1 to {_IFNAMSIZ - 1} bytes, not {name!r}")
        self.name = name
        self.drops = self.malformed = 0
        self.on_close: Callable[[], None] = lambda: None
        self._receive = receive
        self._buffer = mmap.mmap(-1, FRAME_MAX + _HEADER.size)  # on a page of its own: reading into it is quicker
        self._view = memoryview(self._buffer)
        self._fd = _in_netns(netns, lambda: _open(name)) if netns else _open(name)

    def __reduce__(self) -> Any:
        state = {name: value for name, value in self.__dict__.items() if name not in ("_buffer", "_view")}
        return refilled(self, {**state, "_fd": Descriptor(self._fd)})

    def _fill(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._buffer = mmap.mmap(-1, FRAME_MAX + _HEADER.size)
        self._view = memoryview(self._buffer)

    def fileno(self) -> int:
        return self._fd

    def set_filter(self, lladdr: bytes | None) -> None:
        """Frames to others are few: the host's bridge knows where they go."""

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self.on_close()
            os.close(fd)

    def send(self, parts: Sequence[Buffer], length: int, offload: Offload = PLAIN) -> bool:
        try:
            os.writev(self._fd, (_header(parts, offload), *parts))
        except OSError:  # no room, or the device is down
            self.drops += 1
            return False
        return True

    def take(self) -> None:
        """Hands over the frames that wait, a batch at most."""
        for _ in range(_BATCH):
            if self._fd < 0:
                return
            try:
                count = os.readv(self._fd, (self._view,))
            except OSError as error:
                if error.errno in _GONE:
                    self._drop_out()
                return
            self._hand_over(count)

    def _hand_over(self, count: int) -> None:
        flags, _, _, gso_size, csum_start, csum_offset = _HEADER.unpack_from(self._buffer)
        if not flags & _NEEDS_CSUM:
            gso_size = csum_start = csum_offset = 0
        offload = Offload(gso_size, csum_start, csum_offset, bool(flags & (_NEEDS_CSUM | _DATA_VALID)))
        frame = self._buffer[_HEADER.size : count]
        if len(frame) >= 14 and offload.fits(len(frame)):
            self._receive(memoryview(frame), offload)
        else:
            self.malformed += 1

    def _drop_out(self) -> None:
        """A device that was removed stays readable for ever."""
        if not os.path.exists(f"/sys/class/net/{self.name}"):
            self.on_close()
            self.on_close = lambda: None


def _header(parts: Sequence[Buffer], offload: Offload) -> bytes:
    """The virtio-net header. Whether it is TCP over IPv4 or IPv6, or UDP, is what the frame says."""
    if offload == PLAIN:
        return bytes(_HEADER.size)
    flags = _NEEDS_CSUM if offload.csum_offset else _DATA_VALID if offload.csum_valid else 0
    if not offload.gso_size:
        return _HEADER.pack(flags, 0, 0, 0, offload.csum_start, offload.csum_offset)
    if offload.csum_offset != _TCP_CSUM:
        kind = _GSO_UDP_L4
    else:
        kind = _GSO_TCPV6 if _ethertype(parts) == _IPV6 else _GSO_TCPV4
    return _HEADER.pack(flags, kind, offload.csum_start + _TCP_MIN, offload.gso_size, *offload[1:3])


def _ethertype(parts: Sequence[Buffer]) -> bytes:
    head = b"".join(bytes(part[:14]) for part in parts[:2])
    return head[12:14]


def _open(name: str) -> int:
    fd = -1
    try:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR))
        fcntl.ioctl(fd, _TUNSETOFFLOAD, _TUN_F_CSUM | _TUN_F_TSO4 | _TUN_F_TSO6 | _TUN_F_TSO_ECN)
    except OSError as error:
        if fd >= 0:
            os.close(fd)
        number = Errno.ENXIO if error.errno == errno.ENOENT else from_host(error.errno or 0)
        raise KernelError(number, f"tap {name} of the host: {error.strerror}") from None
    return fd


def _in_netns(path: str, work: Callable[[], int]) -> int:
    """Does it in another network namespace, in a thread that ends with it: a thread cannot always go back."""
    outcome: list[int | KernelError] = []

    def run() -> None:
        try:
            with open(path, "rb") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            outcome.append(work())
        except OSError as error:
            text = f"network namespace {path}: {error.strerror}"
            outcome.append(KernelError(from_host(error.errno or 0), text))
        except KernelError as error:
            outcome.append(error)

    thread = threading.Thread(target=run, name="rump-setns")
    thread.start()
    thread.join()
    if isinstance(outcome[0], KernelError):
        raise outcome[0]
    return outcome[0]
