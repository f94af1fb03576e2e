"""What a sigevent asks for (sigevent(3)): a signal, or nothing. The kernel has no threads of clients to start."""

from __future__ import annotations

from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sigevent


def signal_of(event: Sigevent | None) -> int:
    """The signal that it sends, 0 for nobody. EINVAL for what the kernel cannot do, and for signals that are none."""
    if event is None or event.sigev_notify == const.SIGEV_NONE:
        return 0
    if event.sigev_notify != const.SIGEV_SIGNAL:
        raise KernelError(Errno.EINVAL, f"notification {event.sigev_notify}: there are SIGEV_NONE and SIGEV_SIGNAL")
    if not 0 <= event.sigev_signo <= const.SIGRTMAX:
        raise KernelError(Errno.EINVAL, f"there is no signal {event.sigev_signo}")
    return event.sigev_signo
