"""Quotas: what users and groups may have on one file system, and what they have (quota2 of NetBSD, quotactl(2)).

A file system that has quotas keeps a `Quotas` (`FileSystem.quotas`). Its driver tells of all that it gives to a file
and takes back, for the owner of the file and its group: it asks (`check`) before something is done and says (`count`)
when it is, or both at once (`charge`); `transfer` is for changes of the owner. How that comes to the disk is the
driver's: it overrides what is called before a change.

The rules: nobody but the superuser gets beyond a hard limit. The soft limit may be exceeded for as long as ``grace``
says; from then on it is a hard one, until there is less in use again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rumpuser.kauth import Action, permitted
from rumpvfs.core.vnode import Environment
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import QuotaEntry, QuotaKey, QuotaValue

USER, GROUP = const.QUOTA_IDTYPE_USER, const.QUOTA_IDTYPE_GROUP
BLOCKS, FILES = const.QUOTA_OBJTYPE_BLOCKS, const.QUOTA_OBJTYPE_FILES
IDTYPES = ("user", "group")
OBJTYPES = ("block", "file")
NOLIMIT, NOTIME = const.QUOTA_NOLIMIT, const.QUOTA_NOTIME
DEFAULT = const.QUOTA_DEFAULTID
WEEK = 7 * 24 * 3600
"""The grace of a new file system, in seconds."""
BLOCK = 512
"""Bytes that blocks are counted in (DEV_BSIZE)."""
TIME_MAX = (1 << 63) - 1


class Limits:
    """Limits, use and times (seconds) of blocks or of files. ``expire`` counts while there is more than ``soft``."""

    __slots__ = ("expire", "grace", "hard", "soft", "used")

    def __init__(
        self, hard: int = NOLIMIT, soft: int = NOLIMIT, used: int = 0, expire: int = 0, grace: int = WEEK
    ) -> None:
        self.hard = hard
        self.soft = soft
        self.used = used
        self.expire = expire
        self.grace = grace

    def state(self) -> tuple[int, int, int, int, int]:
        return self.hard, self.soft, self.used, self.expire, self.grace

    def room(self, now: int) -> int:
        """How much more may be used. NOLIMIT where nothing bounds it."""
        most = self.hard
        if self.grace == 0 or (self.used > self.soft and now > self.expire):
            most = min(most, self.soft)
        return NOLIMIT if most == NOLIMIT else max(most - self.used, 0)

    def add(self, change: int, now: int) -> None:
        crossed = self.used <= self.soft < self.used + change
        self.used = max(self.used + change, 0)
        if crossed:
            self.expire = min(now + self.grace, TIME_MAX)
        elif self.used <= self.soft:
            self.expire = 0

    def value(self) -> QuotaValue:
        return QuotaValue(self.hard, self.soft, self.used, self.expire or NOTIME, self.grace)


class Dquot:
    """The quota of one id: of blocks and of files. ``place`` is the driver's: where it is on the disk."""

    __slots__ = ("id", "limits", "place")

    def __init__(self, id: int, limits: tuple[Limits, Limits], place: int = 0) -> None:
        self.id = id
        self.limits = limits
        self.place = place

    def state(self) -> tuple[tuple[int, ...], ...]:
        return tuple(limits.state() for limits in self.limits)

    def restore(self, state: tuple[tuple[int, ...], ...]) -> None:
        for limits, old in zip(self.limits, state, strict=True):
            limits.hard, limits.soft, limits.used, limits.expire, limits.grace = old

    @property
    def used(self) -> bool:
        return any(limits.used for limits in self.limits)

    def like(self, other: Dquot) -> bool:
        """Whether the limits are the same."""
        pairs = zip(self.limits, other.limits, strict=True)
        return all((a.hard, a.soft, a.grace) == (b.hard, b.soft, b.grace) for a, b in pairs)


class Table:
    """All of one idtype. ``default`` has what new ones get; only while ``enforced`` is anybody refused something."""

    __slots__ = ("default", "dquots", "enforced", "idtype")

    def __init__(self, idtype: int, default: Dquot | None = None) -> None:
        self.idtype = idtype
        self.default = default or Dquot(DEFAULT, (Limits(), Limits()))
        self.dquots: dict[int, Dquot] = {}
        self.enforced = True

    def new(self, id: int) -> Dquot:
        return Dquot(id, (_like(self.default.limits[BLOCKS]), _like(self.default.limits[FILES])))


