"""fsu_put, fsu_get, fsu_ecp, fsu_cp, fsu_mv, fsu_exec: carrying files in, out and about (fs-utils)."""

from __future__ import annotations

import argparse
import errno
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import partial

from rump.fs import Copied, Kept, Progress, Tree
from rumpclients import _image
from rumpclients._command import UsageError, ask, reason, tell
from rumpclients._image import absolute

Copy = Callable[..., Copied]


def _copy_options(p: argparse.ArgumentParser, *, keep: bool = True) -> None:
    p.add_argument("-R", "-r", dest="recursive", action="store_true", help="directories with all that is in them")
    if keep:
        p.add_argument("-p", dest="keep", action="store_true", help="keep modes, times and owners")
    p.add_argument("-a", dest="archive", action="store_true", help="-R -p")
    p.add_argument("-L", dest="follow", action="store_true", help="follow symbolic links that are named")
    p.add_argument("-f", action="store_true", help="replace what is there, which is so anyway")
    p.add_argument("-i", dest="asks", action="store_true", help="ask before something is replaced")
    p.add_argument("-n", dest="spare", action="store_true", help="leave what is there as it is")
    p.add_argument("-v", dest="verbose", action="store_true", help="say what is copied")


class Carrier:
    """Copies with one set of options. Sources may end in ``/.``: then what is in them is copied, not they."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._prog = str(options.prog)
        self._options = options
        self._status = 0
        archive = bool(options.archive)
        keep = archive or getattr(options, "keep", True)
        self._recursive = archive or options.recursive
        self._kept = Kept(owners=keep and (os.geteuid() == 0 or archive), modes=keep, times=keep)

    def carry(self, copy: Copy, sources: Sequence[tuple[str, str]], exists: Callable[[str], bool]) -> int:
        """``sources``: what to copy, and its new name. The exit status."""
        for source, dest in sources:
            if _spared(self._options, dest, exists):
                continue
            try:
                self._one(copy, source, dest)
            except OSError as error:
                self._tell(error)
        return self._status

    def _one(self, copy: Copy, source: str, dest: str) -> None:
        with _image.meter(self._prog) as meter:
            follow = self._options.follow or not self._recursive
            say = partial(self._say, source, dest) if self._options.verbose else meter
            copy(
                source,
                dest,
                recursive=self._recursive,
                progress=say,
                onerror=self._tell,
                kept=self._kept,
                follow=follow,
            )

    def _say(self, source: str, dest: str, progress: Progress) -> None:
        below = os.fsdecode(progress.path)
        line = f"{os.path.join(source, below) if below else source} -> {os.path.join(dest, below) if below else dest}"
        if line != getattr(self, "_line", ""):
            self._line = line
            print(line.encode(errors="replace").decode())

    def _tell(self, error: OSError) -> None:
        self._status = tell(self._prog, reason(error))


def _spared(options: argparse.Namespace, dest: str, exists: Callable[[str], bool]) -> bool:
    """Whether what is there stays: with -n always, with -i when nobody says yes."""
    if options.spare or options.asks:
        return exists(dest) and (options.spare or not ask(f"overwrite {dest}"))
    return False


def _pairs(sources: Sequence[str], dest: str, isdir: Callable[[str], bool]) -> list[tuple[str, str]]:
    """New names. NotADirectoryError when several files are to go into what is no directory."""
    folder = isdir(dest)
    if not folder and (len(sources) > 1 or (dest.endswith("/") and dest.strip("/"))):
        raise NotADirectoryError(20, os.strerror(20), dest)
    out = []
    for source in sources:
        whole = os.path.basename(source) == "." or source in (".", "/")
        name = dest if whole or not folder else os.path.join(dest, os.path.basename(os.path.normpath(source)))
        out.append((source, name))
    return out


def _split(options: argparse.Namespace) -> tuple[list[str], str]:
    if len(options.paths) < 2:
        raise UsageError("what to copy, and where to?")
    return options.paths[:-1], options.paths[-1]


def _put(tree: Tree, options: argparse.Namespace) -> int:
    sources, dest = _split(options)
    return Carrier(options).carry(tree.copy_in, _pairs(sources, absolute(dest), tree.isdir), tree.lexists)


def _get(tree: Tree, options: argparse.Namespace) -> int:
    sources, dest = _split(options)
    pairs = _pairs(_image.names(tree, sources), dest, os.path.isdir)
    return Carrier(options).carry(tree.copy_out, pairs, os.path.lexists)


def put(argv: Sequence[str] | None = None, prog: str = "fsu_put") -> int:
    p = _image.parser(prog, "Copies files of the host into {place}.")
    _copy_options(p)
    p.add_argument("paths", metavar="HOSTPATH... DEST", nargs="+")
    return _image.program(p.parse_args(argv), _put, readonly=False)


def get(argv: Sequence[str] | None = None, prog: str = "fsu_get") -> int:
    p = _image.parser(prog, "Copies files of {place} to the host.")
    _copy_options(p)
    p.add_argument("paths", metavar="PATH... HOSTDEST", nargs="+")
    return _image.program(p.parse_args(argv), _get)


def ecp(argv: Sequence[str] | None = None, prog: str = "fsu_ecp") -> int:
    p = _image.parser(prog, "Copies files between {place} and the host; modes and times are kept.")
    way = p.add_mutually_exclusive_group(required=True)
    way.add_argument("-g", dest="way", action="store_const", const=_get, help="out of the image")
    way.add_argument("-p", dest="way", action="store_const", const=_put, help="into the image")
    _copy_options(p, keep=False)
    p.add_argument("paths", metavar="SOURCE... DEST", nargs="+")
    options = p.parse_args(argv)
    return _image.program(options, options.way, readonly=options.way is _get)


def emv(argv: Sequence[str] | None = None, prog: str = "fsu_emv") -> int:
    p = _image.parser(
        prog, "Moves files between {place} and the host: copies them with all they have, then removes them."
    )
    way = p.add_mutually_exclusive_group(required=True)
    way.add_argument("-g", dest="way", action="store_const", const=_get, help="out of the image")
    way.add_argument("-p", dest="way", action="store_const", const=_put, help="into the image")
    p.add_argument("-v", dest="verbose", action="store_true", help="say what is copied")
    p.add_argument("paths", metavar="SOURCE... DEST", nargs="+")
    p.set_defaults(archive=True, recursive=True, follow=False, spare=False, asks=False)
    return _image.program(p.parse_args(argv), _emv, readonly=False)


def _emv(tree: Tree, options: argparse.Namespace) -> int:
    """What could not be copied whole stays where it is."""
    *sources, dest = options.paths
    status = 0
    for source in sources:
        options.paths = [source, dest]
        failed = int(options.way(tree, options))
        status |= failed
        if failed:
            continue
        for name in _image.names(tree, [source]) if options.way is _get else [source]:
            _removed(tree if options.way is _get else None, name)
    return status


def _removed(tree: Tree | None, name: str) -> None:
    """Of an image, or of the host."""
    if tree is not None:
        tree.rmtree(name) if tree.isdir(name) and not tree.islink(name) else tree.remove(name)
    elif os.path.isdir(name) and not os.path.islink(name):
        shutil.rmtree(name)
    else:
        os.remove(name)


def cp(argv: Sequence[str] | None = None, prog: str = "fsu_cp") -> int:
    p = _image.parser(prog, "Copies files within {place}.")
    _copy_options(p)
    p.add_argument("paths", metavar="PATH... DEST", nargs="+")
    return _image.program(p.parse_args(argv), _cp, readonly=False)


def _cp(tree: Tree, options: argparse.Namespace) -> int:
    sources, dest = _split(options)
    pairs = _pairs(_image.names(tree, sources), absolute(dest), tree.isdir)
    return Carrier(options).carry(tree.copytree, pairs, tree.lexists)


# -- fsu_mv


def mv(argv: Sequence[str] | None = None, prog: str = "fsu_mv") -> int:
    p = _image.parser(prog, "Renames files of {place}.")
    p.add_argument("-f", action="store_true", help="replace what is there, which is so anyway")
    p.add_argument("-i", dest="asks", action="store_true", help="ask before something is replaced")
    p.add_argument("-n", dest="spare", action="store_true", help="leave what is there as it is")
    p.add_argument("-v", dest="verbose", action="store_true", help="say what is renamed")
    p.add_argument("paths", metavar="PATH... DEST", nargs="+")
    return _image.program(p.parse_args(argv), _mv, readonly=False)


def _mv(tree: Tree, options: argparse.Namespace) -> int:
    sources, dest = _split(options)
    names = dict(_pairs(_image.names(tree, sources), absolute(dest), tree.isdir))

    def move(source: str) -> None:
        if _spared(options, names[source], tree.lexists):
            return
        try:
            tree.rename(source, names[source])
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _carry_over(tree, source, names[source])
        if options.verbose:
            print(f"{source} -> {names[source]}".encode(errors="replace").decode())

    return _image.each(options.prog, list(names), move)


def _carry_over(tree: Tree, source: str, dest: str) -> None:
    """To another file system: copied with all that it has, then removed. EEXIST, EISDIR, ENOTDIR as rename has them."""
    folder = tree.isdir(source) and not tree.islink(source)
    if tree.lexists(dest):
        if tree.isdir(dest) and not tree.islink(dest):
            tree.rmdir(dest) if folder else _refuse(errno.EISDIR, dest)
        elif folder:
            _refuse(errno.ENOTDIR, dest)
    tree.copytree(source, dest, owners=True)
    if folder:
        tree.rmtree(source)
    else:
        tree.remove(source)


def _refuse(number: int, path: str) -> None:
    raise OSError(number, os.strerror(number), path)


# -- fsu_exec


def execute(argv: Sequence[str] | None = None, prog: str = "fsu_exec") -> int:
    p = _image.parser(
        prog, "Runs a command of the host on a copy of a file of {place}, and puts back what it made of it."
    )
    p.add_argument("words", metavar="COMMAND [ARG...] PATH", nargs=argparse.REMAINDER)
    return _image.program(p.parse_args(argv), _execute, readonly=False)


def edit(argv: Sequence[str] | None = None, prog: str = "fsu_ed") -> int:
    """ed(1) of this machine on a file; a new one when it is not there."""
    p = _image.parser(prog, "Edits a file of {place} with ed, or with the program that $EDITOR names (-e).")
    p.add_argument("-s", dest="silent", action="store_true", help="counts of bytes are not told")
    p.add_argument("-e", dest="editor", action="store_true", help="with $EDITOR")
    p.add_argument("path", metavar="PATH")
    options = p.parse_args(argv)
    command = shlex.split(os.environ.get("EDITOR") or "vi") if options.editor else ["ed", *["-s"] * options.silent]
    options.words = [*command, options.path]
    return _image.program(options, partial(_execute, make=True), readonly=False)


def _execute(tree: Tree, options: argparse.Namespace, *, make: bool = False) -> int:
    """1 when the command failed: the file stays as it was then. ``make``: it need not be there."""
    if len(options.words) < 2:
        raise UsageError("a command and a path are needed")
    path = absolute(options.words[-1])
    with tempfile.TemporaryDirectory(prefix="fsu_exec-") as folder:
        name = os.path.join(folder, os.path.basename(path))
        new = make and not tree.exists(path)
        if not new:
            tree.copy_out(path, name, recursive=False, owners=False, follow=True)
        before = None if new else _read(name)
        try:
            status = subprocess.run([*options.words[:-1], name], check=False).returncode
        except FileNotFoundError:
            return tell(options.prog, f"{options.words[0]}: command not found")
        if status:
            return tell(options.prog, f"{options.words[0]}: ended with status {status}; {path} is as it was")
        if os.path.exists(name) and _read(name) != before:
            with open(name, "rb") as file, tree.open(path, "wb") as out:
                shutil.copyfileobj(file, out, 1 << 20)
    return 0


def _read(name: str) -> bytes:
    with open(name, "rb") as file:
        return file.read()
