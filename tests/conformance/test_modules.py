"""Modules at run time: installed, from a file of the kernel, and uploaded; each refusal with its errno."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from rumpclients import demo_module
from tests.conformance.test_descriptors import code, write_file
from tests.conformance.test_vfs import names
from tests.live import live_kernel


class Kernel:
    """A kernel of its own that trusts one key, and clients of it."""

    def __init__(self, connect: Any, key: Path) -> None:
        self.connect = connect
        self.key = key


@pytest.fixture(scope="module", params=["local", "server", "split"])
def trusting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    key = tmp_path_factory.mktemp("keys") / "key"
    public = bytes.fromhex(rump.generate_key(key))
    if request.param == "local":
        with rump.Kernel(module_keys=(public,)) as kernel:
            yield Kernel(kernel.attach, key)
    else:
        with live_kernel("--placement", request.param, "--module-key", f"{key}.pub") as live:
            yield Kernel(lambda: rump.connect(live.url), key)


@pytest.fixture
def k(trusting: Kernel) -> Iterator[Any]:
    with trusting.connect() as client:
        yield client


def wheel_file(folder: Path, data: bytes, name: str = demo_module.WHEEL_NAME) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def changed_wheel(changes: dict[str, tuple[str, str]]) -> bytes:
    """The demo's wheel with texts of its files replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(demo_module.wheel())) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            before, after = changes.get(name, ("", ""))
            assert before in text
            new.writestr(name, text.replace(before, after) if before else text)
    return out.getvalue()


def loaded(k: Any) -> set[str]:
    return {module.name for module in k.modules.list()}


def test_upload_use_and_unload(k: Any, trusting: Kernel, tmp_path: Path) -> None:
    wheel = wheel_file(tmp_path, demo_module.wheel())
    rump.sign_wheel(wheel, trusting.key)
    other = trusting.connect()
    fd = other.sys.open("/dev/null", os.O_RDWR)
    stat = k.modules.upload(wheel)
    assert (stat.name, stat.faction, stat.version, stat.source) == ("hellofs", "vfs", "1.0", "upload")
    assert "hellofs" in loaded(k)
    assert "hellofs" in k.sysctl("vfs.generic.fstypes").split()
    k.sys.mkdir("/tmp/hello", 0o755)
    k.sys.mount("hellofs", "/tmp/hello", readonly=True)
    assert b"greeting" in names(k, "/tmp/hello")
    assert k.open("/tmp/hello/greeting").read() == "hello, world\n"
    assert code(k.modules.upload, wheel) == "EEXIST"
    assert code(k.pub.module_fini, "hellofs") == "EBUSY"
    assert "hellofs" in loaded(k)
    k.sys.unmount("/tmp/hello", 0)
    k.sys.rmdir("/tmp/hello")
    k.pub.module_fini("hellofs")
    assert "hellofs" not in loaded(k)
    assert "hellofs" not in k.sysctl("vfs.generic.fstypes").split()
    assert code(k.pub.module_fini, "hellofs") == "ENOENT"
    assert other.sys.write(fd, b"the other client noticed nothing") > 0
    k.modules.upload(wheel)
    k.pub.module_fini("hellofs")
    other.close()


def test_cmsg_modcmd(k: Any, trusting: Kernel, tmp_path: Path) -> None:
    """t_modcmd: what is not there cannot be mounted; twice through its whole life, with each step done twice."""
    wheel = wheel_file(tmp_path, demo_module.wheel())
    rump.sign_wheel(wheel, trusting.key)
    k.sys.mkdir("/tmp/mp", 0o755)
    for _ in range(2):
        assert code(k.sys.mount, "hellofs", "/tmp/mp") == "ENODEV"
        k.modules.upload(wheel)
        assert code(k.modules.upload, wheel) == "EEXIST"
        k.sys.mount("hellofs", "/tmp/mp", readonly=True)
        k.sys.unmount("/tmp/mp", 0)
        k.pub.module_fini("hellofs")
        assert code(k.pub.module_fini, "hellofs") == "ENOENT"
    assert code(k.sys.mount, "hellofs", "/tmp/mp") == "ENODEV"
    k.sys.rmdir("/tmp/mp")


