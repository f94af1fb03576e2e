"""Damaged qcow2 images: reading and writing them ends in an answer or a KernelError, and soon."""

from __future__ import annotations

import random
import time

from rumpuser.disk.qcow2 import create, open_image
from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError
from tests.iso_images import damage

ALLOWED = {Errno.EIO, Errno.EINVAL, Errno.EOPNOTSUPP, Errno.EFBIG, Errno.ENOSPC}
LIMIT = 1 << 22
SIZE = 1 << 20
SECONDS = 3.0


class Memory:
    """A device in memory that grows, up to a limit."""

    readonly = False
    name = "memory"

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)

    @property
    def size(self) -> int:
        return len(self.data)

    @size.setter
    def size(self, length: int) -> None:
        del self.data[length:]

    def view(self, offset: int, length: int) -> memoryview:
        if offset < 0 or offset + length > len(self.data):
            raise KernelError(Errno.EIO)
        return memoryview(bytes(self.data[offset : offset + length]))

    def write(self, offset: int, data: Buffer) -> None:
        end = offset + len(data)
        if end > LIMIT:
            raise KernelError(Errno.ENOSPC)
        self.data += bytes(max(end - len(self.data), 0))
        self.data[offset:end] = data

    def flush(self) -> None: ...

    def close(self) -> None: ...


def use(data: bytes | bytearray, generator: random.Random) -> bool:
    """Opens, reads all and writes a bit; whether that went well."""
    try:
        disk = open_image(Memory(data))
        for at in range(0, min(disk.size, SIZE), 50_000):
            disk.view(at, min(50_000, disk.size - at))
        for _ in range(20):
            at = generator.randrange(min(disk.size, SIZE) or 1)
            disk.write(at, generator.randbytes(min(3000, disk.size - at)))
    except KernelError as error:
        if error.errno not in ALLOWED:
            raise
        return False
    return True


def test_damaged_images() -> None:
    generator = random.Random(11)
    memory = Memory()
    create(memory, SIZE, cluster_bits=10)
    assert use(memory.data, generator)
    disk = open_image(memory)
    for _ in range(40):
        disk.write(generator.randrange(SIZE - 5000), generator.randbytes(5000))
    clean = bytes(memory.data)
    tables = [0, 0, 1024, 2048, 3072, *range(4096, len(clean), 1024)]
    good = 0
    for _ in range(400):
        data = bytearray(clean)
        for _ in range(generator.choice((1, 3, 20))):
            damage(data, generator.choice(tables[: generator.choice((5, 40))]) + generator.randrange(200), generator)
        if generator.random() < 0.3:
            data[79] |= 1  # was not closed
        begun = time.process_time()
        good += use(data, generator)
        assert time.process_time() - begun < SECONDS
    assert good > 20


def test_cut_off_images() -> None:
    generator = random.Random(12)
    memory = Memory()
    create(memory, SIZE, cluster_bits=9)
    assert use(memory.data, generator)
    for length in range(0, 8000, 37):
        use(memory.data[:length], generator)
