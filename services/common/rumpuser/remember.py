"""What all components leave to a successor alike: their modules, and the sysctl nodes that were set."""

from __future__ import annotations

import logging
from typing import Any

from rumpuser.component import KERNEL, Component, Context, Entry
from rumpuser.pending import then, value_of
from rumpuser.plain import flat, whole
from rumpuser.records import Records
from rumpwire.errno import KernelError
from rumpwire.values import SysctlValueBoolean, SysctlValueInteger, SysctlValueQuad, SysctlValueRaw, SysctlValueText

log = logging.getLogger(__name__)
SETTINGS = (SysctlValueInteger, SysctlValueQuad, SysctlValueText, SysctlValueBoolean, SysctlValueRaw)
"""Values that stay. Others are things to do, as to drop a connection (net.inet.tcp.drop)."""


def remember(component: Component, records: Records) -> None:
    """From now on they are recorded."""
    component.loader.records = records
    entry = component.table.get("sysctl_value")
    if entry is None:
        return
    handler = entry.handler

    def value(ctx: Context, path: str, newv: Any) -> Any:
        old = handler(ctx, path, newv)
        if not isinstance(newv, SETTINGS):
            return old
        return then(old, lambda _: records.put("sysctl values", path, flat(newv)))

    component.table["sysctl_value"] = Entry(value, entry.support, entry.note)


async def bring_back(component: Component, records: Records) -> None:
    """Starts a component; before that come the modules, on which the rest may stand, and after it what was set."""
    component.loader.restore(component)
    await value_of(component.start())
    if component.watching is not None:
        component.watching.restore()
    entry = component.table.get("sysctl_value")
    for path, new, _ in records.items("sysctl values") if entry is not None else ():
        try:
            await value_of(component.table["sysctl_value"].handler(KERNEL, path, whole(new)))
        except (KernelError, ValueError) as error:
            log.warning("sysctl %s does not come back: %s", path, error)
