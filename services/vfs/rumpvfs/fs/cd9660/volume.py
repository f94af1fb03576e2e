"""The open volume without vnodes: which of its trees is shown, and what is in its directories.

A file of a directory is one record or, over 4 GiB, several in a row: *sections*. Sections and versions of one name are
neighbours (ECMA-119 section 9.3), so a directory is read as a stream and never kept whole for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rumpvfs.core.vnode import BlockDevice
from rumpwire import const
from rumpwire.errno import Errno, KernelError

from . import descriptors, names, records, susp
from .names import Identifier
from .options import Options
from .records import MULTI_EXTENT, PARENT, SECTOR, SELF, Record, bad
from .susp import RockRidge

MAX_SECTIONS = 4096

Ranges = tuple[tuple[int, int], ...]
"""Byte of the volume and length, one range behind the other."""


class Found(NamedTuple):
    """One file of a directory. ``end`` is the byte of the directory behind its last record.

    ``number`` is that of its inode: the byte of the volume where its record is; for a directory, where it begins
    itself; and for a file with several names an odd one made of where its contents begin, the same for all names.
    """

    name: bytes
    number: int
    record: Record
    sections: Ranges
    end: int
    rock: RockRidge | None

    @property
    def is_directory(self) -> bool:
        return self.record.is_directory or (self.rock is not None and self.rock.child is not None)


class Volume:
    """A session of a disc. EINVAL for what is none, EIO."""

    def __init__(self, device: BlockDevice, options: Options) -> None:
        primary, joliet = descriptors.read(device, options.sector)
        if primary is None:
            raise KernelError(Errno.EINVAL, "no primary volume descriptor", "cd9660")
        self.device = device
        self.options = options
        self.skip: int | None = None
        self._choose(primary)
        if not options.norrip:
            self.skip = susp.find(self.itself(self.root), self.fetch)
        if self.skip is None and joliet is not None and not options.nojoliet:
            self._choose(joliet)

    def _choose(self, chosen: descriptors.Descriptor) -> None:
        self.block_size = chosen.block_size
        self.blocks = chosen.blocks
        self.label = chosen.label
        self.joliet = chosen.joliet
        self.root = chosen.root.data_block * chosen.block_size

    @property
    def rock_ridge(self) -> bool:
        return self.skip is not None

    @property
    def folds_case(self) -> bool:
        """Whether names are found in either case."""
        return self.options.rrcaseins if self.rock_ridge else not self.options.nomaplcase

    def fetch(self, block: int, offset: int, length: int) -> memoryview:
        return self.device.view(block * self.block_size + offset, length)

    # -- directories

    def itself(self, begin: int) -> Record:
        """The record that a directory which begins at a byte of the volume has of itself. EIO."""
        record = self._first(begin)
        if record.name != SELF or not record.is_directory:
            raise bad(f"no directory begins at byte {begin}")
        return record

    def above(self, begin: int) -> int:
        """Where the directory above begins. EIO."""
        record = self._first(begin + self._first(begin).length)
        if record.name != PARENT:
            raise bad(f"the directory at byte {begin} has no ..")
        rock = self.attributes(record)
        block = record.data_block if rock is None or rock.parent is None else rock.parent
        return block * self.block_size

    def _first(self, at: int) -> Record:
        rest = min(SECTOR - at % SECTOR, self.device.size - at)
        return records.parse(self.device.view(at, max(rest, 0)), at)

    def attributes(self, record: Record) -> RockRidge | None:
        """What Rock Ridge says of a record; None on a volume without."""
        return None if self.skip is None else susp.parse(record.system_use[self.skip :], self.fetch)

    def directory_size(self, record: Record) -> int:
        """EIO for more bytes than the device has."""
        if record.size > self.device.size:
            raise bad(f"a directory of {record.size} bytes")
        return record.size

    def scan(self, begin: int, size: int, offset: int) -> Iterator[tuple[int, Record]]:
        """The records of a directory from a byte of it on, each with the byte behind it. EIO."""
        while offset < size:
            rest = min(SECTOR - (begin + offset) % SECTOR, size - offset)
            raw = self.device.view(begin + offset, rest)
            at = 0
            while at < rest:
                if not raw[at]:  # the rest of the block is empty
                    at += self.block_size - (begin + offset + at) % self.block_size
                    continue
                record = records.parse(raw[at:], begin + offset + at)
                at += record.length
                yield offset + at, record
            offset += rest

    def files(self, begin: int, size: int, offset: int) -> Iterator[Found]:
        """The files of a directory from a byte of it on, without itself, the one above and what was moved. EIO."""
        last: Identifier | None = None
        held: Found | None = None
        for found, identifier in self._each(begin, size, offset):
            if held is not None:
                if last is not None and last.name == found.name and last.version > identifier.version:
                    held = held._replace(end=found.end)  # an older version
                    continue
                yield held
            held, last = found, None if self.rock_ridge else identifier
        if held is not None:
            yield held

    def _each(self, begin: int, size: int, offset: int) -> Iterator[tuple[Found, Identifier]]:
        sections: list[tuple[int, int]] = []
        first: Record | None = None
        for end, record in self.scan(begin, size, offset):
            if record.name in (SELF, PARENT):
                continue
            if first is not None and record.name != first.name:
                raise bad(f"the file at byte {first.at} lacks its last section")
            first = first or record
            sections.append((record.data_block * self.block_size, record.size))
            if record.flags & MULTI_EXTENT and not record.is_directory:
                if len(sections) >= MAX_SECTIONS:
                    raise bad(f"a file of more than {MAX_SECTIONS} sections")
                continue
            found = self._found(first, tuple(sections), end)
            if found is not None:
                yield found
            sections, first = [], None

    def _found(self, record: Record, sections: Ranges, end: int) -> tuple[Found, Identifier] | None:
        options = self.options
        lower = not (options.nomaplcase or options.gens)
        identifier = names.translate(record, joliet=bool(self.joliet), original=options.gens, lower=lower)
        rock = self.attributes(record)
        name = identifier.name
        if rock is not None:
            if rock.relocated:
                return None
            name = _shown(rock.name) or name
        return Found(name, self._number(record, rock, sections), record, sections, end, rock), identifier

    def _number(self, record: Record, rock: RockRidge | None, sections: Ranges) -> int:
        if rock is not None and rock.child is not None:
            return rock.child * self.block_size
        if record.is_directory:
            return sections[0][0]
        if rock is not None and rock.links > 1 and record.size and not _is_link(rock):
            return sections[0][0] | 1
        return record.at


def _is_link(rock: RockRidge) -> bool:
    return rock.mode is not None and rock.mode & const.S_IFMT == const.S_IFLNK


def _shown(name: bytes) -> bytes:
    """A name of Rock Ridge that a path can say, else nothing."""
    return b"" if b"/" in name or b"\0" in name or name in (b".", b"..") else name
