"""The programs on files of a kernel, and the console, against the programs of this machine where there are such."""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import shlex
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import rump
from rumpclients import console, dd, files, fsu
from rumpclients._command import UsageError
from rumpclients._statformat import formatter
from tests.tools import need

Shell = Callable[[str], str]


@pytest.fixture
def k(monkeypatch: pytest.MonkeyPatch) -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=("vfs", "dev")) as kernel:
        monkeypatch.setattr(rump, "connect", lambda *args, **kwargs: kernel.attach())
        for folder, size in (("/a", "4m"), ("/b", "4m")):
            kernel.sys.mkdir(folder, 0o755)
            kernel.sys.mount("tmpfs", folder, 0, rump.TmpfsArgs(size_max=int(size[:-1]) << 20))
        yield kernel


@pytest.fixture
def sh(k: rump.Kernel, capfd: pytest.CaptureFixture[str]) -> Shell:
    """Runs a command as the shell would; its output, or what it said when it failed behind ``!``."""

    def command(line: str) -> str:
        name, *words = shlex.split(line)
        (point,) = importlib.metadata.entry_points(group="console_scripts", name=name)
        status = point.load()(words)
        said = capfd.readouterr()
        return f"!{status} {said.err}" if status else said.out

    return command


def test_files_from_making_to_removing(sh: Shell, tmp_path: Path) -> None:
    (tmp_path / "host").write_text("of the host\n")
    assert not sh("rump.mkdir -p /a/one/two")
    assert not sh(f"rump.put {tmp_path}/host /a/one")
    assert sh("rump.cat /a/one/host") == "of the host\n"
    assert not sh("rump.cp -R /a/one /a/copy")
    assert not sh("rump.ln -s host /a/one/soft")
    assert not sh("rump.ln /a/one/host /a/one/hard")
    assert sh("rump.ls -F /a/one") == "hard\nhost\nsoft@\ntwo/\n"
    assert sh("rump.stat -f '%N %z %Lp %l %HT' /a/one/host") == "/a/one/host 12 644 2 Regular File\n"
    assert not sh("rump.chmod 600 /a/one/host")
    assert not sh("rump.chown 7:8 /a/one/host")
    assert sh("rump.stat -f '%Sp %u:%g%SY' /a/one/host /a/one/soft") == "-rw------- 7:8\nlrwxr-xr-x 0:0 -> host\n"
    assert not sh("rump.touch -t 202601311200.05 /a/one/host")
    assert sh("rump.stat -f %Sm -t %Y-%m-%d /a/one/host") == "2026-01-31\n"
    assert not sh("rump.chflags nodump /a/copy")
    assert " nodump " in sh("rump.ls -ldo /a/copy")
    assert not sh("rump.mkfifo /a/one/fifo")
    assert not sh("rump.mknod /a/one/null c 2 2")
    assert sh("rump.find /a/one -type c -o -type p") == "/a/one/fifo\n/a/one/null\n"
    assert not sh(f"rump.get -R /a/one/two {tmp_path}/out")
    assert (tmp_path / "out").is_dir()
    assert [row["path"] for row in json.loads(sh("rump.ls --json /a/copy"))] == ["/a/copy/host", "/a/copy/two"]
    assert sh("rump.diff /a/copy/host /none").startswith("!2 rump.diff: /none: No such file")
    assert not sh("rump.rm -r /a/one /a/c*")
    assert not sh("rump.ls /a")
    assert sh("rump.rm /a/one") == "!1 rump.rm: /a/one: No such file or directory\n"


def test_mv_over_file_systems(sh: Shell) -> None:
    assert not sh("rump.mkdir -p /a/tree/below /b/tree")
    assert not sh("rump.touch -d @100 /a/tree/below/file /a/file")
    assert not sh("rump.chown -R 5:6 /a/tree")
    assert not sh("rump.mv /a/tree /b")
    assert sh("rump.stat -f '%u %m' /b/tree/below/file") == "5 100\n"
    assert sh("rump.ls /a") == "file\n"
    assert sh("rump.mv /b/tree /a/file").startswith("!1 rump.mv: ")
    assert not sh("rump.mv /a/file /b/tree/below/file")
    assert sh("rump.find /b -type f") == "/b/tree/below/file\n"


