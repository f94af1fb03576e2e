"""The module table (module(9), modctl(2)).

kern knows every module of every faction. Those that the factions bring with them ("builtin") it learns from the
factions; those that are loaded later, by name ("filesys"), out of a file of the kernel or by upload ("upload"), it
loads itself: the faction describes the module, kern loads what it requires, depth first, and tells the faction to start
it. Each module holds a reference on each one it requires. When a step fails, the requirements that were loaded on the
way are unloaded again. One load or unload runs at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from rumpkern.core.plist import MAX_PLIST, NOAUTOLOAD, parse
from rumpkern.core.proc import ProcessTable
from rumpkern.core.signature import read_file, read_signed, verify_upload
from rumpuser.component import KERNEL, Bus, Component, Context, Peer
from rumpuser.host import Host
from rumpuser.kauth import Action
from rumpuser.module import GROUP, wheel_module
from rumpuser.pending import ENDED, Channel, start, value_of
from rumpwire import calls, const
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.values import ModctlLoad, ModuleStat

log = logging.getLogger("rump.modules")

FACTIONS = ("kern", "vfs", "net", "dev")
MAX_DEPTH = 6
"""Modules on one chain of requirements (kern_module.c)."""
MAX_REQUIRED = 10
"""Requirements of one module (MAXMODDEPS)."""
MAX_MERGED = 8192
"""The same, with those of the file beside a module."""
SECOND = 10**9
MAX_PROPS = 4096
"""Bytes of names and values of properties."""
APPEAR_STEP_NS = 20_000_000
APPEAR_STEPS = 500
"""A faction that was started is looked for every 20 ms, 10 s long: peers learn of one another a little later."""


@dataclass(slots=True)
class ModuleSettings:
    """kern.module of sysctl(7)."""

    autoload: bool = True
    verbose: bool = False
    path: str = ""
    autotime: int = 10
    """Seconds after which modules that were loaded on demand go again when nobody uses them; 0: never."""


@dataclass(slots=True)
class Record:
    """A row of the table. ``brought`` marks what a faction had from its start: unloaded, it is disabled, not gone."""

    stat: ModuleStat
    flags: int = 0
    brought: bool = False


@dataclass(slots=True)
class Wanted:
    """One load: for whom, what, and what has been loaded for it so far."""

    ctx: Context
    flags: int = 0
    props: dict[str, str] = field(default_factory=dict)
    source: str = "builtin"
    done: list[str] = field(default_factory=list)


class Modules:
    """The table, and the calls about it.

    ``find_installed`` gives the faction of a module that is installed on this machine, or None.
    """

    def __init__(
        self,
        own: Component,
        host: Host,
        bus: Bus,
        processes: ProcessTable,
        find_installed: Callable[[str], str | None],
        keys: Sequence[bytes],
    ) -> None:
        self.settings = ModuleSettings()
        self._own = own
        self._host = host
        self._bus = bus
        self._processes = processes
        self._find_installed = find_installed
        self._keys = keys
        self._table: dict[str, Record] = {}
        self._disabled: dict[str, Record] = {}
        self._busy = False
        self._freed = Channel(host)
        self.changed: Callable[[], None] = lambda: None

    # -- for a successor

    def rows(self) -> list[Record]:
        return list(self._table.values())

    def disabled(self) -> list[Record]:
        return list(self._disabled.values())

    def restore(self, rows: Sequence[Record], disabled: Sequence[Record]) -> None:
        self._table = {row.stat.name: row for row in rows}
        self._disabled = {row.stat.name: row for row in disabled}
        for name, row in self._table.items():
            self._expire(name, row)

    # -- calls

    def modctl(
        self, ctx: Context, cmd: int, load: ModctlLoad | None, name: str | None, autoload: bool | None
    ) -> list[ModuleStat] | Coroutine[Any, Any, list[ModuleStat]]:
        """MODCTL_*; the table for MODCTL_STAT, which needs no privilege. EINVAL, EPERM and those of the command."""
        if cmd == const.MODCTL_STAT:
            return self.module_list(ctx)
        if cmd not in (const.MODCTL_LOAD, const.MODCTL_UNLOAD, const.MODCTL_EXISTS):
            raise KernelError(Errno.EINVAL, f"there is no modctl command {cmd}")
        self._processes.authorize(ctx, Action.SYSTEM_MODULE)
        if cmd == const.MODCTL_LOAD:
            return self._modctl_load(ctx, load)
        if cmd == const.MODCTL_UNLOAD:
            return self._nothing(self._unload_one(name or ""))
        if autoload and not self.settings.autoload:
            raise KernelError(Errno.EPERM, "kern.module.autoload is off")
        return []

    async def module_init(self, ctx: Context, names: Sequence[str]) -> None:
        """Loads installed modules, all or none. EPERM, EEXIST, and those of a load."""
        self._processes.authorize(ctx, Action.SYSTEM_MODULE)
        await self._locked(self._load(Wanted(ctx, const.MODCTL_LOAD_FORCE), [(name, b"") for name in names]))

    async def module_fini(self, ctx: Context, name: str) -> None:
        """EPERM, ENOENT, EBUSY."""
        self._processes.authorize(ctx, Action.SYSTEM_MODULE)
        await self._unload_one(name)

    async def module_upload(
        self, ctx: Context, filename: str, sha256: bytes, public_key: bytes, signature: bytes, wheel: bytes
    ) -> ModuleStat:
        """Loads a module out of a signed wheel. EPERM, EFBIG, EBADMSG, EAUTH, ENOEXEC, EINVAL, and those of a load."""
        self._processes.authorize(ctx, Action.SYSTEM_MODULE)
        verify_upload(filename, sha256, public_key, signature, wheel, self._keys)
        return await self._load_wheel(Wanted(ctx, source="upload"), wheel)

    async def module_list(self, ctx: Context) -> list[ModuleStat]:
        """All modules, in the order in which they were loaded, and builtin ones that were unloaded (refcnt -1)."""
        await self._locked(self._learn())
        disabled = [r.stat._replace(flags=const.MODFLG_MUST_FORCE, refcnt=-1) for r in self._disabled.values()]
        return [self._value(name) for name in self._table] + disabled

    def _value(self, name: str) -> ModuleStat:
        record = self._table[name]
        return record.stat._replace(flags=record.flags, refcnt=len(self._users(name)))

    def _users(self, name: str) -> list[str]:
        """The modules that hold a reference on one."""
        return [user for user, record in self._table.items() if name in record.stat.requires]

    # -- LOAD

    def _modctl_load(self, ctx: Context, load: ModctlLoad | None) -> Coroutine[Any, Any, list[ModuleStat]]:
        if load is None:
            raise KernelError(Errno.EINVAL, "MODCTL_LOAD without a module")
        if load.flags & ~(const.MODCTL_LOAD_FORCE | const.MODCTL_NO_PROP):
            raise KernelError(Errno.EINVAL, f"flags {load.flags:#x} of MODCTL_LOAD")
        if sum(len(key) + len(value) for key, value in load.props.items()) > MAX_PROPS:
            raise KernelError(Errno.ENOMEM, f"properties of more than {MAX_PROPS} bytes")
        if ctx.pid == 0:
            self._may_autoload(load.filename)
        wanted = Wanted(ctx, load.flags, dict(load.props), "filesys")
        if "/" in load.filename:
            return self._nothing(self._load_file(wanted, load.filename))
        return self._nothing(self._locked(self._load(wanted, [(load.filename, b"")])))

    def _may_autoload(self, name: str) -> None:
        """A load that the kernel itself asks for. EPERM."""
        if not self.settings.autoload:
            raise KernelError(Errno.EPERM, f"module {name}: kern.module.autoload is off")
        if set(name) & set("/.@"):
            raise KernelError(Errno.EPERM, f"module {name}: not a name for autoload")

    async def _load_file(self, wanted: Wanted, path: str) -> None:
        """A wheel in the kernel's own file system, with its signature beside it. EOPNOTSUPP without vfs."""
        if len(path) >= const.PATH_MAX:
            raise KernelError(Errno.ENAMETOOLONG, f"a path of {len(path)} characters")
        try:
            vfs = self._bus.peer("vfs")
        except KernelError as error:
            raise KernelError(Errno.EOPNOTSUPP, f"{path}: no files, as the vfs faction is not running") from error
        wheel = await read_signed(vfs, wanted.ctx, path, self._keys)
        await self._merge(vfs, wanted, path)
        await self._load_wheel(wanted, wheel)

    async def _merge(self, vfs: Peer, wanted: Wanted, path: str) -> None:
        """Adds the properties beside a file to those given, which count more. EINVAL, EFBIG, ENOMEM, EPERM."""
        if wanted.flags & const.MODCTL_NO_PROP:
            return
        beside = path.removesuffix(".whl") + ".plist"
        try:
            data = await read_file(vfs, wanted.ctx, beside, MAX_PLIST)
        except KernelError as error:
            if error.errno == Errno.ENOENT:
                return
            raise
        found = parse(beside, data)
        if wanted.ctx.pid == 0 and found.pop(NOAUTOLOAD, "false") not in ("false", "0"):
            raise KernelError(Errno.EPERM, f"{beside}: the module is not to be loaded on demand")
        wanted.props = {**found, **wanted.props}
        if sum(len(key) + len(value) for key, value in wanted.props.items()) > MAX_MERGED:
            raise KernelError(Errno.ENOMEM, f"properties of more than {MAX_MERGED} bytes")

    async def _in_path(self, wanted: Wanted, name: str) -> bytes:
        """The wheel NAME/NAME.whl below kern.module.path, none when there is none. EAUTH and its kin."""
        if not self.settings.path:
            return b""
        path = f"{self.settings.path}/{name}/{name}.whl"
        try:
            vfs = self._bus.peer("vfs")
            wheel = await read_signed(vfs, wanted.ctx, path, self._keys)
        except KernelError as error:
            if error.errno in (Errno.ENOENT, Errno.ENOTDIR, Errno.ENOSYS):
                return b""
            raise
        await self._merge(vfs, wanted, path)
        return wheel

    async def _load_wheel(self, wanted: Wanted, wheel: bytes) -> ModuleStat:
        faction, name, _ = wheel_module(wheel)
        if faction not in FACTIONS:
            text = f"module {name} is for the faction {faction!r}, of {GROUP}{faction}; there are {', '.join(FACTIONS)}"
            raise KernelError(Errno.EINVAL, text)
        await self._locked(self._load(wanted, [(name, wheel)]))
        return self._value(name)

    async def _load(self, wanted: Wanted, modules: Sequence[tuple[str, bytes]]) -> None:
        """Loads modules, all or none."""
        await self._learn()
        try:
            for name, wheel in modules:
                if name in self._table:
                    if wanted.ctx.pid:  # now somebody has asked for it
                        self._table[name].flags &= ~const.MODFLG_AUTO_LOADED
                    raise KernelError(Errno.EEXIST, f"module {name} is loaded already")
                await self._load_one(wanted, name, wheel, ())
        except BaseException:
            for name in reversed(wanted.done):
                await self._undo(name)
            raise

    async def _load_one(self, wanted: Wanted, name: str, wheel: bytes, above: tuple[str, ...]) -> None:
        """One module after those it requires; ``above`` are the ones that wait for it."""
        _check_name(name)
        if name in above:
            raise KernelError(Errno.EDEADLK, f"modules require one another: {' -> '.join((*above, name))}")
        if len(above) >= MAX_DEPTH:
            raise KernelError(Errno.EMLINK, f"more than {MAX_DEPTH} modules require one another: {' -> '.join(above)}")
        if name in self._disabled and not wanted.flags & const.MODCTL_LOAD_FORCE:
            raise KernelError(Errno.EPERM, f"builtin module {name} was disabled; MODCTL_LOAD_FORCE loads it again")
        stat = await self._described(wanted, name, wheel)
        if name in self._table:
            return  # the faction that was started for it brought it along
        if stat.name != name:
            raise KernelError(Errno.ENOENT, f"the module calls itself {stat.name}, not {name}")
        try:
            await self._load_required(wanted, stat, (*above, name))
            stat = await self._call(stat.faction, calls.MODULE_LOAD, name, {} if above else wanted.props)
        except BaseException:
            await self._end(stat)
            raise
        self._enter(wanted, stat, required=bool(above))

    async def _described(self, wanted: Wanted, name: str, wheel: bytes) -> ModuleStat:
        try:
            return await self._describe(name, wheel)
        except KernelError as error:
            if error.errno != Errno.ENOENT or wheel:
                raise
            if found := await self._in_path(wanted, name):
                return await self._describe(name, found)
            raise

    async def _load_required(self, wanted: Wanted, stat: ModuleStat, chain: tuple[str, ...]) -> None:
        """What a module requires and is not there yet. EINVAL for a malformed list."""
        names = stat.requires
        if len(names) > MAX_REQUIRED or not all(0 < len(name) <= const.MAXMODNAME for name in names):
            raise KernelError(
                Errno.EINVAL, f"module {stat.name} has a bad list of requirements (at most {MAX_REQUIRED})"
            )
        for name in names:
            if name in self._table:
                continue
            try:
                await self._load_one(wanted, name, b"", chain)
            except KernelError as error:
                if error.errno != Errno.ENOENT:
                    raise
                raise KernelError(Errno.ENOENT, f"module {stat.name} requires {name}: {error.text}") from error

    def _enter(self, wanted: Wanted, stat: ModuleStat, *, required: bool) -> None:
        auto = required or wanted.ctx.pid == 0
        record = self._disabled.pop(stat.name, None)
        if record is None:
            record = Record(stat._replace(source="filesys" if required else wanted.source))
        record.flags = const.MODFLG_AUTO_LOADED if auto else 0
        self._table[stat.name] = record
        self._expire(stat.name, record)
        self._tell(f"module {stat.name} loaded" + " on demand" * auto)
        self.changed()
        wanted.done.append(stat.name)

    # -- UNLOAD

    async def _unload_one(self, name: str) -> None:
        _check_name(name)
        await self._locked(self._unload(name))

    async def _unload(self, name: str, *, auto: bool = False) -> None:
        await self._learn()
        record = self._table.get(name)
        if record is None:
            raise KernelError(Errno.ENOENT, f"module {name} is not loaded")
        if users := self._users(name):
            raise KernelError(Errno.EBUSY, f"module {name} is required by {', '.join(users)}")
        await self._call(record.stat.faction, calls.MODULE_UNLOAD, name, auto)
        del self._table[name]
        self._tell(f"module {name} unloaded" + " for want of use" * auto)
        if record.brought:
            self._disabled[name] = record
        self.changed()

    def _expire(self, name: str, record: Record) -> None:
        """A module that was loaded on demand is looked after once kern.module.autotime has passed."""
        if record.flags & const.MODFLG_AUTO_LOADED and self.settings.autotime > 0:
            due = self._host.monotonic_ns() + self.settings.autotime * SECOND

            def over() -> None:
                expiring: Any = self._expired(name, record)
                start(expiring)

            self._host.call_at(due, over)

    async def _expired(self, name: str, record: Record) -> None:
        """Unloads it, unless it is in use: then it is looked after again."""
        if self._table.get(name) is not record or not record.flags & const.MODFLG_AUTO_LOADED:
            return
        try:
            await self._locked(self._unload(name, auto=True))
        except KernelError:
            if self._table.get(name) is record:
                self._expire(name, record)

    def _tell(self, what: str) -> None:
        if self.settings.verbose:
            log.info("%s", what)

    async def _undo(self, name: str) -> None:
        """Takes back a load whose requirer failed; what does not want to go stays."""
        if await self._end(self._table[name].stat):
            del self._table[name]
            self.changed()

    async def _end(self, stat: ModuleStat) -> bool:
        """Has a faction end, or forget, a module that is not wanted after all: whether it did."""
        try:
            await self._call(stat.faction, calls.MODULE_UNLOAD, stat.name, False)
        except KernelError:
            return False
        return True

    # -- factions

    async def _learn(self) -> None:
        """Takes over what the factions brought with them, and drops what went with a faction that ended."""
        for faction in FACTIONS:
            running = {stat.name: stat for stat in await self._running(faction)}
            for name in [n for n, r in self._table.items() if r.stat.faction == faction and n not in running]:
                del self._table[name]
            for name in [n for n in running if n not in self._table]:
                self._disabled.pop(name, None)
                self._table[name] = Record(running[name]._replace(source="builtin"), brought=True)

    async def _running(self, faction: str) -> list[ModuleStat]:
        if faction == self._own.name:
            return self._own.loader.active()
        try:
            stats: list[ModuleStat] = await value_of(self._bus.peer(faction).call(KERNEL, calls.MODULE_LIST, ()))
        except KernelError as error:
            if error.errno in ENDED:
                raise
            return []
        return stats

    async def _describe(self, name: str, wheel: bytes) -> ModuleStat:
        """The manifest, from the faction that the module is for, which is started if need be."""
        faction = wheel_module(wheel)[0] if wheel else self._find_installed(name)
        if faction is not None:
            await self._ensure(faction)
            stat: ModuleStat = await self._call(faction, calls.MODULE_DESCRIBE, name, wheel)
            return stat
        for other in FACTIONS:
            try:
                stat = await self._call(other, calls.MODULE_DESCRIBE, name, b"")
            except KernelError as error:
                if error.errno not in (Errno.ENOENT, Errno.ENOSYS):
                    raise
            else:
                return stat
        raise KernelError(Errno.ENOENT, f"no module {name} is installed")

    async def _ensure(self, faction: str) -> None:
        """Has the gateway start a faction that is not running."""
        if self._runs(faction):
            return None
        gateway = self._bus.peer("gateway")
        await value_of(gateway.call(KERNEL, calls.FACTION_START, (faction,)))
        for _ in range(APPEAR_STEPS):
            if self._runs(faction):
                return await self._learn()
            await Channel(self._host).wait(self._host.monotonic_ns() + APPEAR_STEP_NS)
        raise KernelError(Errno.ENOSYS, f"the {faction} faction was started and does not answer")

    def _runs(self, faction: str) -> bool:
        try:
            return faction == self._own.name or bool(self._bus.peer(faction))
        except KernelError:
            return False

    async def _call(self, faction: str, op: Op, *args: Any) -> Any:
        peer = self._own if faction == self._own.name else self._bus.peer(faction)
        return await value_of(peer.call(KERNEL, op, args))

    # -- one at a time

    async def _locked(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            while self._busy:
                await self._freed.wait()
        except BaseException:
            work.close()
            raise
        self._busy = True
        try:
            await work
        finally:
            self._busy = False
            self._freed.wake()

    @staticmethod
    async def _nothing(work: Coroutine[Any, Any, None]) -> list[ModuleStat]:
        await work
        return []


def _check_name(name: str) -> None:
    """ENOENT for an empty name, ENAMETOOLONG."""
    if not name:
        raise KernelError(Errno.ENOENT, "empty module name")
    if len(name) > const.MAXMODNAME:
        raise KernelError(Errno.ENAMETOOLONG, f"a module name has at most {const.MAXMODNAME} characters: {name[:64]}")
