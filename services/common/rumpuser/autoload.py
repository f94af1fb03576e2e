"""Modules on demand: what lacks one has kern load it, and does its call again (module_autoload(9))."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rumpuser.component import KERNEL, Bus
from rumpuser.pending import ENDED, value_of
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import ModctlLoad


class MissingModuleError(KernelError):
    """Something is not there that a module of this name may bring."""

    def __init__(self, errno: Errno, text: str, module: str) -> None:
        super().__init__(errno, text)
        self.module = module


async def autoload(bus: Bus, name: str) -> str:
    """Asks for a module: nothing when it is there now, else why not, as the end of a sentence. EINTR, ETIMEDOUT."""
    load = ModctlLoad(name, 0, {})
    try:
        await value_of(bus.peer("kern").call(KERNEL, calls.MODCTL, (const.MODCTL_LOAD, load, None, None)))
    except KernelError as error:
        if error.errno in ENDED:
            raise
        if error.errno == Errno.EEXIST:  # somebody else was quicker
            return ""
        return f": {error.text or error.name}"
    return ""


def on_demand(bus: Bus, handler: Callable[..., Any]) -> Callable[..., Any]:
    """A handler of a component whose `MissingModuleError` is told only when the module does not come.

    The handler must have changed nothing when it raises that, and raise it before it waits.
    """

    async def again(args: tuple[Any, ...], missing: MissingModuleError) -> Any:
        reason = await autoload(bus, missing.module)
        if reason:
            raise KernelError(missing.errno, missing.text + reason) from None
        return await value_of(handler(*args))

    def call(*args: Any) -> Any:
        try:
            return handler(*args)
        except MissingModuleError as error:
            return again(args, error)

    return call
