"""Signatures of wheels, and the files of keys, against openssl."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from rumpuser import signing
from rumpwire.errno import KernelError
from tests.tools import need


def test_a_signature_goes_through_its_file() -> None:
    key = signing.generate()
    signed = signing.sign(key, b"wheel")
    assert signing.Signature.parse(signed.emit()) == signed
    assert signed.public_key == signing.public_key(key)
    signing.verify(b"wheel", signed, [signed.public_key])


def test_rfc_8032_keys() -> None:
    """The key pair of RFC 8032, 7.1, test 1."""
    key = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert signing.public_key(key) == public


def test_key_files(tmp_path: Path) -> None:
    path = str(tmp_path / "key.pem")
    key = signing.generate()
    signing.save_key(path, key)
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert signing.load_key(path) == key
    with pytest.raises(FileExistsError):
        signing.save_key(path, key)


@pytest.mark.parametrize("junk", [b"", b"junk", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_files_that_hold_no_key(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(junk)
    with pytest.raises(KernelError, match="EINVAL"):
        signing.load_key(str(path))


def test_keys_of_openssl(tmp_path: Path) -> None:
    openssl = need("openssl")
    path = str(tmp_path / "key.pem")
    subprocess.run([openssl, "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
    der = subprocess.run([openssl, "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True)
    assert der.stdout[-32:] == signing.public_key(signing.load_key(path))
    subprocess.run([openssl, "genpkey", "-algorithm", "x25519", "-out", path], check=True)
    with pytest.raises(KernelError, match="not an ed25519 key"):
        signing.load_key(path)
