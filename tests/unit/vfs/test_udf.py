"""UDF volumes of mkudffs filled by Linux, and of genisoimage, compared with the folder that they were made from."""

from __future__ import annotations

import binascii
import os
import stat
import struct
from pathlib import Path

import pytest

from rumpvfs.core.vnode import MountRequest, VType
from rumpvfs.fs.udf import FILE_SYSTEM
from rumpwire.errno import Errno, KernelError
from tests.ext4_images import Environment, Facts, MappedDevice, run
from tests.iso_images import facts_of_folder, facts_of_volume, fill, mount, names_of
from tests.linux_kernel import run_in_linux

FORMATS = {
    "2.01": ("--media-type=hd", "--blocksize=512"),
    "2.01 in 4 KiB": ("--media-type=hd", "--blocksize=4096"),
    "2.00 long": ("--media-type=hd", "--blocksize=2048", "--udfrev=0x0200", "--ad=long"),
    "1.50 plain entries": ("--media-type=hd", "--blocksize=512", "--udfrev=0x0150", "--ad=short", "--noefe"),
    "1.02": ("--media-type=dvdram", "--blocksize=2048", "--udfrev=0x0102"),
    "short": ("--media-type=hd", "--blocksize=1024", "--ad=short"),
    "sparable": ("--media-type=cdrw", "--blocksize=2048", "--udfrev=0x0150"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Facts]]:
    top = tmp_path_factory.mktemp("udf") / "source"
    fill(top, genisoimage=True)
    os.unlink(top / "very" / ("n" * 255))
    if (top / "large numbers").is_block_device():
        os.unlink(top / "large numbers")  # Linux writes none such into UDF
    (top / "very" / ("n" * 250)).write_text("long name")
    with (top / "holes").open("wb") as file:
        for at in (100_000, 700_000, 1_500_000):
            file.seek(at)
            file.write(os.urandom(5000))
    return top, {path: facts for path, facts in facts_of_folder(top).items() if path != "/"}


