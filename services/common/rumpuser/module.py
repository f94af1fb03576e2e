"""Kernel modules: what they are, where they come from, and how a component takes them in (module(9)).

A module is a Python package that names itself in the entry point group ``rump.modules.<faction>``; the entry point
leads to a `Module`. It is installed (with the product or by pip), or comes as a wheel that was uploaded or read from a
file of the kernel. kern keeps the table of modules and decides; the component of the faction only describes, starts
and ends what it is told to.
"""

from __future__ import annotations

import importlib
import io
import logging
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rumpuser.records import NoRecords, Records
from rumpwire.errno import Errno, KernelError
from rumpwire.values import ModuleStat

if TYPE_CHECKING:
    import tempfile

# Imported where they are used, which at boot is nowhere: configparser, importlib.metadata, tempfile, zipfile.

log = logging.getLogger(__name__)

GROUP = "rump.modules."
ABI = 1
"""Version of the contract between kernel and modules; another one is EPROGMISMATCH."""
MAX_UNPACKED = 64 << 20
"""A wheel that unpacks to more is refused (EFBIG): modules are code, not data."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a module says of itself. ``class_name`` is that of module(9): vfs, driver, exec, secmodel, misc."""

    name: str
    class_name: str
    faction: str
    version: str = "1"
    requires: tuple[str, ...] = ()
    abi: int = ABI


class Module:
    """Base of all modules."""

    manifest: Manifest

    def init(self, component: Any, props: dict[str, str]) -> None:
        """Registers what the module offers with the component of its faction. Undone by `fini`."""
        raise NotImplementedError

    def fini(self, component: Any) -> None:
        """Takes everything back. EBUSY while somebody uses it; then nothing has changed."""
        raise NotImplementedError

    def autounload(self) -> bool:
        """Whether it may go when nobody asked for it for a while."""
        return True


@dataclass(slots=True)
class Loader:
    """The modules of one component: found, described, started, ended."""

    faction: str
    found: dict[str, Found] = field(default_factory=dict)
    records: Records = field(default_factory=NoRecords)

    def describe(self, name: str, wheel: bytes) -> ModuleStat:
        """The manifest of an installed module, or of one in a wheel. ENOENT, ENOEXEC, EINVAL, EFBIG, EPROGMISMATCH."""
        found = self.found.get(name) if name and not wheel else None
        if found is None:
            self._forget_unused()
            found = Found.in_wheel(self.faction, wheel) if wheel else Found.installed(self.faction, name)
            found.check(self.faction, name)
            known = self.found.get(found.module.manifest.name)
            if known is not None and known.active:
                found.forget()
                raise KernelError(Errno.EEXIST, f"module {found.module.manifest.name} is loaded")
            self.found[found.module.manifest.name] = found
        return found.stat()

    def close(self) -> None:
        """Removes what uploaded modules have on the host, at the end of the kernel."""
        for found in self.found.values():
            found.forget()
        self.found.clear()

    def _forget_unused(self) -> None:
        """Lets go of modules that were described but, since something else was wrong, never started."""
        for name, found in list(self.found.items()):
            if not found.active:
                found.forget()
                del self.found[name]

    def active(self) -> list[ModuleStat]:
        """The modules that run in this component."""
        return [found.stat() for found in self.found.values() if found.active]

    def load(self, component: Any, name: str, props: dict[str, str]) -> ModuleStat:
        """Starts a described module. EEXIST, ENOENT, and what its init raises."""
        if name not in self.found:
            self.describe(name, b"")
        found = self.found[name]
        if found.active:
            raise KernelError(Errno.EEXIST, f"module {name} is loaded")
        found.module.init(component, props)
        found.active = True
        self.records.put("modules", name, (found.wheel, props))
        return found.stat()

    def unload(self, component: Any, name: str, *, auto: bool = False) -> None:
        """Ends a module. ENOENT, EBUSY; that too when nobody asked for it (``auto``) and it would rather stay."""
        found = self.found.get(name)
        if found is None or not found.active:
            raise KernelError(Errno.ENOENT, f"module {name} is not loaded")
        if auto and not found.module.autounload():
            raise KernelError(Errno.EBUSY, f"module {name} is not unloaded for want of use")
        found.module.fini(component)
        found.active = False
        del self.found[name]
        self.records.put("modules", name, None)
        found.forget()

    def restore(self, component: Any) -> None:
        """At a successor: the modules that were loaded, and not those that were unloaded, of what it begins with."""
        for name, value, _ in self.records.items("modules"):
            try:
                if value is not None and (name not in self.found or not self.found[name].active):
                    self.describe(name, value[0])
                    self.load(component, name, value[1])
                elif value is None and name in self.found:
                    self.unload(component, name)
            except KernelError as error:
                log.error("module %s does not come back: %s", name, error)


