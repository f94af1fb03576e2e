"""A Linux kernel as a program (Debian's user-mode-linux): it mounts what the kernel of this machine may not know.

The script of a job sees the file system of this machine read-only, a folder of its own for writing, and images as
/dev/ubda, /dev/ubdb, ...
"""

from __future__ import annotations

import glob
import os
import platform
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.tools import need

_MODULES = {
    "udf": ("lib/crc-itu-t", "drivers/cdrom/cdrom", "fs/udf/udf"),
    "netem": (
        "net/sched/sch_netem",
        "net/sched/sch_ingress",
        "net/sched/act_mirred",
        "net/sched/cls_matchall",
        "drivers/net/ifb",
    ),
    "iso9660": ("drivers/cdrom/cdrom", "lib/zlib_inflate/zlib_inflate", "fs/isofs/isofs"),
}
_INIT = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /mnt
mkdir /mnt/work /mnt/image
mount -t hostfs -o {folder} none /mnt/work
exec >/mnt/work/log 2>&1
cd /mnt/work
{inserts}
sh -e ./job.sh && echo the job is done
sync
poweroff -f
"""


def run_in_linux(
    folder: Path, needs: str, script: str, *images: Path, prefix: Sequence[str] = (), devices: Sequence[str] = ()
) -> str:
    """Runs a shell script in that kernel, its working directory being ``folder``. What it printed.

    ``needs`` names the modules; ``prefix`` runs the kernel in a namespace; ``devices`` are words of its command line.
    """
    if platform.machine() != "x86_64":
        pytest.skip("user mode Linux is built for amd64 alone")
    program = need("linux.uml")
    trees = sorted(glob.glob("/usr/lib/uml/modules/*/kernel"))
    if not trees:
        pytest.skip("no modules of a user mode Linux")
    names = [f"{trees[-1]}/{name}.ko" for name in _MODULES[needs]]
    inserts = "\n".join(f"insmod {name}" for name in names if Path(name).exists())
    (folder / "job.sh").write_text(script)
    init = folder / "init.sh"
    init.write_text(_INIT.format(folder=folder, inserts=inserts))
    init.chmod(0o755)
    disks = [f"ubd{number}={image}" for number, image in enumerate(images)]
    words = [program, "mem=128M", f"uml_dir={folder}/", "rootfstype=hostfs", "rootflags=/", "ro", f"init={init}"]
    shown = _start([*prefix, *words, "con=null", "quiet", *disks, *devices])
    log = folder / "log"
    if not log.exists():
        pytest.skip(f"user mode Linux does not run here: {shown[-300:]}")
    output = log.read_text(errors="replace")
    assert "the job is done" in output, output
    return output


def _start(words: list[str]) -> str:
    """Runs the kernel, which is several processes, to its end; they do not outlive a test that waits too long."""
    kernel = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        return kernel.communicate(timeout=60)[0]
    except subprocess.TimeoutExpired:
        os.killpg(kernel.pid, signal.SIGKILL)
        kernel.communicate()
        raise
