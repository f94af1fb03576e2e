"""pjdfstest (POSIX system calls on file systems), where its user has a copy: ``make pjdfstest PJDFSTEST=/its/folder``.

The whole suite runs through ``rump_fuse``, so the kernel of the host stands between it and ours. It is not part of this
repository: it has a licence and an owner of its own, and takes minutes.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import rump
from tests.ext4_images import make_image, run
from tests.live import live_kernel
from tests.tools import need
from tests.unit.clients.test_fuse import fuse, mounted, root

SUITE = os.environ.get("PJDFSTEST", "")
SUMMARY = re.compile(r"^\S*/tests/(\S+) +\(Wstat: (\d+).* Failed: (\d+)\)\n((?:  [^\n]*\n)*)", re.MULTILINE)

pytestmark = [
    pytest.mark.skipif(not SUITE, reason="PJDFSTEST does not name a copy of pjdfstest: docs/tools.md"),
    pytest.mark.timeout(3600),
    fuse,
    root,
]


@pytest.fixture(params=["tmpfs", "ext4"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    if request.param == "ext4":
        image = make_image(tmp_path / "image", "256M", "-t", "ext4", "-b", "4096")
        with mounted(str(image), tmp_path / "mnt", "-t", "ext2fs") as path:
            yield path
        run("e2fsck", "-fn", image)
        return
    with live_kernel("--factions", "vfs", "--placement", "server") as kernel:
        with rump.connect(kernel.url) as k:
            k.sys.mkdir("/mnt", 0o755)
            k.sys.mount("tmpfs", "/mnt")
        with mounted(f"{kernel.url}:/mnt", tmp_path / "mnt") as path:
            yield path


def failures(said: str) -> dict[str, set[int]]:
    """Of the summary of prove, by the name of the script. A script that gave up counts as having failed in 0."""
    found: dict[str, set[int]] = {}
    for script, status, count, rest in SUMMARY.findall(said):
        if status == count == "0" and "Parse errors" not in rest:
            continue  # more passed than was expected to
        numbers = re.findall(r"Failed tests?: +([\d, -]+)", rest)
        ranges = [part.partition("-") for line in numbers for part in re.sub(r"\s", "", line).split(",")]
        found[script] = {n for first, _, last in ranges for n in range(int(first), int(last or first) + 1)} or {0}
    return found


def test_all_groups(folder: Path) -> None:
    tests = Path(SUITE) / "tests"
    assert (Path(SUITE) / "pjdfstest").exists(), f"not built: (cd {SUITE} && autoreconf -ifs && ./configure && make)"
    done = subprocess.run([need("prove"), "-r", tests], cwd=folder, capture_output=True, text=True, check=False)
    print(done.stdout[-4000:])
    assert re.search(r"^Files=\d+, Tests=[1-9]\d{3,},", done.stdout, re.MULTILINE)
    assert not failures(done.stdout)
