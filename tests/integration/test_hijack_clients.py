"""Unmodified clients, dynamic and static, whose connections are a kernel's."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rump
from rumpclients.hijack.main import main
from tests.hijack import command, echo, environment, hijack, output, peer, python, web
from tests.live import LiveKernel, live_kernel
from tests.tools import need

BODY = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(100_000))
"""3.2 MB that tell their place."""


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "net", "--placement", "server") as kernel:
        yield kernel


@pytest.fixture(scope="module")
def site(kernel: LiveKernel) -> Iterator[str]:
    with peer(kernel.url, web(BODY)) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize(
    "words",
    [
        ["curl", "-sS", "-o"],
        ["wget", "-q", "-O"],
        ["busybox", "wget", "-q", "-O"],  # is linked statically
    ],
    ids=lambda words: words[0],
)
def test_a_client_of_http(kernel: LiveKernel, site: str, tmp_path: Path, words: list[str]) -> None:
    output(kernel.url, need(words[0]), *words[1:], str(tmp_path / "got"), site)
    assert (tmp_path / "got").read_bytes() == BODY


def test_what_is_hijacked_is_not_the_host(kernel: LiveKernel, site: str) -> None:
    assert subprocess.run([need("curl"), "-s", "--noproxy", "*", site], check=False).returncode == 7
    assert hijack(kernel.url, "socket=inet6", need("curl"), "-s", site).returncode == 7
    assert hijack(kernel.url, need("curl"), "-s", site, env={"RUMPHIJACK": ""}).returncode == 7


def test_a_pipeline_of_children(kernel: LiveKernel, site: str) -> None:
    """What a shell starts is hijacked as well, and descriptors of sockets go to children by fork and exec."""
    script = f"for i in 1 2 3; do curl -s {site} | wc -c; done; exit 7"
    done = hijack(kernel.url, need("sh"), "-c", script)
    assert (done.stdout.split(), done.returncode) == ([str(len(BODY))] * 3, 7)
    with peer(kernel.url, echo) as port:
        code = (
            "import os, socket, subprocess, sys\n"
            "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
            "os.set_inheritable(s.fileno(), True)\n"
            "subprocess.run(['sh', '-c', 'echo child >&%d' % s.fileno()], close_fds=False, check=True)\n"
            "pid = os.fork()\n"
            "if not pid: os.write(os.dup(s.fileno()), b'fork'); os._exit(0)\n"
            "os.waitpid(pid, 0)\n"
            "same = s.getpeername()[1] == int(sys.argv[1])\n"
            "s.shutdown(socket.SHUT_WR)\n"
            "print(s.makefile().read(), same)\n"
        )
        assert python(kernel.url, code, str(port)) == "child\nfork True\n"


ASYNCIO = """
import asyncio

async def serve(reader, writer):
    writer.write(await reader.read())
    await writer.drain()
    writer.close()

