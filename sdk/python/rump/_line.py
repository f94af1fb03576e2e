"""The calls of one session, over one stream after another.

Any number of threads call over a line at once: the first that waits reads the answers of all, gives each its own, and
when it has its own hands the reading over to one that still waits. So a lone caller reads its answer itself, without a
switch of threads. When the stream is cut the thread that reads makes another, by the policy, and sends again what has
no answer yet; the gateway does each id once (docs/sessions.md).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from rump._errors import CONNECTION
from rump._ledger import Ledger, cancellation
from rump._retry import Policy, die, log
from rump._signals import siginfo_of
from rump._wire import Wire, copy, lost, resume
from rumpwire import rump_sp_pb2 as sp
from rumpwire import values
from rumpwire.errno import Errno, KernelError

GONE = (Errno.ESTALE, Errno.EAUTH)
"""What the gateway says when it does not know the session: its lease has passed, or the gateway is another."""


class Waiter:
    """An answer that is to come. The thread that wants it waits for it, or is the one that reads."""

    __slots__ = ("error", "id", "leads", "reply", "waits", "wake")

    def __init__(self) -> None:
        self.id = 0
        self.reply: Any = None
        self.error: KernelError | None = None
        self.leads = False
        self.waits = False
        self.wake: threading.Lock
        """Held until it may go on. Who leads from the beginning needs none."""


class SignalReader:
    """A call that brings the signals of a session, and a thread that reads them."""

    def __init__(
        self, channel: grpc.Channel, metadata: tuple[tuple[str, str], ...], signals: Callable[[values.Siginfo], None]
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
                self._signals(siginfo_of(reply))


class Line:
    """Requests and replies matched by id. ``connect`` makes a new stream, on a new channel where the old one is lost.

    ``signals`` takes the signals of the process that come while somebody reads; ``plain``: see `Ledger`.
    """

    def __init__(
        self,
        wire: Wire,
        connect: Callable[[bool], Wire],
        policy: Policy,
        name: str,
        limit: int,
        signals: Callable[[values.Siginfo], None],
        plain: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._connect = connect
        self._policy = policy
        self._name = name
        self._ledger: Ledger[Waiter] = Ledger(limit)
        self._ledger.plain = plain or self._ledger.plain
        self._lock = threading.Lock()
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
    def limit(self) -> int:
        return self._ledger.limit

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
            waiter.id, payload = self._ledger.enter(request, waiter)
            wire = self._wire
        if wire is not None:
            wire.send(payload)
        return waiter

    def collect(self, waiter: Waiter) -> Any:
        """The reply to a request; what the line is broken by, or the waiter was given up for."""
        try:
            if not waiter.leads:
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

    def exchange(self, request: Any) -> Any:
        """Sends a request, and waits for its reply: `post` and `collect`. Who is alone reads his own answer."""
        waiter, lock = Waiter(), self._lock
        wire: Wire | None = None
        try:
            with lock:
                self._check()
                waiter.id, payload = self._ledger.enter(request, waiter)
                wire = self._wire
                if wire is not None and not self._reading:
                    waiter.waits = waiter.leads = self._reading = True
                    self._leader = threading.get_ident()
            if wire is not None:
                wire.send(payload)
            if wire is not None and waiter.leads:
                reply = wire.receive()
                if self._was_it(waiter, reply, wire):
                    return reply
                self._deliver(reply, wire)
        except KernelError as error:
            if wire is None or not waiter.leads:
                raise
            self._drop(wire, error)
        except BaseException:
            self._abandon(waiter)
            raise
        return self.collect(waiter)

    def _was_it(self, waiter: Waiter, reply: Any, wire: Wire) -> bool:
        """Whether a reply is that to the one who reads, who then reads no more."""
        with self._lock:
            if reply.id != waiter.id or reply.signal or reply.busy or self._wire is not wire:
                return False
            self._ledger.settle(waiter.id)
            waiter.leads = False
            if self._ledger.waiting or self._policy.tries:
                self._hand_over()
            else:
                self._leader, self._reading = 0, False
            return True

    def cancel(self, id: int) -> None:
        """Has the kernel end a call that waits."""
        payload = cancellation(id)
        with self._lock:
            if self._wire is None:
                self._unsent.append(payload)
            else:
                self._wire.send(payload)

    def give_up(self, waiter: Waiter, why: KernelError) -> None:
        """Waits no longer for an answer. A stream that owes one for so long is taken for lost."""
        with self._lock:
            if not self._ledger.forget(waiter.id):
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
            waiter.id, metadata = self._ledger.reserve(waiter)
        try:
            yield metadata
        finally:
            with self._lock:
                self._ledger.settle(waiter.id)

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

    # -- answers

    def _enter(self, waiter: Waiter) -> None:
        with self._lock:
            if waiter.reply is not None or waiter.error is not None or self.broken is not None:
                return
            waiter.waits = True
            if not self._reading:
                self._reading = waiter.leads = True
                return
            waiter.wake = threading.Lock()
            waiter.wake.acquire()
            if self._leader == threading.get_ident():
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
                reply = wire.receive()
            except KernelError as error:
                self._drop(wire, error)
            else:
                self._deliver(reply, wire)
        with self._lock:
            self._hand_over()

    def _deliver(self, reply: Any, wire: Wire) -> None:
        if reply.signal:
            self._signals(siginfo_of(reply))
            return
        with self._lock:
            if reply.busy:
                for payload in self._ledger.again(reply.id):
                    wire.send(payload)
                return
            waiter = self._ledger.settle(reply.id)
            if waiter is None:
                return
            waiter.reply = reply
            if waiter.waits and not waiter.leads:
                waiter.wake.release()

    def _abandon(self, waiter: Waiter) -> None:
        """The waiter was interrupted (KeyboardInterrupt)."""
        wire = None
        with self._lock:
            self._ledger.forget(waiter.id)
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
        heir = next((waiter for waiter, _ in self._ledger.waiting.values() if waiter.waits), None)
        if heir is None and self._wire is not None and self._policy.tries and (why := self._wire.why()) is not None:
            self._lose(why)
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
            self.told = bool(self._ledger.waiting)
        for waiter in self._ledger.clear():
            if waiter.waits and not waiter.leads:
                waiter.wake.release()

    # -- streams

    def _watch(self, wire: Wire) -> None:
        """A stream that is cut while nobody waits is replaced too: the lease runs."""
        if self._policy.tries:
            wire.when_lost(lambda: self._noticed(wire))

    def _noticed(self, wire: Wire) -> None:
        with self._lock:
            if self._wire is not wire or self._reading:
                return
            self._lose(wire.why() or copy(None))
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
            resume(wire, self._resumption(), self._signals)
        except KernelError as error:
            self._failed(error)
        else:
            self._mended(wire)

    def _resumption(self) -> bytes:
        with self._lock:
            return self._ledger.resumption()[0]

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
            for payload in (*self._ledger.unanswered(), *self._unsent):
                wire.send(payload)
            self._unsent.clear()
            self._wire = wire
        if self._why is not None:
            log.warning("connection to %s is back", self._name)
        self._watch(wire)
