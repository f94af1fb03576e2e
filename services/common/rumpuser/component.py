"""The component contract: what kern, vfs, net, dev and every module are to the chassis and to one another.

A component is a table of handlers. A handler gets the `Context` of the caller and the arguments of the call in the
order of the fields of its request message, with *handles* of its own objects where the client had descriptors. It
returns the value of the response (nothing, the one field, or the generated result tuple), raises `KernelError`, or is
an ``async def`` where it may have to wait (see `rumpuser.pending`). It never blocks.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rumpuser.module import Loader
from rumpwire import const
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import Credentials, MemoryHeld

if TYPE_CHECKING:
    from rumpuser.transport.memory import Pool

ROOT_CRED = Credentials(uid=0, euid=0, svuid=0, gid=0, egid=0, svgid=0, groups=[0])


@dataclass(frozen=True, slots=True)
class Context:
    """For whom a call is done. cwd and root are directory handles of vfs, 0 for the root of the name space."""

    pid: int = 1
    cred: Credentials = ROOT_CRED
    cwd: int = 0
    root: int = 0
    umask: int = 0o022
    fsize: int = const.RLIM_INFINITY
    """RLIMIT_FSIZE: the longest file that the process may write."""
    sbsize: int = const.RLIM_INFINITY
    """RLIMIT_SBSIZE: bytes that the buffers of its user's sockets may have."""
    memory: int = 0
    """Bytes that its identity may hold in all (`rumpuser.policy.Limits`), or in a handler with `rumpuser.quota.limited`
    here; 0 is no limit."""


KERNEL = Context(pid=0, umask=0)

Handler = Callable[..., Any]


class Support(enum.Enum):
    """How far a call is there."""

    FULL = "full"
    PARTIAL = "partial"


class Entry(NamedTuple):
    """One row of a component's table of calls; ``note`` says what is missing where the support is partial."""

    handler: Handler
    support: Support = Support.FULL
    note: str = ""


class Peer(Protocol):
    """A component as its callers see it, in this process or behind a transport."""

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        """The value of the response, or a coroutine that gives it. Raises KernelError."""
        ...

    def run(self, ctx: Context, steps: Sequence[Step], keep_going: bool) -> Any:
        """Several calls in one message: the list of their outcomes, or a coroutine that gives it.

        An outcome is the value, or the KernelError of a call that failed. After a failure the rest is left out, unless
        ``keep_going``.
        """
        ...


class Bus(Protocol):
    """How a component reaches the others."""

    def peer(self, name: str) -> Peer:
        """``kern``, ``vfs``, ``net``, ``dev`` or ``gateway``. ENOSYS when that faction is not running."""
        ...

    def blocking(self, name: str) -> Peer:
        """The same for code that cannot wait: ``call`` gives the value itself, never a coroutine.

        Besides, ETIMEDOUT and ENOTCONN (elsewhere), EDEADLK (in this process, when the call would have to wait). In
        what was offloaded (`rumpuser.host.Host.offload`) the component goes on meanwhile; elsewhere all of it stands
        still.
        """
        ...


@dataclass(slots=True)
class Parameters:
    """Boot parameters (RUMP_* of rump(3)), the same for all components of a kernel."""

    ncpu: int = 2
    verbose: bool = False
    threads: bool = True
    memlimit: int | None = None
    nvnodes: int = 1024
    hostname: str = ""
    factions: tuple[str, ...] = ("vfs", "net", "dev")
    module_keys: tuple[bytes, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


def held(pieces: Iterable[tuple[str, str, int]]) -> list[MemoryHeld]:
    """The sums for those that are identities of a policy."""
    sums: Counter[tuple[str, str]] = Counter()
    for subject, kind, count in pieces:
        if subject:
            sums[subject, kind] += count
    return [MemoryHeld(subject, kind, count) for (subject, kind), count in sorted(sums.items())]


class Component:
    """Base of all components; also the in-process `Peer`.

    ``table`` maps the name of a call to its `Entry`. Modules add rows and take them away with `add_calls` and
    `remove_calls`.
    """

    moving = False
    """Runs are done to their end here; in a process that has a successor `rumpuser.guard` may say otherwise."""

    name = ""
    howto = 0
    """How the kernel is halted, RB_*."""
    watching: Any = None
    """What it does for poll and kqueue (`rumpuser.kqueue.Watching`)."""

    def __init__(self) -> None:
        self.loader = Loader(self.name)
        self.table: dict[str, Entry] = {
            "module_describe": Entry(lambda ctx, name, wheel: self.loader.describe(name, wheel)),
            "module_load": Entry(lambda ctx, name, props: self.loader.load(self, name, props)),
            "module_list": Entry(lambda ctx: self.loader.active()),
            "handles_kept": Entry(lambda ctx, handles, directories: self.keep(handles, directories)),
            "memory_held": Entry(lambda ctx: held(self.holding())),
            "halt": Entry(lambda ctx, opt: self.halting(opt)),
            "module_unload": Entry(lambda ctx, name, auto=False: self.loader.unload(self, name, auto=auto)),
        }

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        return self.entry(op).handler(ctx, *args)

    def entry(self, op: Op) -> Entry:
        """What answers a call. ENOSYS."""
        entry = self.table.get(op.name)
        if entry is None:
            raise KernelError(Errno.ENOSYS, f"{op.cname} is not implemented", self.name)
        return entry

    def run(self, ctx: Context, steps: Sequence[Step], keep_going: bool) -> Any:
        from rumpuser.run import run_steps

        return run_steps(self, ctx, steps, keep_going)

    def start(self) -> Any:
        """Called once when the peers can be reached; may be a coroutine."""
        return None

    def keep(self, handles: Sequence[int], directories: Sequence[int]) -> Any:
        """Called at a successor, after `start`: closes what is held by none of these handles.

        What of them is there, as a tuple of two lists.
        """
        return [], []

    def count(self, pool: Pool, *, on: bool) -> None:
        """Called with a page in which changes are to be counted (`rumpuser.leases`), and when that is over."""

    def holding(self) -> Iterable[tuple[str, str, int]]:
        """What identities hold here: subject, kind, bytes, in any number of pieces."""
        return ((subject, "kqueues", count) for subject, count in self.watching.held()) if self.watching else ()

    def halting(self, opt: int) -> None:
        """Called when the kernel is about to halt, RB_*; `stop` follows."""
        self.howto = opt

    def stop(self) -> Any:
        """Called before the component goes: flush, release host files; may be a coroutine."""
        return None

    def add_calls(self, rows: Mapping[str, Entry]) -> None:
        """Adds rows of a module, all or none. EBUSY when one is taken."""
        taken = [name for name in rows if name in self.table]
        if taken:
            raise KernelError(Errno.EBUSY, f"calls already provided: {', '.join(taken)}", self.name)
        self.table.update(rows)

    def remove_calls(self, names: Sequence[str]) -> None:
        for name in names:
            self.table.pop(name, None)
