"""Making images."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from rump._arguments import PathArg
from rump._errors import error_of
from rump._local import Kernel
from rump.fs._disk import QCOW2, Place, disk_of, lock_image
from rump.fs._image import mounted, named, parse_options
from rump.fs._node import Copied, Tell
from rump.fs._transfer import OnError
from rump.fs._tree import Tree
from rumpuser.disk import FileDevice, qcow2
from rumpuser.hostfiles import SystemFiles
from rumpwire.errno import Errno, KernelError

_DEVICE, _SOURCE = "/dev/image", "/source"
FROM_TREE = frozenset({"cd9660"})
"""Types whose images are made of a tree and are not written later; the tree is copied into the kernel first."""
_SLACK = 4 << 20
_PER_FILE = 4096
"""What a file takes besides its contents, at most, when the size of an image is not said."""


def newfs(
    path: PathArg,
    type: str,
    size: int | None = None,
    source: PathArg | None = None,
    options: Mapping[str, Any] | str | None = None,
    *,
    partition: int | str | None = None,
    progress: Tell | None = None,
    onerror: OnError | None = None,
    owners: bool | None = None,
) -> int:
    """Makes an image with a new file system, and with the tree of the host directory ``source`` in it if there is one.

    ``size`` is that of the image in bytes. Left out it is that of the file that is there, else what the source needs.
    ``options`` are those of the type's newfs. An image whose size does not matter to the type (cd9660) ends where its
    contents end. ``progress``, ``onerror`` and ``owners`` are as for `Tree.copy_in`.

    The image appears under its name, in the place of an older one, when it is complete. Written in place are a device,
    a qcow2 image that is there when no size is said, and a ``partition``: a number of the image's table (MBR, GPT) or
    a letter of its disklabel. A new file whose name ends in ``.qcow2`` becomes such an image.

    Returns how many bytes the file system takes. ENODEV for a type that is not known, EOPNOTSUPP for one that cannot be
    made, EINVAL for options or a size that it cannot have, ENOENT for a partition that is not there, ENOSPC when the
    source does not fit.
    """
    name = os.fsencode(path)
    maker = _Maker(type, source, parse_options(options), (progress, onerror, owners))
    with named(path):
        if partition is not None and size is not None:
            raise error_of(KernelError(Errno.EINVAL, "a partition has the size that it has"))
        if partition is not None or (size is None and name.endswith(QCOW2) and os.path.exists(name)):
            with _locked(name):
                return maker.make(name, *disk_of(path, partition))
        with _device(name) as fd:
            if fd is not None:
                return maker.make(name, size or os.lseek(fd, 0, os.SEEK_END))
        with _part(name) as (part, new):
            length = size if size is not None else _size(name, source)
            if name.endswith(QCOW2):
                _create(part, length)
                return maker.make(part, length, ("qcow2",))
            os.ftruncate(new, length)
            return maker.make(part, length)


@contextlib.contextmanager
def _device(name: bytes) -> Iterator[int | None]:
    """A descriptor when the name is that of a device; it is locked."""
    try:
        kind = stat.S_IFMT(os.stat(name).st_mode)
    except FileNotFoundError:
        kind = stat.S_IFREG
    if kind == stat.S_IFREG:
        yield None
        return
    if kind != stat.S_IFBLK:
        raise error_of(KernelError(Errno.EINVAL, "neither a file nor a disk"))
    with _locked(name) as fd:
        yield fd


@contextlib.contextmanager
def _locked(name: bytes) -> Iterator[int]:
    fd = lock_image(name, readonly=False)
    try:
        yield fd
    finally:
        os.close(fd)


def _create(name: bytes, size: int) -> None:
    """A qcow2 image without contents. EINVAL, EFBIG, ENOSPC."""
    try:
        file = FileDevice(SystemFiles().open(name, write=True), os.fsdecode(name))
        try:
            qcow2.create(file, size)
        finally:
            file.close()
    except KernelError as error:
        raise error_of(error) from None


@contextlib.contextmanager
def _part(name: bytes) -> Iterator[tuple[bytes, int]]:
    """A new file beside the image that takes its place when all went well."""
    real = os.path.realpath(name)
    old = None
    if os.path.exists(real):
        old = lock_image(real, readonly=False)
    part = os.path.join(os.path.dirname(real), b".rump-part-" + os.urandom(6).hex().encode())
    fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        if old is not None:
            os.fchmod(fd, stat.S_IMODE(os.fstat(old).st_mode))
        yield part, fd
        os.fsync(fd)
        os.rename(part, real)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    finally:
        os.close(fd)
        if old is not None:
            os.close(old)


def _size(name: bytes, source: PathArg | None) -> int:
    """The size of an image when it is not said. EINVAL when nothing says it."""
    with contextlib.suppress(FileNotFoundError):
        found = os.stat(name).st_size
        if found:
            return found
    if source is None:
        raise error_of(KernelError(Errno.EINVAL, "a size is needed"))
    need = _SLACK
    for folder, _, names in os.walk(os.fsencode(source)):
        need += _PER_FILE
        for entry in names:
            with contextlib.suppress(OSError):
                need += _PER_FILE + os.lstat(os.path.join(folder, entry)).st_blocks * 512
    return (need + need // 8 + 0xFFFFF) & ~0xFFFFF


class _Maker:
    """One newfs."""

    def __init__(
        self,
        type: str,
        source: PathArg | None,
        options: Mapping[str, Any],
        wishes: tuple[Tell | None, OnError | None, bool | None],
    ) -> None:
        self._type = type
        self._source = source
        self._options = {name: str(value) for name, value in options.items()}
        self._wishes = wishes

    def make(self, name: bytes, size: int, layers: tuple[str, ...] = ()) -> int:
        """The bytes that it takes of the disk: a file, which is cut there when the type fills its images itself, or
        what ``layers`` make of it.
        """
        if self._source is not None and not os.path.isdir(self._source):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), self._source)
        filled = self._source is not None and self._type in FROM_TREE
        with Kernel(factions=("vfs",)) as k:
            k.pub.etfs_register_withsize(_DEVICE, name, "blk", 0, None if layers else size)
            if filled:
                k.sys.mkdir(_SOURCE, 0o755)
                self._copy(Tree(k), _SOURCE)
            device = "@".join((_DEVICE, *layers))
            used = k.pub.newfs(self._type, device, self._options, _SOURCE if filled else "")
        if filled:
            if not layers and os.path.isfile(name):
                os.truncate(name, used)
            return used
        if self._source is not None:
            place = Place(self._type, layers=layers)
            with contextlib.ExitStack() as closing, mounted(name, place, 0, {}, closing) as image:
                self._copy(image, "/")
                return image.df()["used"]
        return used

    def _copy(self, tree: Tree, dest: str) -> Copied:
        assert self._source is not None
        progress, onerror, owners = self._wishes
        return tree.copy_in(self._source, dest, progress=progress, onerror=onerror, owners=owners)
