"""Wheels of modules on this machine: keys, signatures, and what is sent to a kernel."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from rump._arguments import PathArg
from rump._connection import Wheel
from rump._errors import CONNECTION, error_of
from rumpuser import signing
from rumpuser.signing import SUFFIX, Signature
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError, from_host

MAX_WHEEL = 32 << 20
"""Longer wheels are refused by kernels: modules are code, not data."""


@contextlib.contextmanager
def _errors(name: str) -> Iterator[None]:
    try:
        yield
    except KernelError as error:
        raise error_of(error, name) from None
    except OSError as error:
        raise error_of(KernelError(from_host(error.errno or 0), "", CONNECTION), name) from None


def generate_key(filename: PathArg) -> str:
    """Makes a key: the private half in a new file (PEM, mode 0600), the public half, which is returned, in ``<file>.pub``.

    EEXIST, EACCES, ENOENT.
    """
    name = os.fsdecode(filename)
    with _errors(name):
        private = signing.generate()
        signing.save_key(name, private)
        public = signing.public_key(private).hex()
        with open(f"{name}.pub", "w") as file:
            file.write(f"{public}\n")
    return public


def sign_wheel(filename: PathArg, key: PathArg) -> str:
    """Writes ``<wheel>.sig`` with a private key; its name. ENOENT, EACCES, EINVAL for what is no key, EFBIG."""
    name = os.fsdecode(filename)
    signature = _sign(_read(name), key)
    with _errors(f"{name}{SUFFIX}"), open(f"{name}{SUFFIX}", "wb") as file:
        file.write(signature.emit())
    return f"{name}{SUFFIX}"


def load_wheel(filename: PathArg, key: PathArg | None) -> Wheel:
    """A wheel and its signature: made with the key in the file ``key``, else read from ``<wheel>.sig``, else none.

    ENOENT, EACCES, EFBIG, EBADMSG for a file that is no signature, EINVAL for one that is no key.
    """
    name = os.fsdecode(filename)
    data = _read(name)
    signature = _beside(name, data) if key is None else _sign(data, key)
    return Wheel(name, data, *signature)


def _beside(name: str, data: bytes) -> Signature:
    if not os.path.exists(f"{name}{SUFFIX}"):
        return Signature(signing.digest(data), b"", b"")
    found = _read(f"{name}{SUFFIX}")
    with _errors(f"{name}{SUFFIX}"):
        return Signature.parse(found)


def _sign(data: bytes, key: PathArg) -> Signature:
    with _errors(os.fsdecode(key)):
        return signing.sign(signing.load_key(os.fsdecode(key)), data)


def _read(name: str) -> bytes:
    with _errors(name):
        with open(name, "rb") as file:
            data = file.read(MAX_WHEEL + 1)
        if len(data) > MAX_WHEEL:
            raise KernelError(Errno.EFBIG, f"longer than {MAX_WHEEL >> 20} MiB", CONNECTION)
    return data


def faction_of(call: str) -> str | None:
    """The faction that a system call, or a call of the kernel's own interface, belongs to; None for what is no call."""
    op = OPS.get(call)
    return op.faction if op is not None and not op.internal else None
