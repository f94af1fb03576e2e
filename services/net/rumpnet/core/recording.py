"""What net leaves to its successor, and how that takes it over.

The configuration is a journal of the calls that made it (`rumpnet.core.journal`), in the order in which they were last
done, and the routes that there are (`rumpnet.core.routerecords`). What was about an interface leaves the journal with
it; rules of npf leave it with the load that replaces them. The successor does the calls again, those that fail once
more after the others, since they may stand on one that was repeated later; but not those that take something away,
since they would take what has come back since.

Of a socket its kind, options, name and backlog are written down: sockets that listen or receive datagrams go on; one
that was connected to a peer has lost what was under way, and says so (ECONNRESET).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from rumpnet.core.journal import (
    CONFIGURING,
    DESTROYING,
    LOADING,
    ON_SOCKET,
    REQUESTS,
    RULES,
    TAKING,
    action,
    interfaces,
    subject,
)
from rumpnet.core.routerecords import RouteRecords
from rumpnet.core.socket import Socket
from rumpuser.component import KERNEL, Context
from rumpuser.pending import value_of
from rumpuser.plain import flat, whole
from rumpuser.records import Records
from rumpwire import const
from rumpwire.calls import OPS, Op
from rumpwire.errno import Errno, KernelError
from rumpwire.values import AcceptResult, Ifreq, PacceptResult, Rtmsg, SockaddrUn, SocketpairResult

if TYPE_CHECKING:
    from rumpnet.core.net import Net

log = logging.getLogger(__name__)

UP = frozenset({"netconfig_ifup", "netconfig_ifdown"})
SOCKETS = frozenset({"socket", "socketpair", "accept", "paccept", "bind", "connect", "listen", "setsockopt", "close"})
ROUNDS = 3

Call = Callable[[Context, Op, tuple[Any, ...]], Any]


class Recorder:
    """Writes it down."""

    def __init__(self, net: Net, records: Records) -> None:
        self._net = net
        self._records = records
        self.on = records.on
        self.routes = RouteRecords(net, records)
        self._options: dict[int, dict[tuple[int, int], Any]] = {h: kept for h, kept, _ in records.items("options")}
        if self.on and not records.inherited:
            self.routes.watch()

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
        if name in UP:
            self._configured(ctx, "ioctl", (const.SIOCSIFFLAGS, self._flags(args[0])), None)
        elif name == "ioctl":
            com, req = args[1:]
            if com in REQUESTS:
                self._configured(ctx, name, (com, req), None)
        elif name == "route_send":
            self._routed(ctx, args[1], value)
        elif name in CONFIGURING:
            if name != "npf_table" or args[1] in ("add", "remove", "flush"):
                self._configured(ctx, name, args, value)
        else:
            self._socket(name, args, value)

    def _flags(self, ifname: str) -> Ifreq:
        """The flags that an interface has, by whichever call; who listens to all frames says so himself."""
        return Ifreq(ifname, ifr_value=self._net.interfaces.get(ifname).flags & ~const.IFF_PROMISC)

    def _routed(self, ctx: Context, asked: Rtmsg, answer: Rtmsg) -> None:
        """Neighbours, and routes that were not made by hand; of the others the table itself tells."""
        if asked.rtm_type == const.RTM_GET:
            return
        asked = asked._replace(rtm_pid=0, rtm_seq=0, ifname=answer.ifname)
        if not asked.rtm_flags & const.RTF_LLDATA:
            if answer.rtm_flags & const.RTF_STATIC:
                return
            asked = asked._replace(dst=answer.dst, prefixlen=answer.prefixlen)
        self._configured(ctx, "route_send", (asked,), None)

    def _configured(self, ctx: Context, name: str, args: tuple[Any, ...], value: Any) -> None:
        """Writes a call down, in the place of the one about the same."""
        what, key = action(name, args), subject(name, args, value)
        ends = what in TAKING and self._records.holds("configuration", key)
        if name in LOADING:
            self._forget(lambda before, _: before in RULES)
        elif name == "npf_table" and args[1] == "flush":
            self._forget(lambda before, about: before == name and about[0] == args[0])
        elif name == "npf_rule_add":
            args = args[0], args[1]._replace(id=value)
        elif what in DESTROYING:
            (gone,) = interfaces(name, args)
            self._forget(lambda _, about: gone in about)
        if ends:
            self._records.delete("configuration", key)
            return
        about = args[:1] if name == "npf_table" else interfaces(name, args)
        self._records.put("configuration", key, (name, flat(args), flat(ctx.cred), *about))

    def _forget(self, over: Callable[[str, list[str]], bool]) -> None:
        for key, (name, _, _, *about), _ in self._records.items("configuration"):
            if over(name, about):
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

    def __init__(self, net: Net, routes: RouteRecords, call: Call) -> None:
        self._net = net
        self._routes = routes
        self._call = call
        self._records = net.host.records

    async def restore(self) -> None:
        for _, _, last in self._records.items("last"):
            self._net.restart_handles(last)
        await self._configure()
        self._routes.restore()
        self._routes.watch()
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
            todo = [each for each in todo if not await self._repeat(by, *each[1:]) and action(*each[1:3]) not in TAKING]
        for key, *_ in todo:
            log.info("%s: what it stands on is not there any more", key)  # not what it was given, which may be a secret
        self._net.forget(by).close()

    def _journal(self) -> Iterator[Any]:
        for key, value, _ in self._records.items("configuration"):
            try:
                yield key, *whole(value[:3])
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
