"""Directories of a tree: entries with their attributes, walking, patterns."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, AnyStr, Generic

from rumpwire.values import Stat

if TYPE_CHECKING:
    from rump.fs._kernelsource import Seen
    from rump.fs._tree import Tree

DEPTH_MAX = 1 << 16
"""Directories of a damaged image may hold one another."""


class DirEntry(Generic[AnyStr]):
    """A name in a directory, as `os.DirEntry`. The attributes of all entries come when one is asked for them."""

    __slots__ = ("_folder", "_kind", "_seen", "_statted", "_tree", "name")

    def __init__(
        self, tree: Tree, folder: AnyStr, name: AnyStr, seen: Seen, statted: Callable[[], dict[Any, Any]]
    ) -> None:
        self._tree = tree
        self._folder: AnyStr = folder
        self.name: AnyStr = name
        self._seen = seen
        self._kind = seen.dtype << 12
        self._statted = statted

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"

    @property
    def path(self) -> AnyStr:
        return os.path.join(self._folder, self.name)

    @property
    def fileno(self) -> int:
        return self._seen.fileno

    @property
    def kind(self) -> int:
        """The file type of st_mode."""
        return self._type()

    def inode(self) -> int:
        return self.fileno

    def stat(self, *, follow_symlinks: bool = True) -> Stat:
        """ENOENT when it has gone meanwhile, and what stat fails with."""
        if follow_symlinks and self.is_symlink():
            return self._tree.stat(self.path)
        if self._seen.at >= 0:
            return self._seen.attributes()
        found = self._statted()[self.name].result()
        assert isinstance(found, Stat)
        return found

    def is_symlink(self) -> bool:
        return self._type() == stat.S_IFLNK

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self._is(stat.S_IFDIR, follow_symlinks)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return self._is(stat.S_IFREG, follow_symlinks)

    def _type(self) -> int:
        if not self._kind:  # the file system does not say
            self._kind = stat.S_IFMT(self.stat(follow_symlinks=False).st_mode)
        return self._kind

    def _is(self, kind: int, follow: bool) -> bool:
        if self._type() != stat.S_IFLNK or not follow:
            return self._type() == kind
        try:
            return stat.S_IFMT(self._tree.stat(self.path).st_mode) == kind
        except FileNotFoundError:
            return False


def walk(
    tree: Tree, top: AnyStr, topdown: bool, onerror: Callable[[OSError], Any] | None
) -> Iterator[tuple[AnyStr, list[AnyStr], list[AnyStr]]]:
    """As `os.walk`, without following links. Depth does not matter."""
    stack: list[tuple[AnyStr, bool]] = [(top, False)]
    late: dict[int, tuple[AnyStr, list[AnyStr], list[AnyStr]]] = {}
    while stack:
        path, seen = stack.pop()
        if seen:
            yield late.pop(len(stack))
            continue
        try:
            entries = tree.scandir(path)
        except OSError as error:
            if onerror is not None:
                onerror(error)
            continue
        folders = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
        item = (path, folders, [e.name for e in entries if not e.is_dir(follow_symlinks=False)])
        if topdown:
            yield item  # whoever walks may take directories out
        else:
            late[len(stack)] = item
            stack.append((path, True))
        if len(stack) < DEPTH_MAX:
            stack += [(os.path.join(path, name), False) for name in reversed(folders)]


_MAGIC = re.compile(r"[*?\[]")


def glob(tree: Tree, pattern: str) -> Iterator[str]:
    """Paths that match, sorted in each directory; ``**`` stands for any directories. Dot files must be asked for."""
    absolute = pattern.startswith("/")
    parts = [part for part in pattern.split("/") if part]
    for found in _below(tree, "/" if absolute else "", parts):
        if not pattern.endswith("/") or tree.isdir(found):
            yield found


def _below(tree: Tree, path: str, parts: list[str]) -> Iterator[str]:
    if not parts:
        yield path
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        for folder, below, names in walk(tree, path or ".", True, None):
            below[:] = sorted(name for name in below if not name.startswith("."))
            here = folder if path or folder == "." else folder.removeprefix("./")
            here = "" if here == "." else here
            if rest:
                yield from _below(tree, here, rest)
            else:
                yield from ([here] if here else [])
                yield from (os.path.join(here, name) for name in sorted(names) if not name.startswith("."))
    elif not _MAGIC.search(part):
        below_path = os.path.join(path, part)
        if tree.lexists(below_path):
            yield from _below(tree, below_path, rest)
    else:
        yield from _matching(tree, path, part, rest)


def _matching(tree: Tree, path: str, part: str, rest: list[str]) -> Iterator[str]:
    try:
        entries = tree.scandir(path or ".")
    except OSError:
        return
    for entry in sorted(entries, key=lambda e: e.name):
        hidden = entry.name.startswith(".") and not part.startswith(".")
        if not hidden and fnmatch.fnmatchcase(entry.name, part) and (not rest or entry.is_dir()):
            yield from _below(tree, os.path.join(path, entry.name), rest)
