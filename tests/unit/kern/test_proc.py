"""Processes, credentials, groups, sessions, limits."""

from __future__ import annotations

import pytest

from rumpkern.core.proc import MAXPROC, PID_MAX, RESERVED
from rumpwire import const
from rumpwire.values import Credentials, Rlimit
from tests.unit.kern.kernel import Kern, fails


@pytest.fixture
def k() -> Kern:
    return Kern()


def test_init_is_there_and_guests_are_its_children(k: Kern) -> None:
    assert [(p.pid, p.ppid, p.comm) for p in k.call(0, "proc_list")] == [(1, 0, "init")]
    one = k.call(0, "proc_create", "sh")
    assert (one.pid, one.ppid, one.comm, one.cred.euid) == (2, 1, "sh", 0)
    assert k.call(2, "getpid") == (2, 1)
    assert k.call(2, "getppid") == 1


def test_command_names_are_short_and_printable(k: Kern) -> None:
    assert k.call(0, "proc_create", "a\n\x00b" + "x" * 1000).comm == "a??b" + "x" * 12


def test_fork_inherits_and_orphans_go_to_init(k: Kern) -> None:
    parent = k.user(7)
    child = k.call(parent, "proc_fork")
    grandchild = k.call(child.pid, "proc_fork")
    assert (child.ppid, child.cred.uid, grandchild.ppid) == (parent, 7, child.pid)
    k.call(0, "proc_exit", child.pid, 0)
    assert k.call(grandchild.pid, "getppid") == 1
    k.call(0, "proc_exit", parent, 0)
    assert k.call(grandchild.pid, "getppid") == 1
    assert fails(k.call, child.pid, "getpid") == "ESRCH"
    assert fails(k.call, 0, "proc_exit", child.pid, 0) == "ESRCH"
    assert fails(k.call, 0, "proc_exit", 1, 0) == "EINVAL"
    assert fails(k.call, 999, "proc_fork") == "ESRCH"


def test_pids_come_again_late_and_never_while_they_name_a_group(k: Kern) -> None:
    leader = k.guest()
    k.call(leader, "setpgid", 0, 0)
    member = k.call(leader, "proc_fork").pid
    k.call(0, "proc_exit", leader, 0)
    seen = {1, leader, member}
    for _ in range(PID_MAX - 3):
        pid = k.guest()
        assert pid not in seen
        seen.add(pid)
        k.call(0, "proc_exit", pid, 0)
    assert max(seen) == PID_MAX
    assert k.guest() not in (leader, member)


def test_the_process_table_is_bounded(k: Kern) -> None:
    user = k.user(5)
    while len(k.component.processes) < MAXPROC - RESERVED:
        k.guest()
    assert fails(k.call, user, "proc_fork") == "EAGAIN"
    for _ in range(RESERVED):
        k.guest()
    assert fails(k.call, 0, "proc_create", "x") == "EAGAIN"
    k.call(0, "proc_exit", user, 0)
    k.guest()


def test_rlimit_nproc_bounds_the_processes_of_a_user(k: Kern) -> None:
    user = k.user(5)
    k.call(user, "setrlimit", const.RLIMIT_NPROC, Rlimit(2, 2))
    k.call(user, "proc_fork")
    assert fails(k.call, user, "proc_fork") == "EAGAIN"


# -- credentials


def ids(k: Kern, pid: int) -> tuple[int, int, int]:
    cred: Credentials = k.call(pid, "cred_get")
    return cred.uid, cred.euid, cred.svuid


def test_setuid_of_root_changes_all_three_for_ever(k: Kern) -> None:
    pid = k.guest()
    assert k.call(pid, "issetugid") == 0
    k.call(pid, "setuid", 10)
    assert ids(k, pid) == (10, 10, 10)
    assert k.call(pid, "issetugid") == 1
    assert fails(k.call, pid, "setuid", 0) == "EPERM"
    assert fails(k.call, pid, "seteuid", 0) == "EPERM"
    assert fails(k.call, pid, "setgid", 5) == "EPERM"
    k.call(pid, "setuid", 10)


def test_seteuid_moves_between_real_and_saved(k: Kern) -> None:
    pid = k.guest()
    k.call(pid, "seteuid", 10)
    assert ids(k, pid) == (0, 10, 0)
    assert fails(k.call, pid, "seteuid", 11) == "EPERM"
    k.call(pid, "seteuid", 0)
    assert ids(k, pid) == (0, 0, 0)
    k.call(pid, "seteuid", 10)
    k.call(pid, "setuid", 0)  # to the real uid: all three
    assert ids(k, pid) == (0, 0, 0)


def test_setreuid_saves_the_effective_id_when_the_real_one_changes(k: Kern) -> None:
    pid = k.guest()
    k.call(pid, "setreuid", -1, 10)
    assert ids(k, pid) == (0, 10, 0)
    k.call(pid, "setreuid", 10, 0)
    assert ids(k, pid) == (10, 0, 0)
    k.call(pid, "setreuid", 10, 10)
    assert ids(k, pid) == (10, 10, 0)
    k.call(pid, "setreuid", -1, 0)
    assert ids(k, pid) == (10, 0, 0)
    k.call(pid, "setreuid", 10, 10)
    assert fails(k.call, pid, "setreuid", 11, -1) == "EPERM"
    assert fails(k.call, pid, "setreuid", -1, 11) == "EPERM"
    assert fails(k.call, pid, "setreuid", -2, -1) == "EINVAL"
    assert fails(k.call, pid, "setreuid", 1 << 32, -1) == "EINVAL"


