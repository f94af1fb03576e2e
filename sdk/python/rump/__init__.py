"""rump: the Python SDK.

    with rump.connect() as k:                      # the kernel that RUMP_SERVER names
        fd = k.sys.open("/etc/motd", os.O_RDONLY)
        data = k.sys.read(fd, 4096)

Numbers are the caller's own (`os.O_CREAT`, `socket.AF_INET6`, errno); those that the host lacks are constants here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rump import _constants, _structures
from rump._base import Future
from rump._client import Batch, Client, connect
from rump._connection import CallStatistics, Prepared, Statistics
from rump._constants import *  # noqa: F403  all constants of the kernel
from rump._default import default, set_default
from rump._errors import RumpError
from rump._local import Kernel
from rump._modules import faction_of, generate_key, sign_wheel
from rump._signals import Siginfo
from rump._socket import Socket, sockopt_bytes, sockopt_value
from rump._structures import *  # noqa: F403  all structures of the contract
from rump._trace import trace_requests
from rumpwire.const import major, makedev, minor

if TYPE_CHECKING:
    from rump import aio, fs
    from rump.fs import newfs

__version__ = "0.1.0"

__all__ = [  # noqa: PLE0604  the constants and structures are strings too
    "Batch", "CallStatistics", "Client", "Future", "Kernel", "Prepared", "RumpError", "Siginfo", "Socket", "Statistics", "aio", "connect", "default",
    "faction_of", "fs",
    "generate_key", "major", "makedev", "minor", "newfs", "set_default", "sign_wheel", "sockopt_bytes", "sockopt_value",
    "trace_requests",
    *_constants.__all__, *_structures.__all__,
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "aio":  # brings grpc, which kernels in this process do without
        import importlib

        return importlib.import_module("rump.aio")
    if name in ("fs", "newfs"):
        import importlib

        found = importlib.import_module("rump.fs")
        return found if name == "fs" else found.newfs
    raise AttributeError(f"module 'rump' has no attribute {name!r}")
