"""``rump top``: what a kernel does, again and again."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import rump
from rumpclients._command import UsageError, human, print_json
from rumpclients._net import requests
from rumpclients.mount import percent

_HOME, _CLEAR = "\033[H", "\033[J"
_LEAST_S = 0.1


def flags(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("-d", dest="seconds", type=float, default=2.0, metavar="S", help="seconds between two looks (2)")
    sub.add_argument("-n", dest="count", type=int, metavar="N", help="so many looks")
    sub.add_argument("--once", action="store_true", help="one look, over the seconds of -d")
    sub.add_argument("--json", action="store_true", help="a JSON object for each look, on a line of its own")


def top(k: rump.Client, options: argparse.Namespace) -> int:
    """Until q, Ctrl-C or the end of the count."""
    if options.seconds < _LEAST_S or (options.count is not None and options.count < 1):
        raise UsageError(f"-d is at least {_LEAST_S}, -n at least 1")
    left = 1 if options.once else options.count
    live = sys.stdout.isatty() and not options.json and not options.once
    with _keys(live) as wait, contextlib.suppress(KeyboardInterrupt):
        last, at = k.statistics(), time.monotonic()
        while left is None or left > 0:
            if wait(options.seconds):
                break
            found, now = k.statistics(), time.monotonic()
            _show(look(k, last, found, now - at), options, live=live)
            last, at = found, now
            left = None if left is None else left - 1
    return 0


@contextlib.contextmanager
def _keys(live: bool) -> Iterator[Callable[[float], bool]]:
    """What waits, and tells whether q was pressed meanwhile."""
    if not live or not sys.stdin.isatty():
        yield _sleep
        return
    import termios
    import tty

    fd = sys.stdin.fileno()
    kept = termios.tcgetattr(fd)
    tty.setcbreak(fd)

    def wait(seconds: float) -> bool:
        ready, _, _ = select.select([fd], [], [], seconds)
        return bool(ready) and os.read(fd, 1) in (b"q", b"Q", b"")

    try:
        yield wait
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, kept)


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _show(found: dict[str, Any], options: argparse.Namespace, *, live: bool) -> None:
    if options.json:
        print_json(found) if options.once else print(json.dumps(found))
    else:
        lines = text(found, shutil.get_terminal_size((100, 40)).lines - 1 if live else None)
        print((_HOME + _CLEAR if live else "") + "\n".join(lines))
    sys.stdout.flush()


# -- looking


def look(k: rump.Client, last: rump.Statistics, now: rump.Statistics, seconds: float) -> dict[str, Any]:
    """What happened between two statistics, and what there is."""
    return {
        "uptime_s": now["uptime_ms"] / 1000,
        "over_s": round(seconds, 3),
        "sessions": now["sessions"],
        "processes": now["processes"],
        "descriptors": now["descriptors"],
        "in_flight": now["in_flight"],
        "slow": now["slow"] - last["slow"],
        "components": _components(last, now, seconds),
        "calls": _calls(last, now, seconds),
        "mounts": _mounts(k),
        "interfaces": _interfaces(k),
    }


def _components(last: rump.Statistics, now: rump.Statistics, seconds: float) -> list[dict[str, Any]]:
    before = {u["name"]: u["cpu_nanoseconds"] for u in last["usage"]}
    usage = {u["name"]: u for u in now["usage"]}
    out = []
    for c in now["components"]:
        used = usage.get(c["name"])
        spent = used["cpu_nanoseconds"] - before.get(c["name"], 0) if used else 0
        out.append({
            "name": c["name"], "pid": c["pid"], "state": c["state"], "restarts": c["restarts"],
            "cpu_percent": round(max(0, spent) / seconds / 1e7, 1),
            "resident_bytes": used["resident_bytes"] if used else 0,
        })  # fmt: skip
    return out


def _calls(last: rump.Statistics, now: rump.Statistics, seconds: float) -> list[dict[str, Any]]:
    """Those that were made meanwhile, the most frequent first."""
    before = {c["call"]: c for c in last["calls"]}
    out = []
    for c in now["calls"]:
        old = before.get(c["call"])
        count = c["count"] - (old["count"] if old else 0)
        failed = sum(c["errors"].values()) - (sum(old["errors"].values()) if old else 0)
        spent = c["nanoseconds"] - (old["nanoseconds"] if old else 0)
        timed = sum(c["buckets"]) - (sum(old["buckets"]) if old else 0)
        if count > 0:
            out.append({
                "call": c["call"], "per_second": round(count / seconds, 1),
                "errors_per_second": round(failed / seconds, 1),
                "mean_us": round(spent / timed / 1000, 1) if timed else None,
            })  # fmt: skip
    return sorted(out, key=lambda call: -call["per_second"])


def _mounts(k: rump.Client) -> list[dict[str, Any]]:
    with contextlib.suppress(OSError):
        return [
            {
                "path": os.fsdecode(s.f_mntonname), "type": s.f_fstypename, "size": s.f_blocks * s.f_frsize,
                "used": (s.f_blocks - s.f_bfree) * s.f_frsize, "available": s.f_bavail * s.f_frsize,
            }
            for s in k.sys.getvfsstat(rump.ST_NOWAIT)
        ]  # fmt: skip
    return []


def _interfaces(k: rump.Client) -> list[dict[str, Any]]:
    with contextlib.suppress(OSError), requests(k) as asks:
        out = []
        for i in asks.ask(rump.SIOCGIFCONF).interfaces:
            data = asks.ask(rump.SIOCGIFDATA, rump.Ifreq(i.name))
            out.append({
                "name": i.name, "ipackets": data.ipackets, "ibytes": data.ibytes, "opackets": data.opackets,
                "obytes": data.obytes, "errors": data.ierrors + data.oerrors,
            })  # fmt: skip
        return out
    return []


# -- showing


def text(found: dict[str, Any], room: int | None = None) -> list[str]:
    """At most so many lines: of the calls only the most frequent ones then."""
    calls = sum(c["per_second"] for c in found["calls"])
    failed = sum(c["errors_per_second"] for c in found["calls"])
    head = [
        f"up {found['uptime_s']:.0f} s  {found['slow']} slow  {calls:.0f} calls/s  {failed:.0f} errors/s",
        "  ".join(f"{found[name]} {name}" for name in ("in_flight", "sessions", "processes", "descriptors")),
        "",
        *_table(["COMPONENT", "PID", "STATE", "RESTARTS", "%CPU", "MIB"],
                [[c["name"], c["pid"], c["state"], c["restarts"], c["cpu_percent"],
                  f"{c['resident_bytes'] / 2**20:.1f}"] for c in found["components"]]),
    ]  # fmt: skip
    tail = []
    if found["mounts"]:
        tail += ["", *_table(["MOUNT", "TYPE", "SIZE", "USED", "CAP"], [_mount_row(m) for m in found["mounts"]])]
    if found["interfaces"]:
        columns = ("name", "ipackets", "ibytes", "opackets", "obytes", "errors")
        names = ["INTERFACE", "IPKTS", "IBYTES", "OPKTS", "OBYTES", "ERRORS"]
        tail += ["", *_table(names, [[i[c] for c in columns] for i in found["interfaces"]])]
    rows = [[c["call"], c["per_second"], c["errors_per_second"], "-" if c["mean_us"] is None else c["mean_us"]]
            for c in found["calls"]]  # fmt: skip
    space = None if room is None else max(1, room - len(head) - len(tail) - 2)
    return [*head, "", *_table(["CALL", "CALLS/S", "ERRORS/S", "MEAN US"], rows[:space]), *tail][:room]


def _mount_row(m: dict[str, Any]) -> list[str]:
    return [m["path"], m["type"], human(m["size"]), human(m["used"]), percent(m["used"], m["used"] + m["available"])]


def _table(header: list[str], rows: list[list[Any]]) -> list[str]:
    """The first column stands left, numbers right."""
    table = [list(map(str, row)) for row in (header, *rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    left = [i == 0 or not _numeric(rows, i) for i in range(len(header))]
    return [
        " ".join((cell.ljust if left[i] else cell.rjust)(widths[i]) for i, cell in enumerate(row)).rstrip()
        for row in table
    ]


def _numeric(rows: list[list[Any]], column: int) -> bool:
    return all(str(row[column])[:1].isdigit() or row[column] == "-" for row in rows)
