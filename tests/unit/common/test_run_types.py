"""References of batches: what has not the type of the argument is refused, what has is taken."""

from __future__ import annotations

import pytest

from rumpuser.run import arguments
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Reference, Step
from rumpwire.values import GetgroupsResult, SockaddrIn, Stat


def filled(
    maker: str, outcome: object, path: tuple[str, ...], user: str, given: tuple[object, ...], arg: int
) -> object:
    steps = [Step(OPS[maker], ()), Step(OPS[user], given, [Reference(0, arg, path)])]
    return arguments(steps, [outcome], steps[1])[arg]


def test_what_fits() -> None:
    address = SockaddrIn(b"\x7f\0\0\1", 80)
    assert filled("open", 4, (), "read", (0, 10), 0) == 4
    assert filled("fstat", Stat(st_size=99), ("sb", "st_size"), "read", (0, 10), 1) == 99
    assert filled("readlink", b"/x", (), "open", (b"", 0, 0), 0) == b"/x"
    assert filled("getsockname", address, (), "connect", (3, None), 1) is address
    assert filled("getgroups", GetgroupsResult(2, [1, 2]), ("gidset",), "setgroups", ([],), 0) == [1, 2]


@pytest.mark.parametrize(
    ("maker", "outcome", "path", "user", "given", "arg"),
    [
        ("open", 4, (), "chmod", (b"", 0), 0),
        ("readlink", b"/x", (), "read", (0, 10), 0),
        ("fstat", Stat(), (), "connect", (3, None), 1),
        ("fstat", Stat(), (), "read", (3, 1), 1),
        ("getsockname", SockaddrIn(), (), "setgroups", ([],), 0),
        ("getgroups", GetgroupsResult(0, []), ("gidset",), "connect", (3, None), 1),
        ("open", 4, (), "setgroups", ([],), 0),
    ],
)
def test_what_does_not(
    maker: str, outcome: object, path: tuple[str, ...], user: str, given: tuple[object, ...], arg: int
) -> None:
    with pytest.raises(KernelError) as caught:
        filled(maker, outcome, path, user, given, arg)
    assert caught.value.errno == Errno.EINVAL
