"""URLs of servers and components (rump_sp(7)), with names, IPv6 addresses and TLS besides.

====================================  =======================================================
``unix://relative``                   local socket, relative to the working directory
``unix:///absolute``                  local socket
``tcp://host:port`` and a ``/``       TLS; the host is a name, an IPv4 address or ``[IPv6]``
``tcp+plain://host:port``             the same without TLS
``tcp://*:port``, ``tcp://0:port``    any address, for a server only
====================================  =======================================================
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass

from rumpwire.errno import Errno, KernelError

SCHEMES = ("unix", "tcp", "tcp+plain")
MAX_SCHEME = 15
MAX_HOST = 253
"""RFC 1035, 2.3.4: 255 octets on the wire."""
MAX_PATH = 107
"""unix(7): sun_path has 108 bytes, one for the end."""
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?")


@dataclass(frozen=True, slots=True)
class Url:
    """A parsed URL: ``path`` is absolute for unix; ``host`` is empty for any address."""

    scheme: str
    path: str = ""
    host: str = ""
    port: int = 0

    @property
    def secure(self) -> bool:
        return self.scheme == "tcp"

    @property
    def target(self) -> str:
        """The address as gRPC takes it."""
        if self.scheme == "unix":
            return f"unix:{self.path}"
        host = self.host or "0.0.0.0"  # noqa: S104  asked for with a wildcard
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host or "*"
        return f"{self.scheme}://{host}:{self.port}"


def parse(text: str, *, server: bool = False) -> Url:
    """A URL. EINVAL; EOPNOTSUPP for tcp6; ERANGE for the port; ENAMETOOLONG for host or path."""
    scheme, found, rest = text.partition("://")
    if not found or len(scheme) > MAX_SCHEME:
        raise KernelError(Errno.EINVAL, f"not a server URL: {text[:80]!r}")
    if scheme == "tcp6":
        raise KernelError(Errno.EOPNOTSUPP, "tcp6:// is not supported; write tcp://[address]:port")
    if scheme not in SCHEMES:
        raise KernelError(Errno.EINVAL, f"unknown scheme {scheme!r}; there are {', '.join(SCHEMES)}")
    return _unix(rest) if scheme == "unix" else _tcp(scheme, rest, server=server)


def _unix(path: str) -> Url:
    if not path or "\0" in path:
        raise KernelError(Errno.EINVAL, "unix:// needs the path of a socket")
    absolute = os.path.abspath(path)
    if len(os.fsencode(absolute)) > MAX_PATH:
        raise KernelError(Errno.ENAMETOOLONG, f"path of the socket is longer than {MAX_PATH} bytes: {absolute[:120]}")
    return Url("unix", path=absolute)


def _tcp(scheme: str, rest: str, *, server: bool) -> Url:
    host, colon, port = rest.removesuffix("/").rpartition(":")
    if not colon or not port:
        raise KernelError(Errno.EINVAL, f"port is missing in {scheme}://{rest[:80]}")
    if not (port.isascii() and port.isdigit()):
        raise KernelError(Errno.EINVAL, f"not a port: {port[:20]!r}")
    if len(port) > 20 or int(port) > 0xFFFF:
        raise KernelError(Errno.ERANGE, f"port {port[:20]} is not below 65536")
    if host in ("*", "0"):
        if not server:
            raise KernelError(Errno.EINVAL, "a client needs an address, not a wildcard")
        return Url(scheme, port=int(port))
    if int(port) == 0 and not server:
        raise KernelError(Errno.EINVAL, "a client needs a port other than 0")
    return Url(scheme, host=_host(host), port=int(port))


def _host(text: str) -> str:
    if len(text) > MAX_HOST:
        raise KernelError(Errno.ENAMETOOLONG, f"host is longer than {MAX_HOST} characters")
    try:
        if text.startswith("[") and text.endswith("]"):
            return str(ipaddress.IPv6Address(text[1:-1]))
        if re.fullmatch(r"[0-9.]+", text):
            return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise KernelError(Errno.EINVAL, f"not an address: {error}") from None
    if not re.fullmatch(rf"({_LABEL.pattern})+", text) or not all(map(_LABEL.fullmatch, text.rstrip(".").split("."))):
        raise KernelError(Errno.EINVAL, f"not a host: {text[:80]!r}")
    return text