@pytest.fixture(scope="module")
def images(folder: tuple[Path, dict[str, Facts]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One volume of each format, with the folder copied in by Linux."""
    top = tmp_path_factory.mktemp("volumes")
    found = {}
    script = ""
    for number, (name, options) in enumerate(FORMATS.items()):
        image = found[name] = top / f"image{number}"
        image.touch()
        os.truncate(image, 24 << 20)
        run("mkudffs", *options, "--label=a label", image)
        device = f"/dev/ubd{'abcdefgh'[number]}"
        script += f"mount -t udf {device} /mnt/image && cp -a {folder[0]}/. /mnt/image && umount /mnt/image\n"
    run_in_linux(top, "udf", script, *found.values())
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_everything_is_as_in_the_source(
    name: str, images: dict[str, Path], folder: tuple[Path, dict[str, Facts]]
) -> None:
    found = facts_of_volume(mount(FILE_SYSTEM, images[name]))
    extra = {path for path in found if "lost+found" not in path and path != "/Non-Allocatable Space"}
    assert extra == {"/", *folder[1]}
    for path, facts in folder[1].items():
        assert found[path] == facts, path


def test_genisoimage(folder: tuple[Path, dict[str, Facts]], tmp_path: Path) -> None:
    run("genisoimage", "-quiet", "-R", "-udf", "-o", tmp_path / "image", folder[0])
    found = facts_of_volume(mount(FILE_SYSTEM, tmp_path / "image"))
    for path, facts in folder[1].items():
        if not stat.S_ISREG(facts.mode) and not stat.S_ISDIR(facts.mode):
            continue  # it writes neither links nor devices into UDF
        if path.isascii():  # without -input-charset it takes bytes for characters
            assert found[path].contents == facts.contents or stat.S_ISDIR(facts.mode), path
            assert found[path].mtime_ns == facts.mtime_ns, path


@pytest.mark.parametrize("media", ["cdr", "dvdr", "bdr"])
def test_fresh_volumes_of_other_media(media: str, tmp_path: Path) -> None:
    """They have a virtual partition, whose table is in the last block that was written."""
    image = tmp_path / "image"
    image.touch()
    os.truncate(image, 24 << 20)
    run("mkudffs", f"--media-type={media}", image)
    os.truncate(image, last_written(image))
    fs = mount(FILE_SYSTEM, image)
    assert names_of(fs) <= {"/", "/lost+found"}
    assert fs.statvfs().f_blocks > 0


def last_written(image: Path) -> int:
    data = image.read_bytes().rstrip(b"\0")
    return -(-len(data) // 2048) * 2048


def test_readdir_goes_on_at_every_cookie(images: dict[str, Path]) -> None:
    many = mount(FILE_SYSTEM, images["2.01"]).root().lookup(b"many")
    entries = list(many.readdir(0))
    assert len(entries) == 122
    for number, entry in enumerate(entries):
        assert list(many.readdir(entry.cookie)) == entries[number + 1 :]
    with pytest.raises(KernelError) as caught:
        list(many.readdir(1 << 40))
    assert caught.value.errno == Errno.EINVAL


def test_vnodes(images: dict[str, Path]) -> None:
    fs = mount(FILE_SYSTEM, images["2.01"])
    small = fs.root().lookup(b"small")
    assert fs.root().lookup(b"hard") is small
    assert fs.vget(small.fileno, 0) is small
    very = fs.root().lookup(b"very")
    assert very.lookup(b"deep").parent() is very
    assert very.parent() is fs.root()
    for number in (0, 5, 1 << 60):
        with pytest.raises(KernelError) as caught:
            fs.vget(number, 0)
        assert caught.value.errno == Errno.ESTALE
    assert fs.statvfs().f_bfree < fs.statvfs().f_blocks


def test_the_reserve_sequence_and_the_other_anchor(images: dict[str, Path]) -> None:
    clean = images["2.01"].read_bytes()
    for damage in ((256 * 512,), (257 * 512, 258 * 512, 259 * 512, 260 * 512, 261 * 512)):
        data = bytearray(clean)
        for at in damage:
            data[at : at + 512] = bytes(512)
        main = int.from_bytes(clean[256 * 512 + 20 : 256 * 512 + 24], "little")
        if len(damage) > 1:
            data[main * 512 : main * 512 + 16 * 512] = bytes(16 * 512)
        assert "/tiny" in names_of(mount(FILE_SYSTEM, data))


def test_owners_of_what_nobody_owns(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.touch()
    os.truncate(image, 8 << 20)
    run("mkudffs", "--media-type=hd", "--uid=-1", "--gid=-1", image)
    st = mount(FILE_SYSTEM, image, uid="12", gid="34").root().getattr()
    assert (st.st_uid, st.st_gid) == (12, 34)


def test_refusals(images: dict[str, Path]) -> None:
    image = images["2.01"]
    for data, options in ((image, {"x": "1"}), (image, {"uid": "-5"}), (bytes(1 << 20), {}), (bytes(100), {})):
        with pytest.raises(KernelError) as caught:
            mount(FILE_SYSTEM, data, **options)
        assert caught.value.errno == Errno.EINVAL
    with pytest.raises(KernelError) as caught:
        FILE_SYSTEM.mount(MountRequest(MappedDevice(image), readonly=False), Environment())
    assert caught.value.errno == Errno.EROFS
    assert FILE_SYSTEM.probe is not None
    assert FILE_SYSTEM.probe(MappedDevice(image))
    assert mount(FILE_SYSTEM, image).root().vtype is VType.DIR


class Bridge:
    """A volume of genisoimage that gets a second partition map, through which file set and root are found."""

    def __init__(self, folder: Path, work: Path) -> None:
        run("genisoimage", "-quiet", "-R", "-udf", "-o", work / "image", folder)
        self.data = bytearray((work / "image").read_bytes())
        anchor = 256 * 2048
        self.logical = [
            at
            for place in (16, 24)
            for length, begin in [struct.unpack_from("<II", self.data, anchor + place)]
            for at in range(begin * 2048, begin * 2048 + length, 2048)
            if self.data[at] == 6
        ]
        first = next(
            at for at in range(32 * 2048, len(self.data), 2048) if self.data[at] == 5 and self.data[at + 2] == 2
        )
        (self.start,) = struct.unpack_from("<I", self.data, first + 188)
        (self.root,) = struct.unpack_from("<I", self.data, self.at(0) + 404)

    def at(self, block: int) -> int:
        return (self.start + block) * 2048

    def seal(self, at: int, location: int | None = None) -> None:
        """Makes the tag of a descriptor right, perhaps for another place."""
        if location is not None:
            struct.pack_into("<I", self.data, at + 12, location)
        (length,) = struct.unpack_from("<H", self.data, at + 10)
        struct.pack_into("<H", self.data, at + 8, binascii.crc_hqx(bytes(self.data[at + 16 : at + 16 + length]), 0))
        self.data[at + 4] = (sum(self.data[at : at + 4]) + sum(self.data[at + 5 : at + 16])) & 0xFF

    def add_map(self, kind: bytes, *rest: int, file_set: int) -> None:
        raw = bytes((2, 64, 0, 0, 0)) + kind.ljust(23, b"\0") + bytes(8) + struct.pack("<HH", 1, 0)
        raw += struct.pack(f"<{len(rest)}I", *rest)
        for at in self.logical:
            struct.pack_into("<II", self.data, at + 264, 70, 2)
            self.data[at + 446 : at + 510] = raw.ljust(64, b"\0")
            struct.pack_into("<H", self.data, at + 10, 510 - 16)
            struct.pack_into("<IH", self.data, at + 252, file_set, 1)
            self.seal(at)

    def file_entry(self, block: int, kind: int, size: int, addresses: bytes) -> bytes:
        raw = bytearray(
            struct.pack("<HHBBHHHI", 261, 2, 0, 0, 0, 176 + len(addresses) - 16, 0, block).ljust(176, b"\0")
        )
        struct.pack_into("<IHHHBB", raw, 16, 0, 4, 0, 1, 0, kind)
        struct.pack_into("<Q", raw, 56, size)
        struct.pack_into("<I", raw, 172, len(addresses))
        return bytes(raw + addresses).ljust(2048, b"\0")


def test_a_virtual_partition(folder: tuple[Path, dict[str, Facts]], tmp_path: Path) -> None:
    """The table is the identity but for blocks 650 and 651, which are the file set and the root."""
    bridge = Bridge(folder[0], tmp_path)
    plain = names_of(mount(FILE_SYSTEM, bytes(bridge.data)))
    bridge.add_map(b"*UDF Virtual Partition", file_set=650)
    struct.pack_into("<IH", bridge.data, bridge.at(0) + 404, 651, 1)
    bridge.seal(bridge.at(0), 650)
    bridge.seal(bridge.at(bridge.root), 651)
    table = [*range(650), 0, bridge.root]
    raw = struct.pack(f"<HH{len(table) + 37}I", 152, 0, *[0] * 37, *table)
    block = len(bridge.data) // 2048 - bridge.start + 1
    bridge.data += raw.ljust(4096, b"\0")
    entry = bridge.file_entry(block + 1, 248, len(raw), struct.pack("<II", len(raw), block - 1))
    bridge.data += entry
    bridge.seal(len(bridge.data) - 2048, block + 1)
    for at in range(32 * 2048, bridge.at(0), 2048):  # the partition has grown
        if bridge.data[at] == 5 and bridge.data[at + 1] == 0 and bridge.data[at + 2] == 2:
            struct.pack_into("<I", bridge.data, at + 192, block + 2)
            bridge.seal(at)
    assert names_of(mount(FILE_SYSTEM, bridge.data)) == plain


def test_a_metadata_partition(folder: tuple[Path, dict[str, Facts]], tmp_path: Path) -> None:
    """The metadata file has blocks 20 to 40 before blocks 0 to 20. Its first entry is damaged: the mirror serves."""
    bridge = Bridge(folder[0], tmp_path)
    plain = names_of(mount(FILE_SYSTEM, bytes(bridge.data)))
    assert bridge.root < 20
    mirror = len(bridge.data) // 2048 - bridge.start
    bridge.add_map(b"*UDF Metadata Partition", mirror - 1, mirror, 0xFFFFFFFF, file_set=20)
    struct.pack_into("<IH", bridge.data, bridge.at(0) + 404, bridge.root + 20, 1)
    bridge.seal(bridge.at(0), 20)
    root = bridge.at(bridge.root)
    (attributes,) = struct.unpack_from("<I", bridge.data, root + 168)
    (block,) = struct.unpack_from("<I", bridge.data, root + 176 + attributes + 4)
    struct.pack_into("<I", bridge.data, root + 176 + attributes + 4, block + 20 if block < 20 else block - 20)
    bridge.seal(root, bridge.root + 20)
    addresses = struct.pack("<IIII", 20 * 2048, 20, 20 * 2048, 0)
    bridge.data += bridge.file_entry(mirror, 251, 40 * 2048, addresses)
    bridge.seal(len(bridge.data) - 2048)
    for at in range(32 * 2048, bridge.at(0), 2048):
        if bridge.data[at] == 5 and bridge.data[at + 1] == 0 and bridge.data[at + 2] == 2:
            struct.pack_into("<I", bridge.data, at + 192, mirror + 1)
            bridge.seal(at)
    assert names_of(mount(FILE_SYSTEM, bridge.data)) == plain
