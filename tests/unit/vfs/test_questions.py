"""Calls in which a file system asks another faction: done again, a bounded number of times, with errors passed on."""

from __future__ import annotations

from typing import Any

import pytest

from rumpuser.component import Component, Context, Entry
from rumpuser.pending import Pending, Running
from rumpvfs.fs import kernfs, procfs
from rumpwire.errno import Errno, KernelError
from rumpwire.values import ProcessInfo, SysctlResult, SysctlValueText
from tests.unit.vfs.kit import CALLER, Kit, fails


class Kern(Component):
    """A kern that takes its time."""

    name = "kern"

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Pending[Any]] = []
        self.table["sysctl"] = Entry(self.sysctl)
        self.table["proc_list"] = Entry(lambda ctx: [ProcessInfo(7, 1, "seven", CALLER.cred)])
        self.table["getpgid"] = Entry(self.gone)

    async def sysctl(self, ctx: Context, name: Any, path: str, newv: Any, node: Any) -> SysctlResult:
        assert ctx.pid == 0
        pending: Pending[Any] = Pending()
        self.waiting.append(pending)
        return SysctlResult(await pending, [])

    def gone(self, ctx: Context, pid: int) -> int:
        raise KernelError(Errno.ESRCH, "just ended")


@pytest.fixture
def k() -> Kit:
    kit = Kit()
    kit.component.add_filesystem(kernfs.FILE_SYSTEM)
    kit.component.add_filesystem(procfs.FILE_SYSTEM)
    kit.mkdir(b"/kern", 0o755)
    kit.mkdir(b"/proc", 0o755)
    kit.mount("kernfs", b"/kern", 0, None)
    kit.mount("procfs", b"/proc", 0, None)
    return kit


def test_without_kern(k: Kit) -> None:
    with fails(Errno.ENOSYS):
        k.stat(b"/kern/hostname")
    assert k.get(b"/kern/loadavg") == b"0 0 0 2048\n"
    k.vfs.environment.log("a message")
    assert k.get(b"/kern/msgbuf") == b"a message\n"


def test_a_slow_answer(k: Kit) -> None:
    kern = k.bus.peers["kern"] = Kern()
    fd = k.open(b"/kern/hostname", 0, None)
    first, second = k.start("read", fd, 3), k.start("read", fd, 100)
    assert isinstance(first, Running)
    kern.waiting.pop(0).resolve(SysctlValueText("host"))
    kern.waiting.pop(0).resolve(SysctlValueText("host"))
    assert bytes(first.outcome.result()) + bytes(second.outcome.result()) == b"host\n"
    third = k.start("pread", fd, 3, 0)
    third.cancel()
    with fails(Errno.EINTR):
        third.outcome.result()
    assert k.vfs.questions.answers is None


def test_errors_of_the_other_side(k: Kit) -> None:
    k.bus.peers["kern"] = Kern()
    assert k.ls(b"/proc") == [b".", b"..", b"curproc", b"self", b"7"]
    assert k.get(b"/proc/7/cmdline") == b"seven\0"
    assert k.readlink(b"/proc/self", 99) == b"1"
    fd = k.open(b"/proc/7/status", 0, None)
    with fails(Errno.ESRCH):
        k.read(fd, 10)
    with fails(Errno.ENOENT):
        k.stat(b"/proc/07")


def test_questions_without_end(k: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    k.bus.peers["kern"] = Kern()
    count = iter(range(1000))
    monkeypatch.setattr(kernfs.Kernfs, "text", lambda self, path: self.env.ask("kern", "getpgid", next(count)))
    with fails(Errno.EIO):
        k.stat(b"/kern/hostname")
    assert next(count) < 100


@pytest.mark.parametrize("data", [b"", b"two\nlines", b"\xff", b"x" * 600])
def test_bad_host_names(k: Kit, data: bytes) -> None:
    node = k.vfs.mounts.list[1].root.lookup(b"hostname")
    with fails(Errno.EINVAL):
        node.write(0, data)
