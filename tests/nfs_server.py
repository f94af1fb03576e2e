"""nfs-ganesha, an NFS server that nobody here wrote, in a network of its own, and a way to it that can be broken.

The server wants a port mapper on port 111, so it gets a network namespace with one. A relay there passes connections
on from a unix socket, and a `Wire` from a port of this machine to that unix socket; it can be cut, and swallow answers.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

if __name__ != "__main__":
    import pytest

    from tests.tools import need

NFS_PORT, MOUNT_PORT = 20490, 20491
_CONFIG = """
NFS_CORE_PARAM {{ NFS_Port = {nfs}; MNT_Port = {mount}; Enable_NLM = false; Enable_RQUOTA = false; Protocols = 3;
  Plugins_Dir = "{plugins}"; }}
NFSV4 {{ Graceless = true; RecoveryRoot = "{folder}"; }}
EXPORT {{ Export_Id = 1; Path = "{export}"; Pseudo = /export; Access_Type = RW; Squash = No_Root_Squash;
  Protocols = 3; Transports = TCP; SecType = sys; Attr_Expiration_Time = 0; FSAL {{ Name = VFS; }} }}
"""
_SCRIPT = """
set -e
ip link set lo up
mount -t tmpfs none /run
mkdir -p /run/rpcbind /run/sendsigs.omit.d
rpcbind -w
{python} {here} relay {folder}/nfs.sock {nfs} &
{python} {here} relay {folder}/mount.sock {mount} &
exec {ganesha} -F -f {folder}/ganesha.conf -L {folder}/ganesha.log -p {folder}/ganesha.pid -N WARN
"""


def _plugins() -> str:
    found = list(Path("/usr/lib").glob("*/ganesha/libfsalvfs.so"))
    if not found:
        need("nfs-ganesha-vfs")
    return str(found[0].parent)


class Wire:
    """Passes connections on from a port of this machine to a unix socket."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.swallow = 0
        """So many answers more are lost."""
        self.refuse = False
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.socket(socket.AF_UNIX)
                try:
                    if self.refuse:
                        raise OSError
                    server.connect(self._path)
                except OSError:
                    client.close()
                    server.close()
                    continue
                self.connections += 1
                self._pairs.append((client, server))
                threading.Thread(target=self._pump, args=(client, server), daemon=True).start()

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError), selectors.DefaultSelector() as waiting:
            waiting.register(client, selectors.EVENT_READ, server)
            waiting.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in waiting.select():
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    data = source.recv(1 << 16)
                    if not data:
                        raise OSError
                    if source is server and self.swallow:
                        self.swallow -= 1
                        continue
                    key.data.sendall(data)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Server:
    """The server; ``export`` is what it exports, by that name. ``options`` are those of a mount."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.export = folder / "export"
        self.export.mkdir()
        self.export.chmod(0o777)
        self._process: subprocess.Popen[bytes] | None = None
        self._second = 0
        ganesha = need("ganesha.nfsd")
        for program in ("rpcbind", "unshare", "ip"):
            need(program)
        names = {"folder": folder, "export": self.export, "nfs": NFS_PORT, "mount": MOUNT_PORT, "ganesha": ganesha}
        names |= {"plugins": _plugins(), "python": sys.executable, "here": __file__}
        (folder / "ganesha.conf").write_text(_CONFIG.format(**names))
        (folder / "start").write_text(_SCRIPT.format(**names))
        self.start()
        self.wire, self.mount_wire = Wire(folder / "nfs.sock"), Wire(folder / "mount.sock")

    @property
    def source(self) -> str:
        return f"127.0.0.1:{self.export}"

    @property
    def options(self) -> dict[str, str]:
        return {"port": str(self.wire.port), "mountport": str(self.mount_wire.port)}

    @property
    def network(self) -> str:
        """The path of the server's network namespace."""
        assert self._process is not None
        return f"/proc/{self._process.pid}/ns/net"

    def run(self, *words: str) -> None:
        """A program in the server's network."""
        subprocess.run(["nsenter", f"--net={self.network}", *words], check=True, capture_output=True)

    def start(self) -> None:
        """The port mapper and the server end at once now and then without a word: then they are started again."""
        if not any(self._started() for _ in range(3)):
            texts = [
                path.read_text()[-2000:] for path in (self.folder / "out", self.folder / "ganesha.log") if path.exists()
            ]
            pytest.fail(f"nfs-ganesha does not start: {' '.join(texts)}")

    def _started(self) -> bool:
        words = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
        log = (self.folder / "out").open("ab")
        with log:
            self._process = subprocess.Popen([*words, "sh", str(self.folder / "start")], stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                return False
            time.sleep(0.05)
        self._second = int(time.time())
        return True

    def _answers(self) -> bool:
        """Whether something listens behind the relay: it is there first and closes what it cannot pass on."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(0.3)
            try:
                probe.connect(str(self.folder / "nfs.sock"))
                probe.sendall(b"\x80\0\0\x28" + b"\0\0\0\1" + bytes(4) + b"\0\0\0\2\0\1\x86\xa3\0\0\0\3" + bytes(20))
                return len(probe.recv(4)) == 4
            except OSError:
                return False

    def kill(self) -> None:
        """As a crash does. The next server has another write verifier, which is the second of its start."""
        assert self._process is not None
        while int(time.time()) == self._second:
            time.sleep(0.02)
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)
        for name in ("nfs.sock", "mount.sock"):
            with contextlib.suppress(FileNotFoundError):
                (self.folder / name).unlink()

    def stop(self) -> None:
        self.wire.close()
        self.mount_wire.close()
        self.kill()


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    if not sys.platform.startswith("linux"):
        pytest.skip("nfs-ganesha runs on Linux")
    if os.geteuid() != 0:
        pytest.skip("the port mapper in the server's network becomes another user, which takes the superuser")
    folder = Path(tempfile.mkdtemp(prefix="rump-nfs-"))
    folder.chmod(0o755)
    server = None
    try:
        server = Server(folder)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def relay(path: str, port: int) -> None:
    """In the server's network: from a unix socket to a port there."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(50)
    while True:
        client, _ = server.accept()
        try:
            there = socket.create_connection(("127.0.0.1", port))
        except OSError:
            client.close()
            continue
        for source, target in ((client, there), (there, client)):
            threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    relay(sys.argv[2], int(sys.argv[3]))
