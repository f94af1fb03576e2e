"""Which requests of a session have no answer yet, and which answers the gateway need keep no longer (docs/sessions.md).

No I/O, threads or tasks: whoever uses it says what arrives, and sends what it gives. ``W`` is what waits for an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from rump._errors import CONNECTION
from rumpwire import rump_sp_pb2 as sp
from rumpwire.errno import Errno, KernelError

W = TypeVar("W")


_NOBODY = (None, b"")


class Ledger(Generic[W]):
    """The books of one session. ``limit``: bytes of the longest request that its gateway takes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.waiting: dict[int, tuple[W, bytes]] = {}
        """By id, in order: who waits, and the request, which is empty where it goes by another way than the stream."""
        self.plain: Callable[[bytes], bytes] = lambda payload: payload
        """Makes of a request one that stands alone, before it is sent again to who may know nothing of what it names."""
        self._next = 1
        self._answered: list[int] = []

    def enter(self, request: Any, waiter: W) -> tuple[int, bytes]:
        """Numbers a request: its id, and what is to be sent. EMSGSIZE."""
        number, waiting = self._next, self.waiting
        request.id = number
        request.acked = next(iter(waiting)) if waiting else number
        if self._answered:
            request.answered.extend(self._answered)
        payload = request.SerializeToString()
        if len(payload) > self.limit:
            text = f"the message has {len(payload)} bytes, the kernel takes {self.limit}"
            raise KernelError(Errno.EMSGSIZE, text, CONNECTION)
        self._answered.clear()
        self._next = number + 1
        waiting[number] = waiter, payload
        return number, payload

    def reserve(self, waiter: W) -> tuple[int, tuple[tuple[str, str], ...]]:
        """An id for a unary call, and the metadata that says it."""
        number, self._next = self._next, self._next + 1
        acked = self._lowest(number)
        self.waiting[number] = waiter, b""
        return number, (("rump-call", str(number)), ("rump-acked", str(acked)))

    def settle(self, number: int) -> W | None:
        """An answer has come: it is acknowledged with the next request. Who waits for it, if anybody does."""
        waiting = self.waiting
        waiter, _ = waiting.pop(number, _NOBODY)
        if waiting and next(iter(waiting)) < number:
            self._answered.append(number)
        return waiter

    def forget(self, number: int) -> bool:
        """Nobody waits for an answer any more; whether somebody did."""
        return self.waiting.pop(number, None) is not None

    def again(self, number: int) -> tuple[bytes, ...]:
        """What is to be sent when the gateway holds too many answers that it does not know to have arrived."""
        if number not in self.waiting:
            return ()
        only = sp.StreamRequest(acked=self._lowest(number), answered=self._answered)
        self._answered.clear()
        return only.SerializeToString(), self.waiting[number][1]

    def resumption(self) -> tuple[bytes, list[int]]:
        """The first request of a stream that takes up where another was cut, and the ids that it names."""
        self._answered.clear()
        waiting = list(self.waiting)
        first = sp.StreamRequest(resume=True, acked=self._lowest(self._next), waiting=waiting)
        return first.SerializeToString(), waiting

    def unanswered(self) -> list[bytes]:
        """What is to be sent again after that."""
        return [self.plain(payload) for _, payload in self.waiting.values() if payload]

    def clear(self) -> list[W]:
        """No answer will come: who waited."""
        waiters = [waiter for waiter, _ in self.waiting.values()]
        self.waiting.clear()
        return waiters

    def _lowest(self, otherwise: int) -> int:
        return next(iter(self.waiting), otherwise)


def cancellation(number: int) -> bytes:
    """Has the kernel end a call that waits."""
    data: bytes = sp.StreamRequest(id=number, cancel=True).SerializeToString()
    return data
