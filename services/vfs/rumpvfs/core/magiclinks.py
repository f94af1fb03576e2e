"""Symbolic links whose target is another for each kernel and caller (symlink(7): magic symlinks).

A word that begins with ``@`` stands for something when nothing but a slash or the end follows it: the target
``@machine/bin`` leads to ``amd64/bin``, while ``x@machine`` and ``@machinery`` stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials

NODES = {
    b"domainname": "kern.domainname",
    b"hostname": "kern.hostname",
    b"kernel_ident": "kern.ostype",
    b"machine": "hw.machine",
    b"machine_arch": "hw.machine_arch",
    b"osrelease": "kern.osrelease",
    b"ostype": "kern.ostype",
}
"""What kern knows, by the node that says it."""
IDS: dict[bytes, Callable[[Credentials], int]] = {
    b"gid": lambda cred: cred.egid,
    b"rgid": lambda cred: cred.gid,
    b"ruid": lambda cred: cred.uid,
    b"uid": lambda cred: cred.euid,
}
EMUL = b"netbsd"
_WORD = re.compile(rb"(?<![^/])@([a-z_]+)(?![^/])")


def magic(target: bytes, cred: Credentials, node: Callable[[str], str]) -> bytes:
    """The target with its words replaced; ``node`` gives a text of the sysctl tree. EAGAIN, see `Again`."""

    def replaced(word: re.Match[bytes]) -> bytes:
        name = word[1]
        if name in IDS:
            return b"%d" % IDS[name](cred)
        if name == b"emul":
            return EMUL
        return node(NODES[name]).encode("utf-8", "surrogateescape") if name in NODES else word[0]

    found = _WORD.sub(replaced, target)
    if not found:
        raise KernelError(Errno.ENOENT, "a magic link that leads to an empty name")
    return found
