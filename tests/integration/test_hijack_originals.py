"""What NetBSD's tests of librumphijack ask, asked of programs of Linux: t_vfs, t_cwd, t_sh, t_asyncio and t_config."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import rump
from rumpclients.hijack.main import main
from tests.hijack import hijack, output
from tests.live import LiveKernel, live_kernel

Run = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("/dev/fuse is not there, or not for us")
    with live_kernel("--factions", "vfs,net", "--placement", "server") as kernel:
        yield kernel


@pytest.fixture
def k(kernel: LiveKernel) -> Iterator[rump.Client]:
    with rump.connect(kernel.url) as k:
        yield k


@pytest.fixture
def run(kernel: LiveKernel, tmp_path: Path) -> Run:
    """Runs a script in a hijacked shell, in a directory of this machine: the lines that it prints."""

    def run(script: str) -> list[str]:
        return output(kernel.url, "path=/rump", "sh", "-c", f"set -e\n{script}", cwd=tmp_path).splitlines()

    return run


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "dir" / "below").mkdir(parents=True)
    (tmp_path / "dir" / "file1").write_text("file1\n")
    (tmp_path / "dir" / "below" / "file2").write_bytes(os.urandom(70_000))
    return tmp_path / "dir"


# -- t_vfs


def test_trees_go_in_and_out(k: rump.Client, run: Run, tree: Path) -> None:
    """By an archive, as pax -rw does it, and by cp."""
    script = """
        tar -cf - dir | tar -xf - -C /rump/tmp
        cp -Rp /rump/tmp/dir /rump/tmp/copy
        mkdir out
        cp -Rp /rump/tmp/copy out/cp
        tar -C /rump/tmp -cf - dir | tar -xf - -C out
        for copy in out/cp out/dir; do diff -r dir $copy && echo same; done
        rm -r /rump/tmp/dir
    """
    assert run(script) == ["same"] * 2
    assert k.open("/tmp/copy/below/file2", "rb").read() == (tree / "below" / "file2").read_bytes()
    rump.fs.Tree(k).rmtree("/tmp/copy")


NAMES = """
import errno, os
def outcome(call, *names):
    try: call(*names)
    except OSError as error: return errno.errorcode[error.errno]
for call in (os.rename, os.link):
    for name in ("here", "/rump/tmp/there"):
        open(name, "w").close()
    print(outcome(call, "here", "/rump/tmp/x"), outcome(call, "/rump/tmp/there", "x"))
    print(outcome(call, "/rump/tmp/there", "/rump/tmp/moved"), sorted(os.listdir("/rump/tmp")))
"""


def test_names_move_within_one_kernel_and_not_between_two(kernel: LiveKernel, tmp_path: Path) -> None:
    found = output(kernel.url, "path=/rump", sys.executable, "-c", NAMES, cwd=tmp_path)
    assert found.splitlines() == [
        "EXDEV EXDEV", "None ['moved']", "EXDEV EXDEV", "EEXIST ['moved', 'there']",
    ]  # fmt: skip


def test_the_prefix_itself(k: rump.Client, run: Run, tmp_path: Path) -> None:
    """``/rump`` is the kernel's root, with or without a slash behind; ``/rumpe`` is this machine's."""
    k.sys.mkdir("/seen", 0o755)
    script = """
        for path in /rump /rump/ /rump/. /rump//; do ls $path | grep -x seen; done
        ls -d /rumpe /rum 2>/dev/null || echo none
    """
    assert run(script) == ["seen"] * 4 + ["none"]
    k.sys.rmdir("/seen")


def test_blankets(kernel: LiveKernel, k: rump.Client) -> None:
    """Two directories of the kernel under their own names; a third one is not seen."""
    for folder in ("/rump-blanket", "/rump-double", "/rump-double/in", "/rump-third"):
        k.sys.mkdir(folder, 0o755)
    script = (
        "echo one >/rump-blanket/file; cp /rump-blanket/file /rump-double/in/copy; ls /rump-double/in; ls /rump-third"
    )
    done = hijack(kernel.url, "blanket=/rump-blanket:/rump-double", "sh", "-c", script)
    assert done.stdout == "copy\n"
    assert "/rump-third" in done.stderr
    assert k.open("/rump-double/in/copy").read() == "one\n"
    assert not os.path.exists("/rump-blanket")


# -- t_cwd


@pytest.mark.parametrize("option", ["path=/rump", "blanket=/rump-cwd"])
def test_working_directories(kernel: LiveKernel, k: rump.Client, tmp_path: Path, option: str) -> None:
    """In and out, by absolute names and step by step; each name is what getcwd(3) says."""
    for folder in ("/rump-cwd", "/rump-cwd/dir", "/rump-cwd/dir/below"):
        if not (rump.fs.Tree(k).exists(folder)):
            k.sys.mkdir(folder, 0o755)
    top = "/rump/rump-cwd" if option.startswith("path") else "/rump-cwd"
    (tmp_path / "link").symlink_to(f"{top}/dir")
    code = (
        "import os, sys\n"
        "top, home = sys.argv[1:]\n"
        "for step in (top, 'dir', 'below', '..', '../..', top + '/dir/below', home, 'link', home):\n"
        "    os.chdir(step)\n"
        "    print(os.getcwd())\n"
    )
    up = os.path.dirname(top)
    wanted = [
        top,
        f"{top}/dir",
        f"{top}/dir/below",
        f"{top}/dir",
        up,
        f"{top}/dir/below",
        str(tmp_path),
        f"{top}/dir",
        str(tmp_path),
    ]
    found = output(kernel.url, option, sys.executable, "-c", code, top, str(tmp_path), cwd=tmp_path)
    assert found.splitlines() == wanted


# -- t_sh


def test_scripts_and_redirections(k: rump.Client, run: Run) -> None:
    """The shell reads a script there, and executes it; its redirections are files there."""
    k.open("/tmp/script", "w").write("#!/bin/sh\necho started by $0\nfor n in 1 2; do echo $n >>/rump/tmp/out; done\n")
    k.sys.chmod("/tmp/script", 0o755)
    script = """
        sh /rump/tmp/script
        /rump/tmp/script
        echo first >/rump/tmp/r
        echo second >>/rump/tmp/r
        { echo third; echo error >&2; } >>/rump/tmp/r 2>&1
        exec 3</rump/tmp/r
        read line <&3; echo got $line
        sort -r </rump/tmp/r | tee /rump/tmp/s | head -1
        cat <<end >/rump/tmp/t
        here