def test_gids_follow_the_same_rules(k: Kern) -> None:
    pid = k.guest()
    k.call(pid, "setregid", 3, 4)
    assert k.call(pid, "getgid") == (3, 4)
    assert k.call(pid, "cred_get").svgid == 4
    k.call(pid, "setegid", 5)
    assert k.call(pid, "getegid") == 5
    k.call(pid, "setuid", 1)
    assert fails(k.call, pid, "setegid", 9) == "EPERM"
    k.call(pid, "setegid", 4)
    k.call(pid, "setgid", 3)
    assert k.call(pid, "getgid") == (3, 3)


def test_groups(k: Kern) -> None:
    pid = k.guest()
    k.call(pid, "setgroups", [1, 2, 3])
    assert k.call(pid, "getgroups", 0) == (3, [])
    assert k.call(pid, "getgroups", 16) == (3, [1, 2, 3])
    assert fails(k.call, pid, "getgroups", 2) == "EINVAL"
    assert fails(k.call, pid, "setgroups", list(range(17))) == "EINVAL"
    k.call(pid, "setgroups", list(range(16)))
    k.call(pid, "setuid", 1)
    assert fails(k.call, pid, "setgroups", []) == "EPERM"


def test_the_table_and_not_the_callers_snapshot_decides(k: Kern) -> None:
    pid = k.user()  # the context of the helper says uid 0 all along
    assert fails(k.call, pid, "setgroups", []) == "EPERM"
    assert k.call(pid, "getuid") == (1000, 1000)
    assert k.call(pid, "geteuid") == 1000


# -- groups and sessions


def test_process_groups(k: Kern) -> None:
    parent = k.guest()
    child = k.call(parent, "proc_fork").pid
    assert k.call(parent, "getpgrp") == 1
    k.call(parent, "setpgid", 0, 0)
    assert k.call(parent, "getpgid", 0) == parent
    k.call(parent, "setpgid", child, parent)
    assert k.call(child, "getpgrp") == parent
    assert fails(k.call, parent, "setpgid", child, 4242) == "EPERM"
    assert fails(k.call, parent, "setpgid", 0, -1) == "EINVAL"
    assert fails(k.call, child, "setpgid", parent, 0) == "ESRCH"
    assert fails(k.call, parent, "setpgid", 4242, 0) == "ESRCH"
    assert fails(k.call, parent, "getpgid", 4242) == "ESRCH"


def test_sessions_and_login_names(k: Kern) -> None:
    parent = k.guest()
    child = k.call(parent, "proc_fork").pid
    assert k.call(child, "setsid") == child
    assert (k.call(child, "getsid", 0), k.call(parent, "getsid", child)) == (child, child)
    assert fails(k.call, child, "setsid") == "EPERM"
    assert fails(k.call, child, "setpgid", 0, parent) == "EPERM"
    assert fails(k.call, parent, "setpgid", child, 0) == "EPERM"
    assert fails(k.call, parent, "getsid", -5) == "ESRCH"
    k.call(child, "setlogin", b"anna\0junk")
    assert (k.call(child, "getlogin"), k.call(parent, "getlogin")) == (b"anna", b"")
    assert fails(k.call, child, "setlogin", b"x" * 17) == "EINVAL"
    assert fails(k.call, k.user(), "setlogin", b"root") == "EPERM"


# -- limits


def test_limits(k: Kern) -> None:
    user = k.user()
    assert k.call(user, "getrlimit", const.RLIMIT_NOFILE) == (const.OPEN_MAX, const.OPEN_MAX)
    k.call(user, "setrlimit", const.RLIMIT_FSIZE, Rlimit(5, 10))
    assert k.call(k.call(user, "proc_fork").pid, "getrlimit", const.RLIMIT_FSIZE) == (5, 10)
    k.call(user, "setrlimit", const.RLIMIT_FSIZE, Rlimit(10, 10))
    assert fails(k.call, user, "setrlimit", const.RLIMIT_FSIZE, Rlimit(10, 11)) == "EPERM"
    assert fails(k.call, user, "setrlimit", const.RLIMIT_FSIZE, Rlimit(11, 10)) == "EINVAL"
    assert fails(k.call, user, "setrlimit", const.RLIMIT_FSIZE, Rlimit(0, (1 << 64) - 1)) == "EINVAL"
    assert fails(k.call, user, "setrlimit", const.RLIMIT_FSIZE, None) == "EINVAL"
    for which in (-1, 12):
        assert fails(k.call, user, "getrlimit", which) == "EINVAL"
    root = k.guest()
    k.call(root, "setrlimit", const.RLIMIT_NOFILE, Rlimit(1 << 40, 1 << 40))
    assert k.call(root, "getrlimit", const.RLIMIT_NOFILE) == (const.OPEN_MAX, const.OPEN_MAX)


def test_reboot_is_for_root(k: Kern) -> None:
    assert k.call(k.guest(), "reboot", 0, "") is None
    assert fails(k.call, k.user(), "reboot", 0, "") == "EPERM"
