"""procfs (mount_procfs(8)): the processes of the kernel, a directory each, with ``status`` and ``cmdline``.

``curproc`` and ``self`` lead to the directory of the calling process. kern is asked at the time of the call. What this
kernel does not account for is there in status as the original writes it for a process that has none: no terminal, no
flags, no times. Descriptors belong to the gateway, which shows them to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable

from rumpvfs.core.vnode import Environment, FileSystem, FileSystemType, MountRequest, Vnode, VType
from rumpvfs.fs.layerfs.layer import accepts
from rumpvfs.fs.synthetic import ROOT, Folder, Link, Made, SyntheticFileSystem, Text
from rumpwire.errno import Errno, KernelError
from rumpwire.values import ProcessInfo

LINKS = {b"curproc": 3, b"self": 4}
STEP = 8
FILES = {b"status": 1, b"cmdline": 2}


def number_of(pid: int, kind: int = 0) -> int:
    """The file number of what a process has."""
    return (pid + 1) * STEP + kind


class Procfs(SyntheticFileSystem):
    type_name = "procfs"
    readonly = True

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        self._root = Root(self, ROOT, None)

    def root(self) -> Vnode:
        return self._root

    def processes(self) -> dict[int, ProcessInfo]:
        found: list[ProcessInfo] = self.env.ask("kern", "proc_list")
        return {info.pid: info for info in sorted(found)}

    def process(self, pid: int) -> ProcessInfo:
        """ESRCH."""
        info = self.processes().get(pid)
        if info is None:
            raise KernelError(Errno.ESRCH, f"process {pid} has ended")
        return info

    def folder(self, info: ProcessInfo) -> Made:
        return self.keep(number_of(info.pid), lambda: ProcessFolder(self, info, self._root))

    def status(self, pid: int) -> bytes:
        info = self.process(pid)
        cred = info.cred
        assert cred is not None
        group, session = self.env.ask("kern", "getpgid", pid), self.env.ask("kern", "getsid", pid)
        ids = ",".join(str(n) for n in (cred.uid, cred.gid, *cred.groups))
        times = "0,0 0,0 0,0"
        return (
            f"{info.comm} {pid} {info.ppid} {group} {session} -1,-1 noflags {times} nochan {cred.euid} {ids}\n".encode()
        )


class Root(Folder):
    __slots__ = ()

    fs: Procfs

    def entries(self) -> Iterable[tuple[int, VType, bytes]]:
        yield from ((number, VType.LNK, name) for name, number in LINKS.items())
        for pid in self.fs.processes():
            yield number_of(pid), VType.DIR, b"%d" % pid

    def lookup(self, name: bytes) -> Vnode:
        if name in LINKS:
            number = LINKS[name]
            return self.fs.keep(number, lambda: Link(self.fs, number, self, lambda: b"%d" % self.fs.env.caller()))
        if not name.isdigit() or len(name) > 10:
            raise KernelError(Errno.ENOENT)
        info = self.fs.processes().get(int(name))
        if info is None or name != b"%d" % info.pid:
            raise KernelError(Errno.ENOENT)
        return self.fs.folder(info)


class ProcessFolder(Folder):
    """The directory of a process; it belongs to the user of the process."""

    __slots__ = ("pid",)

    fs: Procfs

    def __init__(self, fs: Procfs, info: ProcessInfo, up: Made) -> None:
        super().__init__(fs, number_of(info.pid), up)
        self.pid = info.pid
        if info.cred is not None:
            self.uid, self.gid = info.cred.euid, info.cred.egid

    def entries(self) -> Iterable[tuple[int, VType, bytes]]:
        return ((number_of(self.pid, kind), VType.REG, name) for name, kind in FILES.items())

    def lookup(self, name: bytes) -> Vnode:
        if name not in FILES:
            raise KernelError(Errno.ENOENT)
        return self.fs.keep(number_of(self.pid, FILES[name]), lambda: self._make(name))

    def _make(self, name: bytes) -> Made:
        fs, pid = self.fs, self.pid
        number = number_of(pid, FILES[name])
        if name == b"status":
            node = Text(fs, number, self, lambda: fs.status(pid))
        else:
            node = Text(fs, number, self, lambda: fs.process(pid).comm.encode() + b"\0")
        node.uid, node.gid = self.uid, self.gid
        return node


def mount(request: MountRequest, environment: Environment) -> FileSystem:
    """EINVAL."""
    if request.options or not accepts(request.args):
        raise KernelError(Errno.EINVAL, "procfs has no options")
    return Procfs(environment)


FILE_SYSTEM = FileSystemType("procfs", mount, needs_device=False)
