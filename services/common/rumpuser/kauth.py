"""Who may do what: the one question that every privileged place asks (kauth(9)).

An `Action` belongs to a scope and has a name with dots, ``system.mount.new``. `permitted` answers out of the caller's
credentials alone, in one of two models:

- ordinary ones (suser, the one model of a rump kernel): effective uid 0 may do everything, others what is in `ANYBODY`;
- *limited* credentials, which an identity of a policy has: exactly what their bits name, whatever their uids become.

`authorize` raises where `permitted` says no, and tells the audit log either way (`rumpuser.audit`). Of files the mode
bits come first, in vfs, and only who goes past them needs an action of the vnode scope.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Iterable
from typing import Protocol

from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials

AUDIT = logging.getLogger("rump.audit")
AUDIT.propagate = False
AUDIT.setLevel(logging.CRITICAL + 1)  # until `rumpuser.audit.setup`


class Action(enum.IntEnum):
    """What may be asked for. The number is the bit in `Credentials.actions`: it never changes once released."""

    label: str

    def __new__(cls, number: int, label: str) -> Action:
        self = int.__new__(cls, number)
        self._value_ = number
        self.label = label
        return self

    # What has no action of its own.
    GENERIC_ISSUSER = 0, "generic.issuser"

    SYSTEM_ACCOUNTING = 1, "system.accounting"
    SYSTEM_CHROOT = 2, "system.chroot.chroot"
    SYSTEM_FCHROOT = 3, "system.chroot.fchroot"
    SYSTEM_CHSYSFLAGS = 4, "system.chsysflags"
    SYSTEM_CPU_SETSTATE = 5, "system.cpu.setstate"
    SYSTEM_DEBUG = 6, "system.debug"
    SYSTEM_DEVMAPPER = 7, "system.devmapper"
    SYSTEM_ETFS = 8, "system.etfs"
    SYSTEM_FILEHANDLE = 9, "system.filehandle"
    SYSTEM_FS_EXTATTR = 10, "system.fs_extattr"
    SYSTEM_FS_QUOTA_GET = 11, "system.fs_quota.get"
    SYSTEM_FS_QUOTA_ONOFF = 12, "system.fs_quota.onoff"
    SYSTEM_FS_QUOTA_MANAGE = 13, "system.fs_quota.manage"
    SYSTEM_FS_QUOTA_NOLIMIT = 14, "system.fs_quota.nolimit"
    SYSTEM_FS_RESERVEDSPACE = 15, "system.fs_reservedspace"
    SYSTEM_FS_SNAPSHOT = 16, "system.fs_snapshot"
    SYSTEM_LFS = 17, "system.lfs"
    SYSTEM_MKNOD = 18, "system.mknod"
    SYSTEM_MODULE = 19, "system.module"
    SYSTEM_MOUNT_DEVICE = 20, "system.mount.device"
    SYSTEM_MOUNT_GET = 21, "system.mount.get"
    SYSTEM_MOUNT_NEW = 22, "system.mount.new"
    SYSTEM_MOUNT_UMAP = 23, "system.mount.umap"
    SYSTEM_MOUNT_UNMOUNT = 24, "system.mount.unmount"
    SYSTEM_MOUNT_UPDATE = 25, "system.mount.update"
    SYSTEM_MQUEUE = 26, "system.mqueue"
    SYSTEM_NEWFS = 27, "system.newfs"
    SYSTEM_PSET = 28, "system.pset"
    SYSTEM_REBOOT = 29, "system.reboot"
    SYSTEM_SEMAPHORE = 30, "system.semaphore"
    SYSTEM_SETIDCORE = 31, "system.setidcore"
    SYSTEM_STATUS = 32, "system.status"
    SYSTEM_SWAPCTL = 33, "system.swapctl"
    SYSTEM_SYSCTL_ADD = 34, "system.sysctl.add"
    SYSTEM_SYSCTL_DELETE = 35, "system.sysctl.delete"
    SYSTEM_SYSCTL_DESC = 36, "system.sysctl.desc"
    SYSTEM_SYSCTL_MODIFY = 37, "system.sysctl.modify"
    SYSTEM_SYSCTL_PRIVATE = 38, "system.sysctl.private"
    SYSTEM_TIME_ADJTIME = 39, "system.time.adjtime"
    SYSTEM_TIME_NTPADJTIME = 40, "system.time.ntpadjtime"
    SYSTEM_TIME_RTCOFFSET = 41, "system.time.rtcoffset"
    SYSTEM_TIME_SYSTEM = 42, "system.time.system"
    SYSTEM_TIME_TIMECOUNTERS = 43, "system.time.timecounters"
    SYSTEM_VERIEXEC = 44, "system.veriexec"

    PROCESS_CANSEE_ARGS = 64, "process.cansee.args"
    PROCESS_CANSEE_ENTRY = 65, "process.cansee.entry"
    PROCESS_CANSEE_ENV = 66, "process.cansee.env"
    PROCESS_CANSEE_OPENFILES = 67, "process.cansee.openfiles"
    PROCESS_CORENAME = 68, "process.corename"
    PROCESS_FORK = 69, "process.fork"
    PROCESS_KEVENT_FILTER = 70, "process.kevent_filter"
    PROCESS_KTRACE = 71, "process.ktrace.other"
    PROCESS_KTRACE_PERSISTENT = 72, "process.ktrace.persistent"
    PROCESS_NICE = 73, "process.nice"
    PROCESS_PROCFS = 74, "process.procfs"
    PROCESS_PTRACE = 75, "process.ptrace"
    PROCESS_RLIMIT_GET = 76, "process.rlimit.get"
    PROCESS_RLIMIT_SET = 77, "process.rlimit.set"
    PROCESS_RLIMIT_BYPASS = 78, "process.rlimit.bypass"
    PROCESS_SCHEDULER = 79, "process.scheduler"
    PROCESS_SETID = 80, "process.setid"
    PROCESS_SETLOGIN = 81, "process.setlogin"
    PROCESS_SIGNAL = 82, "process.signal"
    PROCESS_STOPFLAG = 83, "process.stopflag"

    NETWORK_ALTQ = 96, "network.altq"
    NETWORK_BIND_PORT = 97, "network.bind.port"
    NETWORK_BIND_PRIVPORT = 98, "network.bind.privport"
    NETWORK_BPF = 99, "network.bpf"
    NETWORK_FIREWALL_FW = 100, "network.firewall.fw"
    NETWORK_FIREWALL_NAT = 101, "network.firewall.nat"
    NETWORK_FORWSRCRT = 102, "network.forwsrcrt"
    NETWORK_INTERFACE_GET = 103, "network.interface.get"
    NETWORK_INTERFACE_GETPRIV = 104, "network.interface.getpriv"
    NETWORK_INTERFACE_SET = 105, "network.interface.set"
    NETWORK_INTERFACE_SETPRIV = 106, "network.interface.setpriv"
    NETWORK_IPSEC = 108, "network.ipsec"
    NETWORK_IPV6 = 109, "network.ipv6"
    NETWORK_NFS_EXPORT = 110, "network.nfs.export"
    NETWORK_NFS_SVC = 111, "network.nfs.svc"
    NETWORK_RESOLVER = 112, "network.resolver"
    NETWORK_ROUTE = 113, "network.route"
    NETWORK_SMB = 114, "network.smb"
    NETWORK_SOCKET_CANSEE = 115, "network.socket.cansee"
    NETWORK_SOCKET_DROP = 116, "network.socket.drop"
    NETWORK_SOCKET_OPEN = 117, "network.socket.open"
    NETWORK_SOCKET_RAWSOCK = 118, "network.socket.rawsock"
    NETWORK_SOCKET_SETPRIV = 119, "network.socket.setpriv"

    DEVICE_TTY_OPEN = 128, "device.tty.open"
    DEVICE_TTY_PRIVSET = 129, "device.tty.privset"
    DEVICE_TTY_STI = 130, "device.tty.sti"
    DEVICE_TTY_VIRTUAL = 131, "device.tty.virtual"
    DEVICE_RND_ADDDATA = 132, "device.rnd.adddata"
    DEVICE_RND_ESTIMATE = 133, "device.rnd.estimate"
    DEVICE_RND_GETPRIV = 134, "device.rnd.getpriv"
    DEVICE_RND_SETPRIV = 135, "device.rnd.setpriv"
    DEVICE_RAWIO = 136, "device.rawio"
    DEVICE_BLUETOOTH = 137, "device.bluetooth"
    DEVICE_GPIO = 138, "device.gpio"
    DEVICE_WSCONS = 139, "device.wscons"
    DEVICE_DRVCTL = 140, "device.drvctl"

    # Past the mode bits and the ownership of files; what they allow needs no action.
    VNODE_ACCESS = 160, "vnode.access"
    VNODE_ADMIN = 161, "vnode.admin"
    VNODE_CHOWN = 162, "vnode.change_ownership"
    VNODE_LINK = 163, "vnode.link"
    VNODE_RETAIN_SETID = 164, "vnode.retain_setid"
    VNODE_REVOKE = 165, "vnode.revoke"
    VNODE_STICKY = 166, "vnode.sticky"


ANYBODY = frozenset(
    {
        Action.NETWORK_BIND_PORT,
        Action.NETWORK_INTERFACE_GET,
        Action.NETWORK_SOCKET_CANSEE,
        Action.NETWORK_SOCKET_OPEN,
        Action.PROCESS_CANSEE_ARGS,
        Action.PROCESS_CANSEE_ENTRY,
        Action.PROCESS_FORK,
        Action.SYSTEM_MOUNT_GET,
        Action.SYSTEM_STATUS,
    }
)
"""What needs no privilege: allowed to everybody but those whom a policy denies it."""

BY_LABEL = {action.label: action for action in Action}


class Caller(Protocol):
    """The part of `rumpuser.component.Context` that matters here."""

    @property
    def pid(self) -> int: ...
    @property
    def cred(self) -> Credentials: ...


def permitted(cred: Credentials, action: Action) -> bool:
    """Whether these credentials may do it."""
    if not cred.limited:
        return cred.euid == 0 or action in ANYBODY
    bits, at = cred.actions, action >> 3
    return at < len(bits) and bool(bits[at] >> (action & 7) & 1)


def authorize(ctx: Caller, action: Action, errno: Errno = Errno.EPERM) -> None:
    """EPERM, or another errno where the call's page names one, with a text that names the action."""
    check(ctx.cred, action, errno, ctx.pid)


