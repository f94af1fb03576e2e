"""A small certificate authority and keys for tokens: for trying out, for tests, and for busses between components.

A folder holds ``ca.pem`` and ``ca.key``, and for each name ``NAME.pem`` and ``NAME.key``; for tokens ``keys.json`` (the
public half, JWKS) and ``jwt.key``. Private keys have mode 0600, the folder 0700. TLS has ECDSA P-256, tokens Ed25519.
"""

from __future__ import annotations

import datetime as dt
import errno
import ipaddress
import json
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DAYS = 90
CA_DAYS = 3650
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Authority:
    """The authority in a folder. FileNotFoundError when there is none (`create` makes it), OSError for no name."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._ca_key = _read_key(self.folder / "ca.key")
        self._ca = _load(self.folder / "ca.pem")

    @classmethod
    def create(cls, folder: str | Path) -> Authority:
        """A new authority. FileExistsError when the folder has one."""
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519

        folder = Path(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        _write_key(folder / "ca.key", key)
        name = f"rump authority {secrets.token_hex(4)}"
        (folder / "ca.pem").write_bytes(_certificate(name, key.public_key(), key, name, [], CA_DAYS, ca=True))
        signing = ed25519.Ed25519PrivateKey.generate()
        _write_key(folder / "jwt.key", signing)
        (folder / "keys.json").write_text(_jwks(signing))
        return cls(folder)

    def server(self, name: str, hosts: Sequence[str] = ()) -> Path:
        """A certificate for a server at these hosts (localhost and its addresses if none are given)."""
        return self._issue(name, [_host(host) for host in hosts or ("localhost", "127.0.0.1", "::1")])

    def client(self, name: str, uris: Sequence[str] = (), days: float = DAYS) -> Path:
        """A certificate for a client; ``uris`` are its SPIFFE ids."""
        from cryptography import x509

        for uri in uris:
            if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[!-~]+", uri):
                raise OSError(errno.EINVAL, f"not a URI: {uri!r}")
        return self._issue(name, [x509.UniformResourceIdentifier(uri) for uri in uris], days)

    def peer(self, name: str) -> Path:
        """A certificate for both ends of a bus."""
        return self._issue(name, [_host(host) for host in ("localhost", "127.0.0.1", "::1")])

    def token(self, subject: str, issuer: str, audience: str, seconds: float, **claims: Any) -> str:
        """A signed token, with an id so that it can be for one use."""
        import jwt

        now = dt.datetime.now(dt.UTC)
        body = {"sub": subject, "iss": issuer, "aud": audience, "iat": now, "nbf": now,
                "exp": now + dt.timedelta(seconds=seconds), "jti": secrets.token_hex(16), **claims}  # fmt: skip
        key = _read_key(self.folder / "jwt.key")
        kid = json.loads((self.folder / "keys.json").read_text())["keys"][0]["kid"]
        return jwt.encode(body, key, algorithm="EdDSA", headers={"kid": kid})

    def _issue(self, name: str, names: list[Any], days: float = DAYS) -> Path:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        if not _NAME.fullmatch(name) or name in ("ca", "jwt"):
            raise OSError(errno.EINVAL, f"not a name for a file: {name!r}")
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self._ca.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
        path = self.folder / f"{name}.pem"
        _write_key(self.folder / f"{name}.key", key)
        path.write_bytes(_certificate(name, key.public_key(), self._ca_key, str(issuer), names, days))
        return path


def _certificate(
    name: str, public: Any, signer: Any, issuer: str, names: list[Any], days: float, *, ca: bool = False
) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    now = dt.datetime.now(dt.UTC)
    subject, by = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, issuer))
    builder = (
        x509.CertificateBuilder(by, subject, public, x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _host(host: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _jwks(signing: Any) -> str:
    import jwt

    key = jwt.algorithms.OKPAlgorithm.to_jwk(signing.public_key(), as_dict=True)
    return json.dumps({"keys": [{**key, "kid": secrets.token_hex(4), "alg": "EdDSA", "use": "sig"}]}, indent=2) + "\n"


def _write_key(path: Path, key: Any) -> None:
    """FileExistsError: a key is never overwritten."""
    from cryptography.hazmat.primitives import serialization as s

    pem = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(pem)


def _read_key(path: Path) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(path.read_bytes(), None)


def _load(path: Path) -> Any:
    from cryptography import x509

    return x509.load_pem_x509_certificate(path.read_bytes())
