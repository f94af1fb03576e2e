"""vfs with tmpfs against the file system of the host: the same calls give the same results and the same errors.

Paths stay relative to a working directory deep enough that no mixture of ``..`` and links climbs out of it.
"""

from __future__ import annotations

import errno as host_errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rumpuser.component import Context
from rumpvfs.core import namei
from rumpwire import const
from rumpwire.errno import KernelError, from_host
from rumpwire.values import Credentials
from tests.unit.vfs.kit import Kit

DEPTH = 24
FLAGS = {
    os.O_CREAT: const.O_CREAT,
    os.O_EXCL: const.O_EXCL,
    os.O_TRUNC: const.O_TRUNC,
    os.O_APPEND: const.O_APPEND,
    os.O_DIRECTORY: const.O_DIRECTORY,
}
STEPS = settings(max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
LINUX_SYMLOOP_MAX = 40

names = st.sampled_from(["a", "b", "c", "d"])
parts = st.one_of(names, names, names, st.sampled_from([".", ".."]))
paths = st.lists(parts, min_size=1, max_size=3).map("/".join)
ends = st.builds(lambda head, tail: "/".join([*head, tail]), st.lists(parts, max_size=2), names)
targets = st.lists(parts, min_size=1, max_size=2).map("/".join)
OURS = [0o777, 0o770, 0o755, 0o700]
"""Modes that let the owner do everything: with them root may do no more than any other owner."""
modes = st.sampled_from(OURS if os.geteuid() else [*OURS, 0o070, 0o007, 0o644, 0o600, 0o555, 0o000])
contents = st.binary(max_size=40)
offsets = st.one_of(st.integers(0, 60), st.sampled_from([65530, 65536, 131000]))
accesses = st.sampled_from([os.O_RDONLY, os.O_WRONLY, os.O_RDWR])
open_flags = st.builds(lambda mode, more: mode | sum(more), accesses, st.sets(st.sampled_from(list(FLAGS))))


def netbsd(flags: int) -> int:
    return flags & os.O_ACCMODE | const.O_NONBLOCK | sum(v for k, v in FLAGS.items() if flags & k == k)


def host_open(path: str, flags: int, mode: int = 0o666) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, mode)


