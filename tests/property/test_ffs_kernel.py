"""All system calls on ffs against the file system of the host: the same calls give the same results and errors, and at
the end the image is sound."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from rumpvfs.fs.ffs import FILE_SYSTEM
from rumpwire import const
from rumpwire.values import DiskArgs
from tests.ffs_images import VARIANTS, newfs
from tests.property import test_vfs_model
from tests.unit.vfs.ffs_check import check
from tests.unit.vfs.kit import Kit, MemoryFiles

STEPS = settings(max_examples=8, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))


class FfsKit(Kit):
    """A vfs whose /tmp is an ffs."""

    variant = "UFS2 le"

    def __init__(self, **parameters: Any) -> None:
        disk = newfs(2 << 20, bsize="4096", fsize="512", density="4096", **VARIANTS[self.variant])
        super().__init__(MemoryFiles(disk=bytes(disk.data)), **parameters)
        self.component.add_filesystem(FILE_SYSTEM)
        self.etfs_register(b"/dev/disk", b"disk", const.RUMP_ETFS_BLK)
        self.mount("ffs", b"/tmp", 0, DiskArgs(b"/dev/disk"))
        self.chmod(b"/tmp", 0o1777)


class FfsModel(test_vfs_model.Model):
    def __init__(self) -> None:
        before, test_vfs_model.Kit = test_vfs_model.Kit, FfsKit  # type: ignore[misc]
        try:
            super().__init__()
        finally:
            test_vfs_model.Kit = before  # type: ignore[misc]

    def teardown(self) -> None:
        super().teardown()
        self.kit.sync()
        assert check(self.kit.files.files[b"disk"], clean=False) == []
        self.kit.unmount(b"/tmp", const.MNT_FORCE)
        assert check(self.kit.files.files[b"disk"]) == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_ffs_is_as_the_file_system_of_the_host(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FfsKit, "variant", variant)
    case = FfsModel.TestCase
    case.settings = STEPS
    case("runTest").runTest()
