"""Records of traces as lines, in the manner of kdump(1)."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from typing import Any

from rump import _constants as c
from rumpwire import const

_IN_DATA = ("read", "readv", "pread", "preadv")
"""Calls whose result is shown as its length: the data are in a record of their own."""
_SMALL = 10


def line(type: int, fields: Mapping[str, Any], data_max: int | None = None) -> str:
    """The text behind the columns of the header; several lines for data. ``data_max``: bytes of data shown."""
    show = _SHOW.get(type)
    return str(bytes(fields["data"])) if show is None else show(fields, data_max)


# -- numbers


def number(value: int) -> str:
    return str(value) if 0 <= value < _SMALL else f"{value:#x}"


def _result(value: int) -> str:
    return str(value) if 0 <= value < _SMALL else f"{value}/{value & (1 << 64) - 1:#x}"


def _bits(value: int, names: Mapping[int, str]) -> str:
    found = [name for bit, name in names.items() if bit and value & bit == bit]
    rest = value
    for bit, name in names.items():
        if name in found:
            rest &= ~bit
    return "|".join([*found, *([f"{rest:#x}"] if rest else [])]) or "0"


def _named(*prefixes: str, without: tuple[str, ...] = ()) -> dict[int, str]:
    """Values of the constants that begin so; the first of several names for one."""
    out: dict[int, str] = {}
    for name, value in vars(const).items():
        if name.startswith(prefixes) and name not in without and isinstance(value, int):
            out.setdefault(value, name)
    return out


def _open_flags(value: int) -> str:
    first = ("O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE")[value & const.O_ACCMODE]
    rest = _bits(value & ~const.O_ACCMODE, _OPEN)
    return first if rest == "0" else f"{first}|{rest}"


def _one_of(names: Mapping[int, str]) -> Callable[[int], str]:
    return lambda value: names.get(value) or number(value)


def _any_of(names: Mapping[int, str]) -> Callable[[int], str]:
    return lambda value: _bits(value, names)


def _any_of_type(value: int) -> str:
    flags = _bits(value & ~0xF, _SOCKET)
    name = _SOCKET.get(value & 0xF) or number(value & 0xF)
    return name if flags == "0" else f"{name}|{flags}"


_OPEN = _named("O_", without=("O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"))
_IOCTLS = _named("FIO", "TIOC", "SIOC", "DIOC", "BIOC", "VNDIOC", "CGDIOC", "RAIDFRAME_", "DRV")
_SOCKET = _named("SOCK_")
_SIGNALS = _named("SIG")
_DECODED: dict[str, Callable[[int], str]] = {
    "open.flags": _open_flags,
    "openat.oflags": _open_flags,
    "fhopen.flags": _open_flags,
    "pipe2.flags": _any_of(_OPEN),
    "access.flags": _any_of(_named("R_OK", "W_OK", "X_OK")),
    "faccessat.amode": _any_of(_named("R_OK", "W_OK", "X_OK")),
    "fcntl.cmd": _one_of(_named("F_")),
    "ioctl.com": _one_of(_IOCTLS),
    "lseek.whence": _one_of(_named("SEEK_")),
    "socket.domain": _one_of(_named("AF_")),
    "socketpair.domain": _one_of(_named("AF_")),
    "socket.type": _any_of_type,
    "socketpair.type": _any_of_type,
    "setsockopt.level": lambda value: "SOL_SOCKET" if value == const.SOL_SOCKET else number(value),
    "getsockopt.level": lambda value: "SOL_SOCKET" if value == const.SOL_SOCKET else number(value),
    "shutdown.how": _one_of(_named("SHUT_")),
    "mount.flags": _any_of(_named("MNT_")),
    "unmount.flags": _any_of(_named("MNT_")),
    "flock.how": _any_of(_named("LOCK_")),
}
_OCTAL = ("mode", "newmask")


# -- values of any kind


def _quoted(text: str) -> str:
    """As vis(3) with VIS_CSTYLE, which leaves what is printable as it is."""
    raw = text.encode("utf-8", "surrogateescape")
    return f'"{vis(raw)}"'


def vis(data: bytes) -> str:
    out = []
    for byte in data:
        if byte in _ESCAPES:
            out.append(_ESCAPES[byte])
        elif 0x20 <= byte < 0x7F:
            out.append(chr(byte))
        else:
            out.append(f"\\{byte:03o}")
    return "".join(out)


_ESCAPES = {0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def _value(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return number(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict):
        if set(value) == {"start", "length"}:
            start = _value(value["start"])
            return f"{start}...({value['length']})"
        return "{" + ", ".join(f"{name}={_value(field)}" for name, field in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)


def _argument(call: str, name: str, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        decode = _DECODED.get(f"{call.lstrip('_')}.{name}")
        if decode is not None:
            return decode(value)
        if name in _OCTAL:
            return f"{value:#o}" if value else "0"
    return _value(value)


# -- records


def _call(f: Mapping[str, Any], data_max: int | None) -> str:
    return f"{f['call']}({','.join(_argument(f['call'], name, value) for name, value in f['args'].items())})"


def _syscall(f: Mapping[str, Any], data_max: int | None) -> str:
    registers = f["registers"]
    return f"{f['call']}({','.join(map(number, registers))})" if registers else str(f["call"])


def _failed(f: Mapping[str, Any]) -> str:
    number = getattr(errno, f["error"], None)
    text = str(f["error"]) if number is None else os.strerror(number)
    return f"{f['call']} -1 errno {f['errno']} {text}"


def _sysret(f: Mapping[str, Any], data_max: int | None) -> str:
    if "errno" in f:
        return _failed(f)
    first, second = f["registers"]
    return f"{f['call']} {_result(first)}" + (f", {_result(second)}" if second else "")


def _returned(f: Mapping[str, Any], data_max: int | None) -> str:
    if "errno" in f:
        return _failed(f) + (f": {f['text']}" if f["text"] else "")
    value = f["value"]
    if value is None:
        return f"{f['call']} 0"
    if f["call"] in _IN_DATA:
        length = value["length"] if isinstance(value, dict) else len(value.encode("utf-8", "surrogateescape"))
        return f"{f['call']} {_result(length)}"
    shown = _result(value) if isinstance(value, int) and not isinstance(value, bool) else _value(value)
    return f"{f['call']} {shown}"


def _data(data: bytes, data_max: int | None) -> str:
    shown = data if data_max is None else data[:data_max]
    lines = [f"{vis(piece)}" for piece in shown.splitlines(keepends=True)] or [""]
    text = "\n        ".join(lines)
    return f'       "{text}"' + ("..." if len(shown) < len(data) else "")


def _genio(f: Mapping[str, Any], data_max: int | None) -> str:
    data = f["data"]
    head = f"fd {f['fd']} {'wrote' if f['write'] else 'read'} {len(data)} bytes"
    return head if data_max == 0 else f"{head}\n{_data(data, data_max)}"


def _user(f: Mapping[str, Any], data_max: int | None) -> str:
    if "dropped" in f:
        return f"{f['dropped']} records were dropped here"
    return f"{f['label']}: {len(f['data'])}, {f['data'].hex()}"


_SHOW: dict[int, Callable[[Mapping[str, Any], int | None], str]] = {
    c.KTR_CALL: _call,
    c.KTR_RESULT: _returned,
    c.KTR_SYSCALL: _syscall,
    c.KTR_SYSRET: _sysret,
    c.KTR_NAMEI: lambda f, _: _quoted(f["text"]),
    c.KTR_EMUL: lambda f, _: _quoted(f["text"]),
    c.KTR_EXEC_ARG: lambda f, _: _quoted(f["text"]),
    c.KTR_EXEC_ENV: lambda f, _: _quoted(f["text"]),
    c.KTR_PSIG: lambda f, _: _SIGNALS.get(f["signal"], f"signal {f['signal']}"),
    c.KTR_MIB: lambda f, _: ".".join(map(str, f["name"])),
    c.KTR_GENIO: _genio,
    c.KTR_USER: _user,
}
