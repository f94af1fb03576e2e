"""quotactl(2): asking for quotas and setting them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpvfs.core import access, quota
from rumpvfs.core.quota import Quotas
from rumpvfs.core.state import Vfs
from rumpvfs.core.vnode import Vnode
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import QuotactlArgs, QuotaCursor, QuotaKey, QuotaValue

ENTRIES_MAX = 4096
"""Of one CURSORGET; who wants more asks again."""
_START = QuotaKey(0, quota.DEFAULT, 0)

Operation = Callable[[Context, Quotas, QuotactlArgs], QuotactlArgs]


class Quotactl:
    """The call __quotactl, for the file system that a path is on."""

    def __init__(self, vfs: Vfs) -> None:
        self.vfs = vfs

    def quotactl(self, ctx: Context, path: bytes, args: QuotactlArgs | None) -> QuotactlArgs:
        """Errors of namei, EINVAL, EPERM, EOPNOTSUPP, ENODEV, EROFS, ENOENT, EBUSY, ENOSPC, EIO.

        Everybody may ask what quotas there are, and for those of their own user and groups; else system.fs_quota.
        """
        vnode = self.vfs.names.lookup(ctx, path)
        operation = None if args is None else OPERATIONS.get(args.op)
        if args is None or operation is None:
            raise KernelError(Errno.EINVAL, "no such quota operation", "vfs")
        quotas = vnode.base().fs.quotas
        if quotas is None:
            raise KernelError(Errno.EOPNOTSUPP, f"{vnode.fs.type_name} has no quotas", "vfs")
        if args.op in _CHANGES:
            authorize(ctx, _CHANGES[args.op])
            _check_mount(vnode)
        return operation(ctx, quotas, args)


def _check_mount(vnode: Vnode) -> None:
    access.check_mount(vnode)
    if vnode.base() is not vnode:
        access.check_mount(vnode.base())


def _key(args: QuotactlArgs) -> QuotaKey:
    return QuotaKey(args.idtype, args.id, args.objtype)


def _stat(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    counts = len(quota.IDTYPES), len(quota.OBJTYPES)
    return args._replace(
        name=quotas.name, numidtypes=counts[0], numobjtypes=counts[1], restrictions=quotas.restrictions
    )


def _idtypestat(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    return args._replace(name=_named(quota.IDTYPES, args.idtype))


def _objtypestat(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    return args._replace(name=_named(quota.OBJTYPES, args.objtype), isbytes=args.objtype == quota.BLOCKS)


def _named(names: tuple[str, ...], number: int) -> str:
    if number >= len(names):
        raise KernelError(Errno.EINVAL, f"there is no type {number}", "vfs")
    return names[number]


def _get(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    cred, key = ctx.cred, _key(args)
    own = key.id == cred.uid if key.idtype == quota.USER else access.member(cred, key.id)
    if not own:
        authorize(ctx, Action.SYSTEM_FS_QUOTA_GET)
    value = quotas.get(key)
    return args._replace(
        hardlimit=value.hardlimit,
        softlimit=value.softlimit,
        usage=value.usage,
        expiretime=value.expiretime,
        grace=value.grace,
    )


def _put(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    quotas.put(_key(args), QuotaValue(args.hardlimit, args.softlimit, grace=args.grace))
    return args


def _delete(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    quotas.delete(_key(args))
    return args


def _cursor(quotas: Quotas, args: QuotactlArgs, start: QuotaKey, skipped: int) -> QuotactlArgs:
    """The answer, with the cursor at a key."""
    at_end = not any(quotas.walk(start, skipped))
    return args._replace(cursor=QuotaCursor(start, skipped, at_end))


def _given(args: QuotactlArgs) -> tuple[QuotaKey, int]:
    """EINVAL without a cursor."""
    if args.cursor is None or args.cursor.next is None:
        raise KernelError(Errno.EINVAL, "no cursor", "vfs")
    return args.cursor.next, args.cursor.skipped


def _open(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    return _cursor(quotas, args, _START, 0)


def _close(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    _given(args)
    return args._replace(cursor=None)


def _skip(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    start, skipped = _given(args)
    _named(quota.IDTYPES, args.idtype)
    return _cursor(quotas, args, start, skipped | 1 << args.idtype)


def _cursorget(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    authorize(ctx, Action.SYSTEM_FS_QUOTA_GET)
    start, skipped = _given(args)
    most = min(args.maxnum, ENTRIES_MAX)
    found = list(islice(quotas.walk(start, skipped), most + 1))
    if len(found) > most:
        after = found.pop().key
    else:
        after = QuotaKey(len(quota.IDTYPES), 0, 0)
    assert after is not None
    return args._replace(entries=found, cursor=QuotaCursor(after, skipped, after.idtype == len(quota.IDTYPES)))


def _atend(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    return _cursor(quotas, args, *_given(args))


def _rewind(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    return _cursor(quotas, args, _START, _given(args)[1])


def _on(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    quotas.on(args.idtype)
    return args


def _off(ctx: Context, quotas: Quotas, args: QuotactlArgs) -> QuotactlArgs:
    quotas.off(args.idtype)
    return args


OPERATIONS: dict[int, Operation] = {
    const.QUOTACTL_STAT: _stat,
    const.QUOTACTL_IDTYPESTAT: _idtypestat,
    const.QUOTACTL_OBJTYPESTAT: _objtypestat,
    const.QUOTACTL_GET: _get,
    const.QUOTACTL_PUT: _put,
    const.QUOTACTL_DEL: _delete,
    const.QUOTACTL_CURSOROPEN: _open,
    const.QUOTACTL_CURSORCLOSE: _close,
    const.QUOTACTL_CURSORSKIPIDTYPE: _skip,
    const.QUOTACTL_CURSORGET: _cursorget,
    const.QUOTACTL_CURSORATEND: _atend,
    const.QUOTACTL_CURSORREWIND: _rewind,
    const.QUOTACTL_QUOTAON: _on,
    const.QUOTACTL_QUOTAOFF: _off,
}
_CHANGES = {
    const.QUOTACTL_PUT: Action.SYSTEM_FS_QUOTA_MANAGE,
    const.QUOTACTL_DEL: Action.SYSTEM_FS_QUOTA_MANAGE,
    const.QUOTACTL_QUOTAON: Action.SYSTEM_FS_QUOTA_ONOFF,
    const.QUOTACTL_QUOTAOFF: Action.SYSTEM_FS_QUOTA_ONOFF,
}
