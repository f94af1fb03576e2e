"""Sockets of rtnetlink(7), which there are none of in the kernel: questions about interfaces are answered here."""

from __future__ import annotations

import os
import socket
import struct
from typing import Any

from rumpclients._ends import gone
from rumpclients.hijack.datagram import Datagram, Waiting, charge
from rumpclients.hijack.endpoint import Network, Shape
from rumpclients.hijack.interfaces import answers

_ADDRESS = struct.Struct("=HxxII")


class Netlink(Datagram):
    def __init__(self, net: Network, shape: Shape) -> None:
        super().__init__(net, -1, shape)
        self._pid = 0

    async def bind(self, name: bytes) -> None:
        """To the number that is asked for, or one of its own."""
        asked = _ADDRESS.unpack(name[: _ADDRESS.size].ljust(_ADDRESS.size, b"\0"))[1]
        self._pid = asked or self._pid or (os.getpid() << 10 & 0x7FFFFFFF) + len(self.net.endpoints)

    async def name(self) -> Any:
        return _ADDRESS.pack(socket.AF_NETLINK, self._pid, 0)

    async def peer_name(self) -> Any:
        return _ADDRESS.pack(socket.AF_NETLINK, 0, 0)

    async def connect(self, name: Any) -> None:
        await self.bind(b"")

    def receive_from_now(self) -> None:
        """Answers come from here."""

    async def send(self, data: bytes, name: Any, flags: int) -> int:
        await self._send_many([data])
        return len(data)

    async def _send_many(self, many: list[bytes]) -> None:
        await self.bind(b"")
        rows = []
        with gone():
            rows = await self.net.k.pub.netconfig_ifaddrs()
        for data in many:
            for answer in answers(data, self._pid, rows):
                self._deliver(answer, Waiting(charge(len(answer)), await self.peer_name()))
        await self.tell()
