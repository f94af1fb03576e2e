"""Sound discs, ISO 9660 and UDF, that hostile ones are made of; the programs of the host make them."""

from __future__ import annotations

import binascii
import os
import struct
import subprocess
import tempfile
from pathlib import Path

from tests.ext4_images import run
from tests.fuzz.mutation import Area, Seed, fields, filled, numbers, record
from tests.tools import need

_CLOCK = {"SOURCE_DATE_EPOCH": "1700000000"}


OPTIONS = {"joliet": {"norrip": ""}, "plain": {"norrip": "", "nojoliet": ""}}
_ISO_TOOLS = {
    "rock ridge": ("xorriso", "-as", "mkisofs", "-R", "-J"),
    "relocated": ("genisoimage", "-quiet", "-R"),
    "joliet": ("xorriso", "-as", "mkisofs", "-R", "-J"),
    "plain": ("genisoimage", "-quiet", "-R"),
}


def _disc(*command: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder) / "source"
        _fill_folder(top)
        words = [need(command[0]), *command[1:], "-o", f"{folder}/image", str(top)]
        subprocess.run(words, env={**os.environ, **_CLOCK}, check=True, capture_output=True)
        return (Path(folder) / "image").read_bytes().rstrip(b"\0") + bytes(65536)


def _fill_folder(top: Path) -> None:
    deep = top.joinpath("a", *"bcdefghi")
    deep.mkdir(parents=True)
    (deep / "at the bottom").write_bytes(b"x" * 3000)
    for number in range(12):
        (top / f"File number {number}.tar.gz").write_bytes(b"y" * number * 700)
    (top / ("n" * 200)).write_text("z")
    (top / "link").symlink_to("/some/where/../" + "x" * 40)
    (top / "back").symlink_to("../../..")
    os.chmod(top / "File number 3.tar.gz", 0o4755)
    for path in sorted(top.rglob("*")):
        os.utime(path, (1_600_000_000, 1_600_000_000), follow_symlinks=False)


def iso() -> list[Seed]:
    return [_iso(name, _disc(*command)) for name, command in _ISO_TOOLS.items()]


def _iso(name: str, clean: bytes) -> Seed:
    sectors = filled(clean, 2048, 16 * 2048)
    volumes = [at for at in sectors if clean[at + 1 : at + 6] == b"CD001"]
    others = [at for at in sectors if at not in volumes]
    records = [at for sector in others for at in _records(clean, sector)]
    names = [at for sector in others for at in range(sector, sector + 2040) if _is_susp(clean, at)]
    return Seed(
        name,
        clean,
        [
            record("BBIIII7sBBBHHB", records),
            Area(records, [(0, 1), (2, 4), (10, 4), (25, 1), (32, 1)], 34),
            Area(names, [(2, 1), (3, 1), (4, 1), (4, 4), (5, 1), (6, 1), (8, 4), (12, 4), (20, 4)], 28),
            numbers(others, 2048, 2),
        ],
        [record("B5sBB32s32s8xII32sHHHHHHIIIIIII34s", volumes), numbers(volumes, 256, 4)],
    )


def _records(clean: bytes, sector: int) -> list[int]:
    found, at = [], sector
    while at < sector + 2048 and clean[at] >= 34 and clean[at + 2 : at + 6] == clean[at + 6 : at + 10][::-1]:
        found.append(at)
        at += clean[at]
    return found


def _is_susp(clean: bytes, at: int) -> bool:
    known = (b"RR", b"PX", b"TF", b"NM", b"SL", b"CE", b"SP", b"ER", b"ST", b"CL", b"PL", b"RE", b"PN")
    return clean[at : at + 2] in known and clean[at + 3] == 1


def universal() -> list[Seed]:
    bridge = _udf("bridge", _disc("genisoimage", "-quiet", "-R", "-udf"), 2048)
    return [bridge, *(_fresh_udf(media) for media in ("hd", "cdr"))]


def _fresh_udf(media: str) -> Seed:
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(1 << 20)
        run("mkudffs", f"--media-type={media}", "--uuid=0011223344556677", file.name)
        clean = Path(file.name).read_bytes()
    if media == "cdr":
        clean = clean[: -(-len(clean.rstrip(b"\0")) // 2048) * 2048]
    return _udf(media, clean, 512 if media == "hd" else 2048)


_UDF_KINDS = {*range(1, 10), *range(256, 267)}


def _udf(name: str, clean: bytes, sector: int) -> Seed:
    tagged = [at for at in range(0, len(clean) - 511, sector) if _is_tagged(clean, at)]
    names = [at for at in range(0, len(clean) - 40, 4) if _is_tagged(clean, at) and clean[at : at + 2] == b"\1\1"]
    entries = [at for at in tagged if struct.unpack_from("<H", clean, at)[0] in (261, 266)]
    others = [at for at in tagged if at not in entries]

    def seal(data: bytearray) -> None:
        for at in [*tagged, *names]:
            _seal_udf(data, at)

    areas = [
        Area(entries, fields("16xIHHBBHBBIHBBIIIHBBIQQ12s12s12sII4I32sQIIIIIIII"), 216),
        Area(entries, [(18, 2), (27, 1), (34, 2), (56, 8), (168, 4), (172, 4), (176, 4), (180, 4)], 216),
        numbers(others, 256),
    ]
    if names:
        areas += [Area(names, fields("16xHBBIIHIHB"), 40)] * 2
    return Seed(name, clean, areas, [Area(others, fields("16x60I"), 256), Area(tagged, [(0, 2), (2, 2)], 16)], seal)


def _is_tagged(clean: bytes, at: int) -> bool:
    return clean[at + 2 : at + 4] in (b"\2\0", b"\3\0") and struct.unpack_from("<H", clean, at)[0] in _UDF_KINDS


def _seal_udf(data: bytearray, at: int) -> None:
    """Makes tag and CRC of a descriptor right again."""
    if at + 16 > len(data):
        return
    length = min(struct.unpack_from("<H", data, at + 10)[0], 2048 - 16, len(data) - at - 16)
    struct.pack_into("<HH", data, at + 8, binascii.crc_hqx(data[at + 16 : at + 16 + length], 0), length)
    data[at + 4] = (sum(data[at : at + 4]) + sum(data[at + 5 : at + 16])) & 0xFF
