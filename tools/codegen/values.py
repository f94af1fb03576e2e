"""Emits rumpwire/values.py, calls.py and codec.py."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.model import Contract, Field, Message, Syscall

BANNER = '"""{}\n\nGenerated from proto/*.proto by tools/codegen; do not edit.\n"""\n'


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def wrapper(union: Message, alternative: Field) -> str:
    """Class of an alternative of a union: the structure itself, or a wrapper around a scalar."""
    return alternative.kind if alternative.is_message else union.name + camel(alternative.name)


def annotation(f: Field, *, buffers: bool = True) -> str:
    base = {"map": "dict[str, str]"}.get(f.kind, f.kind)
    if f.kind == "bytes" and buffers:
        base = "bytes"
    if f.repeated:
        return f"list[{base}]"
    if f.kind != "map" and (f.optional or f.is_message):
        return f"{base} | None"
    return base


def default(f: Field) -> str:
    if f.repeated:
        return "[]"
    if f.kind == "map":
        return "{}"
    if f.optional or f.is_message:
        return "None"
    return {"int": "0", "bytes": 'b""', "str": '""', "bool": "False"}[f.kind]


def result_class(call: Syscall) -> str:
    return f"{camel(call.name)}Result"


def result_annotation(call: Syscall) -> str:
    fields = call.response.fields
    if not fields:
        return "None"
    return annotation(fields[0]) if len(fields) == 1 else result_class(call)


def _ordered(messages: list[Message]) -> list[Message]:
    """Structures before the structures that hold them."""
    by_name = {m.name: m for m in messages}
    done: dict[str, Message] = {}

    def visit(m: Message) -> None:
        if m.name not in done:
            for f in m.fields:
                if f.kind in by_name:
                    visit(by_name[f.kind])
            done[m.name] = m

    for m in messages:
        visit(m)
    return list(done.values())


def emit_values(contract: Contract) -> str:
    out = [BANNER.format("Structures of the contract as plain Python values.")]
    out.append(
        "from __future__ import annotations\n\nfrom typing import NamedTuple, TypeAlias\n\n"
        "from rumpwire._mixins import StatTimes\n"
    )
    out += [_union(m) if m.is_union else _structure(m) for m in _ordered(contract.structures)]
    out += [
        _named_tuple(result_class(call), call.response.fields, f"What {call.cname} gives.")
        for call in contract.calls
        if len(call.response.fields) > 1
    ]
    return "\n".join(out)


def _union(m: Message) -> str:
    wrappers = [
        _named_tuple(wrapper(m, f), [Field(f.name, 1, f.kind)], f"A {m.name} that is {f.name}.")
        for f in m.fields
        if not f.is_message
    ]
    names = " | ".join(wrapper(m, f) for f in m.fields)
    return "\n".join([*wrappers, f"\n{m.name}: TypeAlias = {names}\n"])


def _structure(m: Message) -> str:
    if m.name == "Stat":
        plain = _named_tuple("_Stat", m.fields, m.comment)
        return (
            plain
            + "\n\nclass Stat(StatTimes, _Stat):\n"
            + '    """Attributes of a file, with the times in seconds too."""\n\n    __slots__ = ()\n'
        )
    return _named_tuple(m.name, m.fields, m.comment)


def _named_tuple(name: str, fields: list[Field], comment: str) -> str:
    lines = ["", f"class {name}(NamedTuple):"]
    if comment:
        lines += [f'    """{comment}"""', ""]
    lines += [f"    {f.name}: {annotation(f)} = {default(f)}" for f in fields] or ["    pass"]
    return "\n".join(lines) + "\n"


def emit_calls(contract: Contract) -> str:
    out = [BANNER.format("All calls of the contract: the routing table.")]
    out.append(
        '''from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One call. Positions are of arguments, and in ``new`` of fields of the response."""

    name: str
    cname: str
    number: int
    faction: str
    service: str
    method: str
    args: tuple[str, ...]
    results: tuple[str, ...]
    descriptors: tuple[int, ...] = ()
    directories: tuple[int, ...] = ()
    new: tuple[int, ...] = ()
    blocking: bool = False
    idempotent: bool = False
    authorisation: str = ""
    conditional: tuple[str, ...] = ()
    pub: bool = False
    internal: bool = False

'''
    )
    out += [_op(call) for call in contract.calls]
    names = ", ".join(call.name.upper() for call in contract.calls)
    out.append(f"\nOPS: Final[dict[str, Op]] = {{op.name: op for op in ({names})}}")
    out.append("BY_NUMBER: Final[dict[int, Op]] = {op.number: op for op in OPS.values()}\n")
    return "\n".join(out)


def _op(call: Syscall) -> str:
    request, response = call.request.fields, call.response.fields
    values: list[str] = [repr(v) for v in (call.name, call.cname, call.number, call.faction, call.service, call.method)]
    values += [repr(tuple(f.name for f in request)), repr(tuple(f.name for f in response))]
    for key, found in (
        ("descriptors", tuple(i for i, f in enumerate(request) if f.role == 1)),
        ("directories", tuple(i for i, f in enumerate(request) if f.role == 2)),
        ("new", tuple(i for i, f in enumerate(response) if f.role == 3)),
        ("blocking", call.blocking),
        ("idempotent", call.idempotent),
        ("authorisation", call.authorisation),
        ("conditional", call.conditional),
        ("pub", call.pub),
        ("internal", call.internal),
    ):
        if found:
            values.append(f"{key}={found!r}")
    return f"{call.name.upper()}: Final = Op({', '.join(values)})"


def emit_codec(contract: Contract) -> str:
    out = [BANNER.format("Between protobuf messages and plain values; used by transports alone.")]
    out.append(
        """from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rumpwire import rump_bus_pb2 as bus, rump_types_pb2 as types
from rumpwire.values import *

Encoder = Callable[[Any, Any], None]
Decoder = Callable[[Any], Any]
_new: Callable[..., Any] = tuple.__new__


def _buffer(value: Any) -> bytes:
    return value if type(value) is bytes else bytes(value)

"""
    )
    out += [_union_codec(m) if m.is_union else _structure_codec(m) for m in _ordered(contract.structures)]
    structures = {m.name: m for m in contract.structures}
    requests, responses = [], []
    for call in contract.calls:
        out.append(_call_codec(call, structures))
        requests.append(f'    "{call.name}": (_enc_q_{call.name}, _dec_q_{call.name}),')
        responses.append(f'    "{call.name}": (_enc_r_{call.name}, _dec_r_{call.name}),')
    out.append("# name: (arguments into a message, message into arguments)")
    out.append("REQUEST: dict[str, tuple[Encoder, Decoder]] = {\n" + "\n".join(requests) + "\n}")
    out.append("# name: (value into a message, message into value)")
    out.append("RESPONSE: dict[str, tuple[Encoder, Decoder]] = {\n" + "\n".join(responses) + "\n}\n")
    return "\n".join(out)


def _union_codec(m: Message) -> str:
    dec = [f"def _dec_{m.name}(m: Any) -> Any:", f'    which = m.WhichOneof("{_oneof(m)}")']
    enc = [f"def _enc_{m.name}(v: Any, m: Any) -> None:", "    kind = type(v)"]
    for f in m.fields:
        cls = wrapper(m, f)
        dec.append(f'    if which == "{f.name}":')
        enc.append(f"    if kind is {cls}:")
        if f.is_message:
            dec.append(f"        return _dec_{f.kind}(m.{f.name})")
            enc.append(f"        m.{f.name}.SetInParent(); _enc_{f.kind}(v, m.{f.name})")
        else:
            value = f"_buffer(v.{f.name})" if f.kind == "bytes" else f"v.{f.name}"
            dec.append(f"        return {cls}(m.{f.name})")
            enc.append(f"        m.{f.name} = {value}")
        enc.append("        return")
    dec.append("    return None\n")
    enc.append(f'    raise TypeError(f"no {m.name}: {{v!r}}")\n')
    return "\n".join(["", *dec, "", *enc])


def _oneof(m: Message) -> str:
    return {
        "Sockaddr": "address",
        "Sockopt": "value",
        "CmsgValue": "value",
        "SysctlValue": "value",
        "MountArgs": "args",
        "IoctlArgs": "args",
    }[m.name]


def _made(cls: str, fields: Sequence[Field]) -> str:
    """A named tuple without the function in Python that checks its arguments."""
    return f"_new({cls}, ({''.join(f'{_decode(f)}, ' for f in fields)}))"


def _structure_codec(m: Message) -> str:
    made = _made(m.name, m.fields)
    dec = f"def _dec_{m.name}(m: Any) -> {m.name}:\n    out: {m.name} = {made}\n    return out\n"
    enc = [f"def _enc_{m.name}(v: Any, m: Any) -> None:"]
    for f in m.fields:
        enc += _encode(f, f"v.{f.name}")
    return "\n".join(["", dec, "", *enc, ""])


def _decode(f: Field) -> str:
    source = f"m.{f.name}"
    if f.kind == "map":
        return f"dict({source})"
    if f.repeated:
        return f"[_dec_{f.kind}(x) for x in {source}]" if f.is_message else f"list({source})"
    if f.is_message:
        return f'_dec_{f.kind}({source}) if m.HasField("{f.name}") else None'
    if f.optional:
        return f'{source} if m.HasField("{f.name}") else None'
    return source


def _encode(f: Field, value: str) -> list[str]:
    if f.kind == "map":
        return [f"    if {value}: m.{f.name}.update({value})"]
    if f.repeated and f.is_message:
        return [f"    for x in {value} or (): _enc_{f.kind}(x, m.{f.name}.add())"]
    if f.repeated:
        each = f"[_buffer(x) for x in {value}]" if f.kind == "bytes" else value
        return [f"    if {value}: m.{f.name}.extend({each})"]
    if f.is_message:
        return [f"    if {value} is not None: m.{f.name}.SetInParent(); _enc_{f.kind}({value}, m.{f.name})"]
    plain = f"_buffer({value})" if f.kind == "bytes" else value
    if f.optional:
        return [f"    if {value} is not None: m.{f.name} = {plain}"]
    return [f"    m.{f.name} = {plain}"]


def _presence(fields: list[Field]) -> list[str]:
    """Makes a message present in its oneof, where setting its fields might not: a plain field always does."""
    if any(not (f.repeated or f.optional or f.is_message or f.kind == "map") for f in fields):
        return []
    return ["    m.SetInParent()"]


def _call_codec(call: Syscall, structures: dict[str, Message]) -> str:
    request, response = call.request.fields, call.response.fields
    lines = ["", f"def _enc_q_{call.name}(a: Any, m: Any) -> None:", *_presence(request)]
    lines += [line for i, f in enumerate(request) for line in _encode(f, f"a[{i}]")]
    inside = ", ".join(_decode(f) for f in request)
    lines += ["", f"def _dec_q_{call.name}(m: Any) -> Any:", f"    return ({inside}{',' if len(request) == 1 else ''})"]
    lines += ["", f"def _enc_r_{call.name}(v: Any, m: Any) -> None:", *_presence(response)]
    if len(response) == 1:
        lines += _encode(response[0], "v")
    else:
        lines += [line for i, f in enumerate(response) for line in _encode(f, f"v[{i}]")]
    lines += ["", f"def _dec_r_{call.name}(m: Any) -> Any:"]
    if not response:
        lines.append("    return None")
    elif len(response) == 1:
        lines.append(f"    return {_decode(response[0])}")
    else:
        lines.append(f"    return {_made(result_class(call), response)}")
    return "\n".join(lines) + "\n"
