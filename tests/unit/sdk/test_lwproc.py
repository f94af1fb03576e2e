"""Threads of a program as threads of its kernel (rump_lwproc(3)): t_lwproc of NetBSD, and several threads at once."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import rump
from rump import lwproc as by_c_names
from rump.lwproc import Lwproc
from rump.syscalls import rump_sys_getpid
from rumpwire.errno import Errno, KernelError
from tests.conformance.test_descriptors import code


@pytest.fixture
def kernel() -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=("vfs",)) as k:
        yield k


@pytest.fixture
def threads(kernel: rump.Kernel) -> Iterator[Lwproc]:
    """The kernel by threads; the one of the test is implicit before and after."""
    threads = kernel.lwproc
    assert threads is kernel.lwproc
    assert threads.curlwp() is None
    yield threads
    threads.switch(None)


def process(k: Any, pid: int) -> Any:
    return next(found for found in k.processes() if found["pid"] == pid)


def pids(k: Any) -> set[int]:
    return {found["pid"] for found in k.processes()}


def elsewhere(work: Callable[[], Any]) -> Any:
    """What it gives in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(20)


# -- what t_lwproc asks


def test_makelwp(threads: Lwproc) -> None:
    base = threads.newlwp(0)
    assert threads.sys.getpid() == 1
    assert code(threads.newlwp, 37) == "ESRCH"
    assert threads.curlwp() is base

    first = threads.rfork(rump.RFCFDG)
    assert threads.curlwp() is first is not base
    pid = threads.sys.getpid()
    assert pid == first.pid > 1

    second = threads.newlwp(pid)
    assert threads.curlwp() is second is not first
    assert second.lid != first.lid
    assert threads.sys.getpid() == threads.pid == pid


def test_proccreds(threads: Lwproc) -> None:
    first = threads.rfork(rump.RFCFDG)
    other = threads.newlwp(first.pid)
    threads.switch(None)
    stranger = threads.rfork(rump.RFCFDG)

    threads.switch(first)
    threads.sys.setuid(22)
    assert threads.sys.getuid() == 22
    threads.switch(stranger)
    assert threads.sys.getuid() == 0
    threads.switch(other)
    assert threads.sys.getuid() == 22
    threads.switch(None)
    assert threads.sys.getuid() == 0


def test_inherit(threads: Lwproc) -> None:
    threads.rfork(rump.RFCFDG)
    threads.sys.setuid(66)
    parent = threads.sys.getpid()
    threads.rfork(rump.RFCFDG)
    assert (threads.sys.getuid(), threads.sys.getppid()) == (66, parent)
    threads.releaselwp()
    assert threads.sys.getuid() == 0


def test_lwps(kernel: rump.Kernel, threads: Lwproc) -> None:
    first = threads.rfork(rump.RFCFDG)
    pid = first.pid
    threads.sys.setuid(375)
    lwps = [first] + [threads.newlwp(pid) for _ in range(128)]
    assert process(kernel, pid)["nlwps"] == 129
    for lwp in lwps:
        threads.switch(lwp)
        assert (threads.sys.getpid(), threads.sys.getuid()) == (pid, 375)
        threads.releaselwp()
        assert threads.curlwp() is None
        if lwp is lwps[-2]:
            threads.newlwp(pid)
            threads.releaselwp()
    assert code(threads.newlwp, pid) == "ESRCH"
    assert pid not in pids(kernel)


def test_nolwprelease(threads: Lwproc) -> None:
    assert code(threads.releaselwp) == "EINVAL", "the original aborts"
    threads.newlwp(0)
    threads.releaselwp()
    with pytest.raises(rump.RumpError, match="rfork and newlwp give one"):
        threads.releaselwp()


def test_nolwp(threads: Lwproc) -> None:
    threads.sys.getpid()
    assert threads.curlwp() is None


def test_nullswitch(threads: Lwproc) -> None:
    lwp = threads.newlwp(0)
    threads.switch(None)
    assert threads.curlwp() is None
    threads.switch(lwp)
    assert threads.curlwp() is lwp
    threads.switch(lwp)
    assert threads.curlwp() is lwp


@pytest.mark.parametrize("flags", [rump.RFFDG | rump.RFCFDG, rump.RFSHARE | rump.RFFDG, 8, 1 << 20, -1])
def test_rfork_flags_that_mean_nothing(kernel: rump.Kernel, threads: Lwproc, flags: int) -> None:
    threads.sys.getpid()
    before = pids(kernel)
    assert code(threads.rfork, flags) == "EINVAL"
    assert threads.curlwp() is None
    assert pids(kernel) == before


