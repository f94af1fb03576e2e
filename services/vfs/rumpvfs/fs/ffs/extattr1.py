"""Extended attributes of UFS1: one file for each attribute of the file system, named to the system by extattrctl(2).

Format: <ufs/ufs/extattr.h>. The file begins with a header that says how long a value may be; then there is room for a
header and a value for each inode, at a place that follows from its number. A record counts while the generation in it
is that of the inode. `start` takes up what is in the directories ``.attribute/user`` and ``.attribute/system``, and
what is set for the first time gets a file there.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, cast

from rumpvfs.core.vnode import NewNode, VType
from rumpwire.errno import Errno, KernelError

from .dinode import Inode
from .nodes import DirectoryNode, RegularFile

if TYPE_CHECKING:
    from .driver import FastFileSystem

START, STOP, ENABLE, DISABLE = range(1, 5)
MAGIC, VERSION = 0x00B5D5EC, 3
DIRECTORY = b".attribute"
NAMESPACES = (b"system", b"user")
NAME_MAX = 64
VALUE_MAX = 1024
"""Bytes of a value in files that are made here (vfs.ffs.extattr_autocreate)."""
_IN_USE = 1
_HEADERS = {order: struct.Struct(order + "3I") for order in "<>"}
"""Of the file: magic, version, bytes of a value. Of a record: flags, length, generation."""
_SIZE = 12


class Backing:
    """The file of one attribute."""

    def __init__(self, node: RegularFile) -> None:
        """EINVAL for what is no such file."""
        raw = bytes(node.contents.read(0, _SIZE))
        found = [order for order, header in _HEADERS.items() if raw[:4] == struct.pack(order + "I", MAGIC)]
        if len(raw) < _SIZE or not found:
            raise KernelError(Errno.EINVAL, "not the file of an attribute", "ffs")
        self.node = node
        self._header = _HEADERS[found[0]]
        _, version, self.size = self._header.unpack(raw)
        if version != VERSION or not 0 < self.size <= 1 << 16:
            raise KernelError(Errno.EINVAL, f"attributes of version {version}, {self.size} bytes each", "ffs")

    def _at(self, inode: Inode) -> int:
        return int(_SIZE + inode.number * (_SIZE + self.size))

    def get(self, inode: Inode) -> bytes | None:
        """None when the inode has none. EIO."""
        raw = bytes(self.node.contents.read(self._at(inode), _SIZE + self.size))
        if len(raw) < _SIZE:
            return None
        flags, length, generation = self._header.unpack_from(raw)
        if not flags & _IN_USE or generation != inode.generation or length > self.size:
            return None
        return raw[_SIZE : _SIZE + length].ljust(length, b"\0")

    def put(self, inode: Inode, value: bytes | None) -> None:
        """ENXIO for a value that is too long, ENOSPC, EDQUOT, EIO."""
        if value is not None and len(value) > self.size:
            raise KernelError(Errno.ENXIO, f"{len(value)} bytes of {self.size}", "ffs")
        flags = 0 if value is None else _IN_USE
        record = self._header.pack(flags, len(value or b""), inode.generation) + (value or b"")
        if self.node.write(self._at(inode), record) != len(record):
            raise KernelError(Errno.ENOSPC, "no room for an attribute", "ffs")


class BackingFiles:
    """All attributes of one UFS1 that are taken up, by full name."""

    def __init__(self, fs: FastFileSystem) -> None:
        self._fs = fs
        self._files: dict[bytes, Backing] | None = None

    def _started(self) -> dict[bytes, Backing]:
        if self._files is None:
            raise KernelError(Errno.EOPNOTSUPP, "UFS1 has extended attributes only after extattrctl start", "ffs")
        return self._files

    # -- extattrctl

    def start(self) -> None:
        """ENOENT without the directory, EBUSY, EIO. What in it is no file of an attribute is passed over."""
        top = self._fs.root().lookup(DIRECTORY)
        if self._files is not None:
            raise KernelError(Errno.EBUSY, "extended attributes are started", "ffs")
        self._files = {}
        for space in NAMESPACES:
            folder = self._folder(cast("DirectoryNode", top), space) if top.vtype is VType.DIR else None
            if folder is not None:
                self._take_up(folder, space)

    def _folder(self, top: DirectoryNode, space: bytes) -> DirectoryNode | None:
        try:
            found = top.lookup(space)
        except KernelError:
            return None
        return found if isinstance(found, DirectoryNode) else None

    def _take_up(self, folder: DirectoryNode, space: bytes) -> None:
        for entry in folder.readdir(0):
            node = folder.lookup(entry.name) if entry.name not in (b".", b"..") else folder
            if isinstance(node, RegularFile):
                try:
                    self.enable(space + b"." + entry.name, node)
                except KernelError as error:
                    self._fs.volume.env.log(f"ffs: attribute {entry.name.decode(errors='replace')}: {error}")

    def stop(self) -> None:
        for name in list(self._files or ()):
            self.disable(name)
        self._files = None

    def enable(self, name: bytes, node: RegularFile) -> None:
        """EINVAL for names and files that are none, EOPNOTSUPP before `start`, EEXIST."""
        if len(name.partition(b".")[2]) > NAME_MAX:
            raise KernelError(Errno.EINVAL, f"names of attributes have at most {NAME_MAX} bytes", "ffs")
        files = self._started()
        if name in files:
            raise KernelError(Errno.EEXIST)
        files[name] = Backing(node)
        node.uses += 1  # without its name it lasts as long as this; an unmount does not wait for it

    def disable(self, name: bytes) -> None:
        """ENOATTR when it is not taken up."""
        backing = (self._files or {}).pop(name, None)
        if backing is None:
            raise KernelError(Errno.ENOATTR)
        backing.node.uses -= 1
        if not backing.node.uses:
            backing.node.inactive()

    # -- attributes

    def load(self, inode: Inode) -> dict[bytes, bytes]:
        """All of an inode. EOPNOTSUPP, EIO."""
        found = ((name, backing.get(inode)) for name, backing in self._started().items())
        return {name: value for name, value in found if value is not None}

    def store(self, inode: Inode, name: bytes, value: bytes | None) -> None:
        """EOPNOTSUPP; ENOATTR where there is no file for it and none can be made; ENXIO, ENOSPC, EDQUOT, EIO."""
        backing = self._started().get(name)
        if backing is None:
            backing = self._create(name)
        backing.put(inode, value)

    def _create(self, name: bytes) -> Backing:
        space, _, rest = name.partition(b".")
        top = self._fs.root().lookup(DIRECTORY)
        folder = self._folder(cast("DirectoryNode", top), space) if space in NAMESPACES else None
        if folder is None or b"/" in rest or len(rest) > NAME_MAX:
            raise KernelError(Errno.ENOATTR, "no file for this attribute", "ffs")
        node = cast("RegularFile", folder.create(rest, NewNode(VType.REG, 0o600, 0, 0)))
        node.write(0, _HEADERS[self._fs.sb.order].pack(MAGIC, VERSION, VALUE_MAX))
        self.enable(name, node)
        return self._started()[name]
