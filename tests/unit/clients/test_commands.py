"""The programs against kernels that only record, and what they say when something is wrong."""

from __future__ import annotations

import functools
import json
import operator
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rump
from rump.fs import probe
from rumpclients import (
    _command,
    _drivespec,
    _manifests,
    _start,
    arp,
    cgdconfig,
    cli,
    dhcpclient,
    halt,
    ifconfig,
    kill,
    modules,
    mount,
    netconfig,
    netstat,
    npfctl,
    ping,
    raidctl,
    route,
    server,
    sysctl,
    traceroute,
    vnconfig,
    wg_keygen,
    wgconfig,
)
from rumpwire import const
from rumpwire.errno import Errno
from tests.unit.sdk.fakes import FakeConnection, failing

Tool = Callable[..., int]
TOOLS: dict[str, Tool] = {
    "rump.halt": halt.main, "rump.kill": kill.main, "rump.sysctl": sysctl.main, "rump.mount": mount.mount,
    "rump.umount": mount.umount,
    "rump.df": mount.df, "rump.modload": modules.modload, "rump.modunload": modules.modunload,
    "rump.modstat": modules.modstat, "rump_server": server.main, "rump_allserver": server.allserver, "rump": cli.main,
    "rump.vnconfig": vnconfig.main, "rump.wgconfig": wgconfig.main, "rump.wg-keygen": wg_keygen.main,
    "rump.cgdconfig": cgdconfig.main, "rump.raidctl": raidctl.main,
    "rump.npfctl": npfctl.main, "rump.ifconfig": ifconfig.main, "rump.route": route.main, "rump.arp": arp.main,
    "rump.ndp": arp.main6, "rump.netstat": netstat.main, "rump.sockstat": netstat.sockstat,
    "rump.netconfig": netconfig.main, "rump.dhcpclient": dhcpclient.main,
    "rump.ping": ping.main, "rump.ping6": ping.main6, "rump.traceroute": traceroute.main,
}  # fmt: skip
ROOT = rump.Statvfs(
    f_flag=const.MNT_LOCAL | const.MNT_RDONLY, f_frsize=512, f_blocks=1000, f_bfree=250, f_bavail=250,
    f_files=10, f_ffree=4, f_fstypename="ext2fs", f_mntonname=b"/mnt", f_mntfromname=b"/dev/d",
)  # fmt: skip


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeConnection:
    """What the programs connect to."""
    connection = FakeConnection({"getvfsstat": [ROOT], "statvfs1": ROOT})
    monkeypatch.setattr(rump, "connect", lambda *args, **kwargs: rump.Client(connection))
    return connection


# -- all of them


