"""Settings of a component: flags, then the environment, then a TOML file, then defaults.

The environment is that of rump(3): RUMP_NCPU, RUMP_VERBOSE, RUMP_THREADS, RUMP_MEMLIMIT, RUMP_NVNODES, RUMP_HOSTNAME,
RUMP_FACTIONS, RUMP_MODULE_KEYS (hex, with commas), and RUMP_BLKFAIL, RUMP_BLKFAIL_SEED, RUMP_BLKSECTSHIFT,
RUMP_MODULEBASE and RUMP_SIGMODEL, which go to `Parameters.extra`. The file has the same names in lower case without
``RUMP_`` in a table ``[parameters]``, and those of the flags at its top. Everything wrong is EINVAL (ERANGE for numbers
out of range) and says where it stood.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rumpuser.component import Parameters
from rumpuser.log import LEVELS
from rumpuser.transport.names import MAX_MESSAGE, Tls
from rumpwire.errno import Errno, KernelError, from_host

FACTIONS = ("vfs", "net", "dev")
EXTRA = ("blkfail", "blkfail_seed", "blksectshift", "modulebase", "sigmodel")
_SUFFIXES = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


@dataclass(frozen=True, slots=True)
class ComponentConfig:
    """How one component runs. ``advertise`` is the URL others reach it under, where it differs from ``listen``."""

    listen: str = ""
    advertise: str = ""
    gateway: str = ""
    token: str = field(default="", repr=False)
    parameters: Parameters = field(default_factory=Parameters)
    log_level: str = "info"
    log_json: bool = False
    max_message: int = MAX_MESSAGE
    tls: Tls = field(default_factory=Tls)
    keep: bool = False
    die_with_parent: bool = False
    records: str = ""
    heir: str = ""


def load(
    argv: Sequence[str], environ: Mapping[str, str] = os.environ, prog: str = "component", description: str = ""
) -> ComponentConfig:
    """The settings; ``--help`` and unknown flags end in SystemExit, as with argparse."""
    flags = vars(parser(prog, description).parse_args(argv))
    file = read_file(flags["config"] or environ.get("RUMP_CONFIG", ""))
    values = {name: _first(name, flags, environ, file) for name in (*_SETTINGS, "token_file")}
    token = read_token(values.pop("token_file"), environ)
    tls = Tls(*(values.pop(name) or "" for name in ("tls_cert", "tls_key", "tls_ca")))
    given = {name: value for name, value in values.items() if value is not None}
    return ComponentConfig(token=token, tls=tls, parameters=parameters(environ, file.get("parameters", {})), **given)


def parser(prog: str, description: str = "") -> argparse.ArgumentParser:
    """The flags every component has."""
    p = argparse.ArgumentParser(prog=prog, description=description, allow_abbrev=False)
    p.add_argument("--listen", metavar="URL", help="where to serve (default: a private local socket)")
    p.add_argument("--advertise", metavar="URL", help="where others reach it (default: as --listen)")
    p.add_argument("--gateway", metavar="URL", help="the kernel to join")
    p.add_argument("--token-file", metavar="FILE", help="token of the kernel (or RUMP_BUS_TOKEN)")
    p.add_argument("--config", metavar="FILE", help="TOML file with these settings")
    p.add_argument("--log-level", metavar="LEVEL", help=", ".join(LEVELS))
    p.add_argument("--log-json", action="store_const", const=True, help="logs as JSON")
    p.add_argument("--max-message", metavar="BYTES", help="longest message between components")
    p.add_argument("--tls-cert", metavar="FILE", help="certificate of this component (PEM)")
    p.add_argument("--tls-key", metavar="FILE", help="its key")
    p.add_argument("--tls-ca", metavar="FILE", help="who signs the others' certificates")
    p.add_argument("--keep", action="store_const", const=True, help="join again when the gateway goes")
    p.add_argument("--die-with-parent", action="store_const", const=True, help="end with the process that started it")
    p.add_argument("--records", metavar="FILE", help="what a successor inherits when this process is killed")
    p.add_argument("--heir", metavar="FILE", help="socket where a predecessor hands over what it is")
    return p


def parameters(environ: Mapping[str, str], table: Mapping[str, Any] | None = None) -> Parameters:
    """Boot parameters out of the environment and a table of a file."""
    table = table or {}
    if not isinstance(table, Mapping):
        raise KernelError(Errno.EINVAL, "[parameters] is not a table")
    unknown = set(table) - set(_PARAMETERS) - set(EXTRA)
    if unknown:
        raise KernelError(Errno.EINVAL, f"unknown parameters: {', '.join(sorted(unknown))}")
    out = Parameters()
    for name, convert in _PARAMETERS.items():
        source, value = _source(name, environ, table)
        if value is not None:
            setattr(out, name, convert(source, value))
    given = {name: _source(name, environ, table)[1] for name in EXTRA}
    out.extra = {name: str(value) for name, value in given.items() if value is not None}
    return out


def default_hostname(pid: int) -> str:
    """``rump-<5 digit pid>.<host>``, the name of a kernel that was given none."""
    return f"rump-{pid:05d}.{socket.gethostname()}"


def size(source: str, value: Any) -> int:
    """A number of bytes with a suffix k, m, g or t."""
    match = re.fullmatch(r"([0-9]{1,19})([kmgt]?)b?", str(value).strip().lower())
    if isinstance(value, bool) or match is None:
        raise KernelError(Errno.EINVAL, f"{source}: not a size: {value!r}")
    result = int(match[1]) << _SUFFIXES[match[2]]
    if not 0 < result < 1 << 63:
        raise KernelError(Errno.ERANGE, f"{source}: {value} is out of range")
    return result


def _number(low: int, high: int) -> Callable[[str, Any], int]:
    def convert(source: str, value: Any) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,19}", text):
            raise KernelError(Errno.EINVAL, f"{source}: not a number: {value!r}")
        if not low <= int(text) <= high:
            raise KernelError(Errno.ERANGE, f"{source}: {text} is not in {low}..{high}")
        return int(text)

    return convert


def _ncpu(source: str, value: Any) -> int:
    return os.cpu_count() or 1 if value == "host" else _number(1, 1024)(source, value)


def _bool(source: str, value: Any) -> bool:
    """As the original reads them: a number, of which 0 is no; words besides."""
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "": False}
    text = str(value).strip().lower()
    if text in words:
        return words[text]
    if re.fullmatch(r"-?[0-9]+", text):
        return int(text[:10]) != 0
    raise KernelError(Errno.EINVAL, f"{source}: neither yes nor no: {value!r}")


def _hostname(source: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_.-]{1,255}", value):
        raise KernelError(Errno.EINVAL, f"{source}: not a host name: {value!r}")
    return value


def _words(source: str, value: Any) -> tuple[str, ...]:
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise KernelError(Errno.EINVAL, f"{source}: not a list of names: {value!r}")
    return tuple(words)


def _factions(source: str, value: Any) -> tuple[str, ...]:
    words = _words(source, value)
    unknown = [word for word in words if word not in FACTIONS]
    if unknown:
        known = ", ".join(FACTIONS)
        raise KernelError(Errno.EINVAL, f"{source}: no such faction: {', '.join(unknown)}; there are {known}")
    return words


def _keys(source: str, value: Any) -> tuple[bytes, ...]:
    try:
        keys = tuple(bytes.fromhex(word) for word in _words(source, value))
    except ValueError:
        keys = (b"",)
    if any(len(key) != 32 for key in keys):
        raise KernelError(Errno.EINVAL, f"{source}: a key is 32 bytes as 64 hexadecimal digits")
    return keys


def _text(source: str, value: Any) -> str:
    if not isinstance(value, str):
        raise KernelError(Errno.EINVAL, f"{source}: not a text: {value!r}")
    return value


def _level(source: str, value: Any) -> str:
    if value not in LEVELS:
        raise KernelError(Errno.EINVAL, f"{source}: {value!r} is not one of {', '.join(LEVELS)}")
    return str(value)


def _message(source: str, value: Any) -> int:
    result = size(source, value)
    if not 1 << 16 <= result <= 1 << 30:
        raise KernelError(Errno.ERANGE, f"{source}: {value} is not in 64k..1g")
    return result


_PARAMETERS: dict[str, Callable[[str, Any], Any]] = {
    "ncpu": _ncpu,
    "verbose": _bool,
    "threads": _bool,
    "memlimit": size,
    "nvnodes": _number(1, 1 << 31),
    "hostname": _hostname,
    "factions": _factions,
    "module_keys": _keys,
}
_SETTINGS: dict[str, Callable[[str, Any], Any]] = {
    "listen": _text,
    "advertise": _text,
    "gateway": _text,
    "log_level": _level,
    "log_json": _bool,
    "max_message": _message,
    "tls_cert": _text,
    "tls_key": _text,
    "tls_ca": _text,
    "keep": _bool,
    "die_with_parent": _bool,
    "records": _text,
    "heir": _text,
}


def _source(name: str, environ: Mapping[str, str], table: Mapping[str, Any]) -> tuple[str, Any]:
    variable = f"RUMP_{name.upper()}"
    return (variable, environ[variable]) if variable in environ else (name, table.get(name))


def _first(name: str, flags: Mapping[str, Any], environ: Mapping[str, str], file: Mapping[str, Any]) -> Any:
    """A setting from where it is given first, or None."""
    convert: Callable[[str, Any], Any] = _SETTINGS.get(name, _text)
    if flags[name] is not None:
        return convert(f"--{name.replace('_', '-')}", flags[name])
    source, value = _source(f"bus_{name}" if name == "token_file" else name, environ, file)
    return None if value is None else convert(source, value)


def read_file(name: str) -> dict[str, Any]:
    """The settings in a TOML file; none for an empty name. ENOENT, EACCES, EINVAL."""
    if not name:
        return {}
    try:
        with open(name, "rb") as f:
            table = tomllib.load(f)
    except OSError as error:
        raise KernelError(from_host(error.errno or 0), f"{name}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KernelError(Errno.EINVAL, f"{name}: {error}") from error
    unknown = set(table) - set(_SETTINGS) - {"parameters", "bus_token_file"}
    if unknown:
        raise KernelError(Errno.EINVAL, f"{name}: unknown settings: {', '.join(sorted(unknown))}")
    return table


def read_token(name: str | None, environ: Mapping[str, str]) -> str:
    """The token of the kernel. It has no flag of its own, as everybody can read the arguments of a process."""
    token = environ.get("RUMP_BUS_TOKEN", "")
    if name:
        try:
            with open(name) as f:
                token = f.read(4096).strip()
        except OSError as error:
            raise KernelError(from_host(error.errno or 0), f"token file {name}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise KernelError(Errno.EINVAL, f"token file {name}: {error}") from None
    if token and not re.fullmatch(r"[!-~]+", token):
        raise KernelError(Errno.EINVAL, "the token of the kernel is not printable ASCII without spaces")
    return token
