"""What trace files consist of: the records of NetBSD's ktrace.h, as its amd64 lays them out, for its kdump(1) to read.

Beside them there are two record types of ours, KTR_CALL and KTR_RESULT. Registers do not tell what a call was about
where its arguments are no numbers; these do, as JSON: ``{"call", "args"}`` and ``{"call", "value"}`` or ``{"call",
"errno", "error", "text"}``. Nobody gets them who does not ask for their facilities.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rumpwire import const
from rumpwire.calls import Op
from rumpwire.errno import KernelError, name_of

PAGE = 4096
"""Data of reads and writes come in pieces of at most this size, header and all."""
TEXT_MAX = 256
"""Bytes of a string in the arguments of KTR_CALL; what is longer is cut, and its length told."""
ITEMS_MAX = 32
COMM_LEN = 16
DROPPED = "ktrace.dropped"
"""The label of a KTR_USER record that says how many records are missing before it."""

# ktr_len, ktr_type, ktr_version, ktr_pid, ktr_comm[17], and then a union whose members are aligned to 8 bytes.
_HEADERS = (
    struct.Struct("<ihhi17s3xi4xqq"),  # version 0: seconds, microseconds, nothing
    struct.Struct("<ihhi17s3xi4xqi4x"),  # version 1: seconds, nanoseconds, thread
    struct.Struct("<ihhi17s3xqqi4x"),  # version 2: the same with seconds of 64 bits
)
VERSIONS = len(_HEADERS)
_SYSCALL = struct.Struct("<ii")
_SYSRET = struct.Struct("<hhiqq")
_GENIO = struct.Struct("<ii")
_PSIG = struct.Struct("<i4xq16si4x")  # signo, action, mask, code
_LID = 1
READ, WRITE = 0, 1


def record(version: int, type: int, pid: int, comm: str, now_ns: int, payload: bytes) -> bytes:
    """A header (56 bytes) and what it is about."""
    seconds, nanoseconds = divmod(now_ns, 10**9)
    last = 0 if version == 0 else _LID
    fraction = nanoseconds // 1000 if version == 0 else nanoseconds
    name = comm.encode("utf-8", "surrogateescape")[:COMM_LEN]
    return _HEADERS[version].pack(len(payload), type, version, pid, name, seconds, fraction, last) + payload


# -- payloads


def syscall(op: Op, args: Sequence[Any]) -> bytes:
    found = registers(op, args)
    return _SYSCALL.pack(_code(op), 8 * len(found)) + struct.pack(f"<{len(found)}q", *found)


def sysret(op: Op, outcome: Any) -> bytes:
    """``outcome``: a value or a KernelError."""
    if isinstance(outcome, KernelError):
        return _SYSRET.pack(_code(op), 0, outcome.errno, -1, 0)
    return _SYSRET.pack(_code(op), 0, 0, *_returned(op, outcome))


def genio(fd: int, rw: int, data: memoryview) -> Iterator[bytes]:
    step = PAGE - _GENIO.size
    for at in range(0, len(data), step):
        yield _GENIO.pack(fd, rw) + bytes(data[at : at + step])


def user(label: str, data: bytes) -> bytes:
    return label.encode("utf-8", "surrogateescape")[: const.KTR_USER_MAXIDLEN - 1].ljust(20, b"\0") + data


def psig(signo: int) -> bytes:
    """The action is the client's own, which the kernel does not know; no mask, no code."""
    return _PSIG.pack(signo, 0, b"", 0)


def mib(name: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(name)}i", *(_signed(number, 32) for number in name))


def _code(op: Op) -> int:
    return _signed(op.number, 16)


# -- registers

# The arguments in C where they are others than those of the contract: names of ours, & for an address, # for the length
# of the argument before it, and numbers.
_SHAPES: Mapping[str, str] = {
    "read": "fd & nbyte",
    "write": "fd & data#",
    "readv": "fd & iov#",
    "writev": "fd & iov#",
    "pread": "fd & nbyte 0 offset",
    "pwrite": "fd & data# 0 offset",
    "preadv": "fd & iov# 0 offset",
    "pwritev": "fd & iov# 0 offset",
    "lseek": "fd 0 offset whence",
    "truncate": "& 0 length",
    "ftruncate": "fd 0 length",
    "readlink": "& & count",
    "getdents": "fd & count",
    "fstat": "fd &",
    "stat": "& &",
    "lstat": "& &",
    "recvfrom": "s & len flags & &",
    "sendto": "s & data# flags & &",
    "recvmsg": "s & flags",
    "sendmsg": "s & flags",
    "getcwd": "& 1024",
    "pipe2": "& flags",
    "utrace": "& & data#",
    "getgroups": "gidsetsize &",
    "setgroups": "gidset# &",
    "poll": "& fds# timeout",
}