@dataclass(slots=True)
class Found:
    """A module that has been located and imported."""

    module: Module
    source: str
    size: int = 0
    packages: tuple[str, ...] = ()
    folder: tempfile.TemporaryDirectory[str] | None = None
    active: bool = False
    wheel: bytes = field(default=b"", repr=False)

    @classmethod
    def installed(cls, faction: str, name: str) -> Found:
        if not name:
            raise KernelError(Errno.ENOENT, "empty module name")
        import importlib.metadata

        for point in importlib.metadata.entry_points(group=GROUP + faction, name=name):
            module = point.load()
            if not isinstance(module, Module):
                raise KernelError(Errno.ENOEXEC, f"entry point {point.value} is not a module")
            return cls(module, "builtin")
        raise KernelError(Errno.ENOENT, f"no module {name} is installed for {faction}")

    @classmethod
    def in_wheel(cls, faction: str, wheel: bytes) -> Found:
        import tempfile
        import zipfile

        name, target = entry_point(wheel, faction)
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_UNPACKED:
                raise KernelError(Errno.EFBIG, f"module {name} unpacks to more than {MAX_UNPACKED >> 20} MiB")
            folder = tempfile.TemporaryDirectory(prefix="rump-module-")
            archive.extractall(folder.name)
        package, _, attribute = target.partition(":")
        top = package.split(".")[0]
        found = cls(Module(), "upload", len(wheel), (top,), folder, wheel=bytes(wheel))
        if top in sys.modules:
            found.forget()
            raise KernelError(Errno.EEXIST, f"module {name}: a package {top} is loaded already")
        sys.path.insert(0, folder.name)
        importlib.invalidate_caches()
        try:
            module = getattr(importlib.import_module(package), attribute)
        except Exception as error:
            found.forget()
            raise KernelError(Errno.ENOEXEC, f"module {name} cannot be imported: {error!r}") from error
        if not isinstance(module, Module):
            found.forget()
            raise KernelError(Errno.ENOEXEC, f"{target} is not a module")
        found.module = module
        return found

    def check(self, faction: str, name: str) -> None:
        """That the module is what was asked for. ENOENT, EINVAL, EPROGMISMATCH."""
        manifest = self.module.manifest
        try:
            if manifest.abi != ABI:
                raise KernelError(Errno.EPROGMISMATCH, f"module {manifest.name} is for ABI {manifest.abi}, not {ABI}")
            if manifest.faction != faction:
                raise KernelError(Errno.EINVAL, f"module {manifest.name} is for {manifest.faction}, not {faction}")
            if name and manifest.name != name:
                raise KernelError(Errno.ENOENT, f"module calls itself {manifest.name}, not {name}")
        except KernelError:
            self.forget()
            raise

    def stat(self) -> ModuleStat:
        m = self.module.manifest
        return ModuleStat(
            name=m.name,
            class_name=m.class_name,
            source=self.source,
            size=self.size,
            requires=list(m.requires),
            faction=m.faction,
            version=m.version,
        )

    def forget(self) -> None:
        """Takes the code of an uploaded module out of the process."""
        if self.folder is None:
            return
        if self.folder.name in sys.path:
            sys.path.remove(self.folder.name)
        for loaded in [n for n in sys.modules if n.split(".")[0] in self.packages]:
            del sys.modules[loaded]
        self.folder.cleanup()
        self.folder = None


def entry_point(wheel: bytes, faction: str = "") -> tuple[str, str]:
    """Name and ``package:attribute`` of the module in a wheel, without importing it. ENOEXEC, EINVAL.

    With an empty faction the one module of the wheel, whatever its faction.
    """
    point = wheel_module(wheel)
    if faction and point[0] != faction:
        raise KernelError(Errno.EINVAL, f"module {point[1]} is for {point[0]}, not {faction}")
    return point[1], point[2]


def wheel_module(wheel: bytes) -> tuple[str, str, str]:
    """Faction, name and ``package:attribute`` of the module in a wheel, without importing it. ENOEXEC."""
    import configparser
    import zipfile
    from pathlib import PurePosixPath

    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            names = [n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt")]
            parts = [PurePosixPath(name).parts for name in archive.namelist()]
            if len(names) != 1 or any(".." in part or part[:1] == ("/",) for part in parts):
                raise KernelError(Errno.ENOEXEC, "not a wheel with entry points")
            if archive.getinfo(names[0]).file_size > 1 << 16:
                raise KernelError(Errno.ENOEXEC, "entry points of the wheel are too long")
            text = archive.read(names[0]).decode()
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
        parser.read_string(text)
    except (zipfile.BadZipFile, UnicodeDecodeError, configparser.Error, OSError, RuntimeError, EOFError) as error:
        raise KernelError(Errno.ENOEXEC, f"not a wheel: {error}") from error
    points = [(s[len(GROUP) :], n, parser[s][n]) for s in parser.sections() if s.startswith(GROUP) for n in parser[s]]
    if len(points) != 1:
        raise KernelError(Errno.ENOEXEC, f"the wheel holds {len(points)} modules; it must hold one")
    return points[0]
