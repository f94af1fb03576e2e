"""What a component leaves to its successor: a file that it keeps mapped, and that outlives it when it is killed.

A component writes what its successor will need as it changes, with no message to anybody. A *record* is a key in a
table, a value of plain data (None, bool, int, float, str, bytes, tuple, list, dict) and a *number* that can be changed
in place (`RecordFile.count`). The file is a log: a record takes the place of earlier ones with its key, and when the
file is full what is still of use is copied to a new one, which then takes its name. What the host itself loses when it
goes down is lost: this is for the death of one process.

Layout, in the byte order of the host: `MAGIC`, then records one after another, each at a multiple of 8:

     0   u32  length of the payload, 0 where the log ends; with the bit `VOID` when the record is of no use any more
     4   u32  CRC-32 of the payload, begun with its length; a record of no use has zeros in the place of its payload
     8   i64  number, which is outside of the checksum since it changes
    16        payload: (table, key, value) in the format of marshal, version 2

A process may die in the middle of any store to the mapping. A record that was torn by that fails its checksum and ends
the log: it is the last one, and what it tells of was not answered yet. Numbers and lengths are aligned and so stored
whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import marshal
import mmap
import os
import struct
from typing import Any, Protocol
from zlib import crc32

from rumpuser.plain import plain
from rumpwire.errno import Errno, KernelError, from_host

log = logging.getLogger(__name__)

MAGIC = b"rumprec1"
HEADER = struct.Struct("=IIq")
VOID = 1 << 31
INITIAL = 1 << 16
LIMIT = 64 << 20
"""Bytes that a file may grow to; what no longer fits is not recorded, and so is not there after a crash."""
_VERSION = 2
"""Of marshal: the last one without references between objects."""

Key = int | str | bytes | tuple[Any, ...]


class Records(Protocol):
    """What is recorded, as components see it (`rumpuser.host.Host.records`)."""

    @property
    def on(self) -> bool:
        """Whether anybody will read them: where nobody does, what is costly to record need not be made."""
        ...

    @property
    def inherited(self) -> bool:
        """Whether there are records of a predecessor."""
        ...

    def put(self, table: str, key: Key, value: Any, number: int = 0) -> None:
        """Records a value, in the place of one with the same key."""
        ...

    def count(self, table: str, key: Key, number: int) -> None:
        """Changes the number of a record; nothing where there is none."""
        ...

    def last(self, table: str, number: int) -> None:
        """Records the number that was given out last, under key 0: in place, except for the first one."""
        ...

    def delete(self, table: str, key: Key) -> None:
        """Takes a record away; nothing where there is none."""
        ...

    def holds(self, table: str, key: Key) -> bool:
        """Whether there is a record."""
        ...

    def items(self, table: str) -> list[tuple[Any, Any, int]]:
        """Key, value and number of the records of a table, in the order in which they were last put."""
        ...


class NoRecords:
    """Where a component has no successor: in its user's process, and where all factions are in one."""

    on = False
    inherited = False

    def put(self, table: str, key: Key, value: Any, number: int = 0) -> None:
        pass

    def count(self, table: str, key: Key, number: int) -> None:
        pass

    def last(self, table: str, number: int) -> None:
        pass

    def delete(self, table: str, key: Key) -> None:
        pass

    def holds(self, table: str, key: Key) -> bool:
        return False

    def items(self, table: str) -> list[tuple[Any, Any, int]]:
        return []


