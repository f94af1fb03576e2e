"""FAT12, FAT16 and FAT32 against mkfs.fat, fsck.fat and mtools: what we write they read, what they write we read."""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

import pytest

import rump
from rumpvfs.core.vnode import Changes, NewNode, Vnode, VType
from rumpvfs.fs.msdosfs.node import FILE_MAX
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from tests.fat_images import (
    SMALL,
    Environment,
    MemoryDevice,
    contents,
    fresh,
    fsck,
    image,
    make,
    mkdir,
    mkfs,
    mount,
    names,
    refused,
    remove,
    run,
    tree,
    unmount,
)

KINDS = (12, 16, 32)
NAMES = {
    "README.TXT": b"upper",
    "lower.txt": b"lower",
    "Mixed.txt": b"",
    "NAME": b"no extension",
    "a name with spaces.text": b"x" * 513,
    "ünïcödé ☃": b"snow" * 300,
    "pile of poo \U0001f4a9": b"surrogates",
    "many.dots.in.a.name": b"y" * 100_000,
    ".profile": b"leading dot",
    "n" * 255: b"longest",
    "+,;=[]": b"marks that short names have not",
    "lower.TXT": None,
    "aux~1": b"tail",
}


@pytest.fixture(params=KINDS)
def bits(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def source_tree(top: Path) -> dict[str, bytes | None]:
    """Files on the host, and what is to be seen of them."""
    generator = random.Random(1)
    expected: dict[str, bytes | None] = {}
    for name, data in NAMES.items():
        if data is not None:
            (top / name).write_bytes(data)
            expected[f"/{name}"] = data
    for folder in ("sub", "sub/deeper directory", "Many"):
        (top / folder).mkdir()
        expected[f"/{folder}"] = None
    for number in range(150):
        path = f"Many/file of number {number:04}.data" if number % 2 else f"Many/f{number}.dat"
        (top / path).write_bytes(data := generator.randbytes(generator.randrange(3000)))
        expected[f"/{path}"] = data
    (top / "sub/deeper directory/large").write_bytes(data := generator.randbytes(200_000))
    expected["/sub/deeper directory/large"] = data
    return expected


def fill(directory: Vnode, name: str) -> int:
    """How many empty files can be made."""
    for number in itertools.count():
        try:
            make(directory, name.format(number))
        except KernelError as error:
            if error.errno != Errno.ENOSPC:
                raise
            return number
    raise AssertionError


# -- the same files, written by one and read by the other


def test_reads_what_mtools_wrote(bits: int, tmp_path: Path) -> None:
    disk = mkfs(tmp_path / "disk", bits)
    (tmp_path / "tree").mkdir()
    expected = source_tree(tmp_path / "tree")
    run("mcopy", "-s", "-m", "-i", disk, *sorted((tmp_path / "tree").iterdir()), "::")
    device = MemoryDevice(disk.read_bytes(), readonly=True)
    fs = mount(device, readonly=True)
    found = tree(fs.root())
    found = {path: data for path, data in found.items() if "poo" not in path}
    # mtools has no characters beyond the first plane
    assert found == {path: data for path, data in expected.items() if "poo" not in path}
    for path in found:
        host, node = (tmp_path / "tree" / path[1:]).stat(), fs.root()
        for part in path[1:].split("/"):
            node = node.lookup(part.encode())
        if node.vtype is VType.REG:
            assert abs(node.getattr().st_mtime_ns - host.st_mtime_ns) <= 2_000_000_000
    assert device.writes == 0


def test_mtools_reads_what_we_wrote(bits: int, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    expected = source_tree(tmp_path / "tree")
    fs, device = fresh(bits)
    for path, data in expected.items():
        *folders, name = path[1:].split("/")
        directory = fs.root()
        for folder in folders:
            directory = directory.lookup(folder.encode())
        if data is None:
            mkdir(directory, name)
        else:
            make(directory, name, data)
    assert tree(fs.root()) == expected
    unmount(fs)
    fsck(device.data)
    disk = tmp_path / "disk"
    disk.write_bytes(device.data)
    (tmp_path / "out").mkdir()
    run("mcopy", "-s", "-n", "-i", disk, "::*", tmp_path / "out")
    found = {
        "/" + str(path.relative_to(tmp_path / "out")): path.read_bytes() if path.is_file() else None
        for path in (tmp_path / "out").rglob("*")
    }
    # mtools has no characters beyond the first plane
    skip = {path for path in (*found, *expected) if "poo" in path}
    assert {p: d for p, d in found.items() if p not in skip} == {p: d for p, d in expected.items() if p not in skip}


def test_mtools_and_we_in_turns(bits: int, tmp_path: Path) -> None:
    disk = mkfs(tmp_path / "disk", bits)
    (tmp_path / "theirs").write_bytes(b"theirs" * 1000)
    for number in range(5):
        run("mcopy", "-i", disk, tmp_path / "theirs", f"::Their file {number}")
        device = MemoryDevice(disk.read_bytes())
        fs = mount(device)
        make(fs.root(), f"Our file {number}", b"ours" * 2000)
        if number:
            remove(fs.root(), f"their FILE {number - 1}")
        unmount(fs)
        disk.write_bytes(device.data)
        if number:
            run("mdel", "-i", disk, f"::Our file {number - 1}")
        fsck(disk)
    assert sorted(names(mount(MemoryDevice(disk.read_bytes())).root())) == ["Our file 4", "Their file 4"]
    assert run("mtype", "-i", disk, "::our file 4") == "ours" * 2000


def test_another_fat_reader_agrees(bits: int, tmp_path: Path) -> None:
    """7z: neither mtools nor ours."""
    fs, device = fresh(bits)
    make(mkdir(fs.root(), "A directory"), "a file of ours", b"contents" * 999)
    unmount(fs)
    (tmp_path / "disk.img").write_bytes(device.data)
    run("7z", "x", f"-o{tmp_path / 'out'}", tmp_path / "disk.img")
    assert (tmp_path / "out/A directory/a file of ours").read_bytes() == b"contents" * 999


# -- names


def test_names_are_found_in_any_case_and_kept_as_written() -> None:
    fs, device = fresh(16)
    root = fs.root()
    node = make(root, "Some Name.Text", b"1")
    for name in ("some name.text", "SOME NAME.TEXT", "Some Name.Text", "SOMENA~1.TEX", "some name.text. ."):
        assert root.lookup(name.encode()) is node
    refused(Errno.EEXIST, make, root, "SOME name.text")
    make(root, "ÀÉÎ")
    assert root.lookup("àéî".encode())
    assert names(root) == ["Some Name.Text", "ÀÉÎ"]
    root.rename(b"Some Name.Text", node, root, b"SOME NAME.TEXT", None)
    assert names(root) == ["SOME NAME.TEXT", "ÀÉÎ"]
    assert root.lookup(b"some name.text") is node
    unmount(fs)
    fsck(device.data)
    assert names(mount(device).root()) == ["SOME NAME.TEXT", "ÀÉÎ"]


def test_lower_case_needs_no_long_name() -> None:
    fs, device = fresh(16)
    root = fs.root()
    for name in ("lower.txt", "UPPER.TXT", "mixed.TXT", "MIXED2.txt", "12.34"):
        make(root, name)
    raw = bytes(device.data)
    unmount(fs)
    found = mount(device)
    assert names(found.root()) == ["lower.txt", "UPPER.TXT", "mixed.TXT", "MIXED2.txt", "12.34"]
    assert found.root().directory().open().used.count(1) == 5
    assert raw != bytes(device.data)


def test_aliases_of_many_similar_names_differ(tmp_path: Path) -> None:
    fs, device = fresh(16)
    folder = mkdir(fs.root(), "folder")
    wanted = [f"similar name {number}.text" for number in range(1500)]
    for name in wanted:
        make(folder, name)
    records = folder.directory().open().by_slot.values()
    assert len({record.short for record in records}) == 1500
    for record in records:
        assert fs.root().lookup(b"folder").lookup(record.short[:8].rstrip() + b"." + record.short[8:].rstrip())
    unmount(fs)
    fsck(device.data)
    (tmp_path / "disk").write_bytes(device.data)
    assert len(run("mdir", "-b", "-i", tmp_path / "disk", "::folder").split("\n")) == 1501
    assert names(mount(device).root().lookup(b"folder")) == wanted


def test_a_name_that_ends_in_a_dot_as_others_made_it() -> None:
    fs, device = fresh(12)
    make(fs.root(), "name with a dotX", b"1")
    make(fs.root(), "\u0131")
    make(fs.root(), "I")
    unmount(fs)
    at = device.data.index("tX".encode("utf-16-le"))
    device.data[at + 2 : at + 4] = ".".encode("utf-16-le")
    fs = mount(device)
    assert names(fs.root()) == ["name with a dot.", "\u0131", "I"]
    assert contents(fs.root().lookup(b"Name with a dot.")) == b"1"
    remove(fs.root(), "name with a dot.")
    unmount(fs)
    fsck(device.data)


@pytest.mark.parametrize("name", ["a:b", "a*", "?", 'q"', "<", ">", "|", "back\\slash", "tab\t", "...", " ", "\x01"])
def test_names_that_fat_has_not(name: str) -> None:
    fs, _ = fresh(12)
    refused(Errno.EINVAL, make, fs.root(), name)
    refused(Errno.ENOENT, fs.root().lookup, name.encode())


def test_more_names_that_are_refused() -> None:
    fs, _ = fresh(12)
    root = fs.root()
    refused(Errno.ENAMETOOLONG, make, root, "n" * 256)
    refused(Errno.ENAMETOOLONG, make, root, "\U0001f4a9" * 128)
    make(root, "\U0001f4a9" * 127)
    make(root, "☃" * 255)
    with pytest.raises(KernelError) as caught:
        root.create(b"\xff\xfe", NewNode(VType.REG, 0o644, 0, 0))
    assert caught.value.errno == Errno.EINVAL


def test_short_names_alone() -> None:
    fs, device = fresh(12)
    make(fs.root(), "A long name.text", b"1")
    unmount(fs)
    fs = mount(device, shortnames="true")
    assert names(fs.root()) == ["ALONGN~1.TEX"]
    refused(Errno.EINVAL, make, fs.root(), "another long name")
    make(fs.root(), "SHORT.TXT")
    remove(fs.root(), "alongn~1.tex")
    unmount(fs)
    assert "Orphan" not in fsck(device.data)


def test_code_pages(tmp_path: Path) -> None:
    """A short name in another alphabet, as DOS wrote it."""
    fs, device = fresh(12)
    make(fs.root(), "XX.TXT", b"1")
    unmount(fs)
    at = device.data.index(b"XX      TXT")
    device.data[at : at + 2] = "Дж".encode("cp866")
    assert names(mount(device, codepage="866", readonly=True).root()) == ["Дж.TXT"]
    assert mount(device, codepage="866", readonly=True).root().lookup("дЖ.txt".encode())
    device.data[at] = 0x05
    assert names(mount(device, codepage="866", readonly=True).root()) == ["хж.TXT"]


# -- contents


def test_writes_of_all_kinds(bits: int) -> None:
    fs, device = fresh(bits)
    node = make(fs.root(), "file")
    model = bytearray()
    generator = random.Random(bits)
    for _ in range(200):
        offset, data = generator.randrange(20_000), generator.randbytes(generator.randrange(1, 5000))
        if generator.random() < 0.1:
            node.setattr(Changes(size=offset))
            model = model[:offset].ljust(offset, b"\0")
        model += bytes(max(0, offset - len(model)))
        model[offset : offset + len(data)] = data
        assert node.write(offset, data) == len(data)
        start = generator.randrange(25_000)
        assert bytes(node.read(start, 3000)) == model[start : start + 3000]
    assert contents(node) == model
    assert node.getattr().st_size == len(model)
    unmount(fs)
    fsck(device.data)
    assert contents(mount(device).root().lookup(b"file")) == model


def test_a_file_in_one_piece_is_one_view_and_one_write() -> None:
    fs, device = fresh(16)
    node = make(fs.root(), "file")
    before = device.writes
    node.write(0, bytes(1 << 20))
    assert device.writes == before + 1
    assert isinstance(node.read(0, 1 << 20), memoryview)


def test_what_is_skipped_reads_as_zeros() -> None:
    fs, _ = fresh(12)
    first = make(fs.root(), "secret", b"s" * 50_000)
    assert first.read(0, 1) == b"s"
    remove(fs.root(), "secret")
    fs.sync()
    node = make(fs.root(), "sparse", b"x")
    node.write(40_000, b"y")
    node.setattr(Changes(size=60_000))
    assert contents(node) == b"x" + bytes(39_999) + b"y" + bytes(19_999)


def test_the_largest_file() -> None:
    fs, _ = fresh(12)
    node = make(fs.root(), "file")
    refused(Errno.EFBIG, node.write, FILE_MAX, b"x")
    refused(Errno.EFBIG, node.setattr, Changes(size=FILE_MAX + 1))
    refused(Errno.ENOSPC, node.setattr, Changes(size=FILE_MAX))
    refused(Errno.ENOSPC, node.write, FILE_MAX - 1, b"x")
    assert contents(node) == b""


def test_a_file_without_a_name_lives_until_it_is_closed() -> None:
    fs, device = fresh(16)
    free = fs.statvfs().f_bfree
    node = make(fs.root(), "file", b"1" * 5000)
    node.uses = 1
    number = node.fileno
    remove(fs.root(), "file")
    other = make(fs.root(), "file", b"2" * 5000)
    assert (contents(node), contents(other)) == (b"1" * 5000, b"2" * 5000)
    assert node.getattr().st_nlink == 0
    assert other.fileno != number
    node.write(5000, b"3")
    refused(Errno.EBUSY, lambda: fs.remount(readonly=True))
    node.uses = 0
    node.inactive()
    remove(fs.root(), "file")
    assert fs.statvfs().f_bfree == free
    unmount(fs)
    fsck(device.data)


# -- a full disk


def test_a_full_disk_says_so_and_stays_whole(bits: int) -> None:
    fs, device = fresh(bits, SMALL[bits])
    node = make(fs.root(), "large")
    size = fs.statvfs().f_bfree * 512
    refused(Errno.ENOSPC, node.write, 0, bytes(size + 1))
    assert node.getattr().st_size == 0
    assert node.write(0, b"z" * (size - 2048)) == size - 2048
    folder = mkdir(fs.root(), "folder")
    assert fill(folder, "a long name of a small file {}") > 5
    refused(Errno.ENOSPC, mkdir, folder, "d")
    assert fs.statvfs().f_bfree == 0
    remove(fs.root(), "large")
    assert make(folder, "room again", bytes(size // 2))
    unmount(fs)
    fsck(device.data)


def test_a_fixed_root_is_full() -> None:
    fs, device = fresh(12, "1M", "-s", "1", "-r", "32")
    for number in range(32):
        make(fs.root(), f"F{number}")
    refused(Errno.ENOSPC, make, fs.root(), "ONE MORE")
    refused(Errno.ENOSPC, make, fs.root(), "F33")
    remove(fs.root(), "F7")
    make(fs.root(), "F34")
    unmount(fs)
    fsck(device.data)


def test_slots_of_deleted_names_are_used_again() -> None:
    fs, device = fresh(32)
    folder = mkdir(fs.root(), "folder")
    for number in range(400):
        make(folder, f"a rather long name of a file {number}")
        remove(folder, f"a rather long name of a file {number}")
    assert folder.getattr().st_size == 512
    unmount(fs)
    fsck(device.data)


def test_a_directory_has_an_end() -> None:
    fs, device = fresh(32, "40M")
    folder = mkdir(fs.root(), "folder")
    assert fill(folder, "{:04}" + "x" * 251) == (65536 - 2) // 21
    assert folder.getattr().st_size == 2 << 20
    unmount(fs)
    fsck(device.data)


# -- attributes


def test_times() -> None:
    env = Environment()
    device = MemoryDevice(image(12))
    fs = mount(device, env)
    env.ns = 1_234_567_891_234_567_890
    node = make(fs.root(), "file", b"x")
    st = node.getattr()
    assert st.st_birthtime_ns == 1_234_567_891_230_000_000
    assert st.st_mtime_ns == st.st_ctime_ns == 1_234_567_890_000_000_000
    assert st.st_atime_ns == 1_234_567_891 // 86400 * 86400 * 10**9
    env.ns += 5 * 86400 * 10**9
    node.read(0, 1)
    assert node.getattr().st_atime_ns == env.ns // (86400 * 10**9) * 86400 * 10**9
    node.setattr(Changes(atime_ns=10**18, mtime_ns=2 * 10**18 + 3))
    st = node.getattr()
    assert (st.st_atime_ns, st.st_mtime_ns) == (999993600 * 10**9, 2 * 10**18)
    node.setattr(Changes(mtime_ns=0))
    assert node.getattr().st_mtime_ns == 315532800 * 10**9
    node.setattr(Changes(mtime_ns=1 << 62))
    assert node.getattr().st_mtime_ns == 4354819198 * 10**9
    unmount(fs)
    for gmtoff in (3600, -7200):
        found = mount(device, gmtoff=str(gmtoff), readonly=True).root().lookup(b"file").getattr()
        assert found.st_birthtime_ns == 1_234_567_891_230_000_000 - gmtoff * 10**9


def test_times_are_those_of_mtools(tmp_path: Path) -> None:
    disk = mkfs(tmp_path / "disk", 12)
    for second in (315532800, 951782400, 1709164800, 1709251199, 4102444800 - 86400):
        (tmp_path / "file").write_bytes(b"")
        os.utime(tmp_path / "file", (second, second))
        run("mcopy", "-m", "-o", "-i", disk, tmp_path / "file", "::file")
        found = mount(MemoryDevice(disk.read_bytes()), readonly=True).root().lookup(b"file").getattr()
        assert found.st_mtime_ns == second // 2 * 2 * 10**9


def test_mode_owner_and_flags(tmp_path: Path) -> None:
    device = MemoryDevice(image(12))
    fs = mount(device, uid="7", gid="8", mask="664", dirmask="775")
    node, folder = make(fs.root(), "file"), mkdir(fs.root(), "folder")
    st = node.getattr()
    assert (st.st_mode, st.st_uid, st.st_gid, st.st_flags) == (const.S_IFREG | 0o664, 7, 8, 0)
    assert folder.owner() == (const.S_IFDIR | 0o775, 7, 8)
    node.setattr(Changes(mode=0o444))
    assert node.getattr().st_mode == const.S_IFREG | 0o444
    node.setattr(Changes(uid=7, gid=8, flags=const.SF_ARCHIVED))
    assert node.getattr().st_flags == const.SF_ARCHIVED
    refused(Errno.EINVAL, node.setattr, Changes(uid=0))
    refused(Errno.EOPNOTSUPP, node.setattr, Changes(flags=const.UF_IMMUTABLE))
    make(fs.root(), "born read-only", mode=0o400)
    unmount(fs)
    (tmp_path / "disk").write_bytes(device.data)
    text = run("mattrib", "-i", tmp_path / "disk", "::file", "::born read-only", "::folder")
    assert [line.split("::")[0].split() for line in text.splitlines()] == [["R"], ["A", "R"], []]
    run("mattrib", "-r", "+a", "-i", tmp_path / "disk", "::file")
    st = mount(MemoryDevice((tmp_path / "disk").read_bytes())).root().lookup(b"file").getattr()
    assert (st.st_mode & 0o777, st.st_flags) == (0o755, 0)


def test_what_fat_has_not() -> None:
    fs, _ = fresh(12)
    node = make(fs.root(), "file")
    for kind in (VType.LNK, VType.FIFO, VType.CHR, VType.SOCK):
        refused(Errno.EOPNOTSUPP, fs.root().create, b"x", NewNode(kind, 0o644, 0, 0, target=b"t"))
    refused(Errno.EOPNOTSUPP, fs.root().link, b"x", node)
    assert names(fs.root()) == ["file"]


@pytest.mark.parametrize(
    "options",
    [{"uid": "x"}, {"mask": "8"}, {"gmtoff": "99999"}, {"nothing": "true"}, {"codepage": "1"},
     {"longnames": "true", "shortnames": "true"}, {"nowin95": "5"}],
)  # fmt: skip
def test_options_that_are_refused(options: dict[str, str]) -> None:
    refused(Errno.EINVAL, lambda: mount(MemoryDevice(image(12)), **options))


# -- directories


def test_directories_move_with_their_parent(bits: int) -> None:
    fs, device = fresh(bits)
    root = fs.root()
    one, two = mkdir(root, "one"), mkdir(root, "two")
    below = mkdir(one, "below")
    make(below, "file", b"x")
    one.rename(b"below", below, two, b"Below Two", None)
    assert below.parent() is two
    two.rename(b"Below Two", below, root, b"top", None)
    assert below.parent() is root
    refused(Errno.ENOTEMPTY, root.rmdir, b"top", below)
    refused(Errno.ENOTEMPTY, root.rename, b"one", one, root, b"top", below)
    root.rename(b"one", one, root, b"two", two)
    two.inactive()
    assert names(root) == ["two", "top"]
    unmount(fs)
    fsck(device.data)
    assert tree(mount(device).root()) == {"/two": None, "/top": None, "/top/file": b"x"}


def test_a_removed_directory_is_empty_for_those_who_hold_it() -> None:
    fs, device = fresh(16)
    folder = mkdir(fs.root(), "folder")
    folder.uses = 1
    remove(fs.root(), "folder")
    refused(Errno.ENOENT, make, folder, "file")
    refused(Errno.ENOENT, folder.lookup, b"file")
    refused(Errno.ENOENT, folder.parent)
    assert list(folder.readdir(0)) == []
    folder.uses = 0
    folder.inactive()
    make(fs.root(), "uses its cluster", b"x" * 512)
    unmount(fs)
    fsck(device.data)
    assert contents(mount(device).root().lookup(b"uses its cluster")) == b"x" * 512


def test_a_listing_goes_on_where_it_was() -> None:
    fs, _ = fresh(16)
    for number in range(50):
        make(fs.root(), f"a name of more than one slot {number}")
    seen: list[bytes] = []
    cookie = 0
    while entry := next(iter(fs.root().readdir(cookie)), None):
        cookie = entry.cookie
        seen.append(entry.name)
        if len(seen) % 5 == 0:
            remove(fs.root(), entry.name.decode())
    assert len(seen) == 52
    refused(Errno.EINVAL, fs.root().readdir, -1)


def test_files_keep_their_numbers() -> None:
    fs, _ = fresh(16)
    nodes = [make(fs.root(), f"F{number}") for number in range(10)]
    numbers = [node.fileno for node in nodes]
    fs.root().rename(b"F0", nodes[0], fs.root(), b"a long name for it", None)
    other = make(fs.root(), "F0")
    assert other.fileno not in numbers
    listed = {entry.name: entry.fileno for entry in fs.root().readdir(0)}
    assert listed[b"a long name for it"] == numbers[0]
    assert listed[b"F0"] == other.fileno
    number = other.fileno
    del other, nodes
    assert fs.root().lookup(b"F0").fileno == number
    assert fs.root().lookup(b"a long name for it").fileno == numbers[0]


# -- as a module of a kernel


def test_in_a_kernel(tmp_path: Path) -> None:
    disk = mkfs(tmp_path / "disk", 16)
    with rump.Kernel(factions=("vfs",)) as k:
        k.pub.module_init("msdos")
        k.pub.etfs_register("/dev/disk", str(disk), type="blk")
        k.sys.mkdir("/mnt", 0o755)
        k.sys.mount("msdos", "/mnt", 0, rump.OptionArgs(b"/dev/disk", {"uid": "5", "mask": "640"}))
        fd = k.sys.open("/mnt/Some File.txt", os.O_CREAT | os.O_RDWR, 0o644)
        assert k.sys.write(fd, b"contents") == 8
        k.sys.utimes("/mnt/Some File.txt", 10**9, 10**9)
        k.sys.mount("msdos", "/mnt", rump.MNT_UPDATE | rump.MNT_NOATIME)
        assert k.sys.pread(fd, 8, 0) == b"contents"
        assert k.sys.fstat(fd).st_atime < 10**9
        k.sys.mount("msdos", "/mnt", rump.MNT_UPDATE)
        assert k.sys.pread(fd, 8, 0) == b"contents"
        assert k.sys.fstat(fd).st_atime > 1.7 * 10**9
        assert (k.sys.fstat(fd).st_uid, k.sys.fstat(fd).st_mode & 0o777) == (5, 0o640)
        for call in (k.sys.rename, k.sys.posix_rename):
            for new in ("SOME FILE.TXT", "some file.txt"):
                call("/mnt/some FILE.txt", f"/mnt/{new}")
                listing = k.sys.open("/mnt", os.O_RDONLY)
                assert [entry.d_name for entry in k.sys.getdents(listing, 4096)] == [b".", b"..", new.encode()]
                k.sys.close(listing)
        k.sys.unlink("/mnt/SOME file.txt")
        assert k.sys.pread(fd, 100, 0) == b"contents"
        with pytest.raises(rump.RumpError) as caught:
            k.sys.unmount("/mnt")
        assert caught.value.name == "EBUSY"
        k.sys.close(fd)
        with pytest.raises(rump.RumpError) as caught:
            k.sys.symlink("x", "/mnt/y")
        assert caught.value.name == "EOPNOTSUPP"
        k.sys.unmount("/mnt")
    fsck(disk)


def test_names_go_while_they_are_listed() -> None:
    fs, _ = fresh(16)
    for number in range(20):
        make(fs.root(), f"a rather long name {number}")
    for entry in fs.root().readdir(2):
        remove(fs.root(), entry.name.decode())
        for number in range(10, 20):
            if f"a rather long name {number}" in names(fs.root()):
                remove(fs.root(), f"a rather long name {number}")
    assert names(fs.root()) == []
