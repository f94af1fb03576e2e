"""The example module outside the tree: builds with the usual tools, and lives and ends in a running kernel."""

from __future__ import annotations

import errno
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

import rump
from rumpclients import demo_module
from tests.live import LiveKernel, live_kernel

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/module"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    rump.generate_key(folder / "trusted")
    rump.generate_key(folder / "other")
    return folder


@pytest.fixture(scope="module")
def kernel(keys: Path) -> Iterator[LiveKernel]:
    with live_kernel("--factions", "vfs", "--module-key", str(keys / "trusted.pub")) as kernel:
        yield kernel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, without network: the build backend is installed."""
    folder = tmp_path_factory.mktemp("module")
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (folder / "dist").glob("*.whl")
    return built


def test_demo_has_the_same_source() -> None:
    packed = resources.files("rumpclients").joinpath("data/hellofs.py").read_bytes()
    assert packed == (EXAMPLE / "src/hellofs/__init__.py").read_bytes()


def test_demo_wheel_is_as_good_as_a_built_one(wheel: Path) -> None:
    assert wheel.name == demo_module.WHEEL_NAME
    assert demo_module.wheel() == demo_module.wheel()
    with zipfile.ZipFile(wheel) as built, zipfile.ZipFile(io.BytesIO(demo_module.wheel())) as ours:
        assert ours.testzip() is None
        assert sorted(ours.namelist()) == sorted(built.namelist())
        for name in ("hellofs/__init__.py", "hellofs-1.0.dist-info/entry_points.txt"):
            assert ours.read(name).split() == built.read(name).split()


def test_life_of_a_module(kernel: LiveKernel, wheel: Path, keys: Path) -> None:
    with rump.connect(kernel.url) as k:
        stat = k.modules.upload(wheel, key=keys / "trusted")
        assert (stat.name, stat.faction, stat.version, stat.source) == ("hellofs", "vfs", "1.0", "upload")
        k.sys.mkdir("/hello", 0o755)
        with pytest.raises(OSError, match="read-only") as refused:
            k.sys.mount("hellofs", "/hello")
        assert refused.value.errno == errno.EROFS
        k.sys.mount("hellofs", "/hello", readonly=True)
        listing(k)
        with pytest.raises(OSError, match="mounted") as busy:
            k.pub.module_fini("hellofs")
        assert busy.value.errno == errno.EBUSY
        k.sys.unmount("/hello")
        k.pub.module_fini("hellofs")
        with pytest.raises(OSError, match="hellofs"):
            k.sys.mount("hellofs", "/hello", readonly=True)
        k.modules.upload(wheel, key=keys / "trusted")  # and once more: nothing was left behind
        k.pub.module_fini("hellofs")
        k.sys.rmdir("/hello")


def listing(k: rump.Connection) -> None:
    fd = k.sys.open("/hello", os.O_RDONLY)
    names = {entry.d_name for entry in k.sys.getdents(fd)}
    assert names == {b".", b"..", b"greeting", b"counter", b"uptime", b"latest", b"docs"}
    assert k.sys.getdents(fd) == []
    k.sys.close(fd)
    assert k.open("/hello/latest").read() == "hello, world\n"
    assert k.open("/hello/counter").read() == "1\n"
    assert k.sys.readlink("/hello/latest") == b"greeting"
    st = k.sys.stat("/hello/docs/README")
    assert st.st_size == len(k.open("/hello/docs/README", "rb").read()) > 100
    assert k.sys.stat("/hello/docs/..").st_ino == k.sys.stat("/hello").st_ino
    for call in (lambda: k.sys.mkdir("/hello/new"), lambda: k.sys.unlink("/hello/greeting")):
        with pytest.raises(OSError, match="Read-only") as refused:
            call()
        assert refused.value.errno == errno.EROFS
    with pytest.raises(FileNotFoundError):
        k.sys.stat("/hello/nothing")


def test_unknown_key_is_refused(kernel: LiveKernel, wheel: Path, keys: Path) -> None:
    with rump.connect(kernel.url) as k:
        with pytest.raises(OSError, match="trust") as refused:
            k.modules.upload(wheel, key=keys / "other")
        assert refused.value.name == "EAUTH"
        assert "hellofs" not in [stat.name for stat in k.modules.list()]


def test_module_is_not_installed_here() -> None:
    """Else these tests would show nothing about uploads."""
    assert importlib.util.find_spec("hellofs") is None
