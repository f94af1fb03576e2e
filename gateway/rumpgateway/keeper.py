"""The parent of a gateway, which starts it again when it is killed; a panic (SIGABRT) is the end of both.

It has one thread, no connections and no state of the kernel, so there is nothing in it to go wrong. The components are
the gateway's to start and watch; they go on when it is killed, as the next one's (`rumpgateway.recovery`), and end with
the keeper: their parent, a zygote, is handed to it by the host when the gateway that started that one is gone.
"""

from __future__ import annotations

import contextlib
import gc
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

HEIR, TAKEN = signal.SIGUSR1, signal.SIGUSR2
BLOCKED = (signal.SIGTERM, signal.SIGINT, HEIR, TAKEN)

log = logging.getLogger("rump.keeper")


def keep(run: Callable[[int], int], succeed: Callable[[int], int], many: int = MANY) -> int:
    """Runs a gateway in a child, and another whenever that one is killed, until one ends by itself: its status.

    ``run`` gets how many there were before; ``many`` killed in a row are too many. SIGTERM, SIGINT go to the gateway.
    One that is to be replaced asks with `HEIR`: ``succeed`` starts the process of its successor, with as many before
    it, and gives the pid. That one says `TAKEN` when it is the gateway. If it ends before, the other gets `HEIR` back.
    """
    adopt_orphans()
    keeper = _Keeper(run, succeed, many)
    signal.signal(HEIR, keeper.start_heir)
    signal.signal(TAKEN, keeper.taken)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, keeper.forward)
    return keeper.keep()


class _Keeper:
    def __init__(self, run: Callable[[int], int], succeed: Callable[[int], int], many: int) -> None:
        self._run = run
        self._succeed = succeed
        self._many = many
        self._gateway = self._heir = 0
        self._number = 0
        self._ending = False
        self._failures = 0

    def forward(self, number: int, _: object) -> None:
        self._ending = True
        if self._gateway:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._gateway, number)

    def start_heir(self, number: int, _: object) -> None:
        if self._gateway and not self._heir:
            self._heir = self._succeed(self._number + 1)

    def taken(self, number: int, _: object) -> None:
        if self._heir:
            self._gateway, self._heir = self._heir, 0
            self._number += 1

    def keep(self) -> int:
        while True:
            began = time.monotonic()
            status = self._generation()
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
            self._number += 1

    def _generation(self) -> int:
        """Runs one gateway, and those that take its place: the wait status of the last. Whatever else is a child of
        this process is waited for too."""
        signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
        keeper = os.getpid()
        gc.collect()
        gc.freeze()  # what was imported stays in pages that both share
        pid = os.fork()
        if pid == 0:
            self._become(keeper, self._number)
        self._gateway = pid
        signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED)
        while True:
            ended, status = os.waitpid(-1, 0)
            if ended == self._heir:
                self._heir = 0
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._gateway, HEIR)
            if ended == self._gateway:
                self._gateway = 0
                return status

    def _become(self, keeper: int, generation: int) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
        for number in (HEIR, TAKEN):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED)
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
