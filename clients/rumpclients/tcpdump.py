"""rump.tcpdump: what interfaces of the kernel send and receive (tcpdump(1)).

Packets are read from the kernel's packet filter. The tcpdump of this machine, if there is one, compiles the filter
expression and prints the packets; without it there are short lines, and no expressions.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import rump
from rumpclients._command import CommandError, Parser, UsageError, connect, run
from rumpclients._packets import describe

_HEADER = struct.Struct("<qqIIH")
_DLT = {0: "NULL", 1: "EN10MB", 12: "RAW", 117: "PFLOG"}
_PFLOG = 117
_PFLOG_LEN = 64
_WAIT_NS = 250_000_000
"""How long a read waits: what is told of -c and ^C comes no later."""
_BUFFER = 1 << 18
_PASSED_ON = "AeqStvxX#"


def parser() -> Parser:
    p = Parser("rump.tcpdump", "Shows what an interface of the kernel that RUMP_SERVER names sends and receives.")
    p.add_argument("-i", dest="interface", default="", metavar="IFACE", help="which (the first that is up)")
    p.add_argument("-w", dest="file", default="", metavar="FILE", help="write packets to a file (pcap), - for stdout")
    p.add_argument("-c", dest="count", type=int, default=0, metavar="COUNT", help="end after so many packets")
    p.add_argument("-s", dest="snaplen", type=int, default=262144, metavar="BYTES", help="of each packet at most")
    p.add_argument("-y", dest="dlt", default="", metavar="TYPE", help="link type: EN10MB, NULL, PFLOG")
    p.add_argument("-p", dest="promiscuous", action="store_false", help="do not listen to frames for others")
    p.add_argument("-D", dest="interfaces", action="store_true", help="list the interfaces")
    p.add_argument("-n", action="count", help="addresses instead of names: always done")
    p.add_argument("-l", "-U", dest="unbuffered", action="store_true", help="each packet at once: always done")
    for letter in _PASSED_ON:
        p.add_argument(f"-{letter}", dest=f"pass_{ord(letter)}", action="count", default=0, help="as tcpdump(1)")
    p.add_argument("expression", nargs="*", help="which packets (pcap-filter(7))")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    return run("rump.tcpdump", lambda: _tcpdump(parser().parse_args(argv)))


def _tcpdump(options: argparse.Namespace) -> int:
    if options.count < 0 or not 0 < options.snaplen <= 1 << 18:
        raise UsageError("-c is at least 0, -s 1 to 262144")
    with connect("rump.tcpdump") as k:
        if options.interfaces:
            for number, row in enumerate(k.pub.netconfig_ifaddrs(), 1):
                print(f"{number}.{row.name}")
            return 0
        capture = Capture(k, options)
        try:
            with contextlib.suppress(KeyboardInterrupt), _sink(options, capture.dlt) as sink:
                capture.run(sink)
        finally:
            capture.tell()
    return 0


class Capture:
    """A descriptor of the packet filter, and what was read from it."""

    def __init__(self, k: rump.Client, options: argparse.Namespace) -> None:
        self._k = k
        self._options = options
        self._count = 0
        self._fd = fd = k.pub.bpf_open()
        k.sys.ioctl(fd, rump.BIOCSBLEN, _BUFFER)
        self.interface = options.interface or _first(k)
        k.sys.ioctl(fd, rump.BIOCSETIF, self.interface)
        self.dlt = _integer(k.sys.ioctl(fd, rump.BIOCGDLT))
        if options.dlt and options.dlt.upper() != _DLT.get(self.dlt):
            raise UsageError(f"-y {options.dlt}: {self.interface} has link type {_DLT.get(self.dlt, self.dlt)}")
        program = rump.BpfProgram(_compiled(options, self.dlt))
        k.sys.ioctl(fd, rump.BIOCSETF, program)
        k.sys.ioctl(fd, rump.BIOCIMMEDIATE, 1)
        k.sys.ioctl(fd, rump.BIOCSRTIMEOUT, _WAIT_NS)
        if options.promiscuous:
            k.sys.ioctl(fd, rump.BIOCPROMISC)
        self._size = _integer(k.sys.ioctl(fd, rump.BIOCGBLEN))
        print(f"listening on {self.interface}, link-type {_DLT.get(self.dlt, self.dlt)}", file=sys.stderr, flush=True)

    def run(self, sink: Sink) -> None:
        """Until so many packets have come, or the reader of our output has gone."""
        while sink.alive:
            for row in split(self._k.sys.read(self._fd, self._size)):
                sink.put(*row)
                self._count += 1
                if self._count == self._options.count:
                    return
            sink.flush()

    def tell(self) -> None:
        stat = self._k.sys.ioctl(self._fd, rump.BIOCGSTATS).data
        print(f"{self._count} packets captured", file=sys.stderr)
        if isinstance(stat, rump.BpfStat):
            print(f"{stat.bs_recv} packets received by filter", file=sys.stderr)
            print(f"{stat.bs_drop} packets dropped by kernel", file=sys.stderr)


def split(data: bytes) -> Iterator[tuple[int, int, bytes, int]]:
    """The packets of a buffer: seconds, microseconds, what there is, how long it was."""
    at = 0
    while at + _HEADER.size <= len(data):
        sec, usec, caplen, datalen, hdrlen = _HEADER.unpack_from(data, at)
        if hdrlen < _HEADER.size:
            raise CommandError("the kernel's buffer makes no sense")
        begin = at + hdrlen
        yield sec, usec, data[begin : begin + caplen], datalen
        at = (begin + caplen + 7) & -8


def _integer(result: Any) -> int:
    return int(getattr(result.data, "integer", 0))


def _first(k: rump.Client) -> str:
    """The interface that tcpdump would take: the first that is up, lo0 if there is no other."""
    up = [row.name for row in k.pub.netconfig_ifaddrs() if row.flags & rump.IFF_UP]
    names = [name for name in up if not name.startswith("lo")] or up
    if not names:
        raise CommandError("no interface of the kernel is up")
    return names[0]


def _compiled(options: argparse.Namespace, dlt: int) -> list[rump.BpfInsn]:
    """The program of the expression, which the host's tcpdump makes. Without one: all, cut to the snapshot length."""
    if not options.expression:
        return [rump.BpfInsn(0x06, 0, 0, options.snaplen)]
    program = _host_tcpdump()
    if program is None:
        raise CommandError("expressions need the tcpdump of this machine, which is not installed")
    arguments = ["-y", _DLT.get(dlt, str(dlt)), "-s", str(options.snaplen), "-ddd", " ".join(options.expression)]
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(done.stderr.strip().removeprefix("tcpdump: ") or "the expression is not understood")
    rows = [list(map(int, line.split())) for line in done.stdout.splitlines()[1:]]
    return [rump.BpfInsn(*row) for row in rows]


