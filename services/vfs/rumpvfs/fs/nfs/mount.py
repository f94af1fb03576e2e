"""Mounting: options, the server's address, the root's file handle (mountd), the server's sizes."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rumpvfs.fs.nfs import nfs3, rpc
from rumpvfs.fs.nfs.client import Call, Patience, RpcClient
from rumpvfs.fs.nfs.xdr import Packer, Unpacker
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, Sockaddr, SockaddrIn, SockaddrIn6

SIZE_MIN, SIZE_MAX = 1024, 1 << 20
FLAGS = {
    "soft", "hard", "intr", "nointr", "noac", "ac", "resvport", "noresvport", "nolock", "nolocks", "tcp", "nordirplus",
    "rdirplus",
}  # fmt: skip
"""Options without a value (a value of "False" or "0" turns them off)."""
_MOUNT_ERRORS = {10004: Errno.EOPNOTSUPP, 10006: Errno.EIO}


@dataclass(slots=True)
class Options:
    """Options of mount_nfs(8). Sizes in bytes (0: what the server prefers), times in seconds, ``timeo`` in tenths."""

    port: int = 0
    mountport: int = 0
    rsize: int = 0
    wsize: int = 0
    timeo: int = 600
    retrans: int = 2
    soft: bool = False
    intr: bool = True
    resvport: bool = False
    rdirplus: bool = True
    acregmin: int = 3
    acregmax: int = 60
    acdirmin: int = 30
    acdirmax: int = 60


def options(given: dict[str, str]) -> Options:
    """EINVAL for what is unknown, out of range, or asks for another version or transport."""
    found = Options()
    for name, value in given.items():
        if name in FLAGS:
            _flag(found, name, on=value.lower() not in ("0", "false", "no"))
        elif name in ("proto", "vers", "nfsvers", "sec", "mountproto"):
            if value not in ("tcp", "tcp6", "3", "sys"):
                raise KernelError(Errno.EINVAL, f"{name}={value}: NFS version 3 over TCP with sec=sys is what there is")
        elif name == "actimeo":
            number = _number(name, value)
            found.acregmin = found.acregmax = found.acdirmin = found.acdirmax = number
        elif name in Options.__slots__:
            setattr(found, name, _number(name, value))
        else:
            raise KernelError(Errno.EINVAL, f"nfs has no option {name}")
    return found


def _flag(found: Options, name: str, *, on: bool) -> None:
    if name in ("soft", "hard"):
        found.soft = on == (name == "soft")
    elif name in ("ac", "noac"):
        if on == (name == "noac"):
            found.acregmin = found.acregmax = found.acdirmin = found.acdirmax = 0
    else:
        plain = name.removeprefix("no")
        if plain in ("intr", "resvport", "rdirplus"):
            setattr(found, plain, on == (plain == name))


def _number(name: str, value: str) -> int:
    most = {"port": 65535, "mountport": 65535, "rsize": SIZE_MAX, "wsize": SIZE_MAX}.get(name, 1 << 20)
    if not value.isdigit() or int(value) > most:
        raise KernelError(Errno.EINVAL, f"{name}={value}: a number up to {most}")
    return int(value)


def place(fspec: bytes) -> tuple[Callable[[int], Sockaddr], bytes]:
    """From ``host:/path`` or ``[host]:/path`` the server's address, given a port, and the path. EINVAL.

    The host is numeric: there is no resolver in the kernel.
    """
    text, mark, path = fspec.partition(b"]:/" if fspec.startswith(b"[") else b":/")
    host = text.removeprefix(b"[").decode("ascii", "replace") if mark else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise KernelError(Errno.EINVAL, f"{fspec.decode(errors='replace')} is not address:/path") from None
    packed = address.packed
    if address.version == 4:
        return lambda port: SockaddrIn(packed, port), b"/" + path
    return lambda port: SockaddrIn6(packed, port), b"/" + path


class Server:
    """One server, as the mount sees it."""

    def __init__(self, call: Call, now_ns: Callable[[], int], entropy: Callable[[int], bytes], fspec: bytes,
                 wanted: Options) -> None:  # fmt: skip
        self._call = call
        self._now_ns = now_ns
        self._address, self.path = place(fspec)
        self.options = wanted
        patience = Patience(wanted.timeo * 10**8, wanted.retrans, wanted.soft, wanted.intr)
        self._xid = int.from_bytes(entropy(4), "big")
        # Mounting itself gives up, as a mount that hangs helps nobody.
        self._mounting = Patience(min(wanted.timeo, 100) * 10**8, max(wanted.retrans, 1), soft=True)
        self.nfs = self._client(wanted.port or self._port(nfs3.NFS), patience)

    def _client(self, port: int, patience: Patience) -> RpcClient:
        self._xid = (self._xid + (1 << 20)) & 0xFFFFFFFF
        server = self._address(port)
        return RpcClient(self._call, self._now_ns, server, "rump", self._xid, patience, reserved=self.options.resvport)

    def _port(self, program: int) -> int:
        """EPROGUNAVAIL when the server does not have the program."""
        arguments = Packer().uint(program, 3, nfs3.TCP, 0).data()
        client = self._client(nfs3.PMAPPORT, self._mounting)
        try:
            port = client(nfs3.GETPORT, Credentials(), arguments).uint()
        finally:
            client.close()
        if not port:
            raise KernelError(Errno.EPROGUNAVAIL, f"the server has no program {program} over TCP")
        return port

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """For what must come to an end: calls are given up as on a soft mount, within some seconds."""
        patience, self.nfs.patience = self.nfs.patience, self._mounting
        try:
            yield
        finally:
            self.nfs.patience = patience

    def root(self, cred: Credentials) -> bytes:
        """The file handle of the path. ENOENT, EACCES, ENOTDIR, and others of mountd."""
        body = self._mountd(nfs3.MNT, cred)
        status = body.uint()
        if status:
            raise KernelError(_MOUNT_ERRORS.get(status, status), f"mountd refuses {self.path.decode(errors='replace')}")
        return nfs3.handle(body)

    def goodbye(self, cred: Credentials) -> None:
        """UMNT, which only takes a line out of the server's list, so that nobody waits for it long."""
        self._mounting = Patience(10**9, 0, soft=True)
        with contextlib.suppress(KernelError):
            self._mountd(nfs3.UMNT, cred)

    def _mountd(self, procedure: rpc.Procedure, cred: Credentials) -> Unpacker:
        client = self._client(self.options.mountport or self._port(nfs3.MOUNT), self._mounting)
        try:
            return client(procedure, cred, nfs3.path_argument(self.path))
        finally:
            client.close()


def size(wanted: int, preferred: int, most: int) -> int:
    """The size of reads or writes: what was asked for, else what the server prefers, and never more than it takes."""
    chosen = wanted or preferred or most or SIZE_MIN
    return max(SIZE_MIN, min(chosen, most or chosen, SIZE_MAX))
