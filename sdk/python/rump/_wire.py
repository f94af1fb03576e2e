"""One stream of a session, for threads: over gRPC, or in frames on a socket or ring of this host (docs/transport.md)."""

from __future__ import annotations

import contextlib
import math
import queue
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError

from rump._errors import CONNECTION
from rump._grpc import kernel_error
from rump._signals import siginfo_of
from rumpuser.polling import let_others_run
from rumpuser.transport.framing import ATTACH, ATTACHED, HEADER, Cutter, framed
from rumpuser.transport.linger import CROWDED_NS, LINGER_NS, Crowd, Linger
from rumpuser.transport.offer import HELLO_S, LostOfferError, hello, read_offer, wanted
from rumpuser.transport.ring import Reader, Ring
from rumpwire import rump_sp_pb2 as sp
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Siginfo
from rumpwire.wire import decode_error

RESUME_S = 5.0
"""How long the first answer on a new stream may take."""
_PIECE = 1 << 16
LONGEST = (1 << 32) - 1
"""Bytes of a reply: the gateway is trusted to know what it sends."""
_PATIENCE_MS = 20
"""How long a caller waits for room in a socket, before it leaves what it sends to a thread."""
_NAP_S = 0.001
_SIGNALS = struct.pack("@ll", 0, 500_000)
"""How long a wait lasts before signals are looked for: one that comes just before it does not end it."""
_CUT = (Errno.ENOTCONN, Errno.EINTR, Errno.EIO)
"""What a stream ends with when its connection is cut, by what was on its way."""


_NOW = int(socket.MSG_DONTWAIT)
_AT_ONCE = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
_BELLS = 256


class Wire(Protocol):
    """A stream. One thread receives at a time; any number sends."""

    def send(self, payload: bytes) -> None:
        """Sends a request, and never waits for long. That the stream is broken `receive` tells."""

    def receive(self) -> Any:
        """The next reply. Raises why there is none: ENOTCONN when the connection was cut."""

    def end(self) -> None:
        """Ends the stream; who receives is told that it is lost."""

    def when_lost(self, callback: Callable[[], None]) -> None:
        """Calls back, from another thread, when the stream has ended."""

    def why(self) -> KernelError | None:
        """Why the stream has ended, if it has and nothing is left to receive."""


class GrpcWire:
    """`Session.Stream`."""

    def __init__(self, channel: grpc.Channel, metadata: tuple[tuple[str, str], ...]) -> None:
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        method: Any = channel.stream_stream(
            "/rump.sp.v1.Session/Stream", request_serializer=None, response_deserializer=sp.StreamResponse.FromString
        )
        requests: Iterator[bytes] = iter(self._outgoing.get, None)
        try:
            self._call = method(requests, metadata=metadata)
        except ValueError:  # what a channel that was closed says
            raise copy(None) from None
        self.send = self._outgoing.put
        # The thread of gRPC that takes requests from the queue would wait there for ever.
        self._call.add_done_callback(lambda _: self._outgoing.put(None))

    def receive(self) -> Any:
        try:
            return next(self._call)
        except (StopIteration, grpc.RpcError) as error:
            raise lost(error) from None

    def end(self) -> None:
        self._call.cancel()

    def when_lost(self, callback: Callable[[], None]) -> None:
        self._call.add_done_callback(lambda _: callback())

    def why(self) -> KernelError | None:
        return lost(self._call) if self._call.done() else None


