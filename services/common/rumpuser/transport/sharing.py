"""How memory is handed over: on a socket of its own beside that of frames, by SCM_RIGHTS.

What serves frames on ``x.frames`` takes memory on ``x.memory`` (SEQPACKET). A message with the token that frames begin
with, and the descriptor, is answered with a number of 8 bytes, little endian; no answer is a refusal. The
memory is shared until either side ends that connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol

from rumpuser.leases import WISH
from rumpuser.transport.framing import MAX_HELLO
from rumpuser.transport.memory import Pool, attach
from rumpuser.url import MAX_PATH, Url
from rumpwire.errno import KernelError

log = logging.getLogger(__name__)

SUFFIX = ".memory"
HELLO_S = 5.0
"""Who has not said by then what is shared is sent away, and who has not answered is not waited for."""
MOST = 256
"""Pools that a server takes at a time; who comes later sends contents in messages."""
_NUMBER = 8


class Told(Protocol):
    """Hears of memory: that it is shared from now on, and then that it is so no longer."""

    def __call__(self, pool: Pool, *, on: bool) -> None: ...


Welcome = Callable[[bytes, socket.socket], Told]
"""Of a token, and the connection it was shown on: who is told of the memory. EAUTH."""


def hand_over(path: str, token: bytes, pool: Pool) -> tuple[socket.socket, int]:
    """Shares a pool with who listens there: the connection, and the number of the pool. Blocks. Raises OSError."""
    with _asking() as link:
        link.settimeout(HELLO_S)
        link.connect(path)
        socket.send_fds(link, [token], [pool.fd])
        return link, _number(link.recv(_NUMBER))


async def offer(path: str, token: bytes, pool: Pool) -> tuple[socket.socket, int]:
    """The same on an event loop."""
    loop = asyncio.get_running_loop()
    with _asking() as link:
        link.setblocking(False)
        async with asyncio.timeout(HELLO_S):
            await loop.sock_connect(link, path)
            socket.send_fds(link, [token], [pool.fd])
            return link, _number(await loop.sock_recv(link, _NUMBER))


@contextlib.contextmanager
def _asking() -> Iterator[socket.socket]:
    """A socket that stays open where all goes well."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        yield link
    except BaseException:
        link.close()
        raise


def _number(answer: bytes) -> int:
    if len(answer) < _NUMBER:
        raise ConnectionRefusedError(0, "the memory was not taken")
    return int.from_bytes(answer, "little")


class MemoryServer:
    """Takes memory beside the socket at ``url`` on which gRPC is served. ``pools``: what is shared, by number."""

    def __init__(
        self,
        url: Url,
        welcome: Welcome,
        mode: int = 0o600,
        each: int = MOST,
        shown: Callable[[], int | None] = lambda: None,
    ) -> None:
        """``mode`` is the socket's; ``each``: how many pools may be shared with one token at a time.

        ``shown``: what is given to those who share nothing, but ask for the page of leases (`rumpuser.leases`).
        """
        self._shown_page = shown
        self._path = url.path + SUFFIX
        self._welcome = welcome
        self._mode = mode
        self._each = each
        self._shown: Counter[bytes] = Counter()
        self._listener: socket.socket | None = None
        self._links: dict[socket.socket, Callable[[], None]] = {}
        self._last = 0
        self.pools: dict[int, Pool] = {}

    def start(self) -> bool:
        """False where the path of the socket would be too long, or there are no such sockets."""
        if len(os.fsencode(self._path)) > MAX_PATH:
            return False
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)  # of a process that was killed: the gRPC socket beside it is ours
        before = os.umask(0o777 & ~self._mode)
        try:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            listener.bind(self._path)
        except OSError as error:
            log.warning("no memory is shared: %s", error)
            return False
        finally:
            os.umask(before)
        listener.listen(64)
        listener.setblocking(False)
        self._listener = listener
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)
        return True

    def stop(self) -> None:
        if self._listener is None:
            return
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        self._listener = None
        for link in list(self._links):
            self._end(link)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            link, _ = listener.accept()
            link.setblocking(False)
            late = asyncio.get_running_loop().call_later(HELLO_S, self._end, link)
            self._links[link] = late.cancel
            asyncio.get_running_loop().add_reader(link, self._hello, link)

    def _hello(self, link: socket.socket) -> None:
        """Whoever shares memory says who it is, and has it beside that."""
        try:
            token, fds, _, _ = socket.recv_fds(link, MAX_HELLO, 1)
        except OSError:
            self._end(link)
            return
        try:
            if not fds and token.endswith(WISH):
                self._show(link, token.removesuffix(WISH))
            elif len(fds) == 1 and len(self.pools) < MOST and self._shown[token] < self._each:
                told = self._welcome(token, link)
                self._take(link, attach(fds.pop()), token, told)
                return
        except (KernelError, OSError) as error:
            log.warning("memory refused: %s", error)
        finally:
            for fd in fds:
                os.close(fd)
        self._end(link)

    def _show(self, link: socket.socket, token: bytes) -> None:
        self._welcome(token, link)
        page = self._shown_page()
        if page is not None:
            socket.send_fds(link, [bytes(_NUMBER)], [page])

    def _take(self, link: socket.socket, pool: Pool, token: bytes, told: Told) -> None:
        self._shown[token] += 1
        self._last += 1
        number = self._last
        self.pools[number] = pool

        def forget() -> None:
            del self.pools[number]
            self._shown[token] -= 1
            self._shown += Counter()  # without those that are at 0
            told(pool, on=False)
            pool.close()

        self._links.pop(link)()  # the time to say hello
        self._links[link] = forget
        told(pool, on=True)
        link.send(number.to_bytes(_NUMBER, "little"))
        loop = asyncio.get_running_loop()
        loop.add_reader(link, self._end, link)  # nothing more is to be said

    def _end(self, link: socket.socket) -> None:
        forget = self._links.pop(link, None)
        if forget is None:
            return
        asyncio.get_running_loop().remove_reader(link)
        link.close()
        forget()
