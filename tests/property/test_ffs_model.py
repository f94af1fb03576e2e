"""ffs against a model of dictionaries: any row of operations gives the same names and contents, across remounts, and an
image that the checker finds sound."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rumpvfs.core.vnode import Changes, Vnode, VType
from rumpwire.errno import Errno, KernelError
from tests.ffs_images import VARIANTS, contents, mkdir, mount, names, newfs, put, remove, resize, sound, symlink

STEPS = settings(max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
name = st.sampled_from([b"a", b"b", b"c", b"name of middling length", b"n" * 255])
path = st.lists(st.sampled_from([b"a", b"b"]), max_size=2)
size = st.one_of(st.integers(0, 9000), st.sampled_from([49_152, 49_153, 98_304, 60_000, 600_000]))
seed = st.integers(0, 1 << 30)


class Model(RuleBasedStateMachine):
    """Directories are dicts, files bytearrays (the same object for each of its names), links tuples."""

    def __init__(self) -> None:
        super().__init__()
        self.tree: dict[bytes, Any] = {}

    @initialize(
        variant=st.sampled_from(list(VARIANTS)), geometry=st.sampled_from([(4096, 512), (8192, 1024), (4096, 4096)])
    )
    def begin(self, variant: str, geometry: tuple[int, int]) -> None:
        bsize, fsize = geometry
        self.disk = newfs(3 << 20, bsize=str(bsize), fsize=str(fsize), density="8192", **VARIANTS[variant])
        self.fs = mount(self.disk)

    def find(self, where: list[bytes]) -> tuple[Vnode, dict[bytes, Any]]:
        """The directory of a path, or the last on the way that exists."""
        node, model = self.fs.root(), self.tree
        for part in where:
            if not isinstance(model.get(part), dict):
                break
            node, model = node.lookup(part), model[part]
        return node, model

    def attempt(self, call: Any) -> bool:
        """False when there is no space for it."""
        try:
            call()
        except KernelError as error:
            if error.errno != Errno.ENOSPC:
                raise
            return False
        return True

    # -- names

    @rule(where=path, new=name)
    def make_directory(self, where: list[bytes], new: bytes) -> None:
        node, model = self.find(where)
        if new not in model and self.attempt(lambda: mkdir(node, new)):
            model[new] = {}

    @rule(where=path, new=name)
    def make_file(self, where: list[bytes], new: bytes) -> None:
        node, model = self.find(where)
        if new not in model and self.attempt(lambda: put(node, new)):
            model[new] = bytearray()

    @rule(where=path, new=name, length=st.integers(1, 1000))
    def make_link(self, where: list[bytes], new: bytes, length: int) -> None:
        node, model = self.find(where)
        if new not in model and self.attempt(lambda: symlink(node, new, b"t" * length)):
            model[new] = (b"t" * length,)

    @rule(where=path, old=name, there=path, new=name)
    def link(self, where: list[bytes], old: bytes, there: list[bytes], new: bytes) -> None:
        node, model = self.find(where)
        target, target_model = self.find(there)
        fit = isinstance(model.get(old), bytearray) and new not in target_model
        if fit and self.attempt(lambda: target.link(new, node.lookup(old))):
            target_model[new] = model[old]

    @rule(where=path, old=name)
    def remove(self, where: list[bytes], old: bytes) -> None:
        node, model = self.find(where)
        if old in model:
            if isinstance(model[old], dict) and model[old]:
                with pytest.raises(KernelError) as caught:
                    remove(node, old)
                assert caught.value.errno == Errno.ENOTEMPTY
            else:
                remove(node, old)
                del model[old]

    @rule(where=path, old=name, there=path, new=name)
    def rename(self, where: list[bytes], old: bytes, there: list[bytes], new: bytes) -> None:
        node, model = self.find(where)
        target, target_model = self.find(there)
        moved, replaced = model.get(old), target_model.get(new)
        if moved is None or moved is replaced or self.below(target_model, moved):
            return
        if replaced is not None and (isinstance(replaced, dict) != isinstance(moved, dict)):
            return
        if isinstance(replaced, dict) and (replaced or self.below(model, replaced)):
            return
        victim = target.lookup(new) if replaced is not None else None
        if self.attempt(lambda: node.rename(old, node.lookup(old), target, new, victim)):
            if victim is not None:
                victim.inactive()
            del model[old]
            target_model[new] = moved

    def below(self, directory: dict[bytes, Any], ancestor: object) -> bool:
        if not isinstance(ancestor, dict):
            return False
        return directory is ancestor or any(self.below(directory, child) for child in ancestor.values())

    # -- contents

    @rule(where=path, old=name, at=size, length=size, seed=seed)
    def write(self, where: list[bytes], old: bytes, at: int, length: int, seed: int) -> None:
        node, model = self.find(where)
        file = model.get(old)
        if not isinstance(file, bytearray) or not length:
            return
        data = random.Random(seed).randbytes(length)
        counts: list[int] = []
        if self.attempt(lambda: counts.append(node.lookup(old).write(at, data))):
            file.extend(bytes(max(0, at - len(file))))
            file[at : at + counts[0]] = data[: counts[0]]

    @rule(where=path, old=name, length=size)
    def resize(self, where: list[bytes], old: bytes, length: int) -> None:
        node, model = self.find(where)
        file = model.get(old)
        if isinstance(file, bytearray) and self.attempt(lambda: resize(node.lookup(old), length)):
            file.extend(bytes(max(0, length - len(file))))
            del file[length:]

    @rule(where=path, old=name, at=size, length=size)
    def allocate(self, where: list[bytes], old: bytes, at: int, length: int) -> None:
        node, model = self.find(where)
        file = model.get(old)
        if not isinstance(file, bytearray) or not length:
            return
        found = node.lookup(old)
        if self.attempt(lambda: found.allocate(at, length)):
            file.extend(bytes(max(0, at + length - len(file))))
            assert found.getattr().st_blocks << 9 >= length

    @rule(where=path, old=name, at=size, length=size)
    def discard(self, where: list[bytes], old: bytes, at: int, length: int) -> None:
        node, model = self.find(where)
        file = model.get(old)
        if isinstance(file, bytearray) and length:
            node.lookup(old).discard(at, length)
            end = min(at + length, len(file))
            if at < end:
                file[at:end] = bytes(end - at)

    @rule(where=path, old=name, mode=st.integers(0, 0o7777), uid=st.integers(0, 1 << 31))
    def change(self, where: list[bytes], old: bytes, mode: int, uid: int) -> None:
        node, model = self.find(where)
        if old in model:
            found = node.lookup(old)
            found.setattr(Changes(mode=mode, uid=uid))
            assert (found.getattr().st_mode & 0o7777, found.getattr().st_uid) == (mode, uid)

    # -- the whole

    @rule()
    def sync(self) -> None:
        self.fs.sync()
        sound(self.disk, clean=False)

    @rule()
    def remount(self) -> None:
        self.fs.unmount(force=False)
        sound(self.disk)
        self.fs = mount(self.disk)

    @invariant()
    def is_as_the_model_says(self) -> None:
        if hasattr(self, "fs"):
            self.compare(self.fs.root(), self.tree)

    def compare(self, node: Vnode, model: dict[bytes, Any]) -> None:
        assert sorted(names(node)) == sorted([b".", b"..", *model])
        assert node.getattr().st_nlink == 2 + sum(isinstance(child, dict) for child in model.values())
        for key, child in model.items():
            found = node.lookup(key)
            if isinstance(child, dict):
                assert found.vtype is VType.DIR
                self.compare(found, child)
            elif isinstance(child, bytearray):
                assert contents(found) == child
            else:
                assert found.readlink() == child[0]

    def teardown(self) -> None:
        if hasattr(self, "fs"):
            self.fs.unmount(force=False)
            sound(self.disk)


Model.TestCase.settings = STEPS
TestModel = Model.TestCase