def test_signatures(k: Any, trusting: Kernel, tmp_path: Path) -> None:
    wheel = wheel_file(tmp_path, demo_module.wheel())
    assert code(k.modules.upload, wheel) == "EAUTH", "unsigned"
    stranger = tmp_path / "stranger"
    rump.generate_key(stranger)
    rump.sign_wheel(wheel, stranger)
    assert code(k.modules.upload, wheel) == "EAUTH", "a key that nobody trusts"
    rump.sign_wheel(wheel, trusting.key)
    wheel.write_bytes(demo_module.wheel() + b"\0")
    assert code(k.modules.upload, wheel) == "EBADMSG", "other bytes than were signed"
    wheel.write_bytes(demo_module.wheel())
    signature = json.loads((tmp_path / f"{wheel.name}.sig").read_text())
    signature["signature"] = "00" * 64
    (tmp_path / f"{wheel.name}.sig").write_text(json.dumps(signature))
    assert code(k.modules.upload, wheel) == "EAUTH", "a signature that is none"
    assert "hellofs" not in loaded(k)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"hellofs/__init__.py": ('"hellofs", "vfs", "vfs"', '"hellofs", "vfs", "net"')}, "EINVAL"),
        ({"hellofs-1.0.dist-info/entry_points.txt": ("modules.vfs", "modules.moon")}, "EINVAL"),
        ({"hellofs/__init__.py": ('version="1.0"', 'version="1.0", requires=("nosuchmodule",)')}, "ENOENT"),
        ({"hellofs/__init__.py": ('version="1.0"', 'version="1.0", requires=("hellofs",)')}, "EDEADLK"),
        ({"hellofs/__init__.py": ('version="1.0"', 'version="1.0", abi=999')}, "EPROGMISMATCH"),
        ({"hellofs/__init__.py": ("MODULE =", "raise RuntimeError('at import')\nMODULE =")}, "ENOEXEC"),
        ({"hellofs-1.0.dist-info/entry_points.txt": ("hellofs:MODULE", "hellofs:NONE")}, "ENOEXEC"),
        ({"hellofs-1.0.dist-info/entry_points.txt": ("hellofs = hellofs:MODULE", "")}, "ENOEXEC"),
    ],
)
def test_wheels_that_are_refused(
    k: Any, trusting: Kernel, tmp_path: Path, changes: dict[str, tuple[str, str]], wanted: str
) -> None:
    wheel = wheel_file(tmp_path, changed_wheel(changes))
    rump.sign_wheel(wheel, trusting.key)
    assert code(k.modules.upload, wheel) == wanted
    assert "hellofs" not in loaded(k)
    rump.sign_wheel(wheel_file(tmp_path, demo_module.wheel()), trusting.key)
    k.modules.upload(wheel)
    k.pub.module_fini("hellofs")


def test_what_is_no_wheel(k: Any, trusting: Kernel, tmp_path: Path) -> None:
    for data in (b"", b"garbage", b"PK\x03\x04" + bytes(100), demo_module.wheel()[:-50]):
        wheel = wheel_file(tmp_path, data)
        rump.sign_wheel(wheel, trusting.key)
        assert code(k.modules.upload, wheel) in ("ENOEXEC", "EINVAL")


def test_from_a_file_of_the_kernel(k: Any, trusting: Kernel, tmp_path: Path) -> None:
    wheel = wheel_file(tmp_path, demo_module.wheel())
    rump.sign_wheel(wheel, trusting.key)
    k.sys.mkdir("/tmp/modules", 0o755)
    write_file(k, "/tmp/modules/hello.whl", wheel.read_bytes())
    assert code(k.sys.modctl_load, "/tmp/modules/hello.whl") == "EAUTH", "no signature beside it"
    write_file(k, "/tmp/modules/hello.whl.sig", (tmp_path / f"{wheel.name}.sig").read_bytes())
    k.sys.modctl_load("/tmp/modules/hello.whl")
    assert "hellofs" in k.sysctl("vfs.generic.fstypes").split()
    k.sys.modctl_unload("hellofs")
    assert code(k.sys.modctl_load, "/tmp/modules/none.whl") == "ENOENT"
    for name in ("hello.whl", "hello.whl.sig"):
        k.sys.unlink(f"/tmp/modules/{name}")
    k.sys.rmdir("/tmp/modules")


