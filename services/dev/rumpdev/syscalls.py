"""Which handler serves which call. A call that is not here is answered with ENOSYS; md adds its own rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpuser.autoload import on_demand
from rumpuser.component import Entry, Support

if TYPE_CHECKING:
    from rumpdev.component import DevComponent


def syscalls(component: DevComponent) -> dict[str, Entry]:
    handles = component.handles
    return {
        "dev_open": Entry(on_demand(component.bus, handles.dev_open)),
        "dev_map": Entry(handles.dev_map),
        "read": Entry(handles.read),
        "readv": Entry(handles.readv),
        "pread": Entry(handles.pread),
        "preadv": Entry(handles.preadv),
        "write": Entry(handles.write),
        "writev": Entry(handles.writev),
        "pwrite": Entry(handles.pwrite),
        "pwritev": Entry(handles.pwritev),
        "lseek": Entry(handles.lseek),
        "fsync": Entry(handles.fsync),
        "fstat": Entry(handles.fstat),
        "fcntl": Entry(handles.fcntl),
        "ioctl": Entry(
            handles.ioctl,
            Support.PARTIAL,
            "FIONREAD, FIONBIO, FIOASYNC; disks: DIOCGMEDIASIZE, DIOCGSECTORSIZE; others: disks.md, terminals.md",
        ),
        "close": Entry(handles.close),
        **component.watching.table(),
        "dev_list": Entry(component.dev_list),
        "sysctl_export": Entry(component.sysctl_export),
        "sysctl_value": Entry(component.sysctl_value),
    }
