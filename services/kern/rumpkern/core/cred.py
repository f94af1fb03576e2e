"""Credentials (setuid(2), seteuid(2), setreuid(2), setgroups(2) and their like).

One rule for all: whoever has process.setid sets what it likes; others may set an id only to one of those that the call
names, out of their real, effective and saved ids. Groups are for those alone. ``-1`` leaves an id as it is.
"""

from __future__ import annotations

from rumpkern.core.proc import Process, ProcessTable
from rumpuser import kauth
from rumpuser.component import Context
from rumpuser.kauth import Action
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, GetgidResult, GetgroupsResult, GetuidResult

KEEP = -1
ID_MAX = (1 << 32) - 2
"""The highest id; the one above it is (uid_t)-1."""

Ids = tuple[int, int, int]
"""Real, effective, saved."""
REAL, EFFECTIVE, SAVED = range(3)


def resolve(kind: str, old: Ids, new: Ids, allowed: tuple[tuple[int, ...], ...], *, root: bool) -> Ids:
    """The ids after a call; ``allowed`` says for each which of the old ones it may become. EINVAL, EPERM."""
    for which in range(3):
        if new[which] != KEEP and not 0 <= new[which] <= ID_MAX:
            raise KernelError(Errno.EINVAL, f"{kind} {new[which]} is not in 0..{ID_MAX}")
        if not root and new[which] != KEEP and new[which] not in [old[i] for i in allowed[which]]:
            raise KernelError(
                Errno.EPERM, f"only {Action.PROCESS_SETID.label} changes the {kind} from {old} to {new[which]}"
            )
    real, effective, saved = (o if n == KEEP else n for o, n in zip(old, new, strict=True))
    return real, effective, saved


_SET = ((REAL,), (REAL,), (REAL,))
_SETE = ((), (REAL, SAVED), ())
_SETRE = ((REAL, EFFECTIVE), (REAL, EFFECTIVE, SAVED), (REAL, EFFECTIVE, SAVED))


class CredentialCalls:
    """The calls about who a process is."""

    def __init__(self, processes: ProcessTable) -> None:
        self._processes = processes

    def cred_get(self, ctx: Context) -> Credentials:
        return self._processes.cred(ctx)

    # -- users

    def getuid(self, ctx: Context) -> GetuidResult:
        cred = self._processes.cred(ctx)
        return GetuidResult(cred.uid, cred.euid)

    def geteuid(self, ctx: Context) -> int:
        return self._processes.cred(ctx).euid

    def setuid(self, ctx: Context, uid: int) -> None:
        self._set_uids(ctx, (uid, uid, uid), _SET)

    def seteuid(self, ctx: Context, euid: int) -> None:
        self._set_uids(ctx, (KEEP, euid, KEEP), _SETE)

    def setreuid(self, ctx: Context, ruid: int, euid: int) -> None:
        cred = self._processes.of(ctx).cred
        self._set_uids(ctx, _re(ruid, euid, cred.uid, cred.euid), _SETRE)

    def _set_uids(self, ctx: Context, new: Ids, allowed: tuple[tuple[int, ...], ...]) -> None:
        process = self._processes.of(ctx)
        cred = process.cred
        root = kauth.permitted(cred, Action.PROCESS_SETID)
        uid, euid, svuid = resolve("uid", (cred.uid, cred.euid, cred.svuid), new, allowed, root=root)
        _change(process, cred._replace(uid=uid, euid=euid, svuid=svuid))

    # -- groups

    def getgid(self, ctx: Context) -> GetgidResult:
        cred = self._processes.cred(ctx)
        return GetgidResult(cred.gid, cred.egid)

    def getegid(self, ctx: Context) -> int:
        return self._processes.cred(ctx).egid

    def setgid(self, ctx: Context, gid: int) -> None:
        self._set_gids(ctx, (gid, gid, gid), _SET)

    def setegid(self, ctx: Context, egid: int) -> None:
        self._set_gids(ctx, (KEEP, egid, KEEP), _SETE)

    def setregid(self, ctx: Context, rgid: int, egid: int) -> None:
        cred = self._processes.of(ctx).cred
        self._set_gids(ctx, _re(rgid, egid, cred.gid, cred.egid), _SETRE)

    def _set_gids(self, ctx: Context, new: Ids, allowed: tuple[tuple[int, ...], ...]) -> None:
        process = self._processes.of(ctx)
        cred = process.cred
        root = kauth.permitted(cred, Action.PROCESS_SETID)
        gid, egid, svgid = resolve("gid", (cred.gid, cred.egid, cred.svgid), new, allowed, root=root)
        _change(process, cred._replace(gid=gid, egid=egid, svgid=svgid))

    def getgroups(self, ctx: Context, gidsetsize: int) -> GetgroupsResult:
        """EINVAL when the set does not fit; size 0 asks for the number only."""
        groups = self._processes.cred(ctx).groups
        if gidsetsize == 0:
            return GetgroupsResult(len(groups), [])
        if gidsetsize < len(groups):
            raise KernelError(Errno.EINVAL, f"{len(groups)} groups do not fit into {gidsetsize}")
        return GetgroupsResult(len(groups), list(groups))

    def setgroups(self, ctx: Context, gidset: list[int]) -> None:
        """EINVAL for more than NGROUPS_MAX, EPERM."""
        process = self._processes.of(ctx)
        if len(gidset) > const.NGROUPS_MAX:
            raise KernelError(Errno.EINVAL, f"{len(gidset)} groups, {const.NGROUPS_MAX} are possible")
        if not all(0 <= gid <= ID_MAX for gid in gidset):
            raise KernelError(Errno.EINVAL, f"a gid is not in 0..{ID_MAX}")
        self._processes.authorize(ctx, Action.PROCESS_SETID)
        _change(process, process.cred._replace(groups=list(gidset)))

    def issetugid(self, ctx: Context) -> int:
        return int(self._processes.of(ctx).sugid)


def _re(real: int, effective: int, old_real: int, old_effective: int) -> Ids:
    """The saved id follows the new effective one when the real one changes."""
    real = old_real if real == KEEP else real
    effective = old_effective if effective == KEEP else effective
    return real, effective, KEEP if real == old_real else effective


def _change(process: Process, cred: Credentials) -> None:
    process.sugid = process.sugid or cred != process.cred
    process.cred = cred
