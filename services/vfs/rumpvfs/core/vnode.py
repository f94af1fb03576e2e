"""Vnodes: what a file system is to the rest of vfs.

A file system driver is ordinary synchronous code. It subclasses `FileSystem` (one instance per mount) and `Vnode` (one
instance per file while anybody uses it) and overrides what it can do; the defaults refuse with the errno that NetBSD
gives. The caller (namei and the system calls) has already done, in this order, what is the same for all file systems:
splitting of paths, symbolic links, mount points, permission checks (`Vnode.access` with the attributes), the read-only
check of the mount (EROFS), name length against `FileSystem.name_max` (ENAMETOOLONG), and that both names of a link or
rename are on one mount (EXDEV). So a driver checks what only it can know.

Names are bytes. Data go out as views of the driver's own storage (a mapping, a page), never as copies where that can be
helped: whoever gets a view uses it before the next call into the file system.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rumpuser.disk import BlockDevice as BlockDevice
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, Stat, Statvfs

if TYPE_CHECKING:
    from rumpvfs.core.acl import Acl
    from rumpvfs.core.gates import Gate
    from rumpvfs.core.mount import Mount
    from rumpvfs.core.namecache import NameCache
    from rumpvfs.core.notes import Notes
    from rumpvfs.core.quota import Quotas


class VType(enum.IntEnum):
    """Kind of a vnode; the value is the file type of st_mode."""

    REG = const.S_IFREG
    DIR = const.S_IFDIR
    BLK = const.S_IFBLK
    CHR = const.S_IFCHR
    LNK = const.S_IFLNK
    SOCK = const.S_IFSOCK
    FIFO = const.S_IFIFO

    @property
    def dirent_type(self) -> int:
        """The DT_* of this kind."""
        return self.value >> 12


class Entry(NamedTuple):
    """One entry of a directory. ``cookie`` (> 0) is where to go on behind it; it survives changes of the directory."""

    cookie: int
    fileno: int
    vtype: VType | None
    name: bytes


@dataclass(slots=True)
class Changes:
    """What setattr changes; None leaves an attribute alone. Times are nanoseconds since 1970."""

    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    size: int | None = None
    flags: int | None = None
    atime_ns: int | None = None
    mtime_ns: int | None = None


@dataclass(slots=True)
class NewNode:
    """What a created object is born with; the access lists, if any, come from the directory (`Vnode.acl`)."""

    vtype: VType
    mode: int
    uid: int
    gid: int
    rdev: int = 0
    target: bytes = b""
    acl: Acl | None = None
    default_acl: Acl | None = None


def unsupported(what: str) -> KernelError:
    return KernelError(Errno.EOPNOTSUPP, f"{what} is not supported by this file system", "vfs")


class Vnode:
    """A file. Two lookups of the same file on one mount give the same object while it is alive.

    ``mounted``, ``names``, ``uses`` and ``notes`` belong to the caller: the mount on this directory, the names in it
    that are known already (None: known to be absent; see `FileSystem.cache_names`), how many hold the vnode open, and
    who watches it, if anybody does.
    """

    __slots__ = ("__weakref__", "fileno", "fs", "mounted", "names", "notes", "uses", "vtype")

    descriptor: int | None = None
    """Set where opening the file duplicates a descriptor of the caller (fdesc)."""

    def __init__(self, fs: FileSystem, fileno: int, vtype: VType) -> None:
        self.fs = fs
        self.fileno = fileno
        self.vtype = vtype
        self.mounted: Mount | None = None
        self.names: dict[bytes, Vnode | None] | None = None
        self.uses = 0
        self.notes: Notes | None = None

    # -- attributes

    def getattr(self) -> Stat:
        """All attributes. EIO.

        The caller fills in st_dev, unless it is `FileSystem.dev` already (which saves it the work).
        """
        raise unsupported("getattr")

    def owner(self) -> tuple[int, int, int]:
        """Mode, user and group, for permission checks. EIO."""
        st = self.getattr()
        return st.st_mode, st.st_uid, st.st_gid

    def acl(self, *, default: bool = False) -> Acl | None:
        """The access list, or (of a directory) the one that new files in it get; None without. EIO."""
        return None

    def file_flags(self) -> int:
        """The st_flags, which are asked for before each change. EIO."""
        return self.getattr().st_flags

    def setattr(self, changes: Changes) -> None:
        """Changes attributes. A new size is for regular files only: the caller refused others. EFBIG, ENOSPC, EIO."""
        raise unsupported("setattr")

    # -- directories

    def lookup(self, name: bytes) -> Vnode:
        """The file of a name; never asked for ``.`` and, at the root, ``..``. ENOENT, EIO."""
        raise KernelError(Errno.ENOTDIR)

    def parent(self) -> Vnode:
        """What ``..`` means here; not asked at the root of the file system. EIO."""
        return self.lookup(b"..")

    def own_name(self) -> bytes | None:
        """The name of a directory in its parent where readdir of that does not tell; None: it does."""
        return None

    def readdir(self, cookie: int) -> Iterator[Entry]:
        """Entries from a cookie on (0: the first), ``.`` and ``..`` among them. EIO, EINVAL for a made-up cookie."""
        raise KernelError(Errno.ENOTDIR)

    def glance(self, fileno: int) -> Stat | None:
        """The attributes of a file that an entry of this directory names, where they can be had without a vnode of it.

        None: nothing is known, or something may be mounted there. EIO.
        """
        return None

    def create(self, name: bytes, new: NewNode) -> Vnode:
        """Makes a file of any kind (directories and symbolic links too). EEXIST, ENOSPC, EMLINK, EIO."""
        raise unsupported("create")

    def link(self, name: bytes, target: Vnode) -> None:
        """One more name for ``target``, no directory. EEXIST, EMLINK, ENOSPC, EIO."""
        raise unsupported("link")

    def unlink(self, name: bytes, target: Vnode) -> None:
        """Takes away the name of ``target``, no directory. Its storage goes when nobody uses it. EIO."""
        raise unsupported("unlink")

    def rmdir(self, name: bytes, target: Vnode) -> None:
        """Removes an empty directory. ENOTEMPTY, EIO."""
        raise unsupported("rmdir")

    def rename(self, name: bytes, target: Vnode, to: Vnode, to_name: bytes, replaced: Vnode | None) -> None:
        """Moves ``target`` to ``to``/``to_name`` and drops ``replaced``; kinds and loops are checked. ENOTEMPTY, ..."""
        raise unsupported("rename")

    # -- contents

    def read(self, offset: int, length: int) -> Buffer:
        """At most ``length`` bytes at ``offset``, empty at the end of the file. EIO, EISDIR."""
        raise unsupported("read")

    def write(self, offset: int, data: Buffer) -> int:
        """Writes, extending the file; how many bytes were taken. ENOSPC, EFBIG, EIO."""
        raise unsupported("write")

    def readlink(self) -> bytes:
        raise KernelError(Errno.EINVAL)

    def seek(self, offset: int, *, hole: bool) -> int:
        """Next offset with data, or in a hole, from ``offset`` < size on. ENXIO when there are no more data."""
        size = self.getattr().st_size
        if offset >= size:
            raise KernelError(Errno.ENXIO)
        return size if hole else offset

    def allocate(self, offset: int, length: int) -> None:
        raise unsupported("posix_fallocate")

    def discard(self, offset: int, length: int) -> None:
        raise unsupported("fdiscard")

    def fsync(self, *, data_only: bool) -> None:
        """Brings the file to stable storage. EIO, ENOSPC."""

    # -- extended attributes, by full name ("user.x")

    def getxattr(self, name: bytes) -> bytes:
        """ENOATTR."""
        raise unsupported("extended attributes")

    def setxattr(self, name: bytes, value: bytes) -> None:
        raise unsupported("extended attributes")

    def removexattr(self, name: bytes) -> None:
        raise unsupported("extended attributes")

    def listxattr(self) -> list[bytes]:
        raise unsupported("extended attributes")

    # -- life

    def opening(self, *, write: bool) -> None:
        """A file or directory is about to be opened, with permission: what stands behind it may still refuse."""

    def active(self) -> None:
        """The first use begins. For file systems that stand on files of others; no error may come out of it."""

    def base(self) -> Vnode:
        """The file that this one shows, in file systems that stand on others: its locks and its peers are those."""
        return self

    def inactive(self) -> None:
        """Nobody uses the vnode any more (last descriptor, working directory, mount); an unlinked file may go.

        Called when the last use ends, and after a name was taken away from a file that nobody uses.
        """


class FileSystem:
    """One mounted file system.

    ``mount`` and ``dev`` (the st_dev of its files) are set by the caller. With ``cache_names`` the caller remembers
    what lookups gave and forgets it when the names change through it; a driver that keeps the names of a directory in
    a dict of its own clears the attribute and puts that dict into `Vnode.names`. ``flags_kept`` says that files have
    st_flags (chflags); where they never do, nobody asks for them. ``noatime`` is set by the caller: reading leaves the
    time of access alone (MNT_NOATIME, or read-only). ``folds_names`` says that names which differ, in case, can be one
    name of a file, which has no other: renaming from one to the other changes its spelling. Such a file system does not
    have its names cached. ``quotas`` are those of a file system that has some. ``gates`` are set by the caller: those
    of a file system that may have to wait.
    """

    type_name = ""
    name_max = 255
    readonly = False
    cache_names = True
    flags_kept = False
    folds_names = False
    remote = False
    """True where the files are on another machine (no MNT_LOCAL)."""
    leased = False
    """Whether names, attributes and contents change by the calls of this kernel alone, so that clients may keep what
    they were told for as long as there was none."""
    makes_names = True
    """False where nothing can be made: with MNT_UNION it is made in the directory that is mounted on."""
    dev = 0
    noatime = False
    gates: tuple[Gate, ...] = ()
    quotas: Quotas | None = None
    mount: Mount

    def root(self) -> Vnode:
        raise NotImplementedError

    def statvfs(self) -> Statvfs:
        """Block and file counts; flags, names and fsid are filled in by the caller."""
        raise NotImplementedError

    def sync(self) -> None:
        """Brings everything to stable storage. EIO. Called by sync(2), before unmount, and within 30 s of a change."""

    def remount(self, *, readonly: bool) -> None:
        """Between read-write and read-only. EROFS where the device cannot be written, EOPNOTSUPP."""
        raise unsupported("remount")

    def unmount(self, *, force: bool) -> None:
        """Last call: everything is written out and let go of."""

    def pathconf(self, name: int) -> int | None:
        """A limit of this file system, None where the common answer holds."""
        return None

    def extattrctl(self, cmd: int, file: Vnode | None, name: bytes) -> None:
        """Extended attributes that have to be set up, see extattrctl(2). ``file`` is one of this file system.

        ``name`` is a full one, or empty. EOPNOTSUPP, EINVAL, ENOENT, EBUSY, EEXIST, ENOATTR, EIO.
        """
        raise unsupported("extattrctl")

    def below(self) -> Sequence[FileSystem]:
        """Those that this one stands on: they stay mounted as long, whatever force is used."""
        return ()

    def vget(self, fileno: int, generation: int) -> Vnode:
        """By file handle. ESTALE."""
        raise unsupported("file handles")


class Environment(Protocol):
    """What vfs gives a file system driver."""

    def now_ns(self) -> int:
        """Wall clock, nanoseconds since 1970."""
        ...

    def entropy(self, length: int) -> bytes: ...

    @property
    def cred(self) -> Credentials:
        """Who the call is done for: for limits that do not hold for the superuser, of space and quotas.

        What may be done to which file at all is checked by the caller.
        """
        ...

    def reserve_buffers(self, size: int) -> bool:
        """`reserve` for what is dirty (`BufferCache`)."""
        ...

    def reserve(self, size: int) -> bool:
        """Takes bytes of the kernel's memory (gives them back when negative); False when there are not as many."""
        ...

    def charge(self, subject: str, size: int) -> None:
        """Puts bytes that were reserved on the account of an identity, or takes them off it (negative).

        EDQUOT when it would hold more than its quota of memory. May ask, as `ask`: so before anything is changed.
        """
        ...

    @property
    def room(self) -> int | None:
        """Bytes that may still be reserved; None where nothing bounds them."""
        ...

    def log(self, text: str) -> None:
        """One line for the console: warnings about the image."""
        ...

    @property
    def lines(self) -> Sequence[str]:
        """The last lines that were logged."""
        ...

    def ask(self, faction: str, call: str, *args: Any) -> Any:
        """The value of a call of another faction, which takes hashable arguments, or its KernelError.

        The call that it is asked in is done again from its beginning when the answer is there: so ask first, and change
        things afterwards. See `rumpvfs.core.questions`.
        """
        ...

    def caller(self) -> int:
        """The process that the call is for; as `ask`."""
        ...

    def call(self, faction: str, name: str, *args: Any) -> Any:
        """The value of a call of another faction, waited for; for file systems that are ``slow``. ENOSYS, EINTR."""
        ...

    def aside(self, work: Callable[[], Any]) -> Any:
        """What a library of the host gives that does I/O of its own; for file systems that are ``slow``."""
        ...


