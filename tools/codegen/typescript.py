"""Emits the calls and constants of the TypeScript SDK: sdk/typescript/src/sys.ts and const.ts."""

from __future__ import annotations

import re
import textwrap

from codegen.constants import constants, errnos
from codegen.model import Contract, Field, Syscall
from codegen.scalars import Scalars
from codegen.sdk import PATHS

FOLDER = "sdk/typescript/src"
BANNER = "// Generated from proto/*.proto by tools/codegen; do not edit.\n"
_WORDS = {"delete", "in", "new", "function", "var", "with", "default", "import", "export"}


def emit(contract: Contract, scalars: Scalars) -> dict[str, str]:
    public = [call for call in contract.calls if not call.internal]
    return {f"{FOLDER}/sys.ts": _calls(public, scalars), f"{FOLDER}/const.ts": _constants()}


def _number(literal: str) -> str:
    """What a number cannot hold exactly is a bigint, as the fields of 64 bits are."""
    return literal if int(literal, 0) < 1 << 53 else literal + "n"


def _constants() -> str:
    lines = [BANNER, "// NetBSD's constants, as the kernel takes them."]
    lines += [f"export const {name} = {_number(value)};" for name, value in constants()]
    lines += ["", "// errno(2) of NetBSD.", "export const Errno = {"]
    lines += [f"  {name}: {number}," for name, number in errnos()]
    return "\n".join([*lines, "} as const;", ""])


def _calls(public: list[Syscall], scalars: Scalars) -> str:
    body = [
        "/** One call: an alternative of Call. */",
        'export type OneCall = NonNullable<Call["call"]>;\n',
        "/** Does one call and gives its response. */",
        "export type Do = (call: OneCall) => Promise<unknown>;\n",
        "function text(value: string | Uint8Array): Buffer {",
        '  return typeof value === "string" ? Buffer.from(value) : Buffer.from(value);',
        "}\n",
    ]
    for name, pub, comment in (("Sys", False, "System calls"), ("Pub", True, "Exported kernel functions")):
        body.append(f"/** {comment} of a process. */\nexport class {name} {{")
        body.append("  readonly #do: Do;\n")
        body.append("  constructor(send: Do) {\n    this.#do = send;\n  }")
        body += [_method(call, scalars) for call in public if call.pub == pub]
        body.append("}\n")
    text = "\n".join(body)
    names = sorted({"Call", *(n for n in _messages(public) if re.search(rf"\bm\.{n}\b", text))} - {"Call"})
    head = [BANNER, 'import type { Call } from "./gen/rump_sp.js";']
    for file, found in sorted(_by_file(public, names).items()):
        listed = "".join(f"  {name},\n" for name in sorted(found))
        head.append(f'import type {{\n{listed}}} from "./gen/{file}.js";')
    return "\n".join([*head, "", re.sub(r"\bm\.([A-Z]\w*)", r"\1", text)])


def _messages(public: list[Syscall]) -> dict[str, str]:
    """Messages that signatures may name, and their files."""
    found = {call.response.name: call.response.file.removesuffix(".proto") for call in public}
    for call in public:
        for message in (call.request, call.response):
            found |= {f.kind: "rump_types" for f in message.fields if f.is_message}
    return found


def _by_file(public: list[Syscall], names: list[str]) -> dict[str, set[str]]:
    files = _messages(public)
    out: dict[str, set[str]] = {}
    for name in names:
        out.setdefault(files[name], set()).add(name)
    return out


def _method(call: Syscall, scalars: Scalars) -> str:
    message, fields = call.request.name, call.request.fields
    parameters = ", ".join(_parameter(message, f, fields[i:], scalars) for i, f in enumerate(fields))
    values = ", ".join(_setting(message, f, scalars) for f in fields)
    request = f"{{ {values} }}" if values else "{}"
    ask = f'await this.#do({{ $case: "{call.name}", value: {request} }})'
    lines = ["", "  /**", *(f"   * {line}" for line in textwrap.wrap(call.comment, 110)), "   */"]
    results = call.response.fields
    kind = _result(call, scalars)
    lines.append(f"  async {call.name}({parameters}): Promise<{kind}> {{")
    if not results:
        lines.append(f"    {ask};")
    elif len(results) == 1:
        lines.append(f"    return (({ask}) as m.{call.response.name}).{results[0].name};")
    else:
        lines.append(f"    return ({ask}) as m.{call.response.name};")
    return "\n".join([*lines, "  }"])


def _result(call: Syscall, scalars: Scalars) -> str:
    results = call.response.fields
    if not results:
        return "void"
    if len(results) > 1:
        return f"m.{call.response.name}"
    return _kind(call.response.name, results[0], scalars) + (" | undefined" if _absent(results[0]) else "")


def _absent(f: Field) -> bool:
    return not f.repeated and (f.optional or f.is_message)


def _big(message: str, f: Field, scalars: Scalars) -> bool:
    return f.kind == "int" and scalars.integer(message, f.name).endswith("64")


def _kind(message: str, f: Field, scalars: Scalars) -> str:
    """The type of a field in a message."""
    if f.kind == "map":
        return "{ [key: string]: string }"
    if f.is_message:
        kind = f"m.{f.kind}"
    elif f.kind == "int":
        kind = "bigint" if _big(message, f, scalars) else "number"
    else:
        kind = {"bytes": "Buffer", "str": "string", "bool": "boolean"}[f.kind]
    return f"{kind}[]" if f.repeated else kind


def _parameter(message: str, f: Field, rest: list[Field], scalars: Scalars) -> str:
    kind = _kind(message, f, scalars)
    if _is_text(f):
        kind = "string | Uint8Array"
    elif f.kind == "bytes":
        kind = "Uint8Array" + ("[]" if f.repeated else "")
    elif _big(message, f, scalars):
        kind = "(number | bigint)[]" if f.repeated else "number | bigint"
    if all(_absent(r) for r in rest):
        return f"{_argument(f.name)}?: {kind}"
    return f"{_argument(f.name)}: {kind}" + (" | undefined" if _absent(f) else "")


def _setting(message: str, f: Field, scalars: Scalars) -> str:
    name = _argument(f.name)
    value = name
    if _is_text(f):
        value = f"text({name})"
    elif f.kind == "bytes":
        value = f"{name}.map((piece) => Buffer.from(piece))" if f.repeated else f"Buffer.from({name})"
    elif _big(message, f, scalars):
        value = f"{name}.map(BigInt)" if f.repeated else f"BigInt({name})"
        if f.optional:
            value = f"{name} === undefined ? undefined : {value}"
    return f"{f.name}: {value}" if value != f.name else name


def _is_text(f: Field) -> bool:
    return f.kind == "bytes" and not f.repeated and (f.name in PATHS or f.name == "namebuf")


def _argument(name: str) -> str:
    return f"{name}_" if name in _WORDS else name
