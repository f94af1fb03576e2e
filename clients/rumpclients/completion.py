"""``rump completion SHELL``: completion for bash, zsh and fish, made out of the parsers of all programs.

The scripts know options and their values; names of files, modules, interfaces, ... of the kernel they ask for with
``rump complete KIND PREFIX``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import rump
from rump.fs import Tree
from rumpclients import _catalog, _manifests
from rumpclients._catalog import Option, Program
from rumpclients._net import requests

SHELLS = ("bash", "zsh", "fish")
_FILES = (
    "cat", "chflags", "chgrp", "chmod", "chown", "cp", "df", "du", "ed", "find", "get", "ln", "ls", "mkdir", "mkfifo",
    "mknod", "mv", "pax", "tar", "rm", "rmdir", "stat", "touch", "write",
)  # fmt: skip
KINDS = {
    **{f"rump.{name}": "path" for name in _FILES}, "rump.sysctl": "sysctl", "rump.modload": "module",
    "rump.modunload": "loaded", "rump.modstat": "loaded", "rump.ifconfig": "interface", "rump.dhcpclient": "interface",
    "rump.umount": "mount", "rump.kill": "pid", "rump.vnconfig": "device", "rump.cgdconfig": "device",
    "rump.raidctl": "device", "rump.drvctl": "device", "rump.repquota": "mount", "rump.quotaon": "mount",
    "rump.quotaoff": "mount", "rump restart": "component", "rump upgrade": "component",
}  # fmt: skip
"""What is completed behind the options. Where nothing is said, files of this machine are."""
VALUES = {
    "rump.tcpdump -i": "interface",
    "rump.netstat -I": "interface",
    "rump.ktrace -p": "pid",
    "rump.edquota -f": "mount",
}


def flags(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("shell", choices=SHELLS, help="eval its output, or save it where the shell looks for completions")


def complete_flags(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("kind", choices=sorted(ANSWERS))
    sub.add_argument("prefix", nargs="?", default="")


# -- answers of the kernel


def _paths(k: rump.Client, prefix: str) -> Iterator[str]:
    folder, _, start = prefix.rpartition("/")
    for entry in Tree(k).scandir(folder or "/"):
        if entry.name.startswith(start):
            yield f"{folder}/{entry.name}" + ("/" if entry.is_dir() else "")


def _modules(k: rump.Client, prefix: str) -> Iterator[str]:
    return iter(_manifests.names())


def _interfaces(k: rump.Client, prefix: str) -> Iterator[str]:
    with requests(k) as asks:
        yield from (i.name for i in asks.ask(rump.SIOCGIFCONF).interfaces)


ANSWERS: dict[str, Callable[[rump.Client, str], Iterator[Any]]] = {
    "path": _paths,
    "module": _modules,
    "loaded": lambda k, prefix: (m.name for m in k.modules.list()),
    "interface": _interfaces,
    "mount": lambda k, prefix: (os.fsdecode(s.f_mntonname) for s in k.sys.getvfsstat()),
    "pid": lambda k, prefix: (p["pid"] for p in k.processes()),
    "sysctl": lambda k, prefix: (name for name, _, _ in k.sysctl_nodes("")),
    "device": lambda k, prefix: (unit for driver in k.pub.dev_list() for unit in driver.units),
    "component": lambda k, prefix: (c["name"] for c in k.status()["components"]),
}


def complete(connect: Callable[[], rump.Client], kind: str, prefix: str) -> None:
    """Prints what may stand there, nothing where the kernel cannot be asked."""
    with contextlib.suppress(OSError, rump.RumpError), connect() as k:
        for found in ANSWERS[kind](k, prefix):
            if str(found).startswith(prefix):
                print(found)


# -- scripts


def script(shell: str) -> str:
    """What a shell reads."""
    emit = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell]
    return "".join(f"{line}\n" for line in emit(_catalog.programs()))


def _parts(programs: Sequence[Program]) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Programs, and commands of programs under both names."""
    for program in programs:
        yield program.name, program.parser
        for name, (_, parser) in program.commands.items():
            yield f"{program.name} {name}", parser


def _asked(option: Option, name: str) -> str:
    """What the kernel is asked for behind an option."""
    return next((VALUES[f"{name} {flag}"] for flag in option.flags if f"{name} {flag}" in VALUES), "")


def _bash(programs: Sequence[Program]) -> Iterator[str]:
    yield "# bash completion for the rump tools"
    yield '_rump_asked() { COMPREPLY=($(compgen -W "$(rump complete "$1" "$2" 2>/dev/null)" -- "$2")); }'
    yield "_rump() {"
    yield "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd=${COMP_WORDS[0]##*/}"
    yield "  local flags= kind="
    heads = [program.name for program in programs if program.commands]
    for head in heads:
        yield f'  if [[ $cmd == {head} ]] && ((COMP_CWORD > 1)); then cmd="{head} ${{COMP_WORDS[1]}}"; fi'
    yield '  case "$cmd $prev" in'
    for name, parser in _parts(programs):
        for option in _catalog.options(parser):
            yield from _bash_value(name, option)
    yield "  esac"
    yield '  case "$cmd" in'
    for name, parser in _parts(programs):
        words = " ".join(flag for option in _catalog.options(parser) for flag in option.flags)
        yield f"    {shlex.quote(name)}) flags={shlex.quote(words)} kind={KINDS.get(name, '')};;"
    yield "  esac"
    yield '  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur"))'
    for program in programs:
        if program.commands:
            words = " ".join(program.commands)
            yield f'  elif [[ $cmd == {program.name} ]]; then COMPREPLY=($(compgen -W "{words}" -- "$cur"))'
    yield '  elif [[ $kind ]]; then _rump_asked "$kind" "$cur"'
    yield "    if [[ ${COMPREPLY[0]} == */ ]]; then compopt -o nospace 2>/dev/null; fi"
    yield '  else COMPREPLY=($(compgen -f -- "$cur")); fi'
    yield "  return 0"
    yield "}"
    yield f"complete -F _rump {' '.join(program.name for program in programs)}"


