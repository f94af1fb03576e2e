"""Volumes of xorriso and genisoimage with many options, compared with the folder that they were made from."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rumpvfs.core.vnode import MountRequest
from rumpvfs.fs.cd9660 import FILE_SYSTEM
from rumpvfs.fs.cd9660.mastering import encode
from rumpwire.errno import Errno, KernelError
from tests.ext4_images import Environment, Facts, MappedDevice, run
from tests.iso_images import facts_of_folder, facts_of_volume, fill, mount, names_of, read_all

VARIANTS = {
    "xorriso": ("xorriso", "-as", "mkisofs", "-R", "-J", "-joliet-long"),
    "xorriso level 1": ("xorriso", "-as", "mkisofs", "-R", "-iso-level", "1"),
    "xorriso relocated": ("xorriso", "-as", "mkisofs", "-R", "-hide-rr-moved", "-rr_reloc_dir", "rr_moved"),
    "genisoimage": ("genisoimage", "-quiet", "-R", "-J", "-joliet-long"),
    "genisoimage relocated": ("genisoimage", "-quiet", "-R", "-hide-rr-moved"),
    "genisoimage deep": ("genisoimage", "-quiet", "-R", "-D", "-l"),
    "genisoimage bridge": ("genisoimage", "-quiet", "-R", "-udf", "-allow-limited-size"),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Facts]]:
    top = tmp_path_factory.mktemp("iso") / "source"
    fill(top, genisoimage=True)
    return top, facts_of_folder(top)


def make(image: Path, source: Path, *command: str) -> Path:
    run(*command, "-o", image, source)
    return image


def refusal(image: Path | bytes | bytearray, **options: str) -> KernelError:
    with pytest.raises(KernelError) as caught:
        mount(FILE_SYSTEM, image, **options)
    return caught.value


def known_fault(facts: Facts) -> Facts:
    """The tools write device numbers of 16 bits."""
    return facts._replace(rdev=(0, 0)) if stat.S_ISBLK(facts.mode) else facts


@pytest.mark.parametrize("variant", VARIANTS)
def test_everything_is_as_in_the_source(variant: str, source: tuple[Path, dict[str, Facts]], tmp_path: Path) -> None:
    image = make(tmp_path / "image", source[0], *VARIANTS[variant])
    found = facts_of_volume(mount(FILE_SYSTEM, image))
    extra = set(found) - set(source[1])
    assert all("rr_moved" in path for path in extra)
    assert set(source[1]) <= set(found)
    for path, facts in source[1].items():
        if path != "/":
            assert known_fault(found[path]) == known_fault(facts), path


@pytest.fixture(scope="module")
def both(source: tuple[Path, dict[str, Facts]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A volume with Rock Ridge and Joliet."""
    return make(tmp_path_factory.mktemp("both") / "image", source[0], *VARIANTS["xorriso"])


def test_plain_names_are_in_small_letters_and_found_in_either_case(both: Path) -> None:
    fs = mount(FILE_SYSTEM, both, norrip="", nojoliet="")
    names = names_of(fs)
    assert {"/tiny", "/a/b/c/d/e/f/g", "/block"} <= names
    assert fs.root().lookup(b"TiNy") is fs.root().lookup(b"tiny")
    st = fs.root().lookup(b"tiny").getattr()
    assert (st.st_mode, st.st_uid, st.st_nlink, st.st_size) == (stat.S_IFREG | 0o555, 0, 1, 30)
    assert fs.root().getattr().st_mode == stat.S_IFDIR | 0o555


def test_gens_keeps_versions_and_case_and_finds_names_without(both: Path) -> None:
    fs = mount(FILE_SYSTEM, both, norrip="", nojoliet="", gens="")
    assert "/TINY.;1" in names_of(fs) or "/TINY;1" in names_of(fs)
    assert fs.root().lookup(b"tiny").getattr().st_size == 30


def test_nomaplcase_is_exact(both: Path) -> None:
    fs = mount(FILE_SYSTEM, both, norrip="", nojoliet="", nomaplcase="")
    assert fs.root().lookup(b"TINY").getattr().st_size == 30
    with pytest.raises(KernelError) as caught:
        fs.root().lookup(b"tiny")
    assert caught.value.errno == Errno.ENOENT


def test_rrcaseins(both: Path) -> None:
    with pytest.raises(KernelError):
        mount(FILE_SYSTEM, both).root().lookup(b"TINY")
    fs = mount(FILE_SYSTEM, both, rrcaseins="")
    assert fs.root().lookup(b"TINY").getattr().st_size == 30
    exact = read_all(fs, "dot.in.name.tar.gz"), read_all(fs, "DOT.in.name.tar.gz")
    assert exact == (b"a", b"b")


def test_joliet(both: Path, source: tuple[Path, dict[str, Facts]]) -> None:
    fs = mount(FILE_SYSTEM, both, norrip="")
    assert "/very/deep/name with spaces \xe9\u20ac" in names_of(fs)
    assert read_all(fs, "large") == (source[0] / "large").read_bytes()
    assert fs.root().lookup(b"tiny").getattr().st_uid == 0


