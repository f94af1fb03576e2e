"""kernfs (mount_kernfs(8)): what the kernel knows of itself, as files.

What kern knows is asked of it as sysctl nodes, at the time of the call. msgbuf has the messages of vfs. There is no
rootdev, since the root is in memory; the kernel measures no load, so loadavg is 0.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

from rumpvfs.core.vnode import Environment, FileSystem, FileSystemType, MountRequest, Vnode, VType
from rumpvfs.fs.layerfs.layer import accepts
from rumpvfs.fs.synthetic import ROOT, Folder, Made, SyntheticFileSystem, Text
from rumpwire.errno import Errno, KernelError
from rumpwire.values import SysctlValueInteger, SysctlValueQuad, SysctlValueRaw, SysctlValueText

COPYRIGHT = b"The anykernel as services is made anew after NetBSD's rump kernel; BSD-2-Clause.\n"
FSCALE = 2048
CLOCKINFO = struct.Struct("=5i")
TIMESPEC = struct.Struct("=qq")


class Kernfs(SyntheticFileSystem):
    type_name = "kernfs"

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        self._root = Root(self, ROOT, None)
        self.files: dict[bytes, Callable[[], bytes]] = {
            b"boottime": lambda: b"%d\n" % TIMESPEC.unpack(self.raw("kern.boottime"))[0],
            b"copyright": lambda: COPYRIGHT,
            b"hostname": lambda: self.text("kern.hostname") + b"\n",
            b"hz": lambda: b"%d\n" % CLOCKINFO.unpack(self.raw("kern.clockrate"))[2],
            b"loadavg": lambda: b"0 0 0 %d\n" % FSCALE,
            b"msgbuf": lambda: b"".join(line.encode() + b"\n" for line in env.lines),
            b"pagesize": lambda: b"%d\n" % self.number("hw.pagesize"),
            b"physmem": lambda: b"%d\n" % (self.number("hw.physmem64") // self.number("hw.pagesize")),
            b"time": lambda: b"%d %06d\n" % divmod(env.now_ns() // 1000, 1_000_000),
            b"version": lambda: self.text("kern.version").rstrip(b"\n") + b"\n",
        }

    def root(self) -> Vnode:
        return self._root

    # -- sysctl

    def _ask(self, path: str, new: SysctlValueText | None = None) -> object:
        return self.env.ask("kern", "sysctl", (), path, new, None)[0]

    def text(self, path: str) -> bytes:
        value = self._ask(path)
        return value.text.encode() if isinstance(value, SysctlValueText) else b""

    def raw(self, path: str) -> bytes:
        value = self._ask(path)
        if not isinstance(value, SysctlValueRaw):
            raise KernelError(Errno.EIO, f"{path} has another type")
        return bytes(value.raw)

    def number(self, path: str) -> int:
        value = self._ask(path)
        if isinstance(value, SysctlValueInteger):
            return value.integer
        if isinstance(value, SysctlValueQuad):
            return value.quad
        raise KernelError(Errno.EIO, f"{path} has another type")

    def set_hostname(self, data: bytes) -> None:
        """EINVAL for what is no name of one line."""
        try:
            name = data.removesuffix(b"\n").decode("ascii")
        except UnicodeDecodeError:
            raise KernelError(Errno.EINVAL, "not a host name") from None
        if not name or not name.isprintable():
            raise KernelError(Errno.EINVAL, "not a host name")
        self._ask("kern.hostname", SysctlValueText(name))


class Root(Folder):
    __slots__ = ()

    fs: Kernfs

    def entries(self) -> Iterable[tuple[int, VType, bytes]]:
        return ((number, VType.REG, name) for number, name in enumerate(self.fs.files, 3))

    def lookup(self, name: bytes) -> Vnode:
        if name not in self.fs.files:
            raise KernelError(Errno.ENOENT)
        return self.fs.keep(3 + list(self.fs.files).index(name), lambda: self._make(name))

    def _make(self, name: bytes) -> Made:
        number = 3 + list(self.fs.files).index(name)
        take = self.fs.set_hostname if name == b"hostname" else None
        return Text(self.fs, number, self, self.fs.files[name], take)


def mount(request: MountRequest, environment: Environment) -> FileSystem:
    """EINVAL."""
    if request.options or not accepts(request.args):
        raise KernelError(Errno.EINVAL, "kernfs has no options")
    return Kernfs(environment)


FILE_SYSTEM = FileSystemType("kernfs", mount, needs_device=False)
