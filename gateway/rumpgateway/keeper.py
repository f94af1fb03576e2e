"""The parent of a gateway, which starts it again when it is killed; a panic (SIGABRT) is the end of both.

It has one thread, no connections and no state of the kernel, so there is nothing in it to go wrong. The components are
the gateway's to start and watch; they go on when it is killed, as the next one's (`rumpgateway.recovery`), and end with
the keeper: their parent, a zygote, is handed to it by the host when the gateway that started that one is gone.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable

from rumpuser.prctl import adopt_orphans, end_with_parent

MANY, STEADY_S = 10, 2.0
"""A gateway that is killed so often in a row, each time before it has served so long, is not started again."""
PAUSE_S = 0.05
"""Before it is started again; so much more each time in a row."""

log = logging.getLogger("rump.keeper")


def keep(run: Callable[[int], int], many: int = MANY) -> int:
    """Runs a gateway in a child, and another whenever that one is killed, until one ends by itself: its status.

    ``run`` gets how many there were before; ``many`` killed in a row are too many. SIGTERM, SIGINT go to the gateway.
    """
    adopt_orphans()
    keeper = _Keeper(run, many)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, keeper.forward)
    return keeper.keep()


class _Keeper:
    def __init__(self, run: Callable[[int], int], many: int) -> None:
        self._run = run
        self._many = many
        self._gateway = 0
        self._ending = False
        self._failures = 0

    def forward(self, number: int, _: object) -> None:
        self._ending = True
        if self._gateway:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._gateway, number)

    def keep(self) -> int:
        generation = 0
        while True:
            began = time.monotonic()
            status = self._generation(generation)
            if not os.WIFSIGNALED(status):
                return os.WEXITSTATUS(status)
            number = os.WTERMSIG(status)
            if number == signal.SIGABRT:  # it has given itself up, as in a panic
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            self._failures = 1 if time.monotonic() - began > STEADY_S else self._failures + 1
            often = self._failures >= self._many
            if self._ending or often:
                log.error("the gateway was killed by signal %d%s", number, ", again and again" if often else "")
                return 1
            log.error("the gateway was killed by signal %d; starting it again", number)
            time.sleep(PAUSE_S * min(self._failures, MANY))
            generation += 1

    def _generation(self, generation: int) -> int:
        """Runs one gateway; its wait status. Whatever else has become a child of this process is waited for too."""
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
        keeper = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(keeper, generation)
        self._gateway = pid
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
        while True:
            ended, status = os.waitpid(-1, 0)
            if ended == pid:
                self._gateway = 0
                return status

    def _become(self, keeper: int, generation: int) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
        status = 1
        try:
            end_with_parent(keeper)
            status = self._run(generation)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:
            log.exception("the gateway ended")
        finally:
            logging.shutdown()
            os._exit(status)
