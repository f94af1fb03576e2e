"""Names of hosts are looked up in the kernel's network: by its resolv.conf, and not by caches of this machine."""

from __future__ import annotations

import contextlib
import socket

import rump
import rump.aio

RESOLV_CONF, HOSTS = b"/etc/resolv.conf", b"/etc/hosts"
CACHES = {
    b"/var/run/nscd/socket", b"/run/nscd/socket", b"/run/systemd/resolve/io.systemd.Resolve",
    b"/var/run/avahi-daemon/socket", b"/run/avahi-daemon/socket",
}  # fmt: skip
"""Local sockets at which daemons of this machine look names up."""
_LONGEST = 1 << 16


async def files(k: rump.aio.Client) -> dict[bytes, bytes]:
    """What programs are to read instead of files of this machine."""
    found = {RESOLV_CONF: await _read(k, RESOLV_CONF) or await _servers(k)}
    hosts = await _read(k, HOSTS)
    return found | ({HOSTS: hosts} if hosts else {})


async def _read(k: rump.aio.Client, path: bytes) -> bytes:
    """A file of the kernel; empty when there is none."""
    with contextlib.suppress(OSError):
        fd = await k.sys.open(path, 0)
        try:
            return await k.sys.read(fd, _LONGEST)
        finally:
            await k.sys.close(fd)
    return b""


async def _servers(k: rump.aio.Client) -> bytes:
    """Without a resolv.conf: what leases say, else the kernel's own forwarder."""
    servers: list[bytes] = []
    with contextlib.suppress(OSError):
        for lease in await k.pub.dhcp_leases():
            servers += lease.dns
    names = [socket.inet_ntoa(server) for server in servers if len(server) == 4] or ["127.0.0.1"]
    return "".join(f"nameserver {name}\n" for name in names).encode()
