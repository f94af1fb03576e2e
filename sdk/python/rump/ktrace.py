"""Traces of calls: what `Sys.ktrace` and `Sys.fktrace` write, read back.

    r, w = k.sys.pipe()
    k.sys.fktrace(w, rump.KTROP_SET | rump.KTRFACV2, rump.KTRFAC_CALL | rump.KTRFAC_RESULT, pid)
    k.sys.close(w)
    for record in ktrace.follow(k, r):  # until nobody is traced any more
        print(ktrace.line(record))

The format is that of NetBSD's ktrace.h on amd64, in its three versions.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from rump import _constants as c
from rump import _kdump
from rump._client import Client
from rumpwire.calls import OPS
from rumpwire.errno import name_of

NAMES = {
    c.KTR_SYSCALL: "CALL", c.KTR_SYSRET: "RET", c.KTR_NAMEI: "NAMI", c.KTR_GENIO: "GIO", c.KTR_PSIG: "PSIG",
    c.KTR_CSW: "CSW", c.KTR_EMUL: "EMUL", c.KTR_USER: "USER", c.KTR_EXEC_ARG: "ARG", c.KTR_EXEC_ENV: "ENV",
    c.KTR_MIB: "MIB", c.KTR_EXEC_FD: "FD", c.KTR_CALL: "CALL", c.KTR_RESULT: "RET",
}  # fmt: skip
"""As kdump(1) names the types."""
LIVE = c.KTRFAC_CALL | c.KTRFAC_RESULT | c.KTRFAC_GENIO | c.KTRFAC_USER | c.KTRFAC_PSIG
"""Facilities for somebody who reads along."""
FILE = 0
for _type in (c.KTR_SYSCALL, c.KTR_SYSRET, c.KTR_NAMEI, c.KTR_GENIO, c.KTR_PSIG, c.KTR_EMUL, c.KTR_USER, c.KTR_MIB):
    FILE |= 1 << _type
DROPPED = "ktrace.dropped"
RECORD_MAX = 1 << 22

_HEADER = struct.Struct("<ihhi17s3x24s")
_TIMES = (struct.Struct("<i4xqq"), struct.Struct("<i4xqi4x"), struct.Struct("<qqi4x"))
_CALLS = {op.number: op for op in OPS.values() if not op.internal}
_CHUNK = 1 << 16


class Record(NamedTuple):
    """One record. ``time_ns`` since 1970; ``data``: what is behind the header."""

    type: int
    pid: int
    lid: int
    comm: str
    time_ns: int
    data: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """What is in ``data``, by the type of the record."""
        decode = _DECODE.get(self.type)
        return {"data": self.data} if decode is None else decode(self.data)


def records(pieces: Iterable[bytes]) -> Iterator[Record]:
    """The records in the bytes of a trace, in whatever pieces they come. ValueError for what is no trace.

    A record that is cut off at the end is left out.
    """
    rest = b""
    for piece in pieces:
        rest += piece
        at = 0
        while len(rest) - at >= _HEADER.size:
            length, kind, version, pid, comm, times = _HEADER.unpack_from(rest, at)
            if not (0 <= length <= RECORD_MAX and 0 <= version < len(_TIMES)):
                raise ValueError(f"no trace: a record of {length} bytes, version {version}")
            end = at + _HEADER.size + length
            if end > len(rest):
                break
            seconds, fraction, lid = _TIMES[version].unpack(times)
            time_ns = seconds * 10**9 + (fraction * 1000 if version == 0 else fraction)
            name = comm.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
            yield Record(kind, pid, lid if version else 0, name, time_ns, rest[at + _HEADER.size : end])
            at = end
        rest = rest[at:]


def line(record: Record, data_max: int | None = None) -> str:
    """A record as kdump(1) prints it, several lines for data, of which ``data_max`` bytes are shown."""
    name = record.comm.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    kind = NAMES.get(record.type, f"({record.type})")
    return f"{record.pid:6d} {record.lid:6d} {name:<8} {kind:<4}  {_kdump.line(record.type, record.fields, data_max)}"


def follow(k: Client, fd: int) -> Iterator[Record]:
    """The records that arrive at a descriptor, until its end."""
    return records(iter(lambda: k.sys.read(fd, _CHUNK), b""))


# -- what records tell


def _syscall(data: bytes) -> dict[str, Any]:
    code, size = struct.unpack_from("<ii", data)
    return {"call": _name(code), "code": code, "registers": list(struct.unpack_from(f"<{size // 8}q", data, 8))}


def _sysret(data: bytes) -> dict[str, Any]:
    code, _, error, first, second = struct.unpack_from("<hhiqq", data)
    if error:
        return {"call": _name(code), "code": code, "errno": error, "error": name_of(error)}
    return {"call": _name(code), "code": code, "registers": [first, second]}


def _genio(data: bytes) -> dict[str, Any]:
    fd, rw = struct.unpack_from("<ii", data)
    return {"fd": fd, "write": bool(rw), "data": data[8:]}


def _user(data: bytes) -> dict[str, Any]:
    label = data[: c.KTR_USER_MAXIDLEN].split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
    rest = data[c.KTR_USER_MAXIDLEN :]
    return {"dropped": int(rest)} if label == DROPPED else {"label": label, "data": rest}


def _text(data: bytes) -> dict[str, Any]:
    return {"text": data.decode("utf-8", "surrogateescape")}


def _psig(data: bytes) -> dict[str, Any]:
    return {"signal": struct.unpack_from("<i", data)[0]}


def _mib(data: bytes) -> dict[str, Any]:
    return {"name": list(struct.unpack(f"<{len(data) // 4}i", data))}


def _json(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data)
    return found


_DECODE = {
    c.KTR_SYSCALL: _syscall, c.KTR_SYSRET: _sysret, c.KTR_NAMEI: _text, c.KTR_GENIO: _genio, c.KTR_PSIG: _psig,
    c.KTR_EMUL: _text, c.KTR_USER: _user, c.KTR_EXEC_ARG: _text, c.KTR_EXEC_ENV: _text, c.KTR_MIB: _mib,
    c.KTR_CALL: _json, c.KTR_RESULT: _json,
}  # fmt: skip


def _name(code: int) -> str:
    op = _CALLS.get(code)
    return op.cname if op is not None else f"[{code}]"
