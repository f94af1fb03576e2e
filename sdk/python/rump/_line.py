"""The calls of one session, over one stream after another.

Any number of threads call over a line at once: the first that waits reads the answers of all, gives each its own, and
when it has its own hands the reading over to one that still waits. So a lone caller reads its answer itself, without a
switch of threads. When the stream is cut the thread that reads makes another, by the policy, and sends again what has
no answer yet; the gateway does each id once (docs/sessions.md).
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from rump._errors import CONNECTION
from rump._grpc import kernel_error
from rump._retry import Policy, die, log
from rumpwire import rump_sp_pb2 as sp
from rumpwire.errno import Errno, KernelError

RESUME_S = 5.0
"""How long the first answer on a new stream may take."""
GONE = (Errno.ESTALE, Errno.EAUTH)
"""What the gateway says when it does not know the session: its lease has passed, or the gateway is another."""

_CUT = (Errno.ENOTCONN, Errno.EINTR, Errno.EIO)
"""What a stream ends with when its connection is cut, by what was on its way."""


class Waiter:
    """An answer that is to come. The thread that wants it waits for it, or is the one that reads."""

    __slots__ = ("error", "id", "leads", "payload", "reply", "waits", "wake")

    def __init__(self) -> None:
        self.id = 0
        self.payload = b""
        """The request, to be sent again; empty where it goes by another way than the stream."""
        self.reply: Any = None
        self.error: KernelError | None = None
        self.leads = False
        self.waits = False
        self.wake = threading.Lock()
        self.wake.acquire()


class Wire:
    """One stream."""

    def __init__(self, channel: grpc.Channel, metadata: tuple[tuple[str, str], ...]) -> None:
        self.outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        method: Any = channel.stream_stream(
            "/rump.sp.v1.Session/Stream", request_serializer=None, response_deserializer=sp.StreamResponse.FromString
        )
        requests: Iterator[bytes] = iter(self.outgoing.get, None)
        try:
            self.call = method(requests, metadata=metadata)
        except ValueError:  # what a channel that was closed says
            raise copy(None) from None

    def resume(self, first: Any) -> None:
        """Takes up where another stream was cut. ESTALE, EAUTH, ENOTCONN."""
        late = threading.Timer(RESUME_S, self.call.cancel)
        late.daemon = True
        late.start()
        try:
            self.outgoing.put(first.SerializeToString())
            next(self.call)
        except (StopIteration, grpc.RpcError) as error:
            self.end()
            raise lost(error) from None
        except BaseException:
            self.end()
            raise
        finally:
            late.cancel()

    def end(self) -> None:
        self.outgoing.put(None)
        self.call.cancel()


class SignalReader:
    """A call that brings the signals of a session, and a thread that reads them."""

    def __init__(
        self, channel: grpc.Channel, metadata: tuple[tuple[str, str], ...], signals: Callable[[int], None]
    ) -> None:
        method: Any = channel.unary_stream(
            "/rump.sp.v1.Session/Signals",
            request_serializer=sp.SignalsRequest.SerializeToString,
            response_deserializer=sp.SignalsResponse.FromString,
        )
        self._call = method(sp.SignalsRequest(), metadata=metadata)
        self._signals = signals
        try:
            next(self._call)  # from now on signals come here
        except (StopIteration, grpc.RpcError) as error:
            raise lost(error) from None
        threading.Thread(target=self._read, name="rump-signals", daemon=True).start()

    def close(self) -> None:
        self._call.cancel()

    def _read(self) -> None:
        with contextlib.suppress(grpc.RpcError):  # the connection has ended, as the next call will tell
            for reply in self._call:
                self._signals(reply.signal)


class Line:
    """Requests and replies matched by id. ``connect`` makes a new stream, on a new channel where the old one is lost.

    ``signals`` takes the signals of the process that come while somebody reads.
    """

    def __init__(
        self,
        wire: Wire,
        connect: Callable[[bool], Wire],
        policy: Policy,
        name: str,
        limit: int,
        signals: Callable[[int], None],
    ) -> None:
        self._connect = connect
        self._policy = policy
        self._name = name
        self.limit = limit
        self._lock = threading.Lock()
        self._next = 1
        self._waiting: dict[int, Waiter] = {}
        self._answered: list[int] = []
        self._unsent: list[bytes] = []
        self._reading = False
        self._wire: Wire | None = wire
        self._why: KernelError | None = None
        self._waits: Iterator[float] = iter(())
        self._nudge = threading.Event()
        self._leaving = False
        self._signals = signals
        self._leader = 0
        self.broken: KernelError | None = None
        self.told = False
        """Whether somebody has been told why it is broken."""
        self._watch(wire)

    @property
    def lasting(self) -> bool:
        """Whether a stream that is lost is replaced."""
        return self._policy.tries

    # -- calls

    def post(self, request: Any) -> Waiter:
        """Sends a request; `collect` gives the reply. EMSGSIZE, and why the line is broken."""
        waiter = Waiter()
        with self._lock:
            self._check()
            self._address(request, self._next)
            payload = request.SerializeToString()
            if len(payload) > self.limit:
                text = f"the message has {len(payload)} bytes, the kernel takes {self.limit}"
                raise KernelError(Errno.EMSGSIZE, text, CONNECTION)
            waiter.payload = payload
            self._answered.clear()
            self._register(waiter)
            wire = self._wire
        if wire is not None:
            wire.outgoing.put(payload)
        return waiter

    def collect(self, waiter: Waiter) -> Any:
        """The reply to a request; what the line is broken by, or the waiter was given up for."""
        try:
            self._enter(waiter)
            if waiter.waits and not waiter.leads:
                waiter.wake.acquire()
            if waiter.leads:
                self._lead(waiter)
        except BaseException:
            self._abandon(waiter)
            raise
        if waiter.reply is None:
            raise copy(waiter.error or self.broken)
        return waiter.reply

    def cancel(self, id: int) -> None:
        """Has the kernel end a call that waits."""
        self._send(sp.StreamRequest(id=id, cancel=True).SerializeToString())

    def give_up(self, waiter: Waiter, why: KernelError) -> None:
        """Waits no longer for an answer. A stream that owes one for so long is taken for lost."""
        with self._lock:
            if self._waiting.pop(waiter.id, None) is None:
                return
            waiter.error = why
            if waiter.waits and not waiter.leads:
                waiter.wake.release()
            wire = self._wire
        self._nudge.set()
        if wire is not None:
            wire.end()

    @contextlib.contextmanager
    def reserved(self) -> Iterator[tuple[tuple[str, str], ...]]:
        """An id for a call that is made by another way than the stream, as the metadata that says it."""
        waiter = Waiter()
        with self._lock:
            self._check()
            acked = next(iter(self._waiting), self._next)
            self._register(waiter)
        try:
            yield ("rump-call", str(waiter.id)), ("rump-acked", str(acked))
        finally:
            with self._lock:
                self._settle(waiter.id)

    def ping(self) -> None:
        """Waits until the connection is there, as far as the policy lets it."""
        self.collect(self.post(sp.StreamRequest()))

    def leave(self) -> None:
        """The session is about to be ended by us: that it ends is no error."""
        self._leaving = True

    def forked(self) -> None:
        """In the child of a fork of the host: the stream is the parent's, and a lock may be held by nobody."""
        text = "the connection is the parent's; a child connects by itself, or as the child that prefork made"
        self._lock = threading.Lock()
        self.broken, self.told, self._wire = KernelError(Errno.ENOTCONN, text, CONNECTION), True, None

    def close(self) -> None:
        self._leaving = True
        with self._lock:
            self._break(copy(None))
            wire, self._wire = self._wire, None
        self._nudge.set()
        if wire is not None:
            wire.end()

    def _check(self) -> None:
        if self.broken is not None:
            self.told = True
            raise copy(self.broken)

    def _address(self, request: Any, id: int) -> None:
        """With the lock held, so that no id is acknowledged that another thread is about to use."""
        request.id = id
        request.acked = next(iter(self._waiting), id)
        if self._answered:
            request.answered.extend(self._answered)

    def _register(self, waiter: Waiter) -> None:
        waiter.id = self._next
        self._next += 1
        self._waiting[waiter.id] = waiter

    def _send(self, payload: bytes) -> None:
        with self._lock:
            if self._wire is None:
                self._unsent.append(payload)
            else:
                self._wire.outgoing.put(payload)

    # -- answers

    def _enter(self, waiter: Waiter) -> None:
        with self._lock:
            if waiter.reply is not None or waiter.error is not None or self.broken is not None:
                return
            waiter.waits = True
            if not self._reading:
                self._reading = waiter.leads = True
            elif self._leader == threading.get_ident():
                # The handler of a host signal, in the thread that waits for an answer: it cannot read another one.
                text = "a handler of a signal calls the kernel in the middle of another call; see Client.on_signal"
                raise KernelError(Errno.EDEADLK, text, CONNECTION)

    def _lead(self, waiter: Waiter | None) -> None:
        """Reads replies until the waiter's own has come; without one, until there is a stream again."""
        self._leader = threading.get_ident()
        while self.broken is None and (self._wire is None if waiter is None else not (waiter.reply or waiter.error)):
            wire = self._wire
            if wire is None:
                self._mend()
                continue
            try:
                reply = next(wire.call)
            except (StopIteration, grpc.RpcError) as error:
                self._drop(wire, lost(error))
            else:
                self._deliver(reply, wire)
        with self._lock:
            self._hand_over()

    def _deliver(self, reply: Any, wire: Wire) -> None:
        if reply.signal:
            self._signals(reply.signal)
            return
        with self._lock:
            if reply.busy:
                self._again(reply.id, wire)
                return
            waiter = self._settle(reply.id)
            if waiter is None:
                return
            waiter.reply = reply
            if waiter.waits and not waiter.leads:
                waiter.wake.release()

    def _settle(self, id: int) -> Waiter | None:
        """An answer has come: it is acknowledged with the next request."""
        waiter = self._waiting.pop(id, None)
        if next(iter(self._waiting), id) < id:
            self._answered.append(id)
        return waiter

    def _again(self, id: int, wire: Wire) -> None:
        """The gateway holds too many answers that it does not know to have arrived."""
        waiter = self._waiting.get(id)
        if waiter is not None:
            only = sp.StreamRequest()
            self._address(only, 0)
            only.acked = next(iter(self._waiting))
            self._answered.clear()
            wire.outgoing.put(only.SerializeToString())
            wire.outgoing.put(waiter.payload)

    def _abandon(self, waiter: Waiter) -> None:
        """The waiter was interrupted (KeyboardInterrupt)."""
        wire = None
        with self._lock:
            self._waiting.pop(waiter.id, None)
            if waiter.leads:
                # A read that was interrupted cannot be taken up again: another stream takes over, which also tells the
                # gateway that nobody waits for this call any more.
                wire, self._wire = self._wire, None
                if wire is not None:
                    self._why = None
                    self._waits = iter((0.0, *self._policy.waits()))
                self._hand_over()
        if wire is not None:
            wire.end()
        elif not waiter.leads:
            self.cancel(waiter.id)

    def _hand_over(self) -> None:
        """Makes another waiter the one that reads, or a thread of its own where there is only a stream to be made."""
        self._leader = 0
        heir = next((waiter for waiter in self._waiting.values() if waiter.waits), None)
        if heir is None and self._wire is not None and self._policy.tries and self._wire.call.done():
            self._lose(lost(self._wire.call))
        alone = heir is None and self._wire is None and self.broken is None
        self._reading = heir is not None or alone
        if heir is not None:
            heir.leads = True
            heir.wake.release()
        elif alone:
            threading.Thread(target=self._lead, args=(None,), name="rump-reconnect", daemon=True).start()

    def _break(self, why: KernelError) -> None:
        """Ends all that wait. With the lock held."""
        if self.broken is None:
            self.broken = copy(None) if self._leaving else why
            self.told = bool(self._waiting)
        for waiter in self._waiting.values():
            if waiter.waits and not waiter.leads:
                waiter.wake.release()
        self._waiting.clear()

    # -- streams

    def _watch(self, wire: Wire) -> None:
        """A stream that is cut while nobody waits is replaced too: the lease runs."""
        if self._policy.tries:
            wire.call.add_done_callback(lambda _: self._noticed(wire))

    def _noticed(self, wire: Wire) -> None:
        with self._lock:
            if self._wire is not wire or self._reading:
                return
            self._lose(lost(wire.call))
            self._hand_over()

    def _drop(self, wire: Wire, why: KernelError) -> None:
        with self._lock:
            if self._wire is wire:
                self._lose(why)

    def _lose(self, why: KernelError) -> None:
        self._wire, self._why = None, why
        if self._policy.die and not self._leaving:
            log.error("connection to %s lost (%s); this process ends", self._name, why.text)
            die()
        if self._policy.tries and why.errno == Errno.ENOTCONN:  # what the gateway itself says is final
            log.warning("connection to %s lost (%s); trying again", self._name, why.text)
            self._waits = self._policy.waits()
        else:
            self._waits = iter(())

    def _mend(self) -> None:
        """Tries once to make a stream; breaks the line when there is no more trying."""
        wait = next(self._waits, None)
        why = self._why or KernelError(Errno.ENOTCONN, "the connection is lost", CONNECTION)
        if wait is None:
            with self._lock:
                self._break(why)
            return
        if wait:
            self._nudge.wait(wait)
            self._nudge.clear()
        if self.broken is not None:
            return
        try:
            wire = self._connect(self._why is not None)
            wire.resume(self._resumption())
        except KernelError as error:
            self._failed(error)
        else:
            self._mended(wire)

    def _resumption(self) -> Any:
        with self._lock:
            self._answered.clear()
            waiting = list(self._waiting)
            return sp.StreamRequest(resume=True, acked=waiting[0] if waiting else self._next, waiting=waiting)

    def _failed(self, error: KernelError) -> None:
        if error.errno in GONE:
            text = f"{error.text}; whether calls that had no answer were done is not known"
            with self._lock:
                self._break(KernelError(Errno.ESTALE, text, CONNECTION))
        elif error.errno != Errno.ENOTCONN:
            with self._lock:
                self._break(error)
        else:
            self._why = error

    def _mended(self, wire: Wire) -> None:
        with self._lock:
            if self.broken is not None:
                wire.end()
                return
            for payload in (*(w.payload for w in self._waiting.values() if w.payload), *self._unsent):
                wire.outgoing.put(payload)
            self._unsent.clear()
            self._wire = wire
        if self._why is not None:
            log.warning("connection to %s is back", self._name)
        self._watch(wire)


def lost(error: Any) -> KernelError:
    """Why a stream ended."""
    if isinstance(error, grpc.RpcError):
        found = kernel_error(error)
        if found.origin != CONNECTION or found.errno not in _CUT:
            return found
        return KernelError(Errno.ENOTCONN, f"the connection to the kernel is lost: {found.text}", CONNECTION)
    return KernelError(Errno.ENOTCONN, "the kernel has ended the connection", CONNECTION)


def copy(error: KernelError | None) -> KernelError:
    """One exception per thread: tracebacks must not mix."""
    if error is None:
        return KernelError(Errno.ENOTCONN, "the connection is closed", CONNECTION)
    return KernelError(error.errno, error.text, error.origin)
