"""A disk of dev that does not answer, under a mount: the process of dev is stopped, goes on, or is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code
from tests.conformance.test_disks import MIB, cgd_set
from tests.ext4_images import make_image
from tests.integration.test_disks import dev_of
from tests.live import eventually, live_kernel


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("slow")


@pytest.fixture(scope="module")
def k(folder: Path) -> Iterator[Any]:
    """A client of a split kernel with an ext4 at /slow, on a cgd, and one at /quick, on a host file."""
    (folder / "tree").mkdir()
    for number in range(6):
        (folder / "tree" / f"file{number}").write_bytes(os.urandom(MIB))
    image = make_image(folder / "image", "16M", source=folder / "tree")
    (folder / "disk").write_bytes(bytes(image.stat().st_size))
    with live_kernel() as live, rump.connect(live.url) as client:
        for name in ("disk", "image"):
            client.pub.etfs_register(f"/dev/{name}", str(folder / name), type="blk")
        cgd_set(client, "/dev/disk")
        with client.open("/dev/rcgd0d", "r+b", buffering=0) as file:
            file.write(image.read_bytes())
        for path, device in (("/slow", "/dev/cgd0d"), ("/quick", "/dev/image")):
            client.sys.mkdir(path, 0o755)
            client.sys.mount("ext2fs", path, device=device)
        client.url = live.url
        yield client


@contextlib.contextmanager
def stopped(k: Any) -> Iterator[int]:
    pid, _ = dev_of(k)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def begun(k: Any, path: str) -> Any:
    """A file that is being read."""
    batch = k.batch()
    data = batch.pread(batch.open(path, os.O_RDONLY), 1000, MIB // 2)
    batch.post()
    return batch, data


def gives_up(k: Any, path: str) -> bool:
    """Whether a stat waits for longer than the client does."""
    try:
        k.sys.stat(path)
    except TimeoutError:
        return True
    return False


def contents(path: str, folder: Path) -> bytes:
    return (folder / "tree" / path).read_bytes()[MIB // 2 : MIB // 2 + 1000]


def test_other_mounts_are_served_while_a_disk_waits(k: Any, folder: Path) -> None:
    with stopped(k):
        batch, data = begun(k, "/slow/file0")
        times = []
        for number in range(50):
            begin = time.perf_counter()
            k.sys.stat("/quick/file1")
            with k.open(f"/quick/new{number}", "wb") as file:
                file.write(b"x")
            times.append(time.perf_counter() - begin)
        assert len(k.sys.getdents(k.sys.open("/", os.O_RDONLY), 4096)) > 3
        with pytest.raises(RuntimeError):
            data.result()
    batch.run()
    assert data.result() == contents("file0", folder)
    assert statistics.median(times) < 0.1


def test_entries_with_attributes_come_once_where_a_mount_has_to_be_waited_for(k: Any) -> None:
    """The call begins anew in a worker when it comes to the mount, in the middle of a directory."""
    for path in ("/", "/slow"):
        fd = k.sys.open(path, os.O_RDONLY)
        found = [(e.entry.d_name, e.st) for e in k.pub.getdents_stat(fd)]
        k.sys.lseek(fd, 0, os.SEEK_SET)
        assert [name for name, _ in found] == [e.d_name for e in k.sys.getdents(fd)]
        assert all(st is not None for _, st in found)
        assert dict(found)[b"slow" if path == "/" else b"file0"] is not None
        k.sys.close(fd)


def test_calls_on_the_same_mount_wait_in_their_order(k: Any, folder: Path) -> None:
    fd = k.sys.open("/slow/new", os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o644)
    with stopped(k):
        first, data = begun(k, "/slow/file1")
        batches = []
        for number in range(8):
            batch = k.batch()
            batch.write(fd, b"%d" % number)
            batch.fsync(fd)
            batch.post()
            batches.append(batch)
        assert k.sys.stat("/quick/file0").st_size == MIB
    for batch in (first, *batches):
        batch.run()
        batch.check()
    assert data.result() == contents("file1", folder)
    assert k.sys.pread(fd, 100, 0) == b"01234567"
    k.sys.close(fd)


def test_a_call_that_waits_for_its_turn_can_be_given_up(k: Any) -> None:
    with stopped(k), rump.connect(k.url) as other:
        batch, data = begun(k, "/slow/file2")
        other.timeout = 0.3
        eventually(lambda: gives_up(other, "/slow/file3"), 60, "a stat behind a read that has reached the mount")
        other.timeout = None
        assert other.sys.stat("/quick/file3").st_size == MIB
        waiting = other.fork()
        gone = threading.Thread(target=lambda: code(waiting.sys.stat, "/slow/file3"))
        gone.start()
        waiting.close()  # a client that goes leaves the queue
        gone.join(30)
        assert not gone.is_alive()
    batch.run()
    assert len(data.result()) == 1000
    assert k.sys.stat("/slow/file3").st_size == MIB


def test_a_disk_that_dies_while_it_is_waited_for(k: Any) -> None:
    with stopped(k) as pid:
        batch, _ = begun(k, "/slow/file4")
        behind, _ = begun(k, "/slow/file5")
        os.kill(pid, signal.SIGKILL)
        for failed in (batch, behind):
            failed.run()
            assert code(failed.check) == "EIO"
    assert k.sys.stat("/quick/file0").st_size == MIB
    k.sys.unmount("/slow", rump.MNT_FORCE)
    assert code(k.sys.stat, "/slow/file1") == "ENOENT"
