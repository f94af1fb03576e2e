"""What a terminal is to print: output processing (OPOST and its kin), the cursor, and a bounded queue."""

from __future__ import annotations

import re

from rumpdev.core.tty.settings import BS, CR, DEL, NL, TAB
from rumpuser.host import Buffer
from rumpwire import const

OUTPUT_MAX = 4096
"""Characters to be printed, above which writers wait. Echo goes on to `ECHO_MAX` and is lost then."""
ECHO_MAX = 2 * OUTPUT_MAX
_RUNS = re.compile(rb"[^\x00-\x1f\x7f]+|[\x00-\x1f\x7f]")


class Output:
    """The queue. ``flags`` are the c_oflag, ``column`` is where the cursor will be."""

    __slots__ = ("column", "flags", "queue")

    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.column = 0
        self.queue = bytearray()

    def __len__(self) -> int:
        return len(self.queue)

    @property
    def room(self) -> int:
        """How much may be written before a writer waits."""
        return max(0, OUTPUT_MAX - len(self.queue))

    def take(self, length: int) -> bytes:
        out = bytes(self.queue[:length])
        del self.queue[:length]
        return out

    def echo(self, text: bytes) -> None:
        """What nobody waits for: lost when far too much is queued."""
        for at in range(len(text)):
            if len(self.queue) < ECHO_MAX:
                self._process(text[at : at + 1])

    def write(self, data: Buffer) -> int:
        """How many characters were taken."""
        data = bytes(data)
        if not self.flags & const.OPOST:
            taken = data[: self.room]
            self.queue += taken
            return len(taken)
        done = 0
        for run in _RUNS.finditer(data):
            if not self.room:
                break
            done = min(run.end(), run.start() + self.room)
            self._process(data[run.start() : done])
        return done

    def _process(self, run: bytes) -> None:
        """Characters that are all printable, or one that is not."""
        c = run[0]
        if not self.flags & const.OPOST:
            self.queue += run
        elif c >= 0x20 and c != DEL:
            self.queue += run
            self.column += len(run)
        elif c == TAB:
            self._tab()
        else:
            self._control(c)

    def _tab(self) -> None:
        width = 8 - (self.column & 7)
        self.column += width
        self.queue += b" " * width if self.flags & const.OXTABS else b"\t"

    def _control(self, c: int) -> None:
        flags = self.flags
        if (c == 4 and flags & const.ONOEOT) or (c == CR and flags & const.ONOCR and self.column == 0):
            return
        if c == NL and flags & const.ONLCR:
            self.queue.append(CR)
        elif c == CR and flags & const.OCRNL:
            c = NL
        self.queue.append(c)
        if c == BS:
            self.column = max(0, self.column - 1)
        elif c == CR or (c == NL and flags & (const.ONLCR | const.ONLRET)):
            self.column = 0
