"""The manual is made out of the programs: every one has a page that man(1) can show."""

from __future__ import annotations

import re
import subprocess

from tools.manual import __main__ as manual

from rumpclients import _catalog
from tests.tools import need


def test_every_program_has_examples_or_a_page_that_tells_of_it() -> None:
    found = manual.examples()
    docs = manual.ROOT / "docs"
    text = "".join(path.read_text() for path in docs.rglob("*.md") if path.parent != manual.PAGES)
    kin = re.compile(r"rump\.(mount|newfs|fsck)_|rump_")  # of programs that have some
    for program in _catalog.names():
        assert program in found or program in text or kin.match(program), f"{program}: no page tells of it"


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
