"""Certificates for tests."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def make(folder: Path) -> Path:
    """``ca.pem``, a certificate of it for localhost, ``cert.pem`` with ``key.pem``, and a stranger's, ``other.pem``."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    _certificate(folder / "ca.pem", ca_key, ca_key, "ca")
    key = ec.generate_private_key(ec.SECP256R1())
    _certificate(folder / "cert.pem", key, ca_key, "localhost")
    _certificate(folder / "other.pem", key, key, "localhost")
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(pem)
    return folder


def _certificate(path: Path, key: Any, issuer_key: Any, name: str) -> None:
    own = key is issuer_key
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer = subject if own else x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")])
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=own, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    path.write_bytes(builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
