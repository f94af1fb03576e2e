"""``python -m tests.crash.ext4 --cuts 10000``: power failures at every point of a random workload on ext4.

While the workload runs it is noted which names there are after each operation and what every file has when it is
fsynced. Then the disk is cut: what is left must be mounted (which replays the journal), must have the names that there
were after some operation not older than the last fsync, all that was fsynced and not touched since, and as many blocks
and inodes in use as its files have. A sample is given to e2fsck, which may replay the journal and find nothing else.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from rumpuser.host import Buffer
from rumpvfs.core.vnode import FileSystem
from rumpvfs.fs.ext2fs import transaction
from tests.crash.disk import Cuts, MemoryDisk, RecordingDisk
from tests.ext4_images import make_image
from tests.ext4_workload import Usage, Workload, contents_of, make, mount_disk, remove
from tests.tools import need

VARIANTS = {
    "ext4": ("-t", "ext4", "-b", "1024", "-J", "size=1"),
    "ext4-4k": ("-t", "ext4", "-b", "4096", "-J", "size=4"),
    "ext3": ("-t", "ext3", "-b", "1024", "-J", "size=1"),
    "quota": ("-t", "ext4", "-b", "1024", "-O", "quota", "-J", "size=1"),
    "inline": ("-t", "ext4", "-b", "1024", "-I", "256", "-O", "inline_data", "-J", "size=1"),
}
SIZES = {"ext4-4k": "12M"}
# What unused blocks have: no file may ever show it.
STALE = b"left by somebody else, 32 bytes\n"


def verify(workload: Workload, usage: Usage, end: int, fs: FileSystem) -> None:
    """A mounted cut against what the workload noted."""
    found = contents_of(fs)
    at, first, stable = [entry for entry in workload.stable if entry[0] <= end][-1]
    last = sum(length <= end for length, _ in workload.names)
    allowed = [names for _, names in workload.names[max(first - 1, 0) : last + 1]]
    assert frozenset(found) in allowed, f"names of no moment: {sorted(set(found) ^ set(allowed[0]))[:5]}"
    touched = {path for begun, path in workload.touched if at <= begun <= end}
    for path, contents in stable.items():
        if path not in touched:
            assert path in found, f"{path} was fsynced and is gone"
            assert found[path] == contents, f"{path} was fsynced and is another"
    shown = [path for path, data in found.items() if data and STALE in data]
    assert not shown, f"{shown} have contents of others"
    now = Usage(fs)
    assert (now.blocks, now.inodes) == (usage.blocks, usage.inodes), "blocks or inodes are lost or used twice"


def fsck(image: bytes | bytearray, path: Path) -> None:
    """e2fsck may replay the journal (exit status 1) and finds nothing then.

    It must not make extent trees smaller on the way: it then compares quotas with what it counted before.
    """
    path.write_bytes(image)
    e2fsck = need("e2fsck")
    replay = [e2fsck, "-fy", "-E", "no_optimize_extents", path]
    done = subprocess.run(replay, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, 1), done.stdout
    assert "Fix? yes" not in done.stdout, done.stdout
    assert "Clear? yes" not in done.stdout, done.stdout
    assert "QUOTA" not in done.stderr, done.stderr
    done = subprocess.run([e2fsck, "-fn", path], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


def used_before(image: Buffer) -> bytearray:
    """The image with something in its free blocks."""
    disk = MemoryDisk(image)
    fs = mount_disk(disk)
    space = fs.statvfs()
    node = make(fs.root(), "before")
    node.write(0, STALE * ((space.f_bfree - 64) * space.f_bsize // len(STALE)))
    remove(fs.root(), "before", node)
    fs.unmount(force=False)
    return disk.contents


def filled(image: Buffer, left: int) -> bytearray:
    """The image with a file that leaves so many bytes free: blocks have to be used again soon, or there is none."""
    disk = MemoryDisk(image)
    fs = mount_disk(disk)
    space = fs.statvfs()
    ballast = make(fs.root(), "lost+found.ballast")
    ballast.write(0, bytes(space.f_bfree * space.f_bsize - left))
    fs.unmount(force=False)
    return disk.contents


def crash(variant: str, folder: Path, *, seed: int, operations: int, cuts: int, every_fsck: int) -> int:
    """One workload and ``cuts`` cuts of it (or as many as there are places); how many there were.

    Odd seeds have hardly any room, of four two put little of files' contents through the journal.
    """
    clean: Buffer = make_image(folder / "clean", SIZES.get(variant, "8M"), *VARIANTS[variant]).read_bytes()
    clean = used_before(clean)
    disk = RecordingDisk(filled(clean, 300 << 10) if seed % 2 else clean)
    usage = Usage(mount_disk(disk, readonly=True))
    with patch.object(transaction, "KEEP_MAX", 4096 if seed & 2 else transaction.KEEP_MAX):
        fs = mount_disk(disk)
        workload = Workload(fs, f"{variant} {seed}", writes=disk.log)
        workload.run(operations)
        fs.unmount(force=False)
    generator = random.Random(seed)
    ends = sorted(generator.choices(range(len(disk.log) + 1), k=cuts))
    states = Cuts(disk, 1024)
    for number, end in enumerate(ends):
        image = states.state(end, generator)
        try:
            if number % every_fsck == 0:
                fsck(image, folder / "cut")
            again = MemoryDisk(image)
            found = mount_disk(again)
            verify(workload, usage, end, found)
            found.unmount(force=False)
            if number % every_fsck == 1:
                fsck(again.contents, folder / "cut")
        except Exception:
            (folder / "failed.img").write_bytes(image)
            print(f"{variant}, seed {seed}: cut {number} after {end} of {len(disk.log)} writes", file=sys.stderr)
            raise
    return len(ends)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    done, seed = 0, arguments.seed
    from tests.crash.reuse import reuse

    with tempfile.TemporaryDirectory() as folder:
        while done < arguments.cuts:
            for variant in VARIANTS:
                done += crash(variant, Path(folder), seed=seed, operations=150, cuts=250, every_fsck=20)
                done += reuse(variant, Path(folder), seed=seed, cuts=20, every_fsck=10)
            seed += 1
            print(f"{done} cuts, seeds {arguments.seed} to {seed - 1}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
