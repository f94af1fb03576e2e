"""Files that are read in order: few messages, and what other clients write is seen (rump._io, docs/transport.md)."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rump
from tests.integration.test_leases import WAIT_S, asked, has_page
from tests.live import LiveKernel, eventually, live_kernel

MIB = 1 << 20


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "vfs,dev") as live:
        yield live


@pytest.fixture(scope="module")
def k(kernel: LiveKernel) -> Iterator[rump.Client]:
    with rump.connect(kernel.url) as client:
        eventually(lambda: has_page(client), WAIT_S, "a page")
        yield client


@pytest.fixture(scope="module")
def other(kernel: LiveKernel) -> Iterator[rump.fs.Tree]:
    """Another process, which changes files."""
    with rump.connect(kernel.url) as client:
        yield rump.fs.Tree(client)


def ahead(k: rump.Client, path: str) -> Any:
    """A file that reads ahead, without another buffer in front of it."""
    raw: Any = k.open(path, "rb").detach()
    assert type(raw).__name__ == "AheadFile"
    return raw


def test_a_small_file_takes_two_messages(k: rump.Client, other: rump.fs.Tree) -> None:
    other.write_text("/tmp/small", "a line\n")
    assert asked(k, lambda: k.open("/tmp/small").read()) <= 2
    assert k.open("/tmp/small").read() == "a line\n"
    with k.open("/tmp/small", "rb") as file:
        assert asked(k, lambda: (file.read(3), file.seek(0), file.read(), file.read())) == 0


def test_a_long_one_takes_a_message_for_a_mebibyte(k: rump.Client, other: rump.fs.Tree) -> None:
    data = os.urandom(8 * MIB + 5)
    other.write_bytes("/tmp/long", data)
    out = io.BytesIO()

    def read() -> None:
        with k.open("/tmp/long", "rb") as file:
            while piece := file.read(4096):
                out.write(piece)

    assert asked(k, read) <= 16
    assert out.getvalue() == data


def test_reads_here_and_there_fetch_what_they_ask_for(k: rump.Client, other: rump.fs.Tree) -> None:
    other.write_bytes("/tmp/wide", bytes(8 * MIB))
    connection: Any = k._connection
    sizes = []
    call = connection._call
    connection._call = lambda op, args: sizes.append(args[1:2]) or call(op, args)
    try:
        with ahead(k, "/tmp/wide") as file:
            for at in (7, 2, 6, 1, 5):
                file.seek(at * MIB)
                assert len(file.read(100)) == 100
    finally:
        del connection._call
    assert sizes[:5] == [(100,)] * 5


def test_what_others_write_is_seen(k: rump.Client, other: rump.fs.Tree) -> None:
    other.write_bytes("/tmp/shared", b"a" * 100)
    with ahead(k, "/tmp/shared") as file:
        assert file.read(10) == b"a" * 10
        other.write_bytes("/tmp/shared", b"b" * 100)
        assert file.read(10) == b"b" * 10
        fd = other.k.sys.open("/tmp/shared", os.O_RDWR)
        other.k.sys.pwrite(fd, b"c" * 5, 20)
        assert file.read(10) == b"c" * 5 + b"b" * 5
        other.k.sys.ftruncate(fd, 35)
        assert file.read() == b"b" * 5
        assert file.read() == b""
        other.write_bytes("/tmp/shared", b"more", append=True)
        assert file.read() == b"more"
        other.rename("/tmp/shared", "/tmp/elsewhere")
        other.k.sys.pwrite(fd, b"d", 0)
        file.seek(0)
        assert file.read(2) == b"db"
        other.k.sys.close(fd)


def test_other_kinds_of_files(k: rump.Client, other: rump.fs.Tree) -> None:
    with k.open("/dev/zero", "rb") as file:
        assert file.read(5) == bytes(5)
    with pytest.raises(IsADirectoryError):
        k.open("/tmp").read()
    with pytest.raises(FileNotFoundError) as missing:
        k.open("/tmp/none")
    assert missing.value.filename == "/tmp/none"
    other.mkfifo("/tmp/fifo")
    writer = other.k.sys.open("/tmp/fifo", os.O_RDWR)
    other.k.sys.write(writer, b"through")
    with k.open("/tmp/fifo", "rb", buffering=0) as file:
        assert file.read(100) == b"through"
    other.k.sys.close(writer)
    with pytest.raises(rump.RumpError) as refused:
        k.sys.open("/dev/zero", os.O_RDONLY | rump.O_REGULAR)
    assert refused.value.name == "EFTYPE"


def test_host_files_are_read_each_time(kernel: LiveKernel, k: rump.Client) -> None:
    folder = kernel.folder / "host"
    folder.mkdir()
    k.pub.etfs_register("/host", folder, type="dir")
    (folder / "f").write_text("before")
    with k.open("/host/f", "rb") as buffered:
        file = buffered.raw
        assert file.read(2) == b"be"
        (folder / "f").write_text("beyond")
        assert file.read(4) == b"yond"
    k.pub.etfs_remove("/host")


steps = st.one_of(
    st.tuples(st.just("read"), st.integers(0, 70_000), st.just(0)),
    st.tuples(st.just("seek"), st.integers(0, 300_000), st.just(0)),
    st.tuples(st.just("write"), st.integers(0, 300_000), st.integers(1, 50_000)),
    st.tuples(st.just("truncate"), st.integers(0, 300_000), st.just(0)),
    st.tuples(st.just("all"), st.just(0), st.just(0)),
)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=20), st.integers(0, 20_000), st.lists(steps, max_size=25), st.booleans())
def test_as_a_file_in_memory(
    k: rump.Client, other: rump.fs.Tree, seed: bytes, times: int, moves: list[tuple[str, int, int]], own: bool
) -> None:
    """What is read is what is there then, whoever has written it."""
    model = io.BytesIO()
    model.write(seed * times)
    model.seek(0)
    other.write_bytes("/tmp/model", model.getvalue())
    sys = (k if own else other.k).sys
    fd = sys.open("/tmp/model", os.O_WRONLY)
    with ahead(k, "/tmp/model") as file:
        for move, number, length in moves:
            if move == "read":
                found = file.read(number)
                assert found == model.read(len(found))
                assert found or not number or not model.read(1)
            elif move == "all":
                assert file.read() == model.read()
            elif move == "seek":
                assert file.seek(number) == model.seek(number)
            elif move == "write":
                at = model.tell()
                model.seek(number)
                model.write(b"w" * length)
                model.seek(at)
                sys.pwrite(fd, b"w" * length, number)
            else:
                model.truncate(number)  # which does not make it longer
                if number < other.stat("/tmp/model").st_size:
                    sys.ftruncate(fd, number)
    sys.close(fd)
