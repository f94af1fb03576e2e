"""Wheels of modules that come from outside: bounded, read whole, and signed by a key that the kernel trusts."""

from __future__ import annotations

from collections.abc import Sequence

from rumpuser.component import Context, Peer
from rumpuser.pending import value_of
from rumpuser.signing import MAX_FILE, SUFFIX, Signature, verify
from rumpwire import calls
from rumpwire.errno import Errno, KernelError
from rumpwire.values import FileReadResult

MAX_WHEEL = 32 << 20
CHUNK = 1 << 20


def verify_upload(
    filename: str, sha256: bytes, public_key: bytes, signature: bytes, wheel: bytes, keys: Sequence[bytes]
) -> None:
    """EFBIG, EBADMSG when the digest is of something else, EAUTH when nobody trusted has signed it."""
    if len(wheel) > MAX_WHEEL:
        raise KernelError(Errno.EFBIG, f"{filename}: {len(wheel)} bytes, a wheel has at most {MAX_WHEEL}")
    try:
        verify(wheel, Signature(bytes(sha256), bytes(public_key), bytes(signature)), keys)
    except KernelError as error:
        raise KernelError(error.errno, f"{filename}: {error.text}") from error


async def read_signed(vfs: Peer, ctx: Context, path: str, keys: Sequence[bytes]) -> bytes:
    """A wheel of the kernel's file system, its signature beside it. As `verify_upload`, and those of open(2)."""
    wheel = await read_file(vfs, ctx, path, MAX_WHEEL)
    try:
        signature = Signature.parse(await read_file(vfs, ctx, path + SUFFIX, MAX_FILE))
    except KernelError as error:
        if error.errno != Errno.ENOENT:
            raise
        raise KernelError(Errno.EAUTH, f"{path} is not signed: there is no {path}{SUFFIX}") from error
    verify_upload(path, *signature, wheel, keys)
    return wheel


async def read_file(vfs: Peer, ctx: Context, path: str, limit: int) -> bytes:
    """All of a file, which may change while it is read: what counts is what arrived."""
    chunks: list[bytes] = []
    length = 0
    try:
        name = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise KernelError(Errno.EILSEQ, f"{path!r} is no path") from error
    while True:
        read: FileReadResult = await value_of(vfs.call(ctx, calls.FILE_READ, (name, length, CHUNK)))
        data, size = read
        length += len(data)
        if max(length, size) > limit:
            raise KernelError(Errno.EFBIG, f"{path}: {max(length, size)} bytes, at most {limit} are read")
        chunks.append(bytes(data))
        if not len(data) or length >= size:
            return b"".join(chunks)
