"""The breaking-change check: what the released contract promised must still hold.

``proto/released/*.binpb`` are descriptor sets of released contracts. New messages, fields, methods and values are fine;
what is there stays: its number, type, label, and for calls number, name, faction and the roles of their fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from codegen import model

RELEASED = model.PROTO / "released"
_KEPT_OPTIONS = ("number", "name", "faction", "pub")
_TYPE = descriptor_pb2.FieldDescriptorProto


def check() -> list[str]:
    """Every way in which proto/ breaks a released contract, in words; empty when it breaks none."""
    current = model.descriptor_set()
    return [
        f"{file.name}: {text}"
        for file in sorted(RELEASED.glob("*.binpb"))
        for text in compare(file.read_bytes(), current)
    ]


def release(version: str) -> None:
    """Makes the present contract the one that later ones are measured by."""
    RELEASED.mkdir(exist_ok=True)
    target = RELEASED / f"rump_sp-{version}.binpb"
    target.write_bytes(baseline(model.descriptor_set()))
    print(f"wrote {target.relative_to(model.ROOT)}")


def baseline(raw: bytes) -> bytes:
    """A descriptor set without comments, which promise nothing."""
    files = descriptor_pb2.FileDescriptorSet.FromString(raw)
    for file in files.file:
        file.ClearField("source_code_info")
    return files.SerializeToString(deterministic=True)


def compare(old: bytes, new: bytes) -> list[str]:
    """What ``new`` takes back of ``old``; both are serialized descriptor sets."""
    before, after = _Contract(old), _Contract(new)
    return [
        *_gone("message", before.messages, after.messages),
        *_gone("method", before.methods, after.methods),
        *_gone("enum value", before.values, after.values),
        *(text for name, m in before.messages.items() if name in after.messages for text in _fields(name, m, after)),
        *(text for name, m in before.methods.items() if name in after.methods for text in _method(name, m, after)),
        *(
            f"{name}: value {number} became {after.values[name]}"
            for name, number in before.values.items()
            if after.values.get(name, number) != number
        ),
    ]


class _Contract:
    """A descriptor set with its custom options understood, by full names without the package."""

    def __init__(self, raw: bytes) -> None:
        files = _understood(raw)
        self.messages: dict[str, Any] = {}
        self.methods: dict[str, Any] = {}
        self.values: dict[str, int] = {}
        for file in files:
            for message in file.message_type:
                self._add(message.name, message)
            for enum in file.enum_type:
                self.values |= {f"{enum.name}.{value.name}": value.number for value in enum.value}
            for service in file.service:
                self.methods |= {f"{service.name}/{method.name}": (file, method) for method in service.method}

    def _add(self, name: str, message: Any) -> None:
        self.messages[name] = message
        for nested in message.nested_type:
            self._add(f"{name}.{nested.name}", nested)


def _understood(raw: bytes) -> list[Any]:
    plain = descriptor_pb2.FileDescriptorSet.FromString(raw)
    pool = descriptor_pool.DescriptorPool()
    for file in plain.file:
        pool.Add(file)  # type: ignore[no-untyped-call]
    classes = message_factory.GetMessageClassesForFiles([file.name for file in plain.file], pool)
    known: Any = classes["google.protobuf.FileDescriptorSet"].FromString(raw)
    return [file for file in known.file if file.package == model.PACKAGE]


def _gone(kind: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    yield from (f"{kind} {name} is gone" for name in before if name not in after)


def _fields(name: str, message: Any, after: _Contract) -> Iterator[str]:
    there = {f.number: f for f in after.messages[name].field}
    for f in message.field:
        now = there.get(f.number)
        if now is None:
            yield f"{name}: field {f.number} ({f.name}) is gone"
        else:
            yield from (f"{name}.{f.name}: {text}" for text in _field(f, now, message, after.messages[name]))


def _field(f: Any, now: Any, message: Any, message_now: Any) -> Iterator[str]:
    if f.name != now.name:
        yield f"is called {now.name} now"
    if (f.type, f.type_name) != (now.type, now.type_name):
        yield f"{_type(f)} became {_type(now)}"
    if f.label != now.label:
        yield "single became repeated or the other way round"
    if f.proto3_optional != now.proto3_optional or _oneof(f, message) != _oneof(now, message_now):
        yield "moved into or out of a oneof"
    if _options(f) != _options(now):
        yield f"role {_options(f) or 'none'} became {_options(now) or 'none'}"


def _type(f: Any) -> str:
    name: str = f.type_name or _TYPE.Type.Name(f.type).removeprefix("TYPE_").lower()
    return name.removeprefix(f".{model.PACKAGE}.")


def _oneof(f: Any, message: Any) -> str:
    return str(message.oneof_decl[f.oneof_index].name) if f.HasField("oneof_index") else ""


def _options(f: Any) -> str:
    return " ".join(f"{field.name} {value}" for field, value in f.options.ListFields())


def _method(name: str, found: tuple[Any, Any], after: _Contract) -> Iterator[str]:
    _, m = found
    _, now = after.methods[name]
    shape = ("input_type", "output_type", "client_streaming", "server_streaming")
    for part in shape:
        if getattr(m, part) != getattr(now, part):
            yield f"{name}: {part} {getattr(m, part)} became {getattr(now, part)}"
    old, new = _syscall(m), _syscall(now)
    for option in _KEPT_OPTIONS:
        if old.get(option) != new.get(option):
            yield f"{name}: {option} {old.get(option)} became {new.get(option)}"


def _syscall(method: Any) -> dict[str, Any]:
    for field, value in method.options.ListFields():
        if field.name == "syscall":
            return {option.name: content for option, content in value.ListFields()}
    return {}
