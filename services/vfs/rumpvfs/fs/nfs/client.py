"""A client of one RPC server over TCP: one call at a time, repeated with the same xid until it is answered.

Sockets are those of net, whichever stack it has. A connection that breaks is made again, and the call sent once more:
the server knows a repetition by its xid. A *soft* client gives up after some tries (ETIMEDOUT), a *hard* one never.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rumpuser.host import Buffer
from rumpuser.pending import ENDED
from rumpvfs.fs.nfs import rpc
from rumpvfs.fs.nfs.xdr import Unpacker
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, Sockaddr, SockaddrIn, SockoptInteger, Timespec

Call = Callable[..., Any]
"""``call(faction, name, *args)``: the value of a call of another component."""

STEP_NS = 2 * 10**9
"""One wait for the server is at most this long; longer ones are several."""
CHUNK = 1 << 18
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between tries to connect, the last for all further ones."""
_BROKEN = {
    Errno.ECONNREFUSED, Errno.ECONNRESET, Errno.ECONNABORTED, Errno.EPIPE, Errno.ENOTCONN, Errno.ENETDOWN,
    Errno.ENETUNREACH, Errno.EHOSTUNREACH, Errno.EHOSTDOWN, Errno.ETIMEDOUT, Errno.EBADF,
}  # fmt: skip
"""After these the connection is made again."""
RESERVED = range(1023, 599, -1)


@dataclass(slots=True)
class Patience:
    """How long to try: ``timeo_ns`` for an answer, and after ``retrans`` repetitions a soft client gives up."""

    timeo_ns: int = 60 * 10**9
    retrans: int = 2
    soft: bool = False
    interruptible: bool = True


class TooLate(Exception):  # noqa: N818  it is no error, but the time to ask again
    """No answer in time."""


class RpcClient:
    """Calls of one server address."""

    def __init__(
        self, call: Call, now_ns: Callable[[], int], server: Sockaddr, machine: str, xid: int, patience: Patience,
        *, reserved: bool = False,
    ) -> None:  # fmt: skip
        self._call = call
        self._now_ns = now_ns
        self._server = server
        self._machine = machine
        self._xid = xid
        self.patience = patience
        self._reserved = reserved
        self._socket = 0
        self._arrived = bytearray()
        self._taken = 0
        """Bytes of the record that is being read."""

    def __call__(self, procedure: rpc.Procedure, cred: Credentials, arguments: Buffer) -> Unpacker:
        """The results of a call. ETIMEDOUT and EIO when a soft client gives up, EINTR, and what `rpc.accept` says."""
        self._xid = xid = (self._xid + 1) & 0xFFFFFFFF
        message = rpc.record(rpc.call(xid, procedure, cred, self._machine, arguments))
        failures = 0
        while True:
            try:
                self._connect()
                self._send(message)
                return rpc.accept(self._answer(xid))
            except TooLate:
                failures += 1
            except KernelError as error:
                if error.errno in ENDED and not self.patience.interruptible:
                    continue
                if error.errno not in _BROKEN:
                    raise
                self.close()
                failures += 1
                self._pause(failures)
            if self.patience.soft and failures > self.patience.retrans:
                raise KernelError(Errno.ETIMEDOUT, "the NFS server does not answer")

    def close(self) -> None:
        handle, self._socket = self._socket, 0
        self._arrived.clear()
        if handle:
            try:
                self._call("net", "close", handle)
            except KernelError:
                return  # it is gone anyhow

    # -- the connection

    def _connect(self) -> None:
        if self._socket:
            return
        family = const.AF_INET if isinstance(self._server, SockaddrIn) else const.AF_INET6
        self._socket = self._call("net", "socket", family, const.SOCK_STREAM, 0)
        step = Timespec(*divmod(min(STEP_NS, self.patience.timeo_ns), 10**9))
        for name in (const.SO_RCVTIMEO, const.SO_SNDTIMEO):
            self._call("net", "setsockopt", self._socket, const.SOL_SOCKET, name, step)
        self._call("net", "setsockopt", self._socket, const.SOL_SOCKET, const.SO_KEEPALIVE, SockoptInteger(1))
        if self._reserved:
            self._bind()
        try:
            self._call("net", "connect", self._socket, self._server)
        except KernelError as error:
            if error.errno == Errno.EAGAIN:
                raise KernelError(Errno.ETIMEDOUT, "the server does not take the connection") from error
            raise

    def _bind(self) -> None:
        """A port below 1024, which some servers ask for. EADDRNOTAVAIL, EACCES."""
        for port in RESERVED:
            try:
                self._call("net", "bind", self._socket, self._server._replace(**_any(self._server, port)))
            except KernelError as error:
                if error.errno == Errno.EADDRINUSE:
                    continue
                raise
            return
        raise KernelError(Errno.EADDRNOTAVAIL, "no reserved port is free")

    def _pause(self, failures: int) -> None:
        seconds = PAUSES[min(failures, len(PAUSES)) - 1]
        self._call("kern", "nanosleep", Timespec(int(seconds), int(seconds % 1 * 1e9)))

    # -- messages

    def _send(self, message: bytes) -> None:
        view = memoryview(message)
        deadline = self._now_ns() + self.patience.timeo_ns
        while view:
            try:
                count = self._call("net", "sendto", self._socket, bytes(view[:CHUNK]), const.MSG_NOSIGNAL, None)
                view = view[count:]
            except KernelError as error:
                if error.errno != Errno.EAGAIN:
                    raise
                if self._now_ns() >= deadline:
                    raise KernelError(Errno.ETIMEDOUT, "the server takes nothing") from error

    def _answer(self, xid: int) -> Unpacker:
        """The answer to a call; those to earlier ones, which were repeated, are passed over. `TooLate`."""
        deadline = self._now_ns() + self.patience.timeo_ns
        while True:
            self._taken = 0
            found = rpc.reply(rpc.read_record(lambda length: self._read(length, deadline)))
            if found.xid == xid:
                return found.body

    def _read(self, length: int, deadline: int) -> bytes:
        """Exactly so many bytes. What has come of a record when the time is over makes the connection useless."""
        while len(self._arrived) < length:
            try:
                data = self._call("net", "recvfrom", self._socket, max(length - len(self._arrived), 4096), 0).data
            except KernelError as error:
                if error.errno != Errno.EAGAIN:
                    raise
                if self._now_ns() < deadline:
                    continue
                if self._taken or self._arrived:
                    raise KernelError(Errno.ECONNRESET, "the server stopped in the middle of an answer") from error
                raise TooLate from error
            if not data:
                raise KernelError(Errno.ECONNRESET, "the server closed the connection")
            self._arrived += data
        taken = bytes(self._arrived[:length])
        del self._arrived[:length]
        self._taken += length
        return taken


def _any(server: Sockaddr, port: int) -> dict[str, Any]:
    """The fields of a name of this host with a port, of the server's family."""
    if isinstance(server, SockaddrIn):
        return {"sin_addr": bytes(4), "sin_port": port}
    return {"sin6_addr": bytes(16), "sin6_port": port}
