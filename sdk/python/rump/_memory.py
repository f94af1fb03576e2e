"""Contents of long reads and writes in memory that is shared with the kernel of this host (docs/transport.md)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from typing import Any

from rumpuser.transport.framing import SUFFIX
from rumpuser.transport.memory import (
    LONG,
    LONG_CALLS,
    SLOT,
    Lending,
    Pool,
    create,
    is_long,
    lent,
    pool_in,
    read_out,
    taken,
)
from rumpuser.transport.sharing import SUFFIX as MEMORY
from rumpuser.transport.sharing import hand_over
from rumpwire import calls, const
from rumpwire import rump_sp_pb2 as sp
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.wire import decode_results, encode_steps

VECTORS = {"readv": calls.READ, "writev": calls.WRITE, "preadv": calls.PREAD, "pwritev": calls.PWRITE}
"""Calls on vectors, and those that do the same with one piece."""
CONTENTS = frozenset(calls.OPS[name] for name in (*LONG_CALLS, *VECTORS))
"""Calls whose contents may be long."""
ORIGIN = "memory"
"""Of the error of who knows nothing of memory that a message names: nothing was done."""


class Memory:
    """What one session shares. It is made, and handed to the gateway, when something long goes for the first time."""

    def __init__(self, frames: str, token: str) -> None:
        self._path = frames.removesuffix(SUFFIX) + MEMORY
        self._token = token.encode()
        self._lock = threading.Lock()
        self._lending: Lending | None = None
        self._link: socket.socket | None = None
        self._refused = False

    def lend(self, steps: Sequence[Step]) -> tuple[int, Sequence[Step]] | None:
        """See `Lending.lend`; None as well where no memory can be shared."""
        if self._link is None and not self._shared():
            return None
        assert self._lending is not None
        return self._lending.lend(steps)

    @property
    def known(self) -> bool:
        """Whether `lend` answers at once."""
        return self._link is not None or self._refused

    def give_back(self, slot: int) -> None:
        assert self._lending is not None
        self._lending.give_back(slot)

    def forget(self) -> None:
        """There may be another gateway, which has to be handed it anew."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def close(self) -> None:
        self._refused = True
        self.forget()

    def plain(self, payload: bytes) -> bytes:
        """A request with the contents in it that it names: for whoever may not know the memory."""
        request = sp.StreamRequest.FromString(payload)
        if self._lending is None or not request.shared:
            return payload
        for place in request.shared:
            call = request.calls[place.call]
            name = call.WhichOneof("call") or ""
            if name in ("write", "pwrite"):
                getattr(call, name).data = bytes(self._lending.pool.part(place.offset, place.length))
        del request.shared[:]
        data: bytes = request.SerializeToString()
        return data

    def _shared(self) -> bool:
        with self._lock:
            if self._link is None and not self._refused:
                try:
                    pool = create() if self._lending is None else self._lending.pool
                    self._link, _ = hand_over(self._path, self._token, pool)
                    self._lending = self._lending or Lending(pool)
                except OSError:  # nobody takes memory there
                    self._refused = True
            return self._link is not None


def shareable(memory: Memory | None, steps: Sequence[Step]) -> Sequence[Step] | None:
    """The steps whose contents are to go through memory, None where they are to go in the message.

    Long vectors are one piece there: for a file that makes no difference.
    """
    if memory is None:
        return None
    if any(step.op.name in VECTORS for step in steps):
        steps = [_gathered(step) if step.op.name in VECTORS else step for step in steps]
    return steps if any(map(is_long, steps)) else None


def _gathered(step: Step) -> Step:
    iov = step.args[1]
    if not isinstance(iov, (list, tuple)) or len(iov) > const.IOV_MAX:
        return step
    reads = step.op.name in ("readv", "preadv")
    if not LONG <= (sum(iov) if reads else sum(map(len, iov))) <= SLOT:
        return step
    return step._replace(
        op=VECTORS[step.op.name], args=(step.args[0], sum(iov) if reads else b"".join(iov), *step.args[2:])
    )


def request_of(steps: Sequence[Step], request: Any) -> Any:
    """Fills in a request with steps that `Memory.lend` gave."""
    encode_steps(named(steps, request), request.calls)
    return request


def outcomes_of(steps: Sequence[Step], reply: Any) -> list[Any]:
    """What came of them, as the caller keeps it. EBADRPC."""
    return [read_out(outcome) for outcome in taken(steps, decode_results(steps, reply.results), reply.shared)]


def named(steps: Sequence[Step], request: Any) -> Sequence[Step]:
    """Steps as they go into a request that names the places of their contents."""
    pool: Pool | None = pool_in(steps)
    return steps if pool is None else lent(pool, steps, request.shared)


def unknown(outcomes: Sequence[Any]) -> bool:
    """Whether calls failed, and did nothing, since somebody on the way has no such memory."""
    first = outcomes[0] if outcomes else None
    return isinstance(first, KernelError) and first.errno == Errno.EFAULT and first.origin == ORIGIN
