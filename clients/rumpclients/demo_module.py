"""The wheel that the demo uploads: the example module of ``examples/module``, put together without tools or network."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from importlib import resources

NAME = "hellofs"
VERSION = "1.0"
WHEEL_NAME = f"{NAME}-{VERSION}-py3-none-any.whl"

_INFO = f"{NAME}-{VERSION}.dist-info"
_METADATA = f"Metadata-Version: 2.4\nName: {NAME}\nVersion: {VERSION}\nRequires-Python: >=3.11\n"
_WHEEL = "Wheel-Version: 1.0\nGenerator: rump demo\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_ENTRY_POINTS = f"[rump.modules.vfs]\n{NAME} = {NAME}:MODULE\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def wheel() -> bytes:
    """The bytes of the wheel, the same each time."""
    source = resources.files("rumpclients").joinpath(f"data/{NAME}.py").read_bytes()
    return pack(
        {
            f"{NAME}/__init__.py": source,
            f"{_INFO}/METADATA": _METADATA.encode(),
            f"{_INFO}/WHEEL": _WHEEL.encode(),
            f"{_INFO}/entry_points.txt": _ENTRY_POINTS.encode(),
        },
        f"{_INFO}/RECORD",
    )


def pack(files: dict[str, bytes], record: str) -> bytes:
    """A wheel of these files, with their digests in ``record`` (binary distribution format of the packaging guide)."""
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    listed = "\n".join([*lines, f"{record},,", ""]).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**files, record: listed}.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return target.getvalue()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
