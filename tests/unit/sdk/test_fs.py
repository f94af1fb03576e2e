"""rump.fs: paths of images and mounts, and trees that go in and come out as they were."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rump
from rump.fs import Copied, Image, Kept, Progress, Tree, open_image
from tests.unit.sdk.trees import look

ROOT = os.geteuid() == 0


@pytest.fixture
def image() -> Iterator[Image]:
    with open_image(None, "tmpfs") as image:
        yield image


# -- a tree goes in and comes out

names = st.binary(min_size=1, max_size=12).filter(lambda b: not set(b) & {0, 47} and b not in (b".", b".."))
times = st.integers(min_value=-(2**31), max_value=2**33).flatmap(
    lambda s: st.integers(0, 999_999_999).map(lambda ns: s * 10**9 + ns)
)
modes = st.integers(0, 0o7777)
files = st.fixed_dictionaries({"data": st.binary(max_size=300), "mode": modes, "time": times, "hole": st.booleans()})
links = st.fixed_dictionaries(
    {"target": st.binary(min_size=1, max_size=60).filter(lambda b: 0 not in b), "time": times}
)
fifos = st.fixed_dictionaries({"fifo": modes, "time": times})
trees = st.recursive(
    st.dictionaries(names, st.one_of(files, links, fifos), max_size=4),
    lambda below: st.dictionaries(names, st.one_of(files, links, below), max_size=4),
    max_leaves=12,
)


def build(folder: bytes, tree: dict[bytes, Any], made: list[bytes]) -> None:
    for name, what in tree.items():
        path = folder + b"/" + name
        if b"target" in what or "target" in what:
            os.symlink(what["target"], path)
        elif "fifo" in what:
            os.mkfifo(path)
            os.chmod(path, what["fifo"] if ROOT else what["fifo"] & 0o1777)
        elif "data" in what:
            _file(path, what)
            made.append(path)
        else:
            os.mkdir(path)
            build(path, what, made)
            continue
        os.utime(path, ns=(0, what["time"]), follow_symlinks=False)


def _file(path: bytes, what: dict[str, Any]) -> None:
    with open(path, "wb") as file:
        if what["hole"]:
            file.seek(1 << 20)
            file.write(what["data"])
            file.truncate(3 << 20)
        else:
            file.write(what["data"])
    os.chmod(path, what["mode"] if ROOT else what["mode"] & 0o1777 | 0o600)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=trees, twice=st.booleans(), linked=st.booleans())
def test_a_tree_goes_in_and_comes_out(tree: dict[bytes, Any], twice: bool, linked: bool, tmp_path_factory: Any) -> None:
    folder = os.fsencode(tmp_path_factory.mktemp("tree"))
    os.mkdir(folder + b"/in")
    made: list[bytes] = []
    build(folder + b"/in", tree, made)
    if linked and made:
        os.link(made[0], folder + b"/in/" + b"zz-link-zz")
    with open_image(None, "tmpfs") as image:
        for _ in range(2 if twice else 1):
            image.copy_in(folder + b"/in", "/t", owners=ROOT)
        image.copytree("/t", "/u", owners=True)
        for name in ("/u", "/t") if twice else ("/u",):
            image.copy_out(name, folder + b"/out", owners=ROOT)
    before, after = look(folder + b"/in"), look(folder + b"/out")
    assert list(after) == list(before)
    assert after == before


def test_deep_paths(image: Image, tmp_path: Path) -> None:
    """3,000 bytes of path: system calls of the kernel take 1,024."""
    folder = tmp_path / "in"
    folder.mkdir()
    fd = os.open(folder, os.O_RDONLY)
    for depth in range(60):
        name = f"{depth:02}-{'x' * 47}"
        os.mkdir(name, dir_fd=fd)
        with open(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=fd), "w") as file:
            file.write(str(depth))
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    assert image.copy_in(folder, "/deep").directories == 61
    image.copy_out("/deep", tmp_path / "out")
    assert look(os.fsencode(tmp_path / "out")) == look(os.fsencode(folder))
    path = "/deep/" + "/".join(f"{depth:02}-{'x' * 47}" for depth in range(60))
    assert len(path) > 3000
    image.write_bytes(f"{path}/last", b"end")
    image.rename(f"{path}/last", f"{path}/moved")
    assert image.read_bytes(f"{path}/moved") == b"end"
    assert image.listdir(path) == ["moved"]
    assert len(list(image.walk("/deep"))) == 61
    image.rmtree("/deep")
    assert not image.exists("/deep")
    subprocess.run(["rm", "-rf", str(tmp_path / "in"), str(tmp_path / "out")], check=True)


def test_many_small_files_are_few_messages(tmp_path: Path) -> None:
    for number in range(400):
        (tmp_path / f"file{number}").write_bytes(b"x" * number)
    with rump.Kernel(factions=("vfs",)) as k:
        count = 0
        call, run = k._connection.call, k._connection.run

        def counted(*args: Any) -> Any:
            nonlocal count
            count += 1
            return (call if len(args) == 2 and not isinstance(args[0], list) else run)(*args)

        k._connection.call = k._connection.run = counted  # type: ignore[attr-defined,method-assign]
        tree = Tree(k, "/tmp")
        assert tree.copy_in(tmp_path, "many").files == 400
        assert count < 30
        count = 0
        tree.copy_out("many", tmp_path / "out")
        assert count < 30


def test_holes_stay_holes(image: Image, tmp_path: Path) -> None:
    name = tmp_path / "sparse"
    with name.open("wb") as file:
        for offset in (0, 5 << 20, 60 << 20):
            file.seek(offset)
            file.write(b"data" * 1000)
        file.truncate(1 << 26)
    assert image.copy_in(name, "/sparse").size < 1 << 20
    assert image.stat("/sparse").st_size == 1 << 26
    assert image.stat("/sparse").st_blocks * 512 < 1 << 20
    assert image.copy_out("/sparse", tmp_path / "out").size < 1 << 20
    assert (tmp_path / "out").stat().st_blocks * 512 < 1 << 20
    subprocess.run(["cmp", str(name), str(tmp_path / "out")], check=True)


def test_attributes_and_devices(image: Image, tmp_path: Path) -> None:
    name = tmp_path / "file"
    name.write_bytes(b"x")
    try:
        os.setxattr(name, "user.colour", b"red\0")
    except OSError:
        pytest.skip("the host's temporary files have no extended attributes")
    image.copy_in(name, "/file")
    assert image.getxattr("/file", "user.colour") == b"red\0"
    assert image.listxattr("/file") == ["user.colour"]
    image.mknod("/null", 0o666 | stat.S_IFCHR, rump.makedev(1, 3))
    image.copy_out("/file", tmp_path / "back")
    assert os.getxattr(tmp_path / "back", "user.colour") == b"red\0"
    if ROOT:
        image.copy_out("/null", tmp_path / "null")
        assert os.stat(tmp_path / "null").st_rdev == os.makedev(1, 3)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    image.copy_in(tmp_path / "socket", "/socket")
    assert stat.S_ISSOCK(image.stat("/socket").st_mode)
    image.removexattr("/file", "user.colour")
    image.setxattr("/file", "user.a", b"1")
    assert image.listxattr("/file") == ["user.a"]


# -- errors in copies


def test_what_cannot_be_copied_is_told(image: Image, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("a")
    (tmp_path / "in" / "b").write_text("b")
    image.mkdir("/t/a/x", parents=True)
    with pytest.raises(IsADirectoryError) as caught:
        image.copy_in(tmp_path / "in", "/t")
    assert caught.value.filename == "/t/a"
    told: list[OSError] = []
    copied = image.copy_in(tmp_path / "in", "/t", onerror=told.append)
    assert (copied.failed, copied.files, len(told)) == (1, 1, 1)
    assert image.read_text("/t/b") == "b"
    assert image.listdir("/t") == ["a", "b"]
    with pytest.raises(IsADirectoryError):
        image.copy_in(tmp_path / "in", "/u", recursive=False)
    with pytest.raises(FileNotFoundError) as caught2:
        image.copy_in(tmp_path / "none", "/u")
    assert caught2.value.filename == str(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        image.copy_out("/none", tmp_path / "out")
    with pytest.raises(OSError, match="does not go into itself"):
        image.copytree("/t", "/t/b/c")


def test_a_full_file_system(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(10):
        (tmp_path / "in" / str(number)).write_bytes(b"x" * 40_000)
    with open_image(None, "tmpfs", options={"size_max": 100_000}) as small:
        with pytest.raises(OSError, match="No space left") as caught:
            small.copy_in(tmp_path / "in", "/t")
        assert caught.value.errno == errno.ENOSPC
        with pytest.raises(OSError, match="No space left"):
            small.write_bytes("/big", bytes(3 << 20))


@pytest.mark.parametrize("new", [True, False])
def test_a_directory_that_cannot_be_made_is_told_once(tmp_path: Path, *, new: bool) -> None:
    """In a new tree, where calls are gathered, and in one that is there; on the way out as well."""
    top = tmp_path / "in"
    for folder in ("wide", "deep/under/it"):
        (top / folder).mkdir(parents=True)
        for number in range(5):
            (top / folder / f"file{number}").write_text("text")
    told: list[str] = []
    with open_image(None, "tmpfs", options={"nodes_max": "10"}) as image:
        if not new:
            image.mkdir("/new")
        copied = image.copy_in(top, "/new", onerror=lambda error: told.append(str(error.filename)))
        assert told == ["/new/wide"]
        assert (copied.files, copied.directories, copied.size, copied.failed) == (5, 4, 20, 1)
        told.clear()
        (tmp_path / "out" / "deep").mkdir(parents=True)
        (tmp_path / "out" / "deep" / "under").write_text("in the way")
        copied = image.copy_out("/new", tmp_path / "out", onerror=lambda error: told.append(str(error.filename)))
        assert told == [str(tmp_path / "out" / "deep" / "under")]


def test_links_are_no_way_out_of_the_destination(image: Image, tmp_path: Path) -> None:
    """A tree to copy out has a directory where the host has a link."""
    image.mkdir("/t/dir", parents=True)
    image.write_text("/t/dir/file", "new")
    (tmp_path / "outside").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "dir").symlink_to(tmp_path / "outside")
    with pytest.raises(FileExistsError):
        image.copy_out("/t", tmp_path / "out")
    assert list((tmp_path / "outside").iterdir()) == []


def test_an_interrupt_leaves_no_half_files(image: Image, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "big").write_bytes(os.urandom(5 << 20))

    def stop(progress: Progress) -> None:
        if progress.size > 2 << 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        image.copy_in(tmp_path / "in", "/t", progress=stop)
    assert image.listdir("/t") == []
    image.copy_in(tmp_path / "in", "/t")
    with pytest.raises(KeyboardInterrupt):
        image.copy_out("/t", tmp_path / "out", progress=stop)
    assert list((tmp_path / "out").iterdir()) == []


def test_progress(image: Image, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * (3 << 20))
    told: list[Progress] = []
    image.copy_in(tmp_path / "a", "/a", progress=told.append)
    assert [p.size >> 20 for p in told] == [1, 2, 3, 3]
    assert told[-1].files == 1


def test_what_is_kept_can_be_chosen(image: Image, tmp_path: Path) -> None:
    name = tmp_path / "a"
    name.write_bytes(b"x")
    name.chmod(0o4777)
    os.utime(name, (1, 1))
    image.copy_in(name, "/a", kept=Kept(modes=False, times=False))
    assert stat.S_IMODE(image.stat("/a").st_mode) == 0o755
    assert image.stat("/a").st_mtime > 1
    image.copy_in(name, "/b", owners=False)
    assert stat.S_IMODE(image.stat("/b").st_mode) == 0o777
    (tmp_path / "l").symlink_to("a")
    image.copy_in(tmp_path / "l", "/l", follow=True)
    assert image.isfile("/l")
    assert not image.islink("/l")
    assert image.copy_in(tmp_path / "l", "/m") == Copied(1, 0, 0, 0, set())
    assert image.islink("/m")


# -- single calls


def test_paths(image: Image) -> None:
    image.mkdir("a/b", parents=True)
    with pytest.raises(FileExistsError) as caught:
        image.mkdir("a/b")
    assert caught.value.filename == "a/b"
    image.mkdir("a/b", exist_ok=True)
    image.mkdir("a/b/c/d", parents=True)
    assert image.write_text("a/one", "1") == 1
    assert image.write_bytes(b"/a/one", b"23", append=True) == 2
    assert image.read_text("a/one") == "123"
    assert image.write_bytes("/a/zero", b"") == 0
    image.symlink("one", "a/sym")
    image.link("a/one", "a/hard")
    assert image.readlink("a/sym") == "one"
    assert image.readlink(b"a/sym") == b"one"
    assert image.stat("a/sym").st_ino == image.lstat("a/hard").st_ino
    assert sorted(image.listdir("a")) == ["b", "hard", "one", "sym", "zero"]
    assert image.listdir(b"/a/b") == [b"c"]
    assert (image.isdir("a"), image.isfile("a/sym"), image.islink("a/sym"), image.exists("a/x")) == (1, 1, 1, 0)
    image.truncate("a/one", 2)
    assert image.read_bytes("a/hard") == b"12"
    image.rename("a/one", "a/b/two")
    with pytest.raises(FileNotFoundError) as missing:
        image.rename("a/one", "a/b/three")
    assert (missing.value.filename, missing.value.filename2) == ("a/one", "a/b/three")
    assert image.lexists("a/sym")
    assert not image.exists("a/sym")
    image.remove("a/sym")
    with pytest.raises(OSError, match="not empty"):
        image.rmdir("a")
    image.mkfifo("a/fifo", 0o600)
    image.chmod("a/fifo", 0o644)
    image.chown("a/fifo", 5, 6)
    image.utime("a/fifo", ns=(1, -1))
    image.touch("a/new")
    st = image.stat("a/fifo")
    assert (stat.filemode(st.st_mode), st.st_uid, st.st_gid, st.st_atime_ns, st.st_mtime_ns) == (
        "prw-r--r--", 5, 6, 1, -1,
    )  # fmt: skip
    image.utime("a/fifo", (2.5, 3.5))
    assert image.stat("a/fifo").st_mtime == 3.5
    with image.open("a/text", "w") as file:
        file.write("hello\n")
    with image.open("a/text") as file:
        assert list(file) == ["hello\n"]
    image.rmtree("a")
    with pytest.raises(FileNotFoundError):
        image.rmtree("a")
    image.rmtree("a", ignore_errors=True)
    assert image.df()["size"] > 0
    image.sync()


def test_directories(image: Image) -> None:
    for name in ("d/e/f.txt", "d/g.txt", "d/h.c", "d/.hidden"):
        image.mkdir(os.path.dirname(name), parents=True, exist_ok=True)
        image.write_text(name, name)
    image.symlink("e", "d/link")
    found = {e.name: e for e in image.scandir("d")}
    assert [n for n, e in found.items() if e.is_dir()] == ["e", "link"] or found["link"].is_dir()
    assert not found["link"].is_dir(follow_symlinks=False)
    assert found["g.txt"].is_file()
    assert found["g.txt"].stat().st_size == 7
    assert found["g.txt"].path == "d/g.txt"
    assert found["link"].stat().st_ino == found["e"].inode()
    assert [(t, sorted(d), sorted(f)) for t, d, f in image.walk("d")] == [
        ("d", ["e"], [".hidden", "g.txt", "h.c", "link"]),
        ("d/e", [], ["f.txt"]),
    ]
    assert [t for t, _, _ in image.walk(b"d", topdown=False)] == [b"d/e", b"d"]
    errors: list[OSError] = []
    assert list(image.walk("none", onerror=errors.append)) == []
    assert errors[0].errno == errno.ENOENT
    assert list(image.glob("d/*.txt")) == ["d/g.txt"]
    assert sorted(image.glob("/d/**/*.txt")) == ["/d/e/f.txt", "/d/g.txt"]
    assert list(image.glob("d/.h*")) == ["d/.hidden"]
    assert list(image.glob("**/f.txt")) == ["d/e/f.txt"]
    assert list(image.glob("d/*/")) == ["d/e", "d/link"]
    assert list(image.glob("none/*")) == []


def test_a_large_directory(image: Image) -> None:
    image.mkdir("big")
    with image.k.batch() as b:
        for number in range(4000):
            b.mkdir(f"/big/{number:0100}")
    assert len(image.listdir("big")) == 4000
    assert len({e.stat().st_ino for e in image.scandir("big")}) == 4000


def test_absolute_links_stay_in_the_image(image: Image) -> None:
    image.write_text("/x", "of the image")
    image.symlink("/x", "/l")
    image.symlink("/../../../etc", "/etc")
    assert image.read_text("/l") == "of the image"
    assert not image.exists("/etc")


def test_modules_of_the_sdk_need_no_services() -> None:
    """Clients of remote kernels import rump.fs too."""
    code = (
        "import sys, rump.fs; assert not [m for m in sys.modules if m.startswith(('rumpvfs', 'rumpgateway', 'grpc'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
