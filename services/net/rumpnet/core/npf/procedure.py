"""Procedures of rules: packets are made normal and shown to bpf (npf_ext_normalize, npf_ext_log)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rumpnet.core.npf.flow import TCP, Flow
from rumpnet.core.packet import Packet
from rumpnet.core.wire.tcp import SYN
from rumpuser.host import Host
from rumpwire.values import NpfProcedure

DONT_FRAGMENT = 0x40
MSS = 2


class Seen(NamedTuple):
    """A packet where the filter decided about it, and by which rule, 0 for none."""

    packet: Packet
    ifname: str
    out: bool
    passes: bool = True
    rule: int = 0


Log = Callable[[str, Flow, Seen], None]
"""Shows a packet to those who listen at a log interface."""


def apply(procedure: NpfProcedure, flow: Flow, host: Host, log: Log, seen: Seen) -> None:
    """Changes the packet and its checksums."""
    if flow.version == 4:
        _normalize(procedure, flow, host)
    if procedure.max_mss and flow.protocol == TCP and not flow.fragment and flow.flags & SYN:
        _clamp_mss(flow, procedure.max_mss)
    if procedure.log_ifname:
        log(procedure.log_ifname, flow, seen)


def _normalize(procedure: NpfProcedure, flow: Flow, host: Host) -> None:
    head, at = flow.head, flow.at
    if procedure.random_id:
        flow.set_bytes(at + 4, host.entropy(2))
    if procedure.no_df and head[at + 6] & DONT_FRAGMENT:
        flow.set_bytes(at + 6, bytes((head[at + 6] & ~DONT_FRAGMENT, head[at + 7])))
    if head[at + 8] < procedure.min_ttl:
        flow.set_bytes(at + 8, bytes((min(procedure.min_ttl, 255), head[at + 9])))


def _clamp_mss(flow: Flow, most: int) -> None:
    """The option may stand at an odd place; the checksum then sees the words with their halves exchanged."""
    head = flow.head
    at, end = flow.l4 + 20, min(flow.l4 + (head[flow.l4 + 12] >> 4) * 4, len(head))
    while at + 1 < end and head[at]:
        size = 1 if head[at] == 1 else head[at + 1]
        if head[at] == MSS and size == 4 and at + 4 <= end:
            old = bytes(head[at + 2 : at + 4])
            if int.from_bytes(old, "big") > most:
                new = most.to_bytes(2, "big")
                head[at + 2 : at + 4] = new
                odd = (at - flow.l4) & 1
                flow.adjust_transport(old[::-1] if odd else old, new[::-1] if odd else new, pseudo=False)
            return
        if size < 1 or (size < 2 and head[at] != 1):
            return
        at += size
