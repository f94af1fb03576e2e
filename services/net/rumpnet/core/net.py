"""The state of the networking faction: domains, sockets by handle, sysctl nodes."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rumpnet.core.control import Rights
from rumpnet.core.iface import Iface, InputQueue, Interfaces
from rumpnet.core.neighbour import Neighbour, Neighbours, Resolver
from rumpnet.core.options import SB_MAX
from rumpnet.core.route import Listener as RouteListener
from rumpnet.core.route import Route, Routes
from rumpnet.core.socket import Socket
from rumpuser import quota
from rumpuser.autoload import MissingModuleError
from rumpuser.component import KERNEL, Bus, Context
from rumpuser.host import Host
from rumpuser.kqueue import Watching
from rumpuser.pending import start
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    Inpcb,
    IoctlArgs,
    NetCounter,
    SysctlCounters,
    SysctlExport,
    SysctlPcbs,
    SysctlValue,
    SysctlValueInteger,
    SysctlValueQuad,
    SysctlValueRaw,
    SysctlValueText,
)

if TYPE_CHECKING:
    from rumpnet.core.layer import Layer
    from rumpnet.ifaces.ether import Ethernet

_MODULES = {const.AF_LOCAL: "local", const.AF_INET: "netinet", const.AF_INET6: "netinet6"}
"""Modules that bring protocol families."""


class Domain(Protocol):
    """A protocol family, which a module brings (domain(9))."""

    family: int
    name: str

    def socket(self, ctx: Context, kind: int, protocol: int) -> Socket:
        """EPROTOTYPE, EPROTONOSUPPORT, EPERM."""
        ...

    def nodes(self) -> list[Node]:
        """What it offers to the sysctl tree."""
        ...

    def stop(self) -> None:
        """Timers and packets under way go."""
        ...

    def pair(self, ctx: Context, kind: int, protocol: int) -> tuple[Socket, Socket]:
        """EOPNOTSUPP where there are no pairs; else as `socket`."""
        ...


Ioctl = Callable[[Context, int, "IoctlArgs | None"], "IoctlArgs | None"]
"""None for commands that are not known."""
NeighbourListener = Callable[["Iface", Neighbour, bool], None]


class Node(NamedTuple):
    """A number, text or table in the sysctl tree. ``put`` is None for one that is read-only, else it checks and sets.

    A table may be selected from (``select``) by the numbers that stand behind its name.
    """

    path: str
    number: list[int]
    description: str
    get: Callable[[], int | str | SysctlValue]
    put: Callable[[Any], Any] | None = None
    select: Callable[[tuple[int, ...]], SysctlValue] | None = None
    table: bool = False
    anywrite: bool = False

    def export(self) -> SysctlExport:
        flags = const.CTLFLAG_READONLY if self.put is None else const.CTLFLAG_READWRITE
        if self.anywrite:
            flags = const.CTLFLAG_ANYWRITE
        if self.select is not None:
            flags |= const.CTLFLAG_ANYNUMBER
        kind = const.CTLTYPE_STRUCT if self.table else _KINDS[type(self.get())]
        return SysctlExport(self.path, kind, flags, self.description, self.number)

    def value(self) -> SysctlValue:
        value = self.get()
        if isinstance(value, str):
            return SysctlValueText(value)
        return SysctlValueInteger(value) if isinstance(value, int) else value


def table(path: str, number: list[int], description: str, get: Callable[[], SysctlValue]) -> Node:
    return Node(path, number, description, get, table=True)


def statistics(path: str, number: list[int], protocol: str, counter: Counter[str]) -> Node:
    """What a protocol has counted."""

    def rows() -> SysctlValue:
        return SysctlCounters([NetCounter(protocol, name, value) for name, value in sorted(counter.items())])

    return table(path, number, f"{protocol} statistics", rows)


_KINDS = {str: const.CTLTYPE_STRING, int: const.CTLTYPE_INT, SysctlValueQuad: const.CTLTYPE_QUAD}


class Net:
    """The networking faction. Interfaces, routes and the input queue are there from the start; domains use them."""

    def __init__(self, host: Host, bus: Bus) -> None:
        self.host = host
        self.bus = bus
        self.domains: dict[int, Domain] = {}
        self.sockets: dict[int, Socket] = {}
        self.sb_max = Knob(SB_MAX, 16 << 10, 16 << 20)
        sb_max = self.sb_max.node("kern.sbmax", [1, 58], "Largest buffer that a socket may ask for")
        self.nodes: dict[str, Node] = {sb_max.path: sb_max}
        self.watching = Watching(host, self.socket)
        self.rights = Rights(self)
        self.queue = InputQueue()
        self.routes = Routes(self)
        self.interfaces = Interfaces(self)
        self.layers: dict[int, Layer] = {}
        """The internet layers by the length of their addresses: 4, 16."""
        self.resolvers: dict[int, Resolver] = {}
        """ARP and neighbour discovery, likewise."""
        self.more_nodes: list[Callable[[Net], Iterable[Node]]] = []
        """Who has sysctl nodes that come and go."""
        self.counters: dict[str, Counter[str]] = {}
        """What protocols have counted, by the names of protocols."""
        self.pcblists: list[Callable[[], Iterable[Inpcb]]] = []
        """Who has connections to show beside sockets."""
        self.routes.listeners.append(StaleNeighbours())
        self.neighbour_listeners: list[NeighbourListener] = []
        self.ioctl: Ioctl = lambda ctx, com, data: None
        """Of interfaces, on any socket."""
        self._handle = 0
        # File systems may keep ids of sockets for longer than this process lives; another's must not be taken for ours.
        self._boot = int.from_bytes(host.entropy(4), "big") << 32
        for _, boot, _ in host.records.items("boot"):
            self._boot = boot  # all that those ids may mean comes back
        host.records.put("boot", 0, self._boot)

    def stop(self) -> None:
        for handle in list(self.sockets):
            lingering = self.forget(handle).close()
            if lingering is not None:
                lingering.close()  # nobody is left to wait for it
        for iface in self.interfaces.by_name.values():
            iface.closed()
        for domain in self.domains.values():
            domain.stop()

    # -- domains

    def add_domain(self, domain: Domain) -> None:
        """EEXIST."""
        if domain.family in self.domains:
            raise KernelError(Errno.EEXIST, f"domain {domain.name} is there already")
        self.domains[domain.family] = domain
        self.add_nodes(domain.nodes())

    def remove_domain(self, family: int) -> None:
        """EBUSY while there are sockets of it."""
        count = sum(so.domain == family for so in self.sockets.values())
        if count:
            raise KernelError(Errno.EBUSY, f"{count} sockets of domain {self.domains[family].name} are open")
        domain = self.domains.pop(family)
        for node in domain.nodes():
            del self.nodes[node.path]
        domain.stop()

    def domain(self, family: int) -> Domain:
        """EAFNOSUPPORT."""
        domain = self.domains.get(family)
        if domain is None:
            text = f"there is no protocol family {family} in this kernel"
            if family in _MODULES:
                raise MissingModuleError(Errno.EAFNOSUPPORT, text, _MODULES[family])
            raise KernelError(Errno.EAFNOSUPPORT, text)
        return domain

    def neighbour_changed(self, iface: Ethernet, entry: Neighbour, *, gone: bool) -> None:
        """A resolver tells of an entry of its cache."""
        for listener in self.neighbour_listeners:
            listener(iface, entry, gone)

    # -- sockets

    def install(self, so: Socket) -> int:
        """A handle, which is never given out twice."""
        self._handle += 1
        so.handle = self._handle
        self.sockets[so.handle] = so
        return so.handle

    def reserve(self, ctx: Context, more: int, uid: int, subject: str) -> None:
        """That the buffers of a user's sockets, and of an identity's, may have so many bytes more.

        They are counted when somebody asks, which is seldom: only those who have a limit. ENOBUFS.
        """
        if ctx.sbsize != const.RLIM_INFINITY:
            held = sum(so.reserved for so in self.sockets.values() if so.uid == uid)
            if held + more > ctx.sbsize:
                text = f"the buffers of uid {uid} have {held} of {ctx.sbsize} bytes (RLIMIT_SBSIZE)"
                raise KernelError(Errno.ENOBUFS, text)
        if ctx.memory:
            held = sum(so.reserved for so in self.sockets.values() if so.subject == subject)
            quota.check(subject, "buffers", held, more, ctx.memory, Errno.ENOBUFS)

    def restart_handles(self, last: int) -> None:
        """Handles that a predecessor gave out do not come again."""
        self._handle = max(self._handle, last)

    def socket(self, handle: int) -> Socket:
        """EBADF."""
        so = self.sockets.get(handle)
        if so is None:
            raise KernelError(Errno.EBADF, f"no socket {handle}")
        return so

    def forget(self, handle: int) -> Socket:
        """EBADF."""
        so = self.socket(handle)
        del self.sockets[handle]
        return so

    def id_of(self, so: Socket) -> int:
        """The socket's name between components."""
        return self._boot | so.handle

    def by_id(self, ident: int) -> Socket | None:
        """None for sockets that are closed, and for those of a process before this one."""
        return self.sockets.get(ident ^ self._boot)

    def urgent(self, so: Socket) -> None:
        """Urgent data are under way to a socket; the gateway knows whether somebody wants SIGURG for that."""
        if so.handle in self.sockets:
            with contextlib.suppress(KernelError):  # without a gateway there are no owners
                start(self.bus.peer("gateway").call(KERNEL, calls.SOCKET_URGENT, (so.handle,)))

    # -- sysctl

    def add_nodes(self, nodes: Iterable[Node]) -> None:
        self.nodes.update((node.path, node) for node in nodes)

    def sysctl_export(self, ctx: Context) -> list[SysctlExport]:
        return [node.export() for node in (*self.nodes.values(), *self._more_nodes().values())]

    def _more_nodes(self) -> dict[str, Node]:
        return {node.path: node for nodes in self.more_nodes for node in nodes(self)}

    def sysctl_value(self, ctx: Context, path: str, newv: SysctlValue | None) -> SysctlValue:
        """The old value. ENOENT, EPERM, EINVAL."""
        node, behind = self._node(path)
        if node.select is not None and newv is None:
            return node.select(behind)
        if newv is None:
            return node.value()
        if node.put is None:
            raise KernelError(Errno.EPERM, f"{path} is read-only")
        if isinstance(newv, SysctlPcbs) and node.table:
            answer: SysctlValue | None = node.put(newv)
            return SysctlPcbs([]) if answer is None else answer
        old = node.value()
        if isinstance(newv, (SysctlValueInteger, SysctlValueText, SysctlValueRaw)) and type(newv) is type(old):
            node.put(newv[0])
            return old
        raise KernelError(Errno.EINVAL, f"{path} is {_NAMES.get(type(old), 'a table')}")

    def _node(self, path: str) -> tuple[Node, tuple[int, ...]]:
        """A node, and the numbers behind it when it is one to select from. ENOENT."""
        node, name, behind = self.nodes.get(path) or self._more_nodes().get(path), path, list[str]()
        while node is None and name:
            name, _, last = name.rpartition(".")
            behind.insert(0, last)
            node = self.nodes.get(name)
        if node is None or (behind and node.select is None):
            raise KernelError(Errno.ENOENT, f"no sysctl node {path}")
        return node, tuple(map(int, behind))


