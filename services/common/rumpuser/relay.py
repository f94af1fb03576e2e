"""``rump_bus_relay``: makes two busses of two machines one Ethernet, over TCP with TLS (or plain, or a local socket).

One side listens, the other connects, and connects again whenever the connection is lost; both may be started in any
order. While there is no connection, and when the other side cannot take as much, frames are lost, as on any Ethernet.

After `MAGIC` each side sends records: a header of 11 bytes and a frame. The header's fields are the length of the frame
and what is left to be done in it (`rumpuser.devices.port.Offload`). A length of 0 says only that the sender is alive.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.metadata
import logging
import os
import signal
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

from rumpuser import log as logs
from rumpuser.devices.port import FRAME_MAX, FramePort, Offload
from rumpuser.systemhost import SystemHost
from rumpuser.url import Url, parse
from rumpwire.errno import KernelError

log = logging.getLogger(__name__)

MAGIC = b"rump bus relay 1\n"
HEADER = struct.Struct("!IHHHB")
ALIVE_S = 5.0
SILENT_S = 15.0
"""A peer that says nothing for so long is gone."""
BACKLOG = 4 << 20
"""Bytes that may wait for a peer; more are dropped."""
_BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class Relay:
    """One end: a bus and at most one peer."""

    def __init__(self) -> None:
        self.port: FramePort | None = None
        self.sent = self.received = self.dropped = 0
        self._writer: asyncio.StreamWriter | None = None

    # -- from the bus

    def from_bus(self, frame: memoryview, offload: Offload) -> None:
        writer = self._writer
        if writer is None or writer.transport.get_write_buffer_size() > BACKLOG:
            self.dropped += 1
            return
        self.sent += 1
        writer.write(HEADER.pack(len(frame), *offload[:3], offload.csum_valid) + frame)

    # -- from the peer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talks to a peer until it is lost. A new one takes the place of one before it, which may be dead."""
        before, self._writer = self._writer, None
        if before is not None:
            before.close()
        alive = asyncio.get_running_loop().create_task(_say_alive(writer))
        try:
            writer.write(MAGIC)
            async with asyncio.timeout(SILENT_S):
                if await reader.readexactly(len(MAGIC)) != MAGIC:
                    raise ValueError("it is no relay")
            self._writer = writer
            log.info("connected to %s", _name(writer))
            while True:
                await self._record(reader)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            log.warning("lost the peer %s: %s", _name(writer), error or type(error).__name__)
        finally:
            alive.cancel()
            if self._writer is writer:
                self._writer = None
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    async def _record(self, reader: asyncio.StreamReader) -> None:
        async with asyncio.timeout(SILENT_S):
            length, *fields, valid = HEADER.unpack(await reader.readexactly(HEADER.size))
            if not length:
                return
            offload = Offload(fields[0], fields[1], fields[2], bool(valid))
            if not 14 <= length <= FRAME_MAX or not offload.fits(length):
                raise ValueError(f"a record that cannot be: {length} bytes, {offload}")
            frame = await reader.readexactly(length)
        if self.port is not None and self.port.send((frame,), length, offload):
            self.received += 1


async def _say_alive(writer: asyncio.StreamWriter) -> None:
    while True:
        await asyncio.sleep(ALIVE_S)
        writer.write(HEADER.pack(0, 0, 0, 0, 0))


def _name(writer: asyncio.StreamWriter) -> str:
    return str(writer.get_extra_info("peername") or "at the socket")


# -- connections

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _listen(url: Url, tls: ssl.SSLContext | None, serve: Serve) -> None:
    async def quick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _no_delay(writer)
        await serve(reader, writer)

    if url.scheme == "unix":
        with contextlib.suppress(FileNotFoundError):
            os.unlink(url.path)
        server = await asyncio.start_unix_server(quick, url.path)
        os.chmod(url.path, 0o600)
    else:
        server = await asyncio.start_server(quick, url.host or None, url.port, ssl=tls)
    where = server.sockets[0].getsockname()
    print(f"ready {url.scheme}://{where if isinstance(where, str) else f'{where[0]}:{where[1]}'}", flush=True)
    async with server:
        await server.serve_forever()


async def _connect(url: Url, tls: ssl.SSLContext | None, serve: Serve) -> None:
    print(f"ready {url}", flush=True)
    tries = 0
    while True:
        begun = asyncio.get_running_loop().time()
        try:
            if url.scheme == "unix":
                reader, writer = await asyncio.open_unix_connection(url.path)
            else:
                reader, writer = await asyncio.open_connection(url.host, url.port, ssl=tls)
            _no_delay(writer)
            await serve(reader, writer)
        except OSError as error:
            log.warning("%s: %s", url, error)
        if asyncio.get_running_loop().time() - begun > SILENT_S:
            tries = 0
        await asyncio.sleep(_BACKOFF_S[min(tries, len(_BACKOFF_S) - 1)])
        tries += 1


def _no_delay(writer: asyncio.StreamWriter) -> None:
    made = writer.get_extra_info("socket")
    if made is not None and made.family in (socket.AF_INET, socket.AF_INET6):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _tls(options: argparse.Namespace, url: Url, *, server: bool) -> ssl.SSLContext | None:
    """Both sides show a certificate of the same authority."""
    if not url.secure:
        return None
    if not (options.tls_cert and options.tls_key and options.tls_ca):
        raise SystemExit("rump_bus_relay: tcp:// needs --tls-cert, --tls-key and --tls-ca; tcp+plain:// is without TLS")
    purpose = ssl.Purpose.CLIENT_AUTH if server else ssl.Purpose.SERVER_AUTH
    context = ssl.create_default_context(purpose, cafile=options.tls_ca)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def _run(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    relay = Relay()
    relay.port = SystemHost(loop).ports.open_bus(os.fsencode(options.bus), relay.from_bus)
    url = parse(options.listen or options.connect, server=bool(options.listen))
    tls = _tls(options, url, server=bool(options.listen))
    connection = _listen(url, tls, relay.serve) if options.listen else _connect(url, tls, relay.serve)
    task = loop.create_task(connection)
    waiting = loop.create_task(ending.wait())
    try:
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        for each in (task, waiting):
            each.cancel()
        await asyncio.gather(task, waiting, return_exceptions=True)
        relay.port.close()
        log.info("%d frames sent, %d received, %d dropped", relay.sent, relay.received, relay.dropped)


class _Parser(argparse.ArgumentParser):
    """Errors in one line, as of the other programs."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help tells more)\n")


def main(argv: Sequence[str] | None = None) -> int:
    p = _Parser("rump_bus_relay", description="Joins a bus with one of another machine.", allow_abbrev=False)
    p.add_argument("--version", action="version", version=f"%(prog)s {importlib.metadata.version('anykernel')}")
    side = p.add_mutually_exclusive_group(required=True)
    side.add_argument("--listen", metavar="URL", help="wait for the other side here: tcp://*:7400")
    side.add_argument("--connect", metavar="URL", help="the other side listens there")
    p.add_argument("--tls-cert", metavar="FILE", help="own certificate")
    p.add_argument("--tls-key", metavar="FILE", help="its key")
    p.add_argument("--tls-ca", metavar="FILE", help="who has signed the other side's certificate")
    p.add_argument("bus", metavar="BUS", help="the file of the bus, as given to shmif interfaces")
    options = p.parse_args(argv)
    logs.setup("relay", "info", as_json=False)
    try:
        asyncio.run(_run(options))
    except (KernelError, OSError) as error:
        print(f"rump_bus_relay: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
