"""rump.vnconfig, rump.cgdconfig and rump.raidctl on a kernel in this process."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rump
from rumpclients import _cgd_verify, cgdconfig, raidctl, vnconfig
from rumpclients._cgd_params import KEYGENS, VERIFY, KeyGen, Params, decode_bits, encode_bits
from rumpclients._command import CommandError
from rumpclients._disk import raw
from rumpclients._raid_conf import parse

MIB = 1 << 20
FAST = """
# as cgdconfig -g writes it, but quicker
algorithm aes-xts;
iv-method encblkno1;
keylength 256;
verify_method {verify};
keygen pkcs5_pbkdf2/sha1 {{
        iterations 10;
        salt AAAAgMoHiYonye6KogdYJAobCHE=;
}};
"""


@pytest.fixture
def k(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=("vfs", "dev")) as kernel:
        for number in range(4):
            (tmp_path / f"disk{number}").write_bytes(bytes(2 * MIB))
            kernel.pub.etfs_register(f"/dev/disk{number}", str(tmp_path / f"disk{number}"), type="blk")
        monkeypatch.setattr(rump, "connect", lambda *args, **kwargs: kernel.attach())
        yield kernel


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    return lambda: capsys.readouterr().out


def enter(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_names_of_devices() -> None:
    for name in ("cgd0", "cgd0d", "/dev/cgd0d", "/dev/rcgd0d", "rcgd0"):
        assert raw(name) == "/dev/rcgd0d"
    assert raw("raid1") == "/dev/rraid1d"


# -- vnconfig


def test_vnconfig(k: rump.Kernel, out: Callable[[], str], capsys: pytest.CaptureFixture[str]) -> None:
    assert vnconfig.main(["-v", "vnd0", "/dev/disk0"]) == 0
    assert out() == f"/dev/rvnd0d: {2 * MIB} bytes on /dev/disk0\n"
    assert vnconfig.main(["-l"]) == 0
    assert out().startswith("vnd0: /dev/disk0 (dev ")
    assert vnconfig.main(["vnd0", "/dev/disk1"]) == 1
    assert "busy" in capsys.readouterr().err
    assert vnconfig.main(["-u", "vnd0"]) == 0
    assert vnconfig.main(["-l", "vnd0"]) == 0
    assert out() == "vnd0: not in use\n"
    assert vnconfig.main(["-u"]) == 2
    assert vnconfig.main(["vnd0"]) == 2


# -- cgdconfig


def test_cgdconfig(k: rump.Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, out: Callable[[], str]) -> None:
    (tmp_path / "params").write_text(FAST.format(verify="none"))
    words = ["-p", "cgd0", "/dev/disk0", str(tmp_path / "params")]
    enter(monkeypatch, b"secret\n")
    assert cgdconfig.main(words) == 0
    with k.open("/dev/rcgd0d", "r+b", buffering=0) as file:
        file.write(bytes(446) + bytes(64) + b"\x55\xaa")
    assert cgdconfig.main(["-l", "-v"]) == 0
    assert out() == "cgd0: /dev/disk0 aes-xts 256 bits encblkno1 sectors of 512\n"
    assert cgdconfig.main(["-u", "cgd0"]) == 0

    for passphrase, verify, status in ((b"secret", "mbr", 0), (b"wrong", "mbr", 1), (b"secret", "gpt", 1)):
        enter(monkeypatch, passphrase + b"\n")
        assert cgdconfig.main(["-V", verify, *words]) == status
        assert cgdconfig.main(["-u", "cgd0"]) == status, "verification that failed leaves nothing configured"


@pytest.mark.parametrize("verify", ["disklabel", "ffs", "gpt", "mbr"])
def test_verification_fails_on_an_empty_disk(
    k: rump.Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verify: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "params").write_text(FAST.format(verify=verify))
    enter(monkeypatch, b"secret\n")
    assert cgdconfig.main(["-p", "cgd0", "/dev/disk0", str(tmp_path / "params")]) == 1
    assert "verification failed" in capsys.readouterr().err


def test_a_person_may_try_again(k: rump.Kernel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "params").write_text(FAST.format(verify="mbr"))
    key = hashlib.pbkdf2_hmac("sha1", b"right", decode_bits("AAAAgMoHiYonye6KogdYJAobCHE="), 10, 32)
    enter(monkeypatch, key)
    assert cgdconfig.main(["-s", "cgd0", "/dev/disk0", "aes-xts"]) == 0
    with k.open("/dev/rcgd0d", "r+b", buffering=0) as file:
        file.write(bytes(510) + b"\x55\xaa")
    assert cgdconfig.main(["-u", "cgd0"]) == 0
    entered = iter(["wrong", "right"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(entered))
    assert cgdconfig.main(["cgd0", "/dev/disk0", str(tmp_path / "params")]) == 0


def test_all_of_a_file(k: rump.Kernel, tmp_path: Path, out: Callable[[], str]) -> None:
    (tmp_path / "params").write_text(f"algorithm aes-cbc; keygen storedkey key {encode_bits(bytes(16))};")
    (tmp_path / "conf").write_text(f"# comment\ncgd0 /dev/disk0 {tmp_path}/params\n")
    assert cgdconfig.main(["-C", "-f", str(tmp_path / "conf")]) == 0
    assert cgdconfig.main(["-l"]) == 0
    assert out() == "cgd0: /dev/disk0\n"
    assert cgdconfig.main(["-U", "-f", str(tmp_path / "conf")]) == 0
    assert cgdconfig.main(["-l"]) == 0
    assert out() == ""


def test_new_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    monkeypatch.setattr("rumpclients._cgd_params.ITERATIONS", 10)
    assert cgdconfig.main(["-g", "-V", "gpt", "-o", old, "aes-xts", "512"]) == 0
    assert os.stat(old).st_mode & 0o777 == 0o600
    assert cgdconfig.main(["-g", "-o", old, "aes-xts"]) == 1, "none is written over"
    enter(monkeypatch, b"one\ntwo\n")
    assert cgdconfig.main(["-G", "-p", "-o", new, old]) == 0
    first, second = (Params.parse(Path(name).read_text()) for name in (old, new))
    assert (second.algorithm, second.bits, second.verify) == ("aes-xts", 512, "gpt")
    assert first.key(lambda: b"one", os.urandom) == second.key(lambda: b"two", os.urandom)
    assert cgdconfig.main(["-g", "-k", "urandomkey", "aes-cbc", "256"]) == 0
    assert "keylength 256;\nverify_method none;\nkeygen urandomkey;" in capsys.readouterr().out
    assert cgdconfig.main(["-g", "rot13"]) == 1


def test_the_key_of_a_file() -> None:
    params = Params.parse(FAST.format(verify="none"))
    salt = base64.b64decode("AAAAgMoHiYonye6KogdYJAobCHE=")[4:]
    assert params.key(lambda: b"x", os.urandom) == hashlib.pbkdf2_hmac("sha1", b"x", salt, 10, 32)
    params.keygens.append(KeyGen("shell_cmd", {"cmd": "head -c 32 /dev/zero"}))
    assert params.key(lambda: b"x", os.urandom) == hashlib.pbkdf2_hmac("sha1", b"x", salt, 10, 32)


VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.builds(KeyGen, st.sampled_from(KEYGENS), st.dictionaries(st.sampled_from("ab"), VALUES)), min_size=1),
    st.sampled_from(VERIFY),
    st.integers(1, 128),
)
def test_what_is_written_is_read(keygens: list[KeyGen], verify: str, size: int) -> None:
    params = Params("aes-xts", "encblkno1", size * 8, verify, keygens)
    assert Params.parse(params.emit()) == params


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from('algorithm keygen{};"#\\\n 12'), max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    for reader in (Params.parse, lambda text: parse(text, force=False)):
        with pytest.raises(CommandError):
            reader(text)


@pytest.mark.parametrize(
    "text",
    [
        "algorithm aes-cbc;",
        "algorithm aes-cbc; keygen nothing;",
        "algorithm aes-cbc; keylength 12; keygen randomkey;",
        "algorithm aes-cbc; keylength 99999999; keygen randomkey;",
        "algorithm aes-cbc; verify_method luck; keygen randomkey;",
        "algorithm aes-cbc; colour red; keygen randomkey;",
        "algorithm aes-cbc keygen randomkey;",
        "algorithm aes-cbc; keygen storedkey { key AAAA",
    ],
)
def test_files_that_are_wrong(text: str) -> None:
    with pytest.raises(CommandError):
        Params.parse(text)


def test_what_is_verified() -> None:
    label = bytearray(8192)
    struct.pack_into("<I", label, 512, _cgd_verify.LABEL_MAGIC)
    struct.pack_into("<I", label, 512 + 132, _cgd_verify.LABEL_MAGIC)
    struct.pack_into("<H", label, 512 + 138, 8)
    mixed = 0
    for (word,) in struct.iter_unpack("<H", label[512 : 512 + 148 + 128]):
        mixed ^= word
    struct.pack_into("<H", label, 512 + 136, mixed)
    ffs = bytearray(1 << 17)
    struct.pack_into(">I", ffs, 65536 + 1372, 0x19540119)
    disks = {"disklabel": label, "ffs": ffs, "gpt": bytes(512) + b"EFI PART".ljust(512, b"\0")}
    for name, disk in disks.items():
        found = [m for m, check in _cgd_verify.METHODS.items() if check(lambda at, n, d=disk: bytes(d[at : at + n]))]
        assert found == [name]


# -- raidctl


CONF = """
START array
# columns, spares
3 1
START disks
/dev/disk0
/dev/disk1
/dev/disk2
START spare
/dev/disk3
START layout
32 1 1 5
START queue
fifo 100
"""


def test_raidctl(k: rump.Kernel, tmp_path: Path, out: Callable[[], str], capsys: pytest.CaptureFixture[str]) -> None:
    conf = tmp_path / "raid0.conf"
    conf.write_text(CONF)
    assert raidctl.main(["-s", "raid0"]) == 0
    assert out() == "/dev/rraid0d: not configured\n"
    assert raidctl.main(["-c", str(conf), "raid0"]) == 1
    assert "no component has a label" in capsys.readouterr().err
    assert raidctl.main(["-C", str(conf), "raid0"]) == 0
    assert raidctl.main(["-v", "-P", "raid0"]) == 0
    assert out().startswith("/dev/rraid0d: Parity status: DIRTY\n/dev/rraid0d: Initiating re-write of parity\n")
    assert raidctl.main(["-p", "raid0"]) == 0
    assert out() == "/dev/rraid0d: Parity status: clean\n"
    assert raidctl.main(["-v", "-F", "/dev/disk1", "raid0"]) == 0
    out()
    assert raidctl.main(["-s", "raid0"]) == 0
    assert "/dev/disk3: used_spare" in out()
    assert raidctl.main(["-r", "/dev/disk3", "raid0"]) == 1
    assert raidctl.main(["-a", "/dev/disk1", "raid0"]) == 0, "it is free again"
    assert raidctl.main(["-v", "-R", "/dev/disk0", "raid0"]) == 0
    assert raidctl.main(["-f", "component2", "raid0"]) == 0
    assert raidctl.main(["-f", "/dev/none", "raid0"]) == 2
    out()
    assert raidctl.main(["-S", "raid0"]) == 0
    assert out() == "Reconstruction is 100% complete.\nParity re-write is 100% complete.\n"
    assert raidctl.main(["-s", "--json", "raid0"]) == 0
    assert '"status": "failed"' in out()
    assert raidctl.main(["-u", "raid0"]) == 0
    assert raidctl.main(["-u", "raid0"]) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [("3 1", "2 1"), ("3 1", "2 3 1"), ("32 1 1 5", "32 5"), ("START array", "START arrray"), ("3 1", "three one")],
)
def test_configurations_that_are_wrong(old: str, new: str) -> None:
    assert parse(CONF, force=False).devnames == [b"/dev/disk0", b"/dev/disk1", b"/dev/disk2"]
    assert parse(CONF.replace("3 1", "1 3 1"), force=True).force
    with pytest.raises(CommandError):
        parse(CONF.replace(old, new, 1), force=False)
