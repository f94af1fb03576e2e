"""Access lists (POSIX.1e, draft 17; acl(5)): who may do what beyond owner, group and others.

They are kept as the extended attributes ``system.posix_acl_access`` and, of directories, ``system.posix_acl_default``,
which is what new files in it get. The value is that of Linux: a version, and for each entry tag, permissions and id.
A file system that keeps them gives them out parsed (`Vnode.acl`), checks them with `parse` when they are set, and keeps
them in step with the permission bits (`mode_of`, `of_mode`).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials

ACCESS, DEFAULT = b"system.posix_acl_access", b"system.posix_acl_default"
NAMES = (ACCESS, DEFAULT)
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NO_ID = 0xFFFFFFFF
VERSION = 2
ENTRIES_MAX = 1024
_ORDER = (USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER)
_HEAD = struct.Struct("<I")
_ENTRY = struct.Struct("<2HI")


class Entry(NamedTuple):
    """``perm`` is of the bits 4, 2 and 1; ``id`` counts where the tag is USER or GROUP."""

    tag: int
    perm: int
    id: int = NO_ID


Acl = list[Entry]


def parse(value: bytes) -> Acl:
    """An access list, empty for one that is to be taken away. EINVAL for what is none."""
    if len(value) < _HEAD.size or (len(value) - _HEAD.size) % _ENTRY.size or _HEAD.unpack_from(value)[0] != VERSION:
        raise _bad("not an access list")
    acl = [Entry(*fields) for fields in _ENTRY.iter_unpack(value[_HEAD.size :])]
    if len(acl) > ENTRIES_MAX or any(entry.tag not in _ORDER or entry.perm > 7 for entry in acl):
        raise _bad("bad entry in an access list")
    if acl:
        _check(acl)
    return acl


def _check(acl: Acl) -> None:
    """The owner, the group and the others are there once, and a mask where anybody is named; in this order."""
    tags = [entry.tag for entry in acl]
    places = [_ORDER.index(tag) for tag in tags]
    if places != sorted(places) or any(tags.count(tag) != 1 for tag in (USER_OBJ, GROUP_OBJ, OTHER)):
        raise _bad("an access list has the owner, users, the group, groups, mask and others in this order")
    if tags.count(MASK) > 1 or (MASK not in tags and (USER in tags or GROUP in tags)):
        raise _bad("an access list that names users or groups has one mask")
    named = [entry[::2] for entry in acl if entry.tag in (USER, GROUP)]
    if len(set(named)) != len(named) or any(who == NO_ID for _, who in named):
        raise _bad("an access list names each user and group once")


def _bad(text: str) -> KernelError:
    return KernelError(Errno.EINVAL, text, "vfs")


def emit(acl: Acl) -> bytes:
    """The value of the attribute."""
    named = (USER, GROUP)
    return _HEAD.pack(VERSION) + b"".join(_ENTRY.pack(t, p, who if t in named else NO_ID) for t, p, who in acl)


def permitted(acl: Acl, uid: int, gid: int, cred: Credentials, want: int) -> bool:
    """Whether the list of a file of this owner and group grants ``want``: the first entry that fits decides."""
    mask = next((entry.perm for entry in acl if entry.tag == MASK), 7)
    found = {entry.tag: entry.perm for entry in acl}
    if cred.euid == uid:
        return found[USER_OBJ] & want == want
    for entry in acl:
        if entry.tag == USER and entry.id == cred.euid:
            return entry.perm & mask & want == want
    groups = {cred.egid, *cred.groups}
    grants = [e.perm for e in acl if (e.tag == GROUP_OBJ and gid in groups) or (e.tag == GROUP and e.id in groups)]
    if grants:
        return any(perm & mask & want == want for perm in grants)
    return found[OTHER] & want == want


def is_minimal(acl: Acl) -> bool:
    """Whether the permission bits say all of it."""
    return len(acl) == 3


def mode_of(acl: Acl, mode: int) -> int:
    """A mode with the permission bits that the list stands for."""
    found = {entry.tag: entry.perm for entry in acl}
    return mode & ~0o777 | found[USER_OBJ] << 6 | found.get(MASK, found[GROUP_OBJ]) << 3 | found[OTHER]


def of_mode(acl: Acl, mode: int) -> Acl:
    """The list after a change of the permission bits."""
    group = MASK if any(entry.tag == MASK for entry in acl) else GROUP_OBJ
    new = {USER_OBJ: mode >> 6 & 7, group: mode >> 3 & 7, OTHER: mode & 7}
    return [entry._replace(perm=new.get(entry.tag, entry.perm)) for entry in acl]


def inherited(default: Acl, mode: int) -> tuple[int, Acl | None]:
    """Mode and list of a new file in a directory with a default list; ``mode`` is what was asked for, without umask.

    None where the mode says it all.
    """
    group = MASK if any(entry.tag == MASK for entry in default) else GROUP_OBJ
    most = {USER_OBJ: mode >> 6 & 7, group: mode >> 3 & 7, OTHER: mode & 7}
    acl = [entry._replace(perm=entry.perm & most.get(entry.tag, 7)) for entry in default]
    return mode_of(acl, mode), None if is_minimal(acl) else acl
