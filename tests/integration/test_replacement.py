"""Components are replaced by other processes while programs use them: nothing is lost, and no call fails."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.live import LiveKernel, eventually, start_kernel
from tests.tools import need

NAMES = ("vfs", "net", "dev", "kern")
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKernel]:
    live = start_kernel(tmp_path_factory.mktemp("replace") / "k")
    yield live
    live.stop()
    assert live.process.stdout is not None
    live.process.stdout.close()


@pytest.fixture
def k(kernel: LiveKernel) -> Iterator[Any]:
    with rump.connect(kernel.url) as client:
        yield client


def pid_of(k: Any, name: str) -> int:
    return int(next(c["pid"] for c in k.status()["components"] if c["name"] == name))


def replace(k: Any, name: str, *, fresh: bool = False) -> None:
    before = pid_of(k, name)
    k.pub.component_restart(name, fresh=fresh)
    assert pid_of(k, name) != before


def begun(work: Callable[[], Any]) -> Callable[[], Any]:
    """Something done in a thread of its own: what it gives, or raises."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((True, work()))
        except Exception as error:  # noqa: BLE001  whoever asks for the result gets it
            outcome.append((False, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def result() -> Any:
        thread.join(PATIENCE_S)
        assert outcome, "it hangs"
        good, value = outcome[0]
        if not good:
            raise value
        return value

    return result


def waits(kernel: LiveKernel, count: int) -> None:
    """Until so many calls are under way."""
    with rump.connect(kernel.url) as k:
        eventually(lambda: k.statistics()["in_flight"] >= count, PATIENCE_S, f"{count} calls are under way")


@pytest.mark.parametrize("name", NAMES)
def test_a_component_is_another_process(k: Any, name: str) -> None:
    before = k.status()
    replace(k, name)
    after = next(c for c in k.status()["components"] if c["name"] == name)
    assert after["state"] == "serving"
    assert after["recovery_ms"] > 0
    assert len(before["components"]) == len(k.status()["components"])


def test_files_in_memory_stay(k: Any) -> None:
    data = os.urandom(300_000)
    fd = k.sys.open("/tmp/kept", rump.O_CREAT | rump.O_RDWR, 0o640)
    k.sys.write(fd, data)
    k.sys.lseek(fd, 100_000, 0)
    k.sys.mkfifo("/tmp/fifo", 0o600)
    fifo = k.sys.open("/tmp/fifo", rump.O_RDWR | rump.O_NONBLOCK, 0)
    k.sys.write(fifo, b"in the fifo")
    k.sys.flock(fd, rump.LOCK_EX)
    for _ in range(3):
        replace(k, "vfs")
    assert k.sys.read(fd, 1000) == data[100_000:101_000]
    assert hashlib.sha256(k.sys.pread(fd, len(data), 0)).digest() == hashlib.sha256(data).digest()
    assert k.sys.read(fifo, 100) == b"in the fifo"
    other = k.sys.open("/tmp/kept", rump.O_RDWR, 0)
    with pytest.raises(OSError, match=r"EAGAIN|EWOULDBLOCK|temporarily"):
        k.sys.flock(other, rump.LOCK_EX | rump.LOCK_NB)
    for each in (fd, fifo, other):
        k.sys.close(each)


def test_pipes_and_semaphores_stay(k: Any) -> None:
    r, w = k.sys.pipe()
    k.sys.write(w, b"first")
    semaphore = k.sys.ksem_init(3)
    for _ in range(3):
        replace(k, "kern")
    k.sys.write(w, b" second")
    assert k.sys.read(r, 100) == b"first second"
    assert k.sys.ksem_getvalue(semaphore) == 3
    assert k.sys.getpid() > 1


def connection(k: Any, server: Any) -> tuple[int, int, int]:
    """A listener and the ends of a TCP connection over lo."""
    listener = server.sys.socket(rump.AF_INET, rump.SOCK_STREAM, 0)
    server.sys.bind(listener, ("127.0.0.1", 0))
    server.sys.listen(listener, 5)
    client = k.sys.socket(rump.AF_INET, rump.SOCK_STREAM, 0)
    k.sys.connect(client, server.sys.getsockname(listener))
    return listener, client, server.sys.accept(listener)[0]


def test_connections_stay(k: Any) -> None:
    listener, client, end = connection(k, k)
    data = os.urandom(20_000)
    k.sys.sendto(client, data, 0, None)
    for _ in range(3):
        replace(k, "net")
    assert read_all(k, end, len(data)) == data
    k.sys.sendto(end, b"back", 0, None)
    assert k.sys.read(client, 100) == b"back"
    for each in (listener, client, end):
        k.sys.close(each)


def read_all(k: Any, fd: int, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = k.sys.read(fd, length - len(data))
        assert more, "the end came early"
        data += bytes(more)
    return data


@pytest.mark.parametrize("name", ["kern", "net", "vfs"])
def test_calls_that_wait_are_made_again(kernel: LiveKernel, k: Any, name: str) -> None:
    with rump.connect(kernel.url) as reader, rump.connect(kernel.url) as acceptor, rump.connect(kernel.url) as poller:
        r, w = reader.sys.pipe()
        listener = acceptor.sys.socket(rump.AF_INET, rump.SOCK_STREAM, 0)
        acceptor.sys.bind(listener, ("127.0.0.1", 0))
        acceptor.sys.listen(listener, 5)
        polled, push = poller.sys.socketpair(rump.AF_LOCAL, rump.SOCK_STREAM, 0)
        read = begun(lambda: reader.sys.read(r, 100))
        accept = begun(lambda: acceptor.sys.accept(listener))
        poll = begun(lambda: poller.sys.poll([(polled, rump.POLLIN)], -1))
        waits(kernel, 3)
        for _ in range(2):
            replace(k, name)
        reader.sys.write(w, b"came")
        poller.sys.write(push, b"x")
        client = k.sys.socket(rump.AF_INET, rump.SOCK_STREAM, 0)
        k.sys.connect(client, acceptor.sys.getsockname(listener))
        assert read() == b"came"
        assert accept()[0] >= 0
        assert poll()
        k.sys.close(client)


def test_a_write_that_waits_is_brought_to_its_end(kernel: LiveKernel, k: Any) -> None:
    with rump.connect(kernel.url) as writer:
        r, w = writer.sys.pipe()
        data = os.urandom(400_000)
        written = begun(lambda: writer.sys.write(w, data))
        got = bytes(writer.sys.read(r, 1000))
        for _ in range(2):
            replace(k, "kern")
            got += bytes(writer.sys.read(r, 30_000))
        got += read_all(writer, r, len(data) - len(got))
        assert written() == len(data)
        assert got == data


@pytest.mark.parametrize("name", ["kern", "net"])
def test_buffers_and_messages_that_wait_too(kernel: LiveKernel, k: Any, name: str) -> None:
    with rump.connect(kernel.url) as writer:
        parts = [os.urandom(150_000) for _ in range(3)]
        data = b"".join(parts)
        if name == "kern":
            r, w = writer.sys.pipe()
            written = begun(lambda: writer.sys.writev(w, parts))
        else:
            r, w = writer.sys.socketpair(rump.AF_LOCAL, rump.SOCK_STREAM, 0)
            written = begun(lambda: writer.sys.sendmsg(w, rump.Msghdr(data=data), 0))
        got = bytes(writer.sys.read(r, 1000))
        for _ in range(2):
            replace(k, name)
            got += bytes(writer.sys.read(r, 30_000))
        got += read_all(writer, r, len(data) - len(got))
        assert written() == len(data)
        assert got == data


def test_connections_that_are_being_made(kernel: LiveKernel, k: Any) -> None:
    """A SYN to a listener whose queue is full gets no answer, and is sent again."""
    with rump.connect(kernel.url) as one, rump.connect(kernel.url) as two:
        listeners, clients = [], []
        for caller in (one, two):
            listener, first = (k.sys.socket(rump.AF_INET, rump.SOCK_STREAM, 0) for _ in range(2))
            listeners.append(listener)
            k.sys.bind(listener, ("127.0.0.1", 0))
            k.sys.listen(listener, 0)
            name = k.sys.getsockname(listener)
            k.sys.connect(first, name)
            late = caller.sys.socket(rump.AF_INET, rump.SOCK_STREAM, 0)
            clients.append(begun(lambda caller=caller, late=late, name=name: caller.sys.connect(late, name)))
        waits(kernel, 2)
        for _ in range(2):
            replace(k, "net")
        k.sys.accept(listeners[0])
        k.sys.close(listeners[1])
        assert not clients[0]()
        with pytest.raises(ConnectionRefusedError):
            clients[1]()


def test_a_connect_that_goes_on_ends_in_its_time(kernel: LiveKernel, k: Any) -> None:
    """SO_SNDTIMEO."""
    with rump.connect(kernel.url) as caller:
        listener, first = (k.sys.socket(rump.AF_INET, rump.SOCK_STREAM, 0) for _ in range(2))
        k.sys.bind(listener, ("127.0.0.1", 0))
        k.sys.listen(listener, 0)
        name = k.sys.getsockname(listener)
        k.sys.connect(first, name)
        late = caller.sys.socket(rump.AF_INET, rump.SOCK_STREAM, 0)
        caller.sys.setsockopt(late, rump.SOL_SOCKET, rump.SO_SNDTIMEO, rump.Timespec(3, 0))
        outcome = begun(lambda: caller.sys.connect(late, name))
        waits(kernel, 1)
        replace(k, "net")
        with pytest.raises(BlockingIOError):
            outcome()
        k.sys.close(listener)


def image(folder: Path, name: str, *command: str) -> str:
    need(command[0])
    path = folder / name
    path.write_bytes(bytes(8 << 20))
    import subprocess

    subprocess.run([*command, str(path)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return str(path)


@pytest.mark.parametrize(("fstype", "command"), [("msdos", ("mkfs.vfat",)), ("ext2fs", ("mkfs.ext4", "-q"))])
def test_open_files_on_images(k: Any, tmp_path: Path, fstype: str, command: tuple[str, ...]) -> None:
    path = image(tmp_path, "image", *command)
    where = f"/tmp/{fstype}"
    k.sys.mkdir(where, 0o755)
    k.pub.etfs_register(f"/dev/{fstype}", path, "blk")
    k.sys.mount(fstype, where, 0, device=f"/dev/{fstype}")
    fd = k.sys.open(f"{where}/file", rump.O_CREAT | rump.O_RDWR, 0o644)
    data = os.urandom(50_000)
    for number in range(3):
        k.sys.write(fd, data)
        replace(k, "vfs", fresh=number == 1)
    assert k.sys.pread(fd, 200_000, 0) == data * 3
    k.sys.close(fd)
    k.sys.unmount(where, 0)
    k.pub.etfs_remove(f"/dev/{fstype}")


def test_memory_disks_stay(k: Any) -> None:
    k.pub.md_create(7, 1 << 20)
    k.sys.mknod("/tmp/md7", 0o020600, next(d.cmajor for d in k.pub.dev_list() if d.name == "md") << 8 | 7 * 16 + 3)
    fd = k.sys.open("/tmp/md7", rump.O_RDWR, 0)
    data = os.urandom(4096)
    k.sys.pwrite(fd, data, 512)
    for _ in range(2):
        replace(k, "dev")
    assert k.sys.pread(fd, 4096, 512) == data
    k.sys.close(fd)


def test_timers_go_on(k: Any) -> None:
    came: list[int] = []
    k.on_signal(lambda *_: came.append(1), rump.SIGALRM)
    k.sys.setitimer(rump.ITIMER_REAL, (0.3, 0.3))
    for _ in range(2):
        replace(k, "kern")
    eventually(lambda: len(came) >= 3, PATIENCE_S, "the timer goes on")
    k.sys.setitimer(rump.ITIMER_REAL, (0, 0))


def test_kqueues_go_on(k: Any) -> None:
    r, w = k.sys.pipe()
    one, two = k.sys.socketpair(rump.AF_LOCAL, rump.SOCK_STREAM, 0)
    file = k.sys.open("/tmp/watched", rump.O_CREAT | rump.O_RDWR, 0o644)
    kq, flags = k.sys.kqueue(), rump.EV_ADD | rump.EV_CLEAR
    watched = [(r, rump.EVFILT_READ, 0), (one, rump.EVFILT_READ, 0), (file, rump.EVFILT_VNODE, rump.NOTE_WRITE)]
    k.sys.kevent(kq, [rump.Kevent(fd, which, flags, fflags, 0, 0) for fd, which, fflags in watched], 0, None)
    for name in NAMES:
        replace(k, name)
    for writer, (ident, _, _) in zip((w, two, file), watched, strict=True):
        k.sys.write(writer, b"news")
        assert [event.ident for event in k.sys.kevent(kq, [], 4, 20)] == [ident]
        assert k.sys.kevent(kq, [], 4, 0) == []
    for each in (r, w, one, two, file, kq):
        k.sys.close(each)


def test_a_successor_that_dies(kernel: LiveKernel, k: Any) -> None:
    """The component goes on as if nothing had been."""
    r, w = k.sys.pipe()
    k.sys.write(w, b"here")
    killed: list[int] = []
    for _ in range(50):  # the successor may be quicker
        before = pid_of(k, "kern")
        with hunting(Path(kernel.folder), "kern", killed):
            went_well = begun(lambda: k.pub.component_restart("kern"))
            with contextlib.suppress(OSError):
                went_well()
        if killed:
            break
    assert killed
    with pytest.raises(OSError, match="successor"):
        went_well()
    assert pid_of(k, "kern") == before
    assert before not in killed
    assert k.sys.read(r, 100) == b"here"


@contextlib.contextmanager
def hunting(folder: Path, name: str, killed: list[int]) -> Iterator[None]:
    """Kills the next successor of a component, before it has all that it is to be."""
    ended = threading.Event()

    def hunt() -> None:
        while not ended.is_set() and not killed:
            for path in folder.rglob(f"{name}.heir"):
                for process in Path("/proc").iterdir():
                    if process.name.isdigit() and is_heir(process, str(path)) and kill_if(process, str(path)):
                        killed.append(int(process.name))
                        return
            time.sleep(0.0005)

    thread = threading.Thread(target=hunt)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def kill_if(process: Path, path: str) -> bool:
    """Kills a process that stands still and is a successor even then."""
    pid = int(process.name)
    try:
        os.kill(pid, signal.SIGSTOP)
        until = time.monotonic() + PATIENCE_S
        while (process / "stat").read_text().rpartition(")")[2].split()[0] != "T" and time.monotonic() < until:
            time.sleep(0.0005)
        if is_heir(process, path):
            os.kill(pid, signal.SIGKILL)
            return True
        os.kill(pid, signal.SIGCONT)
    except OSError:
        pass  # it has ended
    return False


def is_heir(process: Path, path: str) -> bool:
    """Whether a process listens at a path."""
    try:
        if not (process / "comm").read_text().startswith("rumpkern"):
            return False
        inodes = [
            line.split()[6] for line in Path("/proc/net/unix").read_text().splitlines() if line.endswith(f"{path}.new")
        ]
        links = [os.readlink(fd) for fd in (process / "fd").iterdir()]
    except OSError:
        return False
    return any(f"socket:[{inode}]" in links for inode in inodes)


def test_a_client_that_dies_meanwhile(kernel: LiveKernel, k: Any) -> None:
    import subprocess
    import sys

    script = (
        "import rump, sys\n"
        f"k = rump.connect({kernel.url!r})\n"
        "r, w = k.sys.pipe()\n"
        "print('up', flush=True)\n"
        "k.sys.read(r, 1)\n"
    )
    client = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert client.stdout is not None
    assert client.stdout.readline() == b"up\n"
    done = begun(lambda: [replace(k, name) for name in ("kern", "vfs")])
    client.kill()
    client.wait()
    client.stdout.close()
    done()
    assert k.sys.getpid()


def test_the_old_way_can_be_asked_for(k: Any) -> None:
    fd = k.sys.open("/tmp/lost", rump.O_CREAT | rump.O_RDWR, 0o644)
    k.pub.component_restart("vfs", crash=True)
    with pytest.raises(OSError, match=r"Input/output|EIO"):
        k.sys.write(fd, b"x")
    k.sys.close(fd)
