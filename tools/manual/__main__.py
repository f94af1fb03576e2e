"""The manual: a page in docs/manual and one for man(1) of every program, made out of the programs themselves.

    python -m tools.manual [--check]

Synopsis, options and arguments are those of the parsers; examples are the commands of docs/session.md and of
docs/images.md that use the program, which tests run. What is behind a page stands in `SEE`.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import rump
from rumpclients import _catalog
from rumpclients._catalog import Program

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "manual"
MAN = ROOT / "clients" / "man" / "man1"
SESSIONS = ("docs/session.md", "docs/images.md")
MOST = 6
"""Examples of a page."""
SEE = {
    "rumphijack": "hijack.md",
    "rump": "tools.md monitoring.md", "rump_server": "tools.md", "rump_allserver": "tools.md",
    "rump_bus_relay": "net/shmif.md", "rump_": "images.md", "fsu_": "images.md", "rump.npfctl": "net/npf.md",
    "rump.dhcpclient": "net/dhcp.md", "rump.tcpdump": "net/capture.md", "rump.forward": "tools.md",
    "rump.netconfig": "net/topology.md net/interfaces.md", "rump.ifconfig": "net/interfaces.md",
    "rump.ktrace": "ktrace.md", "rump.kdump": "ktrace.md", "rump.sysctl": "sysctl.md", "rump.kill": "processes.md",
    "rump.repquota": "filesystems/quotas.md", "rump.edquota": "filesystems/quotas.md",
    "rump.quotao": "filesystems/quotas.md", "rump.drvctl": "disks.md",
    "rump.vnconfig": "disks.md", "rump.cgdconfig": "disks.md", "rump.raidctl": "disks.md", "rump.mod": "modules.md",
    "rump.mount_cd9660": "filesystems/cd9660.md", "rump.mount_exfat": "filesystems/exfat.md",
    "rump.mount_ext2fs": "filesystems/ext2fs.md", "rump.mount_ffs": "filesystems/ffs.md",
    "rump.mount_msdos": "filesystems/msdos.md", "rump.mount_nfs": "filesystems/nfs.md",
    "rump.mount_udf": "filesystems/udf.md", "rump.mount_": "filesystems/layers.md", "rump.newfs": "images.md",
    "rump.mount": "filesystems/mount.md", "rump.": "tools.md",
}  # fmt: skip
"""Pages by name, or by how names begin."""
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
STATUS = "0, 1 when something failed, 2 for wrong arguments; errors are one line on standard error each."


def main() -> int:
    parser = argparse.ArgumentParser(prog="manual", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only tell whether something is out of date")
    check = parser.parse_args().check
    wanted = files()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    extra = [path for folder in (PAGES, MAN) for path in folder.glob("*") if path not in wanted]
    if check:
        for path in (*stale, *extra):
            print(f"{path.relative_to(ROOT)} is out of date: make generate", file=sys.stderr)
        return 1 if stale or extra else 0
    for path in extra:
        path.unlink()
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path])
    return 0


def files() -> dict[Path, str]:
    """All that is generated."""
    found = examples()
    programs = _catalog.programs()
    out = {PAGES / "README.md": index(programs)}
    for program in programs:
        out[PAGES / f"{program.name}.md"] = page(program, found.get(program.name, []))
        out[MAN / f"{program.name}.1"] = roff(program, found.get(program.name, []))
    return out


def examples() -> dict[str, list[tuple[str, list[str]]]]:
    """Commands, and what they print, by program."""
    out: dict[str, list[tuple[str, list[str]]]] = {}
    for name in SESSIONS:
        for block in _BLOCK.findall((ROOT / name).read_text()):
            for command, lines in _commands(block):
                for program in {*re.findall(r'(?:^|[|&] *|\) |" )([\w.]+)', command)}:
                    out.setdefault(program, []).append((command, lines))
    return out


def _commands(block: str) -> Iterator[tuple[str, list[str]]]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *lines = part.rstrip("\n").split("\n")
        yield command, lines


def summary(program: Program) -> str:
    """The first sentence, in one line."""
    text = " ".join((program.parser.description or "").split())
    return text.split(". ")[0].rstrip(".").split(": ")[0]


def synopsis(parser: argparse.ArgumentParser) -> str:
    """In one line."""
    formatter = parser.formatter_class(prog=parser.prog, width=100_000)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups)
    return " ".join(formatter.format_help().removeprefix("usage: ").split())


# -- markdown


def index(programs: tuple[Program, ...]) -> str:
    lines = [f"- [{p.name}]({p.name}.md): {summary(p)}" for p in programs]
    head = (
        "# Manual\n\nA page for each program, made out of the programs by `make generate`; for man(1) the same are in"
        " `clients/man`, and are installed with the\npackage. Examples are those of [a session](../session.md) and of"
        " [images](../images.md), which are tested.\n\n"
    )
    return head + "\n".join(lines) + "\n"


def page(program: Program, found: list[tuple[str, list[str]]]) -> str:
    parser = program.parser
    out = [f"# {program.name}", "", _wrapped(parser.description or ""), "", "```", *_usage(parser), "```"]
    for name, (text, sub) in program.commands.items():
        out += [
            "",
            f"## {program.name} {name}",
            "",
            _sentence(text or sub.description or ""),
            "",
            "```",
            *_usage(sub),
            "```",
        ]
        out += _tables(sub)
    out += _tables(parser)
    if parser.epilog:
        out += ["", _wrapped(parser.epilog)]
    if found:
        out += ["", "## Examples", "", "```console"]
        for command, lines in found[:MOST]:
            out += [f"$ {command}", *lines]
        out.append("```")
    out += ["", "## Exit status", "", STATUS]
    names = SEE[max((key for key in SEE if program.name.startswith(key)), key=len)].split()
    out += ["", "## See also", "", ", ".join(f"[{name}](../{name})" for name in names)]
    return "\n".join(out) + "\n"


def _usage(parser: argparse.ArgumentParser) -> list[str]:
    return textwrap.wrap(
        synopsis(parser), 110, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(" ".join(text.split()).replace("<", "\\<"), 130, break_on_hyphens=False))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _tables(parser: argparse.ArgumentParser) -> Iterator[str]:
    rows = [(f"`{text}`", what) for text, what in _catalog.arguments(parser) if what]
    for option in _catalog.options(parser):
        flags = ", ".join(f"`{flag}{f' {option.value}' if option.value else ''}`" for flag in option.flags)
        rows.append((flags, option.text))
    if rows:
        yield from ("", "| | |", "|---|---|")
        yield from (f"| {_cell(what)} | {_cell(text)} |" for what, text in rows)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# -- man(7)


def roff(program: Program, found: list[tuple[str, list[str]]]) -> str:
    parser = program.parser
    out = [
        f'.TH "{program.name.upper()}" "1" "" "anykernel {rump.__version__}" "Rump kernel tools"',
        ".SH NAME", f"{_escaped(program.name)} \\- {_escaped(summary(program))}",
        ".SH SYNOPSIS", _escaped(synopsis(parser)),
        ".SH DESCRIPTION", _escaped(" ".join((parser.description or "").split())),
    ]  # fmt: skip
    out += _items(parser)
    for name, (text, sub) in program.commands.items():
        out += [
            f'.SS "{program.name} {name}"',
            _escaped(_sentence(text or sub.description or "")),
            ".PP",
            _escaped(synopsis(sub)),
        ]
        out += _items(sub)
    if parser.epilog:
        out += [".PP", _escaped(" ".join(parser.epilog.split()))]
    if found:
        out += [".SH EXAMPLES", ".nf"]
        for command, lines in found[:MOST]:
            out += [_escaped(line) for line in (f"$ {command}", *lines)]
        out.append(".fi")
    out += [".SH EXIT STATUS", _escaped(STATUS)]
    return "\n".join(out) + "\n"


def _items(parser: argparse.ArgumentParser) -> Iterator[str]:
    for text, what in _catalog.arguments(parser):
        if what:
            yield from (".TP", f"\\fI{_escaped(text)}\\fR", _escaped(" ".join(what.split())))
    for option in _catalog.options(parser):
        value = f" \\fI{_escaped(option.value)}\\fR" if option.value else ""
        flags = ", ".join(f"\\fB{_escaped(flag)}\\fR{value}" for flag in option.flags)
        yield from (".TP", flags, _escaped(" ".join(option.text.split())) or "\\&")


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text[:1] in (".", "'") else text


if __name__ == "__main__":
    sys.exit(main())