@dataclass(slots=True)
class MountRequest:
    """What a driver's ``mount`` gets. ``device`` is None for file systems without a disk.

    For file systems that stand on others: ``directory`` is what fspec names (`FileSystemType.needs_directory`),
    ``covered`` the directory that is mounted on, and ``names`` is told of the names that they change below.
    """

    device: BlockDevice | None
    readonly: bool
    options: dict[str, str] = field(default_factory=dict)
    args: object = None
    directory: Vnode | None = None
    covered: Vnode | None = None
    names: NameCache | None = None


MountFunction = Callable[[MountRequest, Environment], FileSystem]


@dataclass(slots=True)
class NewfsRequest:
    """What a driver's ``newfs`` gets. ``source`` is the root of a tree that the new file system is to hold."""

    device: BlockDevice
    options: dict[str, str] = field(default_factory=dict)
    source: Vnode | None = None


NewfsFunction = Callable[[NewfsRequest, Environment], int]
"""Makes a new file system on a device: how many bytes of it that takes. EINVAL for bad options, ENOSPC, EROFS, EIO."""


@dataclass(frozen=True, slots=True)
class FileSystemType:
    """How a module offers a file system. ``mount`` raises EINVAL for what is no such image, EROFS, EIO, EOPNOTSUPP.

    With ``needs_directory`` fspec names a directory of the kernel.

    ``slow``: its drivers wait themselves, for others than a disk (`rumpvfs.core.gates`).

    ``newfs`` leaves ``source`` alone unless ``newfs_fills``: other trees are copied in afterwards, through a mount.
    """

    name: str
    mount: MountFunction
    needs_device: bool = True
    needs_directory: bool = False
    probe: Callable[[BlockDevice], bool] | None = None
    newfs: NewfsFunction | None = None
    newfs_fills: bool = False
    slow: bool = False