@pytest.mark.parametrize("flags", [0, rump.RFSHARE, rump.RFFDG, rump.RFCFDG])
def test_rfork_and_descriptors(threads: Lwproc, flags: int) -> None:
    parent = threads.rfork(rump.RFCFDG)
    fd = threads.sys.open("/file", os.O_RDWR | os.O_CREAT, 0o777)
    assert threads.sys.write(fd, b"four") == 4

    threads.rfork(flags)
    if flags == rump.RFCFDG:
        assert code(threads.sys.read, fd, 1) == "EBADF"
        assert threads.sys.write(1, b"console") == 7
    else:
        assert threads.sys.lseek(fd, 0, os.SEEK_CUR) == 4
        assert threads.sys.lseek(fd, 0, os.SEEK_SET) == 0
        threads.sys.close(fd)
    threads.releaselwp()

    threads.switch(parent)
    if flags in (0, rump.RFSHARE):
        assert code(threads.sys.read, fd, 4) == "EBADF"
    else:
        assert threads.sys.lseek(fd, 0, os.SEEK_CUR) == (4 if flags == rump.RFCFDG else 0)


# -- implicit threads


def test_threads_without_a_process_are_init(kernel: rump.Kernel, threads: Lwproc) -> None:
    assert (threads.sys.getpid(), threads.pid) == (1, 1)
    threads.sys.mkdir("/dir", 0o755)
    fd = threads.sys.open("/dir", os.O_RDONLY)
    assert elsewhere(lambda: threads.sys.fstat(fd).st_mode) == threads.sys.fstat(fd).st_mode
    assert kernel.sys.getpid() == kernel.pid != 1, "calls of a client are its process's, whatever the thread"
    with kernel.attach() as client:
        assert client.sys.getppid() == 1
        assert code(client.sys.fstat, fd) == "EBADF"
        threads.newlwp(client.pid)
        assert client.sys.getpid() == threads.sys.getpid()
    threads.close()
    threads.switch(None)
    assert threads.sys.fstat(fd).st_mode, "init does not end"


def test_the_clients_process_outlives_its_lwps(kernel: rump.Kernel, threads: Lwproc) -> None:
    threads.newlwp(kernel.pid)
    assert threads.sys.getpid() == kernel.pid
    threads.releaselwp()
    assert kernel.sys.getpid() == kernel.pid


def test_an_lwp_of_a_process_that_has_ended(kernel: rump.Kernel, threads: Lwproc) -> None:
    client = kernel.attach()
    threads.newlwp(client.pid)
    client.close()
    assert code(threads.sys.getpid) == "ESRCH"
    assert code(threads.rfork, 0) == "ESRCH"
    threads.releaselwp()
    assert threads.sys.getpid() == 1


# -- several threads


def test_each_thread_has_its_own(threads: Lwproc) -> None:
    mine = threads.rfork(rump.RFCFDG)
    assert elsewhere(threads.curlwp) is None
    assert elsewhere(threads.sys.getpid) == 1
    assert elsewhere(lambda: threads.rfork(rump.RFCFDG).pid) != mine.pid
    assert threads.curlwp() is mine


def test_an_lwp_runs_in_one_thread(threads: Lwproc) -> None:
    mine = threads.rfork(rump.RFCFDG)
    with pytest.raises(rump.RumpError, match="MainThread"):
        elsewhere(lambda: threads.switch(mine))
    threads.switch(None)

    def other_thread() -> int:
        threads.switch(mine)
        return threads.pid

    assert elsewhere(other_thread) == mine.pid
    threads.switch(mine)  # its thread has ended
    assert threads.pid == mine.pid


def test_what_is_gone_or_anothers_is_refused(threads: Lwproc) -> None:
    gone = threads.newlwp(0)
    threads.releaselwp()
    assert code(threads.switch, gone) == "ESRCH"
    with rump.Kernel(factions=()) as other:
        assert code(threads.switch, other.lwproc.newlwp(0)) == "EINVAL"
        assert threads.curlwp() is None


