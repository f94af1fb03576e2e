"""rump.pax and rump.tar: archives of this machine with files of a kernel (pax(1), tar(1))."""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import os
import stat
import sys
import tarfile
from collections.abc import Iterator, Sequence
from typing import IO, Any

import rump
from rump.fs import Tree
from rumpclients import _image
from rumpclients._command import CommandError, UsageError, reason, tell
from rumpclients._image import absolute, names
from rumpclients._statformat import clock

_KINDS = {stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFLNK: tarfile.SYMTYPE, stat.S_IFCHR: tarfile.CHRTYPE,
          stat.S_IFBLK: tarfile.BLKTYPE, stat.S_IFIFO: tarfile.FIFOTYPE, stat.S_IFREG: tarfile.REGTYPE}  # fmt: skip
_FORMATS = {"ustar": tarfile.USTAR_FORMAT, "pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT}
_CHUNK = 1 << 20


def pax(argv: Sequence[str] | None = None, prog: str = "rump.pax") -> int:
    p = _image.parser(
        prog, "Lists, reads (-r) and writes (-w) archives of this machine with files of {place}; -rw copies."
    )
    p.add_argument("-r", dest="read", action="store_true", help="take files out of the archive")
    p.add_argument("-w", dest="write", action="store_true", help="put files into it")
    p.add_argument("-f", dest="archive", metavar="FILE", help="the archive; standard input or output when left out")
    p.add_argument("-x", dest="format", choices=sorted(_FORMATS), default="pax", help="format of a new archive")
    p.add_argument("-z", dest="gzip", action="store_true", help="with gzip")
    p.add_argument("-k", dest="spare", action="store_true", help="leave files that are there")
    p.add_argument("-p", dest="keep", metavar="eopm", default="", help="keep: e all, o owners, p modes, m no times")
    p.add_argument("-v", dest="verbose", action="store_true", help="names, or with a list attributes")
    p.add_argument("paths", metavar="PATH|PATTERN", nargs="*", help="with -rw the last one is the directory to copy to")
    options = p.parse_args(argv)
    return _image.program(options, _pax)


def tar(argv: Sequence[str] | None = None, prog: str = "rump.tar") -> int:
    p = _image.parser(prog, "Makes (-c), takes out (-x) and lists (-t) archives of this machine with files of {place}.")
    way = p.add_mutually_exclusive_group(required=True)
    way.add_argument("-c", dest="way", action="store_const", const="c", help="make an archive")
    way.add_argument("-x", dest="way", action="store_const", const="x", help="take files out")
    way.add_argument("-t", dest="way", action="store_const", const="t", help="list what is in it")
    p.add_argument("-f", dest="archive", metavar="FILE", help="the archive; standard input or output when left out")
    p.add_argument("-C", dest="folder", metavar="DIR", default="/", help="directory that paths begin in")
    p.add_argument("-k", dest="spare", action="store_true", help="leave files that are there")
    p.add_argument("-p", dest="preserve", action="store_true", help="owners too")
    p.add_argument("-v", dest="verbose", action="store_true", help="names, or with -t attributes")
    p.add_argument("-z", dest="gzip", action="store_true", help="with gzip")
    p.add_argument("paths", metavar="PATH", nargs="*")
    p.set_defaults(format="pax", keep="")
    options = p.parse_args(argv)
    options.read, options.write = options.way == "x", options.way == "c"
    options.keep = "e" if options.preserve else "p"
    return _image.program(options, _pax)


def _pax(tree: Tree, options: argparse.Namespace) -> int:
    archiver = Archiver(tree, options)
    if options.read and options.write:
        return archiver.copy()
    if options.write:
        return archiver.write()
    return archiver.read() if options.read else archiver.list()


class Archiver:
    """One archive and one tree."""

    def __init__(self, tree: Tree, options: argparse.Namespace) -> None:
        self._tree = tree
        self._options = options
        self._folder = absolute(getattr(options, "folder", "."))
        self._status = 0
        self._links: dict[tuple[int, int], str] = {}

    def _failed(self, error: OSError) -> None:
        self._status = tell(self._options.prog, reason(error))

    @contextlib.contextmanager
    def _archive(self, mode: str) -> Iterator[tarfile.TarFile]:
        options = self._options
        standard: IO[bytes] = sys.stdin.buffer if mode == "r" else sys.stdout.buffer
        pack = "gz" if options.gzip else "*" if mode == "r" else ""
        try:
            with contextlib.ExitStack() as stack:
                file = standard
                if options.archive not in (None, "-"):
                    file = stack.enter_context(open(options.archive, f"{mode}b"))
                make: Any = tarfile.open
                yield stack.enter_context(make(fileobj=file, mode=f"{mode}|{pack}", format=_FORMATS[options.format]))
        except tarfile.TarError as error:
            raise CommandError(f"{options.archive or 'stdin'}: {error}") from None

    # -- writing

    def write(self) -> int:
        options = self._options
        paths = options.paths or ([line.rstrip("\n") for line in sys.stdin] if options.archive else [])
        if not paths:
            raise UsageError("what is to be put into the archive?")
        with self._archive("w") as archive:
            for path in paths:
                start = path if path.startswith("/") else os.path.join(self._folder, path)
                for found in names(self._tree, [start]):
                    self._write(archive, found)
        return self._status

    def _write(self, archive: tarfile.TarFile, path: str) -> None:
        try:
            st = self._tree.lstat(path)
            self._add(archive, path, st)
            below = sorted(self._tree.listdir(path)) if stat.S_ISDIR(st.st_mode) else []
        except OSError as error:
            self._failed(error)
            return
        for name in below:
            self._write(archive, os.path.join(path, name))

    def _add(self, archive: tarfile.TarFile, path: str, st: rump.Stat) -> None:
        kind = _KINDS.get(stat.S_IFMT(st.st_mode))
        if kind is None:
            return  # names of sockets are in no archive
        info = tarfile.TarInfo(self._inside(path))
        info.type, info.mode, info.uid, info.gid = kind, stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid
        info.mtime = st.st_mtime_ns / 1e9 if st.st_mtime_ns % 10**9 else st.st_mtime_ns // 10**9
        info.devmajor, info.devminor = rump.major(st.st_rdev), rump.minor(st.st_rdev)
        if kind == tarfile.SYMTYPE:
            info.linkname = self._tree.readlink(path)
        first = self._links.setdefault((st.st_dev, st.st_ino), info.name) if st.st_nlink > 1 else info.name
        if first != info.name and kind != tarfile.DIRTYPE:
            info.type, info.linkname = tarfile.LNKTYPE, first
        if self._options.verbose:
            print(info.name, file=sys.stderr)
        if info.type == tarfile.REGTYPE:
            info.size = st.st_size
            with self._tree.open(path, "rb") as file:
                archive.addfile(info, file)
        else:
            archive.addfile(info)

    def _inside(self, path: str) -> str:
        """The name in the archive: paths of the working directory without it, others without their first slash."""
        if self._folder != "/" and (path + "/").startswith(self._folder.rstrip("/") + "/"):
            return path[len(self._folder.rstrip("/")) + 1 :] or "."
        return path.lstrip("/") or "."

    # -- reading

    def _wanted(self, name: str) -> bool:
        patterns = [pattern.strip("/") for pattern in self._options.paths]
        clean = name.strip("/")
        return not patterns or any(
            clean == p or clean.startswith(p + "/") or fnmatch.fnmatchcase(clean, p) for p in patterns
        )

    def list(self) -> int:
        with self._archive("r") as archive:
            for info in archive:
                if self._wanted(info.name):
                    print(_long(info) if self._options.verbose else info.name)
        return 0

    def read(self) -> int:
        late: list[tuple[str, tarfile.TarInfo]] = []
        with self._archive("r") as archive:
            for info in archive:
                if not self._wanted(info.name):
                    continue
                path = self._outside(info.name)
                if self._options.verbose:
                    print(info.name, file=sys.stderr)
                try:
                    self._take(archive, info, path)
                    late.append((path, info)) if info.isdir() else self._dress(path, info)
                except OSError as error:
                    self._failed(error)
        for path, info in reversed(late):  # what was put into directories has changed their times
            with contextlib.suppress(OSError):
                self._dress(path, info)
        return self._status

    def _outside(self, name: str) -> str:
        """Never above the directory that paths begin in."""
        return os.path.join(self._folder, os.path.normpath("/" + name).lstrip("/")).rstrip("/") or "/"

    def _take(self, archive: tarfile.TarFile, info: tarfile.TarInfo, path: str) -> None:
        tree = self._tree
        if info.isdir():
            tree.mkdir(path, parents=True, exist_ok=True)
            return
        if tree.lexists(path):
            if self._options.spare:
                return
            tree.remove(path)
        tree.mkdir(os.path.dirname(path), parents=True, exist_ok=True)
        if info.issym():
            tree.symlink(info.linkname, path)
        elif info.islnk():
            tree.link(self._outside(info.linkname), path)
        elif info.isfifo():
            tree.mkfifo(path)
        elif info.ischr() or info.isblk():
            kind = stat.S_IFCHR if info.ischr() else stat.S_IFBLK
            tree.mknod(path, kind | 0o600, rump.makedev(info.devmajor, info.devminor))
        else:
            self._pour(archive, info, path)

    def _pour(self, archive: tarfile.TarFile, info: tarfile.TarInfo, path: str) -> None:
        source = archive.extractfile(info)
        if source is None:
            raise CommandError(f"{info.name}: neither a file nor anything else that is known")
        with self._tree.open(path, "wb") as out:
            while data := source.read(_CHUNK):
                out.write(data)

    def _dress(self, path: str, info: tarfile.TarInfo) -> None:
        """Modes, times, and owners where they are wanted."""
        keep = self._options.keep
        if "e" in keep or "o" in keep:
            self._tree.chown(path, info.uid, info.gid, follow_symlinks=False)
        if not info.issym() and not info.islnk():
            self._tree.chmod(path, info.mode & (0o7777 if keep else 0o777))
        if "m" not in keep and not info.islnk():
            ns = round(info.mtime * 10**9)
            self._tree.utime(path, ns=(ns, ns), follow_symlinks=False)

    # -- copying

    def copy(self) -> int:
        if len(self._options.paths) < 2:
            raise UsageError("what to copy, and the directory to copy it to?")
        *sources, dest = (absolute(path) for path in self._options.paths)
        if not self._tree.isdir(dest):
            raise NotADirectoryError(20, os.strerror(20), dest)
        for source in names(self._tree, sources):
            copy = os.path.join(dest, source.lstrip("/"))
            self._tree.mkdir(os.path.dirname(copy), parents=True, exist_ok=True)
            self._tree.copytree(source, copy, owners=True, onerror=self._failed)
        return self._status


def _long(info: tarfile.TarInfo) -> str:
    kind = next((mode for mode, found in _KINDS.items() if found == info.type), stat.S_IFREG)
    target = f" -> {info.linkname}" if info.issym() else f" == {info.linkname}" if info.islnk() else ""
    owner = f"{stat.filemode(kind | info.mode)} {info.uid:>5} {info.gid:<5}"
    return f"{owner} {info.size:>10} {clock(float(info.mtime), '%b %e %H:%M %Y')} {info.name}{target}"


if __name__ == "__main__":
    sys.exit(pax())
