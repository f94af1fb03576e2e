"""Asynchronous I/O over all placements: aio(3) and lio_listio(3)."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import threading
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code

_numbers = itertools.count(1)


def block(fd: int, data: bytes = b"", nbytes: int = 0, offset: int = 0, **more: Any) -> rump.Aiocb:
    return rump.Aiocb(next(_numbers), fd, offset, data, nbytes, **more)


def finish(k: Any, b: rump.Aiocb) -> tuple[int, int, bytes]:
    """Error, return value and data of a request, once it is over."""
    k.sys.aio_suspend([b.aiocbp], 20)
    error = k.sys.aio_error(b.aiocbp)
    retval, buf = k.sys.aio_return(b.aiocbp)
    return error, retval, bytes(buf)


@pytest.fixture
def file(k: Any, folder: str) -> int:
    fd: int = k.sys.open(f"{folder}/file", os.O_RDWR | os.O_CREAT)
    return fd


def test_a_file_is_written_and_read(k: Any, file: int) -> None:
    write = block(file, b"hello", offset=3)
    k.sys.aio_write(write)
    assert finish(k, write) == (0, 5, b"")
    read = block(file, nbytes=100, offset=1)
    k.sys.aio_read(read)
    assert finish(k, read) == (0, 7, b"\0\0hello")
    assert k.sys.lseek(file, 0, os.SEEK_CUR) == 0, "the position stays"
    end = block(file, nbytes=1, offset=100)
    k.sys.aio_read(end)
    assert finish(k, end) == (0, 0, b"")
    assert code(k.sys.aio_return, end.aiocbp) == "EINVAL", "the kernel has forgotten it"
    assert code(k.sys.aio_error, end.aiocbp) == "EINVAL"


def test_appended_in_the_order_of_the_calls(k: Any, folder: str) -> None:
    fd = k.sys.open(f"{folder}/log", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    writes = [block(fd, b"%d;" % n) for n in range(50)]
    for write in writes:
        k.sys.aio_write(write)
    sync = block(fd)
    k.sys.aio_fsync(os.O_SYNC, sync)
    assert finish(k, sync) == (0, 0, b"")
    assert [k.sys.aio_error(write.aiocbp) for write in writes] == [0] * 50, "a sync waits for what was before"
    assert k.sys.pread(fd, 1000, 0) == b"".join(b"%d;" % n for n in range(50))


def test_a_disk(k: Any, folder: str) -> None:
    k.pub.md_create(0, 8 << 20)
    k.pub.newfs("ext2fs", "/dev/md0d")
    k.sys.mount("ext2fs", folder, device="/dev/md0d")
    fd = k.sys.open(f"{folder}/file", os.O_RDWR | os.O_CREAT)
    requests = [k.aio.write(fd, bytes([n]) * 1000, n * 1000) for n in range(20)]
    assert k.aio.fsync(fd, datasync=True).result(20) == 0
    assert all(request.done() for request in requests)
    assert [request.result() for request in requests] == [1000] * 20
    assert k.aio.read(fd, 2000, 500).result(20) == b"\0" * 500 + b"\1" * 1000 + b"\2" * 500
    k.sys.close(fd)
    k.sys.unmount(folder)
    k.pub.md_destroy(0)


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_read_that_waits(k: Any, kind: str) -> None:
    r, w = k.sys.pipe() if kind == "pipe" else [s.detach() for s in k.socketpair()]
    reads = [block(r, nbytes=3) for _ in range(3)]
    for read in reads:
        k.sys.aio_read(read)
    numbers = [read.aiocbp for read in reads]
    assert [k.sys.aio_error(number) for number in numbers] == [errno.EINPROGRESS] * 3
    assert code(k.sys.aio_return, numbers[0]) == "EINVAL"
    assert code(k.sys.aio_read, reads[0]) == "EINVAL", "it is under way"
    assert code(k.sys.aio_suspend, numbers, 0.01) == "EAGAIN"
    assert code(k.sys.aio_suspend, numbers, 0) == "EAGAIN"
    k.sys.write(w, b"abcdef")
    assert [finish(k, read)[2] for read in reads[:2]] == [b"abc", b"def"]
    write = block(w, b"xyz")
    k.sys.aio_write(write)
    assert finish(k, write) == (0, 3, b"")
    assert finish(k, reads[2]) == (0, 3, b"xyz")


def test_who_waits_is_woken(k: Any) -> None:
    r, w = k.sys.pipe()
    request = k.aio.read(r, 10)
    found: list[Any] = []
    waiter = threading.Thread(target=lambda: found.append(k.aio.wait([request])))
    waiter.start()
    k.sys.write(w, b"x")
    waiter.join(20)
    assert found == [[request]]
    assert request.result() == request.result() == b"x"


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_cancelled(k: Any, kind: str) -> None:
    r, w = k.sys.pipe() if kind == "pipe" else [s.detach() for s in k.socketpair()]
    reads = [block(r, nbytes=3) for _ in range(4)]
    for read in reads:
        k.sys.aio_read(read)
    one = reads[1].aiocbp
    assert k.sys.aio_cancel(r, one) == rump.AIO_CANCELED
    assert k.sys.aio_cancel(r, one) == rump.AIO_ALLDONE
    assert k.sys.aio_error(one) == errno.ECANCELED
    assert tuple(k.sys.aio_return(one)) == (-1, b"")
    assert code(k.sys.aio_cancel, w, reads[0].aiocbp) == "EBADF"
    assert code(k.sys.aio_cancel, 999) == "EBADF"
    assert k.sys.aio_cancel(w) == rump.AIO_ALLDONE
    assert k.sys.aio_cancel(r) == rump.AIO_CANCELED
    assert [k.sys.aio_error(read.aiocbp) for read in (reads[0], *reads[2:])] == [errno.ECANCELED] * 3
    k.sys.write(w, b"kept")
    assert k.sys.read(r, 10) == b"kept", "what was cancelled takes nothing"


def test_requests_end_with_their_descriptor(k: Any) -> None:
    r, w = k.sys.pipe()
    reads = [k.aio.read(r, 1) for _ in range(3)]
    other = k.sys.dup(r)
    k.sys.close(r)
    for read in reads:
        with pytest.raises(OSError, match="ancel") as caught:
            read.result(20)
        assert caught.value.errno == errno.ECANCELED
    again = k.aio.read(other, 1)
    with k.batch() as batch:
        batch.close(other)
        batch.close(w)
    assert k.sys.aio_error(again.number) == errno.ECANCELED


def test_exec_ends_them(k: Any) -> None:
    r, w = k.sys.pipe()
    read = k.aio.read(r, 1)
    k.exec("other")
    assert code(k.sys.aio_error, read.number) == "EINVAL"
    k.sys.write(w, b"x")
    assert k.sys.read(r, 1) == b"x"


def test_they_end_with_their_process(k: Any) -> None:
    r, w = k.sys.pipe()
    before = k.sysctl("kern.aio_max")
    k.sysctl("kern.aio_max", k.sysctl("kern.aio_listio_max"))
    try:
        for _ in range(3):
            with k.fork() as child:
                reads = [block(r, nbytes=1, aio_lio_opcode=rump.LIO_READ) for _ in range(400)]
                child.sys.lio_listio(rump.LIO_NOWAIT, reads)
        read = k.aio.read(r, 1)
        k.sys.write(w, b"x")
        assert read.result(20) == b"x"
    finally:
        k.sysctl("kern.aio_max", before)


@pytest.mark.parametrize("which", ["done", "failed", "cancelled"])
def test_a_signal_tells_of_the_end(k: Any, got: Any, which: str) -> None:
    r, w = k.sys.pipe()
    read = k.aio.read(w if which == "failed" else r, 1, signo=signal.SIGUSR2)
    if which == "cancelled":
        assert read.cancel()
    elif which == "done":
        k.sys.write(w, b"x")
    assert got.get(timeout=20) == signal.SIGUSR2
    assert read.done()


def test_a_write_to_nobody(k: Any, got: Any) -> None:
    r, w = k.sys.pipe()
    k.sys.close(r)
    write = k.aio.write(w, b"x")
    with pytest.raises(BrokenPipeError):
        write.result(20)
    assert got.get(timeout=20) == signal.SIGPIPE


def listed(fd: int, op: int, **more: Any) -> rump.Aiocb:
    return block(fd, aio_lio_opcode=op, **more)


def test_a_list_that_is_waited_for(k: Any, file: int) -> None:
    writes = [listed(file, rump.LIO_WRITE, data=b"%d" % n, offset=n) for n in range(5)]
    nothing = listed(file, rump.LIO_NOP)
    k.sys.lio_listio(rump.LIO_WAIT, [*writes, nothing])
    assert [k.sys.aio_error(b.aiocbp) for b in writes] == [0] * 5
    assert code(k.sys.aio_error, nothing.aiocbp) == "EINVAL"
    reads = [listed(file, rump.LIO_READ, nbytes=2, offset=n) for n in range(5)]
    k.sys.lio_listio(rump.LIO_WAIT, reads)
    assert b"".join(k.sys.aio_return(b.aiocbp).buf[:1] for b in reads) == b"01234"


def test_a_list_of_which_some_fail(k: Any, file: int) -> None:
    good, bad, odd = listed(file, rump.LIO_WRITE, data=b"x"), listed(999, rump.LIO_READ), listed(file, 9)
    assert code(k.sys.lio_listio, rump.LIO_WAIT, [good, bad, odd]) == "EIO"
    errors = [k.sys.aio_error(b.aiocbp) for b in (good, bad, odd)]
    assert errors == [0, errno.EBADF, errno.EINVAL]
    _, w = k.sys.pipe()
    late = listed(w, rump.LIO_READ, nbytes=1)
    assert code(k.sys.lio_listio, rump.LIO_WAIT, [late]) == "EIO"
    assert k.sys.aio_error(late.aiocbp) == errno.EBADF


def test_a_signal_for_the_list(k: Any, got: Any) -> None:
    r, w = k.sys.pipe()
    reads = [listed(r, rump.LIO_READ, nbytes=1) for _ in range(3)]
    k.sys.lio_listio(rump.LIO_NOWAIT, reads, rump.Sigevent(rump.SIGEV_SIGNAL, signal.SIGUSR1))
    k.sys.write(w, b"ab")
    k.sys.aio_suspend([reads[1].aiocbp], 20)
    assert k.sys.aio_error(reads[2].aiocbp) == errno.EINPROGRESS
    assert got.empty()
    k.sys.write(w, b"c")
    assert got.get(timeout=20) == signal.SIGUSR1
    assert [k.sys.aio_return(b.aiocbp).buf for b in reads] == [b"a", b"b", b"c"]


def test_what_is_no_request(k: Any, file: int) -> None:
    assert code(k.sys.aio_read, block(999)) == "EBADF"
    assert code(k.sys.aio_read, rump.Aiocb(0, file)) == "EINVAL"
    assert code(k.sys.aio_read, block(file, aio_reqprio=1)) == "EINVAL"
    assert code(k.sys.aio_read, block(file, nbytes=1 << 40)) == "EINVAL"
    for event in (rump.Sigevent(7), rump.Sigevent(rump.SIGEV_SIGNAL, 999)):
        assert code(k.sys.aio_read, block(file, nbytes=1, aio_sigevent=event)) == "EINVAL"
    assert code(k.sys.aio_fsync, 0, block(file)) == "EINVAL"
    r, _ = k.sys.pipe()
    assert code(k.sys.aio_fsync, os.O_SYNC, block(r)) == "EINVAL"
    assert code(k.sys.lio_listio, 5, [block(file)]) == "EINVAL"
    assert code(k.sys.lio_listio, rump.LIO_WAIT, []) == "EINVAL"
    assert code(k.sys.aio_suspend, [77777], 0) == "EINVAL"
    negative = block(file, nbytes=1, offset=-1)
    k.sys.aio_read(negative)
    assert finish(k, negative)[:2] == (errno.EINVAL, -1)


def test_limits(k: Any) -> None:
    assert k.sysctl("kern.posix_aio") == 200112
    before = k.sysctl("kern.aio_listio_max")
    assert code(k.sysctl, "kern.aio_listio_max", 0) == "EINVAL"
    assert code(k.sysctl, "kern.aio_listio_max", k.sysctl("kern.aio_max") + 1) == "EINVAL"
    assert code(k.sysctl, "kern.aio_max", before - 1) == "EINVAL"
    r, w = k.sys.pipe()
    k.sysctl("kern.aio_listio_max", 2)
    try:
        first = block(r, nbytes=1)
        k.sys.aio_read(first)
        k.sys.aio_read(block(r, nbytes=1))
        assert code(k.sys.aio_read, block(r, nbytes=1)) == "EAGAIN"
        assert code(k.sys.lio_listio, rump.LIO_NOWAIT, [block(r)] * 3) == "EINVAL"
        k.sys.write(w, b"x")
        finish(k, first)
        k.sys.aio_read(block(r, nbytes=1))
    finally:
        k.sysctl("kern.aio_listio_max", before)


def test_memory_is_bounded(k: Any) -> None:
    r, w = k.sys.pipe()
    most = 4 << 20
    held = [k.aio.write(w, bytes(most)) for _ in range(8)]
    assert code(k.aio.write, w, b"x") == "EAGAIN"
    assert code(k.aio.read, r, most) == "EAGAIN"
    assert held[-1].cancel()
    assert k.aio.read(r, 10).result(20) == bytes(10)
