"""ONC RPC version 2 (RFC 5531): calls with AUTH_SYS, answers, and records on a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rumpuser.host import Buffer
from rumpvfs.fs.nfs.xdr import Packer, Unpacker
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials

CALL, REPLY = 0, 1
VERSION = 2
AUTH_NONE, AUTH_SYS = 0, 1
ACCEPTED = 0
AUTH_ERROR = 1
LAST = 1 << 31
"""Bit of a fragment's length that says that the record ends with it."""
RECORD_MAX = 4 << 20
GROUPS_MAX = 16
AUTH_BODY_MAX = 400
_ACCEPT_ERRORS = {
    1: (Errno.EPROGUNAVAIL, "the server does not have this program"),
    2: (Errno.EPROGMISMATCH, "the server has other versions of this program"),
    3: (Errno.EPROCUNAVAIL, "the server does not have this procedure"),
    4: (Errno.EBADRPC, "the server could not decode the call"),
    5: (Errno.EIO, "the server had a failure of its own"),
}


class Procedure(NamedTuple):
    program: int
    version: int
    number: int


class Reply(NamedTuple):
    xid: int
    body: Unpacker


def record(message: Buffer) -> bytes:
    """A message as a record of one fragment."""
    return (LAST | len(message)).to_bytes(4, "big") + bytes(message)


def call(xid: int, procedure: Procedure, cred: Credentials, machine: str, arguments: Buffer) -> bytes:
    """A call with the credentials of whoever makes it."""
    groups = cred.groups[:GROUPS_MAX]
    auth = Packer().uint(0).opaque(machine.encode()).uint(cred.euid, cred.egid, len(groups), *groups).data()
    packer = Packer().uint(xid, CALL, VERSION, *procedure)
    return packer.uint(AUTH_SYS).opaque(auth).uint(AUTH_NONE, 0).data() + bytes(arguments)


def reply(message: Buffer) -> Reply:
    """An answer, its results still to be read. EBADRPC for what is none."""
    body = Unpacker(message)
    xid = body.uint()
    if body.uint() != REPLY:
        raise KernelError(Errno.EBADRPC, "not an answer")
    return Reply(xid, body)


def accept(body: Unpacker) -> Unpacker:
    """The results of a call that was done. EACCES, EPROGUNAVAIL, EPROGMISMATCH, EPROCUNAVAIL, EBADRPC, EIO."""
    if body.uint() != ACCEPTED:
        if body.uint() == AUTH_ERROR:
            raise KernelError(Errno.EACCES, f"the server refuses the credentials ({body.uint()})")
        raise KernelError(Errno.ERPCMISMATCH, "the server speaks another version of RPC")
    body.uint()
    body.opaque(AUTH_BODY_MAX)
    status = body.uint()
    if status:
        errno, text = _ACCEPT_ERRORS.get(status, (Errno.EBADRPC, f"accept status {status}"))
        raise KernelError(errno, text)
    return body


def read_record(receive: Callable[[int], Buffer]) -> bytes:
    """A record, given what reads so many bytes from the stream. EBADRPC for one that is too long."""
    parts: list[Buffer] = []
    length = 0
    last = False
    while not last:
        header = int.from_bytes(receive(4), "big")
        last, size = bool(header & LAST), header & ~LAST
        length += size
        if length > RECORD_MAX:
            raise KernelError(Errno.EBADRPC, f"a record of more than {RECORD_MAX} bytes")
        parts.append(receive(size) if size else b"")
    return b"".join(parts)
