"""drvctl(4), in every placement."""

from __future__ import annotations

import os
from typing import Any

import rump
from tests.conformance.test_descriptors import code, write_file


def test_devices(k: Any, connect: Any, folder: str) -> None:
    fd = k.sys.open("/dev/drvctl", os.O_RDWR)

    def do(com: int, args: Any) -> Any:
        return k.sys.ioctl(fd, com, args).data

    def devices(parent: str = "") -> list[str]:
        return list(do(rump.DRVLISTDEV, rump.DevListArgs(parent)).childname)

    assert devices()[0] == "mainbus0"
    assert devices("mainbus0") == []
    before = devices()
    k.pub.md_create(9, 1 << 20)
    write_file(k, f"{folder}/disk", bytes(1 << 16))
    node = f"{folder}/vnd"
    k.sys.mknod(node, 0o020600, rump.makedev(rump.MAJOR_VND_CHR, 8 * 16 + 3))
    vnd = k.sys.open(node, os.O_RDWR)
    k.sys.ioctl(vnd, rump.VNDIOCSET, rump.VndIoctl(os.fsencode(f"{folder}/disk")))
    assert set(devices()) - set(before) == {"md9", "vnd8"}
    properties = do(rump.DRVCTLCOMMAND, rump.DevCommand("get-properties", "vnd8")).properties
    assert properties == {"device-driver": "vnd", "device-unit": "8"}
    assert code(do, rump.DRVDETACHDEV, rump.DevDetachArgs("vnd8")) == "EBUSY"
    k.sys.close(vnd)
    for disk in ("vnd8", "md9"):
        do(rump.DRVDETACHDEV, rump.DevDetachArgs(disk))
        assert code(do, rump.DRVDETACHDEV, rump.DevDetachArgs(disk)) == "ENXIO"
    assert devices() == before
    assert code(do, rump.DRVDETACHDEV, rump.DevDetachArgs("mainbus0")) == "EOPNOTSUPP"
    assert code(do, rump.DRVRESCANBUS, rump.DevRescanArgs("mainbus0")) == "ENODEV"
    assert code(do, rump.DRVSUSPENDDEV, rump.DevPmArgs("mainbus0")) == "EOPNOTSUPP"
    assert code(do, rump.DRVRESUMEDEV, rump.DevPmArgs("none0")) == "ENXIO"
    assert code(do, rump.DRVCTLCOMMAND, rump.DevCommand("else", "mainbus0")) == "EINVAL"
    assert code(do, rump.DRVLISTDEV, rump.DevPmArgs("mainbus0")) == "EINVAL"
    assert code(do, rump.DRVGETEVENT, None) == "EOPNOTSUPP"
    assert code(do, rump.TIOCGETA, None) == "ENOTTY"
    other = connect()
    other.sys.setuid(5)
    theirs = other.sys.open("/dev/drvctl", os.O_RDONLY)
    assert other.sys.ioctl(theirs, rump.DRVLISTDEV, rump.DevListArgs()).data.childname[0] == "mainbus0"
    assert code(other.sys.ioctl, theirs, rump.DRVDETACHDEV, rump.DevDetachArgs("mainbus0")) == "EPERM"
    other.sys.close(theirs)
    k.sys.close(fd)
