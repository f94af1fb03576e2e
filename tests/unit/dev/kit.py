"""A dev component with a hand-turned clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rumpdev.component import DevComponent
from rumpuser.component import Context, Parameters
from rumpuser.host import ManualHost
from rumpuser.pending import start
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials

USER = Credentials(uid=1000, euid=1000, svuid=1000, gid=1000, egid=1000, svgid=1000, groups=[])


class Kit:
    """dev, and its bus. ``d(name, *args)`` is a call of root."""

    def __init__(self, **parameters: Any) -> None:
        self.component = DevComponent(ManualHost(seed=3), self, Parameters(**parameters))

    def peer(self, name: str) -> Any:
        raise KernelError(Errno.ENOSYS, f"the {name} faction is not running")

    blocking = peer

    def __call__(self, name: str, *args: Any) -> Any:
        return self.component.call(Context(), OPS[name], args)

    def user(self, name: str, *args: Any) -> Any:
        return self.component.call(Context(cred=USER), OPS[name], args)

    def open(self, major: int, minor: int, flags: int = const.O_RDWR, *, block: bool = False) -> int:
        handle: Any = start(self("dev_open", block, const.makedev(major, minor), flags))
        assert isinstance(handle, int)
        return handle

    def md(self, unit: int = 0, flags: int = const.O_RDWR, *, block: bool = True) -> int:
        return self.open(const.MAJOR_MD_BLK if block else const.MAJOR_MD_CHR, unit * 16 + 3, flags, block=block)


def fails(call: Callable[..., Any], *args: Any) -> str:
    """The name of the errno that a call fails with."""
    with pytest.raises(KernelError) as caught:
        call(*args)
    return caught.value.name
