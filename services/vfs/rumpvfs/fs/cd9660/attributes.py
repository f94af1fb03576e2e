"""Owners, modes and times: from Rock Ridge, from extended attribute records, or made up."""

from __future__ import annotations

import struct

from rumpvfs.core.vnode import VType
from rumpwire import const
from rumpwire.values import Stat

from .records import Record, long_date
from .susp import RockRidge
from .volume import Volume

_KINDS = {member.value: member for member in VType}
_XAR = struct.Struct("<H2xH2x")
# Bit of "permissions" (set: forbidden) and what it is about (ECMA-119 section 9.5.3).
_PERMISSIONS = ((4, 0o400), (6, 0o100), (8, 0o040), (10, 0o010), (12, 0o004), (14, 0o001))
_ALL = 0o7777


def kind(record: Record, rock: RockRidge | None) -> VType:
    """What a file is. A kind that nobody knows is a regular file, as its record says."""
    if record.is_directory or (rock is not None and rock.child is not None):
        return VType.DIR
    if rock is None or rock.mode is None:
        return VType.REG
    found = _KINDS.get(rock.mode & const.S_IFMT, VType.REG)
    return VType.REG if found is VType.DIR else found


def stat(
    volume: Volume, number: int, vtype: VType, record: Record, rock: RockRidge | None, size: int, dev: int
) -> Stat:
    """All attributes of a file. EIO."""
    mode, links, uid, gid, rdev = _defaults(volume, vtype)
    modified = born = accessed = changed = record.time_ns
    if rock is not None:
        if rock.mode is not None:
            mode, links, uid, gid = rock.mode & _ALL, rock.links, rock.uid, rock.gid
        modified = modified if rock.mtime_ns is None else rock.mtime_ns
        born = modified if rock.birthtime_ns is None else rock.birthtime_ns
        accessed = modified if rock.atime_ns is None else rock.atime_ns
        changed = modified if rock.ctime_ns is None else rock.ctime_ns
        if vtype in (VType.BLK, VType.CHR):
            rdev = const.makedev(*rock.device)
    elif volume.options.extatt and record.xar:
        mode, uid, gid, born, modified = _extended(volume, record, born, modified)
    block = volume.block_size
    blocks = -(-size // block) * (block // 512)
    return Stat(
        dev, vtype | mode, number, links, uid, gid, rdev, accessed, modified, changed, born, size, blocks, block, 0, 0
    )


def _defaults(volume: Volume, vtype: VType) -> tuple[int, int, int, int, int]:
    """One link even for directories: a walk must not conclude how many subdirectories there are."""
    options = volume.options
    return options.dirmask if vtype is VType.DIR else options.mask, 1, options.uid, options.gid, 0


def _extended(volume: Volume, record: Record, born: int, modified: int) -> tuple[int, int, int, int, int]:
    raw = volume.fetch(record.extent, 0, 44)
    uid, gid = _XAR.unpack_from(raw)
    forbidden = int.from_bytes(raw[8:10], "big")
    mode = sum(allowed for bit, allowed in _PERMISSIONS if not forbidden & 1 << bit)
    return mode, uid, gid, long_date(raw[10:27]) or born, long_date(raw[27:44]) or modified
