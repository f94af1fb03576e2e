"""The line discipline of terminals (tty(4), termios(4)): a state machine without I/O.

On one side is the terminal, on the other programs. What is typed goes through `receive` and is read with `read`; what
programs print goes through `write` and is fetched for the terminal with `transmit`. What is typed comes back as an
echo, gathers in a line that can be edited (ICANON), raises signals (ISIG), and stops and restarts the output (IXON).

Two queues hold what was typed: `_line`, which is being edited, and `_lines`, which is finished and can be read. Without
ICANON all is in `_line`. Both together are bounded, as is what is to be printed: who brings more must wait.

Editing on the screen works only while the end of the line is what was printed last. `_echoed` counts the characters of
the line of which that is true, `_column` is where the cursor is and `_begin` where the line began.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from rumpdev.core.tty.output import Output
from rumpdev.core.tty.settings import CR, DEFAULTS, DEL, NL, QUOTE, TAB, Signal, checked
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.values import Termios

INPUT_MAX = 1024
"""TTYHOG: characters that were typed and not read."""
_RUBOUT = b"\b \b"

Key = Callable[[int], None]


class LineDiscipline:
    """One terminal. The owner takes ``signals`` that were raised, and ``events`` (TIOCPKT_*) that happened."""

    def __init__(self) -> None:
        self._line: list[int] = []
        self._lines: deque[int] = deque()
        self.output = Output(DEFAULTS.c_oflag)
        self.stopped = False
        self.signals: list[Signal] = []
        self.events = 0
        self.termios = DEFAULTS
        self._literal = False
        self._erasing = False
        self._blocked = False
        self._echoed = self._begin = 0
        self._keys: dict[int, Key] = {}
        self._edits: dict[int, Key] = {}
        self._prepare()

    # -- settings

    def set(self, termios: Termios) -> None:
        """New settings. What is queued stays: when lines begin or end to matter it is looked at again. EINVAL."""
        was = self._l & const.ICANON
        self.termios = checked(termios)
        self._prepare()
        if was and not self._l & const.ICANON:
            self._line[:0] = self._lines
            self._lines.clear()
        elif not was and self._l & const.ICANON:
            self._again()

    def _prepare(self) -> None:
        t = self.termios
        self._i, self._l, self._cc = t.c_iflag, t.c_lflag, t.c_cc
        self.output.flags = t.c_oflag
        self._keys, self._edits = {}, {}
        extended = bool(self._l & const.IEXTEN)
        if self._i & const.IXON:
            self._bind(self._keys, {const.VSTART: self._start, const.VSTOP: self._stop})
        if self._l & const.ISIG:
            self._bind(self._keys, {const.VSUSP: self._suspend, const.VQUIT: self._quit, const.VINTR: self._interrupt})
        if extended:
            self._bind(self._keys, {const.VDISCARD: self._discard, const.VLNEXT: self._next_is_literal})
        if self._l & const.ICANON:
            self._bind(self._edits, {const.VSTATUS: self._status})
            if extended:
                self._bind(self._edits, {const.VREPRINT: self._reprint, const.VWERASE: self._erase_word})
            self._bind(self._edits, {const.VKILL: self._kill, const.VERASE: self._erase})

    def _bind(self, keys: dict[int, Key], names: dict[int, Key]) -> None:
        """Later ones win: of two meanings of a character the first that is asked for is bound last."""
        keys.update({self._cc[at]: key for at, key in names.items() if self._cc[at] != const.POSIX_VDISABLE})

    def _is(self, c: int, at: int) -> bool:
        return c == self._cc[at] != const.POSIX_VDISABLE

    def _ends_line(self, c: int) -> bool:
        if c == NL or self._is(c, const.VEOF) or self._is(c, const.VEOL):
            return True
        return bool(self._l & const.IEXTEN) and self._is(c, const.VEOL2)

    # -- typed

    def receive(self, data: Buffer) -> int:
        """Takes what was typed: how many characters. Fewer when the queue is full of what programs can read."""
        if not self.termios.c_cflag & const.CREAD:
            return len(data)
        for done, c in enumerate(memoryview(data)):
            if self.full:
                return done
            self._typed(c)
        return len(data)

    @property
    def full(self) -> bool:
        """Whether no more can be typed before something is read. A line that is not finished is cut short instead."""
        return self._queued >= INPUT_MAX - 2 and (bool(self._lines) or not self._l & const.ICANON)

    @property
    def _queued(self) -> int:
        return len(self._line) + len(self._lines)

    def _typed(self, c: int) -> None:
        if self._i & const.ISTRIP:
            c &= 0x7F
        if self._literal:
            self._literal = False
            self._store(c | QUOTE)
            return
        key = self._keys.get(c)
        if key is not None:
            key(c)
            return
        if c == CR:
            if self._i & const.IGNCR:
                self._restart_if_any()
                return
            c = NL if self._i & const.ICRNL else c
        elif c == NL and self._i & const.INLCR:
            c = CR
        edit = self._edits.get(c)
        if edit is None:
            self._store(c)
        else:
            edit(c)
            self._restart_if_any()

    def _store(self, c: int) -> None:
        if self._queued >= INPUT_MAX:
            if self._i & const.IMAXBEL and self.output.room:
                self.output.echo(b"\a")
        elif not self._l & const.ICANON:
            self._line.append(c)
            self._echo(c)
        else:
            self._add(c)
        self._block()
        self._restart_if_any()

    def _add(self, c: int) -> None:
        """One more character of the line that is edited, or its end."""
        self._line.append(c)
        if self._ends_line(c):
            self._echoed = 0
            self._lines.extend(self._line)
            self._line.clear()
        else:
            if self._echoed == 0:
                self._begin = self.output.column
            self._echoed += 1
        self._end_erasing()
        before = self.output.column
        self._echo(c)
        if self._is(c, const.VEOF) and self._l & const.ECHO:
            self.output.echo(b"\b" * min(2, self.output.column - before))

    def _again(self) -> None:
        """What was typed without lines, as if it were typed now."""
        line, self._line = self._line, []
        for c in line:
            if c & QUOTE:
                self._store(c)
            else:
                self._typed(c)

    # -- keys

    def _next_is_literal(self, c: int) -> None:
        if self._l & const.ECHO:
            if self._l & const.ECHOE:
                self.output.echo(b"^\b")
            else:
                self._echo(c)
        self._literal = True
        self._restart_if_any()

    def _discard(self, c: int) -> None:
        if self._l & const.FLUSHO:
            self._set_discarding(on=False)
            return
        self.flush(const.FWRITE)
        self._echo(c)
        if self._queued:
            self._retype()
        self._set_discarding(on=True)

    def _set_discarding(self, *, on: bool) -> None:
        if on != bool(self._l & const.FLUSHO):
            self._l ^= const.FLUSHO
            self.termios = self.termios._replace(c_lflag=self._l)

    def _interrupt(self, c: int) -> None:
        self._raise(c, Signal.INT, const.FREAD | const.FWRITE)

    def _quit(self, c: int) -> None:
        self._raise(c, Signal.QUIT, const.FREAD | const.FWRITE)

    def _suspend(self, c: int) -> None:
        self._raise(c, Signal.TSTP, const.FREAD)

    def _raise(self, c: int, signal: Signal, flushed: int) -> None:
        if not self._l & const.NOFLSH:
            self.flush(flushed)
        self._echo(c)
        self.signals.append(signal)
        self._restart_if_any()

    def _status(self, c: int) -> None:
        if self._l & const.ISIG:
            self.signals.append(Signal.INFO)

    def _stop(self, c: int) -> None:
        """A character that is for both stops and restarts."""
        if not self.stopped:
            self.hold()
        elif self._is(c, const.VSTART):
            self.go_on()

    def _start(self, c: int) -> None:
        self.go_on()

    def _restart_if_any(self) -> None:
        """Any character restarts the output with IXANY."""
        if not self.stopped or self._i & const.IXANY or self._cc[const.VSTART] == self._cc[const.VSTOP]:
            self.go_on()

    def hold(self) -> None:
        """The terminal gets no more output (TIOCSTOP)."""
        if not self.stopped:
            self.stopped = True
            self._happened(const.TIOCPKT_STOP, const.TIOCPKT_START)

    def go_on(self) -> None:
        """TIOCSTART."""
        self._set_discarding(on=False)
        if self.stopped:
            self.stopped = False
            self._happened(const.TIOCPKT_START, const.TIOCPKT_STOP)

    def _happened(self, event: int, instead_of: int = 0) -> None:
        self.events = self.events & ~instead_of | event

    # -- editing

    def _erase(self, c: int) -> None:
        if self._line:
            self._rub_out(self._line.pop())

    def _erase_word(self, c: int) -> None:
        line = self._line
        while line and line[-1] in (0x20, TAB):
            self._rub_out(line.pop())
        if not line:
            return
        self._rub_out(line.pop())
        kind = bool(line) and _in_word(line[-1])
        while line and line[-1] not in (0x20, TAB):
            if self._l & const.ALTWERASE and _in_word(line[-1]) != kind:
                break
            self._rub_out(line.pop())

    def _kill(self, c: int) -> None:
        if self._l & const.ECHOKE and len(self._line) == self._echoed and not self._l & const.ECHOPRT:
            while self._line:
                self._rub_out(self._line.pop())
            return
        self._echo(c)
        if self._l & (const.ECHOK | const.ECHOKE):
            self._echo(NL)
        self._line.clear()
        self._echoed = 0
        self._erasing = False

    def _reprint(self, c: int) -> None:
        self._retype()

    def _retype(self) -> None:
        if self._cc[const.VREPRINT] != const.POSIX_VDISABLE:
            self._echo(self._cc[const.VREPRINT])
        self.output.echo(b"\n")
        for c in (*self._lines, *self._line):
            self._echo(c)
        self._erasing = False
        self._echoed, self._begin = len(self._line), 0

    def _rub_out(self, c: int) -> None:
        """Takes a character that is no longer in the line off the screen."""
        if not self._l & const.ECHO:
            return
        self._set_discarding(on=False)
        if self._l & const.ECHOE:
            if self._echoed == 0:
                self._retype()
                return
            self._rub_out_printed(c)
        elif self._l & const.ECHOPRT:
            if not self._erasing:
                self._erasing = True
                self.output.echo(b"\\")
            self._echo(c)
        else:
            self._echo(self._cc[const.VERASE])
        self._echoed -= 1

    def _rub_out_printed(self, c: int) -> None:
        if c == TAB:
            if self._echoed < len(self._line) + 1:
                self._retype()
                self._echoed += 1  # it is taken off again by the caller
                return
            self.output.echo(b"\b" * (8 - (self._measure(self._line) & 7)))
        elif c & 0xFF >= 0x20 and c & 0xFF != DEL:
            self.output.echo(_RUBOUT)
        elif self._l & const.ECHOCTL or c in (TAB | QUOTE, NL | QUOTE):
            self.output.echo(_RUBOUT * 2)

    def _measure(self, line: Iterable[int]) -> int:
        """Where the cursor is when a line has been printed from where this one began."""
        column = self._begin
        for c in line:
            if c == TAB:
                column = (column + 8) & ~7
            elif c & 0xFF >= 0x20 and c & 0xFF != DEL:
                column += 1
            elif self._l & const.ECHOCTL:
                column += 2
        return column

    def _end_erasing(self) -> None:
        if self._erasing:
            self._erasing = False
            self.output.echo(b"/")

    # -- echo and output

    def _echo(self, c: int) -> None:
        newline = c == NL and self._l & const.ECHONL and self._l & const.ICANON
        if not self._l & const.ECHO and not newline:
            return
        self._set_discarding(on=False)
        plain = c & 0xFF
        if self._l & const.ECHOCTL and (plain == DEL or (plain < 0x20 and c not in (TAB, NL))):
            self.output.echo(bytes((ord("^"), plain ^ 0x40)))
        else:
            self.output.echo(bytes((plain,)))

    def write(self, data: Buffer) -> int:
        """Takes what a program prints: how many characters, fewer when there is no more room."""
        if self._l & const.FLUSHO:
            return len(data)
        self._echoed = 0
        return self.output.write(data)

    # -- both sides

    def transmit(self, length: int) -> bytes:
        """What the terminal is to print; nothing while the output is stopped."""
        if self.stopped:
            return b""
        return self.output.take(length)

    @property
    def available(self) -> int:
        """Characters that can be read now (FIONREAD)."""
        if not self._l & const.ICANON:
            return len(self._line)
        return sum(not self._is(c, const.VEOF) for c in self._lines)

    @property
    def finished(self) -> bool:
        """With ICANON: whether there is a line, which may be empty."""
        return bool(self._lines)

    def read(self, length: int) -> bytes:
        """With ICANON one line or a part of it, empty for an end of file; otherwise what there is."""
        out = self._read_line(length) if self._l & const.ICANON else self._read_raw(length)
        self._unblock()
        return bytes(out)

    def _read_raw(self, length: int) -> bytearray:
        taken = self._line[:length]
        del self._line[:length]
        return bytearray(c & 0xFF for c in taken if not self._delayed(c))

    def _read_line(self, length: int) -> bytearray:
        """An end of file right behind what was read ends that, and nothing else."""
        out = bytearray()
        lines = self._lines
        while lines:
            if self._is(lines[0], const.VEOF):
                lines.popleft()
                break
            if len(out) >= length:
                break
            c = lines.popleft()
            if self._delayed(c):
                continue
            out.append(c & 0xFF)
            if self._ends_line(c):
                break
        return out

    def _delayed(self, c: int) -> bool:
        """VDSUSP stops who reads it."""
        if self._l & const.ISIG and self._l & const.IEXTEN and self._is(c, const.VDSUSP):
            self.signals.append(Signal.TSTP)
            return True
        return False

    def flush(self, which: int) -> None:
        """Drops what was typed and not read (FREAD), what was printed and not fetched (FWRITE)."""
        if which & const.FREAD:
            self._line.clear()
            self._lines.clear()
            self._echoed = self._begin = 0
            self._erasing = self._literal = False
            self._happened(const.TIOCPKT_FLUSHREAD)
            self._unblock()
        if which & const.FWRITE:
            self.output.queue.clear()
            self.stopped = False
            self._happened(const.TIOCPKT_FLUSHWRITE)

    # -- IXOFF: the terminal is asked to wait

    def _block(self) -> None:
        full = self._queued >= INPUT_MAX // 2 and (bool(self._lines) or not self._l & const.ICANON)
        if full and not self._blocked and self._i & const.IXOFF and self._cc[const.VSTOP] != const.POSIX_VDISABLE:
            self._blocked = True
            self.output.queue.append(self._cc[const.VSTOP])

    def _unblock(self) -> None:
        if self._blocked and self._queued <= INPUT_MAX // 5:
            self._blocked = False
            if self._i & const.IXOFF and self._cc[const.VSTART] != const.POSIX_VDISABLE:
                self.output.queue.append(self._cc[const.VSTART])


def _in_word(c: int) -> bool:
    return chr(c & 0xFF).isalnum() or c & 0xFF == ord("_")
