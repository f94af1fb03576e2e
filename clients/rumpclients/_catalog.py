"""All programs of the distribution, and what their parsers say of them: for completion, and for the manual."""

from __future__ import annotations

import argparse
import functools
import importlib.metadata
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

DISTRIBUTION = "anykernel"


class Program(NamedTuple):
    """A program. ``commands`` are its subcommands, by name and with what they are for."""

    name: str
    parser: argparse.ArgumentParser
    commands: dict[str, tuple[str, argparse.ArgumentParser]]


class Option(NamedTuple):
    """What begins with a dash. ``value`` is what it takes, empty for a switch."""

    flags: tuple[str, ...]
    value: str
    choices: tuple[str, ...]
    text: str


class _Captured(BaseException):
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def names() -> list[str]:
    """All programs."""
    return sorted(point.name for point in _points())


def _points() -> list[importlib.metadata.EntryPoint]:
    points = importlib.metadata.distribution(DISTRIBUTION).entry_points
    return [point for point in points if point.group == "console_scripts"]


@functools.cache
def programs() -> tuple[Program, ...]:
    """All programs, sorted by name."""
    return tuple(_program(point) for point in sorted(_points(), key=lambda point: point.name))


def _program(point: importlib.metadata.EntryPoint) -> Program:
    parser = _parser(point)
    subs = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    commands = {}
    for sub in subs:
        texts = {choice.dest: choice.help or "" for choice in sub._choices_actions}
        commands.update({name: (texts.get(name, ""), p) for name, p in sub.choices.items()})
    return Program(point.name, parser, commands)


def _parser(point: importlib.metadata.EntryPoint) -> argparse.ArgumentParser:
    """The parser of a program, which is caught when it is asked to parse."""
    argv = sys.argv
    sys.argv = [point.name, "--help"]
    try:
        with _catching():
            point.load()()
    except _Captured as caught:
        return caught.parser
    finally:
        sys.argv = argv
    raise AssertionError(f"{point.name} parses no arguments")


@contextmanager
def _catching() -> Iterator[None]:
    def catch(self: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> Any:
        raise _Captured(self)

    kept = argparse.ArgumentParser.parse_known_args
    argparse.ArgumentParser.parse_known_args = catch  # type: ignore[method-assign]
    try:
        yield
    finally:
        argparse.ArgumentParser.parse_known_args = kept  # type: ignore[method-assign]


def options(parser: argparse.ArgumentParser) -> list[Option]:
    """In the order in which they were added."""
    return [
        _option(parser, action)
        for action in parser._actions
        if action.option_strings and action.help != argparse.SUPPRESS
    ]


def _option(parser: argparse.ArgumentParser, action: argparse.Action) -> Option:
    takes = action.nargs != 0 and not isinstance(action, (argparse._HelpAction, argparse._VersionAction))
    value = parser._get_formatter()._format_args(action, action.dest.upper()) if takes else ""
    choices = tuple(map(str, action.choices)) if action.choices is not None else ()
    return Option(tuple(action.option_strings), value, choices, helped(parser, action))


def arguments(parser: argparse.ArgumentParser) -> list[tuple[str, str]]:
    """Positional arguments as the usage has them, and what they are."""
    found = [a for a in parser._actions if not a.option_strings and not isinstance(a, argparse._SubParsersAction)]
    formatter = parser._get_formatter()
    return [(formatter._format_args(a, a.dest), helped(parser, a)) for a in found]


def helped(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser._get_formatter()._expand_help(action) if action.help else ""
