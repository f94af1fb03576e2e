"""System call numbers of the machines that Linux has programs for."""

from __future__ import annotations

import os

from rumpclients._command import CommandError

_X86_64 = {
    "open": 2, "ioctl": 16, "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "recvfrom": 45, "sendmsg": 46,
    "recvmsg": 47, "shutdown": 48, "bind": 49, "listen": 50, "getsockname": 51, "getpeername": 52, "setsockopt": 54,
    "getsockopt": 55, "openat": 257, "accept4": 288, "recvmmsg": 299, "sendmmsg": 307,
    "seccomp": 317, "process_vm_readv": 310, "process_vm_writev": 311, "pivot_root": 155,
}  # fmt: skip
_AARCH64 = {
    "ioctl": 29, "openat": 56, "bind": 200, "socket": 198, "listen": 201, "accept": 202, "connect": 203,
    "getsockname": 204, "getpeername": 205, "sendto": 206, "recvfrom": 207, "setsockopt": 208, "getsockopt": 209,
    "shutdown": 210, "sendmsg": 211, "recvmsg": 212, "accept4": 242, "recvmmsg": 243, "sendmmsg": 269,
    "seccomp": 277, "process_vm_readv": 270, "process_vm_writev": 271, "pivot_root": 41,
}  # fmt: skip
_SAME = {"io_uring_setup": 425, "pidfd_open": 434, "pidfd_getfd": 438}
_MACHINES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}


def machine() -> tuple[int, dict[str, int]]:
    """The word by which seccomp(2) knows this machine, and its numbers by name. CommandError."""
    name = os.uname().machine
    if os.uname().sysname != "Linux" or name not in _MACHINES:
        raise CommandError(f"{os.uname().sysname} on {name}: rumphijack runs on Linux, on {' and '.join(_MACHINES)}")
    word, numbers = _MACHINES[name]
    return word, numbers | _SAME
