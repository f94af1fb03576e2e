"""The program's process until it is the program: it waits for the kernel, sees to its files, and is filtered."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Sequence
from typing import Any, NoReturn

from rumpclients._command import reason
from rumpclients.hijack import bpf, paths, seccomp
from rumpclients.hijack.numbers import machine

NOT_FOUND, NOT_RUN = 127, 126
_SYS_ADMIN = 21


def run(control: socket.socket, command: Sequence[str], families: frozenset[int]) -> NoReturn:
    """In the child: becomes the program. What goes wrong is told over the socket, as JSON with ``error``."""
    status = NOT_RUN
    try:
        wishes = json.loads(control.recv(1 << 20) or "null")
        if wishes is not None:
            status = _become(control, command, families, wishes)
    except BaseException as error:  # noqa: BLE001  there is no other way out of here
        _tell(control, error=reason(error) if isinstance(error, OSError) else repr(error))
    os._exit(status)


def _become(control: socket.socket, command: Sequence[str], families: frozenset[int], wishes: dict[str, Any]) -> int:
    seen = paths.see(wishes["files"], wishes["paths"], wishes["folder"])
    code = bpf.assemble(*machine(), families, opens=not seen.files)
    fd = seccomp.install(code, privileged=_privileged())
    _tell(control, listener=fd, mounts=seen.mounts)
    if not control.recv(1):
        return NOT_RUN
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], list(command))  # noqa: S606  no shell is what is wanted
    except OSError as error:
        _tell(control, error=f"{command[0]}: {error.strerror}")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN


def _tell(control: socket.socket, **words: Any) -> None:
    control.send(json.dumps(words).encode() + b"\n")


def _privileged() -> bool:
    """Whether it may filter itself without giving up set-uid programs."""
    with open("/proc/self/status") as status:
        found = next((line.split()[1] for line in status if line.startswith("CapEff:")), "0")
    return bool(int(found, 16) >> _SYS_ADMIN & 1)
