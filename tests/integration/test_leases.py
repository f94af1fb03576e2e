"""What clients of one host keep of answers about paths (docs/transport.md): never stale after a call that orders it."""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import rump
from rumpuser.leases import SIZE, WISH, take
from rumpuser.transport.sharing import SUFFIX
from tests.live import LiveKernel, eventually, live_kernel

WAIT_S = 30
NOFOLLOW = rump.AT_SYMLINK_NOFOLLOW
WRITER = """
import os, sys, rump
with rump.connect(sys.argv[1]) as k:
    print("ready", flush=True)
    for line in sys.stdin:
        exec(line)
        print("done", flush=True)
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "vfs,dev") as live:
        yield live


@pytest.fixture
def k(kernel: LiveKernel) -> Iterator[rump.Client]:
    with rump.connect(kernel.url) as client:
        yield client


def leases(k: rump.Client) -> Any:
    assert k.leases is not None
    return k.leases


def has_page(k: rump.Client) -> bool:
    """Whether it has the page of a vfs that serves; a client asks for one after a few calls."""
    k.sys.stat("/")
    found = leases(k)
    return found._page is not None and not found._words[2] and found._words[1] == 1


def asked(k: rump.Client, call: Callable[[], Any]) -> int:
    """How many messages a call takes."""
    connection: Any = k._connection
    before, count = connection._exchange, 0

    def exchange(request: Any) -> Any:
        nonlocal count
        count += 1
        return before(request)

    connection._exchange = exchange
    try:
        call()
    finally:
        del connection._exchange
    return count


def quick(k: rump.Client, call: Callable[[], Any]) -> bool:
    """Whether a call comes to take no message; once in a while one is made all the same."""
    return any(not asked(k, call) for _ in range(20))


# -- what is kept


def test_repeated_questions_take_no_message(k: rump.Client) -> None:
    eventually(lambda: has_page(k), WAIT_S, "a page")
    k.sys.mkdir("/tmp/kept", 0o755)
    try:
        k.sys.symlink("there", "/tmp/kept/link")
        tree = rump.fs.Tree(k, "/tmp/kept")
        for call in (
            lambda: k.sys.stat("/tmp/kept"),
            lambda: k.sys.lstat("/tmp/kept/link"),
            lambda: k.sys.access("/tmp/kept", os.R_OK),
            lambda: k.sys.readlink("/tmp/kept/link", 100),
            lambda: k.listdir("/tmp/kept"),
            lambda: tree.exists("none"),
            lambda: tree.listdir("/"),
            lambda: [e.stat(follow_symlinks=False) for e in tree.scandir("/", attributes=True)],
        ):
            assert quick(k, call)
    finally:
        rump.fs.Tree(k, "/tmp").rmtree("kept")


def test_all_in_one_process() -> None:
    with (
        live_kernel("--factions", "vfs", "--placement", "server") as live,
        rump.connect(live.url) as k,
        rump.connect(live.url) as other,
    ):
        eventually(lambda: has_page(k), WAIT_S, "a page")
        for mode in (0o1770, 0o1777):
            other.sys.chmod("/tmp", mode)
            assert k.sys.stat("/tmp").st_mode & 0o7777 == mode
            assert quick(k, lambda: k.sys.stat("/tmp"))


def test_a_client_elsewhere_keeps_nothing(kernel: LiveKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUMP_LEASES", "0")
    with rump.connect(kernel.url) as k:
        assert k.leases is None
        assert all(asked(k, lambda: k.sys.stat("/tmp")) == 1 for _ in range(10))


def test_what_is_kept_is_not_to_be_changed(k: rump.Client) -> None:
    eventually(lambda: has_page(k), WAIT_S, "a page")
    before = k.scandir("/")
    k.scandir("/").clear()
    rump.fs.Tree(k).listdir("/").clear()
    assert k.scandir("/") == before


def _stat(k: rump.Client) -> rump.Stat:
    return k.sys.stat("/tmp/two/f")


def _mode(k: rump.Client) -> int:
    return _stat(k).st_mode


def _target(k: rump.Client) -> bytes:
    return k.sys.readlink("/tmp/two/s", 9)


CHANGES = [
    ("chmod", "k.sys.chmod('/tmp/two/f', 0o600)", _mode),
    ("write", "f = k.sys.open('/tmp/two/f', os.O_WRONLY); k.sys.write(f, b'12345')", _stat),
    ("read", "f = k.sys.open('/tmp/two/f', os.O_RDONLY); k.sys.read(f, 5)", _stat),
    ("unlink", "k.sys.unlink('/tmp/two/f')", lambda k: rump.fs.Tree(k, "/tmp/two").exists("f")),
    ("rename", "k.sys.rename('/tmp/two/f', '/tmp/two/g')", lambda k: k.listdir("/tmp/two")),
    ("replace", "k.sys.rename('/tmp/two/other', '/tmp/two/f')", lambda k: k.sys.stat("/tmp/two/f").st_ino),
    ("mkdir", "k.sys.mkdir('/tmp/two/new', 0o755)", lambda k: rump.fs.Tree(k, "/tmp/two").exists("new")),
    ("link", "k.sys.link('/tmp/two/f', '/tmp/two/l')", lambda k: k.sys.stat("/tmp/two/f").st_nlink),
    ("symlink", "k.sys.unlink('/tmp/two/s'); k.sys.symlink('new', '/tmp/two/s')", _target),
    ("truncate", "k.sys.truncate('/tmp/two/f', 99)", lambda k: k.sys.stat("/tmp/two/f").st_size),
    ("utimes", "rump.fs.Tree(k).utime('/tmp/two/f', ns=(1, 2))", lambda k: k.sys.stat("/tmp/two/f").st_mtime_ns),
    ("futimens", "f = k.sys.open('/tmp/two/f', 0); k.sys.futimens(f, rump.Timespec(1, 0), rump.Timespec(2, 0))", _stat),
    ("mount", "k.sys.mount('tmpfs', '/tmp/two/m')", lambda k: k.sys.stat("/tmp/two/m").st_dev),
    ("batch", "b = k.batch(); b.chmod('/tmp/two/f', 0o640); b.run()", _mode),
    ("posted", "b = k.batch(); b.chmod('/tmp/two/f', 0o641); b.post(); b.run()", _mode),
]  # fmt: skip


@pytest.fixture(scope="module")
def writer(kernel: LiveKernel) -> Iterator[Callable[[str], None]]:
    """Has another process do something; it is done when that returns."""
    program = subprocess.Popen(
        [sys.executable, "-c", WRITER, kernel.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert program.stdin is not None
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"

    def do(line: str) -> None:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(f"{line}\n")
        program.stdin.flush()
        assert program.stdout.readline() == "done\n"

    yield do
    program.communicate(timeout=WAIT_S)


@pytest.mark.parametrize(("what", "change", "look"), CHANGES, ids=[what for what, _, _ in CHANGES])
def test_what_another_process_has_changed_is_seen(
    k: rump.Client, writer: Callable[[str], None], what: str, change: str, look: Callable[[rump.Client], Any]
) -> None:
    eventually(lambda: has_page(k), WAIT_S, "a page")
    tree = rump.fs.Tree(k, "/tmp/two")
    try:
        for folder in ("/", "m"):
            tree.mkdir(folder)
        for name in ("f", "other"):
            tree.write_text(name, "text")
        tree.symlink("old", "s")
        before = look(k)
        assert quick(k, lambda: look(k))
        writer(change)
        assert look(k) != before
    finally:
        with contextlib.suppress(OSError):
            k.sys.unmount("/tmp/two/m")
        tree.rmtree("/")


def test_another_user_or_place_is_asked_anew(k: rump.Client) -> None:
    eventually(lambda: has_page(k), WAIT_S, "a page")
    k.sys.mkdir("/tmp/shut", 0o700)
    k.sys.mkdir("/tmp/shut/here", 0o755)
    look: Callable[[], Any] = lambda: k.sys.stat("/tmp/shut/here")  # noqa: E731
    try:
        assert quick(k, look)
        k.sys.stat("tmp")
        k.sys.chdir("/tmp/shut")
        with pytest.raises(FileNotFoundError):
            k.sys.stat("tmp")
        k.sys.stat("here")
        with k.batch() as b:
            b.chdir("/")
            b.seteuid(1000)
        with pytest.raises(FileNotFoundError):
            k.sys.stat("here")
        with pytest.raises(PermissionError):
            look()
        k.sys.seteuid(0)
        look()
    finally:
        k.sys.seteuid(0)
        k.sys.chdir("/")
        rump.fs.Tree(k, "/tmp").rmtree("shut")


def test_ways_on_which_things_change_unseen(kernel: LiveKernel, k: rump.Client) -> None:
    """Host files, layers, what names processes: nothing of it is kept, also behind a link."""
    eventually(lambda: has_page(k), WAIT_S, "a page")
    for name in ("proc", "lower", "upper"):
        k.sys.mkdir(f"/tmp/{name}", 0o755)
    host = kernel.folder / "host" / "f"
    host.parent.mkdir()
    k.pub.etfs_register("/host", host.parent, type="dir")
    k.sys.mount("nullfs", "/tmp/upper", device="/tmp/lower")
    k.sys.mount("procfs", "/tmp/proc")
    k.sys.symlink("/host/f", "/tmp/link")
    try:
        for size in (1, 5, 9):
            host.write_bytes(bytes(size))
            assert k.sys.stat("/host/f").st_size == k.sys.stat("/tmp/link").st_size == size
        tree = rump.fs.Tree(k, "/tmp")
        for size in (1, 5, 9):
            tree.write_bytes("lower/f", bytes(size))
            assert tree.stat("upper/f").st_size == tree.stat("lower/f").st_size == size
            tree.write_bytes("upper/f", bytes(size + 1))
            assert tree.stat("upper/f").st_size == tree.stat("lower/f").st_size == size + 1
        with rump.connect(kernel.url) as other:
            assert tree.exists(f"proc/{other.pid}")
        eventually(lambda: not tree.exists(f"proc/{other.pid}"), WAIT_S, "the end of a process")
    finally:
        k.sys.unlink("/tmp/link")
        k.sys.unmount("/tmp/proc")
        k.sys.unmount("/tmp/upper")
        k.pub.etfs_remove("/host")
        host.unlink()
        host.parent.rmdir()
        for name in ("proc", "lower", "upper"):
            rump.fs.Tree(k, "/tmp").rmtree(name)


def test_a_change_that_waits_keeps_everybody_from_keeping(kernel: LiveKernel, k: rump.Client) -> None:
    """open makes a file and waits for its lock: others see the name already."""
    eventually(lambda: has_page(k), WAIT_S, "a page")
    with rump.connect(kernel.url) as holder, rump.connect(kernel.url) as waiter:
        fd = holder.sys.open("/tmp/locked", os.O_CREAT | os.O_RDWR | rump.O_EXLOCK, 0o644)
        assert not rump.fs.Tree(k).exists("/tmp/none")
        b = waiter.batch()
        b.open("/tmp/locked", os.O_CREAT | os.O_RDWR | rump.O_EXLOCK, 0o644)
        b.post()
        eventually(lambda: leases(k)._words[3] & 1, WAIT_S, "a change that is under way")
        assert all(asked(k, lambda: k.sys.stat("/tmp")) == 1 for _ in range(5))
        holder.sys.close(fd)
        b.run()
        assert quick(k, lambda: k.sys.stat("/tmp"))
        k.sys.unlink("/tmp/locked")


# -- who has the page


def test_clients_only_read_the_page(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
        connection: Any = k._connection
        path = kernel.url.removeprefix("unix://") + SUFFIX
        link.connect(path)
        link.send(connection._attached.token.encode() + WISH)
        _, (fd,), _, _ = socket.recv_fds(link, 8, 1)
        try:
            assert mmap.mmap(fd, SIZE, prot=mmap.PROT_READ)[:8] == b"rumplse1"
            with pytest.raises(PermissionError):
                mmap.mmap(fd, SIZE)
            with pytest.raises(OSError, match=r"Operation not permitted|Bad file|Invalid"):
                os.ftruncate(fd, 0)
            assert os.fstat(fd).st_mode & 0o777 == 0o400
        finally:
            os.close(fd)
        assert take(path, b"0" * 32) is None


def test_vfs_is_killed(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url, retry="inftime") as k, rump.connect(kernel.url) as other:
        eventually(lambda: has_page(k), WAIT_S, "a page")
        words = leases(k)._words
        k.sys.mkdir("/tmp/before", 0o755)
        assert quick(k, lambda: k.sys.stat("/tmp/before"))
        k.pub.component_restart("vfs", crash=True)
        with contextlib.suppress(FileNotFoundError):  # it may not have been on record yet
            other.sys.rmdir("/tmp/before")
        assert words[2], "the page of the vfs that is gone is void"
        with pytest.raises(FileNotFoundError):
            k.sys.stat("/tmp/before")
        eventually(lambda: has_page(k) and quick(k, lambda: k.sys.stat("/tmp")), WAIT_S, "another page")
        other.sys.chmod("/tmp", 0o1770)
        assert k.sys.stat("/tmp").st_mode & 0o7777 == 0o1770
        other.sys.chmod("/tmp", 0o1777)


@pytest.mark.parametrize("component", ["vfs", "gateway"])
def test_somebody_takes_its_place(kernel: LiveKernel, component: str) -> None:
    with rump.connect(kernel.url) as k, rump.connect(kernel.url) as other:
        eventually(lambda: has_page(k), WAIT_S, "a page")
        words = leases(k)._words
        assert quick(k, lambda: k.sys.stat("/tmp"))
        other.pub.component_restart(component)
        for mode in (0o1770, 0o1777):
            other.sys.chmod("/tmp", mode)
            assert k.sys.stat("/tmp").st_mode & 0o7777 == mode
        eventually(lambda: words[2], WAIT_S, "the old page is void")


# -- anything in any order


names = st.sampled_from(["a", "b", "c"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)


_CHANGES = (
    "mkdir", "rmdir", "unlink", "create", "write", "read", "truncate", "ftruncate", "chmod", "fchmod", "rename",
    "link", "symlink", "utimes",
)  # fmt: skip


class Clients(RuleBasedStateMachine):
    """Two clients that keep what they are told, and one that asks each time."""

    all: Sequence[rump.Client]
    oracle: rump.Client
    count = 0

    @initialize(disk=st.booleans())
    def begin(self, disk: bool) -> None:
        type(self).count += 1
        self.top = f"/disk/{self.count}" if disk else f"/tmp/{self.count}"
        self.oracle.sys.mkdir(self.top, 0o755)
        for k in (*self.all, self.oracle):
            k.sys.chdir(self.top)
        for name in ("a", "b"):
            self.oracle.sys.mkdir(name, 0o755)

    def teardown(self) -> None:
        for k in (*self.all, self.oracle):
            k.sys.chdir("/")
        rump.fs.Tree(self.oracle).rmtree(self.top)

    @rule(
        who=st.booleans(),
        what=st.sampled_from(_CHANGES),
        path=paths,
        other=paths,
        number=st.integers(0, 0o777),
    )
    def change(self, who: bool, what: str, path: str, other: str, number: int) -> None:
        with contextlib.suppress(OSError):
            _change(self.all[who].sys, what, path, other, number)

    @rule(who=st.booleans(), path=paths, again=st.booleans())
    def look(self, who: bool, path: str, again: bool) -> None:
        k = self.all[who]
        for _ in range(2 if again else 1):
            for ask in _LOOKS:
                assert _outcome(ask, k, path) == _outcome(ask, self.oracle, path)


def _change(sys: Any, what: str, path: str, other: str, number: int) -> None:
    if what in ("create", "write", "read", "ftruncate", "fchmod"):
        flags = os.O_RDONLY if what == "read" else os.O_RDWR | (os.O_CREAT if what == "create" else 0)
        fd = sys.open(path, flags, 0o644)
        try:
            if what == "write":
                sys.pwrite(fd, bytes(number), number)
            elif what == "read":
                sys.read(fd, 10)
            elif what != "create":
                getattr(sys, what)(fd, number)
        finally:
            sys.close(fd)
    elif what in ("mkdir", "truncate", "chmod"):
        getattr(sys, what)(path, number)
    elif what in ("rename", "link", "symlink"):
        getattr(sys, what)(other, path)
    elif what == "utimes":
        sys.utimes(path, rump.Timespec(number, 0), rump.Timespec(number, 0))
    else:
        getattr(sys, what)(path)


_LOOKS: list[Callable[[rump.Client, str], Any]] = [
    lambda k, path: k.sys.stat(path),
    lambda k, path: k.sys.lstat(path),
    lambda k, path: k.sys.readlink(path, 100),
    lambda k, path: k.sys.access(path, os.R_OK),
    lambda k, path: sorted(rump.fs.Tree(k, ".").listdir(path)),
    lambda k, path: _attributes(rump.fs.Tree(k, "."), path),
]


def _attributes(tree: rump.fs.Tree, path: str) -> list[tuple[str, rump.Stat]]:
    return [(e.name, e.stat(follow_symlinks=False)) for e in tree.scandir(path, attributes=True)]


def _outcome(ask: Callable[[rump.Client, str], Any], k: rump.Client, path: str) -> Any:
    try:
        return ask(k, path)
    except OSError as error:
        return error.errno


def test_clients_agree_with_one_that_keeps_nothing(kernel: LiveKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    with rump.connect(kernel.url) as one, rump.connect(kernel.url) as two, monkeypatch.context() as patched:
        patched.setenv("RUMP_LEASES", "0")
        k = rump.connect(kernel.url)
        for client in (one, two):
            eventually(lambda client=client: has_page(client), WAIT_S, "a page")
        k.pub.md_create(0, 8 << 20)
        k.pub.newfs("ext2fs", "/dev/md0d")
        k.sys.mkdir("/disk", 0o755)
        k.sys.mount("ext2fs", "/disk", device="/dev/md0d")
        machine: Any = Clients
        machine.all, machine.oracle = (one, two), k
        machine.TestCase.settings = settings(
            max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        )
        machine.TestCase("runTest").runTest()
        k.close()
