"""What the fsu_ programs share: an image, or a directory of a running kernel, as the root of their world.

The same programs under the name ``rump.``, and those of a console, name no image: their files are those of the kernel
of RUMP_SERVER, and of the tree that the console has open.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import rump
from rump.fs import Image, Progress, Tree, open_image
from rumpclients._command import CommandError, Parser, UsageError, human, reason, run, tell
from rumpclients.mount import mount_options

_URL = re.compile(r"(?P<url>(?:unix|tcp|tcp\+plain)://.*?)(?::(?P<path>/.*))?", re.DOTALL)
_PARTITION = re.compile(r"(?P<image>.+)%(?:DISKLABEL:(?P<letter>[a-v])|PARTITION:(?P<number>[0-9]{1,3}))%?", re.DOTALL)
_SHORT = re.compile(r"(?P<image>.+)@(?:(?P<letter>[a-v])|p(?P<number>[0-9]{1,3}))", re.DOTALL)
_MAGIC = re.compile(r"[*?\[]")
_LINE_S = 0.1
Work = Callable[[Tree, argparse.Namespace], int]


class ImageParser(Parser):
    """Options may stand anywhere among the paths."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        if any(action.nargs == argparse.REMAINDER for action in self._actions):
            return super().parse_args(args, namespace)
        return self.parse_intermixed_args(args, namespace)


class Session:
    """Where paths lead to while a console is open: its tree, and its working directory."""

    tree: Tree | None = None
    folder = "/"


def parser(prog: str, description: str, **options: Any) -> Parser:
    """A parser with what all programs on files take. ``{place}`` in the description is where the files are."""
    place = "the kernel" if on_kernel(prog) else "an image"
    p = ImageParser(prog, description.format(place=place), **options)
    p.set_defaults(prog=prog, image=None)
    if prog.startswith("fsu_"):
        arguments(p)
    return p


def on_kernel(prog: str) -> bool:
    """Whether a program is for the files of the kernel that RUMP_SERVER names."""
    return prog.startswith("rump.")


def arguments(p: argparse.ArgumentParser) -> None:
    """The file system to work on."""
    p.add_argument("-t", dest="fs_type", metavar="TYPE", help="type of the file system; found out when left out")
    p.add_argument("-o", dest="fs_options", metavar="OPTS", action="append", default=[], help="mount options")
    p.add_argument("image", metavar="IMAGE", help="image, image@p1, image@a (of a disklabel), URL:PATH, or an alias")


@contextmanager
def opened(options: argparse.Namespace, *, readonly: bool = True, retry: float | None = None) -> Iterator[Tree]:
    """The tree of files that IMAGE names. ``retry``: seconds to wait for a kernel that has gone.

    CommandError when no file system is found.
    """
    if options.image is None:
        yield from _bound(options.prog)
        return
    resolve_alias(options)
    name = str(options.image)
    url = _URL.fullmatch(name)
    if url is not None and not os.path.exists(name):
        with rump.connect(url["url"], comm=options.prog, retry=retry) as k:
            k.sys.chroot(url["path"] or "/")
            k.sys.chdir("/")
            yield Tree(k)
        return
    with open_named(options, readonly=readonly) as image:
        yield image


def _bound(prog: str) -> Iterator[Tree]:
    """The tree of a program that names no image."""
    if Session.tree is not None:
        yield Session.tree
        return
    with rump.connect(comm=prog) as k:
        yield Tree(k)


def resolve_alias(options: argparse.Namespace) -> None:
    """An image that is a name of ``.fsurc`` is what stands for it there: ``name:image[:type[:options]]``."""
    found = None if os.path.exists(options.image) else aliases().get(options.image)
    if found is None:
        return
    options.image, kind, words = found
    options.fs_type = options.fs_type or kind or None
    options.fs_options = [*filter(None, [words]), *options.fs_options]


def aliases() -> dict[str, tuple[str, str, str]]:
    """Image, type and mount options by alias, out of ``.fsurc`` in the home directory; none where there is no file.

    A URL may stand for an image, although there are colons in it; so may one with a path.
    """
    try:
        with open(os.path.expanduser("~/.fsurc"), encoding="utf-8") as file:
            lines = [line.strip() for line in file]
    except FileNotFoundError:
        return {}
    out = {}
    for line in lines:
        name, _, rest = line.partition(":")
        if not name or name.startswith(("#", "-")) or not rest:
            continue
        if _URL.fullmatch(rest):
            out[name] = (rest, "", "")
            continue
        image, kind, words = [*rest.split(":", 2), "", ""][:3]
        out[name] = (os.path.expanduser(image), kind, words)
    return out