def registers(op: Op, args: Sequence[Any]) -> list[int]:
    """The arguments as registers; addresses, which nothing here has, are 0."""
    given = dict(zip(op.args, args, strict=False))
    shape = _SHAPES.get(op.name)
    if shape is None:
        return [_register(value) for value in args]
    return [_place(word, given) for word in shape.split()]


def _place(word: str, given: Mapping[str, Any]) -> int:
    if word == "&":
        return 0
    if word.endswith("#"):
        return len(given.get(word[:-1]) or ())
    return int(word) if word.isdigit() else _register(given.get(word))


def _register(value: Any) -> int:
    return _signed(value, 64) if isinstance(value, int) else 0


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def _returned(op: Op, value: Any) -> tuple[int, int]:
    """What a call returns in C, in its two registers: bytes count, and two descriptors or ids are both told."""
    if len(op.results) > 1 and isinstance(value, tuple):
        first, second = value[0], value[1]
        if isinstance(first, int):
            return _register(first), _register(second) if op.new or op.name in _PAIRS else 0
        value = first
    if isinstance(value, (bytes, bytearray, memoryview)):
        return len(value), 0
    return _register(value), 0


_PAIRS = ("getpid", "getuid", "getgid")


# -- what is read and written, and names

_INPUT = {"read", "readv", "pread", "preadv", "recvfrom", "recvmsg", "recvmmsg"}
_OUTPUT = {"write", "writev", "pwrite", "pwritev", "sendto", "sendmsg", "sendmmsg"}
_PATHS = {"path", "link", "from_path", "to_path", "fname", "filename"}


def names(op: Op, args: Sequence[Any]) -> list[bytes]:
    """The paths that a call looks up."""
    if op.faction != "vfs":
        return []
    return [bytes(v) for a, v in zip(op.args, args, strict=False) if a in _PATHS and isinstance(v, (bytes, memoryview))]


def transfer(op: Op, args: Sequence[Any], value: Any) -> Iterator[bytes]:
    """KTR_GENIO payloads of a call that went well."""
    if op.name in _INPUT:
        data, rw, most = _pieces(value), READ, None
    elif op.name in _OUTPUT:
        data, rw, most = _pieces(args[1]), WRITE, value if isinstance(value, int) and "mm" not in op.name else None
    else:
        return
    for piece in data:
        view = memoryview(piece).cast("B")
        view = view if most is None else view[:most]
        most = None if most is None else most - len(view)
        yield from genio(args[0], rw, view)


def _pieces(value: Any) -> Iterator[Any]:
    """The data in a buffer, a message, a result with data in it, or a list of such."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        yield value
    elif hasattr(value, "iov"):
        yield from _pieces(value.iov)
    elif hasattr(value, "data"):
        yield from _pieces(value.data)
    elif isinstance(value, list):
        for each in value:
            yield from _pieces(each)


# -- calls as they are


def call(op: Op, args: Sequence[Any]) -> bytes:
    return _text({"call": op.cname, "args": {a: _plain(v) for a, v in zip(op.args, args, strict=False)}})


def result(op: Op, outcome: Any) -> bytes:
    if isinstance(outcome, KernelError):
        told = {"errno": int(outcome.errno), "error": name_of(outcome.errno), "text": outcome.text}
        return _text({"call": op.cname, **told})
    return _text({"call": op.cname, "value": _plain(outcome)})


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=str).encode()


def _plain(value: Any) -> Any:
    """As JSON has it. Bytes are text of which those that are no UTF-8 are lone surrogates (PEP 383)."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        start = bytes(value[:TEXT_MAX]).decode("utf-8", "surrogateescape")
        return start if len(value) <= TEXT_MAX else {"start": start, "length": len(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(field) for name, field in value._asdict().items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [_plain(item) for item in list(value)[:ITEMS_MAX]]
        return items if len(value) <= ITEMS_MAX else {"start": items, "length": len(value)}
    return value
