"""The module table: requirements, references, undoing, builtin modules, factions that are started, signed wheels."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from rumpkern.core import signature
from rumpkern.core.modules import MAX_REQUIRED
from rumpuser import signing
from rumpuser.component import Context, Entry, Parameters
from rumpuser.module import Manifest
from rumpuser.pending import Pending, Running
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import ModctlLoad, ModuleStat
from tests.unit.kern.kernel import Faction, Kern, fails

LOAD, UNLOAD, STAT, EXISTS = const.MODCTL_LOAD, const.MODCTL_UNLOAD, const.MODCTL_STAT, const.MODCTL_EXISTS
FORCE = const.MODCTL_LOAD_FORCE
KEY = bytes(range(32))
PUBLIC = signing.public_key(KEY)


class Modular(Faction):
    """A faction that knows some modules, and notes in which order it starts and ends them."""

    def __init__(self, name: str, *manifests: Manifest, active: tuple[str, ...] = (), log: list[str]) -> None:
        super().__init__(name)
        self.known = {m.name: m for m in manifests}
        self.running = list(active)
        self.log = log
        self.failing: dict[str, Errno] = {}
        self.busy: set[str] = set()
        self.staying: set[str] = set()
        self.waits: Pending[None] | None = None
        self.table |= {
            "module_describe": Entry(self.describe),
            "module_load": Entry(self.load),
            "module_unload": Entry(self.unload),
            "module_list": Entry(lambda ctx: [self.stat(name) for name in self.running]),
        }

    def stat(self, name: str) -> ModuleStat:
        m = self.known[name]
        return ModuleStat(m.name, m.class_name, "builtin", requires=list(m.requires), faction=self.name, version="1")

    def describe(self, ctx: Context, name: str, wheel: bytes) -> ModuleStat:
        if name not in self.known:
            raise KernelError(Errno.ENOENT, f"no module {name}")
        return self.stat(name)

    async def load(self, ctx: Context, name: str, props: dict[str, str]) -> ModuleStat:
        if self.waits is not None:
            await self.waits
        if name in self.failing:
            raise KernelError(self.failing[name])
        self.running.append(name)
        self.log.append(f"+{name}" + "".join(f" {k}={v}" for k, v in props.items()))
        return self.stat(name)

    def unload(self, ctx: Context, name: str, auto: bool) -> None:
        if name in self.busy or (auto and name in self.staying):
            raise KernelError(Errno.EBUSY)
        if name not in self.running:
            raise KernelError(Errno.ENOENT)
        self.running.remove(name)
        self.log.append(f"-{name}")


def manifest(name: str, *requires: str) -> Manifest:
    return Manifest(name, "misc", "vfs", requires=requires)


class ModularKern(Kern):
    """kern with a vfs of modules and a gateway that can start net."""

    def __init__(self, *manifests: Manifest) -> None:
        super().__init__(Parameters(module_keys=(PUBLIC,)))
        self.log: list[str] = []
        builtin = manifest("tmpfs")
        self.vfs = Modular("vfs", builtin, *manifests, active=("tmpfs",), log=self.log)
        self.net = Modular("net", manifest("netinet"), manifest("tap"), active=("netinet",), log=self.log)
        self.peers["vfs"] = self.vfs
        self.peers["gateway"] = Faction("gateway", faction_start=self.faction_start)
        self.files: dict[bytes, bytes] = {}
        self.vfs.table["file_read"] = Entry(self.file_read)
        self.component.modules._find_installed = self.find_installed

    def find_installed(self, name: str) -> str | None:
        return next((f.name for f in (self.vfs, self.net) if name in f.known), None)

    def faction_start(self, ctx: Context, faction: str) -> None:
        self.log.append(f"start {faction}")
        self.host.call_at(self.host.monotonic_ns() + 50_000_000, lambda: self.peers.update(net=self.net))

    def file_read(self, ctx: Context, path: bytes, offset: int, length: int) -> tuple[bytes, int]:
        if path not in self.files:
            raise KernelError(Errno.ENOENT, f"no file {path!r}")
        data = self.files[path]
        return data[offset : offset + min(length, 1000)], len(data)

    def load(self, name: str, flags: int = 0, pid: int = 1, **props: str) -> Any:
        return done(self.call(pid, "modctl", LOAD, ModctlLoad(name, flags, props), None, None))

    def unload(self, name: str, pid: int = 1) -> Any:
        return done(self.call(pid, "modctl", UNLOAD, None, name, None))

    def upload(self, wheel: bytes, pid: int = 1, **changes: bytes) -> Any:
        signed = signing.sign(KEY, wheel)._replace(**changes)
        return done(self.call(pid, "module_upload", "x.whl", *signed, wheel))

    def stats(self) -> dict[str, ModuleStat]:
        return {stat.name: stat for stat in done(self.call(1, "modctl", STAT, None, None, None))}


def done(call: Any) -> Any:
    if isinstance(call, Running):
        assert call.outcome.done
        return call.outcome.result()
    return call


def wheel(name: str, faction: str = "vfs") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x-1.dist-info/entry_points.txt", f"[rump.modules.{faction}]\n{name} = x:MODULE\n")
    return file.getvalue()


# -- requirements and references


def test_requirements_are_loaded_first_and_held() -> None:
    k = ModularKern(manifest("a", "b", "tmpfs"), manifest("b", "c"), manifest("c"))
    k.load("a", size="5")
    assert k.log == ["+c", "+b", "+a size=5"]
    stats = k.stats()
    assert list(stats) == ["tmpfs", "c", "b", "a"]
    assert {name: stat.refcnt for name, stat in stats.items()} == {"tmpfs": 1, "c": 1, "b": 1, "a": 0}
    auto = const.MODFLG_AUTO_LOADED
    assert {name: stat.flags for name, stat in stats.items()} == {"tmpfs": 0, "c": auto, "b": auto, "a": 0}
    assert (stats["tmpfs"].source, stats["a"].source, stats["a"].faction) == ("builtin", "filesys", "vfs")
    for name in ("tmpfs", "c", "b"):
        assert fails(k.unload, name) == "EBUSY"
    for name in ("a", "b", "c"):
        k.unload(name)
    assert list(k.stats()) == ["tmpfs"]


def test_what_is_there_cannot_be_loaded_again() -> None:
    k = ModularKern(manifest("a"))
    k.load("a")
    assert fails(k.load, "a") == "EEXIST"
    assert fails(k.load, "tmpfs") == "EEXIST"
    assert fails(k.call, 1, "module_init", ["a"]) == "EEXIST"


@pytest.mark.parametrize(
    ("manifests", "errno"),
    [
        ([], "ENOENT"),
        ([manifest("a", "b")], "ENOENT"),
        ([manifest("a", "a")], "EDEADLK"),
        ([manifest("a", "b"), manifest("b", "c"), manifest("c", "b")], "EDEADLK"),
        ([manifest("a", "b"), manifest("b", "x" * 32)], "EINVAL"),
        ([manifest("a", "")], "EINVAL"),
        ([manifest("a", *(f"r{i}" for i in range(MAX_REQUIRED + 1)))], "EINVAL"),
        ([manifest("a", "m0"), *(manifest(f"m{i}", f"m{i + 1}") for i in range(6))], "EMLINK"),
    ],
)
def test_requirements_that_cannot_be_met(manifests: list[Manifest], errno: str) -> None:
    k = ModularKern(*manifests)
    assert fails(k.load, "a") == errno
    assert list(k.stats()) == ["tmpfs"]


def test_six_on_a_chain_are_possible() -> None:
    k = ModularKern(*(manifest(f"m{i}", f"m{i + 1}") for i in range(5)), manifest("m5"))
    k.load("m0")
    assert len(k.stats()) == 7


def test_a_failure_takes_back_what_was_loaded_for_it() -> None:
    k = ModularKern(manifest("a", "b", "c"), manifest("b"), manifest("c"))
    k.vfs.failing["a"] = Errno.EIO
    assert fails(k.load, "a") == "EIO"
    assert k.log == ["+b", "+c", "-c", "-b"]
    assert list(k.stats()) == ["tmpfs"]
    k.vfs.failing.clear()
    k.load("a")


def test_module_init_is_all_or_none() -> None:
    k = ModularKern(manifest("a"), manifest("b"))
    k.vfs.failing["b"] = Errno.EIO
    assert fails(k.call, 1, "module_init", ["a", "b"]) == "EIO"
    assert k.log == ["+a", "-a"]
    k.vfs.failing.clear()
    done(k.call(1, "module_init", ["a", "b"]))
    assert k.stats()["a"].source == "builtin"
    done(k.call(1, "module_fini", "a"))
    done(k.call(1, "module_init", ["a"]))


# -- arguments and rights


@pytest.mark.parametrize(
    ("name", "errno"), [("", "ENOENT"), ("x" * 32, "ENAMETOOLONG"), ("/" * 1024, "ENAMETOOLONG"), ("nope", "ENOENT")]
)
def test_names(name: str, errno: str) -> None:
    assert fails(ModularKern().load, name) == errno


def test_unloading_what_is_not_there() -> None:
    k = ModularKern(manifest("a"))
    assert fails(k.unload, "a") == "ENOENT"
    assert fails(k.unload, "") == "ENOENT"
    assert fails(k.unload, "x" * 32) == "ENAMETOOLONG"


def test_a_module_in_use_stays() -> None:
    k = ModularKern(manifest("a"))
    k.load("a")
    k.vfs.busy.add("a")
    assert fails(k.unload, "a") == "EBUSY"
    assert "a" in k.stats()


def test_modctl_arguments() -> None:
    k = ModularKern()
    assert fails(k.call, 1, "modctl", 9, None, None, None) == "EINVAL"
    assert fails(k.call, 1, "modctl", LOAD, None, None, None) == "EINVAL"
    assert fails(k.load, "a", 0x80) == "EINVAL"
    assert fails(lambda: k.load("a", props="x" * 5000)) == "ENOMEM"


def test_all_but_stat_is_for_root() -> None:
    k = ModularKern(manifest("a"))
    user = k.user()
    assert done(k.call(user, "modctl", STAT, None, None, None))
    assert fails(k.load, "a", 0, user) == "EPERM"
    assert fails(k.unload, "tmpfs", user) == "EPERM"
    assert fails(k.call, user, "modctl", EXISTS, None, None, False) == "EPERM"
    assert fails(k.call, user, "module_init", ["a"]) == "EPERM"
    assert fails(k.call, user, "module_fini", "tmpfs") == "EPERM"
    assert fails(k.upload, wheel("a"), user) == "EPERM"


def test_autoload_can_be_switched_off() -> None:
    k = ModularKern(manifest("a"))
    assert k.call(1, "modctl", EXISTS, None, None, True) == []
    k.component.modules.settings.autoload = False
    assert fails(k.call, 1, "modctl", EXISTS, None, None, True) == "EPERM"
    assert k.call(1, "modctl", EXISTS, None, None, False) == []
    assert fails(k.load, "a", 0, 0) == "EPERM"
    k.component.modules.settings.autoload = True
    assert fails(k.load, "a.b", 0, 0) == "EPERM"
    k.load("a", pid=0)
    assert k.stats()["a"].flags == const.MODFLG_AUTO_LOADED


# -- unloaded for want of use


def after(k: ModularKern, seconds: float) -> None:
    k.host.advance(seconds)


def test_what_was_loaded_on_demand_goes_when_nobody_uses_it() -> None:
    k = ModularKern(manifest("a", "b"), manifest("b"), manifest("c"))
    k.load("a", pid=0)
    k.load("c")
    after(k, 9)
    assert {"a", "b", "c"} <= set(k.stats())
    after(k, 1)
    assert k.log == ["+b", "+a", "+c", "-a"]
    after(k, 10)
    assert k.log[4:] == ["-b"]
    assert "c" in k.stats()


def test_who_is_in_use_is_asked_again_later() -> None:
    k = ModularKern(manifest("a"), manifest("b"))
    k.vfs.busy.add("a")
    k.vfs.staying.add("b")
    k.load("a", pid=0)
    k.load("b", pid=0)
    after(k, 15)
    k.vfs.busy.clear()
    assert {"a", "b"} <= set(k.stats())
    after(k, 10)
    assert "a" not in k.stats()
    after(k, 100)
    assert "b" in k.stats()
    k.unload("b")


def test_who_is_asked_for_by_name_stays() -> None:
    k = ModularKern(manifest("a"))
    k.load("a", pid=0)
    assert fails(k.load, "a") == "EEXIST"
    after(k, 100)
    assert k.stats()["a"].flags == 0


def test_autotime_0_is_never() -> None:
    k = ModularKern(manifest("a"))
    k.component.modules.settings.autotime = 0
    k.load("a", pid=0)
    after(k, 1000)
    assert "a" in k.stats()


# -- builtin modules, factions that come and go


def test_a_builtin_module_that_was_unloaded_is_disabled() -> None:
    k = ModularKern(manifest("a", "tmpfs"))
    k.unload("tmpfs")
    assert (k.stats()["tmpfs"].refcnt, k.stats()["tmpfs"].flags) == (-1, const.MODFLG_MUST_FORCE)
    assert fails(k.load, "tmpfs") == "EPERM"
    assert fails(k.load, "a") == "EPERM"
    k.load("tmpfs", FORCE)
    assert (k.stats()["tmpfs"].refcnt, k.stats()["tmpfs"].source) == (0, "builtin")


def test_an_installed_module_can_be_loaded_again() -> None:
    k = ModularKern(manifest("a"))
    for _ in range(2):
        k.load("a")
        k.unload("a")


def test_a_faction_that_is_not_running_is_started() -> None:
    k = ModularKern(manifest("a", "tap"))
    call = k.call(1, "modctl", LOAD, ModctlLoad("a"), None, None)
    k.host.advance(1)
    assert done(call) == []
    assert k.log == ["start net", "+tap", "+a"]
    assert set(k.stats()) == {"tmpfs", "netinet", "tap", "a"}


def test_a_module_that_its_faction_brings_along_needs_no_load() -> None:
    k = ModularKern()
    call = k.call(1, "modctl", LOAD, ModctlLoad("netinet"), None, None)
    k.host.advance(1)
    assert done(call) == []
    assert k.log == ["start net"]


def test_a_faction_that_never_appears() -> None:
    k = ModularKern()
    k.peers["gateway"] = Faction("gateway", faction_start=lambda ctx, faction: None)
    call = k.call(1, "modctl", LOAD, ModctlLoad("tap"), None, None)
    k.host.advance(60)
    assert fails(lambda: done(call)) == "ENOSYS"


def test_modules_of_a_faction_that_ended_are_gone() -> None:
    k = ModularKern(manifest("a", "tmpfs"))
    k.load("a")
    del k.peers["vfs"]
    assert k.stats() == {}
    k.vfs.running = ["tmpfs"]
    k.peers["vfs"] = k.vfs
    assert k.stats()["tmpfs"].refcnt == 0


def test_one_load_at_a_time() -> None:
    k = ModularKern(manifest("a", "c"), manifest("b", "c"), manifest("c"))
    k.vfs.waits = Pending()
    calls = [k.call(1, "modctl", LOAD, ModctlLoad(name), None, None) for name in ("a", "b", "b")]
    interrupted = k.call(1, "modctl", LOAD, ModctlLoad("c"), None, None)
    interrupted.cancel()
    k.vfs.waits.resolve(None)
    assert [done(call) for call in calls[:2]] == [[], []]
    assert fails(lambda: done(calls[2])) == "EEXIST"
    assert fails(lambda: done(interrupted)) == "EINTR"
    assert k.log == ["+c", "+a", "+b"]


def test_an_interrupted_load_is_undone_and_lets_the_next_one_go() -> None:
    k = ModularKern(manifest("a"))
    k.vfs.waits = Pending()
    call = k.call(1, "modctl", LOAD, ModctlLoad("a"), None, None)
    call.cancel()
    assert fails(lambda: done(call)) == "EINTR"
    k.vfs.waits = None
    k.load("a")


# -- signed wheels


def test_upload() -> None:
    k = ModularKern(manifest("a", "b"), manifest("b"))
    stat = k.upload(wheel("a"))
    assert (stat.name, stat.source, stat.faction, stat.requires) == ("a", "upload", "vfs", ["b"])
    assert fails(k.upload, wheel("a")) == "EEXIST"
    assert fails(k.unload, "b") == "EBUSY"
    k.unload("a")


def test_uploads_that_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    k = ModularKern(manifest("a"), manifest("needy", "nothing"))
    good = signing.sign(KEY, wheel("a"))
    stranger = signing.sign(bytes(32), wheel("a"))
    assert fails(lambda: k.upload(wheel("a"), sha256=bytes(32))) == "EBADMSG"
    assert fails(lambda: k.upload(wheel("a"), sha256=b"")) == "EBADMSG"
    assert fails(lambda: k.upload(wheel("a"), signature=bytes(64))) == "EAUTH"
    assert fails(lambda: k.upload(wheel("a"), signature=b"")) == "EAUTH"
    assert fails(lambda: k.upload(wheel("a"), **stranger._asdict())) == "EAUTH"
    assert fails(lambda: k.upload(wheel("a"), public_key=b"")) == "EAUTH"
    assert fails(lambda: k.upload(wheel("a") + b" ", **good._asdict())) == "EBADMSG"
    assert fails(k.upload, b"no wheel") == "ENOEXEC"
    assert fails(k.upload, wheel("a", "gateway")) == "EINVAL"
    assert fails(k.upload, wheel("needy")) == "ENOENT"
    monkeypatch.setattr(signature, "MAX_WHEEL", 10)
    assert fails(k.upload, wheel("a")) == "EFBIG"
    assert list(k.stats()) == ["tmpfs"]


def test_a_kernel_that_trusts_nobody_takes_no_upload() -> None:
    with pytest.raises(KernelError, match="RUMP_MODULE_KEYS"):
        signing.verify(b"", signing.sign(KEY, b""), ())


def test_a_wheel_in_a_file() -> None:
    k = ModularKern(manifest("a"))
    data = wheel_with_ballast("a")
    k.files = {b"/m/a.whl": data, b"/m/a.whl.sig": signing.sign(KEY, data).emit()}
    k.load("/m/a.whl", size="7")
    assert k.log == ["+a size=7"]
    assert k.stats()["a"].source == "filesys"


def wheel_with_ballast(name: str) -> bytes:
    file = io.BytesIO(wheel(name))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("ballast", bytes(5000))
    return file.getvalue()


def test_files_that_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    k = ModularKern(manifest("a"))
    data = wheel("a")
    assert fails(k.load, "/m/a.whl") == "ENOENT"
    k.files[b"/m/a.whl"] = data
    assert fails(k.load, "/m/a.whl") == "EAUTH"
    assert fails(k.load, "/m/a.whl", FORCE) == "EAUTH"
    for junk in (b"", b"[]", b"{}", b'{"sha256": 5}', b"\xff", b"[" * 4000):
        k.files[b"/m/a.whl.sig"] = junk
        assert fails(k.load, "/m/a.whl") == "EBADMSG"
    k.files[b"/m/a.whl.sig"] = bytes(5000)
    assert fails(k.load, "/m/a.whl") == "EFBIG"
    k.files[b"/m/a.whl.sig"] = signing.sign(bytes(32), data).emit()
    assert fails(k.load, "/m/a.whl") == "EAUTH"
    monkeypatch.setattr(signature, "MAX_WHEEL", 10)
    assert fails(k.load, "/m/a.whl") == "EFBIG"
    del k.peers["vfs"]
    assert fails(k.load, "/m/a.whl") == "EOPNOTSUPP"


PLIST = b"""<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>flag</key><true/><key>size</key><integer>12</integer><key>text</key><string>a b</string>%s
</dict></plist>"""


def signed_file(k: ModularKern, path: bytes, name: str) -> None:
    data = wheel(name)
    k.files |= {path: data, path + b".sig": signing.sign(KEY, data).emit()}


def test_properties_beside_the_file() -> None:
    k = ModularKern(manifest("a"))
    signed_file(k, b"/m/a.whl", "a")
    k.files[b"/m/a.plist"] = PLIST % b""
    k.load("/m/a.whl", size="7")
    k.unload("a")
    k.load("/m/a.whl", const.MODCTL_NO_PROP, x="1")
    assert k.log == ["+a flag=true size=7 text=a b", "-a", "+a x=1"]


def test_properties_that_are_refused() -> None:
    k = ModularKern(manifest("a"))
    signed_file(k, b"/m/a.whl", "a")
    for junk in (b"", b"text", b"<plist/>", b"<plist><array/></plist>", PLIST % b"<key>x</key><real>1.5</real>"):
        k.files[b"/m/a.plist"] = junk
        assert fails(k.load, "/m/a.whl") == "EINVAL"
    k.files[b"/m/a.plist"] = PLIST % bytes(9000)
    assert fails(k.load, "/m/a.whl") == "EFBIG"
    k.files[b"/m/a.plist"] = PLIST % (b"<key>x</key><string>" + b"y" * 6000 + b"</string>")
    assert fails(lambda: k.load("/m/a.whl", z="z" * 3000)) == "ENOMEM"
    assert fails(lambda: k.load("/m/a.whl", z="z" * 5000)) == "ENOMEM"


def test_modules_below_the_path_of_the_kernel() -> None:
    k = ModularKern()
    assert fails(k.load, "a") == "ENOENT"
    k.vfs.known["a"] = manifest("a")
    described = k.vfs.describe

    def only_with_wheel(ctx: Context, name: str, wheel: bytes) -> ModuleStat:
        if name == "a" and not wheel:
            raise KernelError(Errno.ENOENT, "not installed")
        return described(ctx, name, wheel)

    k.vfs.table["module_describe"] = Entry(only_with_wheel)
    k.component.modules.settings.path = "/stand/modules"
    assert fails(k.load, "a") == "ENOENT"
    signed_file(k, b"/stand/modules/a/a.whl", "a")
    k.load("a", pid=0)
    assert k.stats()["a"].source == "filesys"
    k.unload("a")
    k.files[b"/stand/modules/a/a.plist"] = PLIST % b"<key>noautoload</key><true/>"
    assert fails(k.load, "a", 0, 0) == "EPERM"
    k.load("a")
    assert k.log[-1] == "+a flag=true size=12 text=a b noautoload=true"
    k.unload("a")
    k.files[b"/stand/modules/a/a.whl.sig"] = signing.sign(bytes(32), wheel("a")).emit()
    assert fails(k.load, "a") == "EAUTH"


def test_the_list_for_the_bus() -> None:
    """module_list of the bus is the whole table, as modctl gives it."""
    k = ModularKern()
    assert [stat.name for stat in done(k.call(0, "module_list"))] == ["tmpfs"]
