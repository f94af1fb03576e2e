"""The default kernel of this process, which the calls by their C names use."""

from __future__ import annotations

import threading

from rump._client import Client, connect

_lock = threading.Lock()
_default: Client | None = None


def default() -> Client:
    """The kernel that was set, else the one that RUMP_SERVER names. FileNotFoundError when there is none."""
    global _default
    with _lock:
        if _default is None:
            _default = connect()
        return _default


def set_default(kernel: Client | None) -> None:
    """Makes a kernel the default one; None: RUMP_SERVER is asked again."""
    global _default
    with _lock:
        _default = kernel