def test_installed_by_name(k: Any) -> None:
    k.pub.module_init("ext2fs")
    assert code(k.pub.module_init, "ext2fs") == "EEXIST"
    assert "ext2fs" in k.sysctl("vfs.generic.fstypes").split()
    k.pub.module_fini("ext2fs")
    assert code(k.pub.module_init, "nosuchmodule") == "ENOENT"
    assert code(k.pub.module_init, "") == "ENOENT"
    assert code(k.pub.module_init, "x" * 40) == "ENAMETOOLONG"


def test_only_root_loads(trusting: Kernel, tmp_path: Path) -> None:
    with trusting.connect() as user:
        user.sys.setuid(1000)
        wheel = wheel_file(tmp_path, demo_module.wheel())
        rump.sign_wheel(wheel, trusting.key)
        assert code(user.modules.upload, wheel) == "EPERM"
        assert code(user.sys.modctl_load, "ext2fs") == "EPERM"
        assert code(user.pub.module_fini, "tmpfs") == "EPERM"


@pytest.mark.parametrize("placement", ["server", "split"])
def test_a_faction_that_is_not_running_is_started(placement: str) -> None:
    with live_kernel("--placement", placement, "--factions", "net") as live, rump.connect(live.url) as k:
        pid = k.sys.getpid()
        assert code(k.sys.open, "/tmp", os.O_RDONLY) == "ENOSYS"
        k.pub.module_init("ext2fs")
        assert k.sys.open("/tmp", os.O_RDONLY) == 3
        assert "ext2fs" in k.sysctl("vfs.generic.fstypes").split()
        assert k.sys.getpid() == pid
        assert {c["name"] for c in k.status()["components"]} >= {"gateway", "kern", "net", "vfs"}


def test_the_example_and_the_demos_module_are_the_same() -> None:
    root = Path(__file__).resolve().parents[2]
    data = (root / "clients/rumpclients/data/hellofs.py").read_bytes()
    assert data == (root / "examples/module/src/hellofs/__init__.py").read_bytes()
    assert hashlib.sha256(demo_module.wheel()).digest() == hashlib.sha256(demo_module.wheel()).digest()


# -- builtin modules (t_builtin, t_modctl of NetBSD's tests/modules)


def stat_of(k: Any, name: str) -> Any:
    return next(module for module in k.modules.list() if module.name == name)


def test_a_disabled_builtin(k: Any) -> None:
    k.sys.modctl_unload("cgd")
    assert (stat_of(k, "cgd").refcnt, stat_of(k, "cgd").flags) == (-1, rump.MODFLG_MUST_FORCE)
    k.sys.mknod("/dev/cgd7", 0o600 | 0o060000, rump.makedev(19, 7 << 4))
    assert code(k.sys.open, "/dev/cgd7", os.O_RDONLY) == "ENXIO"
    with pytest.raises(rump.RumpError, match="was disabled"):
        k.sys.open("/dev/cgd7", os.O_RDONLY)
    assert code(k.sys.modctl_load, "cgd") == "EPERM"
    assert code(k.sys.modctl_unload, "cgd") == "ENOENT"
    k.sys.modctl_load("cgd", rump.MODCTL_LOAD_FORCE)
    assert (stat_of(k, "cgd").refcnt, stat_of(k, "cgd").flags) == (0, 0)
    assert code(k.sys.modctl_load, "cgd", rump.MODCTL_LOAD_FORCE) == "EEXIST"
    k.sys.unlink("/dev/cgd7")


