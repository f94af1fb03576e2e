"""The load: clients that know what they must find, whatever ends under them.

Each runs in a thread with a connection of its own. A call may fail for one reason alone, that a component ended: then
the client finds out what was done, and goes on. Anything else that it finds is a finding.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import random
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

import rump

RETRY_S = 120
"""How long a client tries to get its connection back when the gateway is killed."""
RECORD = 64
MANY = 5000
"""Records of a file before it is begun anew."""
PATTERN = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(4096))
EXPECTED = {"ENOLINK", "EIO", "ECONNRESET", "ENOTCONN", "ENXIO", "ESTALE"}
"""What may be told of a component that ended. What a client then does shows whether it was true."""


class Wrong(Exception):  # noqa: N818  what it is, in a report
    """A result that cannot be."""


class Client(threading.Thread):
    """One part of the load. ``step`` is done again and again, ``again`` after it failed."""

    def __init__(self, url: str, seed: int) -> None:
        super().__init__(name=type(self).__name__, daemon=True)
        self.random = random.Random(seed)
        self.url = url
        self.pause_s = 0.0
        """Between two steps."""
        self.ending = threading.Event()
        self.begun = False
        self.done = 0
        self.failed: Counter[str] = Counter()
        """What its calls failed with, call by call and in words, and how often."""
        self.findings: list[str] = []
        self.k: Any = None

    def run(self) -> None:
        with rump.connect(self.url, retry=RETRY_S) as self.k:
            while not self.ending.is_set() and not self.findings:
                try:
                    if not self.begun:
                        self.begin()
                        self.begun = True
                    self.step()
                    self.done += 1
                    self.ending.wait(self.pause_s)
                except OSError as error:
                    self._failed(error)
                except Wrong as wrong:
                    self.findings.append(f"{self.name}: {wrong}")
            with contextlib.suppress(OSError):
                self.end()

    def _failed(self, error: OSError) -> None:
        if not self._told(error):
            self.findings.append(f"{self.name}: {error} ({getattr(error, 'origin', '')})")
            return
        for _ in range(100 if self.begun else 0):
            try:
                self.again()
                self.sweep()
            except OSError as another:
                if self._told(another):
                    continue
                self.findings.append(f"{self.name}, after {error}: {another}")
            except Wrong as wrong:
                self.findings.append(f"{self.name}, after {error}: {wrong}")
            return
        if self.begun:
            self.findings.append(f"{self.name}: never served again after {error}")

    def _told(self, error: OSError) -> bool:
        """Counts an error; whether it is one that may be told."""
        name, text = getattr(error, "name", type(error).__name__), getattr(error, "text", "")
        calls = [frame.name for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        self.failed[f"{name} {calls[0] if calls else ''}: {text}"] += 1
        return name in EXPECTED and (name != "EIO" or "ended" in text)  # else it is a disk's

    def sweep(self) -> None:
        """Closes what a call has opened of which nobody knows whether it was done."""
        for fd in set(range(3, 32)) - self.held():
            with contextlib.suppress(OSError):
                self.k.sys.close(fd)

    def held(self) -> set[int]:
        """The descriptors that it knows of."""
        return {getattr(self, "fd", 0)}

    def begin(self) -> None: ...

    def step(self) -> None:
        raise NotImplementedError

    def again(self) -> None:
        """Finds out what was done."""

    def end(self) -> None: ...


def record(number: int) -> bytes:
    """A record that tells its number, and whether it is whole."""
    head = b"%015d\n" % number
    return head + hashlib.sha256(head).hexdigest()[: RECORD - len(head)].encode()


def missing(data: bytes) -> str:
    """Which record of a file is the first that is not there, and what is."""
    count = next((n for n in range(len(data) // RECORD) if data[n * RECORD : (n + 1) * RECORD] != record(n + 1)), None)
    if count is None:
        return f"it ends after {len(data) / RECORD:g}"
    bad = [n for n in range(count, len(data) // RECORD) if data[n * RECORD : (n + 1) * RECORD] != record(n + 1)]
    found = data[count * RECORD : (count + 1) * RECORD]
    return (
        f"{len(bad)} of {len(data) / RECORD:g}, from {count + 1} to {bad[-1] + 1}; in the place of the first: {found!r}"
    )


class Appender(Client):
    """Appends records to a file, each of which is there once and in order: none twice, none that was made safe lost."""

    def begin(self) -> None:
        self.path = f"/soak/append-{self.ident}"
        self.safe = 0
        self.next = 1
        self.fd = self.k.sys.open(self.path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o644)
        self.k.sys.fsync(self.fd)

    def step(self) -> None:
        if self.next > MANY:  # else each check takes longer than the one before
            self.safe = 0
            self.k.sys.ftruncate(self.fd, 0)
            self.k.sys.fsync(self.fd)
            self.next = 1
        for _ in range(self.random.randrange(1, 6)):
            if self.k.sys.write(self.fd, record(self.next)) != RECORD:
                raise Wrong("a short write")
            self.next += 1
        self.k.sys.fsync(self.fd)
        self.safe = self.next - 1
        if self.random.random() < 0.1:
            self.check()

    def again(self) -> None:
        """What was not made safe may be there or not. It begins anew behind what was."""
        with contextlib.suppress(AttributeError):
            self.check(exactly=False)
            self.k.sys.ftruncate(self.fd, self.safe * RECORD)
            self.k.sys.fsync(self.fd)
            self.next = self.safe + 1

    def check(self, *, exactly: bool = True) -> None:
        data = self.contents()
        safe, rest = data[: self.safe * RECORD], data[self.safe * RECORD :]
        if safe != b"".join(record(n) for n in range(1, self.safe + 1)):
            raise Wrong(
                f"{self.path} lacks some of the records 1 to {self.safe}, which were made safe: {missing(data)}"
            )
        numbers = [int(rest[at : at + 15]) for at in range(0, len(rest), RECORD)]
        if rest != b"".join(map(record, numbers)) or (exactly and rest):
            raise Wrong(f"{self.path} holds more than records: {rest[:100]!r}")
        if any(one >= other for one, other in itertools.pairwise([self.safe, *numbers, self.next + 1])):
            raise Wrong(f"{self.path}: the records behind {self.safe} are {numbers}; {self.next} is the next")

    def contents(self) -> bytes:
        fd = self.k.sys.open(self.path, os.O_RDONLY)
        try:
            size = self.k.sys.fstat(fd).st_size
            data = b""
            while len(data) < size:
                data += self.k.sys.pread(fd, size - len(data), len(data))
        finally:
            with contextlib.suppress(OSError):
                self.k.sys.close(fd)
        return data


class Overwriter(Client):
    """Blocks of a file, each with a version: the last that was made safe, or one that was written later."""

    BLOCKS = 32

    def begin(self) -> None:
        self.path = f"/soak/blocks-{self.ident}"
        self.versions = [0] * self.BLOCKS
        self.safe = [0] * self.BLOCKS
        self.fd = self.k.sys.open(self.path, os.O_CREAT | os.O_RDWR, 0o644)
        for block in range(self.BLOCKS):
            self.k.sys.pwrite(self.fd, self.block(block, 0), block * 512)
        self.k.sys.fsync(self.fd)

    def block(self, number: int, version: int) -> bytes:
        return (b"%d.%d " % (number, version)).ljust(512, b"%d" % (version % 10))

    def step(self) -> None:
        for _ in range(4):
            number = self.random.randrange(self.BLOCKS)
            self.versions[number] += 1
            self.k.sys.pwrite(self.fd, self.block(number, self.versions[number]), number * 512)
        self.k.sys.fsync(self.fd)
        self.safe = list(self.versions)
        self.check(self.random.randrange(self.BLOCKS))

    def again(self) -> None:
        with contextlib.suppress(AttributeError):
            self.versions = [self.check(number) for number in range(self.BLOCKS)]

    def check(self, number: int) -> int:
        """The version that a block has."""
        data = self.k.sys.pread(self.fd, 512, number * 512)
        for version in range(self.safe[number], self.versions[number] + 1):
            if data == self.block(number, version):
                return version
        raise Wrong(f"block {number} is {data[:20]!r}, not version {self.safe[number]} to {self.versions[number]}")


class Reader(Client):
    """Reads a file from its beginning to its end, over and over, by the offset of its descriptor."""

    def begin(self) -> None:
        self.fd = self.k.sys.open("/soak/pattern", os.O_RDONLY)
        self.at = 0

    def step(self) -> None:
        length = self.random.randrange(1, 5000)
        data = self.k.sys.read(self.fd, length)
        if data != PATTERN[self.at : self.at + length]:
            raise Wrong(f"{len(data)} bytes at {self.at} are others than were written")
        self.at += len(data)
        if not data:
            self.at = self.k.sys.lseek(self.fd, 0, os.SEEK_SET)

    def again(self) -> None:
        """The read may have moved the offset, or not."""
        with contextlib.suppress(AttributeError):
            at = self.k.sys.lseek(self.fd, 0, os.SEEK_CUR)
            if not (self.at <= at <= self.at + 5000 or at == 0):
                raise Wrong(f"the offset was {self.at} and is {at}")
            self.at = at


class Names(Client):
    """Names in a directory: what was made and made safe is there, once."""

    def begin(self) -> None:
        self.folder = f"/soak/names-{self.ident}"
        with contextlib.suppress(FileExistsError):
            self.k.sys.mkdir(self.folder, 0o755)
        self.count = 0
        self.k.sys.sync()

    def step(self) -> None:
        name = f"{self.folder}/{self.count}"
        with contextlib.suppress(FileExistsError):
            self.k.sys.mkdir(name, 0o755)
        other = f"{self.folder}/new-{self.count}"
        self.k.sys.rename(name, other)
        if self.k.sys.stat(other).st_nlink != 2:
            raise Wrong(f"{other} has {self.k.sys.stat(other).st_nlink} links")
        self.k.sys.rmdir(other)
        self.count += 1

    def again(self) -> None:
        """Whatever of it was done, begin with a new number."""
        self.count += 1
        with contextlib.suppress(FileExistsError, AttributeError):
            self.k.sys.mkdir(self.folder, 0o755)

    def _failed(self, error: OSError) -> None:
        """A directory whose making no fsync has made safe may be gone."""
        if isinstance(error, FileNotFoundError):
            self.again()
            return
        super()._failed(error)


class Processes(Client):
    """Children with identities of their own, which they keep."""

    def begin(self) -> None:
        self.children: list[tuple[Any, int, int]] = []
        self.pid = self.k.sys.getpid()

    def step(self) -> None:
        if len(self.children) < 4:
            child = self.k.fork()
            self.children.append((child, child.sys.getpid(), 0))
            uid = self.random.randrange(1000, 2000)
            child.sys.setuid(uid)
            self.children[-1] = (child, child.sys.getpid(), uid)
        for child, pid, uid in self.children:
            found = (child.sys.getpid(), child.sys.getuid(), child.sys.getpgrp())
            if uid and found[:2] != (pid, uid):
                raise Wrong(f"process {pid} of user {uid} is {found}")
        if self.random.random() < 0.3:
            self.children.pop(0)[0].close()
        if len({pid for _, pid, _ in self.children}) != len(self.children):
            raise Wrong("two processes have one number")

    def again(self) -> None:
        if self.k.sys.getpid() != self.pid:
            raise Wrong("it is another process")

    def end(self) -> None:
        for child, _, _ in self.children:
            child.close()


class Connections(Client):
    """A TCP connection over lo0: each message comes once and in order, until the connection is lost as a whole."""

    def begin(self) -> None:
        self.ends: list[Any] = []
        self.sent = 0

    def connect(self) -> None:
        self.end()
        listener = self.k.socket(rump.AF_INET, rump.SOCK_STREAM)
        self.ends = [listener]
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        one = self.k.socket(rump.AF_INET, rump.SOCK_STREAM)
        self.ends.append(one)
        one.connect(listener.getsockname())
        other, _ = listener.accept()
        self.ends += [other]
        self.sent = 0

    def step(self) -> None:
        if len(self.ends) < 3:
            self.connect()
        _, one, other = self.ends
        self.sent += 1
        one.sendall(record(self.sent))
        data = b""
        while len(data) < RECORD:
            piece = other.recv(RECORD - len(data))
            if not piece:
                raise Wrong("the end of a connection that nobody closed")
            data += piece
        if data != record(self.sent):
            raise Wrong(f"message {self.sent} arrives as {data[:15]!r}")

    def again(self) -> None:
        self.connect()

    def held(self) -> set[int]:
        return {end.fileno() for end in self.ends}

    def end(self) -> None:
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.close()
        self.ends = []


class Devices(Client):
    """Devices: zeros are zeros, and random numbers come."""

    def begin(self) -> None:
        self.fd = self.k.sys.open("/dev/zero", os.O_RDONLY)

    def step(self) -> None:
        if self.k.sys.read(self.fd, 1000) != bytes(1000):
            raise Wrong("/dev/zero gives something else")
        if self.random.random() < 0.05:
            self.again()

    def again(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            self.k.sys.close(self.fd)
        self.fd = self.k.sys.open("/dev/zero", os.O_RDONLY)


LOAD: tuple[Callable[[str, int], Client], ...] = (
    Appender, Appender, Overwriter, Reader, Names, Processes, Connections, Devices,
)  # fmt: skip