class Model(RuleBasedStateMachine):
    """Does everything twice."""

    def __init__(self) -> None:
        super().__init__()
        where = "/dev/shm" if Path("/dev/shm").is_dir() else None
        self.top = tempfile.mkdtemp(dir=where)
        Path(self.top).chmod(0o755)
        self.before, self.umask, self.links = os.getcwd(), os.umask(0), namei.SYMLOOP_MAX
        namei.SYMLOOP_MAX = LINUX_SYMLOOP_MAX  # type: ignore[misc]
        os.chdir(self.top)
        for _ in range(DEPTH):
            os.mkdir("n", 0o777)
            os.chdir("n")
        self.kit = Kit()
        self.ctx = Context(umask=0)
        path = b"/tmp"
        for _ in range(DEPTH):
            path += b"/n"
            with self.kit.as_(self.ctx):
                self.kit.mkdir(path, 0o777)
        self.cwd = self.kit.dir_hold(const.AT_FDCWD, path)
        self.ctx = Context(umask=0, cwd=self.cwd)

    def teardown(self) -> None:
        os.chdir(self.before)
        os.umask(self.umask)
        namei.SYMLOOP_MAX = self.links  # type: ignore[misc]
        shutil.rmtree(self.top)

    # -- both

    def host(self, call: Callable[..., Any], *args: Any, **options: Any) -> tuple[str, Any]:
        try:
            return "ok", call(*args, **options)
        except OSError as error:
            return from_host(error.errno or 0).name, None

    def ours(self, call: Callable[[Kit], Any]) -> tuple[str, Any]:
        try:
            with self.kit.as_(self.ctx):
                return "ok", call(self.kit)
        except KernelError as error:
            return error.name, None

    def same(self, host: tuple[str, Any], ours: tuple[str, Any], *also: tuple[str, str]) -> Any:
        """``also``: pairs of errors (the host's, ours) where NetBSD differs."""
        assert host == ours or (host[0], ours[0]) in also, (host, ours)
        return host[1]

    # -- what is done

    @rule(path=paths, mode=modes)
    def mkdir(self, path: str, mode: int) -> None:
        self.same(self.host(os.mkdir, path, mode), self.ours(lambda k: k.mkdir(path.encode(), mode)))

    @rule(path=paths)
    def rmdir(self, path: str) -> None:
        self.same(self.host(os.rmdir, path), self.ours(lambda k: k.rmdir(path.encode())))

    @rule(path=paths)
    def unlink(self, path: str) -> None:
        self.same(self.host(os.unlink, path), self.ours(lambda k: k.unlink(path.encode())), ("EISDIR", "EPERM"))

    @rule(to=targets, path=paths)
    def symlink(self, to: str, path: str) -> None:
        self.same(self.host(os.symlink, to, path), self.ours(lambda k: k.symlink(to.encode(), path.encode())))

    @rule(path=paths)
    def readlink(self, path: str) -> None:
        ours = self.ours(lambda k: k.readlink(path.encode(), 1024).decode())
        self.same(self.host(os.readlink, path), ours)

    @rule(old=paths, new=paths)
    def link(self, old: str, new: str) -> None:
        ours = self.ours(lambda k: k.linkat(const.AT_FDCWD, old.encode(), const.AT_FDCWD, new.encode(), 0))
        self.same(self.host(os.link, old, new, follow_symlinks=False), ours)

    @rule(old=ends, new=ends)
    def rename(self, old: str, new: str) -> None:
        ours = self.ours(lambda k: k.posix_rename(old.encode(), new.encode()))
        # NetBSD looks the old name up before it goes the new path; Linux goes both paths first
        self.same(
            self.host(os.rename, old, new), ours, ("ELOOP", "ENOENT"), ("ENOTDIR", "ENOENT"), ("EACCES", "ENOENT")
        )

    @rule(path=ends, mode=modes)
    def mkfifo(self, path: str, mode: int) -> None:
        self.same(self.host(os.mkfifo, path, mode), self.ours(lambda k: k.mkfifo(path.encode(), mode)))

    @rule(path=paths, mode=modes)
    def chmod(self, path: str, mode: int) -> None:
        self.same(self.host(os.chmod, path, mode), self.ours(lambda k: k.chmod(path.encode(), mode)))

    @rule(path=paths, length=offsets)
    def truncate(self, path: str, length: int) -> None:
        ours = self.ours(lambda k: k.truncate(path.encode(), length))
        self.same(self.host(os.truncate, path, length), ours, ("EINVAL", "EACCES"))  # a fifo of somebody else

    @rule(path=paths, flags=open_flags, mode=modes, data=contents, offset=offsets)
    def write(self, path: str, flags: int, mode: int, data: bytes, offset: int) -> None:
        assume(not (flags & os.O_CREAT and flags & os.O_DIRECTORY))  # undefined; the host has changed its mind twice
        host = self.host(host_open, path, flags, mode)
        ours = self.ours(lambda k: k.open(path.encode(), netbsd(flags), mode))
        if host[0] != "ok" or ours[0] != "ok":
            self.same((host[0], None), (ours[0], None))
            return
        try:
            size = self.ours(lambda k: k.fstat(ours[1]).st_size)
            if flags & os.O_APPEND:
                written = (self.host(os.write, host[1], data), self.ours(lambda k: k.write(ours[1], data)))
            else:
                written = (
                    self.host(os.pwrite, host[1], data, offset),
                    self.ours(lambda k: k.pwrite(ours[1], data, offset)),
                )
            if not stat.S_ISFIFO(os.fstat(host[1]).st_mode):
                self.same(*written)
                assert size[0] == "ok"
        finally:
            os.close(host[1])
            self.ours(lambda k: k.close(ours[1]))

    # -- what is seen

    @rule(path=paths, offset=offsets)
    def read(self, path: str, offset: int) -> None:
        host = self.host(host_open, path, os.O_RDONLY)
        ours = self.ours(lambda k: k.open(path.encode(), const.O_NONBLOCK, None))
        if host[0] != "ok" or ours[0] != "ok":
            self.same((host[0], None), (ours[0], None))
            return
        try:
            self.same(
                self.host(os.pread, host[1], 100, offset), self.ours(lambda k: bytes(k.pread(ours[1], 100, offset)))
            )
        finally:
            os.close(host[1])
            self.ours(lambda k: k.close(ours[1]))

    @rule(path=paths, follow=st.booleans())
    def stat(self, path: str, follow: bool) -> None:
        host = self.host(lambda: seen(os.stat(path, follow_symlinks=follow)))
        call = "stat" if follow else "lstat"
        self.same(host, self.ours(lambda k: seen(getattr(k, call)(path.encode()))))

    @rule(path=paths)
    def readdir(self, path: str) -> None:
        host = self.host(lambda: sorted(os.listdir(path)))
        ours = self.ours(lambda k: sorted(n.decode() for n in k.ls(path.encode()) if n not in (b".", b"..")))
        self.same(host, ours)

    @invariant()
    def same_tree(self) -> None:
        self.readdir_below(".")

    def readdir_below(self, path: str) -> None:
        for name in os.listdir(path):
            below = f"{path}/{name}"
            found = seen(os.lstat(below))
            ours = self.kit.lstat
            with self.kit.as_(self.ctx):
                assert found == seen(ours(below.encode())), below
            if stat.S_ISDIR(found[0]):
                self.readdir_below(below)


