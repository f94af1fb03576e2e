"""``rump demo``: the main job, shown. A kernel of five processes reads a real ext4 image while modules come and go.

Everything happens in one temporary folder and in processes that end with the demo; nothing stays behind.
"""

from __future__ import annotations

import argparse
import hashlib
import lzma
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import rump
from rumpclients import demo_module

READY_S = 60
READER_FILE = "/tmp/reader"  # noqa: S108 - a name in the kernel
MAX_LISTED = 24
"""Lines of a listing that are shown of a user's own image."""


class Show:
    """Prints what happens, and remembers how long it took."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, float, str]] = []

    def step(self, title: str, action: Callable[[], str]) -> None:
        """Does one part of the demo. ``action`` says in a few words what came out."""
        print(f"\n== {title}", flush=True)
        start = time.perf_counter()
        try:
            outcome = action()
        except Exception:
            self.rows.append((title, time.perf_counter() - start, "FAILED"))
            raise
        self.rows.append((title, time.perf_counter() - start, outcome))

    def table(self) -> None:
        width = max(len(title) for title, _, _ in self.rows)
        print(f"\n{'what':{width}}  {'time':>8}  outcome")
        for title, seconds, outcome in self.rows:
            print(f"{title:{width}}  {seconds:7.2f}s  {outcome}")
        print(f"{'all':{width}}  {sum(row[1] for row in self.rows):7.2f}s")


def say(text: str) -> None:
    print(f"   {text}", flush=True)


class Demo:
    """One run. ``image`` is the user's own, or None for the one that comes with the product."""

    def __init__(self, folder: Path, image: Path | None) -> None:
        self.folder = folder
        self.own_image = image
        self.image = image or folder / "demo.ext4"
        self.show = Show()
        self.kernels: list[subprocess.Popen[str]] = []
        self.key = folder / "key"
        self.url = ""

    def run(self) -> None:
        try:
            self.show.step("boot a kernel of five processes", self.boot)
            with rump.connect(self.url) as k:
                self.show.step("rump.sysctl vfs.generic.fstypes", self.fstypes)
                with Reader(self.url, k) as reader:
                    self.show.step("upload a signed module while a client reads", lambda: self.upload(k, reader))
                self.show.step("load ext2fs and mount a real ext4 image", lambda: self.mount(k))
                self.show.step("list it", lambda: self.list(k))
                self.show.step("check the digests of its files", lambda: self.digests(k))
                self.show.step("talk over lo0", lambda: self.talk(k))
            self.show.step("a kernel without vfs says what is missing", self.without_vfs)
        finally:
            self.show.step("halt", self.halt)
            self.show.table()

    # -- the steps

    def boot(self) -> str:
        rump.generate_key(self.key)
        self.url = self.start("kernel", "--module-key", f"{self.key}.pub")
        with rump.connect(self.url) as k:
            components = k.status()["components"]
        for component in components:
            modules = " ".join(component["modules"]) or "-"
            say(f"{component['name']:8} pid {component['pid']:<8} {component['state']}  modules: {modules}")
        return f"{len(components)} processes"

    def start(self, name: str, *flags: str) -> str:
        """Starts a kernel and waits until it says ``ready``."""
        log = self.folder / f"{name}.log"
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "rumpclients.cli", "up", "--dir", str(self.folder / name), *flags],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self.kernels.append(process)
        assert process.stdout is not None
        watchdog = threading.Timer(READY_S, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        if not line.startswith("ready "):
            raise RuntimeError(f"the kernel did not start; its log says:\n{log.read_text()}")
        return line.split()[1]

    def fstypes(self) -> str:
        found = self.tool("rump.sysctl", "vfs.generic.fstypes")
        say(found.stdout.strip())
        found.check_returncode()
        return found.stdout.split("=")[-1].strip()

    def tool(self, name: str, *arguments: str, url: str = "") -> subprocess.CompletedProcess[str]:
        """Runs one of the tools as a user would."""
        say(f"$ {name} {' '.join(arguments)}")
        path = Path(sys.executable).with_name(name)
        environment = {**os.environ, "RUMP_SERVER": url or self.url}
        command = [str(path), *arguments]
        return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)

    def upload(self, k: rump.Client, reader: Reader) -> str:
        wheel = self.folder / demo_module.WHEEL_NAME
        wheel.write_bytes(demo_module.wheel())
        rump.sign_wheel(wheel, self.key)
        say(f"{wheel.name}: {wheel.stat().st_size} bytes, signed with ed25519")
        before = reader.count
        loaded = k.modules.upload(wheel)
        say(f"loaded {loaded.name} {loaded.version} into {loaded.faction}")
        say(f"file systems now: {k.sysctl('vfs.generic.fstypes')!s}")
        k.sys.mkdir("/hello", 0o755)
        k.sys.mount(loaded.name, "/hello", readonly=True)
        say(f"/hello: {' '.join(sorted(os.fsdecode(e.d_name) for e in entries(k, '/hello')))}")
        try:
            k.pub.module_fini(loaded.name)
        except OSError as error:
            say(f"unload while mounted: {error}")
        k.sys.unmount("/hello", 0)
        k.pub.module_fini(loaded.name)
        reader.wait_for(before + 20)
        reader.check()
        say(f"the other client read {reader.count - before} times meanwhile, every byte as it should be")
        return f"{reader.count - before} reads undisturbed"

    def mount(self, k: rump.Client) -> str:
        if self.own_image is None:
            packed = resources.files("rumpclients").joinpath("data/demo.ext4.xz").read_bytes()
            self.image.write_bytes(lzma.decompress(packed))
        k.pub.module_init("ext2fs")
        k.pub.etfs_register("/dev/disk0", str(self.image), type="blk")
        k.sys.mkdir("/mnt", 0o755)
        found = self.tool("rump.mount", "-t", "ext2fs", "-o", "ro", "/dev/disk0", "/mnt")
        if found.returncode:
            raise RuntimeError(found.stderr.strip())
        say(self.tool("rump.df", "/mnt").stdout.strip().replace("\n", "\n   "))
        return f"{self.image.stat().st_size >> 10} KiB image"

    def list(self, k: rump.Client) -> str:
        count = 0
        for path, st in walk(k, "/mnt"):
            count += 1
            if count <= MAX_LISTED:
                say(f"{stat.filemode(st.st_mode)} {st.st_uid:5} {st.st_gid:5} {st.st_size:10} {os.fsdecode(path)}")
        if count > MAX_LISTED:
            say(f"... and {count - MAX_LISTED} more")
        return f"{count} names"

    def digests(self, k: rump.Client) -> str:
        """Against the list inside the image where there is one, else just every readable byte once."""
        wanted: dict[str, str] = {}
        if self.own_image is None:
            with k.open("/mnt/SHA256SUMS") as sums:
                wanted = {path: digest for digest, path in (line.rstrip("\n").split("  ", 1) for line in sums)}
        checked = total = 0
        for path, st in walk(k, "/mnt"):
            name = os.fsdecode(path).removeprefix("/mnt/")
            if not stat.S_ISREG(st.st_mode) or name == "SHA256SUMS":
                continue
            digest, length = digest_of(k, path)
            if length != st.st_size or wanted.get(name, digest) != digest:
                raise RuntimeError(
                    f"{name}: {length} bytes with digest {digest}, not {st.st_size} with {wanted.get(name)}"
                )
            checked, total = checked + 1, total + length
        if len(wanted) != (checked if wanted else 0):
            raise RuntimeError(f"{len(wanted)} files are listed, {checked} were found")
        say(f"{checked} files, {total} bytes" + (", all equal to SHA256SUMS" if wanted else " read"))
        return f"{checked} files right"

    def talk(self, k: rump.Client) -> str:
        server = k.socket(rump.AF_INET, rump.SOCK_DGRAM)
        server.bind(("127.0.0.1", 0))
        address = server.getsockname()
        with rump.connect(self.url) as other:
            client = other.socket(rump.AF_INET, rump.SOCK_DGRAM)
            for number in range(100):
                client.sendto(b"datagram %d" % number, address)
                data, sender = server.recvfrom(100)
                server.sendto(data.upper(), sender)
                answer, _ = client.recvfrom(100)
                if answer != b"DATAGRAM %d" % number:
                    raise RuntimeError(f"sent datagram {number}, got {answer!r}")
            client.close()
        server.close()
        say(f"100 datagrams to {address[0]}:{address[1]} and back, each through IPv4 and UDP in the kernel's own stack")
        return "100 echoes"

    def without_vfs(self) -> str:
        url = self.start("small", "--factions", "net")
        found = self.tool("rump.sysctl", "vfs.generic.fstypes", url=url)
        say(found.stderr.strip())
        if found.returncode == 0:
            raise RuntimeError("a kernel without vfs lists file systems")
        with rump.connect(url) as k:
            try:
                k.sys.open("/etc/motd", os.O_RDONLY)
            except OSError as error:
                say(f"open: {error}")
                return "clear errors"
        raise RuntimeError("a kernel without vfs opens files")

    def halt(self) -> str:
        for kernel in self.kernels:
            kernel.terminate()
        for kernel in self.kernels:
            kernel.wait(30)
            assert kernel.stdout is not None
            kernel.stdout.close()
        return "nothing left behind"


