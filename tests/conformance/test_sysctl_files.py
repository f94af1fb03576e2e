"""Nodes of the sysctl tree about files and disks, and what they change, over all placements."""

from __future__ import annotations

import os
from typing import Any

import rump
from tests.conformance.test_descriptors import code


def test_magic_links(k: Any, folder: str) -> None:
    def target(text: str) -> str:
        k.sys.symlink(text, f"{folder}/link")
        k.sysctl("vfs.generic.magiclinks", 1)
        try:
            path = f"{folder}/" + text.replace("@machine_arch", k.sysctl("hw.machine_arch")).replace(
                "@machine", k.sysctl("hw.machine")
            ).replace("@hostname", k.sysctl("kern.hostname")).replace("@uid", "0")
            k.sys.close(k.sys.open(f"{folder}/link", os.O_CREAT | os.O_WRONLY, 0o644))
            k.sys.stat(f"{folder}/link")
            k.sys.unlink(path)
        finally:
            k.sysctl("vfs.generic.magiclinks", 0)
            k.sys.unlink(f"{folder}/link")
        return path.rpartition("/")[2]

    assert target("@machine") == k.sysctl("hw.machine")
    assert target("@machine_arch") == k.sysctl("hw.machine_arch")
    assert target("@hostname") == k.sysctl("kern.hostname")
    assert target("@uid") == "0"
    for plain in ("x@m", "@nobody"):
        assert target(plain) == plain
    k.sys.symlink("@machine", f"{folder}/off")
    k.sys.mkdir(f"{folder}/@machine", 0o755)
    assert k.sys.stat(f"{folder}/off").st_ino == k.sys.stat(f"{folder}/@machine").st_ino
    assert k.sys.readlink(f"{folder}/off") == b"@machine"
    assert code(k.sysctl, "vfs.generic.magiclinks", 2) == "EINVAL"


def test_words_are_whole_components(k: Any, folder: str) -> None:
    k.sysctl("vfs.generic.magiclinks", 1)
    try:
        for text in ("x@machine", "@machinery"):
            k.sys.symlink(text, f"{folder}/link")
            k.sys.mkdir(f"{folder}/{text}", 0o755)
            assert k.sys.stat(f"{folder}/link").st_ino == k.sys.stat(f"{folder}/{text}").st_ino
            k.sys.unlink(f"{folder}/link")
        k.sys.mkdir(f"{folder}/{k.sysctl('hw.machine')}", 0o755)
        k.sys.mkdir(f"{folder}/{k.sysctl('hw.machine')}/bin", 0o755)
        k.sys.symlink("@machine/bin", f"{folder}/bin")
        assert k.sys.stat(f"{folder}/bin").st_ino == k.sys.stat(f"{folder}/{k.sysctl('hw.machine')}/bin").st_ino
    finally:
        k.sysctl("vfs.generic.magiclinks", 0)


def test_the_name_cache_counts(k: Any) -> None:
    rows = {row.name: row.value for row in k.sysctl("vfs.namecache_stats")}
    assert rows["limit"] == k.sysctl("kern.maxvnodes")
    assert rows["count"] <= rows["entered"] <= rows["misses"]


def test_disks_count_what_they_carry(k: Any) -> None:
    k.pub.md_create(29, 64 << 10)
    path = "/tmp/md29"
    k.sys.mknod(path, 0o020600, rump.makedev(rump.MAJOR_MD_CHR, 29 * 16 + 3))
    fd = k.sys.open(path, os.O_RDWR)
    try:
        assert "md29" in k.sysctl("hw.iostatnames").split()
        k.sys.pwrite(fd, bytes(1024), 0)
        k.sys.pread(fd, 512, 0)
        k.sys.pread(fd, 512, 512)
        rows = {row.name: row.value for row in k.sysctl("hw.iostats") if row.protocol == "md29"}
        assert rows == {"rxfer": 2, "rbytes": 1024, "wxfer": 1, "wbytes": 1024}
    finally:
        k.sys.close(fd)
        k.sys.unlink(path)
        k.pub.md_destroy(29)
    assert "md29" not in k.sysctl("hw.iostatnames").split()