end
        wc -l </rump/tmp/s
    """
    assert run(script) == ["started by /rump/tmp/script"] * 2 + ["got first", "third", "4"]
    assert k.open("/tmp/out").read() == "1\n2\n1\n2\n"
    assert k.open("/tmp/r").read() == "first\nsecond\nthird\nerror\n"
    assert k.open("/tmp/t").read().strip() == "here"


# -- t_asyncio

SELECT = """
import errno, os, select, socket, time
s, host = socket.create_server(("127.0.0.1", 0)), os.pipe()
files = [s.fileno(), host[0]]
begun = time.monotonic()
print(select.select(files, [], [], 0.2), time.monotonic() - begun >= 0.19)
print(select.select([], [], [], 0))
print(select.select([], [], [], 0.01))
c = socket.create_connection(s.getsockname())
print(select.select(files, [], [], 20)[0] == [s.fileno()])
os.write(host[1], b"x")
peer, _ = s.accept()
print(select.select(files, [], [], 20)[0] == [host[0]])
poll = select.poll()
closed = socket.socket()
number = closed.fileno()
closed.close()
for fd in (number, 500):
    poll.register(fd, select.POLLIN)
print(sorted(event for _, event in poll.poll(20000)) == [select.POLLNVAL] * 2)
try:
    select.select([number], [], [], 0)
except OSError as error:
    print(errno.errorcode[error.errno])
"""


def test_select_and_poll(kernel: LiveKernel) -> None:
    """A timeout with nothing, sets with nothing in them, descriptors of both kernels, and such as there are none."""
    found = output(kernel.url, sys.executable, "-c", SELECT).splitlines()
    assert found == ["([], [], []) True", "([], [], [])", "([], [], [])", "True", "True", "True", "EBADF"]


# -- t_config

MANY = """
import os, resource, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
with open("/rump/tmp/fdoff", "w") as file:
    file.write("contents")
before = len(os.listdir("/proc/self/fd"))
held = []
for number in range(100):
    held += [open("/rump/tmp/fdoff"), socket.socket(), open(os.devnull)]
numbers = [h.fileno() for h in held]
print(len(set(numbers)), max(numbers) - min(numbers))
print({h.read() for h in held[::3]}, {h.type for h in held[1::3]}, {h.read() for h in held[2::3]})
print({h.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) for h in held[1::3]})
os.dup2(held[0].fileno(), 7)
print(os.pread(7, 99, 0))
"""


def test_many_descriptors(kernel: LiveKernel) -> None:
    """fdoff= has no effect: descriptors of both kernels have the numbers that Linux gives them."""
    found = output(kernel.url, "fdoff=8,path=/rump,socket=inet", sys.executable, "-c", MANY).splitlines()
    assert found == ["300 299", "{'contents'} {<SocketKind.SOCK_STREAM: 1>} {''}", "{1}", "b'contents'"]


@pytest.mark.parametrize("value", ["2", "-1", "x"])
def test_an_offset_that_makes_no_sense(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"fdoff={value}", "true"]) == 2
    assert "fdoff" in capsys.readouterr().err