def _like(default: Limits) -> Limits:
    return Limits(default.hard, default.soft, grace=default.grace)


class Quotas:
    """The quotas of one file system, in memory alone. ``tables`` has the idtypes that are counted."""

    name = "quota"
    restrictions = 0

    def __init__(self, env: Environment, tables: Sequence[Table] = ()) -> None:
        self.env = env
        self.tables = {table.idtype: table for table in tables}

    # -- for drivers that keep them on a disk

    def making(self, table: Table, dquot: Dquot) -> None:
        """An id gets a quota: finds a place for it. ENOSPC, EIO."""

    def changing(self, table: Table, dquot: Dquot) -> None:
        """A quota (or the default) is about to change. EIO."""

    def dropping(self, table: Table, dquot: Dquot) -> None:
        """An id has no quota any more. EIO."""

    # -- counting

    def _find(self, table: Table, id: int) -> Dquot:
        found = table.dquots.get(id)
        if found is None:
            found = table.new(id)
            self.making(table, found)
            table.dquots[id] = found
        return found

    def room(self, uid: int, gid: int, objtype: int = BLOCKS) -> int:
        """How much more the caller may give to files of an owner and group. NOLIMIT where nothing bounds it."""
        if permitted(self.env.cred, Action.SYSTEM_FS_QUOTA_NOLIMIT):
            return NOLIMIT
        now, most = self._now(), NOLIMIT
        for idtype, table in self.tables.items():
            if table.enforced:
                found = table.dquots.get((uid, gid)[idtype], table.default)
                most = min(most, found.limits[objtype].room(now))
        return most

    def check(self, uid: int, gid: int, *, blocks: int = 0, files: int = 0) -> None:
        """That a file may get so much more, for `count` to follow. EDQUOT; ENOSPC, EIO from finding a place."""
        for idtype, table in self.tables.items():
            self._find(table, (uid, gid)[idtype])
        for objtype, change in ((BLOCKS, blocks), (FILES, files)):
            if change > 0 and change > self.room(uid, gid, objtype):
                raise KernelError(Errno.EDQUOT, f"no more {OBJTYPES[objtype]}s for user {uid} or group {gid}", "vfs")

    def count(self, uid: int, gid: int, *, blocks: int = 0, files: int = 0) -> None:
        """A file has so much more, or less. EIO; where it is more and nothing was checked, also ENOSPC."""
        now = self._now()
        for idtype, table in self.tables.items():
            self._add(table, (uid, gid)[idtype], blocks, files, now)

    def _add(self, table: Table, id: int, blocks: int, files: int, now: int) -> None:
        found = table.dquots.get(id)
        if found is None:
            if blocks <= 0 and files <= 0:
                return
            found = self._find(table, id)
        self.changing(table, found)
        found.limits[BLOCKS].add(blocks, now)
        found.limits[FILES].add(files, now)

    def charge(self, uid: int, gid: int, *, blocks: int = 0, files: int = 0) -> None:
        """`check` and `count`. EDQUOT, ENOSPC, EIO."""
        self.check(uid, gid, blocks=blocks, files=files)
        self.count(uid, gid, blocks=blocks, files=files)

    def transfer(self, old: tuple[int, int], new: tuple[int, int], *, blocks: int, files: int = 1) -> None:
        """What a file has is another owner's, or group's (uid, gid). EDQUOT, ENOSPC, EIO; then nothing has changed."""
        moving = [(table, old[t], new[t]) for t, table in self.tables.items() if old[t] != new[t]]
        now = self._now()
        for table, _, owner in moving:
            limits = self._find(table, owner).limits
            enough = blocks <= limits[BLOCKS].room(now) and files <= limits[FILES].room(now)
            if table.enforced and not enough and not permitted(self.env.cred, Action.SYSTEM_FS_QUOTA_NOLIMIT):
                raise KernelError(Errno.EDQUOT, f"no more for {IDTYPES[table.idtype]} {owner}", "vfs")
        for table, before, owner in moving:
            self._add(table, before, -blocks, -files, now)
            self._add(table, owner, blocks, files, now)

    def _now(self) -> int:
        return self.env.now_ns() // 1_000_000_000

    # -- for quotactl

    def table(self, idtype: int) -> Table:
        """EINVAL for no idtype, ENODEV for one that has no quotas."""
        if not 0 <= idtype < len(IDTYPES):
            raise KernelError(Errno.EINVAL, f"no idtype {idtype}", "vfs")
        found = self.tables.get(idtype)
        if found is None:
            raise KernelError(Errno.ENODEV, f"no quotas for {IDTYPES[idtype]}s", "vfs")
        return found

    def get(self, key: QuotaKey) -> QuotaValue:
        """EINVAL, ENODEV, ENOENT."""
        table = self.table(key.idtype)
        _check_objtype(key.objtype)
        return self._known(table, key.id).limits[key.objtype].value()

    def _known(self, table: Table, id: int) -> Dquot:
        if id == DEFAULT:
            return table.default
        found = table.dquots.get(id)
        if found is None:
            raise KernelError(Errno.ENOENT, f"nothing is known of {IDTYPES[table.idtype]} {id}", "vfs")
        return found

    def put(self, key: QuotaKey, value: QuotaValue) -> None:
        """Sets limits and grace (NOTIME leaves it alone), not the use. EINVAL, ENODEV, ENOSPC, EIO."""
        table = self.table(key.idtype)
        _check_objtype(key.objtype)
        if value.grace < NOTIME:
            raise KernelError(Errno.EINVAL, f"a grace of {value.grace} s", "vfs")
        dquot = table.default if key.id == DEFAULT else self._find(table, key.id)
        self.changing(table, dquot)
        limits = dquot.limits[key.objtype]
        over = limits.used > limits.soft
        limits.hard, limits.soft = value.hardlimit, value.softlimit
        if value.grace != NOTIME:
            limits.grace = value.grace
        if limits.used <= limits.soft:
            limits.expire = 0
        elif not over:
            limits.expire = min(self._now() + limits.grace, TIME_MAX)

    def delete(self, key: QuotaKey) -> None:
        """Limits of an id become the default ones. EINVAL, ENODEV, ENOENT, EOPNOTSUPP for the default, EIO."""
        table = self.table(key.idtype)
        _check_objtype(key.objtype)
        if key.id == DEFAULT:
            raise KernelError(Errno.EOPNOTSUPP, "the default is not taken away", "vfs")
        dquot = self._known(table, key.id)
        default = table.default.limits[key.objtype]
        self.put(key, QuotaValue(default.hard, default.soft, 0, NOTIME, default.grace))
        if dquot.like(table.default) and not dquot.used:
            self.dropping(table, dquot)
            del table.dquots[dquot.id]

    def walk(self, start: QuotaKey, skipped: int) -> Iterator[QuotaEntry]:
        """All from a key on: users before groups, the default before the ids, blocks before files."""
        for idtype, table in sorted(self.tables.items()):
            if skipped >> idtype & 1:
                continue
            for owner in (DEFAULT, *sorted(table.dquots)):
                for objtype in (BLOCKS, FILES):
                    key = QuotaKey(idtype, owner, objtype)
                    if _order(key) >= _order(start):
                        yield QuotaEntry(key, self._known(table, owner).limits[objtype].value())

    def on(self, idtype: int) -> None:
        """Limits count from now on. EINVAL, ENODEV."""
        self.table(idtype).enforced = True

    def off(self, idtype: int) -> None:
        """Limits do not count any more. EINVAL, ENODEV."""
        self.table(idtype).enforced = False


def _check_objtype(objtype: int) -> None:
    if not 0 <= objtype < len(OBJTYPES):
        raise KernelError(Errno.EINVAL, f"no objtype {objtype}", "vfs")


def _order(key: QuotaKey) -> tuple[int, int, int]:
    return key.idtype, -1 if key.id == DEFAULT else key.id, key.objtype