class RecordFile:
    """The records of one component, in a file of its own.

    Opening a file that is there takes over what a predecessor left: EBUSY while that one is alive, errors of the host.
    A file that is something else is begun anew, with a warning.
    """

    on = True

    def __init__(self, path: str, limit: int = LIMIT) -> None:
        self._path = path
        self._limit = limit
        self._dropped = 0
        self._fd = -1
        self._frozen = False
        self.lent = False
        self._end = self._live = self._size = 0
        self._at: dict[tuple[str, Any], int] = {}
        kept = _predecessor(path)
        self.inherited = kept is not None
        self._renew(kept or {}, 0)

    # -- Records

    def put(self, table: str, key: Key, value: Any, number: int = 0) -> None:
        """Records a value, in the place of one with the same key. ValueError for what is not plain."""
        if self._frozen:
            return
        payload = marshal.dumps((table, key, value), _VERSION)
        length = len(payload)
        end = self._end + HEADER.size + length
        if end > self._size and not self._make_room(HEADER.size + length):
            self.delete(table, key)
            return
        at = self._end
        end = at + HEADER.size + length
        self._map[at:end] = HEADER.pack(length, crc32(payload, length), number) + payload
        self._end = (end + 7) & ~7
        self._live += self._end - at
        index = (table, key)
        before = self._at.pop(index, None)
        self._at[index] = at
        if before is not None:
            self._discard(before)

    def count(self, table: str, key: Key, number: int) -> None:
        at = self._at.get((table, key))
        if at is not None and not self._frozen:
            self._numbers[(at + 8) >> 3] = number

    def last(self, table: str, number: int) -> None:
        if (table, 0) in self._at:
            self.count(table, 0, number)
        else:
            self.put(table, 0, None, number)

    def delete(self, table: str, key: Key) -> None:
        at = None if self._frozen else self._at.pop((table, key), None)
        if at is not None:
            self._discard(at)

    def holds(self, table: str, key: Key) -> bool:
        return (table, key) in self._at

    def items(self, table: str) -> list[tuple[Any, Any, int]]:
        return [self._item(at) for index, at in self._at.items() if index[0] == table]

    # -- life

    def freeze(self) -> None:
        """From now on nothing changes: an orderly end takes away what a successor has to bring back."""
        self._frozen = True

    def lend(self) -> None:
        """Lets a successor take the file over, while this process does nothing."""
        self._frozen = self.lent = True
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def reclaim(self) -> None:
        """Goes on after all: what was there, in a file of its own again. EBUSY, errors of the host."""
        self._frozen = self.lent = False
        kept = {i: self._map[at : at + _extent(self._lengths[at >> 2])] for i, at in self._at.items()}
        before = (self._lengths, self._numbers, self._map, self._fd)
        self._renew(kept, 0)
        _let_go(*before)

    def close(self) -> None:
        """Leaves the file to a successor."""
        self._lengths.release()
        self._numbers.release()
        self._map.close()
        os.close(self._fd)
        self._fd = -1

    def remove(self) -> None:
        """The same for good: nobody is to inherit it."""
        self.close()
        os.unlink(self._path)

    # -- the log

    def _discard(self, at: int) -> None:
        """Wipes it as well, since keys and passwords are among what is recorded."""
        length = self._lengths[at >> 2]
        self._lengths[at >> 2] = length | VOID
        self._map[at + HEADER.size : at + HEADER.size + length] = bytes(length)
        self._live -= _extent(length)

    def _item(self, at: int) -> tuple[Any, Any, int]:
        length, _, number = HEADER.unpack_from(self._map, at)
        _, key, value = plain(self._map[at + HEADER.size : at + HEADER.size + length])
        return key, value, number

    def _make_room(self, wanted: int) -> bool:
        """Copies what is of use to a new file, a larger one if that is more than half of it."""
        if self._live + wanted + len(MAGIC) > self._limit:
            return self._drop(f"{self._limit} bytes are the most")
        kept = {i: self._map[at : at + _extent(self._lengths[at >> 2])] for i, at in self._at.items()}
        before = (self._lengths, self._numbers, self._map, self._fd)
        try:
            self._renew(kept, wanted)
        except KernelError as error:
            return self._drop(str(error))
        _let_go(*before)
        return True

    def _drop(self, why: str) -> bool:
        if not self._dropped:
            log.error("%s: %s; what comes now would be lost with this process", self._path, why)
        self._dropped += 1
        return False

    def _renew(self, kept: dict[tuple[str, Any], bytes], wanted: int) -> None:
        """A new file with these records and room for more. Whoever dies on the way leaves the one before."""
        live = sum(map(len, kept.values()))
        size = INITIAL
        while size < 2 * (live + wanted) + len(MAGIC) and size < self._limit:
            size *= 2
        size = min(size, self._limit)
        fd, mapped = _create(f"{self._path}.new", size)
        where, at = {}, len(MAGIC)
        for index, record in kept.items():
            where[index] = at
            mapped[at : at + len(record)] = record
            at += len(record)
        mapped[: len(MAGIC)] = MAGIC
        _rename(f"{self._path}.new", self._path, fd)
        self._fd, self._map, self._size = fd, mapped, size
        self._at, self._end, self._live = where, at, live
        self._numbers = memoryview(mapped).cast("q")
        self._lengths = memoryview(mapped).cast("I")


def read_log(data: bytes) -> dict[tuple[str, Any], bytes]:
    """The records that are of use, by table and key, whole and padded. Ends where a record is torn; never fails."""
    found: dict[tuple[str, Any], bytes] = {}
    at = len(MAGIC)
    while at + HEADER.size <= len(data):
        length, crc, _ = HEADER.unpack_from(data, at)
        end = at + _extent(length & ~VOID)
        payload = data[at + HEADER.size : at + HEADER.size + (length & ~VOID)]
        if not length or len(payload) < length & ~VOID:
            break
        if not length & VOID:
            if crc32(payload, length) != crc:
                break
            try:
                table, key, _ = plain(payload)
                found[table, key] = data[at:end].ljust(end - at, b"\0")
            except (ValueError, TypeError):
                break
        at = end
    return found


def _extent(length: int) -> int:
    """Bytes of the file that a record with such a payload takes."""
    return (HEADER.size + (length & ~VOID) + 7) & ~7


def _predecessor(path: str) -> dict[tuple[str, Any], bytes] | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failure(path, error) from None
    with os.fdopen(fd, "rb") as file:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KernelError(Errno.EBUSY, f"{path}: who writes these records is alive") from None
        data = file.read(LIMIT)
    if not data.startswith(MAGIC):
        log.warning("%s holds no records; it is begun anew", path)
        return None
    return read_log(data)


def _let_go(lengths: memoryview, numbers: memoryview, mapped: mmap.mmap, fd: int) -> None:
    lengths.release()
    numbers.release()
    mapped.close()
    os.close(fd)


def _create(path: str, size: int) -> tuple[int, mmap.mmap]:
    """A mapped file of zeros. Its blocks are there from the start, since a store to memory cannot fail with ENOSPC."""
    fd = -1
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # of a predecessor that died on its way here, or of somebody who wants to read along
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.posix_fallocate(fd, 0, size)
        return fd, mmap.mmap(fd, size)
    except OSError as error:
        if fd >= 0:
            os.close(fd)
        raise _failure(path, error) from None


def _rename(path: str, to: str, fd: int) -> None:
    try:
        os.rename(path, to)
    except OSError as error:
        os.close(fd)
        raise _failure(path, error) from None


def _failure(path: str, error: OSError) -> KernelError:
    return KernelError(from_host(error.errno or 0), f"{path}: {error.strerror}")
