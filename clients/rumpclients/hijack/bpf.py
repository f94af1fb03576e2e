"""The filter: which system calls are trapped. Classic BPF over struct seccomp_data, assembled here.

Calls that are let through whatever their arguments cost nothing: Linux remembers them in a bitmap.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

ALLOW, NOTIFY, KILL = 0x7FFF0000, 0x7FC00000, 0x80000000
ENOSYS = 0x00050000 | errno.ENOSYS
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_X32 = 0x40000000
_SIOC_FIRST, _SIOC_END, _SIOCATMARK = 0x8900, 0x8A00, 0x8905
_PLAIN = (
    "connect", "bind", "listen", "accept", "accept4", "getsockname", "getpeername", "setsockopt", "getsockopt",
    "shutdown", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg",
)  # fmt: skip


class Instruction(NamedTuple):
    code: int
    value: int
    true: int = 0
    false: int = 0

    def emit(self) -> bytes:
        return struct.pack("=HBBI", self.code, self.true, self.false, self.value)


def _load(offset: int) -> Instruction:
    return Instruction(_LOAD, offset)


def _argument(number: int, *, high: bool = False) -> Instruction:
    return _load(_ARGUMENTS + 8 * number + 4 * high)


def _return(action: int) -> Instruction:
    return Instruction(_RETURN, action)


def _families(families: Sequence[int]) -> list[Instruction]:
    """Notifies of sockets of these families."""
    tests = [Instruction(_EQUAL, family, true=len(families) - n) for n, family in enumerate(families)]
    return [_argument(0), *tests, _return(ALLOW), _return(NOTIFY)]


def _with_pointer(number: int) -> list[Instruction]:
    """Notifies when an argument is no null pointer."""
    return [
        _argument(number), Instruction(_EQUAL, 0, false=3),
        _argument(number, high=True), Instruction(_EQUAL, 0, false=1), _return(ALLOW), _return(NOTIFY),
    ]  # fmt: skip


def _interface_requests() -> list[Instruction]:
    """Notifies of SIOC*, but not of what concerns the stream alone."""
    return [
        _argument(1), Instruction(_EQUAL, _SIOCATMARK, true=2), Instruction(_AT_LEAST, _SIOC_END, true=1),
        Instruction(_AT_LEAST, _SIOC_FIRST, true=1), _return(ALLOW), _return(NOTIFY),
    ]  # fmt: skip


def _reading(flags: int) -> list[Instruction]:
    """Notifies when the flags of open in an argument are those of somebody who only reads."""
    other = os.O_ACCMODE | os.O_CREAT | os.O_DIRECTORY | os.O_PATH
    return [_argument(flags), Instruction(_ANY_BIT, other, false=1), _return(ALLOW), _return(NOTIFY)]


def assemble(arch: int, numbers: dict[str, int], families: Iterable[int], *, opens: bool) -> bytes:
    """The filter for one machine. ``families``: whose sockets are the kernel's; ``opens``: trap opening files too."""
    blocks = {numbers[name]: [_return(NOTIFY)] for name in _PLAIN}
    if opens:
        blocks |= {numbers[name]: _reading(at) for name, at in (("open", 1), ("openat", 2)) if name in numbers}
    blocks[numbers["socket"]] = _families(sorted(families))
    blocks[numbers["sendto"]] = blocks[numbers["recvfrom"]] = _with_pointer(4)
    blocks[numbers["ioctl"]] = _interface_requests()
    blocks[numbers["io_uring_setup"]] = [_return(ENOSYS)]
    # Programs for other machines (i386, x32) have other numbers for all of this.
    code = [
        _load(_ARCH), Instruction(_EQUAL, arch, true=1), _return(KILL),
        _load(_NUMBER), Instruction(_AT_LEAST, _X32, false=1), _return(KILL),
    ]  # fmt: skip
    for number, block in blocks.items():
        code += [Instruction(_EQUAL, number, false=len(block)), *block]
    return b"".join(instruction.emit() for instruction in [*code, _return(ALLOW)])
