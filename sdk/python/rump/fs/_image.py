"""Images: a kernel inside this process that has one file system, and a tree of its files."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from rump import _constants as const
from rump._arguments import PathArg
from rump._errors import RumpError, error_of
from rump._local import Kernel
from rump.fs._disk import Place, lock_image, look
from rump.fs._tree import Tree
from rumpwire.errno import Errno, KernelError

_DEVICE = "/dev/image"
_ROOT = "/mnt"
WITHOUT_DEVICE = frozenset({"fdesc", "kernfs", "procfs", "ptyfs", "tmpfs"})
Options = Mapping[str, Any] | str | None


class Image(Tree):
    """The files of an image. Absolute links lead to places of the image; nothing of the host is in reach.

    ``fstype`` is the type of the file system, ``kernel`` the kernel that holds it.
    """

    def __init__(self, kernel: Kernel, name: PathArg | None, fstype: str, closing: contextlib.ExitStack) -> None:
        super().__init__(kernel.attach())
        self.kernel = kernel
        self.name = name
        self.fstype = fstype
        self._closing = closing
        closing.callback(self._unmount)
        self.k.sys.chroot(_ROOT)
        self.k.sys.chdir("/")

    def __repr__(self) -> str:
        return f"<Image {self.name!r} {self.fstype}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unmounts: all is on the image then. What that fails with is raised. A second call does nothing."""
        self._closing.close()

    def _unmount(self) -> None:
        self.k.close()
        try:
            self.kernel.sys.unmount(_ROOT)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            self.kernel.sys.unmount(_ROOT, const.MNT_FORCE)


def open_image(
    path: PathArg | None,
    type: str | None = None,
    *,
    readonly: bool = False,
    partition: int | str | None = None,
    offset: int = 0,
    size: int | None = None,
    options: Options = None,
    flags: int = 0,
) -> Image:
    """Opens an image file, in a kernel of its own inside this process.

    ``type`` is found out when left out. ``partition`` is a number of its partition table (MBR, GPT) or a letter of its
    disklabel; ``offset`` and ``size`` are bytes. A file whose name ends in ``.qcow2`` is taken for such an image,
    unless ``offset`` or ``size`` say that it is not. ``options`` are mount options, as a mapping or as
    ``"noatime,x=y"``; ``flags`` MNT_*. ``path`` is None for what needs no image (tmpfs).

    FileNotFoundError, PermissionError; EINVAL when there is no (such) file system or it is damaged; ENODEV for a type
    that is not known; EROFS when it cannot be written; BlockingIOError when somebody else writes to the image.
    """
    words = parse_options(options)
    readonly = bool(words.pop("ro", readonly) or words.pop("rdonly", False) or flags & const.MNT_RDONLY)
    with contextlib.ExitStack() as closing:
        if path is not None and type not in WITHOUT_DEVICE:
            fd = lock_image(path, readonly=readonly)
            closing.callback(os.close, fd)
            place = look(path, type, partition, offset, size)
        else:
            place = Place(type or "")
        if not place.type:
            raise error_of(KernelError(Errno.EINVAL, "a type is needed where there is no image"), path)
        return mounted(path, place, flags | const.MNT_RDONLY * readonly, words, closing)
    raise AssertionError  # pragma: no cover


def mounted(
    path: PathArg | None, place: Place, flags: int, words: dict[str, Any], closing: contextlib.ExitStack
) -> Image:
    """The image at a place, which takes over what ``closing`` holds. That nobody else has it is for the caller."""
    kernel = closing.enter_context(Kernel(factions=("vfs",)))
    with named(path):
        _mount(kernel, path, place, flags, words)
        return Image(kernel, path, place.type, closing.pop_all())
    raise AssertionError  # pragma: no cover


@contextlib.contextmanager
def named(path: PathArg | None) -> Iterator[None]:
    """The device's name in the kernel is nobody's concern."""
    try:
        yield
    except RumpError as error:
        error.filename, error.filename2 = path, None
        raise


def parse_options(options: Options) -> dict[str, Any]:
    """Mount options as a mapping."""
    if options is None:
        return {}
    if not isinstance(options, str):
        return dict(options)
    pairs = [word.partition("=") for word in options.split(",") if word]
    out: dict[str, Any] = {name: value if equals else True for name, equals, value in pairs}
    out.pop("rw", None)
    return out


def _mount(kernel: Kernel, path: PathArg | None, place: Place, flags: int, words: dict[str, Any]) -> None:
    kernel.sys.mkdir(_ROOT, 0o755)
    device = None
    if path is not None and place.type not in WITHOUT_DEVICE:
        kernel.pub.etfs_register_withsize(_DEVICE, path, "blk", place.offset, place.size)
        device = "@".join((_DEVICE, *place.layers))
    kernel.sys.mount(place.type, _ROOT, flags, device=device, **words)
