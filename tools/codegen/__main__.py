"""Regenerates all generated files, or compares them.

python tools/codegen              everything that needs no tools but grpcio-tools
python tools/codegen --check      says what is stale, and what breaks a released contract
python tools/codegen --languages  Go and TypeScript message classes and stubs too; needs go and node
python tools/codegen --release    makes the present contract the released one
"""

from __future__ import annotations

import re
import sys
import tempfile
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from codegen import breaking, docs, languages, model, sdk, values

WIRE = "proto/python/rumpwire"
_IMPORT = re.compile(r"^import (rump_\w+_pb2)( as \w+)?$", re.MULTILINE)


def messages() -> dict[str, str]:
    """protoc's output, with imports that work inside a package."""
    plugin = Path(sys.executable).with_name("protoc-gen-mypy")
    grpc_plugin = Path(sys.executable).with_name("protoc-gen-mypy_grpc")
    with tempfile.TemporaryDirectory() as folder:
        model.protoc(
            f"--python_out={folder}",
            f"--grpc_python_out={folder}",
            f"--plugin=protoc-gen-mypy={plugin}",
            f"--plugin=protoc-gen-mypy_grpc={grpc_plugin}",
            f"--mypy_out=quiet:{folder}",
            f"--mypy_grpc_out=quiet:{folder}",
        )
        found = {path.name: path.read_text() for path in sorted(Path(folder).iterdir())}
    return {f"{WIRE}/{name}": _packaged(text) for name, text in found.items() if not _empty_stub(name, text)}


def _empty_stub(name: str, text: str) -> bool:
    """Whether protoc wrote gRPC stubs for a file without services."""
    return "_pb2_grpc" in name and "class " not in text


def _packaged(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        return f"from rumpwire import {match[1]}{match[2] or ''}"

    return _IMPORT.sub(replace, text)


def generated() -> dict[str, str]:
    """All generated files: path from the project's root, and text."""
    contract = model.load()
    files = messages()
    files[f"{WIRE}/values.py"] = values.emit_values(contract)
    files[f"{WIRE}/calls.py"] = values.emit_calls(contract)
    files[f"{WIRE}/codec.py"] = values.emit_codec(contract)
    files |= sdk.emit(contract)
    files |= languages.emit(contract)
    files |= docs.emit(contract)
    return files


def main(arguments: list[str]) -> int:
    files = generated()
    stale = [name for name, text in files.items() if _current(name) != text]
    if "--check" in arguments:
        return _complain([f"{name} is stale: run `python tools/codegen`" for name in stale])
    for name in stale:
        path = model.ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[name])
        print(f"wrote {name}")
    print(f"{len(files)} generated files are current")
    if "--languages" in arguments:
        languages.stubs()
    if "--release" in arguments:
        breaking.release(_version())
    return 0


def _complain(stale: list[str]) -> int:
    texts = [*stale, *languages.stale(), *(f"breaks {text}" for text in breaking.check())]
    for text in texts:
        print(f"codegen: {text}", file=sys.stderr)
    return 1 if texts else 0


def _version() -> str:
    """Of the contract: major and minor of the product's."""
    project = tomllib.loads((model.ROOT / "pyproject.toml").read_text())["project"]
    return ".".join(str(project["version"]).split(".")[:2])


def _current(name: str) -> str | None:
    path = model.ROOT / name
    return path.read_text() if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