_NAMES: dict[type, str] = {SysctlValueInteger: "a number", SysctlValueText: "text"}


class StaleNeighbours(RouteListener):
    """A network that is not on the link any more has no neighbours there."""

    def route_new(self, route: Route) -> None:
        """Its neighbours are found when they are needed."""

    def route_missed(self, dst: bytes) -> None:
        """There is nothing to forget."""

    def route_redirected(self, route: Route, author: bytes) -> None:
        """There is nothing to forget."""

    def route_gone(self, route: Route) -> None:
        if not route.gateway and not route.flags & const.RTF_DYNAMIC:
            self._purge(route)

    def route_changed(self, route: Route) -> None:
        if not route.flags & const.RTF_DYNAMIC:
            self._purge(route)

    def _purge(self, route: Route) -> None:
        neighbours = getattr(route.iface, "neighbours", None)
        if isinstance(neighbours, Neighbours) and route.prefixlen:
            neighbours.purge_network(route.dst, route.prefixlen)


def number_node(path: str, number: list[int], description: str, of: object, name: str, low: int, high: int) -> Node:
    """An attribute of something, within bounds, as a node. EINVAL."""

    def put(value: int) -> None:
        if not low <= value <= high:
            raise KernelError(Errno.EINVAL, f"{value} is not in {low}..{high}")
        setattr(of, name, value)

    return Node(path, number, description, lambda: int(getattr(of, name)), put)


class Knob:
    """A number within bounds."""

    def __init__(self, value: int, low: int, high: int) -> None:
        self.value = value
        self._low = low
        self._high = high

    def get(self) -> int:
        return self.value

    def put(self, value: int) -> None:
        """EINVAL."""
        if not self._low <= value <= self._high:
            raise KernelError(Errno.EINVAL, f"{value} is not in {self._low}..{self._high}")
        self.value = value

    def node(self, path: str, number: list[int], description: str) -> Node:
        return Node(path, number, description, self.get, self.put)
