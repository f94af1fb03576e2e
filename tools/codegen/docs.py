"""Emits reference pages: docs/reference/calls.md from the contract, docs/support.md from the components' own tables."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

from codegen import model
from codegen.model import Contract, Field, Syscall

FACTIONS = {"kern": "the base", "vfs": "file systems", "net": "networking", "dev": "devices"}
SERVICES = {"kern": "Kern", "vfs": "Vfs", "net": "Net", "dev": "Dev"}
_NOTE = "Generated from proto/*.proto by tools/codegen; do not edit."
_SOURCES = (
    "proto/python", "services/common", "services/kern", "services/vfs", "services/net", "services/dev", "gateway",
)  # fmt: skip

_ABOUT_CALLS = """
Every system call (`rump_sys_*`) and exported kernel function (`rump_pub_*`) of the contract, by faction. The faction is
the one that a call goes to when no descriptor says otherwise: calls on a descriptor go to the owner of the object
behind it. How far each is implemented is in [support.md](../support.md).
"""
_ABOUT_ARGUMENTS = """
Arguments: `fd`-like ones are descriptors of the caller (*descriptor*), or a directory descriptor or `AT_FDCWD`
(*directory*); *optional* ones may be left out. Results marked *new descriptor* get the lowest free number. A call that
**may wait** can be ended by its deadline or by cancelling it (`ETIMEDOUT`, `EINTR`); an *idempotent* one may be
repeated without a second effect.
"""
_ABOUT_SUPPORT = """
Every call of the contract and who answers it, out of the tables that the running kernel uses itself. A call that is
missing fails with `ENOSYS`. Calls on a descriptor are answered by the owner of the object behind it, so several may
answer; notes then name the component. File systems and drivers say for themselves what they support.
"""


def emit(contract: Contract) -> dict[str, str]:
    return {"docs/reference/calls.md": calls_page(contract), "docs/support.md": support_page(contract, tables())}


def _paragraph(text: str) -> list[str]:
    return [*text.strip().splitlines(), ""]


# -- docs/reference/calls.md


def calls_page(contract: Contract) -> str:
    out = [
        f"<!-- {_NOTE} -->",
        "# Calls",
        "",
        *_paragraph(_ABOUT_CALLS),
        *_paragraph(_ABOUT_ARGUMENTS),
    ]
    for faction, title in FACTIONS.items():
        out += [f"## {faction}: {title}", ""]
        for call in _of(contract, faction):
            out += _call(call)
    out += ["# Structures", ""]
    for message in contract.messages.values():
        if message.file == "rump_types.proto":
            out += _structure(message)
    return "\n".join(out).rstrip() + "\n"


def _of(contract: Contract, faction: str) -> list[Syscall]:
    return [c for c in contract.calls if not c.internal and c.faction == faction]


def _call(call: Syscall) -> list[str]:
    signature = ", ".join(_field(f) for f in call.request.fields)
    results = ", ".join(_field(f) for f in call.response.fields) or "nothing"
    facts = [f"number {call.number}", f"`{call.service}/{call.method}`"]
    facts += ["**may wait**"] * call.blocking + ["*idempotent*"] * call.idempotent
    facts += [f"authorisation `{call.authorisation}`"] if call.authorisation else []
    facts += [f"by its arguments `{action}`" for action in call.conditional]
    prefix = "rump_pub_" if call.pub else "rump_sys_"
    return [
        f"### {prefix}{call.cname}",
        "",
        call.comment,
        "",
        f"- arguments: {signature or 'none'}",
        f"- results: {results}",
        f"- {', '.join(facts)}",
        "",
    ]


_ROLES = {1: "descriptor", 2: "directory", 3: "new descriptor"}


def _field(f: Field) -> str:
    words = [_ROLES[f.role]] if f.role else []
    words += ["optional"] if f.optional else []
    kind = f"[{f.kind}](#{f.kind.lower()})" if f.is_message else f.kind
    kind = f"list of {kind}" if f.repeated else kind
    return f"`{f.name}` {kind}" + (f" *({', '.join(words)})*" if words else "")


def _structure(message: model.Message) -> list[str]:
    joint = "one of " if message.is_union else ""
    fields = ", ".join(_field(f) for f in message.fields) or "nothing"
    lines = [f"### {message.name}", ""]
    lines += [message.comment, ""] if message.comment else []
    return [*lines, f"- {joint}{fields}", ""]


# -- docs/support.md

Rows = dict[str, tuple[str, str]]
"""By call: support (full, partial) and note."""


def tables() -> dict[str, Rows]:
    """The tables of the gateway and of the four components, as they are when nothing but the component is there."""
    for folder in _SOURCES:
        path = str(model.ROOT / folder)
        if path not in sys.path:
            sys.path.insert(0, path)
    found = {name: _component(name) for name in FACTIONS}
    found["gateway"] = _gateway()
    return found


def _gateway() -> Rows:
    try:
        table = importlib.import_module("rumpgateway.core.gateway").OWN_CALLS
    except (ImportError, AttributeError):
        return {}
    return _rows(table)


def _component(name: str) -> Rows:
    try:
        module = importlib.import_module(f"rump{name}.component")
    except ImportError:
        return {}
    from rumpuser.component import Parameters
    from rumpuser.host import ManualHost

    made = getattr(module, f"{name.capitalize()}Component")(ManualHost(), _NoBus(), Parameters())
    return _rows(made.table)


class _NoBus:
    """A bus with nobody on it."""

    def peer(self, name: str) -> Any:
        from rumpwire.errno import Errno, KernelError

        raise KernelError(Errno.ENOSYS, f"no {name}")

    blocking = peer


def _rows(table: dict[str, Any]) -> Rows:
    return {name: (entry.support.value, entry.note) for name, entry in table.items()}


def support_page(contract: Contract, found: dict[str, Rows]) -> str:
    out = [
        f"<!-- {_NOTE} -->",
        "# What is there",
        "",
        *_paragraph(_ABOUT_SUPPORT),
        *_summary(contract, found),
    ]
    for faction, title in FACTIONS.items():
        out += [f"## {faction}: {title}", "", "| number | call | support | answered by | note |"]
        out.append("|---:|---|---|---|---|")
        out += [_row(call, found) for call in _of(contract, faction)]
        out.append("")
    return "\n".join(out).rstrip() + "\n"


def _summary(contract: Contract, found: dict[str, Rows]) -> Iterator[str]:
    yield "| faction | full | partial | missing | calls |"
    yield "|---|---:|---:|---:|---:|"
    for faction in FACTIONS:
        supports = [_support(call, found)[0] for call in _of(contract, faction)]
        counts = " | ".join(str(supports.count(kind)) for kind in ("full", "partial", "missing"))
        yield f"| {faction} | {counts} | {len(supports)} |"
    yield ""


def _support(call: Syscall, found: dict[str, Rows]) -> tuple[str, list[str], str]:
    """Support, who answers, and notes. Partial when any of those who answer says so."""
    owners = [owner for owner in ("gateway", *FACTIONS) if call.name in found[owner]]
    if not owners:
        return "missing", [], ""
    by_descriptor = any(f.role == 1 for f in call.request.fields)
    if not by_descriptor:  # the gateway's word, else the faction's
        owners = [owner for owner in ("gateway", call.faction) if owner in owners] or owners
    rows = {owner: found[owner][call.name] for owner in owners}
    notes = [f"{owner}: {note}" if len(rows) > 1 else note for owner, (_, note) in rows.items() if note]
    partial = any(support != "full" for support, _ in rows.values())
    return "partial" if partial else "full", owners, "; ".join(notes)


def _row(call: Syscall, found: dict[str, Rows]) -> str:
    support, owners, note = _support(call, found)
    name = f"`{call.cname}`" if support != "missing" else call.cname
    shown = {"full": "full", "partial": "partial", "missing": "**missing**"}[support]
    return f"| {call.number} | {name} | {shown} | {', '.join(owners)} | {note.replace('|', '/')} |"
