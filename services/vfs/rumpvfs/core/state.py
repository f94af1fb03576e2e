"""What all calls of vfs work on: the name space, the mounts, and the tables of open files and held directories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from rumpuser import quota
from rumpuser.component import ROOT_CRED, Bus, Context, Parameters
from rumpuser.host import Host
from rumpuser.kqueue import Watching
from rumpuser.readiness import Selinfo
from rumpvfs.core.access import EXEC, LinkRules, check
from rumpvfs.core.etfs import DiskFile, Etfs
from rumpvfs.core.fifo import Fifo
from rumpvfs.core.file import DataFile, OpenFile
from rumpvfs.core.gates import Gates
from rumpvfs.core.mount import Mounts, hold, release
from rumpvfs.core.namei import Names
from rumpvfs.core.notes import MountFilter, VnodeFilter, name_taken, note
from rumpvfs.core.questions import Questions
from rumpvfs.core.recording import Recorder
from rumpvfs.core.specfs import DeviceFile
from rumpvfs.core.syncer import Syncer
from rumpvfs.core.vnode import FileSystem, FileSystemType, NewNode, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, Stat, SysctlValueText, TmpfsArgs

BSD_PAIRS = 16
"""Pairs of terminals that have nodes of their own, beside those in ptyfs."""


def bsd_name(side: bytes, unit: int) -> bytes:
    """``ptyp0`` and ``ttyp0``: of the terminals with the numbers 0 to 15."""
    return side + b"typ%x" % unit


NODES = (
    (b"null", VType.CHR, 0o666, const.makedev(const.MAJOR_NULL, 2)),
    (b"zero", VType.CHR, 0o666, const.makedev(const.MAJOR_NULL, 12)),
    (b"full", VType.CHR, 0o666, const.makedev(const.MAJOR_NULL, 11)),
    (b"random", VType.CHR, 0o444, const.makedev(const.MAJOR_RND, 0)),
    (b"urandom", VType.CHR, 0o644, const.makedev(const.MAJOR_RND, 1)),
    (b"md0d", VType.BLK, 0o640, const.makedev(const.MAJOR_MD_BLK, 3)),
    (b"rmd0d", VType.CHR, 0o640, const.makedev(const.MAJOR_MD_CHR, 3)),
    (b"vnd0d", VType.BLK, 0o640, const.makedev(const.MAJOR_VND_BLK, 3)),
    (b"rvnd0d", VType.CHR, 0o640, const.makedev(const.MAJOR_VND_CHR, 3)),
    (b"cgd0d", VType.BLK, 0o640, const.makedev(const.MAJOR_CGD_BLK, 3)),
    (b"rcgd0d", VType.CHR, 0o640, const.makedev(const.MAJOR_CGD_CHR, 3)),
    (b"raid0d", VType.BLK, 0o640, const.makedev(const.MAJOR_RAID_BLK, 3)),
    (b"rraid0d", VType.CHR, 0o640, const.makedev(const.MAJOR_RAID_CHR, 3)),
    (b"drvctl", VType.CHR, 0o644, const.makedev(const.MAJOR_DRVCTL, 0)),
    (b"tty", VType.CHR, 0o666, const.makedev(const.MAJOR_CTTY, 0)),
    (b"ptmx", VType.CHR, 0o666, const.makedev(const.MAJOR_PTM, 0)),
    (b"ptm", VType.CHR, 0o666, const.makedev(const.MAJOR_PTM, 1)),
    (b"bpf", VType.CHR, 0o600, const.makedev(const.MAJOR_BPF, 0)),
    (b"tap", VType.CHR, 0o600, const.makedev(const.MAJOR_TAP, 0xFFFFF)),
    *((b"tap%d" % unit, VType.CHR, 0o600, const.makedev(const.MAJOR_TAP, unit)) for unit in range(4)),
    *((b"tun%d" % unit, VType.CHR, 0o600, const.makedev(const.MAJOR_TUN, unit)) for unit in range(4)),
    *((bsd_name(b"p", unit), VType.CHR, 0o666, const.makedev(const.MAJOR_PTC, unit)) for unit in range(BSD_PAIRS)),
    *((bsd_name(b"t", unit), VType.CHR, 0o666, const.makedev(const.MAJOR_PTS, unit)) for unit in range(BSD_PAIRS)),
)
"""What /dev holds at boot."""


_cred = ContextVar("cred", default=ROOT_CRED)


BUFMEM_HIWATER = 256 << 20
MSGBUF_SIZE = 16 << 10
"""Bytes of messages that kern.msgbuf has at most."""


class Environment:
    """What file system drivers get of the kernel; counts the memory that they hold.

    ``cred`` is set at the beginning of each call, by whoever does it: each thread has its own.
    """

    def __init__(
        self, host: Host, limit: int | None, questions: Questions, log: Callable[[str], None] | None = None
    ) -> None:
        self.now_ns = host.realtime_ns
        self.aside = host.aside
        self.call: Callable[..., Any] = questions.ask
        self.ask = questions.ask
        self.caller = questions.caller
        self.entropy = host.entropy
        self.limit = limit
        self.used = 0
        self.buffered = 0
        """Of that, in dirty blocks (vm.bufmem)."""
        self.bufmem_hiwater = BUFMEM_HIWATER
        self.held: Counter[str] = Counter()
        """Bytes of that which identities of a policy hold in files."""
        self.bounded: set[str] = set()
        """Those of them that have a quota of memory."""
        self.lines: list[str] = []
        self._log = log

    @property
    def cred(self) -> Credentials:
        return _cred.get()

    @cred.setter
    def cred(self, cred: Credentials) -> None:
        _cred.set(cred)

    def reserve(self, size: int) -> bool:
        if size > 0 and self.limit is not None and self.used + size > self.limit:
            return False
        self.used += size
        return True

    def charge(self, subject: str, size: int) -> None:
        if size > 0 and subject in self.bounded:
            held, room = self.held[subject], self.ask("gateway", "memory_room", subject, "vfs", "files")
            quota.check(subject, "files", held, size, room, Errno.EDQUOT)
        self.held[subject] += size

    def reserve_buffers(self, size: int) -> bool:
        """For dirty blocks, which are written when they are more than vm.bufmem_hiwater."""
        if (size > 0 and self.buffered + size > self.bufmem_hiwater) or not self.reserve(size):
            return False
        self.buffered += size
        return True

    @property
    def room(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)

    @property
    def messages(self) -> bytes:
        """What was logged last, for dmesg(8)."""
        return b"".join(line.encode() + b"\n" for line in self.lines)[-MSGBUF_SIZE:]

    def log(self, text: str) -> None:
        if self._log is not None:
            self._log(text)
        del self.lines[:-199]
        self.lines.append(text)


def socket_key(vnode: Vnode) -> tuple[int, int]:
    """By what a socket is known that has a vnode as its name."""
    base = vnode.base()
    return base.fs.dev, base.fileno


class Held:
    """A directory that somebody works in (cwd, root), with the number of holders."""

    __slots__ = ("count", "vnode")

    def __init__(self, vnode: Vnode) -> None:
        self.vnode = vnode
        self.count = 1


class Vfs:
    """The file system faction's state."""

    def __init__(self, host: Host, bus: Bus, parameters: Parameters, root_type: FileSystemType) -> None:
        self.host = host
        self.bus = bus
        self.parameters = parameters
        self.questions = Questions(bus)
        self.gates = Gates(host, bus)
        self.environment = Environment(host, parameters.memlimit, self.questions)
        self.environment.aside = self.gates.aside
        self.environment.call = self.gates.call
        self.gates.environment = self.environment
        self.files: dict[int, OpenFile] = {}
        self.directories: dict[int, Held] = {}
        self.fifos: dict[Vnode, Fifo] = {}
        self.sockets: dict[tuple[int, int], int] = {}
        self.when_killed: list[Callable[[Vnode], None]] = []
        self.when_moved: list[Callable[[Vnode, Vnode], None]] = []
        """Told of a file that goes on with another vnode (MNT_RELOAD)."""
        self.mounted = Selinfo()
        self.watching = Watching(host, self.file)
        self.watching.filters[const.EVFILT_VNODE] = VnodeFilter(lambda handle: self.file(handle).vnode)
        self.watching.filters[const.EVFILT_FS] = MountFilter(self.mounted)
        self.link_rules = LinkRules()
        self.recorder = Recorder(self, host.records)
        self._handle = 0
        self.mounts = Mounts(self.environment, Syncer(host, self.environment.log, self.gates), self.gates)
        self.mounts.recorder = self.recorder
        self.mounts.add_type(root_type)
        self.root_mount = self.mounts.attach(root_type, None, b"/", 0, source=b"rumpfs", args=TmpfsArgs())
        self.etfs = Etfs(host.files, self.root_mount, host.realtime_ns)
        self.names = Names(self.root_mount.root, self.etfs, self.directories, parameters.nvnodes)
        self.names.node = self._node
        self.names.files = self.files
        self.names.enter = self.gates.enter
        self._populate()

    def _node(self, path: str) -> str:
        """A text of the sysctl tree. EAGAIN, see `rumpvfs.core.questions.Again`."""
        value = self.questions.ask("kern", "sysctl", (), path, None, None)[0]
        return value.text if isinstance(value, SysctlValueText) else ""

    def _populate(self) -> None:
        root = self.root_mount.root
        dev = root.create(b"dev", NewNode(VType.DIR, 0o755, 0, 0))
        root.create(b"tmp", NewNode(VType.DIR, 0o1777, 0, 0))
        for name, vtype, mode, rdev in NODES:
            dev.create(name, NewNode(vtype, mode, 0, 0, rdev))

    # -- handles

    def handle(self) -> int:
        """A number that has not been given out before."""
        self._handle += 1
        self.recorder.numbered(self._handle)
        return self._handle

    def install(self, file: OpenFile) -> int:
        handle = self.handle()
        self.files[handle] = file
        if self.recorder.on:
            self.recorder.opened(handle, file)
        return handle

    def open_data(self, vnode: Vnode, flags: int) -> DataFile:
        """A regular file, a directory, or a device that is a host file."""
        return (DataFile if vnode.vtype in (VType.REG, VType.DIR) else DiskFile)(vnode, flags)

    def restart_handles(self, last: int) -> None:
        """Handles that a predecessor gave out do not come again."""
        self._handle = max(self._handle, last)

    def device_node(self, block: bool, rdev: int) -> Vnode:
        """A node of /dev that leads to a device. ENOENT."""
        vtype = VType.BLK if block else VType.CHR
        dev = self.root_mount.root.lookup(b"dev")
        for entry in dev.readdir(0):
            if entry.vtype is vtype and (node := dev.lookup(entry.name)).getattr().st_rdev == rdev:
                return node
        raise KernelError(Errno.ENOENT, f"no node in /dev leads to device {rdev:#x}")

    def file(self, handle: int) -> OpenFile:
        """EBADF."""
        file = self.files.get(handle)
        if file is None:
            raise KernelError(Errno.EBADF)
        if file.vnode.fs.gates:
            self._come_to(handle, file)
        return file

    def take_file(self, handle: int) -> OpenFile:
        """The same for a file that is to be closed, which is not broken off."""
        file = self.files.get(handle)
        if file is not None and file.vnode.fs.gates:
            self._come_to(handle, file, interruptible=False)
        if file is None:
            raise KernelError(Errno.EBADF)
        self.forget_file(handle)
        return file

    def forget_file(self, handle: int) -> OpenFile | None:
        self.recorder.closed(handle)
        return self.files.pop(handle, None)

    def _come_to(self, handle: int, file: OpenFile, *, interruptible: bool = True) -> None:
        self.gates.enter(file.vnode.fs.gates, interruptible=interruptible)
        if self.files.get(handle) is not file:
            raise KernelError(Errno.EBADF, "the file was closed meanwhile")

    def device_of(self, ctx: Context, handles: Sequence[int]) -> list[int]:
        """The devices' own handles behind opened device nodes, 0 for other files."""
        files = (self.files.get(handle) for handle in handles)
        return [(file.handle or 0) if isinstance(file, DeviceFile) else 0 for file in files]

    # -- vnodes

    def stat(self, vnode: Vnode) -> Stat:
        st = vnode.getattr()
        dev = vnode.fs.dev
        return st if st[0] == dev else tuple.__new__(Stat, (dev, *st[1:]))

    def name_gone(self, vnode: Vnode) -> None:
        """A name of the vnode was taken away."""
        name_taken(vnode)
        if vnode.vtype is VType.SOCK and vnode.getattr().st_nlink == 0:
            self.sockets.pop(socket_key(vnode), None)
            self.recorder.unbound(socket_key(vnode))
        if vnode.vtype is VType.DIR:
            self.names.cache.forget_directory(vnode)
        if vnode.uses == 0:
            vnode.inactive()

    # -- held directories

    def dir_hold(self, ctx: Context, fd: int, path: bytes) -> int:
        """Holds a directory. Errors of namei, EBADF, ENOTDIR, EACCES."""
        if path:
            vnode = self.names.lookup(ctx, path, dirfd=fd)
        else:
            vnode = self.names.base(ctx, fd)
        self.check_directory(ctx, vnode)
        handle = self.handle()
        self.directories[handle] = Held(hold(vnode))
        if self.recorder.on:
            self.recorder.held(handle, vnode, 1)
        return handle

    def check_directory(self, ctx: Context, vnode: Vnode) -> None:
        if vnode.vtype is not VType.DIR:
            raise KernelError(Errno.ENOTDIR)
        check(vnode, ctx.cred, EXEC)

    def dir_dup(self, ctx: Context, handle: int) -> None:
        if handle:
            held = self._held(handle)
            held.count += 1
            self.recorder.counted(handle, held.count)

    def dir_release(self, ctx: Context, handle: int) -> None:
        if not handle:
            return
        held = self._held(handle)
        if held.vnode.fs.gates:
            self.gates.enter(held.vnode.fs.gates, interruptible=False)
        held.count -= 1
        self.recorder.counted(handle, held.count)
        if held.count == 0:
            del self.directories[handle]
            release(held.vnode)

    def _held(self, handle: int) -> Held:
        held = self.directories.get(handle)
        if held is None:
            raise KernelError(Errno.EBADF, f"no directory {handle} is held")
        return held

    # -- what a forced unmount and revoke leave behind

    def bury(self, fs: FileSystem) -> None:
        """Turns everything that is open on a file system into dead vnodes."""
        holders: list[OpenFile | Held] = [*self.files.values(), *self.directories.values()]
        self.kill([holder for holder in holders if holder.vnode.fs is fs])
        for key in [key for key in self.sockets if key[0] == fs.dev]:
            del self.sockets[key]

    def kill(self, holders: Sequence[OpenFile | Held]) -> None:
        """Has open files and held directories hold dead vnodes from now on."""
        killed: dict[Vnode, None] = {}
        for vnode in {holder.vnode for holder in holders}:
            note(vnode, const.NOTE_REVOKE)
        for holder in holders:
            old = holder.vnode
            killed[old] = None
            release(old)
            holder.vnode = hold(self.mounts.dead.bury(old))
        for vnode in killed:
            for told in self.when_killed:
                told(vnode.base())
