"""The kinds of interfaces: each one file. `KINDS` are those that ifconfig can create."""

from __future__ import annotations

from collections.abc import Callable

from rumpnet.core.iface import Iface
from rumpnet.core.net import Net
from rumpnet.ifaces.bridge import Bridge
from rumpnet.ifaces.gif import Gif
from rumpnet.ifaces.lagg import Lagg
from rumpnet.ifaces.lo import Loopback
from rumpnet.ifaces.npflog import Npflog
from rumpnet.ifaces.shmif import Shmif
from rumpnet.ifaces.tap import Tap
from rumpnet.ifaces.tun import Tun
from rumpnet.ifaces.vether import Vether
from rumpnet.ifaces.virt import Virt
from rumpnet.ifaces.vlan import Vlan
from rumpnet.ifaces.wg import Wg

KINDS: dict[str, Callable[[Net, str, int], Iface]] = {
    kind.kind: kind for kind in (Loopback, Bridge, Gif, Lagg, Npflog, Shmif, Tap, Tun, Vether, Virt, Vlan, Wg)
}
