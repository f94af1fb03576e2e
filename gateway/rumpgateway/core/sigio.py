"""SIGIO: objects that were made asynchronous (FIOASYNC, O_ASYNC) and have an owner (F_SETOWN) tell it of news.

Each component that holds such objects has a part of a kqueue for them, which watches both directions with EV_CLEAR: so
every piece of data and every room that comes up is told once, wherever the object is.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from rumpgateway.core.descriptors import Description
from rumpgateway.core.signals import post
from rumpgateway.core.waiting import find_devices
from rumpuser.component import KERNEL
from rumpuser.pending import Running, start, value_of
from rumpwire import calls, const
from rumpwire.errno import KernelError
from rumpwire.values import KnoteSpec, Siginfo

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway

QUEUE = 0
"""The parts' number: kqueues of clients begin with 1."""
_MANY = 64
NEWS = {
    const.EVFILT_READ: Siginfo(si_code=const.POLL_IN, si_band=const.POLLIN | const.POLLRDNORM),
    const.EVFILT_WRITE: Siginfo(si_code=const.POLL_OUT, si_band=const.POLLOUT | const.POLLWRNORM),
}
"""What comes with SIGIO."""


class Asynchronous:
    """The objects of a kernel that send SIGIO."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._watched: dict[str, dict[int, Description]] = {}
        self._serving: dict[str, Any] = {}
        self._numbers = itertools.count(1)

    async def switch(self, description: Description, *, on: bool) -> None:
        """Begins to watch an object, or ends it. Nothing for what is never ready or not, such as the console."""
        if not on:
            await self.forget(description)
        elif not description.asynchronous:
            await find_devices(self._gateway, [description])
            description.asynchronous = next(self._numbers)
            await self._watch(description)

    async def _watch(self, description: Description) -> None:
        owner, number = _where(description), description.asynchronous
        flags = const.EV_ADD | const.EV_CLEAR
        handle = description.device or description.handle
        changes = [
            KnoteSpec(number, handle, 0, kind, flags, 0, 0, 0) for kind in (const.EVFILT_READ, const.EVFILT_WRITE)
        ]
        peer = self._gateway.peer(owner)
        await value_of(peer.call(KERNEL, calls.KNOTE_CHANGE, (QUEUE, changes, len(changes))))
        await value_of(peer.call(KERNEL, calls.KNOTE_COLLECT, (QUEUE, _MANY, False)))  # what holds now is no news
        first = owner not in self._watched
        self._watched.setdefault(owner, {})[number] = description
        if first:
            self._begin(owner)

    def _begin(self, owner: str) -> None:
        serving: Any = self._serve(owner)
        self._serving[owner] = start(serving)

    def rest(self) -> None:
        """Looks no more until it goes on, here or at a successor."""
        serving, self._serving = self._serving, {}
        for running in serving.values():
            if isinstance(running, Running):
                running.cancel()

    def go_on(self) -> None:
        for owner in self._watched:
            self._begin(owner)

    async def forget(self, description: Description) -> None:
        """The object is closed, or wants no more signals."""
        owner, number = _where(description), description.asynchronous
        description.asynchronous = 0
        watched = self._watched.get(owner, {})
        if watched.pop(number, None) is None:
            return
        ident = number if watched else -1
        if not watched:
            del self._watched[owner]
        try:
            await value_of(self._gateway.peer(owner).call(KERNEL, calls.KNOTE_DETACH, (QUEUE, ident)))
        except KernelError:
            return

    def lost(self, owner: str) -> None:
        """A component has ended, and its objects with it."""
        self._watched.pop(owner, None)

    async def _serve(self, owner: str) -> None:
        watched = self._watched[owner]
        try:
            while self._watched.get(owner) is watched:
                call = self._gateway.peer(owner).call(KERNEL, calls.KNOTE_COLLECT, (QUEUE, _MANY, True))
                for event in await value_of(call):
                    await self._tell(watched.get(event.ident), event.filter)
        except KernelError:
            return  # the component has ended, or the last object was forgotten

    async def _tell(self, description: Description | None, kind: int) -> None:
        if description is not None and description.pgid:
            await post(self._gateway, description.pgid, const.SIGIO, NEWS.get(kind))


def _where(description: Description) -> str:
    return "dev" if description.device else description.owner
