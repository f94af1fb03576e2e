"""Emits the calls and constants of the Go SDK: sdk/go/rump/sys_generated.go and const_generated.go."""

from __future__ import annotations

import textwrap

from codegen.constants import constants
from codegen.model import Contract, Field, Syscall
from codegen.scalars import Scalars
from codegen.sdk import PATHS

FOLDER = "sdk/go/rump"
BANNER = "// Code generated from proto/*.proto by tools/codegen. DO NOT EDIT.\n"
_RENAME = {"type": "typ", "len": "length", "ctx": "context", "range": "span", "func": "fn", "map": "mapping"}


def emit(contract: Contract, scalars: Scalars) -> dict[str, str]:
    public = [call for call in contract.calls if not call.internal]
    return {
        f"{FOLDER}/sys_generated.go": _calls(public, scalars),
        f"{FOLDER}/const_generated.go": _constants(),
    }


def _constants() -> str:
    lines = [BANNER, "package rump\n", "// NetBSD's constants, as the kernel takes them.\n"]
    lines += [f"const {name} = {value}" for name, value in constants()]
    return "\n".join(lines) + "\n"


def _calls(public: list[Syscall], scalars: Scalars) -> str:
    out = [BANNER, "package rump\n"]
    out.append('import (\n\t"context"\n\n\t"example.org/rump/sdk/go/rumpsp"\n)\n')
    for name, pub, text in (("Sys", False, "system calls"), ("Pub", True, "exported kernel functions")):
        out.append(f"// {name} has the {text} of a process.\ntype {name} struct{{ k *Connection }}\n")
        out += [_method(name, call, scalars) for call in public if call.pub == pub]
    return "\n".join(out)


def _method(group: str, call: Syscall, scalars: Scalars) -> str:
    fields = call.request.fields
    parameters = "".join(f", {_argument(f.name)} {_parameter(call.request.name, f, scalars)}" for f in fields)
    results = [_result(call.response.name, f, scalars) for f in call.response.fields]
    returns = f"({', '.join([*results, 'error'])})" if results else "error"
    lines = _comment(call)
    lines.append(f"func (c Sys) {call.method}(ctx context.Context{parameters}) {returns} {{".replace("Sys", group, 1))
    setting = ", ".join(f"{go_name(f.name)}: {_value(f)}" for f in fields)
    request = f"&rumpsp.{call.request.name}{{{setting}}}"
    # protoc-gen-go's wrapper of the oneof's alternative is named after the field of Call
    wrapper = f"rumpsp.Call_{go_name(call.name)}"
    ask = f"c.k.do(ctx, &rumpsp.Call{{Call: &{wrapper}{{{go_name(call.name)}: {request}}}}})"
    if not results:
        return "\n".join([*lines, f"\t_, err := {ask}", "\treturn err", "}\n"])
    lines += [f"\tresult, err := {ask}", f"\tr := result.Get{go_name(call.name)}()"]
    values = [_unpacked(f) for f in call.response.fields]
    return "\n".join([*lines, f"\treturn {', '.join([*values, 'err'])}", "}\n"])


def _comment(call: Syscall) -> list[str]:
    text = f"{call.method}: {call.comment[:1].lower()}{call.comment[1:]}"
    if len(call.response.fields) > 1:
        text += f" Results: {', '.join(f.name for f in call.response.fields)}."
    return [f"// {line}" for line in textwrap.wrap(text, 110)]


def go_name(name: str) -> str:
    """A field's name as protoc-gen-go makes it."""
    parts = name.split("_")
    return "".join(part[:1].upper() + part[1:] for part in parts)


def _argument(name: str) -> str:
    if name in _RENAME:
        return _RENAME[name]
    camel = go_name(name)
    return camel[0].lower() + camel[1:]


def _is_path(f: Field) -> bool:
    return f.kind == "bytes" and not f.repeated and (f.name in PATHS or f.name == "namebuf")


def _is_plain(f: Field) -> bool:
    """Optional in the contract for old callers' sake only: 0 means the same as leaving it out."""
    return f.optional and f.name in ("flags", "mode")


def _parameter(message: str, f: Field, scalars: Scalars) -> str:
    if _is_path(f):
        return "string"
    return _base(message, f, scalars, pointer=f.optional and not _is_plain(f))


def _result(message: str, f: Field, scalars: Scalars) -> str:
    return _base(message, f, scalars, pointer=False)


def _base(message: str, f: Field, scalars: Scalars, *, pointer: bool) -> str:
    if f.kind == "map":
        return "map[string]string"
    if f.is_message:
        kind = f"*rumpsp.{f.kind}"
    else:
        kind = {"bytes": "[]byte", "str": "string", "bool": "bool"}.get(f.kind) or scalars.integer(message, f.name)
    return f"[]{kind}" if f.repeated else f"*{kind}" if pointer else kind


def _value(f: Field) -> str:
    name = _argument(f.name)
    if _is_path(f):
        return f"[]byte({name})"
    return f"&{name}" if _is_plain(f) else name


def _unpacked(f: Field) -> str:
    return f"r.Get{go_name(f.name)}()"
