"""Damaged and made-up volumes: everything ends in an answer or a KernelError, and soon."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from rumpvfs.core.vnode import FileSystem
from rumpvfs.fs.cd9660 import FILE_SYSTEM
from tests.ext4_images import run
from tests.fuzz.test_ext2fs_hostile import attempt, look_at_everything
from tests.iso_images import damage, fill, mount

ROUNDS = 60
SECONDS = 5.0
VARIANTS = {
    "rock ridge": ({}, ("xorriso", "-as", "mkisofs", "-R", "-J")),
    "relocated": ({}, ("genisoimage", "-quiet", "-R")),
    "joliet": ({"norrip": ""}, ("xorriso", "-as", "mkisofs", "-R", "-J")),
    "plain": ({"norrip": "", "nojoliet": ""}, ("genisoimage", "-quiet", "-R")),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("hostile") / "source"
    fill(top, genisoimage=True)
    (top / "large").write_bytes(b"y" * 20_000)
    return top


@pytest.mark.parametrize("variant", VARIANTS)
def test_changed_volumes_never_do_more_than_fail(variant: str, source: Path, tmp_path: Path) -> None:
    options, command = VARIANTS[variant]
    run(*command, "-o", tmp_path / "image", source)
    clean = (tmp_path / "image").read_bytes()
    assert look_at_everything(mount(FILE_SYSTEM, clean, **options)) > 140
    sectors = [sector for sector in range(16, len(clean) // 2048) if any(clean[sector * 2048 : sector * 2048 + 2048])]
    generator = random.Random(variant)
    mounted = 0
    for number in range(ROUNDS):
        data = bytearray(clean)
        for _ in range(generator.choice((1, 3, 20, 200))):
            damage(data, generator.choice(sectors) * 2048 + generator.randrange(2048), generator)
        begun = time.process_time()
        fs = attempt(mount, FILE_SYSTEM, data, **options)
        if isinstance(fs, FileSystem):
            mounted += 1
            look_at_everything(fs)
        assert time.process_time() - begun < SECONDS, f"round {number}"
    assert mounted > ROUNDS // 4


def test_cut_off_volumes(source: Path, tmp_path: Path) -> None:
    run(*VARIANTS["rock ridge"][1], "-o", tmp_path / "image", source)
    clean = (tmp_path / "image").read_bytes()
    for length in range(30_000, 200_000, 5_003):
        fs = attempt(mount, FILE_SYSTEM, clean[:length])
        if isinstance(fs, FileSystem):
            look_at_everything(fs)


def test_continuation_areas_in_a_circle_end(source: Path, tmp_path: Path) -> None:
    """Every CE entry is made to point at the area that it is in."""
    run(*VARIANTS["rock ridge"][1], "-o", tmp_path / "image", source)
    data = bytearray((tmp_path / "image").read_bytes())
    at = -1
    while (at := data.find(b"CE\x1c\x01", at + 1)) > 0:
        data[at + 4 : at + 8] = (at // 2048).to_bytes(4, "little")
        data[at + 12 : at + 16] = (at % 2048).to_bytes(4, "little")
        data[at + 20 : at + 24] = (28).to_bytes(4, "little")
    fs = attempt(mount, FILE_SYSTEM, data)
    if isinstance(fs, FileSystem):
        look_at_everything(fs)
