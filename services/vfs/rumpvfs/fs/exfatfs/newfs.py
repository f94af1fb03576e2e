"""Making an exFAT.

Options: ``label``, ``cluster`` (bytes), ``sector`` (bytes), ``serial`` (hexadecimal), ``size`` (bytes).
"""

from __future__ import annotations

from dataclasses import dataclass

from rumpvfs.core.vnode import BlockDevice, Environment, NewfsRequest
from rumpvfs.fs.msdosfs.newfs import clear, number
from rumpwire.errno import Errno, KernelError

from . import boot, entry, upcase

_LABEL_MAX = 11
_ALIGN = 1 << 20
"""What the clusters begin at a multiple of, where there is room for that."""
_EXTENDED = b"\x00\x00\x55\xaa"
_JUMP = b"\xeb\x76\x90"
# up to which size, bytes of a cluster
_CLUSTERS = ((256 << 20, 4096), (32 << 30, 32768), (1 << 62, 131072))


@dataclass(frozen=True, slots=True)
class Plan:
    """Offsets and sizes in sectors of ``sector`` bytes."""

    sector: int
    per_cluster: int
    sectors: int
    fat_at: int
    fat_length: int
    heap: int
    clusters: int
    serial: int
    label: str

    @property
    def cluster(self) -> int:
        return self.sector * self.per_cluster

    def needed(self, length: int) -> int:
        """Clusters for so many bytes."""
        return -(-length // self.cluster)


def newfs(request: NewfsRequest, env: Environment) -> int:
    """EINVAL for options, EROFS, ENOSPC for a device that is too small, EIO."""
    device = request.device
    if device.readonly:
        raise KernelError(Errno.EROFS, f"{device.name} is read-only", "exfat")
    plan = _plan(device, dict(request.options), env)
    table = upcase.make()
    bitmap_clusters, table_clusters = plan.needed((plan.clusters + 7) // 8), plan.needed(len(table))
    used = bitmap_clusters + table_clusters + 1
    if used > plan.clusters:
        raise KernelError(Errno.ENOSPC, f"{plan.clusters} clusters are too few for an exFAT", "exfat")
    device.write(0, bytes(boot.SIZE))
    clear(device, plan.fat_at * plan.sector, (plan.fat_at + plan.fat_length) * plan.sector)
    clear(device, plan.heap * plan.sector, plan.heap * plan.sector + used * plan.cluster)
    device.write(plan.fat_at * plan.sector, _fat((bitmap_clusters, table_clusters, 1)))
    at = plan.heap * plan.sector
    device.write(at, ((1 << used) - 1).to_bytes((plan.clusters + 7) // 8, "little"))
    device.write(at + bitmap_clusters * plan.cluster, table)
    device.write(at + (used - 1) * plan.cluster, _root(plan, bitmap_clusters, table))
    region = _region(plan, root=1 + used, percent=used * 100 // plan.clusters)
    device.write(len(region), region)
    device.write(0, region)
    device.flush()
    return plan.sectors * plan.sector


def _plan(device: BlockDevice, options: dict[str, str], env: Environment) -> Plan:
    sector = number(options, "sector", 512, (512, 1024, 2048, 4096))
    size = number(options, "size", device.size, range(sector, device.size + 1)) // sector * sector
    default = next(cluster for most, cluster in _CLUSTERS if size <= most)
    cluster = number(options, "cluster", max(default, sector), tuple(1 << n for n in range(9, 26)))
    label = options.pop("label", "")
    if len(label.encode("utf-16-le", "surrogatepass")) > 2 * _LABEL_MAX or any(c < " " for c in label):
        raise KernelError(Errno.EINVAL, f"{label!r} is no label: up to 11 characters", "exfat")
    serial = number(options, "serial", int.from_bytes(env.entropy(4), "little"), range(1 << 32), 16)
    if options or cluster < sector:
        raise KernelError(Errno.EINVAL, f"{', '.join(sorted(options)) or 'cluster'}: no option of exfat", "exfat")
    fat_at, per_cluster, sectors = 2 * boot.SECTORS, cluster // sector, size // sector
    fat_length = -(-(sectors // per_cluster + 2) * 4 // sector)
    align = max(per_cluster, _ALIGN // sector if size >= 64 * _ALIGN else 1)
    heap = -(-(fat_at + fat_length) // align) * align
    clusters = min((sectors - heap) // per_cluster, 0xFFFFFFF5)
    if clusters < 1 or size < _ALIGN:
        raise KernelError(Errno.ENOSPC, f"{size} bytes are too few for an exFAT", "exfat")
    return Plan(sector, per_cluster, sectors, fat_at, fat_length, heap, clusters, serial, label)


def _fat(lengths: tuple[int, ...]) -> bytes:
    """Media, the entry of cluster 1, and a chain of each length."""
    values = [0xFFFFFFF8, 0xFFFFFFFF]
    for length in lengths:
        values += [*range(len(values) + 1, len(values) + length), 0xFFFFFFFF]
    return b"".join(value.to_bytes(4, "little") for value in values)


def _root(plan: Plan, bitmap_clusters: int, table: bytes) -> bytes:
    label = plan.label.encode("utf-16-le", "surrogatepass")
    kind = entry.LABEL if label else entry.LABEL & ~entry.IN_USE
    named = bytes((kind, len(label) // 2)) + label.ljust(30, b"\0")
    bitmap = bytes((entry.BITMAP,)) + bytes(19) + (2).to_bytes(4, "little")
    bitmap += ((plan.clusters + 7) // 8).to_bytes(8, "little")
    cased = bytes((entry.UPCASE, 0, 0, 0)) + upcase.checksum(table).to_bytes(4, "little") + bytes(12)
    cased += (2 + bitmap_clusters).to_bytes(4, "little") + len(table).to_bytes(8, "little")
    return named + bitmap + cased


def _region(plan: Plan, *, root: int, percent: int) -> bytes:
    """Boot sector, eight more, parameters, one reserved, and the checksum of them."""
    shift, spread = plan.sector.bit_length() - 1, plan.per_cluster.bit_length() - 1
    fields = boot.FIELDS.pack(
        0, plan.sectors, plan.fat_at, plan.fat_length, plan.heap, plan.clusters, root, plan.serial, 0x100, 0, shift,
        spread, 1, 0x80, percent,
    )  # fmt: skip
    first = (_JUMP + boot.NAME).ljust(64, b"\0") + fields
    first = first.ljust(120, b"\0") + b"\xcd\x18\xf4\xeb\xfd"
    sector = (first.ljust(510, b"\0") + boot.SIGNATURE).ljust(plan.sector, b"\0")
    region = sector + (bytes(plan.sector - 4) + _EXTENDED) * 8 + bytes(2 * plan.sector)
    return region + boot.checksum(region).to_bytes(4, "little") * (plan.sector // 4)
