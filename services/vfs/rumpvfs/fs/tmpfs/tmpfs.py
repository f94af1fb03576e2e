"""tmpfs: a file system in memory (tmpfs(5)), also the root file system of a kernel."""

from __future__ import annotations

from rumpvfs.core.quota import IDTYPES, Quotas, Table
from rumpvfs.core.vnode import Environment, FileSystem, FileSystemType, MountRequest, NewNode, Vnode, VType
from rumpvfs.fs.tmpfs.nodes import PAGE, Directory, File, Node
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Statvfs, TmpfsArgs

NODE_SIZE = 1024
"""What a node without contents is taken to cost: its object, its name, the target of a link."""
DEFAULT_SIZE = 16 << 30
"""When nothing else limits a mount: what cannot be meant seriously in memory."""
DEFAULT_NODES = 1 << 24

_REG, _DIR = VType.REG, VType.DIR


class TmpfsQuotas(Quotas):
    """Quotas of a tmpfs: counted from the first QUOTACTL_QUOTAON on, in memory as all of it."""

    name = "tmpfs quota"

    def __init__(self, fs: Tmpfs) -> None:
        super().__init__(fs.env)
        self.fs = fs

    def on(self, idtype: int) -> None:
        if idtype in range(len(IDTYPES)) and idtype not in self.tables:
            self.tables[idtype] = self._counted(idtype)
        super().on(idtype)

    def _counted(self, idtype: int) -> Table:
        """What there is already."""
        counting = Quotas(self.env, [Table(idtype)])
        for node in self.fs.all():
            counting.count(node.uid, node.gid, blocks=node.space()[1] >> 9, files=1)
        return counting.tables[idtype]


class Tmpfs(FileSystem):
    """One mounted tmpfs. ``size_max`` bounds the memory of all contents, ``nodes_max`` the number of files."""

    type_name = "tmpfs"
    leased = True
    cache_names = False
    flags_kept = True
    quotas: TmpfsQuotas

    def __init__(self, env: Environment, args: TmpfsArgs, *, readonly: bool = False, noatime: bool = False) -> None:
        self.env = env
        self.readonly = readonly
        self.noatime = noatime  # the caller sets it again from the flags of the mount
        self.size_max = args.size_max or DEFAULT_SIZE
        self.nodes_max = args.nodes_max or DEFAULT_NODES
        self.used = 0
        self.nodes = 0
        self._last = 1
        self._numbers: dict[int, Node] = {}
        self.quotas = TmpfsQuotas(self)
        mode = 0o755 if args.root_mode is None else args.root_mode
        self._root = self.make(NewNode(_DIR, mode, args.root_uid, args.root_gid), None)

    def make(self, new: NewNode, parent: Directory | None) -> Node:
        """A new node without a name. EDQUOT, ENOSPC."""
        if self.quotas.tables:
            self.quotas.check(new.uid, new.gid, files=1)
        subject = self.env.cred.subject if parent is not None else ""  # the root is nobody's
        if subject:
            self.env.charge(subject, NODE_SIZE)
        if self.nodes >= self.nodes_max or not self.env.reserve(NODE_SIZE):
            if subject:
                self.env.charge(subject, -NODE_SIZE)
            raise KernelError(Errno.ENOSPC, "no more files")
        if self.quotas.tables:
            self.quotas.count(new.uid, new.gid, files=1)
        self.nodes += 1
        self._last += 1
        if new.vtype is _DIR:
            node: Node = Directory(self, self._last, new, parent)
        else:
            node = File(self, self._last, new) if new.vtype is _REG else Node(self, self._last, new)
        node.subject = subject
        self._numbers[self._last] = node
        if new.acl is not None or new.default_acl is not None:
            self._born(node, new)
        return node

    def _born(self, node: Node, new: NewNode) -> None:
        try:
            node.born(new)
        except KernelError:
            self.free(node)
            raise

    def free(self, node: Node) -> None:
        """A node without names that nobody uses."""
        if node.nlink == 0:
            node.nlink = -1
            del self._numbers[node.fileno]
            node.contents_gone()
            self.quotas.count(node.uid, node.gid, files=-1)
            self.nodes -= 1
            self.env.reserve(-NODE_SIZE)
            if node.subject:
                self.env.charge(node.subject, -NODE_SIZE)

    def reserve(self, size: int, subject: str) -> bool:
        """Takes memory on the account of an identity, if it is one of a policy. EDQUOT."""
        if size > 0 and self.used + size > self.size_max:
            return False
        if subject:
            self.env.charge(subject, size)
        if not self.env.reserve(size):
            if subject:
                self.env.charge(subject, -size)
            return False
        self.used += size
        return True

    def root(self) -> Vnode:
        return self._root

    def all(self) -> list[Node]:
        """All nodes, also those without names that are in use."""
        return list(self._numbers.values())

    def vget(self, fileno: int, generation: int) -> Vnode:
        """Numbers are not used again, so the generation is always 0."""
        node = self._numbers.get(fileno)
        if node is None or generation != 0 or node.nlink == 0:
            raise KernelError(Errno.ESTALE)
        return node

    def statvfs(self) -> Statvfs:
        used, room = -(-self.used // PAGE), self.env.room
        free, nodes = max(0, self.size_max // PAGE - used), max(0, self.nodes_max - self.nodes)
        if room is not None:
            free = min(free, room // PAGE)
        return Statvfs(
            f_bsize=PAGE,
            f_frsize=PAGE,
            f_iosize=PAGE,
            f_blocks=used + free,
            f_bfree=free,
            f_bavail=free,
            f_files=self.nodes_max,
            f_ffree=nodes,
            f_favail=nodes,
        )

    def remount(self, *, readonly: bool) -> None:
        self.readonly = readonly

    def unmount(self, *, force: bool) -> None:
        for node in self._numbers.values():
            if node.subject:
                node.contents_gone()
                self.env.charge(node.subject, -NODE_SIZE)
        self.env.reserve(-self.used - self.nodes * NODE_SIZE)
        self.used = self.nodes = 0
        self._numbers.clear()


def mount(request: MountRequest, environment: Environment) -> FileSystem:
    """EINVAL for arguments that are those of another file system."""
    args = request.args if request.args is not None else TmpfsArgs()
    if not isinstance(args, TmpfsArgs):
        raise KernelError(Errno.EINVAL, "tmpfs takes its own arguments")
    return Tmpfs(environment, args, readonly=request.readonly)


FILE_SYSTEM = FileSystemType("tmpfs", mount, needs_device=False)