def _host_tcpdump() -> str | None:
    return shutil.which("tcpdump", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))


class Sink:
    """Where packets go: lines of our own."""

    alive = True

    def __init__(self, dlt: int) -> None:
        self._dlt = dlt

    def put(self, sec: int, usec: int, data: bytes, length: int) -> None:
        if self._dlt == _PFLOG:
            data, length = bytes(4) + data[_PFLOG_LEN:], length - _PFLOG_LEN
        print(describe(sec, usec, data, length))

    def flush(self) -> None:
        sys.stdout.flush()


class Pcap(Sink):
    """A stream of pcap: a file, or the tcpdump of the host."""

    def __init__(self, stream: BinaryIO, dlt: int, snaplen: int) -> None:
        super().__init__(dlt)
        self._stream = stream
        stream.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, dlt))
        self.flush()

    def put(self, sec: int, usec: int, data: bytes, length: int) -> None:
        self._stream.write(struct.pack("<IIII", sec, usec, len(data), length) + data)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self.alive = False


@contextlib.contextmanager
def _sink(options: argparse.Namespace, dlt: int) -> Iterator[Sink]:
    if options.file == "-":
        yield Pcap(sys.stdout.buffer, dlt, options.snaplen)
    elif options.file:
        with open(options.file, "wb") as file:
            yield Pcap(file, dlt, options.snaplen)
    else:
        program = _host_tcpdump()
        if program is None:
            yield Sink(dlt)
        else:
            with _printed(program, options, dlt) as sink:
                yield sink


@contextlib.contextmanager
def _printed(program: str, options: argparse.Namespace, dlt: int) -> Iterator[Sink]:
    """The host's tcpdump prints. It ends when we do: a ^C is for us alone."""
    flags = [f"-{letter * getattr(options, f'pass_{ord(letter)}')}" for letter in _PASSED_ON]
    arguments = [program, "-nlr", "-", *(flag for flag in flags if flag != "-")]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as printer:
        assert printer.stdin is not None
        try:
            yield Pcap(printer.stdin, dlt, options.snaplen)  # type: ignore[arg-type]
        finally:
            with contextlib.suppress(BrokenPipeError):
                printer.stdin.close()
            printer.wait()


if __name__ == "__main__":
    sys.exit(main())
