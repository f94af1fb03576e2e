"""The contract as the generators see it: read out of protoc's descriptor set, with options and comments."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto"
FILES = sorted(path.name for path in PROTO.glob("*.proto"))
PACKAGE = "rump.sp.v1"
TYPE = descriptor_pb2.FieldDescriptorProto
INTEGERS = {TYPE.TYPE_ENUM, TYPE.TYPE_INT32, TYPE.TYPE_INT64, TYPE.TYPE_UINT32, TYPE.TYPE_UINT64}


@dataclass
class Field:
    name: str
    number: int
    kind: str  # int, bytes, str, bool, float, map, or the name of a message
    repeated: bool = False
    optional: bool = False
    role: int = 0
    in_oneof: bool = False

    @property
    def is_message(self) -> bool:
        return self.kind[0].isupper()


@dataclass
class Message:
    name: str
    fields: list[Field]
    comment: str = ""
    file: str = ""

    @property
    def is_union(self) -> bool:
        return bool(self.fields) and all(f.in_oneof for f in self.fields)


@dataclass
class Syscall:
    service: str
    method: str
    request: Message
    response: Message
    number: int
    cname: str
    faction: str
    blocking: bool
    idempotent: bool
    authorisation: str
    pub: bool
    comment: str
    file: str
    conditional: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.cname.strip("_")

    @property
    def internal(self) -> bool:
        return self.file == "rump_bus.proto"


@dataclass
class Contract:
    messages: dict[str, Message] = field(default_factory=dict)
    calls: list[Syscall] = field(default_factory=list)
    services: dict[str, tuple[str, list[tuple[str, str]]]] = field(default_factory=dict)

    @property
    def structures(self) -> list[Message]:
        """Messages that become value types: everything that is not the request or response of a method."""
        owned = {m for call in self.calls for m in (call.request.name, call.response.name)}
        return [
            m
            for m in self.messages.values()
            if m.name not in owned and m.file in ("rump_types.proto", "rump_bus.proto") and m.name not in _PLUMBING
        ]


_PLUMBING = {
    "Context", "BusCall", "BusResult", "RunRequest", "RunResponse", "JoinRequest", "JoinResponse", "Peer",
    "DescribeRequest", "DescribeResponse", "SyscallError",
}  # fmt: skip


def protoc(*arguments: str) -> None:
    """Runs the pinned protoc over all files of the contract."""
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", *arguments, *FILES]
    subprocess.run(command, check=True, cwd=PROTO)


def descriptor_set() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "set.pb"
        protoc(f"--descriptor_set_out={target}", "--include_imports", "--include_source_info")
        return target.read_bytes()


def load() -> Contract:
    # Custom options are unknown bytes until the set has been parsed with classes that know them: hence twice.
    raw = descriptor_set()
    plain = descriptor_pb2.FileDescriptorSet.FromString(raw)
    pool = descriptor_pool.DescriptorPool()
    for file in plain.file:
        pool.Add(file)  # type: ignore[no-untyped-call]
    classes = message_factory.GetMessageClassesForFiles([file.name for file in plain.file], pool)
    known: Any = classes["google.protobuf.FileDescriptorSet"].FromString(raw)
    syscall_option = pool.FindExtensionByName(f"{PACKAGE}.syscall")
    role_option = pool.FindExtensionByName(f"{PACKAGE}.role")

    contract = Contract()
    for file in known.file:
        if file.package != PACKAGE:
            continue
        comments = _comments(file)
        for index, message in enumerate(file.message_type):
            contract.messages[message.name] = _message(message, role_option, comments.get((4, index), ""), file.name)
    for file in known.file:
        if file.package != PACKAGE:
            continue
        comments = _comments(file)
        for s, service in enumerate(file.service):
            methods = [(m.name, comments.get((6, s, 2, i), "")) for i, m in enumerate(service.method)]
            contract.services[service.name] = (comments.get((6, s), ""), methods)
            for i, method in enumerate(service.method):
                options = method.options.Extensions[syscall_option]
                if options.number:
                    comment = comments.get((6, s, 2, i), "")
                    contract.calls.append(_syscall(contract, file.name, service.name, method, options, comment))
    _check(contract)
    return contract


def _message(message: Any, role_option: Any, comment: str, file: str) -> Message:
    return Message(message.name, [_field(f, message, role_option) for f in message.field], comment, file)


def _field(f: Any, message: Any, role_option: Any) -> Field:
    repeated = f.label == TYPE.LABEL_REPEATED
    if f.type in INTEGERS:
        kind = "int"
    elif f.type == TYPE.TYPE_MESSAGE:
        kind = f.type_name.rsplit(".", 1)[-1]
        entry = next((n for n in message.nested_type if n.name == kind and n.options.map_entry), None)
        if entry is not None:
            kind, repeated = "map", False
    else:
        kind = {TYPE.TYPE_BYTES: "bytes", TYPE.TYPE_STRING: "str", TYPE.TYPE_BOOL: "bool"}[f.type]
    in_oneof = f.HasField("oneof_index") and not f.proto3_optional
    role = f.options.Extensions[role_option]
    return Field(f.name, f.number, kind, repeated, f.proto3_optional, role, in_oneof)


def _syscall(contract: Contract, file: str, service: str, method: Any, options: Any, comment: str) -> Syscall:
    return Syscall(
        service,
        method.name,
        contract.messages[method.input_type.rsplit(".", 1)[-1]],
        contract.messages[method.output_type.rsplit(".", 1)[-1]],
        options.number,
        options.name,
        {1: "kern", 2: "vfs", 3: "net", 4: "dev"}[options.faction],
        options.blocking,
        options.idempotent,
        options.authorisation,
        options.pub,
        comment,
        file,
        tuple(options.conditional),
    )


def _comments(file: Any) -> dict[tuple[int, ...], str]:
    return {
        tuple(location.path): re.sub(r"\s+", " ", location.leading_comments).strip()
        for location in file.source_code_info.location
        if location.leading_comments
    }


def _check(contract: Contract) -> None:
    """What generators and references rely on, so that a slip in the contract is told here."""
    for call in contract.calls:
        for message in (call.request, call.response):
            numbers = [f.number for f in message.fields]
            if numbers != list(range(1, len(numbers) + 1)):
                raise SystemExit(f"{message.name}: fields must be numbered 1, 2, ... in order, not {numbers}")
    for union, prefix in (("Call", ""), ("BusCall", "")):
        names = {f.name for f in contract.messages[union].fields} - {"references", "sys"}
        wanted = {c.name for c in contract.calls if c.internal == (union == "BusCall")}
        if names != wanted:
            raise SystemExit(f"{union}: alternatives and methods differ{prefix}: {sorted(names ^ wanted)}")
    numbers = [call.number for call in contract.calls]
    if len(numbers) != len(set(numbers)):
        raise SystemExit("two calls have the same number")
