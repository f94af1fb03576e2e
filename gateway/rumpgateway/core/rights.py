"""Descriptors in messages of local sockets (SCM_RIGHTS, unix(4)).

A message carries open objects, not numbers. While it is under way each is a *token* here, which counts as a reference
to the `Description`, so that the object stays open when its sender closes it or exits. Who receives the message gets a
new descriptor for each token; net gives back the tokens of messages that nobody will receive.

A socket that is in flight and can be received only from a socket that is itself only in flight is lost: nobody can ever
get at either. When the last descriptor of a socket in flight goes, `Rights.collect` looks for such sockets (unp_gc):
all that can be reached from a descriptor is marked, through the messages that wait in it, and the rest is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from rumpgateway.core.descriptors import Description
from rumpgateway.core.kqueue import KqueueDescription
from rumpuser.component import KERNEL, Entry
from rumpuser.pending import value_of
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Cmsg, Msghdr, RightsHolder

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway
    from rumpgateway.core.process import Process

MESSAGE_MAX = 253
"""Descriptors in one message (EINVAL)."""
FLYING_MAX = 4096
"""Descriptors under way in the whole kernel (EAGAIN)."""


class Rights:
    """All descriptors in flight."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._flying: dict[int, Description] = {}
        self._last = 0
        self._closing: list[Description] = []
        self._draining = False

    def __len__(self) -> int:
        return len(self._flying)

    def descriptions(self) -> Iterable[Description]:
        return self._flying.values()

    # -- sending and receiving

    def send(self, p: Process, control: Sequence[Cmsg]) -> tuple[list[Cmsg], list[int]]:
        """The control data with tokens in the place of descriptors, and the tokens.

        EBADF, EINVAL for too many, EOPNOTSUPP for a kqueue, EAGAIN when too many are under way.
        """
        wanted = [[p.fds.get(fd) for fd in cmsg.rights] for cmsg in control]
        found = [description for descriptions in wanted for description in descriptions]
        if len(found) > MESSAGE_MAX:
            raise KernelError(Errno.EINVAL, f"{len(found)} descriptors in a message; {MESSAGE_MAX} are the most")
        if any(isinstance(description, KqueueDescription) for description in found):
            raise KernelError(Errno.EOPNOTSUPP, "a kqueue cannot be passed on")
        if len(self._flying) + len(found) > FLYING_MAX:
            raise KernelError(Errno.EAGAIN, f"{len(self._flying)} descriptors are under way in messages")
        tokens = [[self._take_off(description) for description in descriptions] for descriptions in wanted]
        changed = [cmsg._replace(rights=new) for cmsg, new in zip(control, tokens, strict=True)]
        return changed, [token for new in tokens for token in new]

    def _take_off(self, description: Description) -> int:
        self._last += 1
        description.refs += 1
        description.flying += 1
        self._flying[self._last] = description
        self._gateway.host.records.put("flying", self._last, (description.owner, description.handle, description.pgid))
        return self._last

    def restore(self, token: int, description: Description) -> None:
        """What a predecessor of the gateway had taken off."""
        self._last = max(self._last, token)
        self._flying[token] = description
        description.refs += 1
        description.flying += 1

    async def receive(self, p: Process, message: Msghdr, *, cloexec: bool) -> Msghdr:
        """The message with new descriptors; those for which there is no number are lost (MSG_CTRUNC)."""
        control: list[Cmsg] = []
        lost: list[int] = []
        for cmsg in message.control:
            if not cmsg.rights:
                control.append(cmsg)
                continue
            room = max(0, p.fds.limit - len(p.fds))
            fds = [self._land(p, token, cloexec=cloexec) for token in cmsg.rights[:room] if token in self._flying]
            lost += cmsg.rights[room:]
            if fds:
                control.append(cmsg._replace(rights=fds))
        await self.drop(lost)
        return message._replace(control=control, msg_flags=message.msg_flags | (const.MSG_CTRUNC if lost else 0))

    def _land(self, p: Process, token: int, *, cloexec: bool) -> int:
        description = self._flying.pop(token)
        self._gateway.host.records.delete("flying", token)
        description.flying -= 1
        description.refs -= 1
        return p.fds.install(description, cloexec=cloexec)

    # -- what is not received

    async def drop(self, tokens: Iterable[int]) -> None:
        """Ends references; what is closed by that may drop others, so it is done from a list and not in one another."""
        for token in tokens:
            description = self._flying.pop(token, None)
            if description is not None:
                self._gateway.host.records.delete("flying", token)
                description.flying -= 1
                description.refs -= 1
                if not description.refs:
                    self._closing.append(description)
        if self._draining:
            return
        self._draining = True
        try:
            while self._closing:
                await self._close(self._closing.pop())
        finally:
            self._draining = False

    async def _close(self, description: Description) -> None:
        try:
            peer = self._gateway.peer(description.owner)
            await value_of(peer.call(KERNEL, calls.CLOSE, (description.handle,)))
        except KernelError:
            return  # errors of closing are nobody's any more

    async def collect(self) -> None:
        """Closes the sockets that can only be received from one another."""
        try:
            held: Sequence[RightsHolder] = await value_of(self._gateway.peer("net").call(KERNEL, calls.RIGHTS_HELD, ()))
        except KernelError:
            return
        inside = {holder.socket: holder.tokens for holder in held}
        sockets = {d.handle: d for d in self._flying.values() if d.owner == "net"}
        reached = self._reached(inside, {handle for handle, d in sockets.items() if d.refs > d.flying})
        lost = [d for d in sockets.values() if d.handle not in reached and d.handle in inside]
        await self.drop([token for token, d in self._flying.items() if d in lost])

    def _reached(self, inside: dict[int, list[int]], held: set[int]) -> set[int]:
        """The sockets that can be got at: those with a descriptor, and what waits in them, and so on.

        A token that waits nowhere is on its way between here and net; what it stands for counts as reached.
        """
        flying = {d.handle for d in self._flying.values() if d.owner == "net"}
        known = {token for tokens in inside.values() for token in tokens}
        todo = [handle for handle in inside if handle not in flying or handle in held]
        todo += [d.handle for token, d in self._flying.items() if token not in known and d.owner == "net"]
        reached = set(todo)
        while todo:
            for token in inside.get(todo.pop(), ()):
                description = self._flying.get(token)
                if description is not None and description.owner == "net" and description.handle not in reached:
                    reached.add(description.handle)
                    todo.append(description.handle)
        return reached

    def lost(self, owner: str) -> list[int]:
        """The tokens of messages that a component took along when it ended."""
        return list(self._flying) if owner == "net" else []


