"""FAT and exFAT through vfs against a model: random operations, mounted anew in between, checked by fsck at the end."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rumpvfs.fs import exfatfs, msdosfs
from rumpvfs.fs.msdosfs import directory as msdos_directory
from rumpwire import const
from rumpwire.errno import KernelError
from rumpwire.values import DiskArgs
from tests import exfat_images
from tests.fat_images import fsck, image
from tests.unit.vfs.kit import Kit, MemoryFiles

STEPS = settings(max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = ["a", "A", "B.TXT", "b.txt", "Mixed.Case", "mixed.case", "long name.text", "Long Name.TEXT", "ünï", "ÜNÏ",
         "longer name 1", "longer name 2", ".hidden", "x" * 60, "many.dots.in.it"]  # fmt: skip
name = st.sampled_from(NAMES)
path = st.lists(name, min_size=1, max_size=3)
data = st.builds(
    lambda byte, length: bytes([byte]) * length, st.integers(1, 255), st.sampled_from([0, 1, 511, 512, 513, 3000])
)
offset = st.sampled_from([0, 1, 500, 512, 2000, 9000])

Tree = dict[str, tuple[str, Any]]


@cache
def empty(bits: int, size: str | None) -> bytes:
    if size is not None:  # so small that it is full soon
        return image(bits, size, "-s", "1", "-f", "1", *(("-r", "16") if bits == 12 else ()))
    if bits == 32:  # as small as the others: what it is does not depend on the number of clusters
        return image(32, "1M", "-s", "1", "-f", "1")
    return image(bits, None, "-s", "1", *(("-r", "32") if bits == 12 else ()))


class RefusedError(Exception):
    """The model says so."""


class Model(RuleBasedStateMachine):
    kind = msdosfs.FILE_SYSTEM
    bits = 12
    size: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.files = MemoryFiles(disk=self.disk())
        self.kit = Kit(self.files)
        self.kit.component.add_filesystem(self.kind)
        self.kit.etfs_register(b"/dev/disk", b"disk", const.RUMP_ETFS_BLK)
        self.kit.mkdir(b"/mnt", 0o755)
        self.top: Tree = {}
        self.open: list[tuple[int, bytearray]] = []
        self.mount()

    def disk(self) -> bytes:
        return empty(self.bits, self.size)

    def check(self) -> None:
        fsck(self.files.files[b"disk"])

    def mount(self) -> None:
        self.kit.mount(self.kind.name, b"/mnt", 0, DiskArgs(b"/dev/disk"))

    def unmount(self) -> None:
        for fd, _ in self.open:
            self.kit.close(fd)
        self.open.clear()
        self.kit.unmount(b"/mnt", 0)

    def teardown(self) -> None:
        self.unmount()
        self.check()
        self.mount()
        assert self.seen(b"/mnt") == self.expected(self.top)
        self.unmount()

    # -- both

    def walk(self, parts: list[str]) -> Tree:
        here = self.top
        for part in parts:
            found = here.get(part.upper())
            if found is None:
                raise RefusedError("ENOENT")
            if not isinstance(found[1], dict):
                raise RefusedError("ENOTDIR")
            here = found[1]
        return here

    def both(self, model: Any, ours: Any, *, full: bool = False) -> Any:
        """``full``: whether it may be that there is no space, which the model does not know."""
        try:
            got = "ok", ours()
        except KernelError as error:
            got = error.name, None
        if full and got[0] == "ENOSPC":
            return None
        try:
            wanted = "ok", model()
        except RefusedError as error:
            wanted = str(error), None
        assert got[0] == wanted[0], (got, wanted)
        return got[1]

    def at(self, parts: list[str]) -> bytes:
        return b"/mnt/" + "/".join(parts).encode()

    @rule(parts=path, data=data, offset=offset, keep=st.booleans())
    def write(self, parts: list[str], data: bytes, offset: int, keep: bool) -> None:
        def model() -> bytearray:
            here = self.walk(parts[:-1])
            old = here.get(parts[-1].upper())
            if old is not None and isinstance(old[1], dict):
                raise RefusedError("EISDIR")
            held = old[1] if old else bytearray()
            here[parts[-1].upper()] = (old[0] if old else parts[-1], held)
            return held

        made: list[bytearray] = []
        fd = self.both(
            lambda: made.append(model()),
            lambda: self.kit.open(self.at(parts), const.O_RDWR | const.O_CREAT, 0o644),
            full=True,
        )
        if fd is None:
            return
        self.change(lambda: self.kit.pwrite(fd, data, offset), lambda: self.put(made[0], data, offset))
        if keep and len(self.open) < 4:
            self.open.append((fd, made[0]))
        else:
            self.kit.close(fd)

    def put(self, held: bytearray, data: bytes, offset: int) -> None:
        if data:
            held += bytes(max(0, offset - len(held)))
            held[offset : offset + len(data)] = data

    def cut(self, held: bytearray, size: int) -> None:
        held += bytes(max(0, size - len(held)))
        del held[size:]

    def change(self, ours: Any, model: Any) -> None:
        """What may fail for want of space, and then does nothing."""
        try:
            ours()
        except KernelError as error:
            if error.name != "ENOSPC":
                raise
        else:
            model()

    @rule(data=data, offset=offset)
    def write_open(self, data: bytes, offset: int) -> None:
        for fd, held in self.open:
            self.change(lambda fd=fd: self.kit.pwrite(fd, data, offset), lambda held=held: self.put(held, data, offset))

    @rule(size=st.sampled_from([0, 1, 512, 513, 1500, 6000]))
    def truncate_open(self, size: int) -> None:
        for fd, held in self.open:
            self.change(lambda fd=fd: self.kit.ftruncate(fd, size), lambda held=held: self.cut(held, size))

    @rule(parts=path)
    def mkdir(self, parts: list[str]) -> None:
        def model() -> None:
            here = self.walk(parts[:-1])
            if parts[-1].upper() in here:
                raise RefusedError("EEXIST")
            here[parts[-1].upper()] = (parts[-1], {})

        self.both(model, lambda: self.kit.mkdir(self.at(parts), 0o755), full=True)

    @rule(parts=path)
    def unlink(self, parts: list[str]) -> None:
        def model() -> None:
            here = self.walk(parts[:-1])
            found = here.get(parts[-1].upper())
            if found is None:
                raise RefusedError("ENOENT")
            if isinstance(found[1], dict):
                raise RefusedError("EPERM")
            del here[parts[-1].upper()]

        self.both(model, lambda: self.kit.unlink(self.at(parts)))

    @rule(parts=path)
    def rmdir(self, parts: list[str]) -> None:
        def model() -> None:
            here = self.walk(parts[:-1])
            found = here.get(parts[-1].upper())
            if found is None:
                raise RefusedError("ENOENT")
            if not isinstance(found[1], dict):
                raise RefusedError("ENOTDIR")
            if found[1]:
                raise RefusedError("ENOTEMPTY")
            del here[parts[-1].upper()]

        self.both(model, lambda: self.kit.rmdir(self.at(parts)))

    @rule(old=path, new=path)
    def rename(self, old: list[str], new: list[str]) -> None:
        self.both(lambda: self.model_rename(old, new), lambda: self.kit.rename(self.at(old), self.at(new)), full=True)

    def model_rename(self, old: list[str], new: list[str]) -> None:
        source = self.walk(old[:-1])
        key, to = old[-1].upper(), new[-1].upper()
        if key not in source:
            raise RefusedError("ENOENT")
        thing = source[key][1]
        target = self.walk(new[:-1])
        there = target.get(to)
        if isinstance(thing, dict) and self.inside(target, thing):
            raise RefusedError("EINVAL")
        if there is not None and there[1] is not thing:
            if isinstance(there[1], dict) and self.inside(source, there[1]):
                raise RefusedError("ENOTEMPTY")
            if isinstance(there[1], dict) != isinstance(thing, dict):
                raise RefusedError("EISDIR" if isinstance(there[1], dict) else "ENOTDIR")
            if isinstance(there[1], dict) and there[1]:
                raise RefusedError("ENOTEMPTY")
        if source is target and old[-1] == new[-1]:
            return
        replaced = there is not None and there[1] is not thing
        del source[key]
        target[to] = (there[0] if replaced and there else new[-1], thing)

    def inside(self, tree: Tree, top: Tree) -> bool:
        return tree is top or any(isinstance(child, dict) and self.inside(tree, child) for _, child in top.values())

    @rule()
    def sync(self) -> None:
        self.kit.sync()

    @rule()
    def mount_anew(self) -> None:
        self.unmount()
        self.mount()

    # -- what must hold

    def expected(self, tree: Tree) -> dict[str, Any]:
        return {n: self.expected(child) if isinstance(child, dict) else bytes(child) for n, child in tree.values()}

    def seen(self, where: bytes) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for child in self.kit.ls(where):
            if child not in (b".", b".."):
                full = where + b"/" + child
                is_dir = self.kit.attributes(full).st_mode & const.S_IFMT == const.S_IFDIR
                found[child.decode()] = self.seen(full) if is_dir else self.kit.get(full)
        return found

    @invariant()
    def same(self) -> None:
        assert self.seen(b"/mnt") == self.expected(self.top)
        for fd, held in self.open:
            assert bytes(self.kit.pread(fd, 1 << 20, 0)) == held

    @invariant()
    def numbers_are_unique(self) -> None:
        numbers: list[int] = []
        stack = [b"/mnt"]
        while stack:
            where = stack.pop()
            st = self.kit.attributes(where)
            numbers.append(st.st_ino)
            if st.st_mode & const.S_IFMT == const.S_IFDIR:
                stack += [where + b"/" + child for child in self.kit.ls(where) if child not in (b".", b"..")]
        gone = [self.kit.fstat(fd).st_ino for fd, _ in self.open if not self.kit.fstat(fd).st_nlink]
        assert len(set(numbers)) == len(numbers)
        assert not set(gone) & set(numbers)


@cache
def empty_exfat(size: int, cluster: str) -> bytes:
    return exfat_images.small(size, cluster=cluster)


class ExfatModel(Model):
    kind = exfatfs.FILE_SYSTEM
    cluster = "512"

    def disk(self) -> bytes:
        return empty_exfat(1 << 20, self.cluster)

    def check(self) -> None:
        assert "clean" in exfat_images.fsck(self.files.files[b"disk"])


@pytest.mark.parametrize("kind", [Model, ExfatModel])
def test_with_hardly_a_directory_kept(kind: type[Model], monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories are parsed again and again, also in the middle of a rename."""
    monkeypatch.setattr(msdos_directory, "RECORDS_KEPT", 1)
    small = type(f"Small{kind.__name__}", (kind,), {"bits": 12})
    small.TestCase.settings = STEPS
    small.TestCase("runTest").runTest()


@pytest.mark.parametrize(("bits", "size"), [(12, None), (16, None), (32, None), (12, "40K"), (32, "64K")])
def test_like_the_model(bits: int, size: str | None) -> None:
    kind = type(f"Model{bits}", (Model,), {"bits": bits, "size": size})
    kind.TestCase.settings = STEPS
    kind.TestCase("runTest").runTest()


@pytest.mark.parametrize("cluster", ["512", "32768"])
def test_exfat_like_the_model(cluster: str) -> None:
    """With the larger clusters it is full soon."""
    kind = type(f"Exfat{cluster}", (ExfatModel,), {"cluster": cluster})
    kind.TestCase.settings = STEPS
    kind.TestCase("runTest").runTest()