@pytest.mark.parametrize("name", TOOLS)
def test_help_and_version(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("--help", "--version"):
        with pytest.raises(SystemExit) as caught:
            TOOLS[name]([flag])
        assert caught.value.code == 0
        assert name in capsys.readouterr().out


@pytest.mark.parametrize("name", TOOLS)
def test_wrong_arguments_are_one_line_and_status_2(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        TOOLS[name](["--no-such-flag"])
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith(f"{name}: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("rump.halt", []), ("rump.sysctl", ["-a"]), ("rump.mount", []), ("rump.df", []), ("rump.umount", ["/x"]),
        ("rump.modload", ["x"]), ("rump.modunload", ["x"]), ("rump.modstat", []), ("rump", ["status"]),
        ("rump", ["ps"]),
    ],
)  # fmt: skip
def test_without_a_kernel(
    name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("RUMP_SERVER", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert TOOLS[name](arguments) == 1
    err = capsys.readouterr().err
    assert "RUMP_SERVER is not set" in err
    assert err.count("\n") == 1


def test_errors_of_the_host_and_of_kernels_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        os.stat("/none/\x1b[0m")
        return 0

    assert _command.run("x", fail) == 1
    assert capsys.readouterr().err.startswith("x: /none/")


# -- rump.halt


@pytest.mark.parametrize(
    ("arguments", "flags"),
    [([], 0), (["-h"], const.RB_HALT), (["-dn"], const.RB_DUMP | const.RB_NOSYNC)],
)
def test_halt(arguments: list[str], flags: int, kernel: FakeConnection) -> None:
    assert halt.main(arguments) == 0
    assert kernel.last == ("reboot", (flags, ""))
    assert kernel.closed


def test_halt_is_refused(kernel: FakeConnection, capsys: pytest.CaptureFixture[str]) -> None:
    kernel.answers["reboot"] = failing(Errno.EPERM, "not yours")
    assert halt.main([]) == 1
    assert capsys.readouterr().err == "rump.halt: not yours: Operation not permitted\n"


# -- rump.sysctl


@pytest.fixture
def tree(kernel: FakeConnection) -> FakeConnection:
    from tests.unit.sdk.test_sysctl_and_modules import Tree

    kernel.answers["sysctl"] = Tree()
    return kernel


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["kern.ostype"], "kern.ostype = Rump\n"),
        (["-n", "kern.ostype"], "Rump\n"),
        (["-e", "kern.ostype"], "kern.ostype=Rump\n"),
        (["-x", "hw.big"], "hw.big = 0x10000000000\n"),
        (["kern.module"], "kern.module.autoload = 1\n"),
        (["hw"], "hw.big = 1099511627776\nhw.raw = 01\n"),
        (["kern.hostname=b"], "kern.hostname: a -> a\n"),
        (["-w", "-n", "kern.hostname=b"], "a\n"),
        (["-q", "kern.hostname=b"], ""),
        (["-q", "kern.none"], ""),
        (["-d", "kern.ostype"], "kern.ostype: (no description)\n"),
    ],
)
@pytest.mark.usefixtures("tree")
def test_sysctl(arguments: list[str], output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sysctl.main(arguments) == 0
    assert capsys.readouterr().out == output


@pytest.mark.usefixtures("tree")
def test_sysctl_all_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert sysctl.main(["-a"]) == 0
    assert capsys.readouterr().out.count(" = ") == 5
    assert sysctl.main(["--json", "kern.module", "hw.raw"]) == 0
    assert json.loads(capsys.readouterr().out) == {"kern.module.autoload": True, "hw.raw": "01"}


@pytest.mark.usefixtures("tree")
def test_sysctl_goes_on_after_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert sysctl.main(["kern.none", "kern.ostype"]) == 1
    found = capsys.readouterr()
    assert found.out == "kern.ostype = Rump\n"
    assert found.err.startswith("rump.sysctl: kern.none: No such file or directory")
    assert sysctl.main([]) == 2
    assert sysctl.main(["-w", "kern.ostype"]) == 2


# -- rump.mount, rump.umount, rump.df


def test_mount(kernel: FakeConnection, capsys: pytest.CaptureFixture[str]) -> None:
    assert mount.mount(["-t", "ext2fs", "-o", "noatime,ro", "/dev/d", "/mnt"]) == 0
    assert kernel.last == ("mount", ("ext2fs", b"/mnt", const.MNT_RDONLY | const.MNT_NOATIME, rump.DiskArgs(b"/dev/d")))
    assert mount.mount(["-rt", "tmpfs", "-o", "size=2m,mode=1777", "tmpfs", "/t"]) == 0
    assert kernel.last[1][2:] == (const.MNT_RDONLY, rump.TmpfsArgs(size_max=2 << 20, root_mode=0o1777))
    assert mount.mount(["-t", "nfs", "-o", "proto=udp,ro,rw", "h:/x", "/n"]) == 0
    assert kernel.last[1][2:] == (0, rump.OptionArgs(b"h:/x", {"proto": "udp"}))
    assert mount.mount([]) == 0
    assert capsys.readouterr().out == "/dev/d on /mnt type ext2fs (read-only, local)\n"
    assert mount.mount(["--json"]) == 0
    record = {"device": "/dev/d", "path": "/mnt", "type": "ext2fs", "flags": ["read-only", "local"]}
    assert json.loads(capsys.readouterr().out) == [record]
    assert mount.mount(["-u", "-o", "rw,noatime", "/mnt"]) == 0
    assert kernel.last == ("mount", ("ext2fs", b"/mnt", const.MNT_UPDATE | const.MNT_NOATIME, None))
    assert mount.mount(["-uf", "/dev/d"]) == 0
    assert kernel.last[1][2] == const.MNT_UPDATE | const.MNT_FORCE | const.MNT_RDONLY
    assert mount.mount(["-u", "/nothing"]) == 1
    assert mount.mount(["-u", "-o", "size=3", "/mnt"]) == 2
    assert mount.mount(["/dev/d"]) == 2
    assert mount.mount(["-t", "tmpfs", "-o", "size=much", "tmpfs", "/t"]) == 2
    assert mount.mount(["-t", "tmpfs", "-o", "colour=red", "tmpfs", "/t"]) == 2


def test_mount_loads_the_module_of_an_unknown_type(kernel: FakeConnection, capsys: pytest.CaptureFixture[str]) -> None:
    known: list[str] = []
    refuse = failing(Errno.ENODEV, "no such type")
    kernel.answers["mount"] = lambda kind, *rest: None if kind in known else refuse()
    kernel.answers["modctl"] = lambda cmd, load, *rest: known.append(load.filename)
    assert mount.mount(["-t", "ext2fs", "/dev/d", "/mnt"]) == 0
    assert [name for name, _ in kernel.asked] == ["mount", "modctl", "mount"]
    kernel.answers["modctl"] = failing(Errno.ENOENT)
    assert mount.mount(["-t", "zfs", "/dev/d", "/mnt"]) == 1
    assert capsys.readouterr().err == "rump.mount: /mnt: No such device (no such type)\n"


def test_mount_finds_the_type_out(kernel: FakeConnection, capsys: pytest.CaptureFixture[str]) -> None:
    disk = bytearray(4096)
    disk[1080:1082] = b"\x53\xef"
    kernel.answers |= {"open": 3, "pread": lambda fd, n, at: bytes(disk), "close": None}
    assert mount.mount(["/dev/d", "/mnt"]) == 0
    assert kernel.last[1][0] == "ext2fs"
    disk[1080:1082] = b"\0\0"
    assert mount.mount(["/dev/d", "/mnt"]) == 1
    assert "no known file system" in capsys.readouterr().err


def test_umount(kernel: FakeConnection) -> None:
    for name in ("/dev/d", "/mnt"):
        assert mount.umount([name]) == 0
        assert kernel.last == ("unmount", (b"/mnt", 0))
    assert mount.umount(["-f", "/else"]) == 0
    assert kernel.last == ("unmount", (b"/else", const.MNT_FORCE))
    assert mount.umount(["-a"]) == 0
    assert kernel.last == ("unmount", (b"/mnt", 0))
    assert mount.umount([]) == 2


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ([], "1000 750 250 75%"),
        (["-k"], "500 375 125 75%"),
        (["-i"], "1000 750 250 75% 6 4 60%"),
        (["-h"], "500K 375K 125K 75%"),
    ],
)
@pytest.mark.usefixtures("kernel")
def test_df(arguments: list[str], numbers: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert mount.df(arguments) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["/dev/d", *numbers.split(), "/mnt"]


@pytest.mark.usefixtures("kernel")
def test_df_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert mount.df(["--json", "/mnt"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["size"], found["used"], found["available"]) == (512000, 384000, 128000)


# -- modules


def test_modload_and_unload(kernel: FakeConnection, capsys: pytest.CaptureFixture[str]) -> None:
    assert modules.modload(["-f", "-b", "debug=yes", "-i", "n=0x10", "-s", "s=a=b", "x"]) == 0
    props = {"debug": "true", "n": "16", "s": "a=b"}
    assert kernel.last[1][:2] == (const.MODCTL_LOAD, rump.ModctlLoad("x", const.MODCTL_LOAD_FORCE, props))
    for wrong in (["-b", "debug=perhaps", "x"], ["-i", "n=many", "x"], ["-s", "novalue", "x"]):
        assert modules.modload(wrong) == 2
    assert modules.modunload(["x"]) == 0
    assert kernel.last[1] == (const.MODCTL_UNLOAD, None, "x", None)
    capsys.readouterr()
    kernel.answers["modctl"] = failing(Errno.EBUSY, "2 files are open")
    assert modules.modunload(["x"]) == 1
    assert capsys.readouterr().err == "rump.modunload: x: Device or resource busy (2 files are open)\n"


def test_modstat(kernel: FakeConnection, capsys: pytest.CaptureFixture[str]) -> None:
    kernel.answers["modctl"] = [
        rump.ModuleStat("ffs", "vfs", "builtin", const.MODFLG_MUST_FORCE, -1),
        rump.ModuleStat("ext2fs", "vfs", "upload", const.MODFLG_AUTO_LOADED, 1, 4711, ["ffs", "ufs"]),
    ]
    assert modules.modstat([]) == 0
    header, first, second = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert header == ["NAME", "CLASS", "SOURCE", "FLAG", "REFS", "SIZE", "REQUIRES"]
    assert first == ["ext2fs", "vfs", "upload", "a", "1", "4711", "ffs,ufs"]
    assert second == ["ffs", "vfs", "builtin", "f", "-1", "-", "-"]
    assert modules.modstat(["-n", "ffs", "--json"]) == 0
    assert [m["name"] for m in json.loads(capsys.readouterr().out)] == ["ffs"]
    assert modules.modstat(["none"]) == 1
    assert modules.modstat(["-e"]) == 0
    kernel.answers["modctl"] = failing(Errno.EPERM)
    assert modules.modstat(["-a"]) == 1


# -- drivespecs


@pytest.mark.parametrize(
    ("spec", "drive"),
    [
        ("key=/dev/d,hostpath=f,size=host", ("/dev/d", "f", "blk", None, 0, True)),
        ("key=/dev/d,hostpath=f,size=2m,offset=1b,type=chr", ("/dev/d", "f", "chr", 2 << 20, 512, False)),
        ("hostpath=f,key=/k,type=reg", ("/k", "f", "reg", None, 0, False)),
        ("key=/k,hostpath=f,size=2x3k", ("/k", "f", "blk", 6144, 0, False)),
    ],
)
def test_drivespecs(spec: str, drive: tuple[Any, ...]) -> None:
    assert _drivespec.parse(spec) == (*drive, "")


@pytest.mark.parametrize(
    "spec",
    [
        "", "key=/k", "hostpath=f,size=1", "key=/k,hostpath=f", "key=/k,hostpath=f,size=1,size=2",
        "key=/k,hostpath=f,colour=1",
        "key=/k,hostpath=f,size=1,type=tape", "key=k,hostpath=f,size=1", "key=/k,hostpath=f,size=-1",
        "key=/k,hostpath=f,size=1q",
        "key=/k,hostpath=f,size=", "key=/k,hostpath=f,disklabel=a,size=1", "key=/k,hostpath=f,size=9999999999t", "key",
    ],
)  # fmt: skip
def test_wrong_drivespecs(spec: str) -> None:
    with pytest.raises(_command.UsageError):
        _drivespec.parse(spec)


def test_a_partition_of_a_disklabel_as_a_drive(tmp_path: Path) -> None:
    disk = bytearray(1 << 20)
    label = 512
    struct.pack_into("<I", disk, label, 0x82564557)
    struct.pack_into("<I", disk, label + 40, 512)
    struct.pack_into("<IHH", disk, label + 132, 0x82564557, 0, 5)
    struct.pack_into("<IIIBBH", disk, label + 148 + 64, 900, 64, 2048, 7, 8, 0)
    words = struct.unpack_from(f"<{(148 + 5 * 16) // 2}H", disk, label)
    struct.pack_into("<H", disk, label + 136, functools.reduce(operator.xor, words))
    (tmp_path / "disk").write_bytes(disk)
    drive = _drivespec.parse(f"key=/k,hostpath={tmp_path}/disk,disklabel=e")
    assert _drivespec.provide(drive)[3:5] == (900 * 512, 64 * 512)
    with pytest.raises(_command.CommandError, match="no partition f"):
        _drivespec.provide(drive._replace(label="f"))
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    with pytest.raises(_command.CommandError, match="no partition e"):
        _drivespec.provide(drive)


def test_host_files_of_drives_are_made_and_extended_but_never_cut(tmp_path: Path) -> None:
    file = tmp_path / "disk"
    drive = _drivespec.parse(f"key=/k,hostpath={file},size=1k,offset=512")
    assert _drivespec.provide(drive) == drive
    assert file.stat().st_size == 1536
    _drivespec.provide(drive._replace(size=10))
    assert file.stat().st_size == 1536
    whole = _drivespec.parse(f"key=/k,hostpath={file},size=host")
    assert _drivespec.provide(whole).size == 1536
    file.write_bytes(b"")
    with pytest.raises(_command.CommandError, match="not empty"):
        _drivespec.provide(whole)
    file.unlink()
    with pytest.raises(FileNotFoundError):
        _drivespec.provide(whole)


def test_a_drive_in_the_kernel(kernel: FakeConnection, tmp_path: Path) -> None:
    file = tmp_path / "disk"
    _drivespec.register(rump.Client(kernel), _drivespec.parse(f"key=/dev/d,hostpath={file},size=1k"))
    assert kernel.last == ("etfs_register_withsize", (b"/dev/d", os.fsencode(file), const.RUMP_ETFS_BLK, 0, 1024))


# -- rump_server, rump up


@pytest.mark.parametrize(
    ("libraries", "factions", "loaded"),
    [
        ([], [], []),
        (["rumpvfs"], ["vfs"], []),
        (
            ["librumpfs_ext2fs.so.0", "rumpnet_netinet", "/lib/librumpdev.so"],
            ["vfs", "net", "dev"],
            ["ext2fs", "netinet"],
        ),
        (["ext2fs", "net"], ["vfs", "net"], ["ext2fs"]),
        (["rumpkern_tty"], [], ["tty"]),
    ],
)
def test_components(libraries: list[str], factions: list[str], loaded: list[str]) -> None:
    assert server.components(libraries) == (factions, loaded)


def test_all_modules_that_are_installed() -> None:
    assert {"ext2fs", "tmpfs", "netinet"} <= set(_manifests.names())


def test_the_flags_of_up() -> None:
    options = cli.parser().parse_args(
        [
            "up",
            "--url",
            "unix://a",
            "--url",
            "tcp://*:1",
            "--factions",
            "vfs",
            "--dir",
            "/d",
            "--module-key",
            "k",
            "--tls-cert",
            "c",
        ]
    )
    assert cli.gateway_flags(options) == [
        "--dir", "/d", "--factions", "vfs", "--tls-cert", "c", "--url", "unix://a",
        "--url", "tcp://*:1", "--module-key", "k",
    ]  # fmt: skip


def test_folders_of_kernels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert _start.default_url() == f"unix://{tmp_path}/rump/kernel.sock"
    assert _start.folder_for([]) == f"{tmp_path}/rump"
    assert _start.folder_for(["unix://a"]) != _start.folder_for(["unix://b"])
    os.chmod(tmp_path / "rump", 0o755)
    with pytest.raises(_command.CommandError, match="alone"):
        _start.folder_for([])


def test_env(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import subprocess

    monkeypatch.setenv("RUMP_SERVER", "unix://it's here")
    assert cli.main(["env"]) == 0
    script = capsys.readouterr().out + 'printf "%s|%s" "$RUMP_SERVER" "$PS1"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env={"PS1": "$ "})
    url, prompt = done.stdout.split("|")
    assert url == f"unix://{os.getcwd()}/it's here"
    assert prompt == f"({url}) $ "


@pytest.mark.usefixtures("kernel")
def test_status_and_ps(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"url": "", "components": []}
    assert cli.main(["ps", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert cli.main(["ps"]) == 0
    assert capsys.readouterr().out.split() == ["PID", "PPID", "UID", "NFD", "COMMAND"]


# -- helpers


def test_probe() -> None:
    def disk(offset: int, mark: bytes) -> Callable[[int, int], bytes]:
        data = bytearray(140_000)
        data[offset : offset + len(mark)] = mark
        return lambda size, at: bytes(data[at : at + size])

    assert probe(disk(1080, b"\x53\xef")) == "ext2fs"
    assert probe(disk(32769, b"CD001")) == "cd9660"
    assert probe(disk(82, b"FAT32")) == "msdos"
    assert probe(disk(0, b"\0")) is None
    assert probe(lambda size, at: b"") is None


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (999, "999B"), (1024, "1.0K"), (1 << 20, "1.0M"), (500 << 30, "500G")]
)
def test_human(size: int, text: str) -> None:
    assert _command.human(size) == text
