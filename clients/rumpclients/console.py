"""fsu_console and rump.console: the file programs, one after another, on files that stay open between them."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

from rump.fs import Tree
from rumpclients import _image, fsu, fsu_attr, fsu_copy, fsu_make, fsu_usage
from rumpclients._command import UsageError, reason, tell
from rumpclients._image import Session, absolute

COMMANDS: dict[str, Callable[..., int]] = {
    "cat": fsu.cat, "chflags": fsu_attr.chflags, "chgrp": fsu_attr.chgrp, "chmod": fsu_attr.chmod,
    "chown": fsu_attr.chown, "cp": fsu_copy.cp, "df": fsu_usage.df, "diff": fsu_usage.diff, "du": fsu_usage.du,
    "ed": fsu_copy.edit, "exec": fsu_copy.execute, "find": fsu.find, "get": fsu_copy.get, "ln": fsu_make.ln,
    "ls": fsu.ls, "mkdir": fsu_make.mkdir, "mkfifo": fsu_make.mkfifo, "mknod": fsu_make.mknod, "mv": fsu_copy.mv,
    "put": fsu_copy.put, "rm": fsu_make.rm, "rmdir": fsu_make.rmdir, "stat": fsu.stat, "touch": fsu_attr.touch,
    "write": fsu_make.write,
}  # fmt: skip
_OWN = {"cd": "another working directory", "pwd": "which it is", "lcd": "another one of this machine",
        "help": "this", "exit": "the end, as is the end of input"}  # fmt: skip


def main(argv: Sequence[str] | None = None, prog: str = "fsu_console") -> int:
    p = _image.parser(prog, "Runs commands on the files of {place}, which is opened once: help lists them.")
    p.add_argument("-c", dest="commands", metavar="COMMANDS", help="these, separated by semicolons or newlines")
    p.add_argument("-r", dest="readonly", action="store_true", help="only look")
    options = p.parse_args(argv)
    return _image.program(options, _console, readonly=options.readonly)


def kernel(argv: Sequence[str] | None = None) -> int:
    return main(argv, "rump.console")


def _console(tree: Tree, options: argparse.Namespace) -> int:
    """The status of the last command."""
    Session.tree, Session.folder = tree, "/"
    try:
        return _Console(tree, str(options.prog)).run(_lines(options.commands, tree))
    finally:
        Session.tree, Session.folder = None, "/"


def _lines(commands: str | None, tree: Tree) -> Iterator[str]:
    if commands is not None:
        yield from commands.replace(";", "\n").splitlines()
    elif not sys.stdin.isatty():
        yield from sys.stdin
    else:
        yield from _typed(tree)


def _typed(tree: Tree) -> Iterator[str]:
    """Lines of a person, with completion of names."""
    with contextlib.suppress(ImportError):
        import readline

        readline.set_completer_delims(" \t\n;")
        readline.set_completer(_Completer(tree))
        readline.parse_and_bind("tab: complete")
    while True:
        try:
            yield input(f"{Session.folder}> ")
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()


class _Completer:
    """Names of commands, and of files in the tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._found: list[str] = []

    def __call__(self, text: str, state: int) -> str | None:
        if state == 0:
            self._found = self.matches(text)
        return self._found[state] if state < len(self._found) else None

    def matches(self, text: str) -> list[str]:
        folder, name = os.path.split(text)
        out = [] if folder else [f"{word} " for word in sorted({*COMMANDS, *_OWN}) if word.startswith(text)]
        with contextlib.suppress(OSError):
            found = sorted(self._tree.scandir(absolute(folder)), key=lambda entry: entry.name)
            out += [os.path.join(folder, e.name) + "/ "[not e.is_dir()] for e in found if e.name.startswith(name)]
        return out


class _Console:
    def __init__(self, tree: Tree, prog: str) -> None:
        self._tree = tree
        self._prog = prog

    def run(self, lines: Iterator[str]) -> int:
        status = 0
        for line in lines:
            if line.strip() in ("exit", "quit"):
                break
            if line.strip() and not line.lstrip().startswith("#"):
                status = self._one(line.strip())
        return status

    def _one(self, line: str) -> int:
        if line.startswith("!"):
            return subprocess.run(line[1:], shell=True, check=False).returncode  # noqa: S602  the user's own command
        try:
            words = shlex.split(line)
            return self._do(words[0], words[1:])
        except (UsageError, ValueError) as error:
            return tell(self._prog, str(error), 2)
        except OSError as error:
            return tell(self._prog, reason(error))

    def _do(self, name: str, words: list[str]) -> int:
        own = getattr(self, f"_{name}", None) if name in _OWN else None
        if own is not None:
            own(*words[:1])
            return 0
        if name not in COMMANDS:
            raise UsageError(f"{name}: no such command; help lists them")
        try:
            return COMMANDS[name](words, name)
        except SystemExit as end:  # what argparse does about --help and wrong arguments
            return int(end.code or 0)

    def _cd(self, path: str = "/") -> None:
        folder = os.path.normpath(absolute(path))
        if not self._tree.isdir(folder):
            self._tree.listdir(folder)  # raises why
        Session.folder = folder

    def _pwd(self) -> None:
        print(Session.folder)

    def _lcd(self, path: str = "~") -> None:
        os.chdir(os.path.expanduser(path))

    def _help(self) -> None:
        print("Programs:", *sorted(COMMANDS), "(each has --help)")
        for name, what in _OWN.items():
            print(f"{name}: {what}")
        print("!command: a command of this machine")