async def exchange(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = b"%d" % number * 5000
    writer.write(data)
    writer.write_eof()
    assert await reader.read() == data
    writer.close()
    await writer.wait_closed()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await asyncio.gather(*(exchange(port, number) for number in range(40)))
    try:
        await asyncio.open_connection("127.0.0.1", 9)
    except ConnectionRefusedError:
        print("refused")

asyncio.run(main())
"""


def test_asyncio_as_client_and_server(kernel: LiveKernel) -> None:
    """Sockets that do not block, epoll, connections that succeed later and that are refused."""
    assert python(kernel.url, ASYNCIO) == "refused\n"


NODE = """
const http = require("http");
const server = http.createServer((request, response) => response.end(request.url + request.socket.remoteAddress));
server.listen(0, "127.0.0.1", () => {
  const port = server.address().port;
  http.get({ host: "127.0.0.1", port, path: "/seen/by/" }, (response) => {
    let body = "";
    response.on("data", (piece) => (body += piece));
    response.on("end", () => {
      server.close();
      console.log(body);
      http.get("http://127.0.0.1:9/", () => {}).on("error", (error) => console.log(error.code));
    });
  });
});
"""


def test_node_as_client_and_server(kernel: LiveKernel) -> None:
    assert output(kernel.url, need("node"), "-e", NODE) == "/seen/by/127.0.0.1\nECONNREFUSED\n"


GO = """
package main

import ("io"; "net"; "os")

func check(err error) { if err != nil { panic(err) } }

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() {
		for {
			c, err := l.Accept()
			check(err)
			go func() { io.Copy(c, c); c.(*net.TCPConn).CloseWrite() }()
		}
	}()
	done := make(chan string)
	for i := 0; i < 20; i++ {
		go func() {
			c, err := net.Dial("tcp", l.Addr().String())
			check(err)
			c.Write([]byte("go"))
			c.(*net.TCPConn).CloseWrite()
			b, err := io.ReadAll(c)
			check(err)
			done <- string(b)
		}()
	}
	for i := 0; i < 20; i++ { os.Stdout.WriteString(<-done) }
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(err)
	c, err := net.Dial("udp", u.LocalAddr().String())
	check(err)
	c.Write([]byte("ping"))
	b := make([]byte, 100)
	n, from, err := u.ReadFrom(b)
	check(err)
	if from.String() == c.LocalAddr().String() { os.Stdout.Write(b[:n]) }
}
"""


def test_a_static_program_in_go(kernel: LiveKernel, tmp_path: Path) -> None:
    """Its runtime makes system calls by itself, from many threads, with a signal now and then."""
    (tmp_path / "main.go").write_text(GO)
    go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin") or need("go")
    env = {**os.environ, "CGO_ENABLED": "0"}
    subprocess.run([go, "build", "-o", "program", "main.go"], cwd=tmp_path, env=env, check=True)
    assert output(kernel.url, str(tmp_path / "program")) == "go" * 20 + "ping"


THREADS = """
import socket, sys, threading

def work(number):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
        data = b"%d" % number * 10000
        threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR))).start()
        got = b""
        while piece := s.recv(65536): got += piece
        assert got == data

threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("all")
"""


def test_many_threads_that_block(kernel: LiveKernel) -> None:
    with peer(kernel.url, echo) as port:
        assert python(kernel.url, THREADS, str(port)) == "all\n"


def test_a_program_that_closes_all_it_has(kernel: LiveKernel) -> None:
    """Daemons do, with every number there may be: the connection to the kernel is none of theirs."""
    code = (
        "import os, socket\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "for _ in range(3):\n"
        "    os.closerange(3, 4096)\n"
        "    s, c = socket.socket.detach(s) and socket.create_server(('127.0.0.1', 0)), socket.socket()\n"
        "    c.connect(s.getsockname())\n"
        "    c.sendall(b'still there')\n"
        "    print(s.accept()[0].recv(100))\n"
        "    c.detach()\n"
    )
    assert python(kernel.url, code) == "b'still there'\n" * 3


def test_ipv6(kernel: LiveKernel) -> None:
    with peer(kernel.url, web(b"six"), family=rump.AF_INET6) as port:
        assert output(kernel.url, need("curl"), "-sS", f"http://[::1]:{port}/") == "six"


# -- how programs are started and end


def test_statuses_are_the_programs(kernel: LiveKernel) -> None:
    assert hijack(kernel.url, "sh", "-c", "exit 3").returncode == 3
    assert hijack(kernel.url, "sh", "-c", "kill -9 $$").returncode == 137
    missing = hijack(kernel.url, "/no/such/program")
    assert (missing.returncode, missing.stderr) == (127, "rumphijack: /no/such/program: No such file or directory\n")


def test_wrong_arguments(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for words, why in (
        ([], "no program is named"),
        (["socket=ipx", "true"], "socket=ipx: ipx: not all"),
        (["path=rump", "true"], "path=rump: not an absolute path"),
        (["fdoff=2", "true"], "fdoff=2: not a number from 3"),
    ):
        assert main(words) == 2
        assert why in capsys.readouterr().err
    monkeypatch.setenv("RUMPHIJACK", "nonsense=1")
    assert main(["true"]) == 2


def test_a_kernel_that_is_not_there(tmp_path: Path) -> None:
    done = hijack(f"unix://{tmp_path}/none", "echo", "started")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("rumphijack: ")


def test_signals_reach_the_program(kernel: LiveKernel) -> None:
    script = "trap 'echo got; exit 5' TERM; echo ready; while :; do read line; done"
    with subprocess.Popen(
        command("sh", "-c", script), env=environment(kernel.url), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"got\n"
        assert process.wait(20) == 5


SIGNALLED = """
import os, signal, socket, threading
s = socket.create_server(("127.0.0.1", 0))
signal.signal(signal.SIGUSR1, lambda *_: (_ for _ in ()).throw(InterruptedError("signal")))
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1)).start()
try:
    s.accept()
