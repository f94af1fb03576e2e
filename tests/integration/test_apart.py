"""A kernel whose components start alone, each in a network namespace of its own, as on several machines."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ext4_images import make_image
from tests.live import eventually
from tests.tools import need

ENCRYPTED = """
k.pub.md_create(0, 2 << 20)
raw = k.sys.open('/dev/rcgd0d', os.O_RDWR)
args = rump.CgdIoctl(b'/dev/md0d', ci_alg='aes-xts', ci_ivmethod='encblkno1', ci_key=bytes(range(32)))
k.sys.ioctl(raw, rump.CGDIOCSET, args)
image = open('{image}', 'rb').read()
for offset in range(0, len(image), 1 << 20):
    k.sys.pwrite(raw, image[offset : offset + (1 << 20)], offset)
k.sys.mkdir('/mnt', 0o755)
k.sys.mount('ext2fs', '/mnt', device='/dev/cgd0d', readonly=True)
print(k.open('/mnt/hello', 'rb').read())
k.sys.unmount('/mnt', 0)
k.sys.ioctl(raw, rump.CGDIOCCLR)
"""
NAMES = ("gateway", "kern", "vfs", "net", "dev", "client")
PORT = 7001


class Apart:
    """Namespaces rt-gateway, rt-kern, ... on one bridge; addresses 10.99.0.1, .2, ..."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prefix = f"rt{os.getpid() % 10000}"
        self.address = {name: f"10.99.0.{number}" for number, name in enumerate(NAMES, 1)}
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.token = secrets.token_hex(16)

    def up(self) -> None:
        hub = f"{self.prefix}-hub"
        ip("netns", "add", hub)
        ip("-n", hub, "link", "add", "br0", "type", "bridge")
        ip("-n", hub, "link", "set", "br0", "up")
        for name in NAMES:
            ns = f"{self.prefix}-{name}"
            ip("netns", "add", ns)
            ip("link", "add", "eth0", "netns", ns, "type", "veth", "peer", "name", f"v-{name}", "netns", hub)
            ip("-n", hub, "link", "set", f"v-{name}", "master", "br0", "up")
            ip("-n", ns, "addr", "add", f"{self.address[name]}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", ns, "link", "set", device, "up")

    def down(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(20)
            if process.stdout is not None:
                process.stdout.close()
        for name in (*NAMES, "hub"):
            subprocess.run(["ip", "netns", "del", f"{self.prefix}-{name}"], check=False, capture_output=True)

    def start(self, name: str, *flags: str) -> None:
        """A process in the namespace of that name."""
        module = "rumpgateway" if name == "gateway" else f"rump{name}"
        with (self.folder / f"{name}.log").open("a") as log:
            self.processes[name] = subprocess.Popen(
                ["ip", "netns", "exec", f"{self.prefix}-{name}", sys.executable, "-m", module, *flags],
                env={**os.environ, "RUMP_BUS_TOKEN": self.token},
                stdout=subprocess.PIPE if name == "gateway" else subprocess.DEVNULL,
                stderr=log,
                text=True,
            )

    def component(self, name: str) -> None:
        self.start(
            name,
            "--listen", f"tcp+plain://{self.address[name]}:{PORT}",
            "--gateway", f"tcp+plain://{self.address['gateway']}:7000",
            "--keep",
        )  # fmt: skip

    def client(self, code: str) -> str:
        """What a program in the client's namespace prints."""
        program = (
            f"import os, rump\nk = rump.connect('tcp+plain://{self.address['gateway']}:7100')\n{code}\nk.close()\n"
        )
        done = subprocess.run(
            check=False,
            args=["ip", "netns", "exec", f"{self.prefix}-client", sys.executable, "-c", program],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr + self.logs()
        return done.stdout.strip()

    def logs(self) -> str:
        return "".join(f"\n-- {path.name}\n{path.read_text()}" for path in self.folder.glob("*.log"))


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Apart]:
    need("ip")
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    kernel = Apart(tmp_path)
    if subprocess.run(["ip", "netns", "add", f"{kernel.prefix}-try"], check=False, capture_output=True).returncode:
        pytest.skip("this machine makes no network namespaces")
    ip("netns", "del", f"{kernel.prefix}-try")
    try:
        kernel.up()
        yield kernel
    finally:
        kernel.down()


def test_components_in_their_own_namespaces_are_one_kernel(apart: Apart) -> None:
    gateway = apart.address["gateway"]
    apart.start(
        "gateway",
        "--url", f"tcp+plain://{gateway}:7100",
        "--bus", f"tcp+plain://{gateway}:7000",
        "--dir", str(apart.folder / "run"),
        "--no-spawn", "--plain-ok",
    )  # fmt: skip
    stdout = apart.processes["gateway"].stdout
    assert stdout is not None
    assert stdout.readline().startswith("ready "), apart.logs()
    for name in ("kern", "vfs", "dev", "net"):
        apart.component(name)
    joined = "print(' '.join(sorted(c['name'] for c in k.status()['components'])))"
    eventually(lambda: _attached(apart, joined) == "dev gateway kern net vfs", 30, "all components join")

    assert apart.client("print(k.sys.getppid())") == "1"
    opened = "fd = k.sys.open('/tmp/f', os.O_RDWR | os.O_CREAT, 0o644)"
    written = f"{opened}; k.sys.write(fd, b'across'); print(k.sys.pread(fd, 9, 0))"
    assert apart.client(written) == "b'across'"
    through = "fd = k.sys.open('/dev/zero', os.O_RDONLY); print(len(k.sys.read(fd, 5000)))"
    assert apart.client(through) == "5000", "vfs reaches dev on another host"
    names = (
        "s = k.socket(rump.AF_UNIX, rump.SOCK_STREAM); s.bind('/tmp/sock'); print(oct(k.sys.stat('/tmp/sock').st_mode))"
    )
    assert apart.client(names) == "0o140755", "net reaches vfs on another host"
    assert "tmpfs" in apart.client("print(k.sysctl('vfs.generic.fstypes'))"), "kern reaches vfs on another host"

    (apart.folder / "tree").mkdir()
    (apart.folder / "tree" / "hello").write_bytes(b"hello, disk")
    make_image(apart.folder / "image", "2M", source=apart.folder / "tree")
    assert apart.client(ENCRYPTED.format(image=apart.folder / "image")) == "b'hello, disk'", "vfs mounts a disk of dev"

    apart.processes["dev"].kill()
    apart.processes["dev"].wait()
    gone = "try:\n    k.sys.open('/dev/zero', os.O_RDONLY)\nexcept OSError as error:\n    print(error.name)"
    eventually(lambda: apart.client(gone) in ("ENOSYS", "ENXIO", "ENODEV", "ENOTCONN"), 20, "a clear error without dev")
    apart.component("dev")
    eventually(lambda: _attached(apart, through) == "5000", 30, "dev is back")


def _attached(apart: Apart, code: str) -> str:
    """As `Apart.client`, but a failure is an answer too."""
    try:
        return apart.client(code)
    except AssertionError:
        return ""
