"""rump file systems for fsspec: ``fsspec.open("rump://etc/motd", image="disk.img")``.

Whatever takes fsspec's file systems (pandas, dask, zarr, ...) reads and writes images, or the mounts of a kernel, with
this. Needs the extra ``fsspec``; imported only by whoever asks for it.
"""

from __future__ import annotations

import os
import stat
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fsspec.spec import AbstractFileSystem

from rump.fs._image import open_image
from rump.fs._tree import Tree
from rumpwire.values import Stat

if TYPE_CHECKING:
    _Base: Any = object
else:
    _Base = AbstractFileSystem

_TYPES = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "link"}


class RumpFileSystem(_Base):  # type: ignore[misc]
    """``image``: an image file, opened as `rump.fs.open_image` does with ``fstype``, ``partition`` and ``readonly``; or
    ``url`` (RUMP_SERVER when neither is given) and ``root``: a directory of a running kernel; or ``tree``. With
    ``auto_mkdir`` directories on the way to a new file are made."""

    protocol = "rump"
    root_marker = "/"
    cachable = False  # an image is open once

    def __init__(
        self, image: str | None = None, *, url: str | None = None, root: str = "/", fstype: str | None = None,
        partition: int | str | None = None, readonly: bool = False, tree: Tree | None = None, auto_mkdir: bool = False,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        self.auto_mkdir = auto_mkdir
        close: Callable[[], None] = _nothing
        if tree is not None:
            self.tree = tree
        elif image is not None:
            opened = open_image(image, fstype, partition=partition, readonly=readonly)
            self.tree, close = opened, opened.close
        else:
            from rump._client import connect

            k = connect(url)
            self.tree, close = Tree(k, root), k.close
        self._close = weakref.finalize(self, close)

    def close(self) -> None:
        """Unmounts the image, or ends the connection."""
        self._close()

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        name = os.fspath(path)
        name = name.removeprefix("rump://").rstrip("/")
        return name if name.startswith("/") else f"/{name}"

    # -- looking

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        path = self._strip_protocol(path)
        found = _info(path, self.tree.lstat(path))
        if found["islink"]:
            found["destination"] = self.tree.readlink(path)
            try:
                behind = _info(path, self.tree.stat(path))
            except FileNotFoundError:
                return found
            found["type"], found["size"] = behind["type"], behind["size"]
        return found

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        path = self._strip_protocol(path)
        if not self.tree.isdir(path):
            found = [self.info(path)]
        else:
            entries = sorted(self.tree.scandir(path), key=lambda entry: entry.name)
            found = [
                self.info(entry.path) if entry.is_symlink() else _info(entry.path, entry.stat(follow_symlinks=False))
                for entry in entries
            ]
        return found if detail else [one["name"] for one in found]

    def created(self, path: str) -> Any:
        return _time(self.tree.stat(self._strip_protocol(path)).st_birthtime_ns)

    def modified(self, path: str) -> Any:
        return _time(self.tree.stat(self._strip_protocol(path)).st_mtime_ns)

    # -- changing

    def mkdir(self, path: str, create_parents: bool = True, **options: Any) -> None:
        self.tree.mkdir(self._strip_protocol(path), parents=create_parents)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self.tree.mkdir(self._strip_protocol(path), parents=True, exist_ok=exist_ok)

    def rmdir(self, path: str) -> None:
        self.tree.rmdir(self._strip_protocol(path))

    def rm_file(self, path: str) -> None:
        self.tree.remove(self._strip_protocol(path))

    _rm = rm_file

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        for one in [path] if isinstance(path, (str, os.PathLike)) else path:
            name = self._strip_protocol(one)
            if recursive and self.tree.isdir(name) and not self.tree.islink(name):
                self.tree.rmtree(name)
            else:
                self.tree.remove(name)

    def mv(self, path1: str, path2: str, **options: Any) -> None:
        self.tree.rename(self._strip_protocol(path1), self._strip_protocol(path2))

    def cp_file(self, path1: str, path2: str, **options: Any) -> None:
        source, dest = self._strip_protocol(path1), self._new(path2)
        if self.tree.isdir(source):
            self.tree.mkdir(dest, parents=True, exist_ok=True)
        else:
            self.tree.copytree(source, dest, recursive=False)

    def _new(self, path: str) -> Any:
        """Where a file is to be made."""
        name = self._strip_protocol(path)
        if self.auto_mkdir and "/" in name.strip("/"):
            self.tree.mkdir(os.path.dirname(name), parents=True, exist_ok=True)
        return name

    def touch(self, path: str, truncate: bool = True, **options: Any) -> None:
        name = self._new(path)
        if truncate:
            self.tree.write_bytes(name, b"")
        else:
            self.tree.touch(name)

    # -- contents

    def _open(
        self, path: str, mode: str = "rb", block_size: Any = None, autocommit: bool = True, cache_options: Any = None,
        **options: Any,
    ) -> Any:  # fmt: skip
        name = self._strip_protocol(path) if mode[:1] == "r" else self._new(path)
        return self.tree.open(name, mode if "b" in mode else f"{mode}b")

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        if start is None and end is None:
            return self.tree.read_bytes(self._strip_protocol(path))
        data: bytes = super().cat_file(path, start, end, **options)
        return data

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        name = self._new(path)
        if mode == "create" and self.tree.lexists(name):
            raise FileExistsError(name)
        self.tree.write_bytes(name, value)


def _nothing() -> None:
    """A tree that was handed in is its owner's to close."""


def _info(path: str, st: Stat) -> dict[str, Any]:
    kind = stat.S_IFMT(st.st_mode)
    return {
        "name": path, "size": st.st_size, "type": _TYPES.get(kind, "other"), "islink": kind == stat.S_IFLNK,
        "created": st.st_ctime, "mtime": st.st_mtime, "mode": st.st_mode, "uid": st.st_uid, "gid": st.st_gid,
        "ino": st.st_ino, "nlink": st.st_nlink,
    }  # fmt: skip


def _time(ns: int) -> Any:
    import datetime as dt

    return dt.datetime.fromtimestamp(ns / 1e9, tz=dt.UTC)
