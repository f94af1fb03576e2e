"""Unmodified servers in a kernel's network, and clients of theirs: both know nothing of us."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import rump
from tests.hijack import command, environment, hijack, output, python, serving
from tests.live import LiveKernel, eventually, live_kernel
from tests.tools import need

DATA = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(60_000))


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "net", "--placement", "server") as kernel:
        yield kernel


def listens(url: str, port: int) -> bool:
    with rump.connect(url) as k, k.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def listening(kernel: LiveKernel, port: int, *words: str) -> Iterator[subprocess.Popen[str]]:
    with serving(kernel.url, *words) as process:
        eventually(lambda: process.poll() is not None or listens(kernel.url, port), 60, f"{words[0]} listens")
        assert process.poll() is None
        yield process


def fetched(kernel: LiveKernel, port: int, path: str = "/") -> bytes:
    """By the SDK's sockets."""
    with rump.connect(kernel.url) as k, k.socket() as s:
        s.connect(("127.0.0.1", port))
        s.sendall(b"GET %s HTTP/1.0\r\n\r\n" % path.encode())
        got = b""
        while piece := s.recv(65536):
            got += piece
        return got.partition(b"\r\n\r\n")[2]


def test_http_server_of_python(kernel: LiveKernel, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    words = (sys.executable, "-m", "http.server", "-b", "127.0.0.1", "-d", str(tmp_path), "8001")
    with listening(kernel, 8001, *words):
        assert fetched(kernel, 8001, "/file") == DATA


def test_busybox_httpd(kernel: LiveKernel, tmp_path: Path) -> None:
    """It is linked statically, and has a child for every connection."""
    (tmp_path / "file").write_bytes(DATA)
    with listening(kernel, 8002, need("busybox"), "httpd", "-f", "-p", "127.0.0.1:8002", "-h", str(tmp_path)):
        assert fetched(kernel, 8002, "/file") == DATA


NGINX = """
daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:8003; root {folder}; location /via/ {{ proxy_pass http://127.0.0.1:8003/; }} }}
}}
"""


def test_nginx(kernel: LiveKernel, tmp_path: Path) -> None:
    """Workers that share a listening socket, sendfile, and a connection of its own as a proxy."""
    nginx = need("nginx")
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    (tmp_path / "file").write_bytes(DATA)
    (tmp_path / "conf").write_text(("user root;" if os.getuid() == 0 else "") + NGINX.format(folder=tmp_path))
    with listening(kernel, 8003, nginx, "-e", f"{tmp_path}/errors", "-c", f"{tmp_path}/conf"):
        assert fetched(kernel, 8003, "/file") == DATA
        url = "http://127.0.0.1:8003/via/file"
        script = f"{need('curl')} -s {url} | sha256sum; {need('curl')} -s {url} | sha256sum"
        digest = hashlib.sha256(DATA).hexdigest()
        assert [line.split()[0] for line in output(kernel.url, "sh", "-c", script).splitlines()] == [digest] * 2


def test_redis(kernel: LiveKernel) -> None:
    server, client = need("redis-server"), need("redis-cli")
    with listening(kernel, 6379, server, "--port", "6379", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"):
        script = (
            f"{client} set key value; {client} get key;"
            f"{client} --raw eval 'return string.rep(\"x\", 300000)' 0 | wc -c;"
            f"seq 1 500 | sed 's/.*/incr n/' | {client} | tail -1"
        )
        assert output(kernel.url, "sh", "-c", script).split() == ["OK", "value", "300001", "500"]


def test_iperf3(kernel: LiveKernel) -> None:
    """TCP both ways and UDP, with a control connection, select and TCP_INFO."""
    iperf3 = need("iperf3")
    with serving(kernel.url, iperf3, "-s", "-B", "127.0.0.1", "--forceflush", ready="listening"):
        for options in (["-n", "4M"], ["-n", "4M", "-R"], ["-u", "-b", "2M", "-l", "1000", "-t", "1"]):
            done = json.loads(output(kernel.url, iperf3, "-c", "127.0.0.1", "-J", *options))
            end = done["end"]
            if "-u" in options:
                assert end["sum"]["packets"] > 50
                assert end["sum"]["lost_percent"] < 50
            else:
                assert end["sum_received"]["bytes"] >= 2 << 20  # what buffers hold counts as sent


@pytest.fixture(scope="module")
def ssh(kernel: LiveKernel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    sshd, keygen = need("sshd"), need("ssh-keygen")
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    if os.getuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    (folder / "config").write_text(
        f"Port 22\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/user.pub\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
    )
    (folder / "known").write_text(" ".join(["*", *(folder / "host.pub").read_text().split()[:2]]))
    with listening(kernel, 22, sshd, "-D", "-e", "-f", str(folder / "config")):
        yield [
            "-F", "none", "-i", str(folder / "user"), "-o", f"UserKnownHostsFile={folder}/known",
            "-o", "BatchMode=yes", "-o", f"User={pwd.getpwuid(os.getuid()).pw_name}",
        ]  # fmt: skip


def test_ssh(kernel: LiveKernel, ssh: list[str]) -> None:
    """sshd executes itself for each connection and gives up privilege; input and output at once."""
    done = hijack(kernel.url, need("ssh"), *ssh, "127.0.0.1", "echo $((6 * 7)); exit 3")
    assert (done.returncode, done.stdout) == (3, "42\n"), done.stderr
    words = command(need("ssh"), *ssh, "127.0.0.1", "cat")
    piped = subprocess.run(words, input=DATA, env=environment(kernel.url), capture_output=True, timeout=60, check=True)
    assert piped.stdout == DATA


def test_scp(kernel: LiveKernel, ssh: list[str], tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(DATA)
    output(kernel.url, need("scp"), *ssh, f"{tmp_path}/one", f"127.0.0.1:{tmp_path}/two")
    assert (tmp_path / "two").read_bytes() == DATA


def test_git_clone(kernel: LiveKernel, tmp_path: Path) -> None:
    git = need("git")
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=n", "-c", "user.email=e"]
    subprocess.run([git, "init", "-q", str(tmp_path / "work")], check=True, env=env)
    (tmp_path / "work" / "file").write_bytes(DATA)
    for words in (["add", "file"], [*who, "commit", "-q", "-m", "one"]):
        subprocess.run([git, "-C", str(tmp_path / "work"), *words], check=True, env=env)
    subprocess.run([git, "clone", "-q", "--bare", tmp_path / "work", tmp_path / "site.git"], check=True, env=env)
    subprocess.run([git, "-C", str(tmp_path / "site.git"), "update-server-info"], check=True, env=env)
    words = (sys.executable, "-m", "http.server", "-b", "127.0.0.1", "-d", str(tmp_path), "8004")
    with listening(kernel, 8004, *words):
        target = str(tmp_path / "clone")
        output(kernel.url, git, "clone", "-q", "http://127.0.0.1:8004/site.git", target)
    assert (tmp_path / "clone" / "file").read_bytes() == DATA
    shutil.rmtree(target)


# -- datagrams and names

UDP = """
import select, socket

a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
a.bind(("127.0.0.1", 0))
b.sendto(b"one", a.getsockname())
data, name = a.recvfrom(100)
assert (data, name[0]) == (b"one", "127.0.0.1")
a.sendmsg([b"tw", b"o"], [], 0, name)
assert b.recvfrom(100) == (b"two", a.getsockname())
b.connect(a.getsockname())
assert b.getpeername() == a.getsockname()
assert b.getsockname() == name
b.send(b"three")
assert a.recvmsg(100)[::3] == (b"three", name)
for word in (b"native", b"trapped", b""):
    a.sendto(word, name)
assert b.recv(100) == b"native"
assert b.recvfrom(100) == (b"trapped", a.getsockname())
assert b.recvfrom(100) == (b"", a.getsockname())
b.send(b"peek and cut")
assert a.recvfrom(4, socket.MSG_PEEK)[0] == b"peek"
buffer = bytearray(4)
assert a.recvmsg_into([buffer])[2] & socket.MSG_TRUNC
a.setblocking(False)
try:
    a.recvfrom(10)
except BlockingIOError:
    pass
b.send(b"late")
assert select.select([a], [], [], 20)[0] == [a]
assert a.recvfrom(10)[0] == b"late"
try:
    a.sendto(bytes(70000), name)
except OSError as error:
    assert error.errno == 90
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
c.connect(("127.0.0.1", 9))
c.send(b"nobody is there")
c.settimeout(20)
try:
    c.recvfrom(10)
except ConnectionRefusedError:
    print("refused")
assert a.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_DGRAM
"""


def test_datagrams(kernel: LiveKernel) -> None:
    assert python(kernel.url, UDP) == "refused\n"


DNS = """
import socket, struct

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    question, name = s.recvfrom(1500)
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]])
        at += question[at] + 1
    kind = struct.unpack_from(">H", question, at + 1)[0]
    known = labels == [b"www", b"hijacked", b"test"] and kind == 1
    answer = b"\\xc0\\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([127, 0, 0, 1]) if known else b""
    code = b"\\x81\\x80" if labels[:1] == [b"www"] else b"\\x81\\x83"
    s.sendto(question[:2] + code + struct.pack(">HHHH", 1, known, 0, 0) + question[12 : at + 5] + answer, name)
"""


def test_names_are_the_kernels(kernel: LiveKernel, tmp_path: Path) -> None:
    """Programs of several C libraries ask a server in the kernel's network, and get to a server by what it says."""
    (tmp_path / "file").write_bytes(b"by name")
    httpd = (need("busybox"), "httpd", "-f", "-p", "127.0.0.1:8005", "-h", str(tmp_path))
    with serving(kernel.url, sys.executable, "-c", DNS, ready="ready"), listening(kernel, 8005, *httpd):
        url = "http://www.hijacked.test:8005/file"
        script = f"{need('curl')} -sS {url}; {need('busybox')} wget -qO- {url}"
        assert output(kernel.url, "sh", "-c", script) == "by name" * 2
        assert hijack(kernel.url, need("curl"), "-s", "http://none.hijacked.test/").returncode == 6
