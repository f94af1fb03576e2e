"""What an interface sends and receives, into a file of the host (pcapng)."""

from __future__ import annotations

import logging

from rumpnet.core.iface import LINK_LEN, Iface
from rumpnet.core.offload import segments
from rumpnet.core.packet import Packet
from rumpnet.core.wire import pcapng
from rumpuser.host import Host, HostFile
from rumpwire.errno import KernelError

log = logging.getLogger(__name__)
_BUFFER = 1 << 16


def as_on_the_wire(iface: Iface, packet: Packet) -> list[Packet]:
    """The packet with what is left to do done, in as many as it stands for, so that whoever reads it finds no fault."""
    if not packet.csum_offset and not packet.gso_size:
        return [packet]
    return list(segments(packet.copy(), link=LINK_LEN[iface.dlt]))


class Capture:
    """A tap that writes. A file that cannot be written ends the capture, and nothing else."""

    def __init__(self, host: Host, iface: Iface, file: HostFile, snaplen: int) -> None:
        self.packets = 0
        self._host = host
        self._iface = iface
        self._file = file
        self._snaplen = snaplen
        self._offset = 0
        self._buffer = bytearray(pcapng.header(iface.name, iface.dlt, snaplen))
        self._failed = False

    def __call__(self, packet: Packet, out: bool) -> None:
        now = self._host.realtime_ns()
        for one in as_on_the_wire(self._iface, packet):
            data = one.view()
            self._buffer += pcapng.packet(now, data[: self._snaplen], len(data), out=out)
            self.packets += 1
        if len(self._buffer) >= _BUFFER:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        data, self._buffer = self._buffer, bytearray()
        if self._failed:
            return
        try:
            self._offset += self._file.write(self._offset, data)
        except KernelError as error:
            self._failed = True
            log.warning("the capture of %s ends: %s", self._iface.name, error)
