"""Disks: a range of a host file, or a file of another file system, as the block device under a file system."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rumpuser.disk import BlockDevice, Slice
from rumpuser.disk.layers import close_layers
from rumpuser.host import Buffer, HostFile
from rumpvfs.core.access import check_mount
from rumpvfs.core.file import OpenFile
from rumpvfs.core.gates import Gate
from rumpwire.errno import Errno, KernelError

SECTOR = 512


class Disk:
    """What all disks have: whoever opened one is told when it is let go of."""

    name: str
    size: int
    readonly: bool
    slow = False
    """Whether its bytes may have to be waited for."""
    gates: tuple[Gate, ...] = ()
    """Those of the file system that it is a file of."""

    def __init__(self) -> None:
        self._done: list[Callable[[], None]] = []

    def when_closed(self, done: Callable[[], None]) -> None:
        """``done`` is called when the device is let go of."""
        self._done.append(done)

    def view(self, offset: int, length: int) -> memoryview:
        raise NotImplementedError

    def write(self, offset: int, data: Buffer) -> None:
        raise NotImplementedError

    def flush(self) -> None:
        raise NotImplementedError

    def changed_behind(self) -> None:
        """Somebody else has written to it: nothing that is kept of it counts any more."""

    def want_writing(self) -> None:
        """A file system that was mounted read-only is to be written. `readonly` stays where that cannot be."""

    def close(self) -> None:
        callbacks, self._done = self._done, []
        for done in callbacks:
            done()

    def check(self, offset: int, length: int) -> None:
        """EIO past the end."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise KernelError(Errno.EIO, f"{self.name}: {length} bytes at {offset} are past the end of the disk")

    def check_write(self, offset: int, length: int) -> None:
        """EROFS, EIO."""
        if self.readonly:
            raise KernelError(Errno.EROFS, f"{self.name} is read-only")
        self.check(offset, length)


class HostDisk(Disk):
    """``size`` bytes of a host file from ``begin`` on."""

    def __init__(self, file: HostFile, name: str, begin: int, size: int, *, readonly: bool) -> None:
        super().__init__()
        self.file = file
        self.name = name
        self.begin = begin
        self.size = size
        self.readonly = readonly or file.readonly

    def view(self, offset: int, length: int) -> memoryview:
        self.check(offset, length)
        view = self.file.view(self.begin + offset, length)
        if len(view) != length:
            raise KernelError(Errno.EIO, f"{self.name}: the host file is shorter than it was")
        return view

    def write(self, offset: int, data: Buffer) -> None:
        self.check_write(offset, len(data))
        if self.file.write(self.begin + offset, data) != len(data):
            raise KernelError(Errno.EIO, f"{self.name}: short write")

    def want_writing(self) -> None:
        self.readonly = self.file.readonly

    def flush(self) -> None:
        if not self.readonly:
            self.file.sync()


class VnodeDisk(Disk):
    """An open file as a disk (vnd(4)). It ends with what the file had when it became one."""

    def __init__(self, file: OpenFile, name: str, size: int, *, readonly: bool) -> None:
        super().__init__()
        self.file = file
        self.name = name
        self.size = size
        self.readonly = readonly or not file.writable
        self.gates = file.vnode.fs.gates

    def view(self, offset: int, length: int) -> memoryview:
        """A copy: the file system below may use its memory for something else at the next call."""
        self.check(offset, length)
        vnode, parts, have = self.file.vnode, [], 0
        while have < length:
            data = vnode.read(offset + have, length - have)
            if not len(data):
                raise KernelError(Errno.EIO, f"{self.name}: the file is shorter than it was")
            parts.append(bytes(data))
            have += len(data)
        return memoryview(parts[0] if len(parts) == 1 else b"".join(parts))

    def write(self, offset: int, data: Buffer) -> None:
        self.check_write(offset, len(data))
        vnode, rest = self.file.vnode, memoryview(data).cast("B")
        check_mount(vnode)
        while rest:
            count = vnode.write(offset, rest)
            if not count:
                raise KernelError(Errno.EIO, f"{self.name}: nothing was written")
            offset, rest = offset + count, rest[count:]

    def flush(self) -> None:
        if not self.readonly:
            self.file.vnode.fsync(data_only=False)


class Passed:
    """A disk that hands everything on to another one."""

    def changed_behind(self) -> None:
        raise NotImplementedError


class LayeredDisk(Passed):
    """A disk in a disk: ``layers`` are the devices over ``base``, the last of which is it (`rumpuser.disk.layers`)."""

    def __init__(self, base: BlockDevice, layers: Sequence[BlockDevice]) -> None:
        self._base = base
        self._layers = layers
        top = layers[-1]
        self.name = base.name
        self.size = top.size
        self.readonly = top.readonly
        self.slow, self.gates = getattr(base, "slow", False), getattr(base, "gates", ())
        self.view, self.write, self.flush = top.view, top.write, top.flush

    def changed_behind(self) -> None:
        """EOPNOTSUPP for images, whose tables are kept."""
        if not all(isinstance(layer, Slice) for layer in self._layers):
            raise KernelError(Errno.EOPNOTSUPP, f"{self.name}: an image is not read again while it is in use")
        changed_behind(self._base)

    def close(self) -> None:
        """Lets go of backing files and of the base; a file that an image grows in stays with whoever opened it."""
        close_layers(self._layers)
        self._base.close()


def changed_behind(device: BlockDevice) -> None:
    """Somebody else has written to a disk: has it forget what it keeps of it. EOPNOTSUPP."""
    if not isinstance(device, Disk | Passed):
        raise KernelError(Errno.EOPNOTSUPP, f"{device.name} cannot be read again")
    device.changed_behind()