def test_defaults_can_be_given(both: Path) -> None:
    fs = mount(FILE_SYSTEM, both, norrip="", uid="7", gid="8", mask="440", dirmask="550")
    st = fs.root().lookup(b"tiny").getattr()
    assert (st.st_mode & 0o7777, st.st_uid, st.st_gid) == (0o440, 7, 8)
    assert fs.root().getattr().st_mode & 0o7777 == 0o550


def test_refusals(both: Path) -> None:
    assert refusal(both, nonsense="1").errno == Errno.EINVAL
    assert refusal(both, uid="x").errno == Errno.EINVAL
    assert refusal(both, sector="7").errno == Errno.EINVAL
    assert refusal(bytes(100)).errno == Errno.EINVAL
    assert refusal(bytes(100_000)).errno == Errno.EINVAL
    with pytest.raises(KernelError) as caught:
        FILE_SYSTEM.mount(MountRequest(MappedDevice(both), readonly=False), Environment())
    assert caught.value.errno == Errno.EROFS
    assert FILE_SYSTEM.probe is not None
    assert FILE_SYSTEM.probe(MappedDevice(both))
    assert not FILE_SYSTEM.probe(MappedDevice(bytes(100_000)))


def test_readdir_goes_on_at_every_cookie(both: Path) -> None:
    for options in ({}, {"norrip": ""}, {"norrip": "", "nojoliet": ""}):
        many = mount(FILE_SYSTEM, both, **options).root().lookup(b"many")
        entries = list(many.readdir(0))
        assert len(entries) == 122
        for number, entry in enumerate(entries):
            assert list(many.readdir(entry.cookie)) == entries[number + 1 :]


def test_vnodes_and_numbers_are_stable(both: Path) -> None:
    fs = mount(FILE_SYSTEM, both)
    small = fs.root().lookup(b"small")
    assert fs.root().lookup(b"hard") is small
    very = fs.root().lookup(b"very")
    assert very.lookup(b"deep").parent() is very
    assert fs.vget(very.fileno, 0) is very
    assert mount(FILE_SYSTEM, both).root().lookup(b"small").fileno == small.fileno
    with pytest.raises(KernelError) as caught:
        fs.vget(40_000, 0)
    assert caught.value.errno == Errno.ESTALE
    by_entry = {entry.name: entry.fileno for entry in fs.root().readdir(0)}
    assert all(
        fs.root().lookup(name).fileno == number for name, number in by_entry.items() if name not in (b".", b"..")
    )


def test_relocated_directories_are_where_they_belong(source: tuple[Path, dict[str, Facts]], tmp_path: Path) -> None:
    fs = mount(FILE_SYSTEM, make(tmp_path / "image", source[0], *VARIANTS["genisoimage relocated"]))
    node = fs.root()
    for name in b"abcdefghijklm":
        below = node.lookup(bytes((name,)))
        assert below.parent() is node
        node = below
    assert read_all(fs, "a/b/c/d/e/f/g/h/i/j/k/l/m/at the bottom")