def url_of(name: str) -> str | None:
    """The URL in ``URL:PATH``."""
    found = _URL.fullmatch(name)
    return found["url"] if found else None


def is_image(tree: Tree) -> bool:
    """Whether nobody else changes the files."""
    return isinstance(tree, Image)


def split_name(name: str) -> tuple[str, str | None]:
    """The file of an image, and the partition whose name stands behind that."""
    found = _PARTITION.fullmatch(name) or _SHORT.fullmatch(name)
    if found is None or os.path.exists(name):
        return name, None
    return found["image"], found["letter"] or found["number"]


def on_host(special: str, *, wanted: bool) -> bool:
    """Whether a program for disks is for an image of this machine: with -F, and where no kernel is named.

    UsageError for a disk of this machine that -F does not ask for: then a kernel was forgotten.
    """
    if not wanted and os.environ.get("RUMP_SERVER"):
        return False
    if not wanted and special.startswith("/dev/"):
        raise UsageError(f"{special}: no kernel is named in RUMP_SERVER; -F is for disks of this machine")
    return True


def host_name(name: str) -> str:
    """The absolute name of the file, or what else it is."""
    file = split_name(name)[0]
    return os.path.realpath(file) if os.path.exists(file) else name


def open_named(options: argparse.Namespace, *, readonly: bool) -> Image:
    """The image itself, whose name may have a partition behind it."""
    name, partition = split_name(options.image)
    flags, rest = mount_options(",".join(options.fs_options))
    try:
        return open_image(name, options.fs_type, readonly=readonly, partition=partition, options=rest, flags=flags)
    except rump.RumpError as error:
        if error.name == "ENODEV" and options.fs_type:
            raise CommandError(f"{options.image}: no file system {options.fs_type}") from None
        what = error.text or str(error.strerror)
        if what == "no known file system":
            what += "; name one with -t, or make one with rump.newfs"
        elif what.startswith("no known file system"):
            what += f"; name one, as {options.image}@p1"
        raise CommandError(f"{options.image}: {what}") from None


def program(options: argparse.Namespace, work: Work, *, readonly: bool = True) -> int:
    """Runs the work of a program on its files."""

    def inside() -> int:
        with opened(options, readonly=readonly) as tree:
            return work(tree, options)

    return run(options.prog, inside)


def each(prog: str, paths: list[str], work: Callable[[str], object]) -> int:
    """Does something with every path, and goes on after one that failed; the exit status."""
    status = 0
    for path in paths:
        try:
            work(path)
        except OSError as error:
            if error.filename is None:
                error.filename = path
            status = tell(prog, reason(error))
    return status


def absolute(path: str) -> str:
    """A path of the image. Other than in a console, there is no working directory but its root."""
    return path if path.startswith("/") else os.path.join(Session.folder, path)


def names(tree: Tree, paths: Sequence[str]) -> list[str]:
    """Absolute paths; patterns of the shell are what they match, if they match, unless a file bears that very name."""
    out: list[str] = []
    for path in map(absolute, paths):
        matching = _MAGIC.search(path) is not None and not tree.lexists(path)
        out += (list(tree.glob(path)) if matching else []) or [path]
    return out


def into(tree: Tree, path: str, source: str, *, folder: bool = False) -> str:
    """The name that a file gets: in a directory that is there it keeps its own. NotADirectoryError if one is needed."""
    if tree.isdir(path):
        return os.path.join(path, os.path.basename(os.path.normpath(source)))
    if folder:
        raise NotADirectoryError(20, os.strerror(20), path)
    return path


def entries(tree: Tree, path: bytes) -> list[tuple[bytes, rump.Stat]]:
    """Names and attributes of what is in a directory, sorted by name, in a few messages."""
    found = sorted(tree.scandir(path), key=lambda entry: entry.name)
    return [(entry.name, entry.stat(follow_symlinks=False)) for entry in found]


class Meter:
    """How far a copy is, on a terminal."""

    def __init__(self, prog: str) -> None:
        self._prog = prog
        self._start = self._last = time.monotonic()
        self._shown = False

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last < _LINE_S:
            return
        self._last, self._shown = now, True
        speed = human(progress.size / max(now - self._start, 0.001))
        print(
            f"\r{self._prog}: {progress.files} files, {human(progress.size)}, {speed}/s\033[K", end="", file=sys.stderr
        )

    def end(self) -> None:
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr)
            sys.stderr.flush()


@contextmanager
def meter(prog: str) -> Iterator[Meter | None]:
    """A meter when there is somebody to look at it."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = Meter(prog)
    try:
        yield shown
    finally:
        shown.end()
