"""Control data of messages (CMSG(3)): what fits, descriptors in flight, credentials, times.

Descriptors belong to the gateway. On their way they are *tokens*, each of which keeps an open object alive there; a
message that will never be received gives its tokens back (`Rights.drop`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rumpuser.component import KERNEL, Context
from rumpuser.pending import start
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Cmsg, RightsHolder, Sockcred, Timespec, Unpcbid

if TYPE_CHECKING:
    from rumpnet.core.net import Net
    from rumpnet.core.socket import Socket

HEADER = 16
"""Bytes of a struct cmsghdr, padded."""
ALIGN = 8


def is_rights(cmsg: Cmsg) -> bool:
    return cmsg.cmsg_level == const.SOL_SOCKET and cmsg.cmsg_type == const.SCM_RIGHTS


def tokens_of(control: Iterable[Cmsg]) -> list[int]:
    return [token for cmsg in control for token in cmsg.rights]


def check_local(control: Sequence[Cmsg]) -> None:
    """EINVAL for what the local domain does not carry: anything but descriptors."""
    for cmsg in control:
        if not is_rights(cmsg):
            raise KernelError(Errno.EINVAL, f"control data {cmsg.cmsg_level}/{cmsg.cmsg_type} cannot be sent")


def payload_length(cmsg: Cmsg) -> int:
    """Bytes of the C structure (on 64-bit machines)."""
    if is_rights(cmsg):
        return 4 * len(cmsg.rights)
    if isinstance(cmsg.value, Sockcred):
        return 24 + 4 * max(1, len(cmsg.value.sc_groups))
    return 16 if isinstance(cmsg.value, Timespec) else len(cmsg.data)


def fit(control: Sequence[Cmsg], room: int) -> tuple[list[Cmsg], list[int]]:
    """What fits into a buffer of so many bytes, and the tokens of what does not. Of descriptors those that do fit."""
    kept: list[Cmsg] = []
    lost: list[int] = []
    for cmsg in control:
        length = payload_length(cmsg)
        if HEADER + length <= room:
            kept.append(cmsg)
        elif is_rights(cmsg):
            count = max(0, (room - HEADER) // 4)
            if count:
                kept.append(cmsg._replace(rights=cmsg.rights[:count]))
            lost += cmsg.rights[count:]
        room -= HEADER + (length + ALIGN - 1) // ALIGN * ALIGN
    return kept, lost


def credentials(ctx: Context) -> Cmsg:
    """SCM_CREDS of whoever sends."""
    cred = ctx.cred
    value = Sockcred(ctx.pid, cred.uid, cred.euid, cred.gid, cred.egid, list(cred.groups))
    return Cmsg(const.SOL_SOCKET, const.SCM_CREDS, value=value)


def peer_id(ctx: Context) -> Unpcbid:
    return Unpcbid(ctx.pid, ctx.cred.euid, ctx.cred.egid)


def arrival(so: Socket) -> tuple[Cmsg, ...]:
    """SCM_TIMESTAMP for what arrives now, if the socket asks for it (SO_TIMESTAMP)."""
    if not so.options & const.SO_TIMESTAMP:
        return ()
    time = Timespec(*divmod(so.net.host.realtime_ns(), 10**9))
    return (Cmsg(const.SOL_SOCKET, const.SCM_TIMESTAMP, value=time),)


class Rights:
    """Descriptors in flight, as net knows them."""

    def __init__(self, net: Net) -> None:
        self._net = net

    def drop(self, control: Iterable[Cmsg]) -> None:
        """Messages are gone without having been received."""
        if control:
            self.drop_tokens(tokens_of(control))

    def drop_tokens(self, tokens: list[int]) -> None:
        if not tokens:
            return
        try:
            start(self._net.bus.peer("gateway").call(KERNEL, calls.RIGHTS_DROP, (tokens,)))
        except KernelError:
            return  # the gateway is gone, and with it what it held

    def rights_held(self, ctx: Context) -> list[RightsHolder]:
        held = ((so.handle, tokens_of(so.waiting_control())) for so in self._net.sockets.values())
        return [RightsHolder(handle, tokens) for handle, tokens in held if tokens]
