"""The host boundary (rumpuser(3)): clocks, timers, entropy, files, devices. Cores reach the host through this alone."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from rumpuser.devices.port import NoPorts, Ports
from rumpuser.pending import Call, Pending
from rumpuser.polling import Polled
from rumpuser.records import NoRecords, Records
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Statvfs

T = TypeVar("T")
Buffer = bytes | bytearray | memoryview


class HostFile(Protocol):
    """An open host file. A read answers with views of its mapping, not with copies."""

    @property
    def size(self) -> int: ...

    @property
    def readonly(self) -> bool: ...

    def view(self, offset: int, length: int) -> memoryview:
        """Bytes of the file, shorter at its end. EIO when the file was cut short under its mapping."""
        ...

    def write(self, offset: int, data: Buffer) -> int:
        """Writes and, if need be, extends. EROFS, ENOSPC, EIO."""
        ...

    def truncate(self, length: int) -> None: ...

    def sync(self) -> None: ...

    def close(self) -> None: ...


class HostStat(NamedTuple):
    """Attributes of a host file. ``mode`` has the kind in it; times are nanoseconds since 1970."""

    dev: int
    ino: int
    mode: int
    nlink: int
    uid: int
    gid: int
    rdev: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    size: int
    blocks: int
    blksize: int


class HostNode(Protocol):
    """A file or directory of the host that is held, whatever becomes of its names.

    Names are single components of a directory and are never followed: from a directory no way leads out of the tree
    below it. Errors are those of the host.
    """

    def stat(self) -> HostStat: ...

    def statvfs(self) -> Statvfs: ...

    def child(self, name: bytes) -> HostNode:
        """What has this name. ENOENT, ENOTDIR, EACCES, EINVAL for what is no name of one component."""
        ...

    def names(self, most: int) -> list[tuple[bytes, int, int]]:
        """Name, number and kind (S_IFMT, 0 where the host does not say) of what is in a directory. EFBIG, EACCES."""
        ...

    def create(self, name: bytes, mode: int, uid: int, gid: int, target: bytes = b"") -> HostNode:
        """A new file of the kind that ``mode`` says; the owner as far as the host permits it. EEXIST, EACCES, ..."""
        ...

    def link(self, name: bytes, node: HostNode) -> None: ...

    def remove(self, name: bytes, *, directory: bool) -> None: ...

    def rename(self, name: bytes, to: HostNode, to_name: bytes) -> None: ...

    def readlink(self) -> bytes: ...

    def ready(self, *, write: bool) -> None:
        """Opens it for reading, or for both. EACCES, EROFS, ETXTBSY, EOPNOTSUPP for what has no contents."""
        ...

    def idle(self) -> None:
        """Takes that back."""
        ...

    def read(self, offset: int, length: int) -> bytes: ...

    def write(self, offset: int, data: Buffer) -> int: ...

    def truncate(self, length: int) -> None: ...

    def sync(self) -> None: ...

    def set_mode(self, mode: int) -> None: ...

    def set_owner(self, uid: int, gid: int) -> None:
        """-1 leaves one alone."""
        ...

    def set_times(self, atime_ns: int, mtime_ns: int) -> None: ...

    def close(self) -> None: ...


class HostFiles(Protocol):
    """Files of the machine where the component runs. Errors are those of the host, by their NetBSD numbers."""

    def open(self, path: bytes, *, write: bool) -> HostFile: ...

    def create(self, path: bytes) -> HostFile:
        """A new file, to be written. EEXIST and others of open(2)."""
        ...

    def kind(self, path: bytes) -> str:
        """``reg``, ``blk``, ``chr``, ``dir`` or ``other``. ENOENT, EACCES."""
        ...

    def listdir(self, path: bytes) -> list[bytes]: ...

    def node(self, path: bytes) -> HostNode:
        """A directory, held. ENOENT, ENOTDIR, EACCES."""
        ...


class Host(Protocol):
    """What a component may ask of its host. Times are nanoseconds."""

    @property
    def files(self) -> HostFiles: ...

    @property
    def ports(self) -> Ports: ...

    @property
    def records(self) -> Records:
        """What this component leaves to its successor, should it be killed."""
        ...

    @property
    def sockets(self) -> Any:
        """Sockets of the host, see `rumpuser.devices.hostsocket`."""
        ...

    def realtime_ns(self) -> int: ...

    def monotonic_ns(self) -> int: ...

    def entropy(self, length: int) -> bytes: ...

    def call_at(self, deadline_ns: int, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back at a time of the monotonic clock; returns what disarms the timer."""
        ...

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Calls back when the handler that runs now has returned."""
        ...

    def offload(self, work: Callable[[], T]) -> T | Call[T]:
        """Does something that may `wait`, while the component goes on with other calls (`rumpuser.workers`)."""
        ...

    def detach(self, work: Callable[[], None]) -> None:
        """The same, when nobody waits for its end."""
        ...

    def wait(self, pending: Pending[T]) -> T:
        """In what was offloaded: the value of a `Pending`, in synchronous code. EDEADLK elsewhere."""
        ...

    def aside(self, work: Callable[[], T]) -> T:
        """In what was offloaded: what blocking code of the host gives, which knows nothing of the kernel's state."""
        ...

    def watch(self, fd: int, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back while the descriptor can be read, as handlers are called; returns what ends it.

        It must be ended before the descriptor is closed.
        """
        ...

    def poll(self, device: Polled) -> Callable[[], None]:
        """Looks at a device while it is busy, and waits for its descriptor when it is not; returns what ends it."""
        ...

    def linger(self, ready: Callable[[], object]) -> bool:
        """In a handler that would wait: looks at devices for a moment, while others may be in the kernel, and says
        whether it need not wait any more. False at once where waiting costs no more than that."""
        ...


class NoFiles:
    """A host without files."""

    def open(self, path: bytes, *, write: bool) -> HostFile:
        raise KernelError(Errno.ENOENT, f"no host files here: {path!r}")

    def create(self, path: bytes) -> HostFile:
        raise KernelError(Errno.EROFS, f"no host files here: {path!r}")

    def kind(self, path: bytes) -> str:
        raise KernelError(Errno.ENOENT, f"no host files here: {path!r}")

    def listdir(self, path: bytes) -> list[bytes]:
        raise KernelError(Errno.ENOENT, f"no host files here: {path!r}")

    def node(self, path: bytes) -> HostNode:
        raise KernelError(Errno.ENOENT, f"no host files here: {path!r}")


class ManualHost:
    """A host for tests: the clock is turned by hand with `advance`, entropy comes from a seed."""

    def __init__(self, seed: int = 0, files: HostFiles | None = None, ports: Ports | None = None) -> None:
        self.files: HostFiles = files or NoFiles()
        self.ports: Ports = ports or NoPorts()
        self.records: Records = NoRecords()
        self.sockets: Any = None
        """What stands for the host's sockets, where a test wants some."""
        self.watched: dict[int, Callable[[], None]] = {}
        """What is called when a test says that a descriptor can be read."""
        self.polled: list[Polled] = []
        self.now_ns = 1_000_000_000
        self.epoch_ns = 1_700_000_000_000_000_000
        self._random = random.Random(seed)  # noqa: S311  repeatable is what is wanted
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._armed = 0

    def realtime_ns(self) -> int:
        return self.epoch_ns + self.now_ns

    def monotonic_ns(self) -> int:
        return self.now_ns

    def entropy(self, length: int) -> bytes:
        return self._random.randbytes(length)

    def call_at(self, deadline_ns: int, callback: Callable[[], None]) -> Callable[[], None]:
        entry = (deadline_ns, self._armed, callback)
        self._armed += 1
        heapq.heappush(self._heap, entry)

        def disarm() -> None:
            if entry in self._heap:
                self._heap.remove(entry)
                heapq.heapify(self._heap)

        return disarm

    def call_soon(self, callback: Callable[[], None]) -> None:
        """At once: a test's handlers have returned when it calls the next one."""
        callback()

    def offload(self, work: Callable[[], T]) -> T | Call[T]:
        """At once."""
        return work()

    def detach(self, work: Callable[[], None]) -> None:
        work()

    def wait(self, pending: Pending[T]) -> T:
        """Nobody else is at work, so it is there or never comes."""
        if not pending.done:
            raise KernelError(Errno.EDEADLK, "nobody finishes what is waited for")
        return pending.result()

    def aside(self, work: Callable[[], T]) -> T:
        return work()

    def watch(self, fd: int, callback: Callable[[], None]) -> Callable[[], None]:
        self.watched[fd] = callback
        return lambda: self.watched.__delitem__(fd)

    def poll(self, device: Polled) -> Callable[[], None]:
        self.polled.append(device)
        return lambda: self.polled.remove(device)

    def linger(self, ready: Callable[[], object]) -> bool:
        return False

    def look(self) -> None:
        """Takes all that has come in at polled devices."""
        while sum(device.take() for device in list(self.polled)):
            pass

    def advance(self, seconds: float) -> None:
        """Turns the clock on and fires, in order, what falls due on the way."""
        end = self.now_ns + int(seconds * 1e9)
        while self._heap and self._heap[0][0] <= end:
            self.now_ns, _, callback = heapq.heappop(self._heap)
            callback()
        self.now_ns = end
