"""The exact integer types of fields, which languages with sized integers need."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf import descriptor_pb2

from codegen import model

_TYPE = descriptor_pb2.FieldDescriptorProto
_NAMES = {
    _TYPE.TYPE_ENUM: "int32",
    _TYPE.TYPE_INT32: "int32",
    _TYPE.TYPE_INT64: "int64",
    _TYPE.TYPE_UINT32: "uint32",
    _TYPE.TYPE_UINT64: "uint64",
}


@dataclass(frozen=True)
class Scalars:
    """By message and field: int32, int64, uint32 or uint64."""

    table: dict[tuple[str, str], str]

    def integer(self, message: str, field: str) -> str:
        return self.table[message, field]


def load() -> Scalars:
    files = descriptor_pb2.FileDescriptorSet.FromString(model.descriptor_set()).file
    return Scalars(
        {
            (message.name, f.name): _NAMES[f.type]
            for file in files
            if file.package == model.PACKAGE
            for message in file.message_type
            for f in message.field
            if f.type in _NAMES
        }
    )
