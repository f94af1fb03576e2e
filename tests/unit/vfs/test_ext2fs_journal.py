"""Recovery in memory against e2fsck, on logs that debugfs wrote, and on damaged ones."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from rumpvfs.core.vnode import BlockDevice
from rumpvfs.fs.ext2fs.volume import Volume
from rumpwire.errno import Errno, KernelError
from tests.ext4_images import Environment, MappedDevice, make_image, run
from tests.tools import need

SIZE = 1024
FIRST = 4000
FEATURES = {
    "checksums of version 3": ("-t", "ext4"),
    "no checksums": ("-t", "ext4", "-O", "^metadata_csum"),
    "32 bits": ("-t", "ext4", "-O", "^metadata_csum,^64bit"),
    "ext3": ("-t", "ext3"),
}
# Without metadata_csum the checksums of debugfs are of version 1, and wrong where there are revokes.
CASES = (
    ("checksums of version 3", "jo", True),
    ("checksums of version 3", "jo -c", True),
    ("checksums of version 3", "jo -c -v 2", True),
    ("no checksums", "jo", True),
    ("no checksums", "jo -c", False),
    ("32 bits", "jo", True),
    ("32 bits", "jo -c", False),
    ("ext3", "jo", True),
    ("ext3", "jo -c", False),
)


def write_log(image: Path, folder: Path, opening: str, *, revokes: bool = True) -> None:
    """Three transactions: blocks, one of them twice, some that look like a journal; then revokes; then blocks again."""
    source = random.Random(5)
    script = [opening]
    for number, (blocks, revoked) in enumerate(((40, ""), (3, ""), (0, "4001,4005-4008"), (2, "4030"))):
        data = bytearray(source.randbytes(blocks * SIZE))
        for at in range(0, blocks * SIZE, 3 * SIZE):
            data[at : at + 4] = (0xC03B3998).to_bytes(4, "big")
        file = folder / f"data{number}"
        file.write_bytes(data)
        if blocks:
            script.append(f"jw -b {','.join(str(FIRST + n) for n in range(blocks))} {file}")
        if revoked and revokes:
            script.append(f"jw -r {revoked}")
    script.append("jc")
    commands = folder / "script"
    commands.write_text("\n".join(script) + "\n")
    run("debugfs", "-w", "-f", commands, image)


def open_volume(image: Path | bytearray) -> Volume:
    device: BlockDevice = MappedDevice(image)
    return Volume(device, Environment())


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return make_image(tmp_path / "image", "16M", "-t", "ext4", "-b", "1024", "-J", "size=1")


@pytest.mark.parametrize(("features", "opening", "revokes"), CASES)
def test_blocks_are_as_after_e2fsck(features: str, opening: str, revokes: bool, tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "16M", "-b", str(SIZE), *FEATURES[features], "-J", "size=1")
    write_log(image, tmp_path, opening, revokes=revokes)
    replayed = tmp_path / "replayed"
    shutil.copyfile(image, replayed)
    done = subprocess.run([need("e2fsck"), "-E", "journal_only", "-y", replayed], capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    volume = open_volume(image)
    assert volume.storage.overlay is not None
    expected = replayed.read_bytes()
    for number in range(FIRST - 2, FIRST + 50):
        assert volume.storage.block(number) == expected[number * SIZE : (number + 1) * SIZE], number
    whole = volume.storage.view(FIRST * SIZE - 100, 45 * SIZE)
    assert whole == expected[FIRST * SIZE - 100 : (FIRST + 45) * SIZE - 100]


def log_place(image: Path, block: int) -> int:
    """The byte of a block of the journal."""
    return int(run("debugfs", "-R", f"bmap <8> {block}", image)) * SIZE


@pytest.mark.parametrize(("block", "byte"), [(0, 24), (1, 14), (1, 20), (5, 100)])
def test_a_damaged_log_is_eio(block: int, byte: int, image: Path, tmp_path: Path) -> None:
    write_log(image, tmp_path, "jo -c -v 3")
    data = bytearray(image.read_bytes())
    data[log_place(image, block) + byte] ^= 1
    with pytest.raises(KernelError, match="journal") as caught:
        open_volume(data)
    assert caught.value.errno == Errno.EIO


def test_a_transaction_without_commit_does_not_count(image: Path, tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_bytes(b"x" * SIZE)
    commands = tmp_path / "script"
    commands.write_text(f"jo\njw -b {FIRST} {file}\njw -b {FIRST + 1} -c {file}\njc\n")
    run("debugfs", "-w", "-f", commands, image)
    volume = open_volume(image)
    assert volume.storage.block(FIRST) == b"x" * SIZE
    assert volume.storage.block(FIRST + 1) != b"x" * SIZE


def test_a_block_outside_of_the_file_system_is_eio(image: Path, tmp_path: Path) -> None:
    run("tune2fs", "-O", "^metadata_csum", image)
    write_log(image, tmp_path, "jo")
    data = bytearray(image.read_bytes())
    place = log_place(image, 1) + 12
    assert int.from_bytes(data[place : place + 4], "big") == FIRST
    data[place : place + 4] = (1 << 30).to_bytes(4, "big")
    with pytest.raises(KernelError, match="block 1073741824 of") as caught:
        open_volume(data)
    assert caught.value.errno == Errno.EIO


def test_an_external_journal_is_refused(image: Path) -> None:
    run("tune2fs", "-O", "^metadata_csum", image)
    data = bytearray(image.read_bytes())
    data[1024 + 0x60] |= 0x4
    data[1024 + 0xE0 : 1024 + 0xE4] = bytes(4)
    with pytest.raises(KernelError, match="external journal") as caught:
        open_volume(data)
    assert caught.value.errno == Errno.EOPNOTSUPP
