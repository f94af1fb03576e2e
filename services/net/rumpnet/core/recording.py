"""What net leaves to its successor, and how that takes it over.

The configuration is a journal of the calls that made it, each different one once and in the order in which they were
last done. What was about an interface, or a route by it, leaves it with the interface; rules of npf leave it with the
load that replaces them. The successor does the calls again, those that fail once more after the others, since they may
stand on one that was repeated later; but not those that take something away, since they would take what has come back
since.

Of a socket its kind, options, name and backlog are written down: sockets that listen or receive datagrams go on; one
that was connected to a peer has lost what was under way, and says so (ECONNRESET).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from rumpnet.core.ifioctl import TABLE
from rumpnet.core.socket import Socket
from rumpuser.component import KERNEL, Context
from rumpuser.pending import value_of
from rumpuser.plain import flat, whole
from rumpuser.records import Records
from rumpwire import const
from rumpwire.calls import OPS, Op
from rumpwire.errno import Errno, KernelError
from rumpwire.values import AcceptResult, PacceptResult, SockaddrUn, SocketpairResult, WgReq

if TYPE_CHECKING:
    from rumpnet.core.net import Net

log = logging.getLogger(__name__)

CONFIGURING = frozenset({
    "netconfig_ifcreate", "netconfig_ifdestroy", "netconfig_ifup", "netconfig_ifdown", "netconfig_ifsetlinkstr",
    "netconfig_bradd", "netconfig_brdel", "netconfig_ipv4_ifaddr", "netconfig_ipv4_ifaddr_cidr",
    "netconfig_ipv6_ifaddr", "netconfig_ipv4_gw", "netconfig_ipv6_gw", "netconfig_auto_ipv6", "netconfig_ifaddrdel",
    "netconfig_ifimpair", "netconfig_ifcapture", "netconfig_dhcp_ipv4_oneshot", "npf_load", "npf_switch", "npf_flush",
    "npf_table", "npf_rule_add", "npf_rule_remove", "dhcp_start", "dhcp_stop", "dhcpd_start", "dhcpd_stop",
    "dns_forward",
})  # fmt: skip
"""Calls that change what is configured, and change nothing when they are done again in this order."""
ON_SOCKET = frozenset({"ioctl", "route_send"})
"""Calls that may change it too, by a socket that does not matter: the successor does them on one of its own."""
REQUESTS = frozenset(com for com, (_, _, changes) in TABLE.items() if changes) | {
    const.SIOCSDRVSPEC, const.SIOCSETVLAN, const.SIOCSLIFPHYADDR, const.SIOCDIFPHYADDR, const.SIOCSLAGG,
}  # fmt: skip
"""Those of ioctl that do."""
DESTROYING = frozenset({"netconfig_ifdestroy", const.SIOCIFDESTROY})
TAKING = DESTROYING | {
    "netconfig_brdel", "netconfig_ifaddrdel", "npf_rule_remove", "dhcp_stop", "dhcpd_stop", const.SIOCDIFADDR,
    const.SIOCDIFADDR_IN6, const.SIOCDLIFADDR, const.SIOCDELMULTI, const.SIOCDIFPHYADDR, const.RTM_DELETE,
}  # fmt: skip
"""What takes something away: calls, requests of ioctl, types of messages about routes."""
LOADING = frozenset({"npf_load", "npf_flush"})
RULES = LOADING | {"npf_table", "npf_rule_add", "npf_rule_remove"}
"""What a load of npf replaces: were it done again after the load, it would change what that has loaded."""
SOCKETS = frozenset({"socket", "socketpair", "accept", "paccept", "bind", "connect", "listen", "setsockopt", "close"})
GATEWAYS = {"netconfig_ipv4_gw": 4, "netconfig_ipv6_gw": 16}
"""Calls that make a default route, and the bytes of an address of theirs."""
ROUNDS = 3

Call = Callable[[Context, Op, tuple[Any, ...]], Any]


def _action(name: str, args: tuple[Any, ...]) -> str | int:
    """What a call of the journal does, as in `TAKING`; those of `ON_SOCKET` stand there without their socket."""
    if name == "ioctl":
        com: int = args[0]
        return com
    return args[0].rtm_type if name == "route_send" else name


def _interfaces(name: str, args: tuple[Any, ...]) -> tuple[str, ...]:
    """The interfaces that a call of the journal is about."""
    if name == "ioctl":
        return (args[1][0],)  # the first field of whatever it takes
    if name in ("netconfig_bradd", "netconfig_brdel"):
        return args
    return args[:1] if name.startswith(("netconfig_if", "netconfig_ipv", "netconfig_auto", "dhcp")) else ()


class Recorder:
    """Writes it down."""

    def __init__(self, net: Net, records: Records) -> None:
        self._net = net
        self._records = records
        self.on = records.on
        self._options: dict[int, dict[tuple[int, int], Any]] = {h: kept for h, kept, _ in records.items("options")}

    def done(self, ctx: Context, op: Op, args: tuple[Any, ...], value: Any) -> Any:
        """The value of a call, which is written down when it is there."""
        name = op.name
        if name not in CONFIGURING and name not in SOCKETS and name not in ON_SOCKET:
            return value
        if type(value) is CoroutineType:
            return self._later(ctx, name, args, value)
        self._write(ctx, name, args, value)
        return value

    async def _later(self, ctx: Context, name: str, args: tuple[Any, ...], coming: Any) -> Any:
        value = await coming
        self._write(ctx, name, args, value)
        return value

    def _write(self, ctx: Context, name: str, args: tuple[Any, ...], value: Any) -> None:
        if name in CONFIGURING:
            self._configured(ctx, name, args, *self._way(name))
        elif name == "ioctl":
            if args[1] in REQUESTS and not isinstance(args[2], WgReq):  # keys are not written down
                self._configured(ctx, name, args[1:])
        elif name == "route_send":
            if args[1].rtm_type != const.RTM_GET:
                self._configured(ctx, name, (args[1]._replace(rtm_pid=0, rtm_seq=0),), value.ifname)
        else:
            self._socket(name, args, value)

    def _way(self, name: str) -> tuple[str, ...]:
        """The interface that a default route which was just made goes by."""
        length = GATEWAYS.get(name)
        route = None if length is None else self._net.routes.find(bytes(length), 0)
        return () if route is None else (route.iface.name,)

    def _configured(self, ctx: Context, name: str, args: tuple[Any, ...], *by: str) -> None:
        """Writes a call down, with the interfaces that it is about, or its route goes by."""
        if name in LOADING:
            self._forget(lambda what, interfaces: what in RULES)
        elif _action(name, args) in DESTROYING:
            (gone,) = _interfaces(name, args)
            self._forget(lambda what, interfaces: gone in interfaces)
        kept, interfaces = flat(args), (*_interfaces(name, args), *by)
        self._records.put("configuration", f"{name}{kept!r}", (name, kept, flat(ctx.cred), *interfaces))

    def _forget(self, over: Callable[[str, list[str]], bool]) -> None:
        for key, (name, _, _, *interfaces), _ in self._records.items("configuration"):
            if over(name, interfaces):
                self._records.delete("configuration", key)

    def _socket(self, name: str, args: tuple[Any, ...], value: Any) -> None:
        put = self._records.put
        if name in ("socket", "socketpair", "accept", "paccept"):
            self._made(args, value, connected=name != "socket")
        elif name == "bind":
            put("bound", args[0], flat(self._net.socket(args[0]).sockname()))
        elif name == "listen":
            put("listening", args[0], args[1])
        elif name == "connect":
            put("connected", args[0], flat(args[1]))
        elif name == "setsockopt":
            self._option(*args)
        else:
            self.closed(args[0])

    def _option(self, handle: int, level: int, name: int, value: Any) -> None:
        options = self._options.setdefault(handle, {})
        options.pop((level, name), None)  # they are set again in the order in which they were last set
        options[level, name] = flat(value)
        self._records.put("options", handle, options)

    def _made(self, args: tuple[Any, ...], value: Any, *, connected: bool) -> None:
        if isinstance(value, (AcceptResult, PacceptResult)):
            value = (value[0],)
        for handle in value if isinstance(value, (tuple, SocketpairResult)) else (value,):
            so = self._net.socket(handle)
            self._records.put("sockets", handle, (so.domain, so.type, so.protocol, so.nonblocking, so.uid, so.subject))
            self._records.last("last", handle)
            if connected:
                self._records.put("connected", handle, None)

    def closed(self, handle: int) -> None:
        self._options.pop(handle, None)
        for table in ("sockets", "bound", "listening", "connected", "options"):
            self._records.delete(table, handle)


class Restoring:
    """A successor of net at its start."""

    def __init__(self, net: Net, call: Call) -> None:
        self._net = net
        self._call = call
        self._records = net.host.records

    async def restore(self) -> None:
        for _, _, last in self._records.items("last"):
            self._net.restart_handles(last)
        await self._configure()
        for handle, value, _ in self._records.items("sockets"):
            try:
                self._socket(handle, *value)
            except (KernelError, ValueError) as error:
                log.warning("socket %d does not come back: %s", handle, error)
        for handle, options, _ in self._records.items("options"):
            for (level, name), value in options.items():
                await self._attempt("setsockopt", (handle, level, name, whole(value)))
        for handle, name, _ in self._records.items("bound"):
            await self._bind(handle, whole(name))
        for handle, backlog, _ in self._records.items("listening"):
            await self._attempt("listen", (handle, backlog))
        for handle, name, _ in self._records.items("connected"):
            await self._connect(handle, whole(name))

    async def _configure(self) -> None:
        by = self._net.install(self._net.domain(const.AF_ROUTE).socket(KERNEL, const.SOCK_RAW, 0))
        todo = list(self._journal())
        for _ in range(ROUNDS):
            todo = [each for each in todo if not await self._repeat(by, *each) and _action(*each[:2]) not in TAKING]
        for name, args, _ in todo:
            log.info("%s%r is not there any more", name, args)
        self._net.forget(by).close()

    def _journal(self) -> Iterator[Any]:
        for key, value, _ in self._records.items("configuration"):
            try:
                yield whole(value[:3])
            except ValueError as error:
                log.warning("%s is not repeated: %s", key, error)
                self._records.delete("configuration", key)

    async def _repeat(self, by: int, name: str, args: tuple[Any, ...], cred: Any) -> bool:
        ctx = Context(0, cred, umask=0)
        try:
            await value_of(self._call(ctx, OPS[name], (by, *args) if name in ON_SOCKET else args))
        except (KernelError, ValueError):
            return False
        return True

    def _socket(
        self, handle: int, domain: int, kind: int, protocol: int, nonblocking: bool, uid: int, subject: str
    ) -> None:
        so: Socket = self._net.domain(domain).socket(KERNEL, kind, protocol)
        so.nonblocking, so.handle, so.uid, so.subject = nonblocking, handle, uid, subject
        self._net.sockets[handle] = so

    async def _bind(self, handle: int, name: Any) -> None:
        """The node of a local socket is there, or gone with its file system: nothing is made anew."""
        so = self._net.sockets.get(handle)
        if so is not None and isinstance(name, SockaddrUn):
            so.name = name  # type: ignore[attr-defined]  # of its domain
        else:
            await self._attempt("bind", (handle, name))

    async def _connect(self, handle: int, name: Any) -> None:
        so = self._net.sockets.get(handle)
        if so is None:
            return
        datagrams = so.type in (const.SOCK_DGRAM, const.SOCK_RAW) and so.domain != const.AF_LOCAL
        if datagrams and name is not None:
            await self._attempt("connect", (handle, name))
        else:
            so.fail(Errno.ECONNRESET)

    async def _attempt(self, name: str, args: tuple[Any, ...]) -> None:
        try:
            await value_of(self._call(KERNEL, OPS[name], args))
        except (KernelError, ValueError) as error:
            log.warning("%s of socket %d is not repeated: %s", name, args[0], error)