def test_asking(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not sh("rump.touch /a/one /a/two")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\ny\nn\n"))
    assert not sh("rump.rm -i /a/one /a/two")
    assert sh("rump.ls /a") == "one\n"
    assert not sh("rump.touch /b/one")
    assert not sh("rump.mv -i /b/one /a/one")
    assert sh("rump.ls /b") == "one\n"


def test_find_acts(sh: Shell) -> None:
    assert not sh("rump.mkdir -p /a/x/y /a/z")
    assert not sh("rump.touch /a/x/y/1.o /a/x/2.o /a/x/3.c")
    assert not sh("rump.find /a -name *.o -delete")
    assert sh("rump.find -x / -type f -path /a/*") == "", "another file system"
    assert sh("rump.find /a -type f -mmin -5 -ls").split()[-1] == "/a/x/3.c"
    assert not sh("rump.find /a/x -delete")
    assert sh("rump.find /a") == "/a\n/a/z\n"


@pytest.mark.parametrize(
    "operands",
    [
        "bs=512 count=3", "ibs=300 obs=700", "bs=1k skip=1 count=1", "ibs=100 obs=64 conv=sync", "conv=ucase bs=77",
        "conv=swab bs=98", "bs=100 seek=3", "cbs=20 conv=block", "cbs=16 conv=unblock ibs=48", "bs=1k conv=sync",
    ],
)  # fmt: skip
def test_dd_is_the_hosts(operands: str, k: rump.Kernel, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = b"".join(b"line %d of the text\n" % n for n in range(97)) + b"end"
    (tmp_path / "in").write_bytes(text)
    k.sys.close(k.sys.open("/a/in", os.O_CREAT))
    rump.fs.Tree(k).write_bytes("/a/in", text)
    theirs = subprocess.run(
        [need("dd"), f"if={tmp_path}/in", f"of={tmp_path}/out", *operands.split()], capture_output=True, check=True
    )
    assert dd.main(["rif=/a/in", "rof=/a/out", *operands.split()]) == 0
    assert rump.fs.Tree(k).read_bytes("/a/out") == (tmp_path / "out").read_bytes()
    assert capfd.readouterr().err.splitlines()[:2] == theirs.stderr.decode().splitlines()[:2]


def test_dd_between_host_and_kernel(sh: Shell, k: rump.Kernel, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(bytes(1 << 20) + b"x" + bytes(1 << 19))
    assert not sh(f"rump.dd if={tmp_path}/in rof=/a/out bs=64k conv=sparse msgfmt=quiet")
    st = k.sys.stat("/a/out")
    assert st.st_size == (3 << 19) + 1
    assert not sh(f"rump.dd rif=/a/out of={tmp_path}/back bs=1m")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "in").read_bytes()
    assert not sh("rump.dd rif=/dev/zero rof=/a/out bs=4 count=2 seek=1 conv=notrunc")
    assert k.sys.stat("/a/out").st_size == (3 << 19) + 1
    assert sh("rump.dd rif=/dev/zero rof=/b/full bs=1m").splitlines()[-1] == "rump.dd: /b/full: No space left on device"
    for operands in ("if=a rif=b", "bs=0", "conv=ebcdic", "count", "bs=1 bs=2", "conv=lcase,ucase", "conv=block"):
        with pytest.raises(UsageError):
            dd.parse(operands.split())


def test_the_console(sh: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    script = f"mkdir -p x/y; cd x; put {__file__} y/me; ls y; cd ..; pwd; find x -type f; stat -f %N x; nothing; lcd /"
    said = sh(f"rump.console -c 'cd /a; {script}; rm -r x; ls; help'")
    assert said.startswith("me\n/a\n/a/x/y/me\n/a/x\nPrograms: ")
    assert sh("rump.console -c 'cd /none'") == "!1 rump.console: /none: No such file or directory\n"
    rump.newfs(tmp_path / "disk", "ffs", 4 << 20)
    monkeypatch.setattr("sys.stdin", io.StringIO("mkdir new\n# a comment\n\n!true\nexit\nmkdir newer\n"))
    assert not sh(f"fsu_console {tmp_path}/disk")
    assert sh(f"fsu_ls {tmp_path}/disk") == "new\n"
    with rump.fs.open_image(None, "tmpfs") as tree:
        tree.mkdir("/folder")
        assert console._Completer(tree).matches("f") == ["find ", "folder/"]


def test_edited_by_a_program_of_this_machine(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "sh -c 'echo edited >> $0'")
    for _ in range(2):
        assert not sh("rump.ed -e /a/file")
    assert sh("rump.cat /a/file") == "edited\nedited\n"


def test_aliases_partitions_and_patterns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    rump.newfs(tmp_path / "part", "ffs", 1 << 20)
    with rump.fs.open_image(tmp_path / "part") as image:
        for name in ("one.c", "two.c", "two.h", "odd*"):
            image.touch(name)
    head = bytearray(1 << 20)
    head[446 + 16 : 446 + 32] = bytes(4) + b"\xa9" + bytes(3) + (2048).to_bytes(4, "little") * 2
    head[510:512] = b"\x55\xaa"
    (tmp_path / "disk").write_bytes(head + (tmp_path / "part").read_bytes())
    (tmp_path / ".fsurc").write_text("# name:image:type:options\nwork:~/disk@p2:ffs:noatime\nbad\n-x:y\nfree:~/part\n")
    assert fsu.ls(["work", "*.c"]) == 0
    assert capfd.readouterr().out == "/one.c\n/two.c\n"
    assert fsu.ls([f"{tmp_path}/disk@p2", "odd*"]) == 0, "a file of that very name"
    assert fsu.ls(["free", "t*.[ch]"]) == 0
    assert fsu.ls(["free", "*.none"]) == 1
    assert capfd.readouterr().out == "/odd*\n/two.c\n/two.h\n"
    assert fsu.ls([f"{tmp_path}/disk@p3"]) == 1
    assert "no partition 3" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%p %Op %#Op %Lp %Mp %Hp", "104755 104755 0104755 755 4 10"), ("%z|%5z|%-5z|%05z", "7|    7|7    |00007"),
        ("%Sp %SHp %SMp %SLp", "-rwsr-xr-x -rws r-x r-x"), ("%T %HT %%%n", "* Regular File %\n"),
        ("%m %Fm %Sf", "3 3.500000000 nodump"), ("%r %Hr,%Lr %Z", "0 0,0 7"),
    ],
)  # fmt: skip
def test_formats(form: str, text: str) -> None:
    st = rump.Stat(
        st_mode=0o104755, st_size=7, st_mtime_ns=3_500_000_000, st_flags=rump.UF_NODUMP, st_ino=5, st_uid=1, st_gid=2
    )
    assert formatter(form)("name", "", st) == text


def test_what_is_no_format() -> None:
    with pytest.raises(UsageError):
        formatter("%Q")


def test_every_name_leads_to_its_program() -> None:
    points = importlib.metadata.entry_points(group="console_scripts")
    found = {p.name.removeprefix("rump.") for p in points if p.value.startswith("rumpclients.files:")}
    assert found == {name for name, value in vars(files).items() if getattr(value, "__name__", "") == "main"}


def _same(one: Path, two: Path) -> None:
    listing = ["find", ".", "-printf", "%P %M %U %G %n %s %l %T@\n"]
    found = [
        sorted(line for line in subprocess.run(listing, cwd=at, check=True, capture_output=True).stdout.splitlines()
               if not line.startswith(b" ")) for at in (one, two)
    ]  # fmt: skip
    assert found[0] == found[1]
    subprocess.run(["diff", "-r", "--no-dereference", "-x", "fifo", one, two], check=True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    (top / "sub" / "deep").mkdir(parents=True)
    (top / "sub" / "file").write_bytes(os.urandom(70_000))
    (top / "empty").touch(mode=0o640)
    (top / "link").symlink_to("sub/file")
    os.link(top / "sub" / "file", top / "hard")
    os.mkfifo(top / "fifo")
    (top / ("long" * 40)).write_text("a long name")
    for path in sorted(top.rglob("*"), reverse=True):
        os.utime(path, (1_000_000_000, 1_000_000_000), follow_symlinks=False)
    return top


def test_archives_with_the_hosts_tar(sh: Shell, source: Path, tmp_path: Path) -> None:
    """t_vfs paxcopy of the original: trees in and out, by archives."""
    packed, host = tmp_path / "packed", tmp_path / "out"
    subprocess.run([need("tar"), "--numeric-owner", "-C", tmp_path, "-cf", packed, "tree"], check=True)
    assert not sh(f"rump.tar -xpf {packed} -C /a")
    assert "tree/sub/deep\n" in sh(f"rump.tar -tf {packed}")
    assert not sh("rump.mkdir /b/copies")
    assert not sh("rump.pax -rw /a/tree /b/copies")
    for number, command in enumerate((
        f"rump.tar -czf {packed}1 -C /a tree", f"rump.pax -w -z -f {packed}1 /a/tree",
        f"rump.pax -wz -f {packed}1 /b/copies/a/tree",
    )):  # fmt: skip
        assert not sh(command)
        folder = host / str(number)
        folder.mkdir(parents=True)
        subprocess.run([need("tar"), "--numeric-owner", "-C", folder, "-xpzf", f"{packed}1"], check=True)
        found = next(path for path in (folder / "tree", folder / "a/tree", folder / "b/copies/a/tree") if path.exists())
        _same(source, found)
    assert "-rw-r----- " in sh(f"rump.pax -v -z -f {packed}1 *empty")
    assert not sh(f"rump.pax -r -k -f {packed} tree/empty")
    assert sh("rump.find /tree -type f") == "/tree/empty\n"
    assert sh(f"rump.tar -xf {source}/empty") == "!1 rump.tar: " + str(source / "empty") + ": empty file\n"
    assert sh("rump.tar -cf /dev/null /none") == "!1 rump.tar: /none: No such file or directory\n"


def test_copies_keep_everything(sh: Shell, source: Path, tmp_path: Path) -> None:
    """t_vfs cpcopy."""
    assert not sh(f"rump.put -a {source} /a/in")
    assert not sh("rump.cp -a /a/in /b/over")
    assert not sh(f"rump.get -a /b/over {tmp_path}/back")
    _same(source, tmp_path / "back")


def test_archives_lead_nowhere_else(sh: Shell, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil", "w") as archive:
        for name in ("../../up", "/abs", "a/../../b"):
            archive.addfile(tarfile.TarInfo(name))
    assert not sh(f"rump.tar -xf {tmp_path}/evil -C /a")
    assert sh("rump.find /a -type f") == "/a/abs\n/a/b\n/a/up\n"
