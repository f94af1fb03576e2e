"""The breaking-change check: what it lets pass and what it tells."""

from __future__ import annotations

import sys
from pathlib import Path

import grpc_tools
import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

from codegen import breaking  # noqa: E402

OPTIONS = (ROOT / "proto/rump_options.proto").read_text()
CONTRACT = """
syntax = "proto3";
package rump.sp.v1;
import "rump_options.proto";
message Point { int32 x = 1; oneof more { int32 a = 2; string b = 3; } }
message CloseRequest { int32 fd = 1 [(role) = ROLE_DESCRIPTOR]; repeated Point points = 2; optional uint32 mode = 3; }
message CloseResponse {}
enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; }
service Kern {
  // Closes.
  rpc Close(CloseRequest) returns (CloseResponse) {
    option (syscall) = {number: 6, name: "close", faction: FACTION_KERN, blocking: true};
  }
}
"""


@pytest.fixture
def contract(tmp_path: Path) -> object:
    """A function from the text of a contract to its descriptor set."""
    include = Path(grpc_tools.__file__).parent / "_proto"
    (tmp_path / "rump_options.proto").write_text(OPTIONS)

    def compiled(text: str) -> bytes:
        (tmp_path / "t.proto").write_text(text)
        out = tmp_path / "set"
        arguments = ["", f"-I{tmp_path}", f"-I{include}", "--include_imports", f"--descriptor_set_out={out}", "t.proto"]
        assert protoc.main(arguments) == 0
        return out.read_bytes()

    return compiled


FINE = [
    ("message CloseResponse {}", "message CloseResponse { int32 left = 1; }"),
    ("message CloseResponse {}", "message CloseResponse {}\nmessage New { int32 x = 1; }"),
    ("COLOUR_RED = 1;", "COLOUR_RED = 1; COLOUR_BLUE = 2;"),
    ("// Closes.", "// Closes; a better comment."),
    ("blocking: true", 'blocking: false, idempotent: true, authorisation: "a.b"'),
]
BROKEN = [
    ("int32 x = 1;", "", "field 1 (x) is gone"),
    ("int32 x = 1;", "int32 x = 4;", "field 1 (x) is gone"),
    ("int32 x = 1;", "int64 x = 1;", "int32 became int64"),
    ("int32 x = 1;", "int32 ex = 1;", "is called ex now"),
    ("int32 x = 1;", "repeated int32 x = 1;", "single became repeated"),
    ("int32 x = 1;", "optional int32 x = 1;", "oneof"),
    ("oneof more { int32 a = 2; string b = 3; }", "int32 a = 2; string b = 3;", "oneof"),
    ("[(role) = ROLE_DESCRIPTOR]", "", "role role 1 became none"),
    ("ROLE_DESCRIPTOR]", "ROLE_DIRECTORY]", "became role 2"),
    ("number: 6", "number: 7", "number 6 became 7"),
    ("FACTION_KERN", "FACTION_VFS", "faction 1 became 2"),
    ('"close"', '"shut"', "name close became shut"),
    ("rpc Close(", "rpc Shut(", "method Kern/Close is gone"),
    ("rpc Close(CloseRequest)", "rpc Close(stream CloseRequest)", "client_streaming"),
    ("(CloseResponse) {", "(Point) {", "output_type"),
    ("message CloseResponse {}", "message Closed {}", "message CloseResponse is gone"),
    ("COLOUR_RED = 1;", "COLOUR_GREEN = 1;", "enum value Colour.COLOUR_RED is gone"),
    ("COLOUR_RED = 1;", "COLOUR_RED = 3;", "value 1 became 3"),
]


def changed(contract: object, old: str, new: str) -> list[str]:
    assert callable(contract)
    assert old in CONTRACT
    text = CONTRACT.replace(old, new)
    if "message Closed {}" in text:
        text = text.replace("(CloseResponse) {", "(Closed) {")
    return breaking.compare(breaking.baseline(contract(CONTRACT)), contract(text))


@pytest.mark.parametrize(("old", "new"), FINE)
def test_additions_are_fine(contract: object, old: str, new: str) -> None:
    assert changed(contract, old, new) == []


@pytest.mark.parametrize(("old", "new", "told"), BROKEN)
def test_what_breaks_clients_is_told(contract: object, old: str, new: str, told: str) -> None:
    texts = changed(contract, old, new)
    assert any(told in text for text in texts), texts


def test_baseline_has_no_comments(contract: object) -> None:
    assert callable(contract)
    raw = breaking.baseline(contract(CONTRACT))
    files = descriptor_pb2.FileDescriptorSet.FromString(raw).file
    assert len(files) >= 3
    assert not any(file.HasField("source_code_info") for file in files)
    assert breaking.baseline(raw) == raw


def test_released_contracts_are_kept() -> None:
    assert breaking.check() == []
