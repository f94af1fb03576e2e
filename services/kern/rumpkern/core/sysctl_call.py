"""The call __sysctl(2): finds the node, checks rights and types, and reads or writes it here or at its faction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rumpkern.core.proc import ProcessTable
from rumpkern.core.sysctl import MAXNAME, OWN, TOP, Component, Node, Tree, arguments, convert, dotted
from rumpkern.core.sysctl_made import MadeNodes
from rumpuser.component import KERNEL, Bus, Context, Peer
from rumpuser.kauth import Action
from rumpuser.pending import ENDED, Running, value_of
from rumpuser.plain import flat
from rumpuser.records import NoRecords, Records
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import SysctlExport, SysctlNode, SysctlResult, SysctlValue

FACTIONS = ("vfs", "net", "dev")
"""Who may offer nodes besides kern."""


class SysctlCalls:
    """__sysctl, over a tree and the factions that add to it."""

    def __init__(self, tree: Tree, bus: Bus, processes: ProcessTable, records: Records | None = None) -> None:
        self.tree = tree
        self._bus = bus
        self._processes = processes
        self._records = records or NoRecords()
        self.made = MadeNodes(tree, self._records)
        self._changes = {
            const.CTL_CREATE: (Action.SYSTEM_SYSCTL_ADD, self.made.create),
            const.CTL_DESTROY: (Action.SYSTEM_SYSCTL_DELETE, self.made.destroy),
            const.CTL_DESCRIBE: (Action.SYSTEM_SYSCTL_DESC, self.made.describe),
        }

    def restore(self, path: str, value: SysctlValue) -> None:
        """A node that was set before this kern. ENOENT, and what the node says."""
        node, _ = self.tree.find(path.split("."))
        if node.write is not None:
            node.write(KERNEL, value)

    def sysctl(
        self,
        ctx: Context,
        name: Sequence[int],
        path: str,
        newv: SysctlValue | None,
        described: SysctlNode | None = None,
    ) -> Any:
        """The old value of a node, named by numbers or by path; or what a special number at the end asks for.

        CTL_QUERY lists the nodes below, CTL_DESCRIBE too or describes one of them; CTL_CREATE and CTL_DESTROY make and
        remove one. With both, the path names the node and the numbers are a special one alone. EINVAL, EOPNOTSUPP,
        ENOENT, ENOTDIR, EPERM, in this order.
        """
        components, special = _parse(name, path)
        if special == const.CTL_QUERY or (special == const.CTL_DESCRIBE and described is None):
            return self._query(components)
        if special in self._changes:
            return self._change(ctx, special, components, described, newv)
        if special is not None:
            raise KernelError(Errno.EOPNOTSUPP, f"sysctl operation {special}: nodes are queried, read and set only")
        try:
            node, pid = self.tree.find(components)
        except KernelError as error:
            if error.errno != Errno.ENOENT:
                raise
            return self._value_after_refresh(ctx, components, newv)
        return self._value(ctx, node, pid, newv, arguments(node, components))

    async def _change(
        self,
        ctx: Context,
        special: int,
        components: Sequence[Component],
        described: SysctlNode | None,
        value: SysctlValue | None,
    ) -> SysctlResult:
        action, change = self._changes[special]
        self._processes.authorize(ctx, action)
        if described is None:
            raise KernelError(Errno.EINVAL, "no node was told of")
        await self.refresh()
        try:
            parent, _ = self.tree.find(components)
        except KernelError as error:
            raise self._explain(error, components) from None
        if not parent.interior:
            raise KernelError(Errno.ENOTDIR, f"sysctl node {parent.path} has nothing below it")
        return SysctlResult(None, [change(parent, described, value).value()])

    # -- one value

    async def _value_after_refresh(
        self, ctx: Context, components: Sequence[Component], newv: SysctlValue | None
    ) -> SysctlResult:
        node, pid = await self._find(components)
        return await value_of(self._value(ctx, node, pid, newv, arguments(node, components)))

    def _value(
        self, ctx: Context, node: Node, pid: int | None, newv: SysctlValue | None, behind: tuple[int, ...]
    ) -> Any:
        if pid is not None:
            ctx = self._as_process(ctx, pid, node, writing=newv is not None)
        newv = self._check(ctx, node, newv)
        if node.owner != OWN:
            return self._remote(ctx, node, newv, behind)
        if node.select is not None:
            return self._selected(node.select(ctx, behind))
        assert node.read is not None
        old = node.read(ctx)
        if newv is not None:
            assert node.write is not None
            begun = node.write(ctx, newv)
            if pid is None:
                self._records.put("sysctl", node.path, flat(newv))
            if isinstance(begun, Running):
                return _after(begun, SysctlResult(old, []))
        return SysctlResult(old, [])

    def _check(self, ctx: Context, node: Node, newv: SysctlValue | None) -> SysctlValue | None:
        """The new value in the node's type, when the caller may read and, if there is one, write the node."""
        if node.interior:
            raise KernelError(Errno.EINVAL, f"sysctl node {node.path} has no value, but nodes below it")
        if node.flags & const.CTLFLAG_PRIVATE:
            self._processes.authorize(ctx, Action.SYSTEM_SYSCTL_PRIVATE)
        if newv is None:
            return None
        if not node.flags & (const.CTLFLAG_READWRITE | const.CTLFLAG_ANYWRITE):
            raise KernelError(Errno.EPERM, f"sysctl node {node.path} is read-only")
        if not node.flags & const.CTLFLAG_ANYWRITE:
            self._processes.authorize(ctx, Action.SYSTEM_SYSCTL_MODIFY)
        return convert(node, newv)

    def _as_process(self, ctx: Context, pid: int, node: Node, *, writing: bool) -> Context:
        """The context to read a node of another process with. ESRCH, EPERM."""
        cred, other = self._processes.cred(ctx), self._processes.get(pid)
        if writing and pid != ctx.pid:
            raise KernelError(Errno.EPERM, f"{node.path} of another process is read-only")
        if cred.euid != other.cred.uid and not self._processes.permitted(ctx, Action.PROCESS_RLIMIT_GET):
            raise KernelError(Errno.EPERM, f"process {pid} is uid {other.cred.uid}'s, not {cred.euid}'s")
        return replace(ctx, pid=pid)

    @staticmethod
    async def _selected(value: Any) -> SysctlResult:
        return SysctlResult(await value_of(value), [])

    async def _remote(
        self, ctx: Context, node: Node, newv: SysctlValue | None, behind: tuple[int, ...]
    ) -> SysctlResult:
        peer = self._peer(node.owner)
        if peer is None:
            self.tree.prune(node.owner)
            raise self._missing(node.path.split("."))
        return SysctlResult(
            await value_of(peer.call(ctx, calls.SYSCTL_VALUE, (dotted((node.path, *behind)), newv))), []
        )

    # -- levels

    async def _query(self, components: Sequence[Component]) -> SysctlResult:
        await self.refresh()
        try:
            node, _ = self.tree.find(components)
        except KernelError as error:
            raise self._explain(error, components) from None
        if not node.interior:
            raise KernelError(Errno.ENOTDIR, f"sysctl node {node.path} has nothing below it")
        below = sorted(node.children.values(), key=lambda child: child.number)
        return SysctlResult(None, [child.value() for child in below])

    # -- factions

    async def refresh(self) -> None:
        """Asks the factions that run for their nodes."""
        for faction in FACTIONS:
            self.tree.graft(faction, await self._exports(faction))

    async def _exports(self, faction: str) -> list[SysctlExport]:
        peer = self._peer(faction)
        if peer is None:
            return []
        try:
            exports: list[SysctlExport] = await value_of(peer.call(KERNEL, calls.SYSCTL_EXPORT, ()))
        except KernelError as error:
            if error.errno in ENDED:
                raise
            return []  # it offers nothing, or has just gone
        return exports

    async def _find(self, components: Sequence[Component]) -> tuple[Node, int | None]:
        await self.refresh()
        try:
            return self.tree.find(components)
        except KernelError as error:
            raise self._explain(error, components) from None

    def _explain(self, error: KernelError, components: Sequence[Component]) -> KernelError:
        return self._missing(components) if error.errno == Errno.ENOENT else error

    def _missing(self, components: Sequence[Component]) -> KernelError:
        """ENOENT that says when a faction would have to run for the node to be there."""
        text = f"no sysctl node {dotted(components)}"
        faction = next((f for f in FACTIONS if components and components[0] in (f, TOP.get(f))), None)
        if faction is not None and self._peer(faction) is None:
            text += f": the {faction} faction is not running"
        return KernelError(Errno.ENOENT, text)

    def _peer(self, faction: str) -> Peer | None:
        try:
            return self._bus.peer(faction)
        except KernelError:
            return None


async def _after(begun: Running[Any], result: SysctlResult) -> SysctlResult:
    await begun.outcome
    return result


def _parse(name: Sequence[int], path: str) -> tuple[Sequence[Component], int | None]:
    """What names the node, and the special number behind it. EINVAL."""
    special = name[-1] if name and name[-1] < 0 else None
    numbers = name if special is None else name[:-1]
    if path and numbers:
        raise KernelError(Errno.EINVAL, "a sysctl node is named by numbers or by path, not both")
    components: Sequence[Component] = path.split(".") if path else numbers
    if not (components or special is not None) or len(components) + (special is not None) > MAXNAME:
        raise KernelError(Errno.EINVAL, f"a sysctl name has 1 to {MAXNAME} components, not {len(components)}")
    return components, special
