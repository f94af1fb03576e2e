"""Labels and checks of disks of a kernel, against the label's other reader and e2fsck."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rump
from rumpclients import disklabel, fsck, newfs, typed
from rumpclients._command import UsageError
from tests.tools import need


@pytest.fixture
def k(monkeypatch: pytest.MonkeyPatch) -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=("vfs", "dev")) as kernel:
        monkeypatch.setenv("RUMP_SERVER", "unix:///of/this/test")
        monkeypatch.setattr(rump, "connect", lambda *args, **kwargs: kernel.attach())
        yield kernel


LABEL = """\
disk: mine
label: a pack
 a:      1000        64     4.2BSD   1024  8192     0 # root
 b:        16      2000       swap
 d:      4096         0     unused
"""


def test_a_label_is_what_its_other_reader_reads(
    k: rump.Kernel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "disk"
    image.write_bytes(b"boot" * 128 + bytes((2 << 20) - 512))
    (tmp_path / "proto").write_text(LABEL)
    k.pub.etfs_register("/dev/disk", str(image), "blk")
    assert disklabel.main(["/dev/disk"]) == 1
    assert disklabel.main(["-R", str(tmp_path / "proto"), "/dev/disk"]) == 0
    capsys.readouterr()
    assert disklabel.main(["--json", "/dev/disk"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["disk"], found["pack"], found["sectors"]) == ("mine", "a pack", 4096)
    parts = {p.name: (p.start, p.size) for p in rump.fs.partitions(image)}
    assert parts == {"a": (64 << 9, 1000 << 9), "b": (2000 << 9, 16 << 9), "d": (0, 4096 << 9)}
    assert image.read_bytes()[:512] == b"boot" * 128
    assert disklabel.main(["-F", str(image)]) == 0
    assert " a:      1000        64     4.2BSD  1024  8192     0\n" in capsys.readouterr().out
    assert disklabel.main(["-F", "-D", str(image)]) == 0
    assert rump.fs.partitions(image) == []


WORD = st.integers(0, 0xFFFFFFFF)
ENTRY = st.builds(disklabel.Entry, WORD, WORD, st.integers(0, 32), WORD, st.integers(0, 255), st.integers(0, 65535))


@given(st.lists(ENTRY, min_size=1, max_size=22))
def test_records(entries: list[disklabel.Entry]) -> None:
    label = disklabel.Label("disk", "pack", 512, 1 << 20, entries)
    assert disklabel.unpack(disklabel.pack(label)) == label


@pytest.mark.parametrize(
    "text", ["a: 10 5 4.2BSD", "a: 1 1 4.2BSD 1 999 0", " a: 10 9000 4.2BSD", " a: 1 1 none", "", "nonsense"]
)
def test_what_is_no_label(text: str) -> None:
    with pytest.raises(UsageError):
        disklabel.parse(text, 12)


def test_fsck_mends(k: rump.Kernel, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    image = tmp_path / "disk"
    subprocess.run([need("mkfs.ext4"), "-q", image, "8M"], check=True)
    k.pub.etfs_register("/dev/disk", str(image), "blk")
    assert fsck.main(["-f", "-n", "/dev/disk"]) == 0
    subprocess.run([need("debugfs"), "-w", "-R", "clri <2>", image], check=True, capture_output=True)
    before = image.read_bytes()
    assert fsck.main(["-f", "-n", "/dev/disk"]) & fsck.UNCORRECTED
    assert image.read_bytes() == before
    assert fsck.main(["-f", "-y", "/dev/disk"]) in (1, 2, 3)
    k.sys.sync()
    assert subprocess.run([need("e2fsck"), "-fn", image], capture_output=True, check=False).returncode == 0
    k.sys.mkdir("/mnt", 0o755)
    assert typed.mount_ext2fs(["/dev/disk", "/mnt"]) == 0
    capfd.readouterr()
    assert fsck.main(["-y", "/dev/disk"]) == 1
    assert "is mounted on /mnt" in capfd.readouterr().err
    assert fsck.main(["-t", "cd9660", "-n", "/dev/disk"]) == 2


def test_fsck_of_an_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A partition of a qcow2 image is mended in place: no kernel, no root, no loop device."""
    monkeypatch.delenv("RUMP_SERVER", raising=False)
    raw, image = tmp_path / "raw", tmp_path / "disk.qcow2"
    raw.write_bytes(bytes(20 << 20))
    subprocess.run([need("sfdisk"), "-q", raw], input=b"label: gpt\nsize=8MiB\nsize=8MiB\n", check=True)
    for number in (1, 2):
        rump.newfs(raw, "ext2fs", partition=number)
    part = rump.fs.partitions(raw)[1]
    with rump.fs.open_image(raw, partition=2) as tree:
        for name in ("a", "b"):
            tree.write_text(name, name)
    clear = ["-w", "-R", "clri /a", f"{raw}?offset={part.start}"]
    subprocess.run([need("debugfs"), *clear], check=True, capture_output=True)
    subprocess.run([need("qemu-img"), "convert", "-O", "qcow2", raw, image], check=True)
    before = image.read_bytes()
    assert fsck.main(["-f", "-n", f"{image}@p1"]) == 0
    assert fsck.main(["-f", "-n", f"{image}@p2"]) & fsck.UNCORRECTED
    assert image.read_bytes() == before
    with rump.fs.open_image(image, partition=1):
        assert fsck.main(["-y", f"{image}@p2"]) == 1
    assert "the image is in use" in capfd.readouterr().err
    assert fsck.main(["-f", "-y", f"{image}@p2"]) in (1, 2, 3)
    subprocess.run([need("qemu-img"), "check", "-q", image], check=True)
    assert fsck.main(["-f", "-n", f"{image}@p2"]) == 0
    with rump.fs.open_image(image, partition=2, readonly=True) as tree:
        assert (tree.exists("a"), tree.read_text("b")) == (False, "b")
    assert fsck.main([f"{image}@p3"]) == 1
    assert "no partition 3; there are 1, 2" in capfd.readouterr().err
    assert fsck.main([str(image)]) == 2
    assert "no checker for what is there" in capfd.readouterr().err
    for program in (fsck.main, newfs.main):
        assert program(["/dev/disk0"]) == 2, "a disk of this machine is not touched because a kernel was not named"
        assert "no kernel is named in RUMP_SERVER; -F" in capfd.readouterr().err


def test_flags_that_are_options(k: rump.Kernel) -> None:
    k.sys.mkdir("/mnt", 0o755)
    assert typed.mount_tmpfs(["-u", "5", "-g", "6", "-m", "700", "-s", "1m", "-o", "ro", "x", "/mnt"]) == 0
    found = k.sys.stat("/mnt")
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (5, 6, 0o700)
    mounted = k.sys.statvfs1("/mnt")
    assert mounted.f_flag & rump.MNT_RDONLY
    assert mounted.f_blocks * mounted.f_frsize == 1 << 20