def attach(path: str, request: Any, seconds: float) -> Any:
    """Attaches where frames are spoken, and where the host tells the kernel whose program this is.

    Raises OSError when nobody answers there; KernelError as Attach does, ETIMEDOUT.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(seconds)
        link.connect(path)
        try:
            link.sendall(framed(ATTACH + request.SerializeToString()))
            with link.makefile("rb") as answer:
                length = int.from_bytes(answer.read(HEADER), "little")
                return attached(answer.read(length), length)
        except TimeoutError:
            raise no_answer(path) from None


def attached(frame: bytes, length: int) -> Any:
    """The answer in a frame; raises why there is none."""
    if len(frame) < length or not frame:
        raise ConnectionResetError
    if not frame.startswith(ATTACHED):
        reply_of(frame)
        raise KernelError(Errno.EBADRPC, "the kernel sent something that is no answer to Attach", CONNECTION)
    try:
        return sp.AttachResponse.FromString(frame[len(ATTACHED) :])
    except DecodeError:
        raise KernelError(Errno.EBADRPC, "the kernel sent something that is no AttachResponse", CONNECTION) from None


def no_answer(path: str) -> KernelError:
    return KernelError(Errno.ETIMEDOUT, f"{path} does not answer", CONNECTION)


class _Socket(socket.socket):
    """Is closed when nobody uses it any more: by then all threads are out of it."""

    def __del__(self) -> None:
        self.close()


def frame_wire(path: str, session: str, *, ring: bool = True) -> FrameWire:
    """A stream without gRPC, on a ring where one is to be had. Raises OSError when nobody listens there."""
    ring = ring and wanted() == "ring"
    link = _Socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(HELLO_S)
    try:
        link.connect(path)
    except BaseException:
        link.close()
        raise
    found, early = None, b""
    try:
        link.sendall(framed(hello(session, ring=ring)))
        if ring:
            found, early = read_offer(link)
        link.settimeout(None)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _SIGNALS)
    except LostOfferError:
        link.close()
        return frame_wire(path, session, ring=False)
    except (OSError, KernelError):  # who receives tells
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
    return FrameWire(link, early) if found is None else RingWire(link, found)


class FrameWire:
    """Frames on a socket."""

    def __init__(self, link: socket.socket, early: bytes = b"") -> None:
        self._socket = link
        self._cutter = Cutter(LONGEST)
        self._cutter.feed(early)
        self._outbox: deque[bytes] = deque()
        self._rest: memoryview = memoryview(b"")
        self._sending = threading.Lock()

    def send(self, payload: bytes) -> None:
        # Whoever finds the lock taken, also in the middle of itself as the handler of a signal, leaves it to the holder.
        self._outbox.append(payload)
        while self._outbox and self._sending.acquire(blocking=False):
            if not self._flush(_PATIENCE_MS):
                threading.Thread(target=self._flush_all, name="rump-send", daemon=True).start()
                return
            self._sending.release()

    def _flush(self, patience_ms: int | None) -> bool:
        """Sends what there is. With the lock held. False when the other side takes no more in time."""
        try:
            while self._rest or self._outbox:
                rest = self._rest or memoryview(framed(self._outbox.popleft()))
                self._rest = rest[self._put(rest) :]
                if self._rest and not self._room(patience_ms):
                    return False
        except (OSError, KernelError):  # who receives tells
            self._rest = memoryview(b"")
            self._outbox.clear()
        return True

    def _put(self, data: bytes | memoryview) -> int:
        """Sends as much as there is room for."""
        try:
            return self._socket.send(data, _NOW)
        except BlockingIOError:
            return 0

    def _room(self, patience_ms: int | None) -> bool:
        """Waits for room; whether there is any."""
        room = select.poll()
        room.register(self._socket, select.POLLOUT)
        return bool(room.poll(patience_ms))

    def _flush_all(self) -> None:
        self._flush(None)
        self._sending.release()
        if self._outbox:  # what came between the two
            self.send(self._outbox.popleft())

    def receive(self) -> Any:
        cutter = self._cutter
        frame = cutter.frame() if cutter.more else None
        while frame is None:
            data = self._read()
            frame = cutter.alone(data)
            if frame is None:
                cutter.feed(data)
                frame = cutter.frame()
        return reply_of(frame)

    def _read(self) -> bytes:
        """What comes next."""
        try:
            while (data := self._receive()) is None:
                pass
        except OSError as error:
            raise cut(error.strerror or "") from None
        if not data:
            raise cut("the kernel has ended the connection")
        return data

    def _receive(self) -> bytes | None:
        """None when nothing came for a while: a signal that came just before the wait is heeded then."""
        try:
            return self._socket.recv(_PIECE)
        except BlockingIOError:
            return None

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # the descriptor stays, as others may be in the middle of using it

    def when_lost(self, callback: Callable[[], None]) -> None:
        def watch() -> None:
            _hung_up(self._socket, None)
            callback()

        threading.Thread(target=watch, name="rump-watch", daemon=True).start()

    def why(self) -> KernelError | None:
        if not _hung_up(self._socket, 0):
            return None
        try:
            while True:
                self.receive()
        except KernelError as error:
            return error


class RingWire(FrameWire):
    """Frames on a ring; the socket has the bells. The thread that waits for an answer looks itself."""

    def __init__(self, link: socket.socket, ring: Ring) -> None:
        super().__init__(link)
        self._incoming, self._outgoing = ring.incoming, ring.outgoing
        self._linger = Linger()
        self._crowd = Crowd()
        self._sent = False

    def send(self, payload: bytes) -> None:
        if self._outbox or not self._sending.acquire(blocking=False):
            super().send(payload)
            return
        if self._rest:
            self._outbox.append(payload)
        else:
            frame = framed(payload)
            try:
                done = self._put(frame)
                if done < len(frame):
                    self._rest = memoryview(frame)[done:]
            except KernelError:  # who receives tells
                pass
        if self._rest and not self._flush(_PATIENCE_MS):
            threading.Thread(target=self._flush_all, name="rump-send", daemon=True).start()
            return
        self._sending.release()
        if self._outbox:  # what came meanwhile
            super().send(self._outbox.popleft())

    def _put(self, data: bytes | memoryview) -> int:
        done = self._outgoing.write(data)
        if self._outgoing.rings():
            self._bell()
        self._sent = True
        return done

    def _room(self, patience_ms: int | None) -> bool:
        """No bell is asked for: it would be for the thread that receives."""
        end = math.inf if patience_ms is None else time.monotonic() + patience_ms / 1000
        begun = time.monotonic_ns()
        while not self._outgoing.room:
            if time.monotonic() > end or self._ended():
                return False
            if time.monotonic_ns() - begun < LINGER_NS:
                let_others_run()
            else:
                time.sleep(_NAP_S)
        return True

    def _ended(self) -> bool:
        return _hung_up(self._socket, 0)

    def _bell(self) -> None:
        try:  # noqa: SIM105  once for each call
            self._socket.send(b"\0", _AT_ONCE)
        except OSError:  # whose buffer is full has been rung for
            pass

    def _read(self) -> bytes:
        incoming = self._incoming
        try:
            while not (data := incoming.read()):
                self._wait(incoming)
        except KernelError as error:
            raise cut(error.text) from None
        if incoming.rings:
            incoming.rings = False
            self._bell()
        return data

    def _wait(self, incoming: Reader) -> None:
        """For what comes: looks for a while, then sleeps."""
        now = time.monotonic_ns()
        if self._crowd.there(now):
            self._sleep(incoming)
            return
        if self._sent:
            self._sent = False
            self._linger.sent(now)
        while not incoming.ready:
            if now >= self._linger.until or self._crowd.there(now):
                self._sleep(incoming)
                break
            let_others_run()
            before, now = now, time.monotonic_ns()
            if now - before > CROWDED_NS:
                self._crowd.met(now)
        self._linger.came(time.monotonic_ns())

    def _sleep(self, incoming: Reader) -> None:
        """Until the bell is rung, or for a while, so that signals are heeded that come just before it."""
        if not incoming.arm():
            return
        if incoming.rings:
            incoming.rings = False
            self._bell()
        try:
            heard = self._socket.recv(_BELLS)
        except BlockingIOError:
            incoming.disarm()
            return
        except OSError as error:
            if not incoming.ready:
                raise cut(error.strerror or "") from None
            return
        if not heard and not incoming.ready:
            raise cut("the kernel has ended the connection")


def resume(wire: Wire, first: bytes, signals: Callable[[Siginfo], None]) -> None:
    """Takes up where another stream was cut. Signals that waited for one come first. ESTALE, EAUTH, ENOTCONN."""
    late = threading.Timer(RESUME_S, wire.end)
    late.daemon = True
    late.start()
    try:
        wire.send(first)
        while (reply := wire.receive()).signal:
            signals(siginfo_of(reply))
    except BaseException:
        wire.end()
        raise
    finally:
        late.cancel()


def reply_of(frame: bytes) -> Any:
    """The reply in a frame; raises why the stream ends with it."""
    try:
        reply = sp.StreamResponse.FromString(frame)
    except DecodeError:
        raise KernelError(Errno.EBADRPC, "the kernel sent something that is no reply", CONNECTION) from None
    if reply.HasField("end"):
        raise decode_error(reply.end)
    return reply


def _hung_up(watched: socket.socket, timeout_ms: int | None) -> bool:
    ended = select.poll()
    ended.register(watched, select.POLLRDHUP)
    return bool(ended.poll(timeout_ms))


def cut(why: str) -> KernelError:
    return KernelError(Errno.ENOTCONN, f"the connection to the kernel is lost: {why}", CONNECTION)


def lost(error: Any) -> KernelError:
    """Why a stream of gRPC ended."""
    if isinstance(error, grpc.RpcError):
        found = kernel_error(error)
        if found.origin != CONNECTION or found.errno not in _CUT:
            return found
        return cut(found.text)
    return KernelError(Errno.ENOTCONN, "the kernel has ended the connection", CONNECTION)


def copy(error: KernelError | None) -> KernelError:
    """One exception per thread: tracebacks must not mix."""
    if error is None:
        return KernelError(Errno.ENOTCONN, "the connection is closed", CONNECTION)
    return KernelError(error.errno, error.text, error.origin)
