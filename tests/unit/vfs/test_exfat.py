"""exFAT against mkfs.exfat, fsck.exfat and exfat-fuse: what we write they read, what they write we read."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

import rump
from rumpvfs.core.vnode import Changes, NewfsRequest, NewNode, Vnode, VType
from rumpvfs.fs.exfatfs import FILE_SYSTEM, boot, entry, upcase
from rumpvfs.fs.exfatfs.driver import ExfatFileSystem
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from tests.exfat_images import fresh, fsck, fuse_mount, image, mkfs, mount, small
from tests.fat_images import (
    Environment,
    MemoryDevice,
    contents,
    make,
    mkdir,
    names,
    refused,
    remove,
    run,
    tree,
    unmount,
)

NAMES = ["README.TXT", "lower.txt", "a name with spaces.text", "ünïcödé ☃", "pile \U0001f4a9", ".profile", "n" * 255,
         "trailing dots..", "+,;=[]"]  # fmt: skip


def source_tree() -> dict[str, bytes | None]:
    generator = random.Random(1)
    expected: dict[str, bytes | None] = {f"/{name}": generator.randbytes(37 * n * n) for n, name in enumerate(NAMES)}
    expected |= {"/sub": None, "/sub/deeper directory": None, "/Many": None}
    for number in range(200):
        expected[f"/Many/file of number {number:04}.data"] = generator.randbytes(generator.randrange(9000))
    expected["/sub/deeper directory/large"] = generator.randbytes(700_000)
    return expected


def put(fs: ExfatFileSystem, expected: dict[str, bytes | None]) -> None:
    for path, data in expected.items():
        *folders, name = path[1:].split("/")
        directory: Vnode = fs.root()
        for folder in folders:
            directory = directory.lookup(folder.encode())
        if data is None:
            mkdir(directory, name)
        else:
            make(directory, name, data)


def host_tree(top: Path) -> dict[str, bytes | None]:
    found = {}
    for path in top.rglob("*"):
        found["/" + str(path.relative_to(top))] = path.read_bytes() if path.is_file() else None
    return found


# -- the same files, written by one and read by the other


@pytest.mark.parametrize("options", [(), ("-c", "512"), ("-c", "65536")])
def test_exfat_fuse_reads_what_we_wrote(options: tuple[str, ...], tmp_path: Path) -> None:
    fs, device = fresh("32M", *options)
    expected = source_tree()
    put(fs, expected)
    assert tree(fs.root()) == expected
    unmount(fs)
    assert "clean" in fsck(device.data)
    (tmp_path / "disk").write_bytes(device.data)
    with fuse_mount(tmp_path / "disk", tmp_path / "mnt") as top:
        assert host_tree(top) == expected


def test_reads_what_exfat_fuse_wrote(tmp_path: Path) -> None:
    disk = mkfs(tmp_path / "disk", "32M", "-c", "1024")
    expected = {path: data for path, data in source_tree().items() if not path.endswith("..")}
    with fuse_mount(disk, tmp_path / "mnt") as top:
        for path, data in expected.items():
            if data is None:
                (top / path[1:]).mkdir()
            else:
                (top / path[1:]).write_bytes(data)
        with (top / "fragmented").open("wb") as one, (top / "too").open("wb") as two:
            for number in range(60):
                for file in (one, two):
                    file.write(bytes([number]) * 1500)
                    file.flush()
                    os.fsync(file.fileno())
        os.truncate(top / "too", 200_000)
        os.utime(top / "fragmented", (1_000_000_001, 1_000_000_000))
        pieces = b"".join(bytes([number]) * 1500 for number in range(60))
        expected |= {"/fragmented": pieces, "/too": pieces + bytes(110_000)}
        subprocess.run(["sync", "-f", top], check=True)
    fs = mount(MemoryDevice(disk.read_bytes()), readonly=True)
    assert tree(fs.root()) == expected
    assert fs.root().lookup(b"fragmented").getattr().st_mtime_ns == 10**18
    chain = fs.root().lookup(b"fragmented").chain()  # type: ignore[attr-defined]
    chain.all()
    assert chain.linked
    assert len(chain.starts) > 5


def test_exfat_fuse_and_we_in_turns(tmp_path: Path) -> None:
    disk = mkfs(tmp_path / "disk", "16M")
    for number in range(3):
        with fuse_mount(disk, tmp_path / "mnt") as top:
            (top / f"Their file {number}").write_bytes(b"theirs" * 5000)
            if number:
                (top / f"our FILE {number - 1}").unlink()
            subprocess.run(["sync", "-f", top], check=True)
        device = MemoryDevice(disk.read_bytes())
        fs = mount(device)
        make(fs.root(), f"Our file {number}", b"ours" * 9000)
        if number:
            remove(fs.root(), f"THEIR file {number - 1}")
        unmount(fs)
        disk.write_bytes(device.data)
        fsck(disk)
    assert sorted(names(mount(MemoryDevice(disk.read_bytes())).root())) == ["Our file 2", "Their file 2"]


# -- contents


def test_a_file_in_pieces_gets_a_chain() -> None:
    """Adjacent clusters need no FAT; a second piece makes it known for all."""
    fs, device = fresh("8M", "-c", "512")
    one = make(fs.root(), "one", b"1" * 2000)
    assert not one.chain().linked  # type: ignore[attr-defined]
    two = make(fs.root(), "two", b"2" * 2000)
    one.write(2000, b"3" * 3000)
    assert one.chain().linked  # type: ignore[attr-defined]
    assert not two.chain().linked  # type: ignore[attr-defined]
    two.write(2000, b"4" * 5000)
    two.setattr(Changes(size=1000))
    fs.sync()
    one.write(5000, b"5" * 9000)
    unmount(fs)
    fsck(device.data)
    found = tree(mount(device).root())
    assert found == {"/one": b"1" * 2000 + b"3" * 3000 + b"5" * 9000, "/two": b"2" * 1000}


def test_what_was_not_written_is_zeros_and_stays_unwritten() -> None:
    fs, device = fresh()
    make(fs.root(), "secret", b"s" * 5_000_000)
    remove(fs.root(), "secret")
    fs.sync()
    node = make(fs.root(), "file", b"x" * 10)
    before = device.writes
    node.setattr(Changes(size=4_000_000))
    assert device.writes == before
    assert contents(node) == b"x" * 10 + bytes(3_999_990)
    assert bytes(node.read(5, 10)) == b"xxxxx" + bytes(5)
    node.write(100_000, b"y")
    model = b"x" * 10 + bytes(99_990) + b"y" + bytes(3_899_999)
    assert contents(node) == model
    unmount(fs)
    fsck(device.data)
    again = mount(device).root().lookup(b"file")
    assert contents(again) == model
    assert again.valid == 100_001  # type: ignore[attr-defined]


@pytest.mark.parametrize("cluster", ["512", "32768"])
def test_writes_of_all_kinds(cluster: str) -> None:
    fs, device = fresh("8M", "-c", cluster)
    nodes = [(make(fs.root(), name), bytearray()) for name in ("one", "two")]
    generator = random.Random(cluster)
    for _ in range(300):
        node, model = generator.choice(nodes)
        offset, data = generator.randrange(40_000), generator.randbytes(generator.randrange(1, 5000))
        if generator.random() < 0.2:
            node.setattr(Changes(size=offset))
            model += bytes(max(0, offset - len(model)))
            del model[offset:]
        else:
            model += bytes(max(0, offset - len(model)))
            model[offset : offset + len(data)] = data
            assert node.write(offset, data) == len(data)
        start = generator.randrange(45_000)
        assert bytes(node.read(start, 3000)) == model[start : start + 3000]
        if generator.random() < 0.1:
            fs.sync()
    unmount(fs)
    fsck(device.data)
    found = tree(mount(device).root())
    assert found == {"/one": bytes(nodes[0][1]), "/two": bytes(nodes[1][1])}


def test_a_full_disk_says_so_and_stays_whole() -> None:
    fs, device = fresh("8M", "-c", "512")
    free = fs.statvfs().f_bfree
    node = make(fs.root(), "large")
    refused(Errno.ENOSPC, node.write, 0, bytes(free * 512 + 1))
    refused(Errno.ENOSPC, node.setattr, Changes(size=1 << 40))
    refused(Errno.EFBIG, node.setattr, Changes(size=1 << 63))
    assert node.write(0, bytes((free - 1) * 512))
    folder = mkdir(fs.root(), "folder")
    refused(Errno.ENOSPC, mkdir, folder, "d")
    made = 0
    while made < 100:
        try:
            make(folder, f"file number {made}")
        except KernelError as error:
            if error.errno != Errno.ENOSPC:
                raise
            break
        made += 1
    assert made == 512 // 96
    remove(fs.root(), "large")
    make(folder, "room again", bytes(free * 256))
    unmount(fs)
    fsck(device.data)


def test_a_file_without_a_name_lives_until_it_is_closed() -> None:
    fs, device = fresh()
    free = fs.statvfs().f_bfree
    node = make(fs.root(), "file", b"1" * 50_000)
    node.uses = 1
    remove(fs.root(), "file")
    other = make(fs.root(), "file", b"2" * 50_000)
    assert (contents(node), contents(other)) == (b"1" * 50_000, b"2" * 50_000)
    assert (node.getattr().st_nlink, other.fileno != node.fileno) == (0, True)
    refused(Errno.EBUSY, lambda: fs.remount(readonly=True))
    node.uses = 0
    node.inactive()
    remove(fs.root(), "file")
    assert fs.statvfs().f_bfree == free
    unmount(fs)
    fsck(device.data)


# -- names and attributes


def test_names_are_found_in_any_case_and_kept_as_written() -> None:
    fs, device = fresh()
    root = fs.root()
    node = make(root, "Some Name")
    make(root, "ÀÉÎ")
    assert root.lookup(b"SOME name") is node
    assert root.lookup("àéî".encode())
    refused(Errno.EEXIST, make, root, "some NAME")
    root.rename(b"some name", node, root, b"SOME NAME", None)
    assert sorted(names(root)) == ["SOME NAME", "ÀÉÎ"]
    for name in ("a:b", "x*", "tab\t", "\x7f?"):
        refused(Errno.EINVAL, make, root, name)
    refused(Errno.ENAMETOOLONG, make, root, "n" * 256)
    refused(Errno.EOPNOTSUPP, root.create, b"x", NewNode(VType.LNK, 0o777, 0, 0, target=b"t"))
    unmount(fs)
    fsck(device.data)


def test_renaming_over_others_and_into_directories() -> None:
    fs, device = fresh()
    root = fs.root()
    one, two = mkdir(root, "one"), mkdir(root, "two")
    node, other = make(one, "file", b"1" * 9000), make(two, "A longer name than that", b"2")
    one.rename(b"file", node, two, b"a LONGER name than that", other)
    other.inactive()
    below = mkdir(one, "below")
    one.rename(b"below", below, two, b"moved", None)
    assert below.parent() is two
    refused(Errno.ENOTEMPTY, root.rename, b"one", one, root, b"two", two)
    root.rename(b"one", one, two, b"MOVED", below)
    below.inactive()
    expected = {"/two": None, "/two/A longer name than that": b"1" * 9000, "/two/moved": None}
    assert tree(root) == expected
    node.write(0, b"changed")
    unmount(fs)
    fsck(device.data)
    assert tree(mount(device).root())["/two/A longer name than that"] == b"changed" + b"1" * 8993


def test_times_mode_and_flags() -> None:
    env = Environment()
    device = MemoryDevice(image())
    fs = mount(device, env, uid="7", gid="8", mask="664")
    env.ns = 1_234_567_891_234_567_890
    node = make(fs.root(), "file", b"x")
    st = node.getattr()
    assert st.st_birthtime_ns == st.st_mtime_ns == 1_234_567_891_230_000_000
    assert (st.st_mode, st.st_uid, st.st_gid, st.st_flags) == (const.S_IFREG | 0o664, 7, 8, 0)
    node.setattr(Changes(mode=0o400, atime_ns=10**18, mtime_ns=2 * 10**18 + 10_000_000, flags=const.SF_ARCHIVED))
    unmount(fs)
    st = mount(device).root().lookup(b"file").getattr()
    assert (st.st_atime_ns, st.st_mtime_ns) == (10**18, 2 * 10**18 + 10_000_000)
    assert (st.st_mode & 0o777, st.st_flags) == (0o555, const.SF_ARCHIVED)
    refused(Errno.EINVAL, lambda: mount(device, nothing="1"))


def test_times_in_another_zone() -> None:
    raw = entry.new(0, 10**18)
    assert entry.get_time(raw, entry.CREATED, 3600) == 10**18
    raw[entry.CREATED_ZONE] = 0x80 | 4
    assert entry.get_time(raw, entry.CREATED, 0) == 10**18 - 3600 * 10**9
    raw[entry.CREATED_ZONE] = 0x80 | 0x80 - 20
    assert entry.get_time(raw, entry.CREATED, 0) == 10**18 + 5 * 3600 * 10**9
    raw[entry.CREATED_ZONE] = 0
    assert entry.get_time(raw, entry.CREATED, 7200) == 10**18 - 7200 * 10**9


def test_the_up_case_table() -> None:
    made = upcase.make()
    ours = upcase.parse(made, upcase.checksum(made))
    assert ours.fold("straße ünï ǆ") == "STRAßE ÜNÏ Ǆ"
    assert len(made) < 16_000
    fs, _ = fresh()
    assert fs.upcase.fold("abcäöü") == "ABCÄÖÜ"
    refused(Errno.EIO, upcase.parse, made, 1)


# -- the disk


def workload(fs: ExfatFileSystem, seed: int) -> None:
    generator = random.Random(seed)
    folders: list[Vnode] = [fs.root()]
    for step in range(90):
        folder = generator.choice(folders)
        found = [name for name in names(folder) if folder.lookup(name.encode()).vtype is VType.REG]
        kind = generator.randrange(8)
        if kind <= 2 or not found:
            make(folder, f"file number {step}", bytes([step]) * generator.randrange(4000))
        elif kind == 3:
            folders.append(mkdir(folder, f"d{step}"))
        elif kind == 4:
            remove(folder, generator.choice(found))
        elif kind == 5:
            folder.lookup(generator.choice(found).encode()).setattr(Changes(size=generator.randrange(5000)))
        elif kind == 6:
            name, to = generator.choice(found).encode(), generator.choice(folders)
            folder.rename(name, folder.lookup(name), to, f"renamed in step {step}".encode(), None)
        else:
            fs.sync()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_crash_leaves_lost_clusters_at_worst(seed: int) -> None:
    """After each write: no cluster in two files, none of a file free. A renamed file may have both names."""
    device = MemoryDevice(small(1 << 20, cluster="512"))
    fs = mount(device)
    before = bytes(device.data)
    device.log = []
    workload(fs, seed)
    unmount(fs)
    log, device.log = device.log, None
    assert len(log) > 80
    state = MemoryDevice(before)
    for offset, data in log:
        state.write(offset, data)
        check(state)
    fsck(state.data)


def check(device: MemoryDevice) -> None:
    fs = mount(device, readonly=True)
    owners: dict[int, int] = {}
    stack: list[Vnode] = [fs.root()]
    while stack:
        node = stack.pop()
        chain = node.chain()  # type: ignore[attr-defined]
        chain.all()
        assert chain.known >= node.clusters()  # type: ignore[attr-defined]
        for first, count in chain.runs():
            for cluster in range(first, first + count):
                assert fs.volume.bitmap.in_use(cluster)
                assert owners.setdefault(cluster, chain.first) == chain.first
        if node.vtype is VType.DIR:
            stack += [node.lookup(name.encode()) for name in names(node)]


def test_a_disk_that_fails_is_reported_and_nothing_is_lost_later() -> None:
    device = MemoryDevice(small(1 << 20, cluster="512"))
    fs = mount(device)
    generator = random.Random(5)
    expected: dict[str, bytes] = {}
    failures = 0
    for step in range(300):
        device.room = device.writes + generator.randrange(4) if step % 3 else None
        name, data = f"file {step % 40}", generator.randbytes(generator.randrange(3000))
        try:
            if name in expected and generator.random() < 0.5:
                remove(fs.root(), name)
                del expected[name]
            elif name not in expected:
                node = make(fs.root(), name)
                expected[name] = b""
                node.write(0, data)
                expected[name] = data
            if step % 5 == 0:
                fs.sync()
        except KernelError as error:
            if error.errno != Errno.EIO:
                raise
            failures += 1
        assert {n: contents(fs.root().lookup(n.encode())) for n in names(fs.root())} == expected
    assert failures > 20
    device.room = None
    unmount(fs)
    fsck(device.data)


def test_a_disk_in_use_says_so() -> None:
    fs, device = fresh()
    make(fs.root(), "file", b"x")
    fs.sync()
    assert device.data[boot.FLAGS_OFFSET] & boot.DIRTY
    env = Environment()
    again = mount(MemoryDevice(device.data), env)
    assert "not unmounted" in env.lines[0]
    unmount(again)
    assert again.volume.flags & boot.DIRTY
    fs.remount(readonly=True)
    assert not device.data[boot.FLAGS_OFFSET] & boot.DIRTY
    refused(Errno.EROFS, make, fs.root(), "another")
    fs.remount(readonly=False)
    make(fs.root(), "another")
    unmount(fs)
    assert "clean" in fsck(device.data)


def test_a_spoilt_boot_region_is_noticed_and_has_a_copy() -> None:
    fs, device = fresh()
    make(fs.root(), "file", b"x")
    unmount(fs)
    device.data[200] ^= 1
    refused(Errno.EINVAL, mount, device)
    env = Environment()
    assert names(mount(device, env, readonly=True).root()) == ["file"]
    assert "spoilt" in env.lines[0]


def test_a_mount_for_reading_writes_nothing() -> None:
    device = MemoryDevice(image(), readonly=True)
    refused(Errno.EROFS, mount, device)
    fs = mount(device, readonly=True)
    refused(Errno.EROFS, make, fs.root(), "file")
    fs.unmount(force=False)
    assert device.writes == 0


@pytest.mark.parametrize(
    ("size", "options"),
    [(1 << 20, {}), (4 << 20, {"label": "Ünï ☃"}), (20 << 20, {"cluster": "512", "serial": "1234abcd"}),
     (70 << 20, {"sector": "4096"}), (80 << 20, {"cluster": "1048576", "size": str(70 << 20)})],
)  # fmt: skip
def test_newfs_makes_what_the_tools_take(size: int, options: dict[str, str], tmp_path: Path) -> None:
    device = MemoryDevice(b"\xa5" * min(size, 8 << 20) + bytes(max(size - (8 << 20), 0)))
    used = FILE_SYSTEM.newfs(NewfsRequest(device, options), Environment())  # type: ignore[misc]
    assert used == int(options.get("size", size))
    fs = mount(device)
    for number in range(10):
        make(fs.root(), f"some file {number}", bytes(5000))
    unmount(fs)
    (tmp_path / "disk").write_bytes(device.data)
    assert "clean" in fsck(tmp_path / "disk")
    if "label" in options:
        assert options["label"] in run("exfatlabel", tmp_path / "disk")
    serial = options.get("serial", "04030201")
    assert f"0x{serial.lstrip('0')}" in run("exfatlabel", "-i", tmp_path / "disk").lower()


@pytest.mark.parametrize(
    "options", [{"cluster": "700"}, {"label": "much too long"}, {"serial": "x"}, {"what": "1"}, {"size": "5"}]
)
def test_newfs_refuses(options: dict[str, str]) -> None:
    device = MemoryDevice(bytes(10 << 20))
    refused(Errno.EINVAL, FILE_SYSTEM.newfs, NewfsRequest(device, options), Environment())  # type: ignore[arg-type]
    tiny = NewfsRequest(MemoryDevice(bytes(9000)))
    refused(Errno.ENOSPC, FILE_SYSTEM.newfs, tiny, Environment())  # type: ignore[arg-type]
    assert device.writes == 0


def test_in_a_kernel(tmp_path: Path) -> None:
    disk = mkfs(tmp_path / "disk")
    with rump.Kernel(factions=("vfs",)) as k:
        k.pub.module_init("exfat")
        k.pub.etfs_register("/dev/disk", str(disk), type="blk")
        k.sys.mkdir("/mnt", 0o755)
        k.sys.mount("exfat", "/mnt", device="/dev/disk")
        fd = k.sys.open("/mnt/Some File.txt", os.O_CREAT | os.O_RDWR, 0o644)
        assert k.sys.write(fd, b"contents") == 8
        k.sys.close(fd)
        k.sys.rename("/mnt/some file.txt", "/mnt/SOME FILE.TXT")
        k.sys.mkdir("/mnt/folder", 0o755)
        k.sys.rename("/mnt/Some File.txt", "/mnt/folder/file")
        k.sys.unmount("/mnt")
    assert "clean" in fsck(disk)
    assert tree(mount(MemoryDevice(disk.read_bytes())).root()) == {"/folder": None, "/folder/file": b"contents"}


def test_names_go_while_they_are_listed() -> None:
    fs, _ = fresh()
    for number in range(20):
        make(fs.root(), f"a rather long name {number}")
    for listed in fs.root().readdir(2):
        remove(fs.root(), listed.name.decode())
        for number in range(10, 20):
            if f"a rather long name {number}" in names(fs.root()):
                remove(fs.root(), f"a rather long name {number}")
    assert names(fs.root()) == []
