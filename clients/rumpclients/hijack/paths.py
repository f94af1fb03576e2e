"""What the program sees of files: a name space of its own, in which other things are mounted than elsewhere.

This runs in the program's process before it is the program. Root makes a mount name space; others get one only with a
user name space, in which they keep their numbers but know no others. What is mounted elsewhere stays in use as long as
there is such a name space, so that none is made but for paths.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import NamedTuple

from rumpclients.hijack.seccomp import libc, raise_errno, syscall

_NEW_MOUNTS, _NEW_USERS = 0x20000, 0x10000000
_BIND, _RECURSIVE, _SLAVE = 0x1000, 0x4000, 1 << 19
_NOSUID, _NODEV = 2, 4
_DETACH = 2
FUSE = "/dev/fuse"
MAX_READ = 1 << 20


class Seen(NamedTuple):
    """``files``: whether files are mounted over. ``mounts``: descriptors of FUSE, one for each path."""

    files: bool
    mounts: list[int]


def see(files: dict[str, str], wanted: list[str], folder: str) -> Seen:
    """Mounts FUSE over paths, and copies over files. ``folder``: an empty directory to build in. OSError."""
    if not wanted:
        return Seen(False, [])
    _separate(users=os.geteuid() != 0)
    _mount(None, "/", None, _RECURSIVE | _SLAVE)
    for path, copy in files.items():
        if os.path.exists(path):
            _mount(copy, os.path.realpath(path), None, _BIND)
    missing = [path for path in wanted if not os.path.isdir(path)]
    if missing:
        _make(missing, folder)
    return Seen(True, [_mount_fuse(path) for path in wanted])


def usable(path: str) -> bool:
    """Whether a path can be seen without anything being made for it."""
    return os.geteuid() == 0 and os.access(FUSE, os.R_OK | os.W_OK) and os.path.isdir(path)


def _separate(*, users: bool) -> None:
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(_NEW_MOUNTS | (_NEW_USERS if users else 0)):
        limits = "user.max_mnt_namespaces" + (", user.max_user_namespaces" if users else "")
        raise_errno(f"path= and blanket= need a mount name space of the program's, see {limits}")
    if users:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)


def _mount(source: str | None, target: str, fstype: str | None, flags: int, data: str | None = None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, fstype, data)]
    if libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]):
        raise_errno(target)


def _mount_fuse(path: str) -> int:
    fd = os.open(FUSE, os.O_RDWR | os.O_CLOEXEC)
    owner = f"user_id={os.geteuid()},group_id={os.getegid()},allow_other,default_permissions"
    data = f"fd={fd},rootmode=40000,{owner},max_read={MAX_READ}"
    _mount("rumphijack", path, "fuse.rump", _NOSUID | _NODEV, data)
    return fd


def _make(paths: list[str], folder: str) -> None:
    """Makes directories that the rest of the machine does not see: in another root, whose entries are the same.

    ENOENT where the root has something of that name, which is not ours to change.
    """
    for path in paths:
        if os.path.lexists("/" + path.split("/")[1]):
            raise OSError(errno.ENOENT, "the root has something of that name, which has to have this directory", path)
    where = os.getcwd()
    _mount("rumphijack", folder, "tmpfs", _NOSUID | _NODEV, "mode=755")
    for entry in os.scandir("/"):
        _same(entry, os.path.join(folder, entry.name))
    for path in paths:
        os.makedirs(folder + path)
    os.chdir(folder)
    if syscall("pivot_root", b".", b"."):
        raise_errno("another root")
    if libc.umount2(b".", _DETACH):
        raise_errno("the old root")
    os.chdir(where)


def _same(entry: os.DirEntry[str], target: str) -> None:
    if entry.is_symlink():
        os.symlink(os.readlink(entry.path), target)
        return
    if entry.is_dir():
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    _mount(entry.path, target, None, _BIND | _RECURSIVE)
