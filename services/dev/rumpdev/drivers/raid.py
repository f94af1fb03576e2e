"""RAID sets as disks (raid(4), RAIDframe): raid0d, ... and the raw rraid0d, ... of levels 0, 1 and 5.

Labels on the components tell which belong together and which are up to date, so a set comes up again as it was, with
what is missing left out. Rebuilding, and rewriting the parity, go on between the calls of others, some stripes at a
time; what is read and written meanwhile is right.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rumpdev.core.pseudodisk import PseudoDriver, Unit
from rumpdev.core.taking import Taken
from rumpdev.drivers.raid_assembly import ABSENT, Assembly, Member
from rumpdev.drivers.raid_label import CLEAN, DATA, SPARE, Label, write_label
from rumpdev.drivers.raid_set import Component, RaidSet
from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpuser.module import Manifest, Module
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    IoctlArgs,
    IoctlArgsInteger,
    IoctlResult,
    RaidComponent,
    RaidConfig,
    RaidDisk,
    RaidInfo,
    RaidProgress,
    RaidReconReq,
)

if TYPE_CHECKING:
    from rumpdev.component import DevComponent

STEP = 1 << 20
"""About so many bytes of a component are rebuilt before others get their turn."""
PAUSE_NS = 1_000_000
COMPONENTS_MAX = 32


class Job:
    """A rebuild (of a column) or a rewriting of the parity, on its way."""

    def __init__(self, total: int, column: int | None) -> None:
        self.total = total
        self.column = column
        self.done = 0
        self.disarm: Any = None


class RaidUnit(Unit):
    """One set."""

    def __init__(self, driver: PseudoDriver, number: int) -> None:
        super().__init__(driver, number)
        self.set_: RaidSet | None = None
        self.label: Label | None = None
        self.taken: dict[bytes, Taken] = {}
        self.spares: dict[bytes, Taken] = {}
        self.job: Job | None = None
        self.marked_clean = False

    # -- ioctl

    def clear(self, ctx: Context) -> Any:
        return self.ioctl(ctx, const.RAIDFRAME_SHUTDOWN, None)

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> Any:
        """RAIDFRAME_*. ENOTTY, EPERM, EINVAL for other arguments than a command's, ENXIO before it is configured."""
        if com == const.RAIDFRAME_GET_INFO:
            return IoctlResult(0, self._info())
        if com in (const.RAIDFRAME_CHECK_RECON_STATUS_EXT, const.RAIDFRAME_CHECK_PARITYREWRITE_STATUS_EXT):
            return IoctlResult(0, self._progress(rebuild=com == const.RAIDFRAME_CHECK_RECON_STATUS_EXT))
        if com == const.RAIDFRAME_CHECK_PARITY:
            return IoctlResult(0, IoctlArgsInteger(int(self._raid().clean)))
        command = _COMMANDS.get(com)
        if command is None:
            return super().ioctl(ctx, com, data)
        authorize(ctx, Action.SYSTEM_DEVMAPPER)
        name, kind = command
        if kind is not None and not isinstance(data, kind):
            raise KernelError(Errno.EINVAL, f"a {kind.__name__} is needed")
        return getattr(self, name)(ctx, data)

    def _raid(self) -> RaidSet:
        self.configured()
        assert self.set_ is not None
        return self.set_

    def _info(self) -> RaidInfo:
        raid, label = self.set_, self.label
        if raid is None or label is None:
            return RaidInfo()
        total = raid.geometry.stripes
        devs = [RaidDisk(c.name, _status(c, total), c.storage.size if c.storage else 0) for c in raid.components]
        spares = [RaidDisk(name, "spare", taken.storage.size) for name, taken in self.spares.items()]
        return RaidInfo(
            label.level, label.sect_per_su, label.columns, raid.size, label.serial, raid.clean, devs, spares
        )

    def _progress(self, *, rebuild: bool) -> RaidProgress:
        job = self.job
        if job is None or (job.column is not None) != rebuild:
            return RaidProgress()
        return RaidProgress(job.total - job.done, job.done, job.total)

    # -- configuring

    async def _configure(self, ctx: Context, data: RaidConfig) -> IoctlResult:
        """EBUSY, EINVAL (level, stripe unit, components, labels), errors of namei, ENOTBLK, ENXIO, EIO."""
        self.check_free()
        names = [*data.devnames, *data.spare_names]
        if len(names) > COMPONENTS_MAX or len(set(names) - {ABSENT}) != len([n for n in names if n != ABSENT]):
            raise KernelError(Errno.EINVAL, f"more than {COMPONENTS_MAX} components, or one of them twice")
        self.begin_change()
        taken: dict[bytes, Taken] = {}
        try:
            for name in names:
                await self._take(ctx, data, name, taken)
            self._assemble(data, taken)
        except BaseException:
            for one in taken.values():
                await self.driver.taking.give(one)
            raise
        finally:
            self.end_change()
        return IoctlResult()

    async def _take(self, ctx: Context, data: RaidConfig, name: bytes, taken: dict[bytes, Taken]) -> None:
        """What is not there any more has failed, but not when a new set is made of it."""
        if name == ABSENT:
            return
        try:
            taken[name] = await self.driver.taking.take(ctx, name)
        except KernelError as error:
            if data.force or error.errno not in (Errno.ENOENT, Errno.ENXIO, Errno.EIO):
                raise

    def _assemble(self, data: RaidConfig, taken: dict[bytes, Taken]) -> None:
        members = [Member(name, taken[name].storage if name in taken else None) for name in data.devnames]
        spares = [Member(name, taken[name].storage) for name in data.spare_names if name in taken]
        assembly = Assembly(data.level, data.sect_per_su, members, spares)
        if data.force:
            serial = int.from_bytes(self.driver.host.entropy(8), "little")
            self.set_, self.label = assembly.create(serial)
        else:
            self.set_, self.label = assembly.again()
        raid = self.set_
        used = {c.name for c in raid.components}
        self.taken = {name: one for name, one in taken.items() if name in used}
        self.spares = {name: one for name, one in taken.items() if name not in used}
        raid.failed, raid.before_write = self._failed, self._dirty
        self.marked_clean = raid.clean
        self._write_labels(clean=raid.clean)
        self.set(raid)

    def _shutdown(self, ctx: Context, data: None) -> Any:
        """ENXIO, EBUSY while others have it open."""
        self.configured()
        self.check_idle()
        return self._end()

    async def _end(self) -> IoctlResult:
        self.begin_change()
        try:
            self._mark_clean()
            taken = [*self.taken.values(), *self.spares.values()]
            self.taken, self.spares = {}, {}
            self.set(None)
            self.set_ = self.label = None
            for one in taken:
                await self.driver.taking.give(one)
        finally:
            self.end_change()
        return IoctlResult()

    def stop(self) -> None:
        if self.set_ is not None:
            self._mark_clean()
            for one in (*self.taken.values(), *self.spares.values()):
                one.storage.close()

    # -- labels

    def _write_labels(self, *, clean: bool) -> None:
        """On all components that are whole. What fails there shows at the next access."""
        raid, label = self.set_, self.label
        assert raid is not None
        assert label is not None
        if raid.readonly:
            return
        whole = [
            (column, component, component.storage)
            for column, component in enumerate(raid.components)
            if component.storage is not None and component.done == raid.geometry.stripes
        ]
        label.counter += 1
        label.present = sum(1 << column for column, _, _ in whole)
        for column, component, storage in whole:
            flags = (CLEAN if clean else 0) | (SPARE if component.spare else 0)
            try:
                write_label(storage, replace(label, column=column, flags=flags))
                storage.flush()
            except KernelError:
                raid.fail(column)

    def _dirty(self) -> None:
        """Before the first write: a kernel that dies leaves parity that may be wrong."""
        if self.marked_clean:
            self.marked_clean = False
            self._write_labels(clean=False)

    def _mark_clean(self) -> None:
        self._stop_job()
        raid = self.set_
        if raid is not None and raid.clean and not self.marked_clean:
            with contextlib.suppress(KernelError):  # then the labels go on saying that the parity may be wrong
                raid.flush()
                self._write_labels(clean=True)
                self.marked_clean = True

    def _failed(self, column: int) -> None:
        """The others are told, so that this one is not taken for a good one after a restart."""
        if self.job is not None and self.job.column in (column, None):
            self._stop_job()
        self._write_labels(clean=self.marked_clean)

    # -- failing and repairing

    async def _fail_disk(self, ctx: Context, data: RaidReconReq) -> IoctlResult:
        """EINVAL for a column that there is not, EBUSY while a job runs, EIO when the set cannot do without it."""
        raid = self._raid()
        self._column(data.col)
        self._no_job()
        if not raid.fail(data.col):
            raise KernelError(Errno.EIO, f"{self.name} cannot do without component {data.col}")
        if data.flags & const.RF_FDFLAGS_RECON:
            old = self._rebuild_to_spare(data.col)
            if old is not None:
                await self.driver.taking.give(old)
        return IoctlResult()

    def _rebuild_to_spare(self, column: int) -> Taken | None:
        """The disk that is no part of the set any more. ENOSPC without a spare that is large enough."""
        raid = self._raid()
        for name, taken in self.spares.items():
            if taken.storage.size >= _least(raid) and not taken.storage.readonly:
                del self.spares[name]
                old = self.taken.pop(raid.components[column].name, None)
                self.taken[name] = taken
                raid.components[column] = Component(name, taken.storage, 0, spare=True)
                self._begin(column)
                return old
        raise KernelError(Errno.ENOSPC, f"{self.name} has no spare of {_least(raid)} bytes")

    def _rebuild_in_place(self, ctx: Context, data: RaidComponent) -> Any:
        """EINVAL, EBUSY, and what taking the component raises; its old contents do not matter."""
        raid = self._raid()
        column = self._named(data)
        self._no_job()
        component = raid.components[column]
        if component.storage is not None and not raid.fail(column):
            raise KernelError(Errno.EIO, f"{self.name} cannot do without component {column}")
        if not raid.geometry.spares_one:
            raise KernelError(Errno.EINVAL, "there is nothing to rebuild from")
        return self._retake(ctx, column, component.name)

    async def _retake(self, ctx: Context, column: int, name: bytes) -> IoctlResult:
        raid = self._raid()
        self.begin_change()
        try:
            old = self.taken.pop(name, None)
            if old is not None:
                await self.driver.taking.give(old)
            taken = await self.driver.taking.take(ctx, name)
            if taken.storage.size < _least(raid) or taken.storage.readonly or raid.align % taken.storage.align:
                await self.driver.taking.give(taken)
                raise KernelError(Errno.EINVAL, f"{_least(raid)} bytes that can be written are needed")
        finally:
            self.end_change()
        self.taken[name] = taken
        raid.components[column] = Component(name, taken.storage, 0, raid.components[column].spare)
        self._begin(column)
        return IoctlResult()

    async def _add_spare(self, ctx: Context, data: RaidComponent) -> IoctlResult:
        """EBUSY, EINVAL, and what taking it raises."""
        raid = self._raid()
        if len(self.taken) + len(self.spares) >= COMPONENTS_MAX:
            raise KernelError(Errno.EINVAL, f"{COMPONENTS_MAX} components are the most")
        self.begin_change()
        try:
            taken = await self.driver.taking.take(ctx, data.component_name)
            if taken.storage.size < _least(raid) or taken.storage.readonly or raid.align % taken.storage.align:
                await self.driver.taking.give(taken)
                raise KernelError(Errno.EINVAL, f"a spare has {_least(raid)} bytes that can be written")
            self.spares[data.component_name] = taken
        finally:
            self.end_change()
        return IoctlResult()

    async def _remove_spare(self, ctx: Context, data: RaidComponent) -> IoctlResult:
        """EINVAL when it is no spare, or one that is used."""
        self._raid()
        taken = self.spares.pop(data.component_name, None)
        if taken is None:
            raise KernelError(Errno.EINVAL, f"{data.component_name.decode(errors='replace')} is no free spare")
        await self.driver.taking.give(taken)
        return IoctlResult()

    def _rewrite_parity(self, ctx: Context, data: None) -> IoctlResult:
        """EBUSY while a job runs; EIO while a component is missing. Of level 0 there is nothing to do."""
        raid = self._raid()
        self._no_job()
        if raid.geometry.level == 0:
            raid.clean = True
        elif any(c.storage is None or c.done < raid.geometry.stripes for c in raid.components):
            raise KernelError(Errno.EIO, f"{self.name} lacks a component")
        elif raid.readonly:
            raise KernelError(Errno.EROFS, f"{self.name} is read-only")
        else:
            self._begin(None)
        return IoctlResult()

    # -- jobs

    def _begin(self, column: int | None) -> None:
        self.job = Job(self._raid().geometry.stripes, column)
        self._dirty()
        self._arm(self.job)

    def _arm(self, job: Job) -> None:
        host = self.driver.host
        job.disarm = host.call_at(host.monotonic_ns() + PAUSE_NS, lambda: self._step(job))

    def _stop_job(self) -> None:
        job, self.job = self.job, None
        if job is not None:
            job.disarm()

    def _step(self, job: Job) -> None:
        raid = self.set_
        if job is not self.job or raid is None:
            return
        end = min(job.total, job.done + max(1, STEP // raid.geometry.unit))
        try:
            while job.done < end:
                if job.column is None:
                    raid.parity_right(job.done, repair=True)
                else:
                    raid.rebuild_stripe(job.column, job.done)
                job.done += 1
        except KernelError:
            self._broken(job, raid)
            return
        if job is not self.job:
            return  # a component failed on the way
        if job.done < job.total:
            self._arm(job)
        else:
            self.job = None
            self._finished(job, raid)

    def _broken(self, job: Job, raid: RaidSet) -> None:
        self.job = None
        if job.column is not None:
            raid.components[job.column].storage = None
            raid.components[job.column].done = 0

    def _finished(self, job: Job, raid: RaidSet) -> None:
        try:
            raid.flush()
        except KernelError:
            self._broken(job, raid)
            return
        if job.column is None:
            raid.clean = True
        self._write_labels(clean=False)
        self.marked_clean = False

    def _no_job(self) -> None:
        if self.job is not None or self.changing:
            raise KernelError(Errno.EBUSY, f"{self.name} is being repaired")

    # -- columns

    def _column(self, column: int) -> int:
        if not 0 <= column < len(self._raid().components):
            raise KernelError(Errno.EINVAL, f"{self.name} has no component {column}")
        return column

    def _named(self, data: RaidComponent) -> int:
        """By name where one is given."""
        if not data.component_name:
            return self._column(data.column)
        for column, component in enumerate(self._raid().components):
            if component.name == data.component_name:
                return column
        raise KernelError(
            Errno.EINVAL, f"{data.component_name.decode(errors='replace')} is no component of {self.name}"
        )


def _status(component: Component, stripes: int) -> str:
    if component.storage is None:
        return "failed"
    if component.done < stripes:
        return "reconstructing"
    return "used_spare" if component.spare else "optimal"


def _least(raid: RaidSet) -> int:
    return DATA + raid.geometry.stripes * raid.geometry.unit


_COMMANDS: dict[int, tuple[str, Any]] = {
    const.RAIDFRAME_CONFIGURE: ("_configure", RaidConfig),
    const.RAIDFRAME_SHUTDOWN: ("_shutdown", None),
    const.RAIDFRAME_FAIL_DISK: ("_fail_disk", RaidReconReq),
    const.RAIDFRAME_REBUILD_IN_PLACE: ("_rebuild_in_place", RaidComponent),
    const.RAIDFRAME_ADD_HOT_SPARE: ("_add_spare", RaidComponent),
    const.RAIDFRAME_REMOVE_COMPONENT: ("_remove_spare", RaidComponent),
    const.RAIDFRAME_REWRITEPARITY: ("_rewrite_parity", None),
}


class RaidDriver(PseudoDriver):
    """Majors 18 (block) and 54 (character)."""

    name = "raid"
    bmajor = const.MAJOR_RAID_BLK
    cmajor = const.MAJOR_RAID_CHR
    unit_class = RaidUnit


class RaidModule(Module):
    """The driver as a module."""

    manifest = Manifest("raid", "driver", "dev")

    def init(self, component: DevComponent, props: dict[str, str]) -> None:
        component.attach(RaidDriver(component.host, component.taking))

    def fini(self, component: DevComponent) -> None:
        """EBUSY while a unit is configured or open."""
        component.detach_disks("raid")


MODULE = RaidModule()
