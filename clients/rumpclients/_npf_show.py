"""The structures of the packet filter as lines of npf.conf(5), and its connections as lines of a table."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

import rump
from rumpclients._npf_conf import PROTOCOLS, TCP_FLAGS

ARROWS = {"out": "->", "in": "<-", "both": "<->"}
NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp"}
VERSIONS = {4: "inet4", 6: "inet6"}


def config(found: rump.NpfConfig) -> Iterator[str]:
    """Lines that `_npf_conf.parse` reads again."""
    for name, value in found.params.items():
        yield f"set {name} {value}"
    for table in found.tables:
        entries = ", ".join(map(address, table.entries))
        yield f"table <{table.name}> type {table.kind}" + (f" {{ {entries} }}" if entries else "")
    for m in found.maps:
        yield one_map(m)
    for procedure in found.procedures:
        yield from _procedure(procedure)
    for group in found.groups:
        yield from _group(group)


def address(a: rump.NpfAddress) -> str:
    if a.table:
        return f"<{a.table}>"
    if a.ifname:
        return f"{VERSIONS.get(a.version, 'ifaddrs')}({a.ifname})"
    host = ipaddress.ip_address(a.addr)
    return str(host) if a.prefixlen == host.max_prefixlen else f"{host}/{a.prefixlen}"


def one_map(m: rump.NpfMap) -> str:
    wanted = m.filter or rump.NpfFilter()
    inwards = m.direction == "in"
    ours = (wanted.destination if inwards else wanted.source) or rump.NpfEnd()
    other = wanted.source if inwards else wanted.destination
    match = _sides(ours)
    translation = address(m.translation) if m.translation else "any"
    if m.translation_ports:
        translation += f" port {_ports([m.translation_ports])}"
    left, right = (translation, match) if inwards else (match, translation)
    words = ["map", m.ifname, "static" if m.static else "dynamic", f"algo {m.algorithm}" if m.algorithm else "",
             _protocols(wanted.protocols), left, ARROWS[m.direction], right]  # fmt: skip
    if other:
        words.append(f"pass {'from' if inwards else 'to'} {_sides(other)}")
    return " ".join(filter(None, words))


def rule(r: rump.NpfRule) -> str:
    """One rule, as `_npf_conf.parse_rule` reads it."""
    answer = {"any": "return", "rst": "return-rst", "icmp": "return-icmp"}.get(r.answer, "")
    stateful = {"interface": "stateful", "all": "stateful-all"}.get(r.stateful, "")
    words = ["pass" if r.permit else "block", answer, stateful, r.direction, "final" if r.final else "",
             f"on {r.ifname}" if r.ifname else "", _filter(r.filter or rump.NpfFilter()),
             f'apply "{r.procedure}"' if r.procedure else ""]  # fmt: skip
    return " ".join(filter(None, words))


def connection(c: rump.NpfConnection) -> dict[str, Any]:
    """A row of ``npfctl list``."""
    return {
        "protocol": NAMES.get(c.protocol, str(c.protocol)), "source": _endpoint(c.source),
        "destination": _endpoint(c.destination), "interface": c.ifname or "any",
        "translated": _endpoint(c.translated) if c.translated else "-", "state": c.state, "expires": c.expires,
        "packets": c.packets,
    }  # fmt: skip


def _endpoint(name: Any) -> str:
    if isinstance(name, rump.SockaddrIn6):
        return f"[{ipaddress.ip_address(name.sin6_addr)}]:{name.sin6_port}"
    return f"{ipaddress.ip_address(name.sin_addr)}:{name.sin_port}"


def _group(group: rump.NpfGroup) -> Iterator[str]:
    name = f'"{group.name}"' if group.name else "default"
    where = (f" {group.direction}" if group.direction else "") + (f" on {group.ifname}" if group.ifname else "")
    yield f"group {name}{where} {{"
    if group.dynamic:
        yield f'\truleset "{group.name}"'
    for r in group.rules:
        yield f"\t{rule(r)}  # id {r.id}: {r.packets} packets, {r.bytes} bytes"
    yield "}"


def _procedure(procedure: rump.NpfProcedure) -> Iterator[str]:
    options = [
        '"random-id"' if procedure.random_id else "", '"no-df"' if procedure.no_df else "",
        f'"min-ttl" {procedure.min_ttl}' if procedure.min_ttl else "",
        f'"max-mss" {procedure.max_mss}' if procedure.max_mss else "",
    ]  # fmt: skip
    yield f'procedure "{procedure.name}" {{'
    if procedure.log_ifname:
        yield f"\tlog: {procedure.log_ifname}"
    if any(options):
        yield f"\tnormalize: {', '.join(filter(None, options))}"
    yield "}"


def _filter(wanted: rump.NpfFilter) -> str:
    words = [f"family {VERSIONS[wanted.version]}" if wanted.version else "", _protocols(wanted.protocols)]
    if wanted.tcp_mask:
        words.append(f"flags {_flags(wanted.tcp_flags)}/{_flags(wanted.tcp_mask)}")
    if wanted.icmp_type is not None:
        words.append(
            f"icmp-type {wanted.icmp_type}" + (f" code {wanted.icmp_code}" if wanted.icmp_code is not None else "")
        )
    if wanted.source:
        words.append(f"from {_sides(wanted.source)}")
    if wanted.destination:
        words.append(f"to {_sides(wanted.destination)}")
    if not (wanted.source or wanted.destination):
        words.append("all")
    return " ".join(filter(None, words))


def _protocols(protocols: list[int]) -> str:
    known = {number: name for name, number in PROTOCOLS.items()}
    names = [known.get(p, str(p)) for p in protocols]
    return f"proto {names[0]}" if len(names) == 1 else f"proto {{ {', '.join(names)} }}" if names else ""


def _sides(end: rump.NpfEnd) -> str:
    names = [address(a) for a in end.addresses]
    text = names[0] if len(names) == 1 else f"{{ {', '.join(names)} }}" if names else "any"
    return ("! " if end.negate else "") + text + (f" port {_ports(end.ports)}" if end.ports else "")


def _ports(ports: list[rump.NpfPorts]) -> str:
    names = [str(p.first) if p.last in (0, p.first) else f"{p.first}-{p.last}" for p in ports]
    return names[0] if len(names) == 1 else f"{{ {', '.join(names)} }}"


def _flags(bits: int) -> str:
    return "".join(name for name, bit in TCP_FLAGS.items() if bits & bit)
