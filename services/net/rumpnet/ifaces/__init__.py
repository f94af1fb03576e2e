"""The kinds of interfaces: each one file. `KINDS` are those that ifconfig can create."""

from __future__ import annotations

from collections.abc import Callable

from rumpnet.core.iface import Iface
from rumpnet.core.net import Net
from rumpnet.ifaces.lo import Loopback

KINDS: dict[str, Callable[[Net, str, int], Iface]] = {"lo": Loopback}
