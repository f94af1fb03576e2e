"""rump_lwproc(3): threads of this program as threads of a kernel in it.

    k = rump.Kernel()
    lwproc = k.lwproc
    lwproc.rfork(rump.RFCFDG)  # this thread is a new process now
    lwproc.sys.setuid(1000)
    lwproc.releaselwp()  # and has no process any more: what it calls, init does
    assert lwproc.sys.getpid() == 1

With ``rump.set_default(k.lwproc)`` all calls by their C names go by the calling thread, as in the original.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rump._client import Client, errors
from rump._default import default
from rump._errors import error_of
from rump._local import LocalConnection
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpgateway.local import LocalKernel
    from rumpgateway.lwproc import Lwp, Lwps


class _Current:
    """The session of whatever process the calling thread is in."""

    def __init__(self, lwps: Lwps) -> None:
        self._lwps = lwps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lwps.session(), name)

    def close(self) -> None:
        """A process ends with its last lwp, init with the kernel."""


class Lwproc(Client):
    """The calls of a kernel, done by the process that the calling thread is in; init, as long as it is in none.

    Signals of these processes have one handler, that of `on_signal`. `close` does nothing.
    """

    def __init__(self, kernel: LocalKernel) -> None:
        self._lwps = kernel.lwps
        current: Any = _Current(kernel.lwps)
        super().__init__(LocalConnection(current))
        self._lwps.on_signal = current.on_signal

    def __repr__(self) -> str:
        return f"<Lwproc of {self.curlwp()}>"

    def rfork(self, flags: int = 0) -> Lwp:
        """A child process, and an lwp in it that the calling thread is from now on; the one before stays.

        0 and RFSHARE: one table of descriptors for both; RFFDG: a copy; RFCFDG: the console alone. EINVAL, EAGAIN.
        """
        with errors():
            return self._lwps.rfork(flags)

    def newlwp(self, pid: int) -> Lwp:
        """A further lwp of a process, init's for 0, that the calling thread is from now on; the one before stays.

        ESRCH; EBUSY when the process ends or is in exec; EAGAIN (RLIMIT_NTHR).
        """
        with errors():
            return self._lwps.newlwp(pid)

    def switch(self, lwp: Lwp | None) -> None:
        """Makes the calling thread another lwp, or none (None). Nothing when it is that one.

        EBUSY when that is another thread, ESRCH when it has been released, EINVAL for another kernel's.
        """
        with errors():
            self._lwps.switch(lwp)

    def releaselwp(self) -> None:
        """Frees the lwp of the calling thread, which has none then; the last of a process that `rfork` made ends it.

        EINVAL when it has none, where the original aborts.
        """
        with errors():
            self._lwps.releaselwp()

    def curlwp(self) -> Lwp | None:
        """The lwp of the calling thread; None when calls of it are init's."""
        return self._lwps.curlwp()


def _default() -> Lwproc:
    """EOPNOTSUPP unless the calls by C names go by the calling thread."""
    found = default()
    if not isinstance(found, Lwproc):
        text = "the default kernel does not go by the calling thread: rump.set_default(k.lwproc), k a rump.Kernel"
        raise error_of(KernelError(Errno.EOPNOTSUPP, text))
    return found


def rump_pub_lwproc_rfork(flags: int) -> None:
    """`Lwproc.rfork`."""
    _default().rfork(flags)


def rump_pub_lwproc_newlwp(pid: int) -> None:
    """`Lwproc.newlwp`."""
    _default().newlwp(pid)


def rump_pub_lwproc_switch(lwp: Lwp | None) -> None:
    """`Lwproc.switch`."""
    _default().switch(lwp)


def rump_pub_lwproc_releaselwp() -> None:
    """`Lwproc.releaselwp`."""
    _default().releaselwp()


def rump_pub_lwproc_curlwp() -> Lwp | None:
    """`Lwproc.curlwp`."""
    return _default().curlwp()


__all__ = [
    "Lwproc", "rump_pub_lwproc_curlwp", "rump_pub_lwproc_newlwp", "rump_pub_lwproc_releaselwp",
    "rump_pub_lwproc_rfork", "rump_pub_lwproc_switch",
]  # fmt: skip
