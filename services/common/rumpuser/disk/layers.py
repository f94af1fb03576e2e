"""Disks named by what lies over what: ``disk@qcow2@p1`` is partition 1 of the disk in the image ``disk``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rumpuser.host import HostFiles
from rumpwire.errno import Errno, KernelError

from .device import BlockDevice, FileDevice
from .partitions import open_partition
from .qcow2 import Opener, Qcow2, open_image

MAX_LAYERS = 4
"""An image with partitions, one of them with a disklabel: more has no meaning."""
_PARTITION = re.compile(r"p?([0-9]{1,4}[a-z]?|[a-z])")


def open_layers(
    device: BlockDevice, layers: Sequence[str], opener: Opener | None = None, *, readonly: bool = False
) -> list[BlockDevice]:
    """The device that each layer makes of the one below it, the last of which is the disk; empty without layers.

    A layer is ``qcow2``, or a partition: ``p1`` or ``1`` of a GPT or MBR, ``a`` of a disklabel, ``p1a`` of the
    disklabel in partition 1. ENXIO for a partition that is not there; EINVAL for other layers, for more than four of
    them, and for an image that is none; EIO, EOPNOTSUPP as `qcow2.open_image` and `partitions.find`.
    """
    if len(layers) > MAX_LAYERS:
        raise KernelError(Errno.EINVAL, f"{len(layers)} layers of disks; {MAX_LAYERS} are possible")
    opened: list[BlockDevice] = []
    for layer in layers:
        name = _PARTITION.fullmatch(layer)
        if layer == "qcow2":
            device = open_image(device, opener, readonly=readonly)
        elif name is not None:
            device = open_partition(device, name[1])
        else:
            raise KernelError(Errno.EINVAL, f"{layer!r} is neither qcow2 nor a partition")
        opened.append(device)
    return opened


def beside(files: HostFiles, image: bytes) -> Opener:
    """Opens the backing files of the image at a path of the host; names that are not absolute are of its directory."""
    folder = image.rpartition(b"/")[0]

    def opener(name: str) -> FileDevice:
        path = name.encode("utf-8", "surrogateescape")
        if folder and not path.startswith(b"/"):
            path = folder + b"/" + path
        return FileDevice(files.open(path, write=False), name)

    return opener


def close_layers(opened: Sequence[BlockDevice]) -> None:
    """Lets go of backing files. ``device`` stays open: it was the caller's before."""
    for layer in opened:
        if isinstance(layer, Qcow2) and layer.backing is not None:
            layer.backing.close()
