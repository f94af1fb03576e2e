"""Quotas: the cases of NetBSD's tests/fs/ffs/quota2_common, over all file systems that have some."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest

from rumpuser.component import Context
from rumpvfs.core import quota
from rumpvfs.fs.ext2fs import FILE_SYSTEM as EXT2FS
from rumpvfs.fs.ffs import FILE_SYSTEM as FFS
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DiskArgs, QuotactlArgs, QuotaCursor, QuotaEntry, QuotaKey, QuotaValue
from tests.unit.vfs.kit import CALLER, Kit, MemoryFiles, fails, user

USER, GROUP, BLOCKS, FILES = quota.USER, quota.GROUP, quota.BLOCKS, quota.FILES
NOLIMIT, NOTIME, DEFAULT = quota.NOLIMIT, quota.NOTIME, quota.DEFAULT
UID = 1000
SOMEBODY = user(UID, 1000)
MNT, DISK = b"/mnt", b"/dev/disk"
DISKS = {"ext2fs": EXT2FS, "ffs": FFS}


class Mounted(NamedTuple):
    """A kernel with a file system that has quotas, mounted at /mnt, open to everybody."""

    k: Kit
    kind: str

    def control(self, op: int, *, ctx: Context = CALLER, path: bytes = MNT, **args: Any) -> QuotactlArgs:
        with self.k.as_(ctx):
            found = self.k.quotactl(path, QuotactlArgs(op, **args))
        assert isinstance(found, QuotactlArgs)
        return found

    def put(
        self, objtype: int, hard: int, soft: int = NOLIMIT, grace: int = NOTIME, *, id: int = UID, idtype: int = USER
    ) -> None:
        if self.kind == "ext2fs" and grace != NOTIME:  # one grace for all
            common: dict[str, Any] = {"hardlimit": NOLIMIT, "softlimit": NOLIMIT, "grace": grace}
            self.control(const.QUOTACTL_PUT, idtype=idtype, id=DEFAULT, objtype=objtype, **common)
        limits: dict[str, Any] = {"hardlimit": hard, "softlimit": soft, "grace": grace}
        self.control(const.QUOTACTL_PUT, idtype=idtype, id=id, objtype=objtype, **limits)

    def get(self, objtype: int, *, id: int = UID, idtype: int = USER, ctx: Context = CALLER) -> QuotaValue:
        found = self.control(const.QUOTACTL_GET, idtype=idtype, id=id, objtype=objtype, ctx=ctx)
        return QuotaValue(found.hardlimit, found.softlimit, found.usage, found.expiretime, found.grace)

    def used(self, *, id: int = UID, idtype: int = USER) -> tuple[int, int]:
        """Blocks and files."""
        return self.get(BLOCKS, id=id, idtype=idtype).usage, self.get(FILES, id=id, idtype=idtype).usage

    def all(self, most: int = 3, skip: int | None = None) -> list[QuotaEntry]:
        cursor = self.control(const.QUOTACTL_CURSOROPEN).cursor
        if skip is not None:
            cursor = self.control(const.QUOTACTL_CURSORSKIPIDTYPE, cursor=cursor, idtype=skip).cursor
        entries: list[QuotaEntry] = []
        while not self.control(const.QUOTACTL_CURSORATEND, cursor=cursor).cursor.at_end:  # type: ignore[union-attr]
            found = self.control(const.QUOTACTL_CURSORGET, cursor=cursor, maxnum=most)
            assert 0 < len(found.entries) <= most
            entries += found.entries
            cursor = found.cursor
        self.control(const.QUOTACTL_CURSORCLOSE, cursor=cursor)
        return entries

    def append(self, path: bytes, length: int, ctx: Context = SOMEBODY, *, piece: int = 4096) -> int:
        """Writes behind the end of a file; how much of it was taken."""
        with self.k.as_(ctx):
            fd = self.k.open(path, const.O_CREAT | const.O_WRONLY | const.O_APPEND, 0o644)
            done = 0
            try:
                while done < length:
                    done += self.k.write(fd, b"x" * min(length - done, piece))
            except KernelError as error:
                if error.errno != Errno.EDQUOT:
                    raise
            self.k.close(fd)
        return done

    def remount(self) -> None:
        if self.kind != "tmpfs":
            self.k.unmount(MNT, 0)
            mount(self.k, self.kind)


def mount(k: Kit, kind: str) -> None:
    k.mount(kind, MNT, 0, DiskArgs(DISK) if kind in DISKS else None)


@pytest.fixture(params=["tmpfs", "ext2fs", "ffs"])
def m(request: pytest.FixtureRequest) -> Iterator[Mounted]:
    kind = request.param
    k = Kit(MemoryFiles(image=bytes(8 << 20)))
    k.mkdir(MNT, 0o755)
    if kind in DISKS:
        k.component.add_filesystem(DISKS[kind])
        k.etfs_register(DISK, b"image", const.RUMP_ETFS_BLK)
        k.newfs(kind, DISK, {"quota": "both"}, b"")
    mount(k, kind)
    k.chmod(MNT, 0o1777)
    found = Mounted(k, kind)
    if kind == "tmpfs":
        for idtype in (USER, GROUP):
            found.control(const.QUOTACTL_QUOTAON, idtype=idtype)
    yield found
    k.component.stop()


def test_write_to_the_hard_limit(m: Mounted) -> None:
    m.put(BLOCKS, 64)
    assert 0 < m.append(b"/mnt/file", 100_000) <= 32 << 10
    assert 48 < m.get(BLOCKS).usage <= 64
    with m.k.as_(SOMEBODY):
        assert (
            m.k.stat(b"/mnt/file").st_blocks
            == m.get(BLOCKS).usage
            - sum(
                m.k.stat(b"/mnt/" + name).st_blocks for name in m.k.ls(MNT) if m.k.stat(b"/mnt/" + name).st_uid == UID
            )
            + m.k.stat(b"/mnt/file").st_blocks
        )
        m.k.unlink(b"/mnt/file")
    assert m.used() == (0, 0)
    assert m.append(b"/mnt/again", 8 << 10) == 8 << 10


def test_the_soft_limit_counts_when_the_grace_is_over(m: Mounted) -> None:
    m.put(BLOCKS, 400, 100, 60)
    assert m.append(b"/mnt/file", 40 << 10) == 40 << 10
    assert m.append(b"/mnt/file", 40 << 10) == 40 << 10
    value = m.get(BLOCKS)
    assert value.usage > 100
    assert value.expiretime == m.k.host.realtime_ns() // 10**9 + 60
    m.k.host.advance(61)
    assert m.append(b"/mnt/file", 65 << 10) < 65 << 10
    assert m.append(b"/mnt/other", 65 << 10) == 0
    assert m.append(b"/mnt/root", 65 << 10, CALLER) == 65 << 10
    with m.k.as_(SOMEBODY):
        m.k.truncate(b"/mnt/file", 0)
    assert m.get(BLOCKS).expiretime == NOTIME
    assert m.append(b"/mnt/other", 8 << 10) == 8 << 10


def test_no_grace_at_all(m: Mounted) -> None:
    m.put(FILES, NOLIMIT, 2, 0)
    assert make_files(m, 5) == 2


def make_files(m: Mounted, count: int, ctx: Context = SOMEBODY) -> int:
    """How many of so many files could be made."""
    done = 0
    with m.k.as_(ctx), suppress(KernelError):
        for number in range(count):
            fd = m.k.open(b"/mnt/f%d.%d" % (ctx.cred.uid, number), const.O_CREAT | const.O_WRONLY, 0o644)
            m.k.close(fd)
            done += 1
    return done


def test_files_to_the_hard_limit(m: Mounted) -> None:
    m.put(FILES, 4)
    assert make_files(m, 10) == 4
    with m.k.as_(SOMEBODY):
        with fails(Errno.EDQUOT):
            m.k.mkdir(b"/mnt/dir", 0o755)
        with fails(Errno.EDQUOT):
            m.k.symlink(b"x", b"/mnt/link")
        m.k.link(b"/mnt/f1000.0", b"/mnt/again")
        m.k.unlink(b"/mnt/f1000.0")
        with fails(Errno.EDQUOT):
            m.k.mkdir(b"/mnt/dir", 0o755)
        m.k.unlink(b"/mnt/again")
        m.k.mkdir(b"/mnt/dir", 0o755)
    assert m.get(FILES).usage == 4
    assert make_files(m, 10, CALLER) == 10


def test_files_beyond_the_soft_limit(m: Mounted) -> None:
    m.put(FILES, 20, 4, 60)
    assert make_files(m, 10) == 10
    m.k.host.advance(61)
    with m.k.as_(SOMEBODY), fails(Errno.EDQUOT):
        m.k.symlink(b"x", b"/mnt/link")


def test_groups_have_quotas_too(m: Mounted) -> None:
    m.k.mkdir(b"/mnt/dir", 0o777)
    m.k.chown(b"/mnt/dir", 0, 77)
    m.k.chmod(b"/mnt/dir", 0o777)
    m.put(FILES, 3, id=77, idtype=GROUP)
    with m.k.as_(SOMEBODY):
        for name in (b"a", b"b"):
            m.k.symlink(b"x", b"/mnt/dir/" + name)
        with fails(Errno.EDQUOT):
            m.k.symlink(b"x", b"/mnt/dir/c")
    assert m.get(FILES, id=77, idtype=GROUP).usage == 3
    assert m.get(FILES).usage == 2


def test_a_file_without_a_name_counts_until_it_is_closed(m: Mounted) -> None:
    m.append(b"/mnt/file", 20_000)
    fd = m.k.open(b"/mnt/file", const.O_RDONLY, None)
    before = m.used()
    m.k.unlink(b"/mnt/file")
    assert m.used() == before
    m.k.close(fd)
    assert m.used() == (0, 0)


def test_chown_moves_what_a_file_has(m: Mounted) -> None:
    m.append(b"/mnt/file", 20_000)
    before = m.used()
    assert before[1] == 1
    m.put(BLOCKS, 10, id=2000)
    m.k.chown(b"/mnt/file", 2000, 2000)
    assert m.used(id=2000) == before
    assert m.used(id=2000, idtype=GROUP) == before
    assert m.used() == (0, 0)
    m.append(b"/mnt/other", 20_000)
    with m.k.as_(user(UID, 1000, 50)):
        m.put(BLOCKS, 1, id=50, idtype=GROUP)
        with fails(Errno.EDQUOT):
            m.k.chown(b"/mnt/other", -1, 50)
        m.put(BLOCKS, 1000, id=50, idtype=GROUP)
        m.k.chown(b"/mnt/other", -1, 50)
    assert m.used(id=50, idtype=GROUP) == m.used()


def test_holes_take_nothing_and_storage_is_counted_when_it_comes(m: Mounted) -> None:
    m.append(b"/mnt/file", 1)
    with m.k.as_(SOMEBODY):
        before = m.used()[0]
        m.k.truncate(b"/mnt/file", 1 << 20)
        grown = m.used()[0] - before
        assert grown <= 64
        fd = m.k.open(b"/mnt/file", const.O_RDWR, None)
        m.k.pwrite(fd, b"y" * 70_000, 300_000)
        assert m.used()[0] >= before + 136
        assert m.used()[0] == m.k.stat(b"/mnt/file").st_blocks
        m.k.ftruncate(fd, 0)
        m.k.close(fd)
    assert m.used() == (0, 1)


def test_getting(m: Mounted) -> None:
    with fails(Errno.ENOENT):
        m.get(BLOCKS)
    m.append(b"/mnt/file", 1000)
    assert m.get(FILES) == QuotaValue(NOLIMIT, NOLIMIT, 1, NOTIME, quota.WEEK)
    assert m.get(FILES, ctx=SOMEBODY).usage == 1
    assert m.get(FILES, id=0, idtype=GROUP, ctx=user(5, 0)).usage > 1
    for owner, idtype in ((0, USER), (DEFAULT, USER), (0, GROUP)):
        with fails(Errno.EPERM):
            m.get(FILES, id=owner, idtype=idtype, ctx=SOMEBODY)
    with fails(Errno.EINVAL):
        m.control(const.QUOTACTL_GET, idtype=2)
    with fails(Errno.EINVAL):
        m.control(const.QUOTACTL_GET, objtype=2)


def test_setting_and_clearing(m: Mounted) -> None:
    m.put(BLOCKS, 2000, 1000, 99)
    m.remount()
    assert m.get(BLOCKS) == QuotaValue(2000, 1000, 0, NOTIME, 99)
    m.put(BLOCKS, 3000, 1000)
    assert m.get(BLOCKS) == QuotaValue(3000, 1000, 0, NOTIME, 99)
    for op in (const.QUOTACTL_PUT, const.QUOTACTL_DEL, const.QUOTACTL_QUOTAON, const.QUOTACTL_QUOTAOFF):
        with fails(Errno.EPERM):
            m.control(op, ctx=SOMEBODY, id=UID)
    m.control(const.QUOTACTL_DEL, id=UID, objtype=BLOCKS)
    m.remount()
    with fails(Errno.ENOENT):
        m.get(BLOCKS)
    with fails(Errno.ENOENT):
        m.control(const.QUOTACTL_DEL, id=UID, objtype=BLOCKS)
    with fails(Errno.EOPNOTSUPP):
        m.control(const.QUOTACTL_DEL, id=DEFAULT, objtype=BLOCKS)
    m.append(b"/mnt/file", 1000)
    m.put(FILES, 5, 5)
    m.control(const.QUOTACTL_DEL, id=UID, objtype=FILES)
    assert m.get(FILES) == QuotaValue(NOLIMIT, NOLIMIT, 1, NOTIME, quota.WEEK)


def test_limits_below_what_is_used(m: Mounted) -> None:
    assert make_files(m, 5) == 5
    m.put(FILES, 3, 2, 100)
    assert m.get(FILES).expiretime == m.k.host.realtime_ns() // 10**9 + 100
    assert m.get(FILES).usage == 5
    assert make_files(m, 6) == 5
    with m.k.as_(SOMEBODY):
        m.k.unlink(b"/mnt/f1000.0")
        assert m.get(FILES).usage == 4


def test_defaults(m: Mounted) -> None:
    if m.kind == "ext2fs":
        with fails(Errno.EOPNOTSUPP):
            m.put(FILES, 2, id=DEFAULT)
        with fails(Errno.EINVAL):
            m.put(FILES, 0)
        return
    m.put(FILES, 2, 1, 50, id=DEFAULT)
    m.remount()
    assert m.get(FILES, id=DEFAULT) == QuotaValue(2, 1, 0, NOTIME, 50)
    assert make_files(m, 5) == 2
    assert make_files(m, 5, user(1001)) == 2
    assert m.get(FILES).hardlimit == 2
    m.put(FILES, 4)
    assert make_files(m, 5) == 4


def test_the_list(m: Mounted) -> None:
    for number in range(40):
        m.put(BLOCKS, 1000 + 2 * number, id=5000 + 7 * number, idtype=number % 2)
    m.remount()
    entries = m.all()
    keys = [entry.key for entry in entries]
    assert len(set(keys)) == len(keys)
    assert keys[0] == QuotaKey(USER, DEFAULT, BLOCKS)
    for number in range(40):
        at = keys.index(QuotaKey(number % 2, 5000 + 7 * number, BLOCKS))
        assert entries[at].value == QuotaValue(1000 + 2 * number, NOLIMIT, 0, NOTIME, quota.WEEK)
    assert [entry for entry in entries if entry.key and entry.key.idtype == GROUP] == m.all(1000, skip=USER)
    assert m.all(1, skip=GROUP) == m.all(7, skip=GROUP)
    with fails(Errno.EINVAL):
        m.control(const.QUOTACTL_CURSORGET, maxnum=5)
    with fails(Errno.EPERM):
        m.control(const.QUOTACTL_CURSORGET, cursor=QuotaCursor(QuotaKey()), maxnum=5, ctx=SOMEBODY)
    rewound = m.control(const.QUOTACTL_CURSORREWIND, cursor=QuotaCursor(QuotaKey(2), 1, at_end=True)).cursor
    assert rewound == QuotaCursor(QuotaKey(USER, DEFAULT, BLOCKS), 1)


def test_what_quotas_there_are(m: Mounted) -> None:
    stat = m.control(const.QUOTACTL_STAT, ctx=SOMEBODY)
    assert (stat.numidtypes, stat.numobjtypes) == (2, 2)
    assert m.kind in stat.name or m.kind == "ext2fs"
    assert [m.control(const.QUOTACTL_IDTYPESTAT, idtype=n).name for n in (0, 1)] == ["user", "group"]
    kinds = [m.control(const.QUOTACTL_OBJTYPESTAT, objtype=n) for n in (0, 1)]
    assert [(kind.name, kind.isbytes) for kind in kinds] == [("block", True), ("file", False)]
    for op in (const.QUOTACTL_IDTYPESTAT, const.QUOTACTL_OBJTYPESTAT, 14):
        with fails(Errno.EINVAL):
            m.control(op, idtype=2, objtype=2)
    with fails(Errno.EINVAL):
        m.k.quotactl(MNT, None)
    with fails(Errno.ENOENT):
        m.k.quotactl(b"/mnt/none", QuotactlArgs())


def test_usage_is_that_of_the_files(m: Mounted) -> None:
    """Whatever is done, the sums are those over all files; a remount changes nothing."""
    people = [SOMEBODY, user(1001, 1000), user(7, 8)]
    for number, ctx in enumerate(people):
        with m.k.as_(ctx):
            m.k.mkdir(b"/mnt/d%d" % number, 0o777)
        m.append(b"/mnt/d%d/large" % number, 200_000 * (number + 1), ctx)
        m.append(b"/mnt/d%d/small" % number, 10, ctx)
        with m.k.as_(ctx):
            m.k.symlink(b"x" * 300, b"/mnt/d%d/link" % number)
            m.k.truncate(b"/mnt/d%d/large" % number, 70_000)
            m.k.setxattr(b"/mnt/d%d/small" % number, b"user.x", b"v" * 400, 0)
    m.k.chown(b"/mnt/d0/large", 7, 1000)
    m.k.rename(b"/mnt/d0/small", b"/mnt/d1/small")
    with m.k.as_(people[2]):
        m.k.unlink(b"/mnt/d2/small")
        fd = m.k.open(b"/mnt/d2/large", const.O_RDWR, None)
        m.k.pwrite(fd, b"z" * 5000, 3_000_000)
        m.k.close(fd)
    for _ in range(2):
        expected: dict[tuple[int, int], list[int]] = {}
        for st in stats(m.k, MNT):
            for idtype, owner in ((USER, st.st_uid), (GROUP, st.st_gid)):
                sums = expected.setdefault((idtype, owner), [0, 0])
                sums[0] += st.st_blocks
                sums[1] += 1
        for (idtype, owner), sums in expected.items():
            assert list(m.used(id=owner, idtype=idtype)) == sums, (idtype, owner)
        m.remount()


def stats(k: Kit, top: bytes) -> list[Any]:
    found = [k.lstat(top)]
    for name in k.ls(top):
        path = top + b"/" + name
        if name in (b".", b".."):
            continue
        st = k.lstat(path)
        found += stats(k, path) if st.st_mode & const.S_IFMT == const.S_IFDIR else [st]
    return found


def test_switched_off_and_on(m: Mounted) -> None:
    if m.kind == "ffs":
        for op, errno in ((const.QUOTACTL_QUOTAON, Errno.EBUSY), (const.QUOTACTL_QUOTAOFF, Errno.EOPNOTSUPP)):
            with fails(errno):
                m.control(op, idtype=USER)
        return
    m.put(FILES, 1)
    m.control(const.QUOTACTL_QUOTAOFF, idtype=USER)
    assert make_files(m, 3) == 3
    m.control(const.QUOTACTL_QUOTAON, idtype=USER)
    assert m.get(FILES).usage == 3
    with m.k.as_(SOMEBODY), fails(Errno.EDQUOT):
        m.k.mkdir(b"/mnt/dir", 0o755)


def test_without_quotas() -> None:
    k = Kit()
    with fails(Errno.ENODEV):
        k.quotactl(b"/", QuotactlArgs(const.QUOTACTL_GET))
    k.quotactl(b"/", QuotactlArgs(const.QUOTACTL_QUOTAON, 0))
    assert k.quotactl(b"/", QuotactlArgs(const.QUOTACTL_GET, objtype=FILES)).usage > 5
    with fails(Errno.EINVAL):
        k.quotactl(b"/", QuotactlArgs(const.QUOTACTL_QUOTAON, 9))
