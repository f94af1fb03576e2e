"""kernfs and procfs, in every placement: what is asked of kern while a file is looked at."""

from __future__ import annotations

import os
import stat
from typing import Any

from tests.conformance.test_descriptors import code, write_file
from tests.conformance.test_layers import read
from tests.conformance.test_vfs import names

KERN = {
    b"boottime",
    b"copyright",
    b"hostname",
    b"hz",
    b"loadavg",
    b"msgbuf",
    b"pagesize",
    b"physmem",
    b"time",
    b"version",
}


def test_kernfs(k: Any, folder: str) -> None:
    k.sys.mount("kernfs", folder)
    assert names(k, folder) == KERN
    assert read(k, f"{folder}/hz") == b"100\n"
    assert read(k, f"{folder}/pagesize") == b"4096\n"
    assert read(k, f"{folder}/version").decode().strip() == k.sysctl("kern.version").strip()
    assert int(read(k, f"{folder}/boottime")) <= int(read(k, f"{folder}/time").split()[0])
    old = k.sysctl("kern.hostname")
    write_file(k, f"{folder}/hostname", b"another\n")
    assert k.sysctl("kern.hostname") == "another"
    k.sysctl("kern.hostname", old)
    assert read(k, f"{folder}/hostname").decode() == old + "\n"
    st = k.sys.stat(f"{folder}/hostname")
    assert (st.st_size, stat.S_IMODE(st.st_mode)) == (len(old) + 1, 0o644)
    with k.batch() as b:
        f = b.open(f"{folder}/hz", os.O_RDONLY)
        data = b.read(f, 100)
        b.close(f)
    assert data.result() == b"100\n"
    assert code(k.sys.unlink, f"{folder}/hz") == "EPERM"
    assert code(k.sys.mkdir, f"{folder}/new") == "EPERM"
    assert code(k.sys.open, f"{folder}/none", os.O_RDONLY) == "ENOENT"
    k.sys.unmount(folder)


def test_procfs(connect: Any, folder: str) -> None:
    k, other = connect(), connect()
    pid, theirs = k.sys.getpid(), other.sys.getpid()
    k.sys.mount("procfs", folder)
    assert {b"1", b"curproc", b"self", b"%d" % pid, b"%d" % theirs} <= names(k, folder)
    assert names(k, f"{folder}/curproc") == {b"status", b"cmdline"}
    assert read(k, f"{folder}/curproc/status").split()[1] == b"%d" % pid
    assert other.sys.readlink(f"{folder}/self") == b"%d" % theirs
    status = read(k, f"{folder}/{theirs}/status").split()
    assert status[2] == b"1"
    assert read(k, f"{folder}/{theirs}/cmdline") == status[0] + b"\0"
    k.sys.chdir(f"{folder}/{theirs}")
    assert k.sys.getcwd() == os.fsencode(f"{folder}/{theirs}")
    k.sys.chdir("/")
    fd = k.sys.open(f"{folder}/{theirs}/status", os.O_RDONLY)
    other.close()
    assert code(k.sys.stat, f"{folder}/{theirs}") == "ENOENT"
    assert code(k.sys.read, fd, 10) == "ESRCH"
    k.sys.close(fd)
    assert code(k.sys.open, f"{folder}/1/status", os.O_RDWR) == "EROFS"
    k.sys.unmount(folder)
