"""Programs that see a kernel's files, and programs that nobody has given privilege."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import rump
from tests.hijack import command, environment, hijack, output
from tests.live import LiveKernel, live_kernel
from tests.tools import need

PAGE = Path(__file__).resolve().parents[2] / "docs" / "hijack.md"


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "vfs,net", "--placement", "server") as kernel:
        yield kernel


@pytest.fixture
def fuse() -> None:
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("/dev/fuse is not there, or not for us")


def test_the_page_is_right(kernel: LiveKernel, fuse: None, tmp_path: Path) -> None:
    """Its commands, in one shell, print what it says."""
    (tmp_path / "hello.txt").write_text("hello\n")
    found = re.search(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    lines = found[1].splitlines()
    script = "\n".join(line[2:] for line in lines if line.startswith("$ "))
    script = f"trap 'kill $!' EXIT\n{script}\n"
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment(kernel.url, PATH=path), capture_output=True, text=True,
        timeout=90, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == [line for line in lines if not line.startswith("$ ")], done.stderr
    with rump.connect(kernel.url) as k:
        assert k.open("/tmp/other").read() == "text\n"


FILES = """
set -e
mkdir /rump/tmp/w
cd /rump/tmp/w
mkdir d
echo one >d/f
echo two >>d/f
cp d/f $1/out
mv d/f $1/moved
cp -r $1/tree .
ls tree
cat <tree/a | tr a-z A-Z
cd tree
ln a b
ln -s a c
cat c
pwd
cd ..
rm -r tree d
ls
cd ../../..
pwd
ln /etc/hostname /rump/tmp/w/x 2>/dev/null || echo not linked
echo same >/rump/of-the-kernel/seen
cat /of-the-kernel/seen
"""


def test_a_shell_in_the_kernels_files(kernel: LiveKernel, fuse: None, tmp_path: Path) -> None:
    """A path that this machine does not have, and a directory of the kernel under its own name."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a").write_text("content\n")
    with rump.connect(kernel.url) as k:
        k.sys.mkdir("/of-the-kernel", 0o777)
    done = output(kernel.url, "path=/rump,blanket=/of-the-kernel", "sh", "-c", FILES, "sh", str(tmp_path))
    assert done.split("\n") == [
        "a", "CONTENT", "content", "/rump/tmp/w/tree", "/", "not linked", "same", "",
    ]  # fmt: skip
    assert (tmp_path / "out").read_text() == (tmp_path / "moved").read_text() == "one\ntwo\n"
    assert not os.path.exists("/rump")


LOCAL = """
import os, socket
server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
server.bind("/tmp/of-the-kernel")
server.listen()
client.connect("/tmp/of-the-kernel")
peer, _ = server.accept()
client.sendall(b"local")
print(peer.recv(10), os.path.exists("/tmp/of-the-kernel"))
"""


def test_local_sockets_of_the_kernel(kernel: LiveKernel) -> None:
    """With ``socket=local`` their names are the kernel's, and no files of this machine."""
    assert output(kernel.url, "socket=local", sys.executable, "-c", LOCAL) == "b'local' False\n"


def test_paths_that_cannot_be(kernel: LiveKernel) -> None:
    missing = hijack(kernel.url, "blanket=/no/such/directory", "true")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "no/such/directory" in missing.stderr
    with live_kernel("--factions", "net", "--placement", "server") as bare:
        refused = hijack(bare.url, "path=/rump", "true")
        assert refused.returncode == 1
        assert "it has no files" in refused.stderr


@pytest.mark.parametrize(
    ("option", "status", "said"), [("path=/rump", 1, "user.max_mnt_namespaces"), ("socket=inet", 0, "")]
)
def test_without_name_spaces_for_mounts(kernel: LiveKernel, option: str, status: int, said: str) -> None:
    """Nothing is run with the wrong files, and it is said why."""
    words = [need("unshare"), "-Ur", "sh", "-c"]
    if subprocess.run([*words, "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("there are no name spaces for users")
    script = 'echo 0 >/proc/sys/user/max_mnt_namespaces; exec "$@"'
    program = command(option, "sh", "-c", "echo ran")
    done = subprocess.run(
        [*words, script, "sh", *program], env=environment(kernel.url), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (status, "" if status else "ran\n"), done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == (1 if status else 0)


# -- without privilege

AS_A_USER = """
import sys
from tests.hijack import output, python
from tests.live import live_kernel

with live_kernel("--factions", "net", "--placement", "server") as kernel:
    print(output(kernel.url, "sh", "-c", "id -u; cat /etc/resolv.conf; grep NoNewPrivs /proc/self/status"))
    print(python(kernel.url, sys.argv[1]))
"""
EXCHANGE = """
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
peer, name = server.accept()
assert name == client.getsockname()
threading.Thread(target=lambda: (client.sendall(bytes(1 << 20)), client.close())).start()
print(sum(len(piece) for piece in iter(lambda: peer.recv(65536), b"")))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", 0))
u.sendto(b"me", u.getsockname())
assert u.recvfrom(10) == (b"me", u.getsockname())
"""


def test_without_privilege() -> None:
    """As another user, with a kernel of his own: no mounts, no set-uid programs, the same sockets."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else, and all other tests are of this kind then")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        shutil.chown(folder, "nobody")
        where = os.pathsep.join([str(PAGE.parents[1]), *filter(None, sys.path)])
        env = {**os.environ, "PYTHONPATH": where, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": folder, "HOME": folder}
        for python in (sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"):
            words = [need("runuser"), "-u", "nobody", "--", python, "-c"]
            if not subprocess.run([*words, "import rump.aio"], cwd="/", env=env, check=False, stderr=-3).returncode:
                break
        else:
            pytest.skip("there is no Python that other users may run")
        done = subprocess.run(
            [*words, AS_A_USER, EXCHANGE], cwd="/", env=env, capture_output=True, text=True, check=False
        )
    uid = pwd.getpwnam("nobody").pw_uid
    assert done.stdout.split() == [str(uid), "nameserver", "127.0.0.1", "NoNewPrivs:", "1", str(1 << 20)], done.stderr
