"""The image that comes with the product: what is in it, checked by e2fsprogs."""

from __future__ import annotations

import hashlib
import lzma
import re
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from tests.tools import need

PACKED = resources.files("rumpclients").joinpath("data/demo.ext4.xz")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "demo.ext4"
    path.write_bytes(lzma.decompress(PACKED.read_bytes()))
    return path


def debugfs(image: Path, request: str) -> bytes:
    return subprocess.run([need("debugfs"), "-R", request, image], capture_output=True, check=True).stdout


def test_image_is_small() -> None:
    assert len(PACKED.read_bytes()) < 300 << 10


def test_image_is_clean_and_has_what_mke2fs_makes_today(image: Path) -> None:
    subprocess.run([need("e2fsck"), "-fn", image], capture_output=True, check=True)
    head = subprocess.run([need("dumpe2fs"), "-h", image], capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in head.splitlines() if line.startswith("Filesystem features:")]
    wanted = {"has_journal", "extent", "64bit", "flex_bg", "metadata_csum", "inline_data", "dir_index", "extra_isize"}
    assert wanted <= set(line.split())


def test_image_shows_the_difficult_parts(image: Path) -> None:
    assert b"Indirect levels" in debugfs(image, "htree /many")
    assert debugfs(image, "stat /etc/motd").count(b"0x10000000") == 1  # EXT4_INLINE_DATA_FL
    assert b"(ETB0)" in debugfs(image, "stat /data/sparse")  # a block of the extent tree
    assert b'user.colour (5) = "green"' in debugfs(image, "stat /data/text")


def test_listed_digests_are_right(image: Path) -> None:
    lines = debugfs(image, "cat /SHA256SUMS").splitlines()
    assert len(lines) > 100
    for line in lines[:: len(lines) // 12] + [line for line in lines if b"data/" in line]:
        digest, name = line.decode().split("  ", 1)
        assert hashlib.sha256(contents(image, name)).hexdigest() == digest, name


def contents(image: Path, name: str) -> bytes:
    """A file's bytes. debugfs shows all 60 bytes of the inode for a shorter inline file, hence the cut."""
    found = re.search(rb"Size: (\d+)\nFile ACL", debugfs(image, f'stat "/{name}"'))
    assert found is not None
    return debugfs(image, f'cat "/{name}"')[: int(found[1])]
