"""How far away the other end of a connection is, and how long its segments may live (net.inet.tcp.mslt)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from rumpnet.core.tcp.sysctl import SLOWHZ
from rumpnet.core.tcp.wheel import MS, SECOND
from rumpwire.errno import KernelError

if TYPE_CHECKING:
    from rumpnet.core.tcp.tcb import Connection


class Distance(IntEnum):
    """Where a host is: here, in a network of ours, beyond a router."""

    LOOPBACK = 0
    LOCAL = 1
    REMOTE = 2


def distance(c: Connection) -> Distance:
    """By the route, and as far as mslt.remote_threshold goes by the round trip."""
    try:
        route = c.layer.route_of(c)
    except KernelError:
        return Distance.REMOTE
    if route.iface.loopback:
        return Distance.LOOPBACK
    threshold = c.layer.sysctl.mslt_threshold.value * MS
    far = route.gateway or (threshold and c.rtt.srtt >= threshold)
    return Distance.REMOTE if far else Distance.LOCAL


def time_wait_ns(c: Connection) -> int:
    """Twice the life of a segment, with mslt.enable as far as this one had to go."""
    sysctl = c.layer.sysctl
    msl = sysctl.msl
    if sysctl.mslt.value:
        msl = (sysctl.mslt_loopback, sysctl.mslt_local, sysctl.mslt_remote)[distance(c)]
    return 2 * msl.value * SECOND // SLOWHZ
