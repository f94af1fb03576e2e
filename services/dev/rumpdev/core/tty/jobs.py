"""Whose terminal it is: sessions and process groups are kern's, which is asked for them (job control, termios(4))."""

from __future__ import annotations

import contextlib
from typing import Any

from rumpuser.component import KERNEL, Bus, Context
from rumpuser.pending import start, value_of
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError


class Jobs:
    """Questions to kern."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def group(self, pid: int) -> int:
        """The process group of a process. ESRCH."""
        return int(await self._ask("getpgid", pid))

    async def session(self, pid: int) -> int:
        """The session of a process. ESRCH."""
        return int(await self._ask("getsid", pid))

    async def leader(self, ctx: Context) -> int:
        """The session that the caller leads. EPERM when it leads none."""
        session = await self.session(ctx.pid)
        if session != ctx.pid:
            raise KernelError(Errno.EPERM, f"process {ctx.pid} leads no session")
        return session

    async def exists(self, session: int) -> bool:
        """Whether the leader of a session is there."""
        try:
            return await self.session(session) == session
        except KernelError:
            return False

    async def members(self, group: int) -> list[int]:
        """The processes of a group."""
        found = []
        for process in await self._ask("proc_list"):
            try:
                if await self.group(process.pid) == group:
                    found.append(process.pid)
            except KernelError:
                continue  # it has ended meanwhile
        return found

    def post(self, group: int, signo: int) -> None:
        """A signal for a process group; nothing when nobody is in it any more."""
        with contextlib.suppress(KernelError):
            start(self._bus.peer("kern").call(KERNEL, OPS["signal_post"], (-group, int(signo), None)))

    async def _ask(self, call: str, *args: Any) -> Any:
        return await value_of(self._bus.peer("kern").call(KERNEL, OPS[call], args))