class Reader:
    """Another client, which reads one file over and over and compares every byte."""

    def __init__(self, url: str, k: rump.Client) -> None:
        self._content = os.urandom(20_000)
        fd = k.sys.open(READER_FILE, os.O_WRONLY | os.O_CREAT, 0o644)
        k.sys.write(fd, self._content)
        k.sys.close(fd)
        self._url = url
        self._stop = threading.Event()
        self._more = threading.Condition()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._loop)
        self.count = 0

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.check()

    def check(self) -> None:
        if self._error is not None:
            raise RuntimeError(f"the other client was disturbed: {self._error}") from self._error

    def wait_for(self, count: int) -> None:
        with self._more:
            self._more.wait_for(lambda: self.count >= count or self._error is not None, 30)

    def _loop(self) -> None:
        try:
            with rump.connect(self._url) as k:
                while not self._stop.is_set():
                    fd = k.sys.open(READER_FILE, os.O_RDONLY)
                    data = k.sys.read(fd, 1 << 16)
                    k.sys.close(fd)
                    if data != self._content:
                        raise RuntimeError("other bytes than were written")
                    with self._more:
                        self.count += 1
                        self._more.notify_all()
        except BaseException as error:  # noqa: BLE001  shown by check, in the thread that waits
            self._error = error
            with self._more:
                self._more.notify_all()


