"""security.models.extensions.hardlink_check_uid and _gid: the cases of tests/fs/vfs/t_link."""

from __future__ import annotations

import pytest

from rumpwire.errno import Errno
from rumpwire.values import SysctlValueInteger
from tests.unit.vfs.kit import CALLER, Kit, fails, user

UID, GID = (f"security.models.extensions.hardlink_check_{kind}" for kind in ("uid", "gid"))
# Owner and group of the file, and which of the rules is in the way of user 1 of group 1.
CASES = {(1, 1): (), (1, 2): (GID,), (2, 1): (UID,), (2, 2): (UID, GID)}


@pytest.mark.parametrize("rules", [(), (UID,), (GID,), (UID, GID)])
@pytest.mark.parametrize("owner", CASES)
def test_links_to_files_of_others(rules: tuple[str, ...], owner: tuple[int, int]) -> None:
    k = Kit()
    for rule in rules:
        assert k.sysctl_value(rule, SysctlValueInteger(1)) == SysctlValueInteger(0)
        assert k.sysctl_value(rule, None) == SysctlValueInteger(1)
    k.mkdir(b"/dir", 0o777)
    k.chmod(b"/dir", 0o777)
    k.put(b"/dir/file", mode=0o644)
    k.chown(b"/dir/file", *owner)
    with k.as_(user(1, 1)):
        if set(rules) & set(CASES[owner]):
            with fails(Errno.EPERM):
                k.link(b"/dir/file", b"/dir/link")
        else:
            k.link(b"/dir/file", b"/dir/link")
    with k.as_(CALLER):
        k.link(b"/dir/file", b"/dir/of root")
    with fails(Errno.EINVAL):
        k.sysctl_value(UID, SysctlValueInteger(2))
