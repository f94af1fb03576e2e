"""rump.dd: copies and converts, between files of this machine and of a kernel (dd(1)).

``rif=`` and ``rof=`` name files of the kernel, ``if=`` and ``of=`` files of this machine, standard input and output
where neither is given.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import rump
from rumpclients._command import CommandError, Parser, UsageError, connect, run
from rumpclients._drivespec import dd_size

PROG = "rump.dd"
_CONV = {"notrunc", "noerror", "sync", "osync", "sparse", "swab", "lcase", "ucase", "fsync", "excl", "block", "unblock"}
_SIZES = {"bs", "ibs", "obs", "cbs"}
_COUNTS = {"count", "skip", "iseek", "seek", "oseek", "files"}
_ALIKE = {"iseek": "skip", "oseek": "seek"}
_HELP = (
    "operands: if= of= (of this machine), rif= rof= (of the kernel), bs= ibs= obs= cbs= count= skip= iseek= seek="
    " oseek= msgfmt=quiet|posix|human, conv=notrunc,noerror,sync,osync,sparse,swab,lcase,ucase,block,unblock,fsync,"
    "excl. Sizes are as dd(1) has them: 512, 1b, 64k, 2m, 4x512."
)


@dataclass(slots=True)
class Wishes:
    names: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    conv: frozenset[str] = frozenset()
    message: str = "posix"

    def size(self, name: str) -> int:
        return self.numbers.get("bs") or self.numbers.get(name) or 512


def main(argv: Sequence[str] | None = None) -> int:
    p = Parser(PROG, "Copies and converts files, of this machine and of the kernel.", epilog=_HELP)
    p.add_argument("operands", metavar="NAME=VALUE", nargs="*")
    options = p.parse_args(argv)
    return run(PROG, lambda: _dd(parse(options.operands)))


def parse(operands: Sequence[str]) -> Wishes:
    """UsageError."""
    out = Wishes()
    for word in operands:
        name, equals, value = word.partition("=")
        name = _ALIKE.get(name, name)
        if not equals or name not in {"if", "of", "rif", "rof", "conv", "msgfmt"} | _SIZES | _COUNTS:
            raise UsageError(f"{word}: no operand; --help lists them")
        if name in out.names or name in out.numbers or (name == "conv" and out.conv):
            raise UsageError(f"{name} is given twice")
        if name in _SIZES | _COUNTS:
            out.numbers[name] = dd_size(value)
        elif name == "conv":
            out.conv = frozenset(value.split(","))
        elif name == "msgfmt":
            out.message = value
        else:
            out.names[name] = value
    _check(out)
    return out


def _check(wishes: Wishes) -> None:
    for pair in (
        ("if", "rif"),
        ("of", "rof"),
    ):
        if set(pair) <= set(wishes.names):
            raise UsageError(f"{pair[0]} and {pair[1]} exclude each other")
    unknown = wishes.conv - _CONV
    if unknown:
        raise UsageError(f"conv={','.join(sorted(unknown))}: there are {', '.join(sorted(_CONV))}")
    for pair in (("lcase", "ucase"), ("block", "unblock")):
        if set(pair) <= wishes.conv:
            raise UsageError(f"conv: {pair[0]} and {pair[1]} exclude each other")
    if wishes.conv & {"block", "unblock"} and not wishes.numbers.get("cbs"):
        raise UsageError("conv=block and conv=unblock need cbs=")
    if any(wishes.numbers.get(name) == 0 for name in _SIZES):
        raise UsageError("a block has at least one byte")
    if wishes.message not in ("quiet", "posix", "human"):
        raise UsageError(f"msgfmt={wishes.message}: there are quiet, posix, human")


class End(Protocol):
    """A file of this machine or of the kernel."""

    def read(self, size: int) -> bytes | memoryview: ...
    def write(self, data: Any) -> int: ...
    def seek(self, offset: int) -> bool:
        """From where it is; False where that cannot be done."""
        ...

    def truncate(self) -> None:
        """To where it is, where that makes sense."""
        ...

    def fsync(self) -> None: ...
    def close(self) -> None: ...


class _File:
    """The calls are those of `os` or of a kernel; a descriptor of either."""

    def __init__(self, calls: Any, fd: int, name: str) -> None:
        self._calls = calls
        self._name = name
        self._fd = fd
        self._kind = stat.S_IFMT(calls.fstat(fd).st_mode)

    def read(self, size: int) -> bytes | memoryview:
        with self._named():
            data: bytes | memoryview = self._calls.read(self._fd, size)
        return data

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            error.filename = self._name
            raise

    def write(self, data: Any) -> int:
        with self._named():
            return int(self._calls.write(self._fd, data))

    def seek(self, offset: int) -> bool:
        if self._kind not in (stat.S_IFREG, stat.S_IFBLK, stat.S_IFCHR):
            return False
        self._calls.lseek(self._fd, offset, os.SEEK_CUR)
        return True

    def truncate(self) -> None:
        if self._kind == stat.S_IFREG:
            self._calls.ftruncate(self._fd, self._calls.lseek(self._fd, 0, os.SEEK_CUR))

    def fsync(self) -> None:
        self._calls.fsync(self._fd)

    def close(self) -> None:
        if self._fd > 2 or self._calls is not os:
            self._calls.close(self._fd)


def _dd(wishes: Wishes) -> int:
    k = connect(PROG) if {"rif", "rof"} & set(wishes.names) else None
    try:
        source = _source(wishes, k)
        target = _target(wishes, k)
        copy = Copy(wishes, source, target)
        _told_on_signal(copy)
        begun = time.monotonic()
        try:
            copy.run()
        finally:
            copy.tell(time.monotonic() - begun)
        target.close()
        source.close()
        return copy.status
    finally:
        if k is not None:
            k.close()


def _source(wishes: Wishes, k: rump.Client | None) -> End:
    if "rif" in wishes.names:
        assert k is not None
        return _File(k.sys, k.sys.open(wishes.names["rif"], os.O_RDONLY), wishes.names["rif"])
    if "if" in wishes.names:
        return _File(os, os.open(wishes.names["if"], os.O_RDONLY), wishes.names["if"])
    return _File(os, sys.stdin.fileno(), "stdin")


def _target(wishes: Wishes, k: rump.Client | None) -> End:
    flags = os.O_RDWR | os.O_CREAT | (os.O_EXCL if "excl" in wishes.conv else 0)
    kept = "notrunc" in wishes.conv or wishes.numbers.get("seek")
    flags |= 0 if kept else os.O_TRUNC
    if "rof" in wishes.names:
        assert k is not None
        return _File(k.sys, _open(k.sys, wishes.names["rof"], flags), wishes.names["rof"])
    if "of" in wishes.names:
        return _File(os, _open(os, wishes.names["of"], flags), wishes.names["of"])
    return _File(os, sys.stdout.fileno(), "stdout")


def _open(calls: Any, name: str, flags: int) -> int:
    """What may only be written is opened so."""
    try:
        return int(calls.open(name, flags, 0o666))
    except PermissionError:
        return int(calls.open(name, flags & ~os.O_ACCMODE | os.O_WRONLY, 0o666))


def _told_on_signal(copy: Copy) -> None:
    begun = time.monotonic()
    number = getattr(signal, "SIGINFO", signal.SIGUSR1)
    signal.signal(number, lambda *_: copy.tell(time.monotonic() - begun))


class Copy:
    """Reads blocks, converts, gathers, writes blocks. Counts as dd(1) does: whole and partial ones."""

    def __init__(self, wishes: Wishes, source: End, target: End) -> None:
        self._wishes = wishes
        self._source, self._target = source, target
        self._in, self._out = [0, 0], [0, 0]
        self._written = self._truncated = 0
        self._pending, self._ready = bytearray(), bytearray()
        self._hole = False
        self.status = 0
        self._steps = self._conversions()

    def run(self) -> None:
        wishes, numbers = self._wishes, self._wishes.numbers
        self._skip(numbers.get("skip", 0), wishes.size("ibs"))
        seek = numbers.get("seek", 0) * wishes.size("obs")
        if seek and not self._target.seek(seek):
            raise CommandError("the output cannot be sought in")
        if seek and "notrunc" not in wishes.conv:
            self._target.truncate()
        left = numbers.get("count", -1)
        while left:
            data = self._read(wishes.size("ibs"))
            if not len(data):
                break
            left -= 1
            self._gather(data)
        self._flush(last=True)
        if "fsync" in wishes.conv:
            self._target.fsync()

    def _skip(self, blocks: int, size: int) -> None:
        if blocks and not self._source.seek(blocks * size):
            for _ in range(blocks):
                if not len(self._source.read(size)):
                    raise CommandError("the input ends before what is to be skipped")

    def _read(self, size: int) -> bytes | memoryview:
        try:
            data = self._source.read(size)
        except OSError as error:
            if "noerror" not in self._wishes.conv:
                raise
            print(f"{PROG}: input: {error.strerror}", file=sys.stderr)
            self.status = 1
            self._source.seek(size)
            self._in[1] += 1
            return bytes(size) if "sync" in self._wishes.conv else self._read(size)
        self._in[len(data) < size] += bool(len(data))
        if 0 < len(data) < size and "sync" in self._wishes.conv:
            pad = b" " if self._wishes.conv & {"block", "unblock"} else b"\0"
            return bytes(data) + pad * (size - len(data))
        return data

    def _conversions(self) -> list[Callable[[bytes], bytes]]:
        conv = self._wishes.conv
        out: list[Callable[[bytes], bytes]] = []
        if "swab" in conv:
            out.append(_swab)
        if "lcase" in conv:
            out.append(bytes.lower)
        if "ucase" in conv:
            out.append(bytes.upper)
        return out

    def _gather(self, data: bytes | memoryview) -> None:
        if not self._steps and "bs" in self._wishes.numbers and not self._wishes.conv & {"block", "unblock"}:
            self._write(data)  # as it came: bs= asks for that
            return
        whole = bytes(data)
        for step in self._steps:
            whole = step(whole)
        self._pending += whole
        self._flush()

    def _flush(self, *, last: bool = False) -> None:
        if self._wishes.conv & {"block", "unblock"}:
            ready = self._records(last=last)
        else:
            ready, self._pending = self._pending, bytearray()
        size = self._wishes.size("obs")
        self._ready += ready
        while len(self._ready) >= size or (last and self._ready):
            block = bytes(self._ready[:size])
            del self._ready[:size]
            if last and len(block) < size and "osync" in self._wishes.conv:
                block += bytes(size - len(block))
            self._write(block)
        if last and self._hole:
            self._end_of_hole()

    def _records(self, *, last: bool) -> bytearray:
        """Lines as records of cbs bytes, or records as lines."""
        size, out = self._wishes.numbers["cbs"], bytearray()
        if "unblock" in self._wishes.conv:
            while len(self._pending) >= size or (last and self._pending):
                out += bytes(self._pending[:size]).rstrip(b" ") + b"\n"
                del self._pending[:size]
            return out
        *lines, rest = bytes(self._pending).split(b"\n")
        if last and rest:
            lines.append(rest)
            rest = b""
        self._pending = bytearray(rest)
        for line in lines:
            self._truncated += len(line) > size
            out += line[:size].ljust(size)
        return out

    def _write(self, block: bytes | memoryview) -> None:
        size = self._wishes.size("obs")
        if "sparse" in self._wishes.conv and not any(block) and self._target.seek(len(block)):
            self._hole = True
        else:
            self._hole = False
            view = memoryview(block)
            while view:
                view = view[self._target.write(view) :]
        self._out[len(block) < size] += 1
        self._written += len(block)

    def _end_of_hole(self) -> None:
        """A file that ends in a hole is as long as it would be without."""
        self._target.truncate()

    def tell(self, seconds: float) -> None:
        """On standard error, as dd(1)."""
        if self._wishes.message == "quiet":
            return
        lines = [f"{whole}+{part} records {way}" for way, (whole, part) in (("in", self._in), ("out", self._out))]
        if self._truncated:
            lines.append(f"{self._truncated} truncated {'block' if self._truncated == 1 else 'blocks'}")
        speed = self._written / max(seconds, 1e-9)
        lines.append(f"{self._written} bytes transferred in {seconds:.3f} secs ({speed:.0f} bytes/sec)")
        print("\n".join(lines), file=sys.stderr)


def _swab(data: bytes) -> bytes:
    even = len(data) & ~1
    out = bytearray(data)
    out[0:even:2], out[1:even:2] = data[1:even:2], data[0:even:2]
    return bytes(out)


if __name__ == "__main__":
    sys.exit(main())