def test_threads_of_one_process_share_it(kernel: rump.Kernel, threads: Lwproc) -> None:
    """A pipe between 32 threads of one process, all waiting at once; then each gives back its lwp, at any time."""
    base = threads.rfork(rump.RFCFDG)
    r, w = threads.sys.pipe()
    ready = threading.Barrier(33)

    def work() -> tuple[int, bytes]:
        threads.newlwp(base.pid)
        ready.wait(20)
        found = threads.sys.getpid(), threads.sys.read(r, 1)
        threads.releaselwp()
        return found

    with ThreadPoolExecutor(32) as pool:
        done = [pool.submit(work) for _ in range(32)]
        ready.wait(20)
        assert process(kernel, base.pid)["nlwps"] == 33
        threads.sys.write(w, bytes(32))
        assert {each.result(20) for each in done} == {(base.pid, b"\0")}
    assert process(kernel, base.pid)["nlwps"] == 1
    threads.releaselwp()
    assert base.pid not in pids(kernel)


# -- limits, exec, signals


def test_the_limit_of_threads(threads: Lwproc) -> None:
    first = threads.rfork(rump.RFCFDG)
    threads.sys.setrlimit(rump.RLIMIT_NTHR, (2, 2))
    threads.newlwp(first.pid)
    threads.newlwp(first.pid)
    threads.releaselwp()
    threads.newlwp(first.pid)
    root = threads.newlwp(first.pid)  # whom it does not hold
    threads.releaselwp()
    threads.switch(first)
    threads.sys.setuid(1000)
    with pytest.raises(BlockingIOError, match="2 of 2 further threads"):
        threads.newlwp(first.pid)
    assert threads.curlwp() is first
    assert code(threads.switch, root) == "ESRCH"
    child = threads.rfork(rump.RFCFDG)  # the first of a process does not count
    assert code(threads.newlwp, child.pid) == "EAGAIN", "the limit is the user's, and inherited"
    threads.releaselwp()
    threads.switch(first)
    threads.releaselwp()


def test_no_lwp_in_the_middle_of_exec(kernel: rump.Kernel, threads: Lwproc) -> None:
    p = kernel._kernel.gateway.processes[kernel.pid]
    seen: list[str] = []

    class Last:
        """A call that ends late: exec waits for it."""

        def cancel(self, error: KernelError | None = None) -> None:
            assert error is not None
            assert error.errno == Errno.EINTR
            seen.append(code(threads.newlwp, kernel.pid))
            p.wait_ends(self)

    p.wait_begins(Last())
    kernel.exec("new")
    assert seen == ["EBUSY"]
    threads.newlwp(kernel.pid)


def test_signals_have_one_handler_and_those_of_a_client_stay_its_own(kernel: rump.Kernel, threads: Lwproc) -> None:
    came: queue.Queue[tuple[str, int]] = queue.Queue()
    threads.on_signal(lambda signo: came.put(("lwproc", signo)))
    kernel.on_signal(lambda signo: came.put(("client", signo)))
    made = threads.rfork(rump.RFCFDG)
    threads.newlwp(kernel.pid)
    threads.pub.kill(made.pid, signal.SIGUSR1)
    assert came.get(timeout=20) == ("lwproc", signal.SIGUSR1)
    threads.pub.kill(kernel.pid, signal.SIGUSR2)
    assert came.get(timeout=20) == ("client", signal.SIGUSR2)
    threads.switch(None)
    threads.pub.kill(threads.pid, signal.SIGWINCH)
    assert came.get(timeout=20) == ("lwproc", signal.SIGWINCH)


def test_by_c_names(kernel: rump.Kernel, threads: Lwproc) -> None:
    try:
        rump.set_default(kernel)
        assert code(by_c_names.rump_pub_lwproc_rfork, 0) == "EOPNOTSUPP"
        rump.set_default(threads)
        assert rump_sys_getpid() == 1
        by_c_names.rump_pub_lwproc_rfork(rump.RFCFDG)
        lwp = by_c_names.rump_pub_lwproc_curlwp()
        assert lwp is not None
        assert rump_sys_getpid() == lwp.pid
        by_c_names.rump_pub_lwproc_switch(None)
        by_c_names.rump_pub_lwproc_newlwp(lwp.pid)
        assert rump_sys_getpid() == lwp.pid
        by_c_names.rump_pub_lwproc_releaselwp()
        assert by_c_names.rump_pub_lwproc_curlwp() is None
    finally:
        rump.set_default(None)
