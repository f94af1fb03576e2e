"""Writes a volume: what mkisofs(8) or makefs(8) -t cd9660 do."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rumpvfs.core.vnode import BlockDevice, Environment, NewfsRequest
from rumpvfs.fs.cd9660.descriptors import FIRST, ID, PRIMARY, SUPPLEMENTARY, TERMINATOR
from rumpvfs.fs.cd9660.records import DIRECTORY, SECTOR, SELF
from rumpwire.errno import Errno, KernelError

from . import encode, naming
from .layout import Layout, View, directory_records, make_view, path_table
from .tree import Inode, Tree

CHUNK = 1 << 20
_TEXTS = {"label": 32, "systemid": 32, "volumeset": 128, "publisher": 128, "preparer": 128, "applicationid": 128}
_ALIASES = {"volumeid": "label"}
_SWITCHES = {"rockridge": "rock_ridge", "joliet": "joliet"}
_BOOLEAN = dict.fromkeys(("", "1", "yes", "true", "on"), True) | dict.fromkeys(("0", "no", "false", "off"), False)
_LEVEL_3 = b"%/E"
_DEFAULTS = {"label": "CDROM"}


@dataclass(slots=True)
class Wishes:
    """What the options say; texts by name."""

    texts: dict[str, str]
    rock_ridge: bool = True
    joliet: bool = True


def parse(options: Mapping[str, str]) -> Wishes:
    """EINVAL."""
    wishes = Wishes({})
    for given, value in options.items():
        name = _ALIASES.get(given, given)
        if name in _TEXTS:
            wishes.texts[name] = _text(name, value)
        elif name in _SWITCHES and value.lower() in _BOOLEAN:
            setattr(wishes, _SWITCHES[name], _BOOLEAN[value.lower()])
        else:
            raise KernelError(Errno.EINVAL, f"{given}={value!r} is no option of a new ISO 9660 volume", "cd9660")
    return wishes


def _text(name: str, value: str) -> str:
    if len(value.encode()) > _TEXTS[name] or not value.isprintable():
        raise KernelError(Errno.EINVAL, f"{name} has at most {_TEXTS[name]} printable characters", "cd9660")
    return value


def newfs(request: NewfsRequest, env: Environment) -> int:
    """Makes a volume of ``source``, or an empty one; its length. EINVAL, ENOSPC, EROFS, EFBIG, ELOOP, EIO."""
    device = request.device
    wishes = parse(request.options)
    if device.readonly:
        raise KernelError(Errno.EROFS, f"{device.name} is read-only", "cd9660")
    if request.source is None:
        raise KernelError(Errno.EINVAL, "an ISO 9660 volume is made from a tree", "cd9660")
    layout = _plan(Tree(request.source), wishes)
    length = layout.blocks * SECTOR
    if length > device.size:
        raise KernelError(Errno.ENOSPC, f"the volume takes {length} bytes of {device.size}", "cd9660")
    _write(device, layout, wishes, env.now_ns())
    device.flush()
    return length


def _plan(tree: Tree, wishes: Wishes) -> Layout:
    stack = [tree.root]
    while stack:
        directory = stack.pop()
        naming.name_all(directory)
        stack.extend(directory.directories())
    views = [make_view(tree, joliet=False, rock_ridge=wishes.rock_ridge)]
    if wishes.joliet:
        views.append(make_view(tree, joliet=True, rock_ridge=False))
    return Layout(tree, views)


def _write(device: BlockDevice, layout: Layout, wishes: Wishes, now_ns: int) -> None:
    device.write(0, bytes(FIRST * SECTOR))
    descriptors = [_descriptor(view, layout, wishes, now_ns) for view in layout.views]
    descriptors.append(bytes((TERMINATOR,)) + ID + b"\1" + bytes(SECTOR - 7))
    device.write(FIRST * SECTOR, b"".join(descriptors))
    for view in layout.views:
        for block, order in zip(view.tables, "<>", strict=True):
            device.write(block * SECTOR, _padded(b"".join(path_table(view, order))))
        for directory in view.directories:
            made = directory_records(view, directory)
            device.write(view.extent(directory).block * SECTOR, made.data + made.areas)
    for inode in layout.files():
        _copy(device, inode)


def _padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % SECTOR)


def _copy(device: BlockDevice, inode: Inode) -> None:
    at, size = 0, inode.size
    while at < size:
        data = inode.vnode.read(at, min(CHUNK, size - at))
        if not len(data):
            raise KernelError(Errno.EIO, f"a file of {size} bytes ends after {at}", "cd9660")
        device.write(inode.block * SECTOR + at, data)
        at += len(data)
    if size % SECTOR:
        device.write(inode.block * SECTOR + size, bytes(-size % SECTOR))


def _descriptor(view: View, layout: Layout, wishes: Wishes, now_ns: int) -> bytes:
    """A primary or supplementary volume descriptor (sections 8.4 and 8.5)."""
    root = view.extent(layout.tree.root)
    time = layout.tree.root.inode.stat.st_mtime_ns
    date = encode.long_date(now_ns)
    return _padded(
        b"".join(
            (
                bytes((SUPPLEMENTARY if view.joliet else PRIMARY,)) + ID + b"\1\0",
                *_field(view, wishes, "systemid", "label"),
                bytes(8),
                encode.both32(layout.blocks),
                (_LEVEL_3 if view.joliet else b"").ljust(32, b"\0"),
                encode.both16(1) + encode.both16(1) + encode.both16(SECTOR),
                encode.both32(view.table_size),
                struct.pack("<II", view.tables[0], 0),
                struct.pack(">II", view.tables[1], 0),
                encode.record(SELF, root.block, root.size, time, DIRECTORY),
                *_field(view, wishes, "volumeset", "publisher", "preparer", "applicationid"),
                _blank(view, 37) * 3,  # files with copyright, abstract and bibliography
                date + date + encode.NO_DATE + date,
                b"\1\0",
            )
        )
    )


def _blank(view: View, length: int) -> bytes:
    return (b"\0 " * length)[:length] if view.joliet else b" " * length


def _field(view: View, wishes: Wishes, *names: str) -> Iterator[bytes]:
    """Texts of the descriptor, filled up with spaces; in Joliet half as many characters find room."""
    for name in names:
        length = _TEXTS[name]
        text = wishes.texts.get(name, _DEFAULTS.get(name, ""))
        raw = text.encode("utf-16-be")[:length] if view.joliet else text.encode("ascii", "replace")
        yield raw + _blank(view, length - len(raw))
