"""The SDKs of other languages.

Calls and constants are emitted here, from the contract (`emit`). Message classes and stubs come from each language's
own protoc plugin, which not every machine has: `stubs` makes them anew, and `emit` records of which contract they are,
so that ``--check`` tells when they are stale without the plugins.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2

from codegen import golang, model, scalars, typescript
from codegen.model import Contract

PUBLIC = [name for name in model.FILES if name != "rump_bus.proto"]
"""What clients need; calls between components are not for them."""
GO_PLUGINS = (
    "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.11",
    "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.0",
)
GO_STUBS = model.ROOT / "sdk/go/rumpsp"
TS_STUBS = model.ROOT / "sdk/typescript/src/gen"
TS_PLUGIN = model.ROOT / "sdk/typescript/node_modules/.bin/protoc-gen-ts_proto"
TS_OPTIONS = (
    "env=node", "esModuleInterop=true", "importSuffix=.js", "forceLong=bigint", "oneof=unions-value",
    "outputServices=grpc-js", "outputClientImpl=false", "outputJsonMethods=false", "outputPartialMethods=false",
    "snakeToCamel=false", "unrecognizedEnum=false", "removeEnumPrefix=false",
)  # fmt: skip
STAMP = model.ROOT / "sdk/contract.sha256"


def emit(contract: Contract) -> dict[str, str]:
    sizes = scalars.load()
    return golang.emit(contract, sizes) | typescript.emit(contract, sizes)


def stale() -> list[str]:
    """What to tell when message classes and stubs are of another contract than proto/."""
    if STAMP.exists() and STAMP.read_text().split()[:1] == [digest()]:
        return []
    return ["Go and TypeScript stubs are stale: run `python tools/codegen --languages`"]


def digest() -> str:
    """Of the public contract; comments do not count."""
    files = descriptor_pb2.FileDescriptorSet.FromString(model.descriptor_set()).file
    wanted = descriptor_pb2.FileDescriptorSet()
    for file in files:
        if file.name in PUBLIC:
            file.ClearField("source_code_info")
            wanted.file.append(file)
    return hashlib.sha256(wanted.SerializeToString(deterministic=True)).hexdigest()


def stubs() -> None:
    """Makes sdk/go/rumpsp and sdk/typescript/src/gen anew. Needs go, and node with the packages of sdk/typescript."""
    if not TS_PLUGIN.exists():
        raise SystemExit("codegen: ts-proto is missing: run `npm ci` in sdk/typescript")
    for folder in (GO_STUBS, TS_STUBS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as tools:
        _install_go_plugins(Path(tools))
        _protoc(
            f"--plugin={tools}/protoc-gen-go",
            f"--plugin={tools}/protoc-gen-go-grpc",
            f"--go_out={GO_STUBS}",
            "--go_opt=module=example.org/rump/sdk/go/rumpsp",
            f"--go-grpc_out={GO_STUBS}",
            "--go-grpc_opt=module=example.org/rump/sdk/go/rumpsp",
        )
    _protoc(f"--plugin={TS_PLUGIN}", f"--ts_proto_out={TS_STUBS}", f"--ts_proto_opt={','.join(TS_OPTIONS)}")
    STAMP.write_text(f"{digest()}  contract of sdk/go/rumpsp and sdk/typescript/src/gen\n")
    print(f"wrote {GO_STUBS.relative_to(model.ROOT)}, {TS_STUBS.relative_to(model.ROOT)}")


def _install_go_plugins(folder: Path) -> None:
    go = shutil.which("go") or "/usr/local/go/bin/go"
    for plugin in GO_PLUGINS:
        subprocess.run([go, "install", plugin], check=True, env={**os.environ, "GOBIN": str(folder)})


def _protoc(*arguments: str) -> None:
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{model.PROTO}", *arguments, *PUBLIC]
    subprocess.run(command, check=True, cwd=model.PROTO)
