"""The quota of memory of identities of a policy, which is one for all that they hold in all components.

There is no account that could go wrong: whoever is about to give memory to somebody with a quota asks the gateway,
which has every other component say what it holds for them (`Component.holding`). Calls that are under way at the same
moment do not see one another.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rumpuser import kauth
from rumpuser.component import KERNEL, Bus, Component, Context, Entry
from rumpuser.pending import value_of
from rumpwire import calls
from rumpwire.errno import Errno, KernelError


def check(subject: str, kind: str, held: int, more: int, most: int, errno: Errno) -> None:
    """That an identity, which holds so much of a kind of thing, may hold more. A refusal is told to the audit log."""
    if held + more > most:
        kauth.met(subject, "memory")
        raise KernelError(
            errno, f"the {kind} of {subject} hold {held} of {most} bytes that its quota of memory leaves them"
        )


def limited(component: Component, bus: Bus, kind: str, *names: str) -> None:
    """Has these handlers find in ``ctx.memory`` what the identity of the caller may hold of a kind here."""
    for name in names:
        entry = component.table[name]
        component.table[name] = Entry(_asking((component.name, kind), bus, entry.handler), entry.support, entry.note)


def _asking(what: tuple[str, str], bus: Bus, handler: Any) -> Any:
    def call(ctx: Context, *args: Any) -> Any:
        return later(ctx, args) if ctx.memory else handler(ctx, *args)

    async def later(ctx: Context, args: tuple[Any, ...]) -> Any:
        asked = bus.peer("gateway").call(KERNEL, calls.MEMORY_ROOM, (ctx.cred.subject, *what))
        room = max(await value_of(asked), 1)  # 0 would be no limit
        return await value_of(handler(replace(ctx, memory=room), *args))

    return call