def test_a_protocol_family_that_was_disabled(k: Any) -> None:
    k.sys.modctl_unload("local")
    with pytest.raises(OSError, match="was disabled") as caught:
        k.sys.socket(rump.AF_UNIX, rump.SOCK_STREAM, 0)
    assert caught.value.errno == errno.EAFNOSUPPORT
    k.sys.modctl_load("local", rump.MODCTL_LOAD_FORCE)
    k.sys.close(k.sys.socket(rump.AF_UNIX, rump.SOCK_STREAM, 0))


def test_a_builtin_in_use_stays(k: Any) -> None:
    s = k.sys.socket(rump.AF_INET6, rump.SOCK_DGRAM, 0)
    assert code(k.sys.modctl_unload, "netinet6") == "EBUSY"
    assert code(k.sys.modctl_unload, "netinet") == "EBUSY"
    k.sys.close(s)
    assert stat_of(k, "netinet").refcnt >= 1


def test_kinds_of_interfaces_are_asked_for(k: Any) -> None:
    with pytest.raises(rump.RumpError, match="no module if_nosuch is installed"):
        k.pub.netconfig_ifcreate("nosuch0")
    assert code(k.pub.netconfig_ifcreate, "nosuch") == "EINVAL"


def test_modctl(k: Any) -> None:
    assert k.sys.modctl_exists()
    assert k.sys.modctl_exists(autoload=True)
    assert code(k.sys.modctl_load, "") == "ENOENT"
    assert code(k.sys.modctl_load, "nosuchmodule") == "ENOENT"
    assert code(k.sys.modctl_load, "x" * 32) == "ENAMETOOLONG"
    assert code(k.sys.modctl_load, "/" + "x" * 2000) == "ENAMETOOLONG"
    assert code(k.sys.modctl_load, "ext2fs", 0x40) == "EINVAL"
    assert code(k.sys.modctl, 4, None, None, None) == "EINVAL"
    assert code(k.sys.modctl_unload, "nosuchmodule") == "ENOENT"
    assert code(k.sys.modctl_unload, "") == "ENOENT"


def test_on_demand_and_gone_again(k: Any) -> None:
    k.sysctl("kern.module.autotime", 1)
    try:
        k.sys.mkdir("/tmp/auto", 0o755)
        k.sys.mount("kernfs", "/tmp/auto")
        assert stat_of(k, "kernfs").flags == rump.MODFLG_AUTO_LOADED
        k.sys.unmount("/tmp/auto", 0)
        k.sys.rmdir("/tmp/auto")
        deadline = time.monotonic() + 30
        while "kernfs" in loaded(k):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        k.sysctl("kern.module.autotime", 10)


def test_on_demand_from_a_file(k: Any, trusting: Kernel, tmp_path: Path) -> None:
    """A signed wheel below kern.module.path, loaded by the mount of its type."""
    wheel = wheel_file(tmp_path, demo_module.wheel())
    rump.sign_wheel(wheel, trusting.key)
    for path in ("/stand", "/stand/hellofs", "/tmp/demand"):
        k.sys.mkdir(path, 0o755)
    write_file(k, "/stand/hellofs/hellofs.whl", wheel.read_bytes())
    write_file(k, "/stand/hellofs/hellofs.whl.sig", (tmp_path / f"{wheel.name}.sig").read_bytes())
    assert code(k.sys.mount, "hellofs", "/tmp/demand") == "ENODEV"
    k.sysctl("kern.module.path", "/stand")
    k.sysctl("kern.module.autoload", False)
    assert code(k.sys.mount, "hellofs", "/tmp/demand") == "ENODEV"
    k.sysctl("kern.module.autoload", True)
    k.sys.mount("hellofs", "/tmp/demand", readonly=True)
    assert (stat_of(k, "hellofs").source, stat_of(k, "hellofs").flags) == ("filesys", rump.MODFLG_AUTO_LOADED)
    k.sys.unmount("/tmp/demand", 0)
    k.sys.modctl_unload("hellofs")
    k.sysctl("kern.module.path", "")
