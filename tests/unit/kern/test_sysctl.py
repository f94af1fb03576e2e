"""The sysctl tree: names and numbers, types and rights, nodes of other factions."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from rumpuser.component import Context, Parameters
from rumpuser.pending import Running
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    SysctlExport,
    SysctlNode,
    SysctlValue,
    SysctlValueBoolean,
    SysctlValueInteger,
    SysctlValueQuad,
    SysctlValueRaw,
    SysctlValueText,
    Timespec,
)
from tests.unit.kern.kernel import Faction, Kern, fails

INT, STRING, RO, RW = const.CTLTYPE_INT, const.CTLTYPE_STRING, const.CTLFLAG_READONLY, const.CTLFLAG_READWRITE
Text, Integer, Quad, Boolean = SysctlValueText, SysctlValueInteger, SysctlValueQuad, SysctlValueBoolean


@pytest.fixture
def k() -> Kern:
    return Kern(Parameters(ncpu=3, memlimit=1 << 33, hostname="anvil"))


def value(k: Kern, path: str, new: SysctlValue | None = None, pid: int = 1) -> Any:
    return result(k.call(pid, "sysctl", [], path, new)).oldv[0]


def result(call: Any) -> Any:
    return call.outcome.result() if isinstance(call, Running) else call


def level(k: Kern, *numbers: int, path: str = "") -> dict[str, SysctlNode]:
    nodes = result(k.call(1, "sysctl", [*numbers, const.CTL_QUERY], path, None)).nodes
    return {node.name: node for node in nodes}


def test_by_path_and_by_number(k: Kern) -> None:
    assert value(k, "kern.hostname") == "anvil"
    assert k.call(1, "sysctl", [1, 10], "", None).oldv == Text("anvil")
    assert (value(k, "hw.ncpu"), value(k, "hw.ncpuonline")) == (3, 3)
    assert (value(k, "hw.physmem"), value(k, "hw.physmem64")) == ((1 << 31) - 1, 1 << 33)
    assert value(k, "hw.model") == "rumpcore (virtual)"
    assert value(k, "kern.ostype") == "Rump"
    assert value(k, "kern.version").startswith(f"Rump {value(k, 'kern.osrelease')}")
    assert value(k, "security.models.suser.name")


def test_a_kernel_without_name_gets_one() -> None:
    assert value(Kern(), "kern.hostname").startswith("rump-")
    assert value(Kern(), "hw.physmem64") == 512 << 20


def test_structures(k: Kern) -> None:
    assert struct.unpack("=5i", value(k, "kern.clockrate")) == (10_000, 40, 100, 100, 100)
    assert struct.unpack("=qq", value(k, "kern.boottime")) == (1_700_000_001, 0)
    assert value(k, "kern.urandom") != value(k, "kern.urandom")


def test_query_goes_level_by_level(k: Kern) -> None:
    top = level(k)
    assert {"kern": 1, "hw": 6, "proc": 10, "security": 13}.items() <= {n: v.number for n, v in top.items()}.items()
    assert all(node.type == const.CTLTYPE_NODE for node in top.values())
    kern = level(k, 1)
    wanted = {"ostype": 1, "osrelease": 2, "osrevision": 3, "version": 4, "hostname": 10, "domainname": 22, "pipe": 56}
    assert wanted.items() <= {n: v.number for n, v in kern.items()}.items()
    assert kern["hostname"].flags & RW == RW
    assert not kern["ostype"].flags & RW
    assert (kern["osrevision"].type, kern["osrevision"].size) == (INT, 4)
    assert kern["module"].number >= 1024
    assert level(k, path="kern") == kern
    assert level(k, 1, kern["module"].number).keys() == {"autoload", "verbose", "path", "autotime"}


def test_every_node_can_be_read_by_number(k: Kern) -> None:
    def walk(*numbers: int) -> int:
        count = 0
        for node in level(k, *numbers).values():
            if node.type == const.CTLTYPE_NODE:
                count += walk(*numbers, node.number)
            else:
                old = result(k.call(1, "sysctl", [*numbers, node.number], "", None)).oldv
                kinds = {INT: Integer, STRING: Text, const.CTLTYPE_QUAD: Quad, const.CTLTYPE_BOOL: Boolean}
                if node.type == const.CTLTYPE_STRUCT:  # of a table, or bytes as many as are told
                    assert type(old) not in kinds.values()
                    assert node.size == (len(old.raw) if isinstance(old, SysctlValueRaw) else 0)
                else:
                    assert type(old) is kinds[node.type]
                    assert node.size
                count += 1
        return count

    assert walk() > 50


def test_children_and_new_programs_are_stopped_on_demand(k: Kern) -> None:
    value(k, "kern.sigmodel", Text("record"))
    parent = k.call(1, "proc_create", "debugger").pid
    stop = 1 << const.SIGSTOP - 1
    first = k.call(parent, "proc_fork").pid
    assert not k.call(first, "sigpending", True) & stop
    value(k, "proc.curproc.stopfork", Integer(1), parent)
    second = k.call(parent, "proc_fork").pid
    assert k.call(second, "sigpending", True) & stop
    assert value(k, "proc.curproc.stopfork", None, second) == 1
    k.call(second, "proc_exec", "program")
    assert not k.call(second, "sigpending", True) & stop
    value(k, "proc.curproc.stopexec", Integer(1), second)
    k.call(second, "proc_exec", "program")
    assert k.call(second, "sigpending", True) & stop


def test_steps_of_the_clock_are_logged_on_demand(k: Kern, caplog: pytest.LogCaptureFixture) -> None:
    k.call(1, "settimeofday", Timespec(5, 0))
    assert not caplog.records
    value(k, "kern.timecounter.timestepwarnings", Integer(1))
    k.call(1, "settimeofday", Timespec(8, 0))
    assert "stepped by +3.0" in caplog.text
    rows = {row.name: row.value for row in value(k, "kern.ntptime")}
    assert (rows["time.tv_sec"], rows["adjust"]) == (8, 0)
    k.call(1, "adjtime", Timespec(2, 0))
    assert {row.name: row.value for row in value(k, "kern.ntptime")}["adjust"] == 2_000_000_000


def test_objects_are_counted(k: Kern) -> None:
    def inuse() -> dict[str, int]:
        return {row.protocol: row.value for row in value(k, "kern.pool") if row.name == "inuse"}

    before = inuse()
    k.call(1, "pipe")
    k.call(1, "proc_create", "one")
    after = inuse()
    assert (after["pipe"], after["proc"]) == (before["pipe"] + 1, before["proc"] + 1)


def test_writing_gives_the_old_value(k: Kern) -> None:
    assert value(k, "kern.hostname", Text("hammer")) == "anvil"
    assert value(k, "kern.hostname") == "hammer"
    assert value(k, "kern.module.autoload", Integer(0)) is True
    assert value(k, "kern.module.autoload", Boolean(True)) is False
    assert value(k, "kern.module.autotime", Quad(20)) == 10
    assert value(k, "kern.module.autotime") == 20


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("kern.hostname", Integer(5)),
        ("kern.hostname", Text("x" * 256)),
        ("kern.hostname", Text("a\0b")),
        ("kern.hostname", SysctlValueRaw(b"x")),
        ("kern.hostid", Text("5")),
        ("kern.hostid", Quad(1 << 31)),
        ("kern.hostid", Boolean(True)),
        ("kern.module.autoload", Integer(2)),
        ("kern.module.autoload", Text("1")),
    ],
)
def test_values_of_other_types(k: Kern, path: str, new: SysctlValue) -> None:
    old = value(k, path)
    assert fails(k.call, 1, "sysctl", [], path, new) == "EINVAL"
    assert value(k, path) == old


def test_the_longest_string(k: Kern) -> None:
    value(k, "kern.hostname", Text("x" * 255))
    assert value(k, "kern.hostname") == "x" * 255


def test_rights(k: Kern) -> None:
    assert fails(k.call, 1, "sysctl", [], "kern.ostype", Text("x")) == "EPERM"
    user = k.user()
    assert fails(k.call, user, "sysctl", [], "kern.hostname", Text("x")) == "EPERM"
    assert value(k, "kern.hostname", pid=user) == "anvil"


@pytest.mark.parametrize(
    ("name", "path", "errno"),
    [
        ([], "", "EINVAL"),
        ([1] * 13, "", "EINVAL"),
        ([1, 10], "kern.hostname", "EINVAL"),
        ([1], "", "EINVAL"),
        ([], "kern", "EINVAL"),
        ([99], "", "ENOENT"),
        ([1, -1, 4], "", "ENOENT"),
        ([], "kern.nothing", "ENOENT"),
        ([], "kern..hostname", "ENOENT"),
        ([], "x" * 100_000, "ENOENT"),
        ([], "." * 100_000, "EINVAL"),
        ([1, 10, 1], "", "ENOTDIR"),
        ([], "kern.hostname.x", "ENOTDIR"),
        ([1, 10, const.CTL_QUERY], "", "ENOTDIR"),
        ([const.CTL_QUERY], "kern.nothing", "ENOENT"),
        ([1, const.CTL_CREATE], "", "EINVAL"),
        ([1, const.CTL_CREATESYM], "", "EOPNOTSUPP"),
        ([1, const.CTL_MMAP], "", "EOPNOTSUPP"),
        ([1, -99], "", "EOPNOTSUPP"),
    ],
)
def test_refusals(k: Kern, name: list[int], path: str, errno: str) -> None:
    assert fails(k.call, 1, "sysctl", name, path, None) == errno


def test_describe(k: Kern) -> None:
    nodes = result(k.call(1, "sysctl", [1, const.CTL_DESCRIBE], "", None)).nodes
    assert {node.name: node.description for node in nodes}["hostname"] == "System hostname"


# -- proc


def test_limits_of_processes(k: Kern) -> None:
    user, other = k.user(7), k.user(8)
    path = "proc.{}.rlimit.descriptors.{}"
    assert value(k, path.format("curproc", "soft"), Quad(100), pid=user) == const.OPEN_MAX
    assert value(k, path.format(user, "soft")) == 100
    assert value(k, path.format(user, "soft"), pid=user) == 100
    assert k.call(1, "sysctl", [10, user, 2, const.RLIMIT_NOFILE + 1, 1], "", None).oldv == Quad(100)
    assert fails(k.call, other, "sysctl", [], path.format(user, "soft"), None) == "EPERM"
    assert fails(k.call, 1, "sysctl", [], path.format(user, "soft"), Quad(5)) == "EPERM"
    assert fails(k.call, 1, "sysctl", [], path.format(29_999, "soft"), None) == "ESRCH"
    assert fails(k.call, user, "sysctl", [], path.format("curproc", "soft"), Quad(1 << 20)) == "EINVAL"
    assert fails(k.call, user, "sysctl", [], path.format("curproc", "hard"), Quad(1 << 20)) == "EPERM"


# -- other factions


class Vfs(Faction):
    def __init__(self) -> None:
        self.nodes = [
            SysctlExport("vfs.generic.fstypes", STRING, RO, "types", []),
            SysctlExport("kern.maxvnodes", INT, RW, "vnodes", [1, 5]),
            SysctlExport("vfs.generic.extra", INT, const.CTLFLAG_ANYWRITE, "", []),
        ]
        self.values: dict[str, SysctlValue] = {
            "vfs.generic.fstypes": Text("tmpfs"),
            "kern.maxvnodes": Integer(9),
            "vfs.generic.extra": Integer(1),
        }
        super().__init__("vfs", sysctl_export=lambda ctx: self.nodes, sysctl_value=self.value)

    def value(self, ctx: Context, path: str, newv: SysctlValue | None) -> SysctlValue:
        if path not in self.values:
            raise KernelError(Errno.ENOENT)
        old = self.values[path]
        if newv is not None:
            self.values[path] = newv
        return old


def test_nodes_of_a_faction_that_runs(k: Kern) -> None:
    k.peers["vfs"] = Vfs()
    assert value(k, "vfs.generic.fstypes") == "tmpfs"
    assert value(k, "kern.maxvnodes", Quad(5)) == 9
    assert k.peers["vfs"].values["kern.maxvnodes"] == Integer(5)
    assert level(k)["vfs"].number == 3
    assert level(k, 3)["generic"].number == 0
    assert level(k, 1)["maxvnodes"].number == 5
    fstypes = level(k, 3, 0)["fstypes"].number
    assert result(k.call(1, "sysctl", [3, 0, fstypes], "", None)).oldv == Text("tmpfs")
    user = k.user()
    assert fails(k.call, user, "sysctl", [], "kern.maxvnodes", Integer(4)) == "EPERM"
    assert value(k, "vfs.generic.extra", Integer(2), pid=user) == 1
    assert fails(k.call, 1, "sysctl", [], "kern.maxvnodes", Text("4")) == "EINVAL"


def test_without_the_faction_the_nodes_are_not_there(k: Kern) -> None:
    with pytest.raises(KernelError, match="the vfs faction is not running"):
        result(k.call(1, "sysctl", [], "vfs.generic.fstypes", None))
    with pytest.raises(KernelError, match="the net faction is not running"):
        result(k.call(1, "sysctl", [4, 2, const.CTL_QUERY], "", None))
    assert "vfs" not in level(k)
    k.peers["vfs"] = Vfs()
    assert value(k, "vfs.generic.fstypes") == "tmpfs"
    del k.peers["vfs"]
    assert fails(k.call, 1, "sysctl", [], "vfs.generic.fstypes", None) == "ENOENT"
    assert "vfs" not in level(k)
    assert "maxvnodes" not in level(k, 1)


def test_numbers_stay_when_nodes_come_and_go(k: Kern) -> None:
    vfs = k.peers["vfs"] = Vfs()
    first = level(k, 3, 0)
    gone = vfs.nodes.pop(0)
    assert first.keys() - level(k, 3, 0).keys() == {"fstypes"}
    vfs.nodes += [SysctlExport("vfs.generic.new", INT, RO, "", []), gone]
    again = level(k, 3, 0)
    assert again["fstypes"] == first["fstypes"]
    assert again["new"].number not in {node.number for node in first.values()}


@pytest.mark.parametrize(
    "export",
    [
        SysctlExport("kern.hostname", INT, RW, "", [1, 10]),
        SysctlExport("kern.hostname.below", INT, RW, "", []),
        SysctlExport("kern", INT, RW, "", []),
        SysctlExport("", INT, RW, "", []),
        SysctlExport("vfs..x", INT, RW, "", []),
        SysctlExport("vfs." + "x" * 32, INT, RW, "", []),
        SysctlExport(".".join(["vfs"] * 13), INT, RW, "", []),
        SysctlExport("vfs.x", const.CTLTYPE_NODE, RW, "", []),
        SysctlExport("vfs.x", 77, RW, "", []),
    ],
)
def test_what_a_faction_may_not_offer(k: Kern, export: SysctlExport) -> None:
    before = level(k, 1)
    vfs = k.peers["vfs"] = Vfs()
    vfs.nodes = [export]
    assert level(k, 1) == before
    assert "vfs" not in level(k)


def test_numbers_that_are_taken_or_wild_are_replaced(k: Kern) -> None:
    vfs = k.peers["vfs"] = Vfs()
    vfs.nodes = [SysctlExport(f"kern.n{i}", INT, RO, "", [1, n]) for i, n in enumerate((10, -2, 1 << 31, 1 << 60))]
    numbers = [node.number for node in level(k, 1).values()]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 1 << 31 for number in numbers)


def test_a_faction_that_fails_offers_nothing(k: Kern) -> None:
    def export(ctx: Context) -> list[SysctlExport]:
        raise KernelError(Errno.EIO)

    k.peers["net"] = Faction("net", sysctl_export=export)
    k.peers["dev"] = Faction("dev")
    assert "net" not in level(k)
