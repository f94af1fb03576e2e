"""quotactl in every placement: limits of a tmpfs, set, met and walked over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rump
from rump import QuotactlArgs
from tests.conformance.test_descriptors import code, write_file

USER, GROUP = rump.QUOTA_IDTYPE_USER, rump.QUOTA_IDTYPE_GROUP
BLOCKS, FILES = rump.QUOTA_OBJTYPE_BLOCKS, rump.QUOTA_OBJTYPE_FILES


def test_limits_are_met(k: Any, folder: str, connect: Callable[[], Any]) -> None:
    mnt = f"{folder}/mnt"
    k.sys.mkdir(mnt)
    k.sys.mount("tmpfs", mnt)
    k.sys.chmod(mnt, 0o777)

    def control(op: int, **args: Any) -> QuotactlArgs:
        found: QuotactlArgs = k.sys.quotactl(mnt, QuotactlArgs(op, **args))
        return found

    assert code(control, rump.QUOTACTL_GET) == "ENODEV"
    control(rump.QUOTACTL_QUOTAON, idtype=USER)
    control(rump.QUOTACTL_PUT, id=1000, objtype=FILES, hardlimit=2, softlimit=rump.QUOTA_NOLIMIT, grace=60)
    somebody = connect()
    somebody.sys.setuid(1000)
    for name in ("a", "b"):
        write_file(somebody, f"{mnt}/{name}", b"data")
    assert code(somebody.sys.mkdir, f"{mnt}/c") == "EDQUOT"
    found = somebody.sys.quotactl(mnt, QuotactlArgs(rump.QUOTACTL_GET, id=1000, objtype=FILES))
    assert (found.usage, found.hardlimit, found.softlimit) == (2, 2, rump.QUOTA_NOLIMIT)
    assert found.expiretime == rump.QUOTA_NOTIME
    assert code(somebody.sys.quotactl, mnt, QuotactlArgs(rump.QUOTACTL_GET)) == "EPERM"
    cursor = control(rump.QUOTACTL_CURSOROPEN).cursor
    entries = control(rump.QUOTACTL_CURSORGET, cursor=cursor, maxnum=100)
    assert [e.key.id for e in entries.entries if e.key] == [rump.QUOTA_DEFAULTID] * 2 + [0] * 2 + [1000] * 2
    assert entries.cursor is not None
    assert entries.cursor.at_end
    k.sys.unmount(mnt)
