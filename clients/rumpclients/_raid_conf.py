"""Configuration files of raidctl(8).

Sections begin with ``START``; ``#`` begins a comment. ``array`` has the numbers of columns and spares (with a
leading 1, the number of rows, in older files), ``disks`` and ``spare`` names, ``layout`` the sectors
of a stripe unit, two numbers that count for levels that are not here, and the level. ``queue`` is not used.
"""

from __future__ import annotations

import rump
from rumpclients._command import CommandError

SECTIONS = ("array", "disks", "spare", "layout", "debug", "queue")


def parse(text: str, *, force: bool) -> rump.RaidConfig:
    """What a file says. CommandError."""
    sections = _sections(text)
    array = _numbers(sections, "array")
    columns, spares = array[-2:] if len(array) in (2, 3) else (0, 0)
    layout = _numbers(sections, "layout")
    if len(array) not in (2, 3) or (len(array) == 3 and array[0] != 1):
        raise CommandError("START array needs the numbers of columns and of spares")
    if len(layout) != 4:
        raise CommandError("START layout needs four numbers: sectPerSU SUsPerParityUnit SUsPerReconUnit RAID_level")
    disks, extra = sections.get("disks", []), sections.get("spare", [])
    if len(disks) != columns or len(extra) != spares:
        raise CommandError(f"{len(disks)} disks and {len(extra)} spares; START array says {columns} and {spares}")
    names = [[line.split()[0].encode() for line in lines] for lines in (disks, extra)]
    return rump.RaidConfig(layout[3], layout[0], names[0], names[1], force)


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current = ""
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        words = line.split()
        if words[0] == "START" and len(words) == 2 and words[1] in SECTIONS:
            current = words[1]
            sections[current] = []
        elif not current or words[0] == "START":
            raise CommandError(f"{line}: not in a section that there is")
        else:
            sections[current].append(line)
    return sections


def _numbers(sections: dict[str, list[str]], name: str) -> list[int]:
    words = " ".join(sections.get(name, [])).split()
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise CommandError(f"START {name}: {' '.join(words)}: not numbers")
    return [int(word) for word in words]
