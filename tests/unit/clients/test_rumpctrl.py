"""What rumpctrl's tests ask of a kernel by its programs, asked of ours: each program as a user starts it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import rump
from tests.live import LiveKernel, live_kernel
from tests.unit.clients.test_disk_tools import CONF, FAST, MIB, enter

Sh = Callable[..., str]
_CONF = """\
group default {
    block in final proto icmp
    pass all
}
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--placement", "server") as kernel:
        yield kernel


@pytest.fixture
def k(kernel: LiveKernel, monkeypatch: pytest.MonkeyPatch) -> Iterator[rump.Client]:
    monkeypatch.setenv("RUMP_SERVER", kernel.url)
    with rump.connect() as k:
        yield k


@pytest.fixture
def sh(k: rump.Client, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Sh:
    """Runs a program: what it prints. One that fails has to be expected: its status."""

    def command(line: str, status: int = 0) -> str:
        name, *words = line.split()
        (found,) = entry_points(group="console_scripts", name=f"rump.{name}")
        monkeypatch.setattr(sys, "argv", [found.name, *words])
        got = found.load()()
        out, err = capfdbinary.readouterr()
        assert got == status, err
        return out.decode()

    return command


def test_lo0(sh: Sh) -> None:
    assert sh("ifconfig -l").split() == ["lo0"]
    assert "127.0.0.1" in sh("ifconfig lo0")


def test_hostname(sh: Sh) -> None:
    assert sh("sysctl -n kern.hostname").startswith("rump-")


def test_df(sh: Sh) -> None:
    assert sh("df").splitlines()[1].split()[0] == "rumpfs"


def test_cat(sh: Sh) -> None:
    assert sh("cat /dev/null") == ""


@pytest.mark.parametrize("line", ["ping -o -c 1 127.0.0.1", "ping6 -c 1 ::1"])
def test_ping(sh: Sh, line: str) -> None:
    assert "0.0% packet loss" in sh(line)


def test_directories(sh: Sh) -> None:
    sh("mkdir /folder")
    assert "folder" in sh("ls /").split()
    sh("rmdir /folder")
    assert "folder" not in sh("ls /").split()


def test_ktrace(sh: Sh, k: rump.Client) -> None:
    sh(f"ktrace -p {k.pid} -f /trace")
    k.sys.getpid()
    sh(f"ktrace -c -p {k.pid}")
    assert k.sys.stat("/trace").st_size > 0
    assert "getpid" in sh("kdump -f /trace")


def test_shmif(sh: Sh, tmp_path: Path) -> None:
    sh("ifconfig shmif0 create")
    sh(f"ifconfig shmif0 linkstr {tmp_path}/bus")
    sh("ifconfig shmif0 inet 1.2.3.4 netmask 0xffffff00 up")
    shown = sh("ifconfig shmif0")
    assert "UP" in shown
    assert "1.2.3.4" in shown
    sh("ifconfig shmif0 destroy")
    sh("ifconfig shmif0", 1)


def test_ffs(sh: Sh, tmp_path: Path, k: rump.Client) -> None:
    """A file system is made, mounted and filled; the kernel goes on."""
    (tmp_path / "disk").write_bytes(bytes(4 * MIB))
    (tmp_path / "big").write_bytes(bytes(8 * MIB))
    k.pub.etfs_register("/dev/ffs", str(tmp_path / "disk"), type="blk")
    sh("newfs_ffs /dev/ffs")
    sh("mkdir /mnt")
    sh("mount_ffs /dev/ffs /mnt")
    sh(f"dd if={tmp_path}/big rof=/mnt/big bs=64k", 1)
    assert int(sh("df -k /mnt").splitlines()[1].split()[3]) <= 64
    sh("rm /mnt/big")
    sh("umount /mnt")
    sh("rmdir /mnt")


def test_npf(sh: Sh, tmp_path: Path) -> None:
    (tmp_path / "npf.conf").write_text(_CONF)
    assert "0.0% packet loss" in sh("ping -c 1 127.0.0.1")
    sh(f"npfctl reload {tmp_path}/npf.conf")
    sh("npfctl start")
    assert "100.0% packet loss" in sh("ping -c 1 -w 1 127.0.0.1", 1)
    sh("npfctl stop")
    assert "0.0% packet loss" in sh("ping -c 1 127.0.0.1")


def test_cgd(sh: Sh, tmp_path: Path, k: rump.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").write_bytes(bytes(2 * MIB))
    k.pub.etfs_register("/dev/crypt", str(tmp_path / "disk"), type="blk")
    (tmp_path / "params").write_text(FAST.format(verify="none"))
    enter(monkeypatch, b"secret\n")
    sh(f"cgdconfig -p cgd0 /dev/crypt {tmp_path}/params")
    (tmp_path / "data").write_bytes(b"plain" * 4096)
    sh(f"dd if={tmp_path}/data rof=/dev/rcgd0d bs=2k")
    sh(f"dd rif=/dev/rcgd0d of={tmp_path}/read bs=2k count=10")
    assert (tmp_path / "read").read_bytes() == b"plain" * 4096
    sh("cgdconfig -u cgd0")
    assert b"plain" not in (tmp_path / "disk").read_bytes()


def test_raidframe(sh: Sh, tmp_path: Path, k: rump.Client) -> None:
    for number in range(4):
        (tmp_path / f"disk{number}").write_bytes(bytes(2 * MIB))
        k.pub.etfs_register(f"/dev/disk{number}", str(tmp_path / f"disk{number}"), type="blk")
    (tmp_path / "raid0.conf").write_text(CONF)
    sh(f"raidctl -C {tmp_path}/raid0.conf raid0")
    sh("raidctl -i raid0")
    assert "Parity status: clean" in sh("raidctl -p raid0")
    sh("raidctl -u raid0")
    for number in range(4):
        k.pub.etfs_remove(f"/dev/disk{number}")


def test_vnd(sh: Sh, tmp_path: Path, k: rump.Client) -> None:
    (tmp_path / "image").write_bytes(bytes(2 * MIB))
    k.pub.etfs_register("/image", str(tmp_path / "image"), type="reg")
    sh("vnconfig vnd0 /image")
    sh("newfs_msdos /dev/rvnd0d")
    sh("mkdir /mnt")
    sh("mount_msdos /dev/vnd0d /mnt")
    sh("mkdir /mnt/folder")
    assert sh("ls /mnt").split() == ["folder"]
    sh("umount /mnt")
    sh("rmdir /mnt")
    sh("vnconfig -u vnd0")


@pytest.mark.parametrize("name", ["disk0", "/dev/disk0", "vnd0d", "/dev/vnd0d", "/dev/rvnd0d"])
def test_names_of_disks(sh: Sh, tmp_path: Path, k: rump.Client, name: str) -> None:
    """A disk that is mounted is not mended, under whatever name."""
    (tmp_path / "image").write_bytes(bytes(2 * MIB))
    k.pub.etfs_register("/dev/disk0", str(tmp_path / "image"), type="blk")
    if "vnd" in name:
        sh("vnconfig vnd0 /dev/disk0")
    sh(f"newfs_msdos {name}")
    sh("mkdir /mnt")
    node = name if "/" in name else f"/dev/{name}"
    sh(f"mount_msdos {node.replace('rvnd', 'vnd')} /mnt")
    sh(f"fsck_msdos -y {name}", 1)
    sh("umount /mnt")
    sh(f"fsck_msdos -y {name}")
    sh("rmdir /mnt")
    if "vnd" in name:
        sh("vnconfig -u vnd0")
    k.pub.etfs_remove("/dev/disk0")
