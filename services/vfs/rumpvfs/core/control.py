"""What vfs offers to the sysctl tree."""

from __future__ import annotations

from rumpuser.component import Context
from rumpvfs.core.state import MSGBUF_SIZE, Vfs
from rumpvfs.core.syncer import DELAY_MAX
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    NetCounter,
    SysctlCounters,
    SysctlExport,
    SysctlValue,
    SysctlValueInteger,
    SysctlValueQuad,
    SysctlValueRaw,
    SysctlValueText,
)

_INT, _STRING = const.CTLTYPE_INT, const.CTLTYPE_STRING
MAX_VNODES = 1 << 24
EXTENSIONS = "security.models.extensions."
_RANGES = {
    "vfs.generic.magiclinks": range(2),
    "vm.bufmem_hiwater": range(64 << 10, 1 << 31),
    "kern.maxvnodes": range(1, MAX_VNODES + 1),
    "vfs.sync.delay": range(1, DELAY_MAX + 1),
    EXTENSIONS + "hardlink_check_uid": range(2),
    EXTENSIONS + "hardlink_check_gid": range(2),
}
"""What may be written."""

NODES = [
    SysctlExport("vfs.generic.fstypes", _STRING, const.CTLFLAG_READONLY, "List of file systems present", []),
    SysctlExport("kern.maxvnodes", _INT, const.CTLFLAG_READWRITE, "Maximum number of names in the cache", [1, 5]),
    SysctlExport(
        "vfs.generic.magiclinks", _INT, const.CTLFLAG_READWRITE, "Whether words like @machine in links are replaced", []
    ),
    SysctlExport(
        "vfs.namecache_stats", const.CTLTYPE_STRUCT, const.CTLFLAG_READONLY, "What the name cache has counted", []
    ),
    SysctlExport("vm.bufmem", const.CTLTYPE_QUAD, const.CTLFLAG_READONLY, "Bytes of dirty blocks of disks", []),
    SysctlExport(
        "vm.bufmem_hiwater", _INT, const.CTLFLAG_READWRITE, "Bytes of dirty blocks from which they are written", []
    ),
    SysctlExport("kern.bufq.strategies", _STRING, const.CTLFLAG_READONLY, "How requests to disks are ordered", []),
    SysctlExport("kern.msgbuf", const.CTLTYPE_STRUCT, const.CTLFLAG_READONLY, "What file systems have said", [1, 53]),
    SysctlExport("kern.msgbufsize", _INT, const.CTLFLAG_READONLY, "Bytes that are kept of it", []),
    SysctlExport("vfs.generic.names", _INT, const.CTLFLAG_READONLY, "Names in the cache now", []),
    SysctlExport("vfs.generic.openfiles", _INT, const.CTLFLAG_READONLY, "Open files", []),
    SysctlExport(
        "vfs.generic.memory", const.CTLTYPE_QUAD, const.CTLFLAG_READONLY, "Bytes of memory that file systems hold", []
    ),
    SysctlExport("vfs.sync.delay", _INT, const.CTLFLAG_READWRITE, "Seconds until changes are written out", []),
    SysctlExport(
        EXTENSIONS + "hardlink_check_uid", _INT, const.CTLFLAG_READWRITE, "Hard links only to files of one's own", []
    ),
    SysctlExport(
        EXTENSIONS + "hardlink_check_gid", _INT, const.CTLFLAG_READWRITE, "Hard links only to files of one's groups", []
    ),
]


class Control:
    """The sysctl nodes."""

    def __init__(self, vfs: Vfs) -> None:
        self.vfs = vfs

    def sysctl_export(self, ctx: Context) -> list[SysctlExport]:
        return NODES

    def sysctl_value(self, ctx: Context, path: str, newv: SysctlValue | None) -> SysctlValue:
        """The old value. ENOENT, EPERM, EINVAL."""
        old = self._read(path)
        if newv is not None:
            self._write(path, newv)
        return old

    def _read(self, path: str) -> SysctlValue:
        vfs = self.vfs
        if path == "vfs.generic.fstypes":
            return SysctlValueText(" ".join(sorted(vfs.mounts.types)))
        if path == "kern.maxvnodes":
            return SysctlValueInteger(vfs.names.cache.limit)
        if path == "vfs.generic.names":
            return SysctlValueInteger(vfs.names.cache.count)
        if path == "vfs.generic.openfiles":
            return SysctlValueInteger(len(vfs.files))
        if path == "vfs.sync.delay":
            return SysctlValueInteger(vfs.mounts.syncer.delay)
        if path == "vfs.generic.magiclinks":
            return SysctlValueInteger(vfs.names.magiclinks)
        if path == "vfs.namecache_stats":
            return self._namecache()
        if path == "kern.bufq.strategies":
            return SysctlValueText("fcfs")  # they go to the host as they come
        if path == "kern.msgbuf":
            return SysctlValueRaw(vfs.environment.messages)
        if path == "kern.msgbufsize":
            return SysctlValueInteger(MSGBUF_SIZE)
        if path == "vm.bufmem":
            return SysctlValueQuad(vfs.environment.buffered)
        if path == "vm.bufmem_hiwater":
            return SysctlValueInteger(vfs.environment.bufmem_hiwater)
        if path == "vfs.generic.memory":
            return SysctlValueQuad(vfs.environment.used)
        if path.startswith(EXTENSIONS) and path in _RANGES:
            return SysctlValueInteger(getattr(vfs.link_rules, path.removeprefix(EXTENSIONS)))
        raise KernelError(Errno.ENOENT, f"no sysctl node {path}")

    def _namecache(self) -> SysctlCounters:
        cache = self.vfs.names.cache
        names = ("count", "limit", "misses", "entered", "forgotten", "evicted")
        return SysctlCounters([NetCounter("namecache", name, getattr(cache, name)) for name in names])

    def _write(self, path: str, new: SysctlValue) -> None:
        allowed = _RANGES.get(path)
        if allowed is None:
            raise KernelError(Errno.EPERM, f"{path} is read-only")
        if not isinstance(new, SysctlValueInteger) or new.integer not in allowed:
            raise KernelError(Errno.EINVAL)
        if path == "kern.maxvnodes":
            self.vfs.names.cache.resize(new.integer)
        elif path == "vfs.generic.magiclinks":
            self.vfs.names.magiclinks = new.integer
        elif path == "vm.bufmem_hiwater":
            self.vfs.environment.bufmem_hiwater = new.integer
        elif path == "vfs.sync.delay":
            self.vfs.mounts.syncer.delay = new.integer
        else:
            setattr(self.vfs.link_rules, path.removeprefix(EXTENSIONS), new.integer)