def entries(k: rump.Client, path: str | bytes) -> list[Any]:
    """All entries of a directory but . and .."""
    fd = k.sys.open(path, os.O_RDONLY)
    found = []
    while some := k.sys.getdents(fd, 1 << 16):
        found += [entry for entry in some if entry.d_name not in (b".", b"..")]
    k.sys.close(fd)
    return found


def walk(k: rump.Client, path: str | bytes) -> Iterator[tuple[bytes, Any]]:
    """All files below a directory, by name, with their attributes."""
    folder = os.fsencode(path)
    paths = [folder + b"/" + entry.d_name for entry in sorted(entries(k, folder), key=lambda e: e.d_name)]
    with k.batch() as b:
        stats = [b.lstat(p) for p in paths]
    for p, st in zip(paths, stats, strict=True):
        yield p, st.result()
        if stat.S_ISDIR(st.result().st_mode):
            yield from walk(k, p)


def digest_of(k: rump.Client, path: bytes) -> tuple[str, int]:
    digest, length = hashlib.sha256(), 0
    fd = k.sys.open(path, os.O_RDONLY)
    while data := k.sys.read(fd, 1 << 20):
        digest.update(data)
        length += len(data)
    k.sys.close(fd)
    return digest.hexdigest(), length


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="rump demo", description="Shows the main job of the kernel.")
    parser.add_argument("--image", type=Path, metavar="FILE", help="an ext2, ext3 or ext4 image of your own")
    arguments = parser.parse_args(argv)
    if arguments.image is not None and not arguments.image.is_file():
        print(f"rump demo: {arguments.image}: no such image", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="rump-demo-") as folder:
        try:
            Demo(Path(folder), arguments.image and arguments.image.resolve()).run()
        except (OSError, RuntimeError) as error:
            print(f"rump demo: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