def check(cred: Credentials, action: Action, errno: Errno = Errno.EPERM, pid: int = 0) -> None:
    """`authorize` for credentials that are no context's (kern's own are newer than what a context came with)."""
    granted = permitted(cred, action)
    if AUDIT.isEnabledFor(logging.INFO):
        AUDIT.info(
            "granted" if granted else "refused",
            extra={"who": cred.subject, "pid": pid, "uid": cred.euid, "action": action.label},
        )
    if not granted:
        raise KernelError(errno, f"uid {cred.euid} is not allowed {action.label}")


def met(subject: str, what: str) -> None:
    """Tells the audit log that an identity of a policy has met one of its quotas."""
    if AUDIT.isEnabledFor(logging.INFO):
        AUDIT.info("refused", extra={"who": subject, "action": f"quota.{what}"})


def matching(pattern: str) -> frozenset[Action]:
    """The actions that a name, or the first words of one, mean: ``system.mount``, ``network.*``, ``*``. EINVAL."""
    stem = "" if pattern == "*" else pattern.removesuffix(".*") + "."
    found = frozenset(action for label, action in BY_LABEL.items() if f"{label}.".startswith(stem))
    if not found:
        raise KernelError(Errno.EINVAL, f"there is no action {pattern!r}")
    return found


def bits(actions: Iterable[Action]) -> bytes:
    """A set of actions as `Credentials.actions` has it."""
    mask = 0
    for action in actions:
        mask |= 1 << action
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")
