"""From paths to vnodes (namei(9)).

`Names.lookup` walks to the file of a path and is the fast way: one dict access per component where the directory has
its names at hand (`Vnode.names`), the driver's `lookup` otherwise. `Names.locate` is for calls that make or take away
names: it walks to the directory of the last component and gives that, the name, and what stands there now.

Each component is handled in the order of namei: search permission (EACCES), length (ENAMETOOLONG), the lookup itself
(ENOENT, ENOTDIR), mounts on it, symbolic links (ELOOP). ``..`` does not leave the root directory of the process, and
leads from the root of a mount to the directory around the mount point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rumpuser.component import Context
from rumpvfs.core.access import EXEC, check, permitted, superuser
from rumpvfs.core.gates import Gate
from rumpvfs.core.magiclinks import magic
from rumpvfs.core.namecache import NameCache
from rumpvfs.core.vnode import Vnode, VType
from rumpwire.const import AT_FDCWD, MNT_UNION, PATH_MAX, SYMLOOP_MAX
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials

DEPTH_MAX = 1 << 16
"""Directories deeper than this are taken to be a loop on a damaged disk."""

TARGET_MAX = 4095
"""Bytes that a symbolic link may lead to, and that a path may have behind one: images of Linux have such links, where
the original takes 1023."""

_DIR, _LNK = VType.DIR, VType.LNK


class Holder(Protocol):
    """What a handle stands for, as far as paths go."""

    @property
    def vnode(self) -> Vnode: ...


class Overlay(Protocol):
    """Names at the root that are in no directory (etfs)."""

    def __bool__(self) -> bool: ...

    def find(self, key: bytes) -> tuple[Vnode, bytes] | None:
        """The file of a path below the root, without leading slashes, and the path on from there."""
        ...


@dataclass(slots=True)
class Place:
    """A name in a directory. ``vnode`` is what stands there, None for nothing; ``slashed``: it must be a directory."""

    directory: Vnode
    name: bytes
    vnode: Vnode | None
    slashed: bool = False
    overlaid: bool = False

    def existing(self) -> Vnode:
        """ENOENT when there is nothing, EOPNOTSUPP for what is in no directory."""
        if self.overlaid:
            raise KernelError(Errno.EOPNOTSUPP, "host files are taken away with etfs_remove")
        if self.vnode is None:
            raise KernelError(Errno.ENOENT)
        return self.vnode

    def vacant(self) -> None:
        """EEXIST when there is something."""
        if self.vnode is not None:
            raise KernelError(Errno.EEXIST)


class Names:
    """The name space of a kernel."""

    def __init__(self, root: Vnode, overlay: Overlay, directories: Mapping[int, Holder], limit: int) -> None:
        self.root = root
        self.overlay = overlay
        self.directories = directories
        self.files: Mapping[int, Holder] = {}
        self.enter: Callable[[Sequence[Gate]], None] = lambda gates: None
        self.cache = NameCache(limit)
        self.strayed = False
        """Whether a path led where names may change unseen; for whoever set it to False before."""
        self.magiclinks = 0
        """Whether words like @machine in symbolic links are replaced (vfs.generic.magiclinks)."""
        self.node: Callable[[str], str] = lambda path: ""

    # -- where paths begin

    def root_of(self, ctx: Context) -> Vnode:
        return self.root if ctx.root == 0 else self._held(ctx.root)

    def cwd_of(self, ctx: Context) -> Vnode:
        return self.root if ctx.cwd == 0 else self._held(ctx.cwd)

    def _held(self, handle: int) -> Vnode:
        holder = self.directories.get(handle)
        if holder is None:
            raise KernelError(Errno.EBADF, f"no directory {handle} is held")
        return self._come_to(holder)

    def _come_to(self, holder: Holder) -> Vnode:
        """The vnode of a holder: a dead one, if a mount that had to be waited for is gone."""
        gates = holder.vnode.fs.gates
        if gates:
            self.enter(gates)
        self._came(holder.vnode)
        return holder.vnode

    def base(self, ctx: Context, dirfd: int) -> Vnode:
        """The directory of an *at call. EBADF, ENOTDIR."""
        if dirfd == AT_FDCWD:
            return self.cwd_of(ctx)
        holder = self.files.get(dirfd) or self.directories.get(dirfd)
        if holder is None:
            raise KernelError(Errno.EBADF)
        if holder.vnode.vtype is not _DIR:
            raise KernelError(Errno.ENOTDIR)
        return self._come_to(holder)

    # -- the walk

    def lookup(self, ctx: Context, path: bytes, *, follow: bool = True, dirfd: int = AT_FDCWD) -> Vnode:
        """The file of a path. ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EBADF, EIO."""
        check_path(path)
        root = self.root_of(ctx)
        if path[0] == 47:
            return self._walk(ctx, path, root, root, follow=follow)
        return self._walk(ctx, path, self.base(ctx, dirfd), root, follow=follow)

    def _walk(self, ctx: Context, path: bytes, current: Vnode, root: Vnode, *, follow: bool) -> Vnode:
        if self.overlay and current is self.root:
            current, path = self._overlaid(current, path)
        cred = ctx.cred
        bypass = superuser(cred)
        parts = path.split(b"/") if path else []
        links = 0
        at, end = 0, len(parts)
        while at < end:
            name = parts[at]
            at += 1
            if not name:
                if current.vtype is not _DIR:
                    raise KernelError(Errno.ENOTDIR)
                continue
            if not bypass and current.vtype is _DIR:
                check(current, cred, EXEC)
            names = current.names
            child = names.get(name) if names is not None else None
            if child is None:
                child = self._step(current, name, root, cred)
            if child.mounted is not None:
                child = self._cross(child)
            if child.vtype is not _LNK or (at == end and not follow):
                current = child
                continue
            links += 1
            if links > SYMLOOP_MAX:
                raise KernelError(Errno.ELOOP)
            target = self._target(child, cred)
            parts = target.split(b"/") + parts[at:]
            if sum(map(len, parts)) + len(parts) > TARGET_MAX:
                raise KernelError(Errno.ENAMETOOLONG)
            if target[0] == 47:
                current = root
                if self.overlay and root is self.root:
                    current, path = self._overlaid(root, b"/".join(parts))
                    parts = path.split(b"/") if path else []
            at, end = 0, len(parts)
        return current

    def _target(self, link: Vnode, cred: Credentials) -> bytes:
        target = link_target(link)
        if not self.magiclinks or b"@" not in target:
            return target
        self.strayed = True
        return magic(target, cred, self.node)

    def _overlaid(self, root: Vnode, path: bytes) -> tuple[Vnode, bytes]:
        """Where a path from the root begins, and the rest of it: at the root, or at what the overlay has."""
        found = self.overlay.find(path.lstrip(b"/"))
        if found is None:
            return root, path
        vnode, rest = found
        self.strayed = True
        return self._cross(vnode), rest

    def _step(self, directory: Vnode, name: bytes, root: Vnode, cred: Credentials) -> Vnode:
        """One component whose file is not known yet; with MNT_UNION also in the directory that is mounted on."""
        try:
            return self._look(directory, name, root)
        except KernelError as error:
            below = below_union(directory)
            if error.errno != Errno.ENOENT or below is None:
                raise
        if below.fs.gates:
            self.enter(below.fs.gates)
        self._came(below)
        check(below, cred, EXEC)
        return self._step(below, name, root, cred)

    def _look(self, directory: Vnode, name: bytes, root: Vnode) -> Vnode:
        if directory.vtype is not _DIR:
            raise KernelError(Errno.ENOTDIR)
        if name == b".":
            return directory
        if name == b"..":
            return self._up(directory, root)
        fs = directory.fs
        if len(name) > fs.name_max:
            raise KernelError(Errno.ENAMETOOLONG)
        if not fs.cache_names:
            return directory.lookup(name)
        if directory.names is not None and name in directory.names:
            raise KernelError(Errno.ENOENT)
        self.cache.misses += 1
        try:
            child = directory.lookup(name)
        except KernelError as error:
            if error.errno == Errno.ENOENT:
                self.cache.enter(directory, name, None)
            raise
        self.cache.enter(directory, name, child)
        return child

    def _cross(self, vnode: Vnode) -> Vnode:
        """From a directory to what is mounted there."""
        while (mount := vnode.mounted) is not None:
            if mount.fs.gates:
                self.enter(mount.fs.gates)
                if vnode.mounted is not mount:
                    continue
            vnode = mount.root
            self._came(vnode)
        return vnode

    def _came(self, vnode: Vnode) -> None:
        if not vnode.fs.leased:
            self.strayed = True

    def _up(self, directory: Vnode, root: Vnode) -> Vnode:
        while directory is not root and directory is directory.fs.mount.root:
            covered = directory.fs.mount.covered
            if covered is None:
                return directory
            if covered.fs.gates:
                self.enter(covered.fs.gates)
            directory = covered
            self._came(directory)
        return directory if directory is root else directory.parent()

    # -- names that are made or taken away

    def locate(self, ctx: Context, path: bytes, *, dirfd: int = AT_FDCWD) -> Place:
        """The last component of a path, which is not followed. Errors as `lookup`; none for a name that is not there.

        The name of a path that ends in ``.`` or ``..``, or that is the root, stays as it is; the calls refuse it.
        """
        check_path(path)
        return self._locate(ctx, path, self.base(ctx, dirfd) if path[0] != 47 else self.root_of(ctx))

    def locate_followed(self, ctx: Context, path: bytes, *, dirfd: int = AT_FDCWD) -> Place:
        """Like `locate`, but the last component is followed, also to where nothing is (open with O_CREAT)."""
        place = self.locate(ctx, path, dirfd=dirfd)
        for _ in range(SYMLOOP_MAX):
            if place.vnode is None or place.vnode.vtype is not _LNK:
                return place
            target = self._target(place.vnode, ctx.cred) + (b"/" if place.slashed else b"")
            place = self._locate(ctx, target, self.root_of(ctx) if target[0] == 47 else place.directory)
        raise KernelError(Errno.ELOOP)

    def _locate(self, ctx: Context, path: bytes, start: Vnode) -> Place:
        root = self.root_of(ctx)
        if self.overlay and start is self.root:
            found, rest = self._overlaid(start, path)
            if found is not start and not rest:
                return Place(start, path, found, overlaid=True)
            start, path = found, rest
        stripped = path.rstrip(b"/")
        if not stripped:
            return Place(root, b".", root, slashed=True)
        head, _, name = stripped.rpartition(b"/")
        directory = self._walk(ctx, head, start, root, follow=True) if head.strip(b"/") else start
        if directory.vtype is not _DIR:
            raise KernelError(Errno.ENOTDIR)
        check(directory, ctx.cred, EXEC)
        return self._place(ctx, directory, name, root, slashed=len(stripped) != len(path))

    def _place(self, ctx: Context, directory: Vnode, name: bytes, root: Vnode, *, slashed: bool) -> Place:
        """A name in a directory; with MNT_UNION it may be in the one below. New names are the upper one's to make."""
        vnode = self._peek(directory, name, root)
        below = below_union(directory)
        if below is None or vnode is not None or not searchable(below, ctx.cred):
            return Place(directory, name, vnode, slashed)
        place = self._place(ctx, below, name, root, slashed=slashed)
        return (
            place if place.vnode is not None or not directory.fs.makes_names else Place(directory, name, None, slashed)
        )

    def _peek(self, directory: Vnode, name: bytes, root: Vnode) -> Vnode | None:
        """What stands at a name, mounts crossed; None for nothing."""
        try:
            names = directory.names
            vnode = (names.get(name) if names is not None else None) or self._look(directory, name, root)
        except KernelError as error:
            if error.errno == Errno.ENOENT:
                return None
            raise
        return self._cross(vnode)

    # -- the way back

    def path_of(self, directory: Vnode, root: Vnode) -> bytes:
        """The path of a directory from a root directory. ENOENT when it is not (or no longer) below it."""
        names: list[bytes] = []
        for _ in range(DEPTH_MAX):
            if directory is root:
                return b"/" + b"/".join(reversed(names))
            if directory is directory.fs.mount.root:
                covered = directory.fs.mount.covered
                if covered is None:
                    raise KernelError(Errno.ENOENT, "the directory is outside of the root directory")
                if covered.fs.gates:
                    self.enter(covered.fs.gates)
                directory = covered
                continue
            parent = directory.parent()
            names.append(name_in(parent, directory))
            directory = parent
        raise KernelError(Errno.EIO, "directories without end")