except InterruptedError as error:
    print(error)
"""


def test_a_signal_ends_a_trapped_call(kernel: LiveKernel) -> None:
    assert python(kernel.url, SIGNALLED) == "signal\n"


def test_what_is_left_running_goes_on(kernel: LiveKernel, tmp_path: Path) -> None:
    """A daemon outlives the command, which does not hold on to its caller's pipes, and is served all the same."""
    got = tmp_path / "got"
    with peer(kernel.url, web(b"later")) as port:
        script = f"(sleep 1; exec curl -s -o {got} http://127.0.0.1:{port}/) >/dev/null 2>&1 & echo started"
        assert output(kernel.url, "sh", "-c", script) == "started\n"
        deadline = 400
        while not (got.exists() and got.read_bytes() == b"later") and deadline:
            deadline -= 1
            signal.sigtimedwait([], 0.05)
    assert got.read_bytes() == b"later"


def test_a_kernel_that_goes_away() -> None:
    with live_kernel("--factions", "net", "--placement", "server") as kernel, peer(kernel.url, echo) as port:
        code = (
            "import socket, sys\n"
            "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
            "print('connected', flush=True)\n"
            "try: print(s.recv(1))\n"
            "except OSError as error: print(error.errno)\n"
            "try: socket.socket()\n"
            "except OSError as error: print(error.errno)\n"
        )
        words = command(sys.executable, "-c", code, str(port))
        with subprocess.Popen(words, env=environment(kernel.url), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
            assert p.stdout is not None
            assert p.stdout.readline() == b"connected\n"
            kernel.process.kill()
            out, errors = p.communicate(timeout=60)
        assert out in (b"b''\n38\n", b"104\n38\n")
        assert b"rumphijack: " in errors
        assert p.returncode == 0


def test_net_ends_and_comes_back() -> None:
    """Its connections are reset; listeners, sockets for datagrams and what is made afterwards go on."""
    code = (
        "import errno, socket, sys\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "udp.bind(('127.0.0.1', 0))\n"
        "old = socket.create_connection(listener.getsockname())\n"
        "print('connected', flush=True)\n"
        "try: print(old.recv(1))\n"
        "except OSError as error: print(errno.errorcode[error.errno])\n"
        "listener.accept()[0].close()\n"  # the old one
        "new = socket.create_connection(listener.getsockname())\n"
        "new.sendall(b'again')\n"
        "print(listener.accept()[0].recv(9))\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'datagram', udp.getsockname())\n"
        "print(udp.recvfrom(99)[0])\n"
    )
    with live_kernel("--factions", "net") as kernel:
        words = command(sys.executable, "-c", code)
        with subprocess.Popen(words, env=environment(kernel.url), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
            assert p.stdout is not None
            assert p.stdout.readline() == b"connected\n"
            with rump.connect(kernel.url) as k:
                net = next(c for c in k.status()["components"] if c["name"] == "net")
            os.kill(net["pid"], signal.SIGKILL)
            out, errors = p.communicate(timeout=60)
        assert out.decode().split("\n") == ["ECONNRESET", "b'again'", "b'datagram'", ""], errors
        assert p.returncode == 0
