"""fsu_mkdir, fsu_rmdir, fsu_rm, fsu_ln, fsu_mkfifo, fsu_mknod, fsu_write: names of an image (fs-utils)."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Sequence

import rump
from rump.fs import Tree
from rumpclients import _image, _modes
from rumpclients._command import UsageError, ask, reason, tell
from rumpclients._image import absolute

_CHUNK = 1 << 20


def _say(options: argparse.Namespace, text: str) -> None:
    if options.verbose:
        print(text.encode(errors="replace").decode())


# -- fsu_mkdir, fsu_rmdir


def mkdir(argv: Sequence[str] | None = None, prog: str = "fsu_mkdir") -> int:
    p = _image.parser(prog, "Makes directories in {place}.")
    p.add_argument("-p", dest="parents", action="store_true", help="those on the way too; none is missing is no error")
    p.add_argument("-m", dest="mode", metavar="MODE", default="", help="mode, as chmod takes it")
    p.add_argument("-v", dest="verbose", action="store_true", help="say what is made")
    p.add_argument("paths", metavar="PATH", nargs="+")
    return _image.program(p.parse_args(argv), _mkdir, readonly=False)


def _mkdir(tree: Tree, options: argparse.Namespace) -> int:
    change = _modes.mode_change(options.mode) if options.mode else None

    def one(path: str) -> None:
        there = options.parents and tree.isdir(path)
        tree.mkdir(path, parents=options.parents, exist_ok=options.parents)
        if change is not None and not there:
            tree.chmod(path, change(stat.S_IFDIR | 0o777))
        if not there:
            _say(options, path)

    return _image.each(options.prog, [absolute(path) for path in options.paths], one)


def rmdir(argv: Sequence[str] | None = None, prog: str = "fsu_rmdir") -> int:
    p = _image.parser(prog, "Removes empty directories of {place}.")
    p.add_argument("-p", dest="parents", action="store_true", help="then those on the way too, when they are empty")
    p.add_argument("-v", dest="verbose", action="store_true", help="say what is removed")
    p.add_argument("paths", metavar="PATH", nargs="+")
    return _image.program(p.parse_args(argv), _rmdir, readonly=False)


def _rmdir(tree: Tree, options: argparse.Namespace) -> int:
    def one(path: str) -> None:
        path = path.rstrip("/") or "/"
        tree.rmdir(path)
        _say(options, path)
        while options.parents and (path := os.path.dirname(path)) != "/":
            tree.rmdir(path)
            _say(options, path)

    return _image.each(options.prog, _image.names(tree, options.paths), one)


# -- fsu_rm


def rm(argv: Sequence[str] | None = None, prog: str = "fsu_rm") -> int:
    p = _image.parser(prog, "Removes files of {place}.")
    p.add_argument("-R", "-r", dest="recursive", action="store_true", help="directories with all that is in them")
    p.add_argument("-d", dest="folders", action="store_true", help="empty directories too")
    p.add_argument("-f", dest="force", action="store_true", help="what is not there is no error")
    p.add_argument("-i", dest="asks", action="store_true", help="ask for each that is named")
    p.add_argument("-v", dest="verbose", action="store_true", help="say what is removed")
    p.add_argument("paths", metavar="PATH", nargs="*")
    return _image.program(p.parse_args(argv), _rm, readonly=False)


def _rm(tree: Tree, options: argparse.Namespace) -> int:
    if not options.paths and not options.force:
        raise UsageError("what is to be removed?")
    failed: list[OSError] = []

    def one(path: str) -> None:
        if os.path.basename(path.rstrip("/")) in ("", ".", ".."):
            raise OSError(22, "the root, . and .. stay", path)
        try:
            if not options.asks or ask(f"remove {path}"):
                _remove(tree, path, options, failed)
        except FileNotFoundError:
            if not options.force:
                raise

    status = _image.each(options.prog, _image.names(tree, options.paths), one)
    for error in failed:
        status = tell(options.prog, reason(error))
    return status


def _remove(tree: Tree, path: str, options: argparse.Namespace, failed: list[OSError]) -> None:
    if not stat.S_ISDIR(tree.lstat(path).st_mode):
        tree.remove(path)
    elif options.recursive:
        before = len(failed)
        tree.rmtree(path, onerror=failed.append)
        if len(failed) > before:
            return
    elif options.folders:
        tree.rmdir(path)
    else:
        raise IsADirectoryError(21, os.strerror(21), path)
    _say(options, path)


# -- fsu_ln


def ln(argv: Sequence[str] | None = None, prog: str = "fsu_ln") -> int:
    p = _image.parser(prog, "Makes links in {place}.", add_help=False)
    p.add_argument("--help", action="help", help="show this and exit")
    p.add_argument("-s", dest="symbolic", action="store_true", help="symbolic links")
    p.add_argument("-f", dest="force", action="store_true", help="replace what is there")
    p.add_argument(
        "-h", "-n", dest="no_follow", action="store_true", help="a link in the place of DEST is replaced itself"
    )
    p.add_argument("-v", dest="verbose", action="store_true", help="say what is made")
    p.add_argument("paths", metavar="SOURCE... [DEST]", nargs="+")
    return _image.program(p.parse_args(argv), _ln, readonly=False)


def _ln(tree: Tree, options: argparse.Namespace) -> int:
    sources, dest = (options.paths[:-1], options.paths[-1]) if len(options.paths) > 1 else (options.paths, ".")
    dest = absolute(dest)
    folder = tree.isdir(dest) and not (options.no_follow and tree.islink(dest))
    if len(sources) > 1 and not folder:
        raise NotADirectoryError(20, os.strerror(20), dest)

    def one(source: str) -> None:
        name = os.path.join(dest, os.path.basename(os.path.normpath(source))) if folder else dest
        if options.force and tree.lexists(name):
            tree.remove(name)
        if options.symbolic:
            tree.symlink(source, name)
        else:
            tree.link(absolute(source), name)
        _say(options, f"{name} {'->' if options.symbolic else '=>'} {source}")

    return _image.each(options.prog, sources, one)


# -- fsu_mkfifo, fsu_mknod


def mkfifo(argv: Sequence[str] | None = None, prog: str = "fsu_mkfifo") -> int:
    p = _image.parser(prog, "Makes fifos in {place}.")
    p.add_argument("-m", dest="mode", metavar="MODE", default="", help="mode, as chmod takes it")
    p.add_argument("paths", metavar="PATH", nargs="+")
    return _image.program(p.parse_args(argv), _mkfifo, readonly=False)


def _mkfifo(tree: Tree, options: argparse.Namespace) -> int:
    change = _modes.mode_change(options.mode) if options.mode else None

    def one(path: str) -> None:
        tree.mkfifo(path)
        if change is not None:
            tree.chmod(path, change(0o666))

    return _image.each(options.prog, [absolute(path) for path in options.paths], one)


def mknod(argv: Sequence[str] | None = None, prog: str = "fsu_mknod") -> int:
    p = _image.parser(prog, "Makes a device, or with p a fifo, in {place}.")
    p.add_argument("-m", dest="mode", metavar="MODE", default="", help="mode, as chmod takes it")
    p.add_argument("-R", "-r", dest="replace", action="store_true", help="replace what is there")
    p.add_argument("path", metavar="PATH")
    p.add_argument("kind", metavar="b|c|p", choices=("b", "c", "u", "p"))
    p.add_argument("numbers", metavar="MAJOR MINOR", nargs="*", type=int)
    return _image.program(p.parse_args(argv), _mknod, readonly=False)


def _mknod(tree: Tree, options: argparse.Namespace) -> int:
    wanted = 0 if options.kind == "p" else 2
    if len(options.numbers) != wanted:
        raise UsageError("a fifo has no numbers" if not wanted else "a device has a major and a minor number")
    path = absolute(options.path)
    device = 0
    if wanted:
        major, minor = options.numbers
        if not (0 <= major < 1 << 12 and 0 <= minor < 1 << 20):
            raise UsageError(f"{major}, {minor}: numbers of no device")
        device = rump.makedev(major, minor)
    if options.replace and tree.lexists(path):
        tree.remove(path)
    kind = {"b": stat.S_IFBLK, "p": stat.S_IFIFO}.get(options.kind, stat.S_IFCHR)
    tree.mknod(path, kind | 0o666, device)
    if options.mode:
        tree.chmod(path, _modes.mode_change(options.mode)(0o666))
    return 0


# -- fsu_write


def write(argv: Sequence[str] | None = None, prog: str = "fsu_write") -> int:
    p = _image.parser(prog, "Writes standard input to a file of {place}.")
    p.add_argument("-a", dest="append", action="store_true", help="behind what is there")
    p.add_argument("-e", dest="existing", action="store_true", help="only if the file is there")
    p.add_argument("path", metavar="PATH")
    return _image.program(p.parse_args(argv), _write, readonly=False)


def _write(tree: Tree, options: argparse.Namespace) -> int:
    path = absolute(options.path)
    if options.existing:
        tree.stat(path)
    with tree.open(path, "ab" if options.append else "wb", buffering=0) as file:
        while data := sys.stdin.buffer.read(_CHUNK):
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
    return 0