def below_union(directory: Vnode) -> Vnode | None:
    """The directory that is mounted on, where names are looked for that are not in the root of a mount (MNT_UNION)."""
    mount = directory.fs.mount
    return mount.covered if mount.flags & MNT_UNION and directory is mount.root else None


def searchable(directory: Vnode, cred: Credentials) -> bool:
    """Who may not look into the lower directory of a union can make names in the upper one all the same."""
    mode, uid, gid = directory.owner()
    return permitted(mode & 0o7777 | directory.vtype, uid, gid, cred, EXEC)


def name_in(parent: Vnode, child: Vnode) -> bytes:
    """By which name a directory stands in its parent. ENOENT."""
    own = child.own_name()
    if own is not None:
        return own
    for entry in parent.readdir(0):
        if entry.fileno == child.fileno and entry.name not in (b".", b".."):
            return entry.name
    raise KernelError(Errno.ENOENT)


def link_target(link: Vnode) -> bytes:
    target = link.readlink()
    if not target:
        raise KernelError(Errno.ENOENT)
    return target


def check_path(path: bytes, most: int = PATH_MAX - 1) -> None:
    """ENOENT for an empty path, ENAMETOOLONG, EINVAL for one with a NUL in it."""
    if not path:
        raise KernelError(Errno.ENOENT)
    if len(path) > most:
        raise KernelError(Errno.ENAMETOOLONG)
    if b"\0" in path:
        raise KernelError(Errno.EINVAL, "a path holds no NUL")
