"""Byte pipes in shared memory: what goes in comes out, however it is cut; what a hostile peer writes is found."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpuser.transport.framing import Cutter, framed
from rumpuser.transport.ring import PAGE, Reader, Ring, Writer, attach, create
from rumpwire.errno import Errno, KernelError

SIZE = 64
DOCS = Path(__file__).parents[3] / "docs" / "transport.md"


def pair(size: int = SIZE) -> tuple[Ring, Ring, mmap.mmap]:
    """Both ends, and the memory as somebody else sees it."""
    fd, server = create(size)
    try:
        return server, attach(fd), mmap.mmap(fd, PAGE + 2 * size)
    finally:
        os.close(fd)


@given(
    st.lists(st.one_of(st.binary(max_size=3 * SIZE), st.none())),
    st.sampled_from([8, 16, SIZE]),
    st.booleans(),
)
def test_what_goes_in_comes_out_in_order(steps: list[bytes | None], size: int, up: bool) -> None:
    """Bytes are written as far as there is room, None reads; the reader sleeps in between, and is rung for."""
    server, client, _ = pair(size)
    writer, reader = (client.outgoing, server.incoming) if up else (server.outgoing, client.incoming)
    sent, got, rest = b"", b"", b""
    asleep = False
    for step in [*steps, None, None]:
        if isinstance(step, bytes):
            sent += step
            rest += step
        elif asleep and not reader.ready:
            pass
        else:
            reader.disarm()
            got += reader.read()
            asleep = reader.arm()
        done = writer.write(rest)
        assert done == min(len(rest), size - (len(sent) - len(rest) - len(got)))
        if asleep and done:
            assert writer.rings(), "who sleeps is rung for"
        asleep = asleep and not done
        rest = rest[done:]
        assert writer.room == (len(sent) - len(rest) - len(got) < size)
    while rest or reader.ready:
        got += reader.read()
        rest = rest[writer.write(rest) :]
    assert got == sent


@given(st.lists(st.binary(max_size=200), max_size=20), st.integers(0, 1000))
def test_frames_longer_than_the_ring_go_through_in_pieces(frames: list[bytes], start: int) -> None:
    server, client, _ = pair()
    for _ in range(start % SIZE):  # wherever in the ring it begins
        client.outgoing.write(b"x")
        server.incoming.read()
    cutter, found = Cutter(200), []
    rest = memoryview(b"".join(map(framed, frames)))
    while rest or server.incoming.ready:
        rest = rest[client.outgoing.write(rest) :]
        cutter.feed(server.incoming.read())
        while (frame := cutter.frame()) is not None:
            found.append(frame)
    assert found == frames


def test_both_directions_are_apart() -> None:
    server, client, _ = pair()
    assert client.outgoing.write(b"u" * SIZE) == SIZE
    assert server.outgoing.write(b"d" * SIZE) == SIZE
    assert client.outgoing.write(b"u") == server.outgoing.write(b"d") == 0
    assert client.incoming.read() == b"d" * SIZE
    assert server.incoming.read() == b"u" * SIZE


def test_who_sleeps_is_rung_for_once() -> None:
    server, client, _ = pair()
    assert server.incoming.arm()
    client.outgoing.write(b"a")
    assert client.outgoing.rings()
    client.outgoing.write(b"b")
    assert not client.outgoing.rings(), "it has been rung for"
    assert not server.incoming.arm(), "something is there"
    assert server.incoming.read() == b"ab"
    assert server.incoming.arm()
    client.outgoing.write(b"c")
    assert client.outgoing.rings(), "another sleep"
    server.incoming.disarm()
    client.outgoing.write(b"d")
    assert not client.outgoing.rings(), "it is awake"


def test_who_waits_for_room_is_rung_for() -> None:
    server, client, _ = pair()
    assert not client.outgoing.starve(), "there is room"
    client.outgoing.write(b"x" * SIZE)
    assert client.outgoing.starve()
    assert server.incoming.read() == b"x" * SIZE
    assert server.incoming.rings
    server.incoming.rings = False
    client.outgoing.write(b"x" * SIZE)
    assert server.incoming.read() == b"x" * SIZE
    assert not server.incoming.rings, "it did not wait again"


def test_who_waits_for_room_is_rung_for_when_little_was_read() -> None:
    """At the latest before the reader sleeps."""
    server, client, _ = pair()
    client.outgoing.write(b"x")
    tail = server.incoming
    client.outgoing.write(b"x" * (SIZE - 1))
    assert client.outgoing.starve()
    tail.read()
    tail.rings = False
    tail._rung = 0
    assert tail.arm()
    assert tail.rings


words = st.one_of(st.integers(0, 3 * SIZE), st.integers(0, (1 << 64) - 1))


@given(st.lists(st.tuples(st.sampled_from([128, 136, 256, 264, 384, 392, 512, 520]), words), min_size=1), st.binary())
def test_garbled_indexes_are_found_or_harmless(garbage: list[tuple[int, int]], noise: bytes) -> None:
    """Whatever the words are, nothing but EBADRPC comes of it, and nothing beyond the memory is touched."""
    server, _, memory = pair()
    memory[PAGE : PAGE + min(len(noise), SIZE)] = noise[:SIZE]
    cutter = Cutter(1000)
    for at, word in garbage:
        struct.pack_into("<Q", memory, at, word)
        with contextlib.suppress(KernelError):
            data = server.incoming.read()
            assert len(data) <= SIZE
            cutter.feed(data)
            while cutter.frame() is not None:
                pass
        with contextlib.suppress(KernelError):
            assert server.outgoing.write(b"answer" * 5) <= SIZE
            server.outgoing.rings()
            server.outgoing.starve()
        server.incoming.arm()


@pytest.mark.parametrize("tail", [SIZE + 1, (1 << 64) - 1, 1 << 63])
def test_a_tail_that_cannot_be(tail: int) -> None:
    server, _, memory = pair()
    struct.pack_into("<Q", memory, 128, tail)
    with pytest.raises(KernelError) as caught:
        server.incoming.read()
    assert caught.value.errno == Errno.EBADRPC


@pytest.mark.parametrize("head", [SIZE + 1, (1 << 64) - 1])
def test_a_head_that_cannot_be(head: int) -> None:
    server, _, memory = pair()
    server.outgoing.write(b"x" * SIZE)
    struct.pack_into("<Q", memory, 512, head)
    with pytest.raises(KernelError) as caught:
        server.outgoing.write(b"y")
    assert caught.value.errno == Errno.EBADRPC


def test_the_memory_cannot_be_cut_short() -> None:
    fd, _ = create(SIZE)
    with pytest.raises(PermissionError):
        os.ftruncate(fd, 0)
    with pytest.raises(PermissionError):
        os.ftruncate(fd, 1 << 20)
    os.close(fd)


def memory_of(length: int, header: bytes, seals: int = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW) -> int:
    fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, length)
    os.pwrite(fd, header, 0)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def header(magic: bytes = b"rumpring", version: int = 1, size: int = SIZE) -> bytes:
    return magic + struct.pack("<II", version, size)


@pytest.mark.parametrize(
    "fd",
    [
        pytest.param(lambda: memory_of(PAGE + 2 * SIZE, header(), 0), id="not sealed"),
        pytest.param(lambda: memory_of(PAGE + 2 * SIZE, header(), fcntl.F_SEAL_GROW), id="can be cut"),
        pytest.param(lambda: memory_of(PAGE + SIZE, header()), id="too short"),
        pytest.param(lambda: memory_of(16, header()), id="shorter than a page"),
        pytest.param(lambda: memory_of(0, b""), id="empty"),
        pytest.param(lambda: memory_of(PAGE + 2 * SIZE, header(b"rumpbus\n")), id="something else"),
        pytest.param(lambda: memory_of(PAGE + 2 * SIZE, header(version=2)), id="version"),
        pytest.param(lambda: memory_of(PAGE + 2 * 96, header(size=96)), id="no power of two"),
        pytest.param(lambda: memory_of(PAGE, header(size=0)), id="no pipes"),
        pytest.param(lambda: os.open(os.devnull, os.O_RDWR), id="no memory"),
    ],
)
def test_what_is_no_ring_is_not_taken(fd: object) -> None:
    assert callable(fd)
    number = fd()
    with pytest.raises(KernelError) as caught:
        attach(number)
    os.close(number)
    assert caught.value.errno == Errno.EBADRPC


def test_the_vectors_of_the_documentation() -> None:
    """What each side writes is where the documentation says it is."""
    found = re.findall(r"^(\d+) ([0-9a-f]+) +# ", DOCS.read_text(), re.MULTILINE)
    expected = {int(at): bytes.fromhex(data) for at, data in found}
    server, client, memory = pair(1 << 17)
    assert server.incoming.arm()
    client.outgoing.write(framed(b"0123456789abcdef0123456789abcdef"))
    server.outgoing.write(framed(b"yes"))
    server.outgoing.write(framed(b"no"))
    assert client.incoming.read() == b"\3\0\0\0yes\2\0\0\0no"
    assert client.incoming.arm()
    assert len(expected) >= 9
    assert {at: memory[at : at + len(data)] for at, data in expected.items()} == expected
    assert isinstance(server.incoming, Reader)
    assert isinstance(client.outgoing, Writer)
