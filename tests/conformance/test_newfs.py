"""newfs, in every placement, as far as it goes without a file system that can be made."""

from __future__ import annotations

from typing import Any

from tests.conformance.test_descriptors import code


def test_refusals(k: Any, folder: str) -> None:
    newfs = k.pub.newfs
    assert code(newfs, "tmpfs", "/dev/md0d", {"label": "x", "size": 12}) == "EOPNOTSUPP"
    assert code(newfs, "nosuchfs", "/dev/md0d", source=folder) == "ENODEV"
    assert code(newfs, "tmpfs", "/dev/md0d", source=f"{folder}/none") == "ENOENT"
    k.sys.setuid(100)
    assert code(newfs, "tmpfs", "/dev/md0d") == "EPERM"