# -- the calls


def sendmsg(gateway: Gateway, p: Process, s: int, msg: Msghdr | None, flags: int) -> Any:
    if msg is None or not any(cmsg.rights for cmsg in msg.control):
        return gateway.route(p, calls.SENDMSG, (s, msg, flags))
    return _send(gateway, p, [msg], lambda msgs: gateway.route(p, calls.SENDMSG, (s, msgs[0], flags)))


def sendmmsg(gateway: Gateway, p: Process, s: int, msgs: Sequence[Msghdr], flags: int) -> Any:
    return _send(gateway, p, msgs, lambda changed: gateway.route(p, calls.SENDMMSG, (s, changed, flags)))


async def _send(gateway: Gateway, p: Process, msgs: Sequence[Msghdr], send: Callable[[list[Msghdr]], Any]) -> Any:
    """Takes the descriptors in messages along. Those of messages that were not sent stay behind."""
    tokens: list[list[int]] = []
    changed: list[Msghdr] = []
    done = 0
    try:
        for msg in msgs:
            control, new = gateway.rights.send(p, msg.control)
            tokens.append(new)
            changed.append(msg._replace(control=control))
        sent = await value_of(send(changed))
        done = sent if len(msgs) > 1 else len(msgs)
        return sent
    finally:
        await gateway.rights.drop([token for new in tokens[done:] for token in new])


def recvmsg(gateway: Gateway, p: Process, s: int, len: int, controllen: int, flags: int) -> Any:
    cloexec = bool(flags & const.MSG_CMSG_CLOEXEC)
    found = gateway.route(p, calls.RECVMSG, (s, len, controllen, flags & ~const.MSG_CMSG_CLOEXEC))
    if type(found) is not CoroutineType and not (found is not None and found.control):
        return found
    return _receive(gateway, p, found, cloexec)


async def _receive(gateway: Gateway, p: Process, found: Any, cloexec: bool) -> Msghdr | None:
    message: Msghdr | None = await value_of(found)
    if message is None or not message.control:
        return message
    return await gateway.rights.receive(p, message, cloexec=cloexec)


async def recvmmsg(gateway: Gateway, p: Process, s: int, vlen: int, len: int, flags: int, timeout: Any) -> Any:  # noqa: ASYNC109
    cloexec = bool(flags & const.MSG_CMSG_CLOEXEC)
    args = (s, vlen, len, flags & ~const.MSG_CMSG_CLOEXEC, timeout)
    found = await value_of(gateway.route(p, calls.RECVMMSG, args))
    return [await gateway.rights.receive(p, message, cloexec=cloexec) for message in found]


RIGHTS_CALLS: dict[str, Entry] = {
    "sendmsg": Entry(sendmsg),
    "sendmmsg": Entry(sendmmsg),
    "recvmsg": Entry(recvmsg),
    "recvmmsg": Entry(recvmmsg),
}
