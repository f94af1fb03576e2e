"""How the memory of a ring comes from the server of a connection to its client: beside a frame, by SCM_RIGHTS."""

from __future__ import annotations

import os
import socket

from rumpuser.transport.framing import HEADER, framed
from rumpuser.transport.ring import Ring, attach

HELLO_S = 5.0
"""Who has not shown a token by then, or has not answered one, is given up."""
_OFFER = framed(b"ring")
NO_OFFER = framed(b"")


def wanted() -> str:
    """The quickest transport that this process uses inside a host: ring, frames or grpc (RUMP_TRANSPORT)."""
    found = os.environ.get("RUMP_TRANSPORT", "")
    return found if found in ("frames", "grpc") else "ring"


def hello(token: str, name: str = "", *, ring: bool) -> bytes:
    """The first frame of a connection: who connects, the name of the connection, and whether a ring is wanted."""
    return "\n".join((token, name, "ring") if ring else (token, name) if name else (token,)).encode()


def read_hello(data: bytes) -> tuple[bytes, str, bool]:
    """The token, the name and whether a ring is wanted."""
    token, _, rest = data.partition(b"\n")
    name, _, wants = rest.partition(b"\n")
    return token, name.decode(errors="replace"), wants == b"ring"


def send_offer(link: int, fd: int) -> None:
    """Sends memory to a client that asked for it, on a descriptor on which nothing waits to be sent. Raises OSError."""
    with socket.socket(fileno=os.dup(link)) as end:
        socket.send_fds(end, [_OFFER], [fd])


def read_offer(link: socket.socket) -> tuple[Ring | None, bytes]:
    """The answer to who asked for a ring, when it is there: the ring if there is one, and what came behind the answer.

    Raises OSError, and `LostOfferError` where the memory got lost on the way.
    """
    data, fds, _, _ = socket.recv_fds(link, len(_OFFER), 1)
    try:
        if data == _OFFER:
            if not fds:
                raise LostOfferError
            return attach(fds[0]), b""
    finally:
        for fd in fds:
            os.close(fd)
    if not data:
        raise ConnectionResetError(0, "the connection ended")
    return None, data[HEADER:] if data.startswith(NO_OFFER) else data


class LostOfferError(Exception):
    """Who stands between has passed the message on, and not the memory: the connection cannot be used."""
