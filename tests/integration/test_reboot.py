"""reboot: what its flags do to file systems, and to the processes of the kernel."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

import rump
from rumpclients import halt
from tests.live import LiveKernel, live_kernel
from tests.tools import need

PLACEMENTS = ("server", "split")


def with_file_system(k: Any, image: Path) -> None:
    """An ext4 file system of the image with a file in it that nobody has synced."""
    image.write_bytes(bytes(16 << 20))
    subprocess.run([need("mkfs.ext4"), "-q", "-F", str(image)], check=True)
    k.pub.etfs_register("/img", str(image), rump.RUMP_ETFS_BLK)
    k.sys.mkdir("/mnt", 0o755)
    k.sys.mount("ext2fs", "/mnt", device="/img")
    with k.open("/mnt/file", "w") as f:
        f.write("written")


def needs_recovery(image: Path) -> bool:
    told = subprocess.run([need("dumpe2fs"), "-h", str(image)], check=True, capture_output=True, text=True).stdout
    return "needs_recovery" in told


@pytest.fixture(autouse=True)
def no_cores() -> Any:
    """The tests ask for cores, which nobody wants to keep."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


def reboot(kernel: LiveKernel, image: Path, *flags: str) -> None:
    """rump.halt with flags, while a file system is mounted."""
    k = rump.connect(kernel.url)
    with_file_system(k, image)
    os.environ["RUMP_SERVER"] = kernel.url
    assert halt.main(list(flags)) == 0
    k.close()


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize(
    ("flags", "status", "synced"),
    [((), 0, True), (("-n",), 0, False), (("-d",), -signal.SIGABRT, True), (("-dn",), -signal.SIGABRT, False)],
)
def test_flags(
    placement: str,
    flags: tuple[str, ...],
    status: int,
    synced: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RUMP_SERVER", "")
    image = tmp_path / "img"
    with live_kernel("--placement", placement, "--factions", "vfs") as kernel:
        reboot(kernel, image, *flags)
        assert kernel.process.wait(30) == status
    assert needs_recovery(image) is not synced
    if synced:
        subprocess.run([need("e2fsck"), "-fn", str(image)], check=True, capture_output=True)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_halt_keeps_the_process(placement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUMP_SERVER", "")
    image = tmp_path / "img"
    with live_kernel("--placement", placement, "--factions", "vfs") as kernel:
        reboot(kernel, image, "-h")
        while "the process stays" not in kernel.log:
            assert kernel.process.poll() is None
            with contextlib.suppress(subprocess.TimeoutExpired):
                kernel.process.wait(0.05)
        assert not needs_recovery(image)
        with pytest.raises(FileNotFoundError):
            rump.connect(kernel.url)
        assert kernel.stop() == 0


def test_a_kernel_in_this_process(tmp_path: Path) -> None:
    for flags in (0, rump.RB_NOSYNC):
        image = tmp_path / f"img{flags}"
        with rump.Kernel(factions=("vfs",)) as k:
            with_file_system(k, image)
            k.halt(flags)
            with pytest.raises(rump.RumpError, match="halted"):
                k.sys.sync()
        assert needs_recovery(image) is bool(flags)


def test_only_who_may() -> None:
    with rump.Kernel(factions=()) as k:
        k.sys.setuid(500)
        with pytest.raises(PermissionError):
            k.halt()
        assert k.sys.getpid() == k.pid
