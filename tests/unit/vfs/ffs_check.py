"""A consistency checker for UFS1 and UFS2, for tests: what fsck_ffs does in its phases, from the inodes up.

It shares no code with the driver. `check` computes from the inodes and directories which blocks, fragments and inodes
are in use and how many links each file has, and compares that with all maps, counts and summaries. With ``crashed``
only what fsck could not repair without loss counts: blocks with two owners, names of inodes that are not there, broken
records.
"""

from __future__ import annotations

import stat
import struct
from collections import Counter
from typing import Any

NDADDR = 12
DIRBLKSIZ = 512
MAGICS = {0x011954: 1, 0x19540119: 2, 0x19012038: 2}


_REPAIRED = (" held", "is a hole", "behind its end")
"""Ends of what fsck repairs without loss: counts of blocks, and a size that came in before or behind the pointers."""


class Checker:
    def __init__(self, image: bytes | bytearray | memoryview) -> None:
        self.image = memoryview(image).toreadonly()
        self.problems: list[str] = []
        self.owner: dict[int, int] = {}
        self.inodes: dict[int, dict[str, Any]] = {}
        self._superblock()

    def bad(self, text: str) -> None:
        if len(self.problems) < 50:
            self.problems.append(text)

    def get(self, kind: str, at: int) -> Any:
        found = struct.unpack_from(self.order + kind, self.image, at)
        return found[0] if len(found) == 1 else found

    def _superblock(self) -> None:
        for place in (65536, 8192, 0, 262144):
            for order in "<>":
                if place + 8192 <= len(self.image):
                    magic = struct.unpack_from(order + "I", self.image, place + 1372)[0]
                    if magic in MAGICS and not (magic == 0x011954 and place == 65536):
                        self.order, self.version, self.sb = order, MAGICS[magic], place
                        self._fields()
                        return
        raise AssertionError("no superblock")

    def field(self, kind: str, at: int) -> Any:
        return self.get(kind, self.sb + at)

    def _fields(self) -> None:
        (self.sblkno, self.cblkno, self.iblkno, self.dblkno, self.cgoffset, self.cgmask) = self.field("6i", 8)
        self.ncg, self.bsize, self.fsize, self.frag = self.field("4i", 44)
        self.ipg, self.fpg = self.field("2i", 184)
        self.size, self.dsize, self.csaddr = self.field("3q", 1080)
        self.cssize, self.cgsize = self.field("2i", 156)
        self.contigsumsize, self.maxsymlinklen = self.field("2i", 1316)
        self.clean = self.field("b", 209)
        self.quota_files: dict[int, int] = {}
        if self.field("I", 904) == 0xB746915E and self.field("I", 1312) & 0x200:
            self.quota_files = {t: self.field("Q", 912 + 8 * t) for t in (0, 1) if self.field("B", 908) >> t & 1}
        self.psize = 4 * self.version
        self.isize = 128 * self.version
        self.nindir = self.bsize // self.psize

    def cgstart(self, group: int) -> int:
        return group * self.fpg + (self.cgoffset * (group & ~self.cgmask) if self.version == 1 else 0)

    # -- phase 1: inodes and their blocks

    def claim(self, number: int, frag: int, count: int, what: str) -> bool:
        if frag <= 0 or frag + count > self.size or frag % self.frag + count > self.frag:
            self.bad(f"inode {number}: {what} at {frag}, {count} fragments: out of range")
            return False
        for one in range(frag, frag + count):
            if one in self.owner:
                self.bad(f"fragment {one} belongs to {self.owner[one]} and to inode {number}")
                return False
            self.owner[one] = number
        return True

    def _reserve(self) -> None:
        """Structures are owned by 0."""
        for group in range(self.ncg):
            start = self.cgstart(group)
            first = 0 if group == 0 else start + self.sblkno
            self.owner.update(dict.fromkeys(range(first, start + self.dblkno), 0))
        self.owner.update(dict.fromkeys(range(self.csaddr, self.csaddr + -(-self.cssize // self.fsize)), 0))

    def inode_at(self, number: int) -> int:
        group, index = divmod(number, self.ipg)
        return (self.cgstart(group) + self.iblkno) * self.fsize + index * self.isize

    def read_inode(self, number: int) -> dict[str, Any] | None:
        at = self.inode_at(number)
        mode, links = self.get("Hh", at)
        if mode == 0:
            return None
        if self.version == 1:
            size, blocks, pointers = self.get("Q", at + 8), self.get("I", at + 104), at + 40
            ext = (0, 0, 0)
        else:
            size, blocks, pointers = self.get("Q", at + 16), self.get("Q", at + 24), at + 112
            ext = (self.get("i", at + 92), *self.get("2q", at + 96))
        return {
            "mode": mode, "links": links, "size": size, "blocks": blocks, "ext": ext,
            "owners": self.get("2I", at + (112 if self.version == 1 else 4)),
            "pointers": self.get("15i" if self.version == 1 else "15q", pointers),
        }  # fmt: skip

    def phase1(self) -> None:
        self._reserve()
        for group in range(self.ncg):
            at = (self.cgstart(group) + self.cblkno) * self.fsize
            inited = self.ipg if self.version == 1 else self.get("i", at + 120)
            if not 0 <= inited <= self.ipg:
                self.bad(f"group {group}: {inited} inodes initialized")
            for index in range(inited):
                number = group * self.ipg + index
                inode = self.read_inode(number)
                if inode is not None and number >= 2:
                    self.inodes[number] = inode
                    self._blocks(number, inode)
                elif inode is not None:
                    self.bad(f"inode {number} is not free")

    def _blocks(self, number: int, inode: dict[str, Any]) -> None:
        kind, size, pointers = stat.S_IFMT(inode["mode"]), inode["size"], inode["pointers"]
        inode["data"] = []
        held = self._attributes(number, inode)
        if kind not in (
            stat.S_IFREG,
            stat.S_IFDIR,
            stat.S_IFLNK,
            stat.S_IFBLK,
            stat.S_IFCHR,
            stat.S_IFIFO,
            stat.S_IFSOCK,
        ):
            self.bad(f"inode {number}: mode {inode['mode']:o}")
        if kind in (stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFLNK and size >= self.maxsymlinklen):
            held += self._data(number, size, pointers, inode["data"])
            if size and not inode["data"][-1]:
                self.bad(f"inode {number}: its last block is a hole")
        if held * (self.fsize // 512) != inode["blocks"]:
            self.bad(f"inode {number}: {inode['blocks']} blocks counted, {held * (self.fsize // 512)} held")

    def _attributes(self, number: int, inode: dict[str, Any]) -> int:
        size, *places = inode["ext"]
        held = 0
        for n, place in enumerate(places):
            frags = min(max(0, -(-(size - n * self.bsize) // self.fsize)), self.frag)
            if frags:
                self.claim(number, place, frags, "attributes")
                held += frags
            elif place:
                self.bad(f"inode {number}: attribute block {n} without attributes")
        return held

    def _data(self, number: int, size: int, pointers: tuple[int, ...], data: list[tuple[int, int]]) -> int:
        """Claims the blocks; ``data`` gets (place, fragments) of each block of the file."""
        count = -(-size // self.bsize)
        held = 0
        for n in range(NDADDR):
            place = pointers[n]
            if n >= count:
                if place:
                    self.bad(f"inode {number}: block {n} behind its end")
                continue
            last = n == count - 1
            frags = -(-(size - n * self.bsize) // self.fsize) if last else self.frag
            if place and self.claim(number, place, frags, f"block {n}"):
                held += frags
            data.append((place, frags) if place else ())
        left = count - NDADDR
        for level in range(1, 4):
            if left <= 0:
                if pointers[NDADDR + level - 1]:
                    self.bad(f"inode {number}: indirect block of level {level} behind its end")
                continue
            span = self.nindir**level
            held += self._indirect(number, pointers[NDADDR + level - 1], level, min(left, span), data)
            left -= span
        return held

    def _indirect(self, number: int, node: int, level: int, count: int, data: list[tuple[int, int]]) -> int:
        if node == 0:
            data.extend([()] * count)
            return 0
        if not self.claim(number, node, self.frag, f"indirect block of level {level}"):
            return 0
        pointers = self.get(f"{self.nindir}{'i' if self.version == 1 else 'q'}", node * self.fsize)
        span = self.nindir ** (level - 1)
        held = self.frag
        for n, place in enumerate(pointers):
            below = min(count - n * span, span)
            if below <= 0:
                if place:
                    self.bad(f"inode {number}: pointer {n} in an indirect block behind its end")
            elif level > 1:
                held += self._indirect(number, place, level - 1, below, data)
            else:
                if place and self.claim(number, place, self.frag, "block"):
                    held += self.frag
                data.append((place, self.frag) if place else ())
        return held

    # -- phases 2 to 4: names and links

    def entries(self, number: int) -> list[tuple[int, int, bytes]]:
        inode = self.inodes[number]
        raw = b"".join(
            bytes(self.image[p[0] * self.fsize : (p[0] + p[1]) * self.fsize]) if p else bytes(self.bsize)
            for p in inode["data"]
        )[: inode["size"]]
        if len(raw) != inode["size"] or len(raw) % DIRBLKSIZ or not raw:
            self.bad(f"directory {number}: {inode['size']} bytes")
        found = []
        for base in range(0, len(raw), DIRBLKSIZ):
            at = base
            while at < base + DIRBLKSIZ:
                fileno, length, kind, namelen = struct.unpack_from(self.order + "IHBB", raw, at)
                if length < 12 or length % 4 or at + length > base + DIRBLKSIZ or (fileno and namelen + 9 > length):
                    self.bad(f"directory {number}: broken record at {at}")
                    break
                if fileno:
                    name = raw[at + 8 : at + 8 + namelen]
                    if b"\0" in name or b"/" in name or raw[at + 8 + namelen]:
                        self.bad(f"directory {number}: name {name!r}")
                    found.append((fileno, kind, name))
                at += length
        return found

    def phase2(self) -> None:
        self.links: Counter[int] = Counter()
        parents: dict[int, int] = {2: 2}
        dotdot: dict[int, int] = {}
        if 2 not in self.inodes or not stat.S_ISDIR(self.inodes[2]["mode"]):
            self.bad("no root directory")
            return
        self.paths = {2: "/"}
        stack = [2]
        while stack:
            number = stack.pop()
            found = self.entries(number)
            if [e[2] for e in found[:2]] != [b".", b".."] or found[0][0] != number:
                self.bad(f"directory {number} does not begin with . and ..")
            names = [e[2] for e in found]
            if len(set(names)) != len(names):
                self.bad(f"directory {number} has a name twice")
            for fileno, kind, name in found:
                if fileno not in self.inodes:
                    self.bad(f"directory {number}: {name!r} leads to inode {fileno}, which is free")
                    continue
                if kind != self.inodes[fileno]["mode"] >> 12:
                    self.bad(f"directory {number}: {name!r} has type {kind}")
                self.links[fileno] += 1
                if name == b"..":
                    dotdot[number] = fileno
                elif name != b"." and stat.S_ISDIR(self.inodes[fileno]["mode"]):
                    if fileno in parents:
                        self.bad(f"directory {fileno} has two names")
                    else:
                        parents[fileno] = number
                        stack.append(fileno)
        for number, parent in parents.items():
            if dotdot.get(number) != parent:
                self.bad(f"directory {number}: .. is {dotdot.get(number)} instead of {parent}")

    def phase4(self) -> None:
        for number, inode in self.inodes.items():
            if number in self.quota_files.values():
                continue
            if inode["links"] != self.links[number]:
                self.bad(f"inode {number}: {inode['links']} links counted, {self.links[number]} found")
            if not self.links[number]:
                self.bad(f"inode {number} has no name")

    # -- phase 6: quotas

    def phase6(self) -> None:
        for idtype, number in self.quota_files.items():
            expected: dict[int, list[int]] = {}
            for other, inode in self.inodes.items():
                if other not in self.quota_files.values():
                    sums = expected.setdefault(inode["owners"][idtype], [0, 0])
                    sums[0] += inode["blocks"]
                    sums[1] += 1
            found = self._quotas(idtype, number)
            for owner in expected.keys() | found.keys():
                want, have = expected.get(owner, [0, 0]), found.get(owner, [0, 0])
                if want != have:
                    self.bad(f"quota of type {idtype}, id {owner}: {have} instead of {want}")

    def _quotas(self, idtype: int, number: int) -> dict[int, list[int]]:
        """Blocks and files by id; all entries are in one list each, the free ones in theirs."""
        data = [bytes(self.image[p * self.fsize : p * self.fsize + self.bsize]) for p, _ in self.inodes[number]["data"]]
        raw = b"".join(data)
        magic, kind, shift, size = struct.unpack_from(self.order + "IBBH", raw)
        if (magic, kind, size) != (0xB746915E, idtype, 1 << shift):
            self.bad(f"quota file {number}: head {magic:#x}, {kind}, {shift}, {size}")
            return {}
        header = 112 + 8 * size
        places = set(range(header, self.bsize - 95, 96))
        for start in range(self.bsize, len(raw), self.bsize):
            places |= set(range(start, start + self.bsize - 95, 96))
        found: dict[int, list[int]] = {}
        for slot, start in enumerate((104, *range(112, header, 8))):
            (at,) = struct.unpack_from(self.order + "Q", raw, start)
            while at:
                if at not in places:
                    self.bad(f"quota file {number}: entry at {at} is none, or in two lists")
                    return found
                places.remove(at)
                values = struct.unpack_from(self.order + "3Q2q3Q2qQI", raw, at)
                if slot:
                    found[values[11]] = [values[2], values[7]]
                    if values[11] & (size - 1) != slot - 1:
                        self.bad(f"quota file {number}: id {values[11]} in list {slot - 1}")
                at = values[10]
        if places:
            self.bad(f"quota file {number}: {len(places)} entries are in no list")
        return found

    # -- phase 5: maps and counts

    def phase5(self) -> None:
        totals = [0, 0, 0, 0]
        for group in range(self.ncg):
            found = self._group(group)
            totals = [a + b for a, b in zip(totals, found, strict=True)]
            summary = list(self.get("4i", self.csaddr * self.fsize + 16 * group))
            if summary != found:
                self.bad(f"group {group}: summary {summary} instead of {found}")
        wide = list(self.field("4q", 1008))
        if wide != totals:
            self.bad(f"superblock: totals {wide} instead of {totals}")
        if self.version == 1 and list(self.field("4i", 192)) != totals:
            self.bad(f"superblock: old totals {list(self.field('4i', 192))} instead of {totals}")

    def _group(self, group: int) -> list[int]:
        at = (self.cgstart(group) + self.cblkno) * self.fsize
        base = group * self.fpg
        count = min(self.fpg, self.size - base)
        if self.get("i", at + 4) != 0x090255 or self.get("i", at + 12) != group or self.get("i", at + 20) != count:
            self.bad(f"group {group}: broken head")
        used_at, free_at, _next, sums_at, clusters_at = self.get("5i", at + 92)
        bit = lambda where, n: self.image[at + where + n // 8] >> n % 8 & 1  # noqa: E731
        free = [base + n not in self.owner for n in range(count)]
        wrong = [n for n in range(count) if bit(free_at, n) != free[n]]
        if wrong:
            self.bad(f"group {group}: map of fragments is wrong at {wrong[:20]}")
        if any(bit(free_at, n) for n in range(count, -(-self.fpg // 8) * 8)):
            self.bad(f"group {group}: free fragments behind its end")
        numbers = range(group * self.ipg, (group + 1) * self.ipg)
        taken = [number in self.inodes or number < 2 for number in numbers]
        wrong = [n for n in range(self.ipg) if bit(used_at, n) != taken[n]]
        if wrong:
            self.bad(f"group {group}: map of inodes is wrong at {wrong[:20]}")
        directories = sum(n in self.inodes and stat.S_ISDIR(self.inodes[n]["mode"]) for n in numbers)
        return self._counts(group, at, free, self.ipg - sum(taken), directories, sums_at, clusters_at)

    def _counts(
        self, group: int, at: int, free: list[bool], inodes: int, directories: int, sums_at: int, clusters_at: int
    ) -> list[int]:
        pieces = [0] * 8
        whole = []
        for start in range(0, len(free), self.frag):
            part = free[start : start + self.frag]
            whole.append(len(part) == self.frag and all(part))
            if not whole[-1]:
                for run in "".join("x" if f else " " for f in part).split():
                    pieces[len(run)] += 1
        found = [directories, sum(whole), inodes, sum(free) - self.frag * sum(whole)]
        if list(self.get("4i", at + 24)) != found:
            self.bad(f"group {group}: counts {list(self.get('4i', at + 24))} instead of {found}")
        if list(self.get("8i", at + 52)) != pieces:
            self.bad(f"group {group}: cg_frsum {self.get('8i', at + 52)} instead of {pieces}")
        if self.contigsumsize:
            sums = [0] * (self.contigsumsize + 1)
            for run in "".join("x" if w else " " for w in whole).split():
                sums[min(len(run), self.contigsumsize)] += 1
            stored = self.get(f"{self.contigsumsize}i", at + sums_at + 4)
            if list(stored if isinstance(stored, tuple) else (stored,)) != sums[1:]:
                self.bad(f"group {group}: cluster summary {stored} instead of {sums[1:]}")
            bits = [bool(self.image[at + clusters_at + n // 8] >> n % 8 & 1) for n in range(len(whole))]
            if bits != whole:
                self.bad(f"group {group}: map of clusters")
        return found


def check(image: bytes | bytearray | memoryview, *, crashed: bool = False, clean: bool = True) -> list[str]:
    """What is wrong with an image."""
    checker = Checker(image)
    if not crashed and clean and checker.clean != 1:
        checker.bad("not marked as clean")
    checker.phase1()
    if crashed:
        checker.problems = [text for text in checker.problems if not text.endswith(_REPAIRED)]
    checker.phase2()
    if not crashed:
        checker.phase4()
        checker.phase5()
        checker.phase6()
    return checker.problems
