"""A proxy between clients and a gateway that cuts connections at a frame, and has nothing of ours in it.

The frames are HTTP/2's, or those of docs/transport.md.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

UP, DOWN = "up", "down"

Decide = Callable[[int, str, int], float | None]
"""Of a frame: connection (0 is the first), direction, and how many frames came before it there. None: it passes. Else
the connection is cut after this part of it."""


class Cutter:
    """Listens at ``url``. ``seen``: frames that have passed, by connection and direction.

    With ``suffix`` it stands before that socket beside the one of the URL.
    """

    def __init__(
        self,
        folder: Path,
        target: str,
        decide: Decide = lambda connection, direction, index: None,
        *,
        suffix: str = "",
    ) -> None:
        self.url = f"unix://{folder}/cutter.sock"
        self.decide = decide
        self.seen: list[dict[str, int]] = []
        self.cuts = 0
        self.shut = False
        """Nobody gets through."""
        self._target = target.removeprefix("unix://") + suffix
        self._plain = bool(suffix)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.url.removeprefix("unix://") + suffix)
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut_all(self) -> None:
        """Cuts every connection at whatever byte it has come to."""
        with self._lock:
            self.cuts += 1
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.shut:
                client.close()
                continue
            gateway = socket.socket(socket.AF_UNIX)
            try:
                gateway.connect(self._target)
            except OSError:
                client.close()
                gateway.close()
                continue
            with self._lock:
                number = len(self.seen)
                self.seen.append({UP: 0, DOWN: 0})
                self._open |= {client, gateway}
            for direction, source, sink in ((UP, client, gateway), (DOWN, gateway, client)):
                threading.Thread(target=self._pass, args=(number, direction, source, sink), daemon=True).start()

    def _pass(self, number: int, direction: str, source: socket.socket, sink: socket.socket) -> None:
        buffer = b""
        skip = len(PREFACE) if direction == UP and not self._plain else 0
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                buffer += data
                while (end := self._end_of(buffer, skip)) and len(buffer) >= end:
                    frame, buffer, skip = buffer[:end], buffer[end:], 0
                    part = self.decide(number, direction, self.seen[number][direction])
                    if part is not None:
                        sink.sendall(frame[: int(len(frame) * part)])
                        self.cuts += 1
                        raise ConnectionAbortedError
                    self.seen[number][direction] += 1
                    sink.sendall(frame)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._end(source)

    def _end_of(self, buffer: bytes, skip: int) -> int:
        """Where the first frame ends, 0 while that is not known."""
        if self._plain:
            return 4 + int.from_bytes(buffer[:4], "little") if len(buffer) >= 4 else 0
        return skip + 9 + int.from_bytes(buffer[skip : skip + 3], "big") if len(buffer) >= skip + 9 else 0

    def _end(self, end: socket.socket) -> None:
        """Closes the end that this thread reads; the other thread does the other."""
        with self._lock:
            self._open.discard(end)
        end.close()
