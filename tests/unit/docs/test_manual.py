"""The manual is made out of the programs: every one has a page that man(1) can show."""

from __future__ import annotations

import subprocess

from tools.manual import __main__ as manual

from rumpclients import _catalog
from tests.tools import need

WITHOUT_EXAMPLES = ("rump.mount_", "rump.newfs_", "rump.fsck_", "rump_")
"""Kin of programs that have some."""
ELSEWHERE = {"rumphijack", "rump.dhcpclient", "rump.forward", "rump.tcpdump", "rump.reboot", "fsu_ed", "fsu_chgrp"}
"""Programs whose examples are on the pages behind theirs, or those of their kin."""


def test_every_program_has_examples() -> None:
    found = manual.examples()
    for program in _catalog.names():
        known = program in found or program in ELSEWHERE or program.startswith(WITHOUT_EXAMPLES)
        assert known, f"{program}: no example in {' or '.join(manual.SESSIONS)}"


def test_pages_are_good_roff() -> None:
    pages = sorted(map(str, manual.MAN.glob("*.1")))
    assert len(pages) == len(_catalog.names())
    done = subprocess.run(
        [need("mandoc"), "-Tlint", "-W", "error", *pages], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    shown = subprocess.run(
        [need("mandoc"), "-Tutf8", manual.MAN / "rump.ls.1"], capture_output=True, text=True, check=True
    )
    assert "rump.ls" in shown.stdout


def test_the_same_each_time() -> None:
    assert manual.files() == manual.files()
