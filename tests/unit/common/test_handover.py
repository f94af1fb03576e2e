"""Objects that go over to another process: as they are, and with the code that is there."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from rumpuser import handover
from rumpuser.host import ManualHost
from rumpuser.memfile import MemFile
from rumpuser.pending import Channel
from rumpuser.readiness import SelectChannel, Selinfo
from rumpwire.errno import Errno, KernelError


def test_nobody_takes_his_waiters_along() -> None:
    host, other = ManualHost(), ManualHost()
    info = Selinfo()
    channel = SelectChannel(host, info, 1)
    channel.wait()
    info.listen("key", print)
    data = handover.dump([channel, info, Channel(host), memoryview(b"view")], {"host": host})
    got, its, plain, view = handover.load(data, {"host": other})
    assert (bool(got), bool(its), bool(plain), view) == (False, False, False, b"view")
    assert got._selinfo is its
    assert got._timers is other


@pytest.mark.parametrize("data", [b"", b"x", b"\x80\x05.", b"cos\nsystem\n(S'true'\ntR.", b"cbuiltins\neval\n."])
def test_rubbish(data: bytes) -> None:
    with pytest.raises(KernelError) as caught:
        handover.load(data, {})
    assert caught.value.errno == Errno.EFTYPE


def test_what_cannot_go_over() -> None:
    with pytest.raises(KernelError) as caught:
        handover.dump(threading.Lock(), {})
    assert caught.value.errno == Errno.EOPNOTSUPP
    with pytest.raises(KernelError) as caught:
        handover.load(handover.dump(Errno.EIO, {"x": Errno.EIO}), {})
    assert caught.value.errno == Errno.EFTYPE


def test_views_of_changing_memory_stay_views() -> None:
    data = bytearray(b"0123456789")
    got, view, fixed = handover.load(
        handover.dump((data, memoryview(data)[3:6], memoryview(data).toreadonly()), {}), {}
    )
    got[4:5] = b"x"
    assert (bytes(view), bytes(fixed), fixed.readonly) == (b"3x5", b"0123x56789", True)


def test_memory_of_the_host_is_shared() -> None:
    one = MemFile(8192)
    view = one.view(0, 5)
    descriptors: list[int] = []
    data = handover.dump((one, view), {}, descriptors)
    two, its = handover.load(data, {}, [os.dup(fd) for fd in descriptors])
    one.write(0, b"hello")
    assert (bytes(two.view(0, 5)), bytes(its)) == (b"hello", b"hello")
    one.close()
    two.close()


def test_what_stands_at_the_top_of_a_module_is_the_same() -> None:
    assert handover.load(handover.dump(handover.PLAIN, {}), {}) is handover.PLAIN


def test_deep_objects() -> None:
    chain: list[object] = []
    for _ in range(50_000):
        chain = [chain]
    got = handover.load(handover.dump(chain, {}), {})
    depth = 0
    while got:
        got, depth = got[0], depth + 1
    assert depth == 50_000


def test_members_of_enums_are_the_same_ones() -> None:
    """In Python 3.11.2 they ask to be made with getattr, which is none of the kernel's."""
    value = [Errno.EIO, signal.SIGTERM]
    found = handover.load(handover.dump(value, {}), {}, packages=("signal",))
    assert found == value
    assert all(a is b for a, b in zip(found, value, strict=True))
