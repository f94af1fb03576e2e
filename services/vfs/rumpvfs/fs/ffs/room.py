"""Storage for a range of a file before it is written (posix_fallocate), and none for one any more (fdiscard).

UFS has no blocks that are allocated and read as zeros, so zeros are written. The last block of a file is never a hole.
"""

from __future__ import annotations

from functools import partial

from rumpwire.errno import Errno, KernelError

from .contents import BULK, Contents, zeros

_PIECE = 1 << 20
"""Bytes of zeros that are written at once."""


def allocate(contents: Contents, offset: int, length: int) -> None:
    """Fills holes with zeros, and extends the file. ENOSPC, EDQUOT, EFBIG, EIO; then the file is as long as it was."""
    volume, inode = contents.volume, contents.inode
    end, before = offset + length, inode.size
    if end > volume.sb.maxfilesize:
        raise KernelError(Errno.EFBIG)
    contents.alloc.room_for(length // volume.sb.fsize)
    contents.forget_run()
    block = offset // volume.sb.bsize
    try:
        while block * volume.sb.bsize < end:
            block += contents.again(partial(_fill, contents, block, end))
    except KernelError:
        contents.shorten(before)
        raise
    volume.touch(inode)


def _fill(contents: Contents, block: int, end: int) -> int:
    """Has storage for a block up to ``end``, or for several: for how many."""
    bsize = contents.volume.sb.bsize
    start = block * bsize
    place, count = contents.map.find(block, -(-end // bsize) - block)
    if place and start + count * bsize <= contents.inode.size:
        return count
    contents.reach(block)
    whole = min(count, (end - start) // bsize, BULK, _PIECE // bsize)
    if not place and whole:
        return contents.bulk(block, whole, zeros(whole * bsize)) // bsize
    stop, size = min(start + bsize, max(end, contents.inode.size)), contents.inode.size
    if not place:
        contents.put(block, 0, zeros(stop - start))
    elif stop > size:
        contents.put(block, max(size - start, 0), zeros(stop - max(size, start)))
    return 1


def discard(contents: Contents, offset: int, length: int) -> None:
    """Frees the whole blocks of a range, but the last one of the file, and zeroes the rest of it. EIO."""
    inode, bsize = contents.inode, contents.volume.sb.bsize
    end = min(offset + length, inode.size)
    if offset >= end:
        return
    contents.forget_run()
    first, last = -(-offset // bsize), min(end // bsize, (inode.size - 1) // bsize)
    if first < last:
        _free(contents, first, last)
        ranges = [(offset, first * bsize), (last * bsize, end)]
    else:
        middle = min(first * bsize, end)
        ranges = [(offset, middle), (middle, end)]
    for begin, stop in ranges:
        _zero(contents, begin, stop)
    contents.volume.touch(inode)


def _free(contents: Contents, block: int, last: int) -> None:
    while block < last:
        place, count = contents.map.find(block, last - block)
        for n in range(count if place else 0):
            contents.map.set(block + n, 0, contents.new_node)
            contents.drop_block(place + n * contents.volume.sb.frag)
        block += count


def _zero(contents: Contents, begin: int, end: int) -> None:
    """Zeros where there are contents; a range is in few blocks."""
    sb, device = contents.volume.sb, contents.volume.device
    while begin < end:
        block, inside = divmod(begin, sb.bsize)
        count = min(sb.bsize - inside, end - begin)
        place = contents.map.get(block)
        if place:
            device.write(place * sb.fsize + inside, zeros(count))
        begin += count
