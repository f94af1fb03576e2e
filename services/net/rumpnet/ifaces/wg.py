"""Tunnels of WireGuard (wg(4)): packets of IP in datagrams that only the peer can read."""

from __future__ import annotations

from typing import Any

from rumpnet.core.iface import Iface
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.core.wg.device import Device, Endpoint
from rumpnet.core.wire import udp
from rumpnet.core.zone import sockaddr
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import SockaddrIn, SockaddrIn6, WgAllowedIp, WgPeer, WgReq

MTU = 1420
"""What fits into an Ethernet with IPv6, UDP, and 32 bytes of WireGuard around it."""


class Wg(Iface):
    """Up, it takes datagrams at its port; one is chosen if none is set."""

    kind = "wg"
    if_type = 251  # IFT_WIREGUARD

    def __init__(self, net: Net, name: str, index: int) -> None:
        super().__init__(net, name, index, MTU, const.IFF_POINTOPOINT | const.IFF_MULTICAST)
        self.device = Device(net.host, self._transmit, self._arrived)
        self.port = 0
        """Where it listens, if that was said."""
        self._open = 0
        self._inside = False

    # -- configuration (WG_IOCTL_*)

    def configure(self, req: WgReq) -> None:
        """EINVAL, EEXIST, ENOENT, EADDRINUSE, EAFNOSUPPORT."""
        match req.ifd_cmd:
            case const.WG_IOCTL_SET_PRIVATE_KEY:
                self.device.set_private_key(bytes(req.private_key))
            case const.WG_IOCTL_SET_LISTEN_PORT:
                self._set_port(req.listen_port)
            case const.WG_IOCTL_ADD_PEER:
                self._add(_one(req))
            case const.WG_IOCTL_DELETE_PEER:
                self.device.delete_peer(_one(req).name)
            case _:
                raise KernelError(Errno.EINVAL, f"a wg cannot do {req.ifd_cmd}")

    def _add(self, peer: WgPeer) -> None:
        endpoint = peer.endpoint
        where: Endpoint | None = None
        if isinstance(endpoint, SockaddrIn):
            where = bytes(endpoint.sin_addr), endpoint.sin_port
        elif isinstance(endpoint, SockaddrIn6):
            where = bytes(endpoint.sin6_addr), endpoint.sin6_port
        elif endpoint is not None:
            raise KernelError(Errno.EAFNOSUPPORT, "an endpoint is an address of IPv4 or IPv6")
        networks = [(bytes(network.addr), network.prefixlen) for network in peer.allowed_ips]
        psk, persistent = bytes(peer.preshared_key), peer.persistent_keepalive
        self.device.add_peer(peer.name, bytes(peer.public_key), psk, where, networks, persistent)

    def shown(self, *, secrets: bool) -> WgReq:
        """All that is set, and what is known of the peers; keys that are secret only for root."""
        device = self.device
        peers = [
            WgPeer(
                peer.name, peer.public, peer.psk if secrets and any(peer.psk) else b"",
                sockaddr(*peer.endpoint) if peer.endpoint is not None else None,
                [WgAllowedIp(*network) for network in device.allowed.of(peer)],
                peer.handshake_ns // 10**9, peer.received_bytes, peer.sent_bytes, peer.persistent_ns // 10**9,
            )
            for peer in device.peers.values()
        ]  # fmt: skip
        private = device.private if secrets else b""
        return WgReq(self.name, const.WG_IOCTL_GET, private, self._open or self.port, peers)

    def _set_port(self, port: int) -> None:
        if not 0 <= port <= 0xFFFF:
            raise KernelError(Errno.EINVAL, f"there is no port {port}")
        if port != self._open:
            self._check(port)
            if self._open:
                self._stop()
                self._listen(port)
        self.port = port

    # -- its port

    @property
    def _udp(self) -> Any:
        return self.net.domain(const.AF_INET).udp  # type: ignore[attr-defined]

    def _check(self, port: int) -> None:
        if port and (port in self._udp.services or port in self._udp.pcbs.by_port):
            raise KernelError(Errno.EADDRINUSE, f"port {port} of UDP is taken")

    def _listen(self, port: int) -> None:
        self._check(port)
        self._open = port or self._udp.pcbs.free_port(b"")
        self._udp.services[self._open] = self._came

    def _stop(self) -> None:
        self._udp.services.pop(self._open, None)
        self._open = 0

    def set_up(self, up: bool) -> None:
        """EADDRINUSE."""
        if up and not self._open:
            self._listen(self.port)
        elif not up and self._open:
            self._stop()
            self.device.close()
        super().set_up(up)
        if up and not self.device.up:
            self.device.open()

    def closed(self) -> None:
        self.device.close()

    # -- packets

    def output(self, packet: Packet, hop: bytes) -> None:
        """ENETDOWN, EHOSTUNREACH, EDESTADDRREQ; EIO when the way to the peer leads through the tunnel itself."""
        self.check_up()
        if self._inside:
            self.oerrors += 1
            raise KernelError(Errno.EIO, f"the way to a peer of {self.name} leads through it")
        self.sent(packet.length)
        self.tap_family(packet, out=True)
        self.device.output(bytes(packet.view()))

    def _transmit(self, data: bytes, endpoint: Endpoint) -> None:
        addr, port = endpoint
        layer = self.net.layers.get(len(addr))
        self._inside = True
        try:
            if layer is None or not self._open:
                raise KernelError(Errno.ENETDOWN)
            route = layer.route(addr)
            src = layer.select_source(route, addr)
            layer.send(route, src, addr, udp.PROTOCOL, self._udp.packet(route, src, addr, self._open, port, data))
        except KernelError:
            self.oerrors += 1
        finally:
            self._inside = False

    def _came(self, iface: Iface, src: bytes, port: int, dst: bytes, data: memoryview) -> None:
        self.device.input(data, (src, port))

    def _arrived(self, data: memoryview) -> None:
        packet = Packet(data)
        self.tap_family(packet, out=False)
        self.input(packet)


def _one(req: WgReq) -> WgPeer:
    if len(req.peers) != 1:
        raise KernelError(Errno.EINVAL, f"the request is about one peer, not {len(req.peers)}")
    return req.peers[0]
