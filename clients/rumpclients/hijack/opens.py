"""Files that programs open by name, where no others are mounted over them: a copy in memory is given instead."""

from __future__ import annotations

import os

from rumpclients.hijack.numbers import machine
from rumpclients.hijack.trap import ANSWERED, NATIVE, Call

_AT = machine()[1]["openat"]


class Opens:
    def __init__(self, files: dict[bytes, bytes]) -> None:
        self._files = files

    async def open(self, call: Call) -> object:
        """open and openat. Only whole names are known: links and relative names lead to this machine's files."""
        at = call.trap.number == _AT
        data = self._files.get(call.task.path(call.args[1 if at else 0]))
        flags = call.args[2 if at else 1]
        if data is None:
            return NATIVE
        fd = os.memfd_create("rumphijack")
        try:
            os.write(fd, data)
            os.lseek(fd, 0, os.SEEK_SET)
            call.listener.hand_over(call.trap, fd, close_on_exec=bool(flags & os.O_CLOEXEC))
        finally:
            os.close(fd)
        return ANSWERED
