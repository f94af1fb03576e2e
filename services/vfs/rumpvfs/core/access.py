"""Who may do what to a file: modes, access lists, ownership, sticky directories, file flags (kauth's vnode scope)."""

from __future__ import annotations

from dataclasses import dataclass

from rumpuser import kauth
from rumpuser.kauth import Action
from rumpvfs.core import acl
from rumpvfs.core.vnode import Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials

READ, WRITE, EXEC = 4, 2, 1

IMMUTABLE = const.UF_IMMUTABLE | const.SF_IMMUTABLE
APPEND = const.UF_APPEND | const.SF_APPEND
SUPERUSER_FLAGS = 0xFFFF0000


def member(cred: Credentials, gid: int) -> bool:
    return cred.egid == gid or gid in cred.groups


def superuser(cred: Credentials) -> bool:
    """Whether mode bits do not stand in the way (vnode.access). Spelt out: each step of a path asks."""
    return kauth.permitted(cred, Action.VNODE_ACCESS) if cred.limited else cred.euid == 0


def permitted(mode: int, uid: int, gid: int, cred: Credentials, want: int) -> bool:
    """Whether the mode bits grant ``want``; the superuser bypasses them, but executes only what somebody may."""
    if superuser(cred):
        return not want & EXEC or bool(mode & 0o111) or mode & const.S_IFMT == const.S_IFDIR
    if cred.euid == uid:
        granted = mode >> 6
    elif member(cred, gid):
        granted = mode >> 3
    else:
        granted = mode
    return granted & want == want


def check(vnode: Vnode, cred: Credentials, want: int) -> None:
    """EROFS, EPERM (immutable), EACCES."""
    if want & WRITE:
        check_writable(vnode)
    if superuser(cred) and (not want & EXEC or vnode.vtype is VType.DIR):
        return
    mode, uid, gid = vnode.owner()
    # As Linux, which does not ask a list that grants nobody but owner and others anything.
    list_ = vnode.acl() if cred.euid not in (0, uid) and mode & 0o070 else None
    if list_ is not None:
        granted = acl.permitted(list_, uid, gid, cred, want)
    else:
        granted = permitted(mode & 0o7777 | vnode.vtype, uid, gid, cred, want)
    if not granted:
        raise KernelError(Errno.EACCES)


def check_writable(vnode: Vnode) -> None:
    """That nothing but permissions stands against changing the contents. EROFS, EPERM."""
    if vnode.vtype in (VType.REG, VType.DIR, VType.LNK):
        check_mount(vnode)
        if vnode.fs.flags_kept and vnode.file_flags() & IMMUTABLE:
            raise KernelError(Errno.EPERM, "the file is immutable")


def check_mount(vnode: Vnode) -> None:
    """EROFS. Who asks is about to change something, so the file system is to be written out later."""
    mount = vnode.fs.mount
    if mount.readonly:
        raise KernelError(Errno.EROFS)
    mount.changed()


def check_owner(vnode: Vnode, cred: Credentials, action: Action = Action.VNODE_ADMIN) -> None:
    """EPERM unless the caller owns the file or may do this to those of others."""
    if cred.euid != vnode.owner()[1] and not kauth.permitted(cred, action):
        raise KernelError(Errno.EPERM, f"not the owner, nor allowed {action.label}")


def check_flags(vnode: Vnode, forbidden: int) -> None:
    """EPERM when the file bears one of these flags."""
    if vnode.fs.flags_kept and vnode.file_flags() & forbidden:
        raise KernelError(Errno.EPERM, "file flags forbid it")


@dataclass(slots=True)
class LinkRules:
    """Whom unprivileged users may not make hard links for (security.models.extensions): files of others, of groups."""

    hardlink_check_uid: int = 0
    hardlink_check_gid: int = 0

    def check(self, vnode: Vnode, cred: Credentials) -> None:
        """EPERM."""
        if kauth.permitted(cred, Action.VNODE_LINK) or not (self.hardlink_check_uid or self.hardlink_check_gid):
            return
        _, uid, gid = vnode.owner()
        if self.hardlink_check_uid and uid != cred.euid:
            raise KernelError(Errno.EPERM, "a file of another user (hardlink_check_uid)")
        if self.hardlink_check_gid and not member(cred, gid):
            raise KernelError(Errno.EPERM, "a file of a group that the caller is not in (hardlink_check_gid)")


def check_remove(directory: Vnode, vnode: Vnode, cred: Credentials) -> None:
    """That a name of ``vnode`` may be taken out of ``directory``. EROFS, EPERM, EACCES, EBUSY."""
    check(directory, cred, WRITE | EXEC)
    check_flags(directory, APPEND)
    check_flags(vnode, IMMUTABLE | APPEND)
    if not kauth.permitted(cred, Action.VNODE_STICKY):
        mode, uid, _ = directory.owner()
        if mode & const.S_ISVTX and cred.euid not in (uid, vnode.owner()[1]):
            raise KernelError(Errno.EPERM, "sticky directory")
    if vnode.mounted is not None:
        raise KernelError(Errno.EBUSY, "a file system is mounted there")
