"""ioctl of terminals (tty(4))."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rumpdev.core.tty.pair import Pair
from rumpdev.core.tty.settings import checked
from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgs, IoctlArgsInteger, IoctlArgsRaw, IoctlArgsText, IoctlResult, Termios, Winsize

NO_GROUP = 30001
"""What TIOCGPGRP gives for a terminal without a foreground: no process has this number (NO_PGID)."""


def integer(data: IoctlArgs | None) -> int:
    """EINVAL."""
    if not isinstance(data, IoctlArgsInteger):
        raise KernelError(Errno.EINVAL, "the argument is an integer")
    return data.integer


def control(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, *, master: bool) -> Any:
    """ENOTTY for what no terminal knows, EINVAL for arguments of another kind, EPERM; some wait (EINTR)."""
    command = _COMMANDS.get(com)
    if command is None:
        raise KernelError(Errno.ENOTTY, f"ioctl {com:#x} is not for terminals")
    return command(pair, ctx, com, data, master)


def _result(value: IoctlArgs | int | None = None) -> IoctlResult:
    return IoctlResult(0, IoctlArgsInteger(value) if isinstance(value, int) else value)


def _get(pair: Pair, *_: Any) -> IoctlResult:
    return _result(pair.ldisc.termios)


def _set(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> Any:
    if not isinstance(data, Termios):
        raise KernelError(Errno.EINVAL, "the argument is a Termios")
    termios = checked(data)
    if com == const.TIOCSETA or master:
        return _apply(pair, com, termios)
    return _set_later(pair, com, termios)


async def _set_later(pair: Pair, com: int, termios: Termios) -> IoctlResult:
    await pair.drain()
    return _apply(pair, com, termios)


def _apply(pair: Pair, com: int, termios: Termios) -> IoctlResult:
    ldisc = pair.ldisc
    if com == const.TIOCSETAF:
        ldisc.flush(const.FREAD)
    before = _stops(ldisc.termios)
    ldisc.set(termios)
    if _stops(termios) != before:
        ldisc.events &= ~(const.TIOCPKT_NOSTOP | const.TIOCPKT_DOSTOP)
        ldisc.events |= const.TIOCPKT_NOSTOP if before else const.TIOCPKT_DOSTOP
    pair.news()
    return _result()


def _stops(termios: Termios) -> bool:
    """Whether ^S and ^Q are what they usually are, so that the other side of a network may do them."""
    keys = termios.c_cc[const.VSTOP], termios.c_cc[const.VSTART]
    return bool(termios.c_iflag & const.IXON) and keys == (ord("S") & 0x1F, ord("Q") & 0x1F)


def _flush(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    which = integer(data) or const.FREAD | const.FWRITE
    pair.ldisc.flush(which & (const.FREAD | const.FWRITE))
    pair.news()
    return _result()


async def _drain(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    if not master:
        await pair.drain()
    return _result()


def _stop(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    (pair.ldisc.hold if com == const.TIOCSTOP else pair.ldisc.go_on)()
    pair.news()
    return _result()


def _set_size(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    if not isinstance(data, Winsize) or max(data) > 0xFFFF:
        raise KernelError(Errno.EINVAL, "the argument is a Winsize, of numbers up to 65535")
    pair.resize(data)
    return _result()


def _exclusive(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    pair.exclusive = com == const.TIOCEXCL
    return _result()


async def _insert(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    """TIOCSTI: as if it had been typed. The superuser's alone: it makes others do things."""
    authorize(ctx, Action.DEVICE_TTY_STI)
    typed = bytes(data.raw) if isinstance(data, IoctlArgsRaw) else bytes((integer(data) & 0xFF,))
    pair.ldisc.receive(typed[:1])
    pair.news()
    await pair.deliver()
    return _result()


async def _own(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    """TIOCSCTTY: the controlling terminal of the caller's session, which must have none. EPERM."""
    session = await pair.jobs.leader(ctx)
    if pair.session != session and pair.session and await pair.jobs.exists(pair.session):
        raise KernelError(Errno.EPERM, f"it is the controlling terminal of session {pair.session}")
    pair.session, pair.group = session, await pair.jobs.group(ctx.pid)
    pair.leavers.clear()
    return _result()


async def _give_up(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    """TIOCNOTTY: not the caller's controlling terminal any more. ENOTTY, EINVAL for the leader of the session."""
    await _must_control(pair, ctx)
    if ctx.pid == pair.session:
        raise KernelError(Errno.EINVAL, "the leader of the session keeps its terminal")
    pair.leavers.add(ctx.pid)
    return _result()


async def _must_control(pair: Pair, ctx: Context) -> None:
    """ENOTTY unless it is the caller's controlling terminal."""
    mine = pair.session and ctx.pid not in pair.leavers and await pair.jobs.session(ctx.pid) == pair.session
    if not mine:
        raise KernelError(Errno.ENOTTY, "not the controlling terminal of the caller")


async def _get_group(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    if not master:
        await _must_control(pair, ctx)
    return _result(pair.group or NO_GROUP)


async def _get_session(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    if not master:
        await _must_control(pair, ctx)
    return _result(pair.session)


async def _set_group(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    """TIOCSPGRP. ENOTTY, EPERM for a group that is in another session, or nowhere."""
    group = integer(data)
    await _must_control(pair, ctx)
    for pid in await pair.jobs.members(group):
        if await pair.jobs.session(pid) == pair.session:
            pair.group = group
            return _result()
    raise KernelError(Errno.EPERM, f"there is no process group {group} in session {pair.session}")


def _packets(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    """TIOCPKT. ENOTTY on the slave."""
    if not master:
        raise KernelError(Errno.ENOTTY, "packets are for the master side")
    pair.packets = bool(integer(data))
    pair.ldisc.events = 0
    return _result()


def _discipline(pair: Pair, ctx: Context, com: int, data: IoctlArgs | None, master: bool) -> IoctlResult:
    """There is one, termios. ENXIO for others."""
    if com == const.TIOCSETD and integer(data) != 0:
        raise KernelError(Errno.ENXIO, f"no line discipline {integer(data)}")
    return _result(None if com == const.TIOCSETD else 0)


_Command = Callable[[Pair, Context, int, "IoctlArgs | None", bool], Any]
_COMMANDS: dict[int, _Command] = {
    const.TIOCGETA: _get,
    const.TIOCSETA: _set,
    const.TIOCSETAW: _set,
    const.TIOCSETAF: _set,
    const.TIOCFLUSH: _flush,
    const.TIOCDRAIN: _drain,
    const.TIOCSTOP: _stop,
    const.TIOCSTART: _stop,
    const.TIOCOUTQ: lambda pair, *_: _result(len(pair.ldisc.output)),
    const.TIOCGWINSZ: lambda pair, *_: _result(pair.size),
    const.TIOCSWINSZ: _set_size,
    const.TIOCEXCL: _exclusive,
    const.TIOCNXCL: _exclusive,
    const.TIOCSTI: _insert,
    const.TIOCSCTTY: _own,
    const.TIOCNOTTY: _give_up,
    const.TIOCGPGRP: _get_group,
    const.TIOCSPGRP: _set_group,
    const.TIOCGSID: _get_session,
    const.TIOCPKT: _packets,
    const.TIOCGETD: _discipline,
    const.TIOCSETD: _discipline,
    const.TIOCGLINED: lambda *_: _result(IoctlArgsText("termios")),
}