def _bash_value(name: str, option: Option) -> Iterator[str]:
    if not option.value:
        return
    patterns = "|".join(shlex.quote(f"{name} {flag}") for flag in option.flags)
    if option.choices:
        yield f'    {patterns}) COMPREPLY=($(compgen -W {shlex.quote(" ".join(option.choices))} -- "$cur")); return;;'
    elif kind := _asked(option, name):
        yield f'    {patterns}) _rump_asked {kind} "$cur"; return;;'
    else:
        yield f'    {patterns}) COMPREPLY=($(compgen -f -- "$cur")); return;;'


def _zsh(programs: Sequence[Program]) -> Iterator[str]:
    yield f"#compdef {' '.join(program.name for program in programs)}"
    yield "_rump_asked() {"
    yield '  local -a found; found=(${(f)"$(rump complete $1 "$PREFIX" 2>/dev/null)"})'
    yield "  local -a open; open=(${(M)found:#*/}); found=(${found:#*/})"
    yield "  compadd -S '' -- $open; compadd -- $found"
    yield "}"
    for name, parser in _parts(programs):
        specs = [spec for option in _catalog.options(parser) for spec in _zsh_option(name, option)]
        kind = KINDS.get(name, "")
        specs.append(f"'*:{kind or 'file'}:{f' _rump_asked {kind}' if kind else '_files'}'")
        yield f"{_function(name)}() {{ _arguments -s {' '.join(specs)} }}"
    yield "_rump() {"
    yield "  local command=${words[1]:t}"
    for program in programs:
        if program.commands:
            yield f"  if [[ $command == {program.name} ]]; then"
            described = " ".join(_quoted(f"{name}:{text}") for name, (text, _) in program.commands.items())
            yield f"    if (( CURRENT == 2 )); then local -a c; c=({described}); _describe command c; return; fi"
            yield f'    command="{program.name} ${{words[2]}}"; shift words; (( CURRENT-- ))'
            yield "  fi"
    yield "  case $command in"
    for name, _ in _parts(programs):
        yield f"    {_quoted(name)}) {_function(name)};;"
    yield "  esac"
    yield "}"
    yield f"compdef _rump {' '.join(program.name for program in programs)}"


def _function(name: str) -> str:
    return "_rump_of_" + name.replace(".", "_").replace(" ", "__")


def _quoted(text: str) -> str:
    return shlex.quote(text)


def _zsh_option(name: str, option: Option) -> Iterator[str]:
    text = option.text.replace("[", "(").replace("]", ")").replace(":", ",")
    value = ""
    if option.choices:
        value = f":value:({' '.join(option.choices)})"
    elif option.value:
        kind = _asked(option, name)
        value = f":{kind or 'value'}:{f' _rump_asked {kind}' if kind else '_files'}"
    for flag in option.flags:
        yield _quoted(f"{'*' if option.value else ''}{flag}[{text}]{value}")


def _fish(programs: Sequence[Program]) -> Iterator[str]:
    yield "# fish completion for the rump tools"
    yield "function __rump_asked; rump complete $argv[1] (commandline -ct) 2>/dev/null; end"
    for program in programs:
        yield from _fish_part(program.name, program.parser, "")
        if program.commands:
            first = "test (count (commandline -opc)) -eq 1"
            yield f"complete -c {program.name} -f -n {_fish_quoted(first)}"
            for name, (text, parser) in program.commands.items():
                yield f"complete -c {program.name} -n {_fish_quoted(first)} -a {name} -d {_fish_quoted(text)}"
                yield from _fish_part(program.name, parser, name)


def _fish_part(name: str, parser: argparse.ArgumentParser, command: str) -> Iterator[str]:
    whole = f"{name} {command}".strip()
    where = f" -n '__fish_seen_subcommand_from {command}'" if command else ""
    for option in _catalog.options(parser):
        words = "".join(f" {_fish_flag(flag)}" for flag in option.flags)
        value = ""
        if option.choices:
            value = f" -x -a {_fish_quoted(' '.join(option.choices))}"
        elif option.value:
            kind = _asked(option, whole)
            value = f" -x -a '(__rump_asked {kind})'" if kind else " -r"
        yield f"complete -c {name}{where}{words}{value} -d {_fish_quoted(option.text)}"
    if kind := KINDS.get(whole, ""):
        yield f"complete -c {name}{where} -f -a '(__rump_asked {kind})'"


def _fish_flag(flag: str) -> str:
    if flag.startswith("--"):
        return f"-l {flag[2:]}"
    return f"-s {flag[1:]}" if len(flag) == 2 else f"-o {flag[1:]}"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
