"""The filter of a stack: its hook in the layers of IP, its answers, and its calls.

While it is not active no layer knows of it, and packets pay nothing.
"""

from __future__ import annotations

from rumpnet.core.iface import Iface
from rumpnet.core.ip import Ip
from rumpnet.core.ip6 import REASSEMBLY_NS
from rumpnet.core.net import Net
from rumpnet.core.npf.filter import Npf
from rumpnet.core.npf.flow import Flow
from rumpnet.core.npf.procedure import Seen
from rumpnet.core.packet import Packet
from rumpnet.core.reassembly import Reassembly
from rumpnet.core.wire import Malformed, icmp, ipv4, ipv6, pflog, tcp
from rumpnet.core.wire.tcp import ACK, FIN, RST, SYN
from rumpnet.ifaces.npflog import Npflog
from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpwire import const
from rumpwire.errno import KernelError
from rumpwire.values import (
    NpfAddress,
    NpfConfig,
    NpfConfigGetResult,
    NpfConnection,
    NpfCounter,
    NpfRule,
)  # fmt: skip


class StackFilter:
    """The filter of one stack. Its methods named ``npf_`` are the calls."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.npf = Npf(net.host, self._addresses_of, self._answer, self._log)
        self._reassembly = Reassembly(net.host)
        self._reassembly6 = Reassembly(net.host, REASSEMBLY_NS, shuns=True)
        self._answering = False

    # -- packets

    def hook(self, iface: Iface, packet: Packet, out: bool) -> Packet | None:
        """What the layers call. Fragments that come in are held until they make a whole packet."""
        if self._answering:
            return packet
        try:
            whole = packet if out else self._whole(packet)
        except Malformed:
            return None
        return whole if whole is not None and self.npf.inspect(whole, iface.name, out=out) else None

    def _whole(self, packet: Packet) -> Packet | None:
        """The packet, if it is no fragment; else the one that it completes. Malformed."""
        view = packet.view()
        if view[0] >> 4 == 6:
            return self._whole6(packet, ipv6.Packet(view)) if view[6] in ipv6.EXTENSIONS else packet
        if not (view[6] << 8 | view[7]) & (ipv4.MORE_FRAGMENTS | ipv4.OFFSET_MASK):
            return packet
        whole = self._reassembly.add(ipv4.Packet(view))
        return None if whole is None else _instead(packet, whole)

    def _whole6(self, packet: Packet, header: ipv6.Packet) -> Packet | None:
        """Routers cut no packets of IPv6 (RFC 8200, 4.5), so the whole knows how long its pieces were, and
        leaves in such."""
        fragment = header.find_fragment()
        if fragment is None or fragment.atomic:
            return packet
        if not fragment.offset and not fragment.headers_complete():
            raise Malformed("headers beyond the first fragment")
        data = self._reassembly6.add(fragment)
        if data is None:
            return None
        if ipv6.Packet(data).find_fragment() is not None:
            raise Malformed("a fragment within a fragment")
        whole = _instead(packet, data)
        longest = header.header_len + ipv6.FRAGMENT_LEN + self._reassembly6.longest
        whole.pieces = fragment.ident, max(longest, ipv6.MIN_MTU)
        return whole

    def _addresses_of(self, ifname: str, version: int) -> list[bytes]:
        iface = self.net.interfaces.by_name.get(ifname)
        width = {4: 4, 6: 16}.get(version, 0)
        return [a.addr for a in iface.addresses if width in (0, len(a.addr))] if iface is not None else []

    def _answer(self, kind: str, flow: Flow, packet: Packet) -> None:
        """Nobody waits for it: one that cannot be sent is nothing. It passes the filter itself."""
        self._answering = True
        try:
            if kind == "rst":
                self._reset(flow)
            else:
                self._unreachable(packet)
        except (KernelError, Malformed):
            self.npf.stats["answers that could not be sent"] += 1
        finally:
            self._answering = False

    def _reset(self, flow: Flow) -> None:
        """As RFC 9293, 3.5.2, for a connection that does not exist. A reset is not answered."""
        segment = tcp.Segment(memoryview(flow.head)[flow.l4 :])
        layer = self.net.layers.get(len(flow.src))
        if segment.flags & RST or layer is None:
            return
        length = flow.length - (flow.l4 - flow.at) - segment.header_len
        after = segment.seq + length + bool(segment.flags & SYN) + bool(segment.flags & FIN)
        seq, ack, flags = (segment.ack, 0, RST) if segment.flags & ACK else (0, after, RST | ACK)
        pseudo = layer.pseudo(flow.dst, flow.src, tcp.PROTOCOL, tcp.HEADER_LEN)
        packet = Packet(tcp.emit((flow.dport, flow.sport), seq, ack, flags, 0, pseudo))
        packet.csum_start, packet.csum_offset = 0, tcp.CHECKSUM_OFFSET
        layer.send(layer.route(flow.src), flow.dst, flow.src, tcp.PROTOCOL, packet)

    def _unreachable(self, packet: Packet) -> None:
        layer = self.net.layers.get(4)
        view = packet.view()
        if isinstance(layer, Ip) and layer.errors is not None and view[0] >> 4 == 4:
            layer.errors.send_error(None, ipv4.Packet(view), icmp.UNREACHABLE, icmp.PROHIBITED)

    def _log(self, ifname: str, flow: Flow, seen: Seen) -> None:
        """The packet as it is now, for those who listen at the interface, if there is one."""
        self.npf.stats[f"logged to {ifname[:16]}"] += 1
        iface = self.net.interfaces.by_name.get(ifname)
        if not isinstance(iface, Npflog) or not iface.taps:
            return
        family = const.AF_INET if flow.version == 4 else const.AF_INET6
        header = pflog.emit(family, seen.ifname, seen.rule, out=seen.out, passes=seen.passes)
        shown = Packet(header, bytes(flow.head), seen.packet.view()[len(flow.head) :])
        shown.gso_size, shown.csum_offset = seen.packet.gso_size, seen.packet.csum_offset
        shown.csum_start = seen.packet.csum_start + len(header)
        iface.log(shown, out=seen.out)

    # -- calls

    def npf_load(self, ctx: Context, config: NpfConfig | None) -> None:
        """EPERM, EINVAL, ESRCH, EEXIST, E2BIG."""
        authorize(ctx, Action.NETWORK_FIREWALL_FW)
        if config is not None and config.maps:
            authorize(ctx, Action.NETWORK_FIREWALL_NAT)
        self.npf.load(config or NpfConfig())

    def npf_config_get(self, ctx: Context) -> NpfConfigGetResult:
        """EPERM."""
        authorize(ctx, Action.NETWORK_FIREWALL_FW)
        return NpfConfigGetResult(self.npf.config(), self.npf.active)

    def npf_switch(self, ctx: Context, active: bool) -> None:
        """EPERM."""
        authorize(ctx, Action.NETWORK_FIREWALL_FW)
        self.switch(active)

    def switch(self, active: bool) -> None:
        for layer in self.net.layers.values():
            hooks = layer.hooks
            if active and self.hook not in hooks:
                hooks.append(self.hook)
            elif not active and self.hook in hooks:
                hooks.remove(self.hook)
        self.npf.switch(active)
        self._reassembly.clear()
        self._reassembly6.clear()

    def npf_flush(self, ctx: Context) -> None:
        """EPERM."""
        authorize(ctx, Action.NETWORK_FIREWALL_FW)
        self.npf.flush()

    def npf_connections(self, ctx: Context) -> list[NpfConnection]:
        """EPERM."""
        authorize(ctx, Action.NETWORK_FIREWALL_FW)
        return self.npf.listing()

    def npf_stats(self, ctx: Context) -> list[NpfCounter]:
        """EPERM."""
        authorize(ctx, Action.NETWORK_FIREWALL_FW)
        return self.npf.counters()

    def npf_table(self, ctx: Context, table: str, command: str, entry: NpfAddress | None) -> list[NpfAddress]:
        """EPERM, ESRCH, EINVAL, EEXIST, ENOENT, ENOSPC."""
        authorize(ctx, Action.NETWORK_FIREWALL_FW)
        return self.npf.table(table, command, entry)

    def npf_rule_add(self, ctx: Context, group: str, rule: NpfRule | None) -> int:
        """EPERM, ESRCH, EINVAL, ENOSPC."""
        authorize(ctx, Action.NETWORK_FIREWALL_FW)
        return self.npf.add_rule(group, rule)

    def restore_rule(self, group: str, rule: NpfRule) -> int:
        """The same, with the number that it had. ESRCH, EINVAL, ENOSPC."""
        return self.npf.add_rule(group, rule, rule.id)

    def npf_rule_remove(self, ctx: Context, group: str, id: int) -> None:
        """EPERM, ESRCH, ENOENT."""
        authorize(ctx, Action.NETWORK_FIREWALL_FW)
        self.npf.remove_rule(group, id)


def _instead(piece: Packet, data: bytes) -> Packet:
    """The whole of which a piece came last, to the same hosts of the link; what it covers nobody vouches for."""
    whole = Packet(data)
    whole.link_cast = piece.link_cast
    return whole
