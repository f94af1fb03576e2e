"""File handles, in every placement."""

from __future__ import annotations

import os
from typing import Any

from tests.conformance.test_descriptors import code, write_file


def test_open_by_handle(k: Any, folder: str) -> None:
    write_file(k, f"{folder}/f", b"contents")
    handle = k.sys.getfh(f"{folder}/f")
    fd = k.sys.fhopen(handle, os.O_RDONLY)
    assert k.sys.read(fd, 100) == b"contents"
    assert k.sys.fhstat(handle) == k.sys.stat(f"{folder}/f")
    assert k.sys.fhstatvfs1(handle).f_fstypename == "tmpfs"
    k.sys.close(fd)
    k.sys.unlink(f"{folder}/f")
    assert code(k.sys.fhopen, handle) == "ESTALE"
    assert code(k.sys.fhopen, b"garbage") == "EINVAL"
    k.sys.setuid(100)
    assert code(k.sys.getfh, folder) == "EPERM"
