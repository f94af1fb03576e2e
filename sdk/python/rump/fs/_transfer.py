"""What copying and removing trees shares: wishes, errors, which side is which."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rump._arguments import PathArg
from rump.fs._copy import Copier
from rump.fs._hosttree import HostSource, HostTarget
from rump.fs._kernelsource import NOFOLLOW, KernelSource, kernel_places, read_directory
from rump.fs._kerneltarget import KernelTarget
from rump.fs._node import GROUP, Copied, Kept, Report, Source, Target, Tell
from rump.fs._places import joined
from rumpwire import const

if TYPE_CHECKING:
    from rump.fs._tree import Tree

OnError = Callable[[OSError], Any]
_MISSING = {errno.ENOENT, errno.ENOTDIR}


@dataclass(slots=True)
class Wishes:
    """Keywords of the copies.

    ``onerror`` is called for each file that could not be copied, and the copy goes on; without it the first error is
    raised.
    ``owners`` None: kept when the caller is root, as cp(1) and tar(1) do.
    """

    recursive: bool = True
    progress: Tell | None = None
    onerror: OnError | None = None
    owners: bool | None = None
    kept: Kept | None = None
    follow: bool = False

    def resolved(self) -> Kept:
        kept = self.kept or Kept(owners=os.geteuid() == 0)
        return kept if self.owners is None else replace(kept, owners=self.owners)


def _reporter(root: bytes, copied: Copied, onerror: OnError | None) -> Report:
    """A directory that could not be made is told, and counts; what was to be made in it is not, and does not."""
    failed: set[bytes] = set()

    def report(path: bytes, error: OSError) -> None:
        follows = error.errno in _MISSING and (path in failed or (path and path.rpartition(b"/")[0] in failed))
        failed.add(path)
        if follows:
            return
        copied.failed += 1
        error.filename = os.fsdecode(joined(root, path))
        if error.filename2 is not None:
            del error.filename2  # None would be shown
        if onerror is None:
            raise error
        onerror(error)

    return report


def _reporters(source: PathArg, dest: PathArg, copied: Copied, onerror: OnError | None) -> tuple[Report, Report]:
    """For what goes wrong where a tree is read, and where it is made."""
    from_root, to_root = os.fsencode(source), os.fsencode(dest)
    return _reporter(from_root, copied, onerror), _reporter(to_root, copied, onerror)


def _copy(
    source: Source, target: Target, kept: Kept, copied: Copied, reports: tuple[Report, Report], wishes: Wishes
) -> Copied:
    try:
        try:
            Copier(source, target, kept, copied, reports, wishes.progress).run(recursive=wishes.recursive)
        except OSError as error:
            if copied.failed and wishes.onerror is None:
                raise
            reports[0](b"", error)
    finally:
        source.close()
        target.close()
    return copied


def copy_in(tree: Tree, source: PathArg, dest: PathArg, wishes: Wishes) -> Copied:
    kept, copied = wishes.resolved(), Copied()
    reports = _reporters(source, dest, copied, wishes.onerror)
    target = KernelTarget(tree.k, tree.path(dest), kept, copied, reports[1])
    reader = HostSource(os.fsencode(source), kept, reports[0], follow=wishes.follow)
    return _copy(reader, target, kept, copied, reports, wishes)


def copy_out(tree: Tree, source: PathArg, dest: PathArg, wishes: Wishes) -> Copied:
    kept, copied = wishes.resolved(), Copied()
    reports = _reporters(source, dest, copied, wishes.onerror)
    target = HostTarget(os.fsencode(dest), kept, copied, reports[1])
    reader = KernelSource(tree.k, tree.path(source), kept, reports[0], follow=wishes.follow)
    return _copy(reader, target, kept, copied, reports, wishes)


def copy_between(tree: Tree, source: PathArg, to: Tree, dest: PathArg, wishes: Wishes) -> Copied:
    """EINVAL for a directory into itself."""
    kept = wishes.resolved() if wishes.kept or wishes.owners is not None else Kept(owners=True)
    copied = Copied()
    root, new = tree.path(source), to.path(dest)
    if tree.k is to.k and (new.rstrip(b"/") + b"/").startswith(root.rstrip(b"/") + b"/"):
        raise OSError(errno.EINVAL, "a tree does not go into itself", source, None, dest)
    reports = _reporters(source, dest, copied, wishes.onerror)
    target = KernelTarget(to.k, new, kept, copied, reports[1])
    reader = KernelSource(tree.k, root, kept, reports[0], follow=wishes.follow)
    return _copy(reader, target, kept, copied, reports, wishes)


# -- removing


def rmtree(tree: Tree, path: PathArg, onerror: OnError | None) -> None:
    """Depth first; the files of a directory go in few messages."""
    top = os.fsencode(path)
    copied = Copied()
    report = _reporter(top, copied, onerror)
    with kernel_places(tree.k) as places:
        stack: list[tuple[bytes, bool]] = [(b"", False)]
        while stack:
            below, empty = stack.pop()
            fd, name = places.at(joined(tree.path(path), below))
            try:
                if empty:
                    tree.k.sys.unlinkat(fd, name, const.AT_REMOVEDIR)
                else:
                    stack.append((below, True))
                    stack += [(joined(below, folder), False) for folder in _clear(tree, fd, name, below, report)]
            except OSError as error:
                report(below, error)


def _clear(tree: Tree, fd: int, name: bytes, below: bytes, report: Report) -> list[bytes]:
    """Removes the files of a directory; the names of the directories in it."""
    entries = read_directory(tree.k, fd, name)
    folders: list[bytes] = []
    files: list[bytes] = []
    for entry in entries:
        (folders if _is_folder(tree, fd, name, entry.d_type, entry.d_name) else files).append(entry.d_name)
    for start in range(0, len(files), GROUP * 2):
        part = files[start : start + GROUP * 2]
        with tree.k.batch(keep_going=True) as b:
            gone = [b.unlinkat(fd, joined(name, file)) for file in part]
        for file, future in zip(part, gone, strict=True):
            error = future.exception()
            if error is not None:
                report(joined(below, file), error)
    return folders


def _is_folder(tree: Tree, fd: int, path: bytes, dtype: int, name: bytes) -> bool:
    if dtype != const.DT_UNKNOWN:
        return dtype == const.DT_DIR
    return stat.S_ISDIR(tree.k.sys.fstatat(fd, joined(path, name), NOFOLLOW).st_mode)
