"""termios(4): what a terminal is set to, and the settings that one begins with (sys/ttydefaults.h)."""

from __future__ import annotations

import enum

from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Termios


class Signal(enum.IntEnum):
    """What terminals send, by NetBSD's numbers."""

    HUP = 1
    INT = 2
    QUIT = 3
    TSTP = 18
    WINCH = 28
    INFO = 29


QUOTE = 0x100
"""Set in a queued character that was typed behind VLNEXT: it means itself."""
NL, CR, TAB, BS, DEL = 10, 13, 9, 8, 127


def control(letter: str) -> int:
    return ord(letter) & 0x1F


_CHARACTERS = {
    const.VEOF: control("D"),
    const.VERASE: DEL,
    const.VWERASE: control("W"),
    const.VKILL: control("U"),
    const.VREPRINT: control("R"),
    const.VINTR: control("C"),
    const.VQUIT: 0x1C,
    const.VSUSP: control("Z"),
    const.VDSUSP: control("Y"),
    const.VSTART: control("Q"),
    const.VSTOP: control("S"),
    const.VLNEXT: control("V"),
    const.VDISCARD: control("O"),
    const.VMIN: 1,
    const.VTIME: 0,
    const.VSTATUS: control("T"),
}

DEFAULTS = Termios(
    c_iflag=const.BRKINT | const.ICRNL | const.IMAXBEL | const.IXON | const.IXANY,
    c_oflag=const.OPOST | const.ONLCR | const.OXTABS,
    c_cflag=const.CREAD | const.CS8 | const.HUPCL,
    c_lflag=const.ECHO | const.ICANON | const.ISIG | const.IEXTEN | const.ECHOE | const.ECHOKE | const.ECHOCTL,
    c_cc=bytes(_CHARACTERS.get(at, const.POSIX_VDISABLE) for at in range(const.NCCS)),
    c_ispeed=9600,
    c_ospeed=9600,
)


def checked(termios: Termios) -> Termios:
    """EINVAL where it is none. Input has the speed of output where it is 0."""
    if len(termios.c_cc) != const.NCCS:
        raise KernelError(Errno.EINVAL, f"c_cc has {len(termios.c_cc)} characters, not {const.NCCS}")
    return termios._replace(c_cc=bytes(termios.c_cc), c_ispeed=termios.c_ispeed or termios.c_ospeed)