def seen(found: Any) -> tuple[int, int, int]:
    """Type and mode, links, size (not of directories: how that is counted is the file system's own)."""
    size = 0 if stat.S_ISDIR(found.st_mode) else found.st_size
    return found.st_mode, found.st_nlink, size


TestModel = Model.TestCase
TestModel.settings = STEPS

USERS = (1000, 1001)
GROUP = 4321


class Users(Model):
    """The same by several users. All share the group, since NetBSD takes that of a new file from the directory."""

    def __init__(self) -> None:
        super().__init__()
        os.chown(".", 1000, GROUP)
        self.kit.chown(b"/tmp" + b"/n" * DEPTH, 1000, GROUP)
        self.root = self.ctx
        self.become(1000)

    @rule(uid=st.sampled_from((*USERS, 0)))
    def switch(self, uid: int) -> None:
        self.become(uid)

    def become(self, uid: int) -> None:
        self.uid = uid
        cred = Credentials(uid, uid, uid, GROUP, GROUP, GROUP, [GROUP])
        self.ctx = Context(umask=0, cwd=self.cwd, cred=cred)

    def host(self, call: Callable[..., Any], *args: Any, **options: Any) -> tuple[str, Any]:
        groups = os.getgroups()
        os.setgroups([GROUP])
        os.setegid(GROUP)
        os.seteuid(self.uid)
        try:
            return super().host(call, *args, **options)
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)

    @rule(path=paths, uid=st.sampled_from(USERS))
    def chown(self, path: str, uid: int) -> None:
        self.same(self.host(os.chown, path, uid, -1), self.ours(lambda k: k.chown(path.encode(), uid, -1)))

    @rule(path=paths)
    def sticky(self, path: str) -> None:
        found = self.host(os.stat, path)[1]
        if found is not None and stat.S_ISDIR(found.st_mode):
            self.chmod(path, 0o1777)

    @rule(path=paths, mode=st.integers(0, 7))
    def access(self, path: str, mode: int) -> None:
        def accessible() -> None:
            if not os.access(path, mode, effective_ids=True):
                os.stat(path)
                raise OSError(host_errno.EACCES, "")

        ours = self.ours(lambda k: k.faccessat(const.AT_FDCWD, path.encode(), mode, const.AT_EACCESS))
        self.same(self.host(accessible), ours)

    def same_tree(self) -> None:
        before, self.ctx = self.ctx, self.root
        self.readdir_below(".")
        self.ctx = before

    @rule(old=paths, new=paths)
    def link(self, old: str, new: str) -> None:
        if self.uid == 0:  # the host may keep users from linking to what is not theirs
            super().link(old, new)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become others")
class TestUsers(Users.TestCase):  # type: ignore[misc,name-defined]
    settings = STEPS
