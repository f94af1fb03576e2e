"""t_disk of the original: what -d of rump_server makes of files of the host, seen from both sides."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rump

BIN = Path(sys.executable).parent
DRIVES = {
    "size": "key=/size,hostpath=size.img,size=32k",
    "offset": "key=/offset,hostpath=offset.img,size=32k,offset=16k",
    "notrunc": "key=/notrunc,hostpath=notrunc.img,size=8k,offset=16k",
    "data": "key=/data,hostpath=data.img,size=8k,offset=16k",
    "chr": "key=/chr,hostpath=chr.img,size=32k,type=chr",
    "reg": "key=/reg,hostpath=reg.img,type=reg,size=32k",
    "blk": "key=/blk,hostpath=blk.img,size=32k,type=blk",
    "factors": "key=//factors,hostpath=factors.img,size=2x16b",
}


def program(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / words[0]), *words[1:]], cwd=folder, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder), **env},
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the files are, and a server that has them."""
    folder = tmp_path_factory.mktemp("disks")
    (folder / "notrunc.img").write_bytes(bytes(64 << 10))
    (folder / "data.img").write_bytes(b"".join(b"%07d\n" % number for number in range(8192)))
    flags = [word for drive in DRIVES.values() for word in ("-d", drive)]
    started = program(folder, "rump_server", "-l", "rumpvfs", *flags, f"unix://{folder}/sock")
    assert (started.returncode, started.stdout, started.stderr) == (0, "", ""), "ready when it returns, and silent"
    yield folder
    assert program(folder, "rump.halt", RUMP_SERVER=f"unix://{folder}/sock").returncode == 0


@pytest.fixture(scope="module")
def k(folder: Path) -> Iterator[rump.Client]:
    with rump.connect(f"unix://{folder}/sock") as k:
        yield k


@pytest.mark.parametrize(
    ("name", "size"), [("size", 32 << 10), ("offset", 48 << 10), ("notrunc", 64 << 10), ("factors", 16 << 10)]
)
def test_lengths_of_the_hosts_files(name: str, size: int, folder: Path, k: rump.Client) -> None:
    """Made, and extended behind the offset; one that is longer stays so."""
    found = (folder / f"{name}.img").stat()
    assert found.st_size == size
    if name != "notrunc":
        assert stat.S_IMODE(found.st_mode) == 0o644 & ~_umask()
        assert found.st_blocks == 0, "no room is taken"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_data_are_those_at_the_offset(folder: Path, k: rump.Client) -> None:
    fd = k.sys.open("/data", os.O_RDWR)
    assert k.sys.pread(fd, 8 << 10, 0) == (folder / "data.img").read_bytes()[16 << 10 : 24 << 10]
    k.sys.pwrite(fd, b"w" * 512, 512)
    k.sys.fsync(fd)
    k.sys.close(fd)
    assert (folder / "data.img").read_bytes()[(16 << 10) + 512 : (17 << 10)] == b"w" * 512


@pytest.mark.parametrize(
    ("name", "kind"), [("chr", stat.S_IFCHR), ("reg", stat.S_IFREG), ("blk", stat.S_IFBLK), ("size", stat.S_IFBLK)]
)
def test_types(name: str, kind: int, k: rump.Client) -> None:
    assert stat.S_IFMT(k.sys.stat(f"/{name}").st_mode) == kind


@pytest.mark.parametrize(
    ("drive", "status", "why"),
    [
        ("key=/x,hostpath=none.img,size=host", 1, "none.img: No such file"),
        ("key=/x,hostpath=empty.img,size=host", 1, "not empty"),
        ("key=x,hostpath=a.img,size=1k", 2, "not an absolute path"),
        ("key=/x,hostpath=size.img,disklabel=e", 1, "no partition e"),
        ("key=/x,hostpath=/none/a.img,size=1k", 1, "/none/a.img"),
    ],
)
def test_errors_reach_who_started_it(drive: str, status: int, why: str, folder: Path) -> None:
    (folder / "empty.img").touch()
    failed = program(folder, "rump_server", "-l", "rumpvfs", "-d", drive, f"unix://{folder}/other")
    assert failed.returncode == status
    assert why in failed.stderr
    assert failed.stderr.count("\n") == 1
    assert not (folder / "other").exists()