def test_zisofs(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    content = b"".join(bytes((number % 251,)) * 1000 for number in range(300)) + bytes(900_000) + os.urandom(70_001)
    (tmp_path / "s" / "file").write_bytes(content)
    image = tmp_path / "image"
    run("xorriso", "-outdev", image, "-map", tmp_path / "s", "/", "-set_filter_r", "--zisofs", "/", "--", "-commit")
    assert image.stat().st_size < len(content) - 400_000
    fs = mount(FILE_SYSTEM, image)
    node = fs.root().lookup(b"file")
    assert node.getattr().st_size == len(content)
    assert read_all(fs, "file") == content
    for offset, length in ((0, 10), (32_760, 20), (299_990, 100_000), (len(content) - 3, 10), (len(content), 5)):
        assert bytes(node.read(offset, length)) == content[offset : offset + length]


def test_the_last_session_begins_at_a_sector(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("first")
    image = tmp_path / "image"
    run("xorriso", "-outdev", image, "-map", tmp_path / "one", "/one", "-commit")
    (tmp_path / "two").write_text("second")
    first = os.path.getsize(image)
    run("xorriso", "-dev", image, "-map", tmp_path / "two", "/two", "-commit")
    listing = run("xorriso", "-indev", image, "-toc")
    sectors = [line.split(",")[1].split()[0] for line in listing.splitlines() if "ISO session  :" in line]
    assert os.path.getsize(image) > first
    assert len(sectors) == 2, listing
    names = [names_of(mount(FILE_SYSTEM, image, sector=sector)) for sector in sectors]
    assert names == [{"/", "/one"}, {"/", "/one", "/two"}]


class Plain:
    """A volume without extensions, made by hand: descriptors, the root in sector 18, contents from 20 on."""

    def __init__(self, block_size: int = 2048) -> None:
        self.block_size = block_size
        self.data = bytearray(24 * 2048)
        self.records = b""
        self.add(b"\0", 18, 2048, flags=2)
        self.add(b"\1", 18, 2048, flags=2)

    def add(
        self, name: bytes, sector: int, size: int, *, flags: int = 0, xar: int = 0, unit: int = 0, gap: int = 0
    ) -> None:
        raw = bytearray(encode.record(name, sector * 2048 // self.block_size, size, 10**18, flags))
        raw[1], raw[26], raw[27] = xar, gap, gap
        self.records += raw

    def put(self, sector: int, content: bytes) -> None:
        self.data[sector * 2048 : sector * 2048 + len(content)] = content

    def finish(self) -> bytes:
        descriptor = bytearray(2048)
        descriptor[:6] = b"\1CD001"
        descriptor[80:88] = encode.both32(len(self.data) // self.block_size)
        descriptor[128:132] = encode.both16(self.block_size)
        descriptor[156:190] = self.records[:34]
        self.put(16, descriptor)
        self.put(17, b"\xffCD001")
        self.put(18, self.records)
        return bytes(self.data)


@pytest.mark.parametrize("block_size", [512, 1024, 2048])
def test_block_sizes_versions_and_associated_files(block_size: int) -> None:
    volume = Plain(block_size)
    volume.add(b"DOT.;1", 20, 5)
    volume.add(b"FILE.TXT;1", 21, 3, flags=4)
    volume.add(b"FILE.TXT;3", 20, 5)
    volume.add(b"FILE.TXT;2", 21, 3)
    for number in range(20):  # some lie across the ends of blocks of 512
        volume.add(b"N%03d.;1" % number, 21, 3)
    volume.add(b"OTHER.TXT;1", 21, 3)
    volume.put(20, b"hello")
    volume.put(21, b"bye")
    image = volume.finish()
    fs = mount(FILE_SYSTEM, image)
    numbered = {f"/n{number:03}" for number in range(20)}
    assert names_of(fs) == {"/", "/dot", "/=file.txt", "/file.txt", "/other.txt"} | numbered
    assert read_all(fs, "file.txt") == b"hello"
    assert read_all(fs, "other.txt") == b"bye"
    assert fs.statvfs().f_bsize == block_size
    root = fs.root()
    entries = list(root.readdir(0))
    for number, entry in enumerate(entries):
        assert list(root.readdir(entry.cookie)) == entries[number + 1 :]
    fs = mount(FILE_SYSTEM, image, gens="yes")
    assert {"/FILE.TXT;3", "/FILE.TXT;2", "/DOT.;1"} <= names_of(fs)
    assert read_all(fs, "FILE.TXT;2") == b"bye"
    assert read_all(fs, "file.txt") == b"hello"
    assert read_all(fs, "dot") == b"hello"


def test_extended_attribute_records() -> None:
    """One block before the contents: owner, group, forbidden permissions, dates."""
    volume = Plain()
    volume.add(b"FILE.;1", 20, 5, xar=1)
    owner = encode.both16(12) + encode.both16(34) + (0xFFFF & ~0x0110).to_bytes(2, "big")
    volume.put(20, owner + encode.long_date(10**18) + encode.long_date(2 * 10**18))
    volume.put(21, b"hello")
    image = volume.finish()
    plain = mount(FILE_SYSTEM, image).root().lookup(b"file").getattr()
    assert (plain.st_uid, plain.st_mode & 0o777, plain.st_mtime_ns) == (0, 0o555, 10**18)
    fs = mount(FILE_SYSTEM, image, extatt="")
    assert read_all(fs, "file") == b"hello"
    found = fs.root().lookup(b"file").getattr()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (12, 34, 0o440)
    assert (found.st_birthtime_ns, found.st_mtime_ns) == (10**18, 2 * 10**18)


def test_interleaved_files_are_refused_when_they_are_read() -> None:
    volume = Plain()
    volume.add(b"FILE.;1", 20, 5, gap=1)
    node = mount(FILE_SYSTEM, volume.finish()).root().lookup(b"file")
    assert node.getattr().st_size == 5
    with pytest.raises(KernelError) as caught:
        node.read(0, 5)
    assert caught.value.errno == Errno.EOPNOTSUPP


def test_sections_that_do_not_end() -> None:
    volume = Plain()
    volume.add(b"FILE.;1", 20, 5, flags=0x80)
    volume.add(b"OTHER.;1", 20, 5)
    with pytest.raises(KernelError) as caught:
        list(mount(FILE_SYSTEM, volume.finish()).root().readdir(0))
    assert caught.value.errno == Errno.EIO


def test_high_sierra_is_named() -> None:
    data = bytearray(Plain().finish())
    data[16 * 2048 : 16 * 2048 + 20] = bytes(9) + b"CDROM" + bytes(6)
    error = refusal(data)
    assert error.errno == Errno.EINVAL
    assert "High Sierra" in error.text
