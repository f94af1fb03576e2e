"""Over a link of 10 ms there and back: 1,000 small files copied in, against single calls and sftp; one long read."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live import free_ports, start_kernel

import rump
from bench.measure import Row
from bench.relay import link

FILES = 1000
LINK_MS = 10.0
LONG = 32 << 20
ONE_BY_ONE = 100
"""So many are copied one call at a time, since each takes as long as the others."""


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="rump-bench-") as folder:
        root = Path(folder)
        source = _files(root / "files")
        (port,) = free_ports(1)
        kernel = start_kernel(root / "kernel", "--factions", "vfs", "--url", f"tcp+plain://127.0.0.1:{port}")
        try:
            with link(LINK_MS, port) as near, rump.connect(f"tcp+plain://127.0.0.1:{near}") as k:
                single = _one_by_one(k, source) * FILES / ONE_BY_ONE
                ours = min(_copied(k, source, turn) for turn in range(3))
                whole, pieces = _long(k)
        finally:
            kernel.stop()
        read = Row("read 32 MiB, 10 ms link", whole, "s", "1 MiB a call", pieces, pieces / whole, 1.5, "high")
        rows = [read, _row("one call at a time", single, ours, 20)]
        if shutil.which("sshd") and shutil.which("sftp"):
            with _sshd(root) as (port, options), link(LINK_MS, port) as near:
                peer = min(_sftp([*options, "-P", str(near)], source, root / f"to{turn}") for turn in range(3))
            rows.append(_row("sftp", peer, ours, 3))
        return rows


def _row(yardstick: str, peer: float, ours: float, bound: float) -> Row:
    return Row("1,000 small files in, 10 ms link", ours, "s", yardstick, peer, peer / ours, bound, "high")


def _files(folder: Path) -> Path:
    folder.mkdir()
    for number in range(FILES):
        (folder / f"file{number:04}").write_bytes(os.urandom(100 + number * 7 % 4000))
    return folder


def _one_by_one(k: rump.Client, source: Path) -> float:
    begun = time.perf_counter()
    for name in sorted(os.listdir(source))[:ONE_BY_ONE]:
        fd = k.sys.open(f"/tmp/{name}", os.O_WRONLY | os.O_CREAT, 0o644)
        k.sys.write(fd, (source / name).read_bytes())
        k.sys.close(fd)
    return time.perf_counter() - begun


def _long(k: rump.Client) -> tuple[float, float]:
    """Seconds of one call, and of calls of 1 MiB one after another; the best of three turns each."""
    fd = k.sys.open("/tmp/long", os.O_RDWR | os.O_CREAT, 0o644)
    k.sys.ftruncate(fd, LONG)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(3):
        begun = time.perf_counter()
        assert len(k.sys.pread(fd, LONG, 0)) == LONG
        between = time.perf_counter()
        assert sum(len(k.sys.pread(fd, 1 << 20, at)) for at in range(0, LONG, 1 << 20)) == LONG
        times[0].append(between - begun)
        times[1].append(time.perf_counter() - between)
    return min(times[0]), min(times[1])


def _copied(k: rump.Client, source: Path, turn: int) -> float:
    begun = time.perf_counter()
    assert rump.fs.Tree(k).copy_in(source, f"/tmp/turn{turn}").files == FILES
    return time.perf_counter() - begun


@contextmanager
def _sshd(folder: Path) -> Iterator[tuple[int, list[str]]]:
    """A server of ours alone: its port, and what sftp has to be told."""
    (port,) = free_ports(1)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    if os.getuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # sshd of root will not start without
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        "StrictModes no\nUsePAM no\nPidFile none\nSubsystem sftp internal-sftp\n"
    )
    command = [str(shutil.which("sshd")), "-D", "-e", "-f", str(folder / "config")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            known = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
            yield port, ["-q", "-i", str(folder / "user"), *(word for each in known for word in ("-o", each))]
        finally:
            server.terminate()


def _sftp(options: list[str], source: Path, there: Path) -> float:
    """Seconds of the copy alone, without what the connection takes."""
    times = []
    for commands in (f"mkdir {there}\nbye\n", f"put -r {source}/* {there}\nbye\n"):
        begun = time.perf_counter()
        subprocess.run(
            ["sftp", *options, "-b", "-", "127.0.0.1"], input=commands, text=True, check=True, capture_output=True
        )
        times.append(time.perf_counter() - begun)
    assert len(os.listdir(there)) == FILES
    return times[1] - times[0]
